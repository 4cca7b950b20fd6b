"""The recipe `ink`: fit a network to other people's hands, and calibrate what it says of its own sureness."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Dataset, Split
from tenfold.making.augmentation import Hands
from tenfold.making.backend import keras
from tenfold.making.checkpoints import Keeper
from tenfold.making.drawing import Mixture, epochs
from tenfold.making.events import Event
from tenfold.making.fitting import Fitted
from tenfold.making.loop import Loop, Schedule
from tenfold.making.nondigits import nondigit
from tenfold.making.recipes import Recipe
from tenfold.making.runs import Row

Floats = NDArray[np.float64]

THRESHOLD = 0.75
"""Confidence below which the reader is unsure, chosen on simulated strangers (docs/architecture.md)."""

EXPECTED = 0.98
"""How many of the pictures a reader is shown have a digit: the odds that its refusals are calibrated for."""

ORDER = 1_000_000
"""Sets the key of an epoch's order apart from the keys of its drawings."""


def fit_hands(
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    tell: Callable[[Event], None],
    keeper: Keeper | None = None,
) -> Fitted:
    """Fit a network that also refuses, on images drawn afresh each epoch, and calibrate it.

    Takes and gives what `fitting.fit_stock` does. The weights kept are their moving average.

    Raises TrainingError where the loss is not finite.
    """
    keeper = keeper or Keeper()
    mixture = Mixture()
    view = _logits(model)
    schedule = Schedule(recipe.epochs, recipe.batch_size, recipe.rate)
    loop = Loop(view, schedule, mixture.size(len(dataset.train)) // recipe.batch_size)
    loop.train(
        draw=lambda first: epochs(dataset.train, seed, first, recipe.epochs, Hands(), mixture),
        order=lambda epoch, count: np.random.default_rng([seed, epoch, ORDER]).permutation(count),
        validate=lambda: _validate(view, dataset.validation),
        tell=tell,
        keeper=keeper,
    )
    temperature = _calibrate(model, view, dataset.validation, seed) if len(dataset.validation) else 1.0
    return Fitted(tuple(keeper.rows), len(keeper.rows), keeper.seconds, temperature, THRESHOLD)


def _logits(model: keras.Model) -> keras.Model:
    """The same network up to its logits: (n, classes), and (n, 1) of being a digit."""
    return keras.Model(model.input, [model.get_layer("logits").output, model.get_layer("digit_logit").output])


def _validate(view: keras.Model, split: Split) -> Row:
    if not len(split):
        return {}
    logits = view.predict(split.images, batch_size=500, verbose=0)[0]
    return {
        "val_loss": _log_loss(logits.astype(np.float64), split.labels),
        "val_accuracy": float((logits.argmax(axis=1) == split.labels).mean()),
    }


def _log_loss(logits: Floats, labels: NDArray[np.int64]) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return float((np.log(np.exp(shifted).sum(axis=1)) - right).mean())


def _calibrate(model: keras.Model, view: keras.Model, held_out: Split, seed: int) -> float:
    """Set the layers `temperature` and `trust` to what fits held-out digits and non-digits best.

    Returns the temperature. Sources: Guo, Pleiss, Sun and Weinberger 2017 (temperature scaling); Platt 1999.
    """
    logits, doubt = view.predict(held_out.images, batch_size=500, verbose=0)
    temperatures = np.geomspace(0.3, 3, 93)
    losses = [_log_loss(logits.astype(np.float64) / t, held_out.labels) for t in temperatures]
    temperature = float(temperatures[int(np.argmin(losses))])
    random = np.random.default_rng([seed, ORDER])
    count = max(100, len(held_out) // 3)
    others = [nondigit(held_out.images, held_out.labels, Hands(), random) for _ in range(count)]
    refused = view.predict(np.stack(others), batch_size=500, verbose=0)[1]
    scale, offset = _platt(doubt[:, 0].astype(np.float64), refused[:, 0].astype(np.float64))
    model.get_layer("temperature").scale = 1 / temperature
    trust = model.get_layer("trust")
    trust.scale, trust.offset = scale, offset
    return temperature


def _platt(digits: Floats, others: Floats) -> tuple[float, float]:
    """Scale and offset of a logit that best tell digits from others: logistic regression by Newton."""
    values = np.concatenate([digits, others])
    truth = np.concatenate([np.ones_like(digits), np.zeros_like(others)])
    terms = np.stack([values, np.ones_like(values)], axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(20):
        said = 1 / (1 + np.exp(-np.clip(terms @ found, -60, 60)))
        slope = terms.T @ (said - truth) / len(truth) + 1e-4 * (found - [1, 0])
        curve = (terms * (said * (1 - said))[:, None]).T @ terms / len(truth) + 1e-4 * np.eye(2)
        found -= np.linalg.solve(curve, slope)
    return float(found[0]), float(found[1]) + _log_odds(EXPECTED) - _log_odds(len(digits) / len(truth))


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
