"""The handwriting the makers start from."""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import tenfold

SplitName = Literal["validation", "test"]


@lru_cache(maxsize=2)
def handwriting(split: SplitName) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(n, 28, 28) uint8 images and their labels; choices are made on validation, scores on test."""
    chosen = getattr(tenfold.load_mnist(), split)
    return chosen.images, chosen.labels
