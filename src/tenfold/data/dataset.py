"""The shapes data has between rooms."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

DIGITS = tuple("0123456789")
"""The class names of MNIST and of every file that holds labels as numbers."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels.

    images: (n, 28, 28) uint8, 0-255, bright ink on dark.
    labels: (n,) int64, 0 to classes-1.
    """

    images: Images = field(repr=False)
    labels: Labels = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Split({len(self)} images)"


@dataclass(frozen=True, eq=False)
class Parts:
    """What one source holds, before a validation split is cut from `train`.

    `test` is None where the source has none. source: a phrase for people, with the path.
    """

    train: Split
    test: Split | None
    source: str
    class_names: tuple[str, ...] = DIGITS


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits and where they came from.

    `train` and `validation` share no image, unless the source repeats one; `test` never steers a choice.
    `test` is None where the source has none (a Kaggle-style CSV of labelled training images).
    sha256: of the images and labels as they came, before splitting: the data's identity in a card.
    """

    train: Split
    validation: Split
    test: Split | None
    source: str
    sha256: str
    class_names: tuple[str, ...] = DIGITS
