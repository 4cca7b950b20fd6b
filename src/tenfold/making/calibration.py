"""Calibration: what a network says of its own sureness, set to what held-out images show."""

import math

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Split
from tenfold.making.augmentation import Hands
from tenfold.making.backend import keras
from tenfold.making.nondigits import nondigit

Floats = NDArray[np.float64]

EXPECTED = 0.99
"""How many of the pictures a reader is shown have a digit: the odds that its refusals are calibrated for."""

OTHERS = 1_000_000
"""Sets the key of the non-digits calibrated on apart from the keys of a training's drawings."""


def logits_of(model: keras.Model) -> keras.Model:
    """The same network up to its logits: (n, classes), and (n, 1) of being a digit where it refuses."""
    names = ["logits", *(["digit_logit"] if refuses(model) else [])]
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


def refuses(model: keras.Model) -> bool:
    """Whether a network also says how likely there is a digit at all."""
    return any(layer.name == "digit_logit" for layer in model.layers)


def calibrate(model: keras.Model, view: keras.Model, held_out: Split, seed: int) -> float:
    """Set the layer `temperature`, and `trust` where it refuses, to what fits held-out images best.

    view: the model up to its logits. Returns the temperature.

    Sources: Guo, Pleiss, Sun and Weinberger 2017 (temperature scaling); Platt 1999.
    """
    logits, *doubt = _outputs(view, held_out.images)
    temperatures = np.geomspace(0.3, 3, 93)
    losses = [log_loss(logits / t, held_out.labels) for t in temperatures]
    temperature = float(temperatures[int(np.argmin(losses))])
    model.get_layer("temperature").scale = 1 / temperature
    if doubt:
        random = np.random.default_rng([seed, OTHERS])
        count = max(100, len(held_out) // 3)
        others = [nondigit(held_out.images, held_out.labels, Hands(), random) for _ in range(count)]
        refused = _outputs(view, np.stack(others))[1]
        trust = model.get_layer("trust")
        trust.scale, trust.offset = platt(doubt[0][:, 0], refused[:, 0])
    return temperature


def _outputs(view: keras.Model, images: NDArray[np.uint8]) -> list[Floats]:
    said = view.predict(images, batch_size=500, verbose=0)
    return [np.asarray(output, np.float64) for output in (said if isinstance(said, list | tuple) else [said])]


def validate(view: keras.Model, split: Split) -> dict[str, float]:
    """The loss and accuracy of logits on a split, as columns of history.csv; empty where it is."""
    if not len(split):
        return {}
    logits = _outputs(view, split.images)[0]
    return {
        "val_loss": log_loss(logits, split.labels),
        "val_accuracy": float((logits.argmax(axis=1) == split.labels).mean()),
    }


def log_loss(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Mean cross-entropy of logits (n, classes) against labels (n,), in nats."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return float((np.log(np.exp(shifted).sum(axis=1)) - right).mean())


def platt(digits: Floats, others: Floats) -> tuple[float, float]:
    """Scale and offset of a logit that best tell digits from others: logistic regression by Newton.

    The offset is for EXPECTED digits among the pictures, whatever the shares here.
    """
    values = np.concatenate([digits, others])
    truth = np.concatenate([np.ones_like(digits), np.zeros_like(others)])
    terms = np.stack([values, np.ones_like(values)], axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(20):
        said = 1 / (1 + np.exp(-np.clip(terms @ found, -60, 60)))
        slope = terms.T @ (said - truth) / len(truth) + 1e-4 * (found - [1, 0])
        curve = (terms * (said * (1 - said))[:, None]).T @ terms / len(truth) + 1e-4 * np.eye(2)
        found -= np.linalg.solve(curve, slope)
    return float(found[0]), float(found[1]) + log_odds(EXPECTED) - log_odds(len(digits) / len(truth))


def log_odds(share: float) -> float:
    """The logit of a share between 0 and 1."""
    return math.log(share / (1 - share))
