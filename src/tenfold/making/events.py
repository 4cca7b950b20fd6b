"""What a training tells whoever watches it: plain values handed to `on_event`, in order.

Started, then per epoch any number of Progress and one EpochEnd, then Finished; a Note at any time.
"""

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
    """An epoch is done. The validation figures are None where nothing was held out; accuracies are 0-1."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


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


Event = Started | Progress | EpochEnd | Note | Finished
