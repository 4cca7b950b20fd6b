"""The line network's side that needs no TensorFlow: a line's ink to its input, its answers to texts."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import PictureError

Ink = NDArray[np.uint8]
"""(h, w) uint8, bright ink on dark paper."""

HEIGHT = 40  # rows of the network's input
STRIDE = 4  # input pixels a column of its answers
SYMBOLS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "point", "comma", "minus", "other")
BLANK = len(SYMBOLS)
WIDEST = 4096  # columns; a longer line is squeezed
_FAINTEST = 28.0  # grey levels between paper and ink below which contrast is not stretched further


def normalise(ink: Ink) -> Ink:
    """A line's ink (h, w) at the network's height, (40, w'), paper at 0 and ink near 255.

    Raises PictureError where there are no pixels.
    """
    if ink.ndim != 2 or 0 in ink.shape:
        raise PictureError(f"an array of shape {ink.shape} is no line of ink: expected (h, w)")
    rows, columns = ink.shape
    if rows != HEIGHT:
        width = min(WIDEST, max(1, round(columns * HEIGHT / rows)))
        how = cv2.INTER_AREA if rows > HEIGHT else cv2.INTER_LINEAR
        ink = np.asarray(cv2.resize(ink, (width, HEIGHT), interpolation=how), np.uint8)
    counts = np.cumsum(np.bincount(ink.ravel(), minlength=256))
    low, high = (float(np.searchsorted(counts, share * ink.size)) for share in (0.4, 0.99))
    gain = 230 / max(high - low, _FAINTEST)
    table = ((np.arange(256) - low) * gain).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(ink, table), np.uint8)


def best_path(log_probabilities: NDArray[np.float32]) -> list[tuple[int, ...]]:
    """The symbols on the likeliest path of each line: (n, columns, 15) to n runs of indices into SYMBOLS."""
    paths = log_probabilities.argmax(-1)
    changed = np.ones(paths.shape, bool)
    changed[:, 1:] = paths[:, 1:] != paths[:, :-1]
    kept = changed & (paths != BLANK)
    return [tuple(path[keep].tolist()) for path, keep in zip(paths, kept, strict=True)]
