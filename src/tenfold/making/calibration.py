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

AT_ONCE = 1000
"""Images that a network is shown at once when it is measured."""

OTHERS = 1_000_000
"""Sets the key of the non-digits calibrated on apart from the keys of a training's drawings."""


def logits_of(model: keras.Model) -> keras.Model:
    """The same network up to its logits: (n, classes), and (n, 1) of being a digit where it refuses."""
    names = ["logits", *(["digit_logit"] if refuses(model) else [])]
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


def refuses(model: keras.Model) -> bool:
    """Whether a network also says how likely there is a digit at all."""
    return any(layer.name == "digit_logit" for layer in model.layers)


def calibrate(
    model: keras.Model, view: keras.Model, held_out: Split, seed: int, said: list[Floats] | None = None
) -> float:
    """Set the layer `temperature`, and `trust` where it refuses, to what fits held-out images best.

    view: the model up to its logits; said: what it says of the held-out images, where that is known already.
    Returns the temperature.

    Sources: Guo, Pleiss, Sun and Weinberger 2017 (temperature scaling); Platt 1999.
    """
    logits, *doubt = outputs(view, held_out.images) if said is None else said
    temperatures = np.geomspace(0.3, 3, 93)
    losses = [log_loss(logits / t, held_out.labels) for t in temperatures]
    temperature = float(temperatures[int(np.argmin(losses))])
    model.get_layer("temperature").scale = 1 / temperature
    if doubt:
        random = np.random.default_rng([seed, OTHERS])
        count = max(100, len(held_out) // 3)
        others = [nondigit(held_out.images, held_out.labels, Hands(), random) for _ in range(count)]
        refused = outputs(view, np.stack(others))[1]
        trust = model.get_layer("trust")
        trust.scale, trust.offset = platt(doubt[0][:, 0], refused[:, 0])
    return temperature


def outputs(view: keras.Model, images: NDArray[np.uint8]) -> list[Floats]:
    """What the view says of images, called as it is: Keras' `predict` compiles first, which takes longer."""
    parts = []
    for start in range(0, len(images), AT_ONCE):
        said = view(images[start : start + AT_ONCE], training=False)
        parts.append(said if isinstance(said, list | tuple) else [said])
    return [np.concatenate(output).astype(np.float64) for output in zip(*parts, strict=True)]


def validate(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float]:
    """The loss and accuracy of logits (n, classes), as columns of history.csv."""
    return {
        "val_loss": log_loss(logits, labels),
        "val_accuracy": float((logits.argmax(axis=1) == labels).mean()),
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
