"""Ensembles: networks trained alike from several seeds become one, which gives the mean of what they say."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenfold.data import Split
from tenfold.making.backend import keras
from tenfold.making.beginnings import load_network
from tenfold.making.calibration import calibrate, logits_of
from tenfold.making.fitting import Fitted
from tenfold.making.networks import IMAGE
from tenfold.making.runs import DIGITS, Row, Run

LEAST = 1e-30
"""A mean probability is no smaller before its logarithm is taken: float32 has the logarithm of no less."""

SUREST = 1e-7
"""The probability of a digit keeps so far from 0 and 1 before its logit is taken."""


def join(members: Sequence[Run], held_out: Split, seed: int) -> tuple[keras.Model, Fitted]:
    """The runs of one recipe as one network, calibrated on held-out images as each of them was.

    seed: of the non-digits that refusing is calibrated on. In what is told of the fitting, the seconds are
    those of all, the kept epoch is the last of any. Raises RunError where a network cannot be read.
    """
    model = combine([load_network(run.folder) for run in members])
    temperature = calibrate(model, logits_of(model), held_out, seed) if len(held_out) else 1.0
    fitted = Fitted(
        history=mean_history([run.history for run in members]),
        kept_epoch=max(run.metrics["kept_epoch"] for run in members),
        seconds=sum(run.metrics["seconds"]["fit"] for run in members),
        temperature=temperature,
        threshold=members[0].reader().card.threshold,
    )
    return model, fitted


def combine(networks: Sequence[keras.Model]) -> keras.Model:
    """Networks side by side as one, which gives the mean of their probabilities, and of being a digit at all.

    From there on it has the layers of one network that is calibrated. The logarithms of the mean serve as
    logits: softmax(log(mean) / temperature), which at a temperature of 1 is the mean itself; for a digit at
    all, the logit of the mean. Calibration comes after averaging, for the mean of calibrated networks is less
    sure than it is right.

    Sources: Lakshminarayanan, Pritzel and Blundell 2017 (deep ensembles: the mean of probabilities); Rahaman
    and Thiery 2021 (pool, then calibrate by a temperature).
    """
    layers, ops = keras.layers, keras.ops
    images = keras.Input(IMAGE, dtype="uint8", name="images")  # (n, 28, 28)
    # Each under a name of its own: Keras tells layers apart by their names.
    named = [keras.Model(n.inputs, n.outputs, name=f"member_{i}") for i, n in enumerate(networks, 1)]
    said = [network(images) for network in named]
    probabilities, *is_digit = (
        layers.Average(name=f"mean_{name}")(list(each))
        for name, each in zip(
            ("probabilities", "is_digit"), zip(*map(_as_list, said), strict=True), strict=False
        )
    )
    logits = layers.Identity(name="logits")(ops.log(ops.maximum(probabilities, LEAST)))  # (n, classes)
    outputs = [layers.Softmax(name="probabilities")(layers.Rescaling(1.0, name="temperature")(logits))]
    for mean in is_digit:
        mean = ops.clip(mean, SUREST, 1 - SUREST)
        logit = layers.Identity(name="digit_logit")(ops.log(mean) - ops.log(1 - mean))  # (n, 1)
        outputs += [layers.Activation("sigmoid", name="is_digit")(layers.Rescaling(1.0, name="trust")(logit))]
    return keras.Model(images, outputs if is_digit else outputs[0], name="ensemble")


def _as_list(said: Any) -> list[Any]:
    return list(said) if isinstance(said, list | tuple) else [said]


def mean_history(histories: Sequence[Sequence[Row]]) -> tuple[Row, ...]:
    """The mean of each epoch over the trainings that came as far: early stopping may end some sooner."""
    longest = max(histories, key=len)
    reached = ([rows[i] for rows in histories if i < len(rows)] for i in range(len(longest)))
    return tuple(
        {name: round(float(np.mean([row[name] for row in rows])), DIGITS) for name in rows[0]}
        | {"epoch": epoch}
        for epoch, rows in enumerate(reached, 1)
    )


def describe_members(members: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Of each figure the members' values, in the order of their seeds, with mean and standard deviation."""
    return {
        name: {
            "each": (each := [run.figures[name] for run in members]),
            "mean": float(np.mean(each)),
            "sd": float(np.std(each, ddof=1)),
        }
        for name in members[0].figures
    }
