"""What a training tells whoever watches it: plain values handed to `on_event`, in order.

Started, then per epoch any number of Progress and one EpochEnd, then Finished; a Note at any time. Of an
ensemble, Member before each of its networks, whose own events follow; the last Finished is that of the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tenfold.making.recipes import Recipe


@dataclass(frozen=True)
class Started:
    """Training is about to begin.

    train, validation, test: how many images each split has (test is 0 where there is none).
    batches: in one epoch. parameters: of the network.
    """

    folder: Path
    recipe: Recipe
    source: str
    train: int
    validation: int
    test: int
    batches: int
    parameters: int


@dataclass(frozen=True)
class Member:
    """The next of an ensemble's networks, counted from 1. finished: it was trained earlier."""

    number: int
    count: int
    seed: int
    finished: bool


@dataclass(frozen=True)
class Progress:
    """Somewhere inside an epoch; at most about ten a second. Loss and accuracy are the epoch's so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class EpochEnd:
    """An epoch is done. The validation figures are None where nothing was held out; accuracies are 0-1.

    images_per_second: in training, without the validation.
    """

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Note:
    """Something the user should know."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The run folder is whole."""

    folder: Path
    files: tuple[str, ...]
    seconds: float


def end_of_epoch(row: Mapping[str, float], epochs: int, images_per_second: float) -> EpochEnd:
    """The end of an epoch as its row of history.csv tells it."""
    return EpochEnd(
        int(row["epoch"]),
        epochs,
        row["loss"],
        row["accuracy"],
        row.get("val_loss"),
        row.get("val_accuracy"),
        row["seconds"],
        images_per_second,
    )


Event = Started | Member | Progress | EpochEnd | Note | Finished
