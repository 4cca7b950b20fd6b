"""Connected pieces of ink, and which of them can be writing."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.geometry import weighted_median

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

MOST = 4000  # pieces: a picture with more is texture, of which the largest are kept
SPECK = 0.16  # of the writing's height: a piece smaller than this is a speck or a point
TALL = 4.0  # times the writing's height: a piece larger than this is no writing
DASH = 10.0  # times its height that a dash is wide, and no touching digits are
BAR = 0.88  # of its box that a solid bar fills


@dataclass(frozen=True, eq=False)
class Pieces:
    """n connected pieces of ink.

    names: (h, w) int32, the piece's number plus 1 at each of its pixels, 0 elsewhere.
    boxes: (n, 4) left, top, right, bottom; right and bottom are the last pixel's.
    areas: (n,) in pixels. centres: (n, 2).
    """

    names: NDArray[np.int32] = field(repr=False)
    boxes: Floats
    areas: Floats
    centres: Floats

    @property
    def widths(self) -> Floats:
        """(n,) in pixels."""
        return np.asarray(self.boxes[:, 2] - self.boxes[:, 0] + 1)

    @property
    def heights(self) -> Floats:
        """(n,) in pixels."""
        return np.asarray(self.boxes[:, 3] - self.boxes[:, 1] + 1)


def find_pieces(mask: Pixels) -> Pieces:
    """The connected pieces of a mask, (h, w) uint8, non-zero on ink."""
    _, names, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    left, top, width, height, area = np.asarray(stats[1:], np.float64).T
    boxes = np.stack([left, top, left + width - 1, top + height - 1], axis=1)
    return Pieces(np.asarray(names, np.int32), boxes, area.copy(), np.asarray(centres[1:], np.float64))


def usual_height(pieces: Pieces) -> float:
    """The height of the writing: the middle one, each piece weighted by its ink. 0 where there is none."""
    tall = pieces.heights
    usable = _plausible(pieces) & (tall >= 5) & (pieces.widths < DASH * tall)
    if not usable.any():
        return 0.0
    tall, weight = tall[usable], np.sqrt(pieces.areas[usable]) * np.minimum(tall[usable], 60)
    return weighted_median(tall, weight)


def _plausible(pieces: Pieces) -> NDArray[np.bool_]:
    """Pieces that are neither frames, bars nor shading by their shape alone."""
    rows, columns = pieces.names.shape
    width, height = pieces.widths, pieces.heights
    filling = pieces.areas / (width * height)
    long = np.maximum(width / height, height / width)
    bar = (filling > BAR) & (np.maximum(width, height) > 12) & (long > 9)
    block = (filling > 0.7) & (np.minimum(width, height) > 40)
    frame = (width > 0.9 * columns) & (height > 0.5 * rows) & (pieces.areas > 0.3 * rows * columns)
    return np.asarray(~(bar | block | frame) & (pieces.areas >= 3))


def sort_pieces(pieces: Pieces, height: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which pieces are writing of about a height, and which are small marks (points, bars, broken bits)."""
    width, tall = pieces.widths, pieces.heights
    usable = _plausible(pieces)
    huge = (tall > TALL * height) | ((width > 3 * TALL * height) & (tall > 2 * height))
    size = np.maximum(tall, 0.5 * width)
    body = usable & ~huge & (tall >= 0.33 * height) & (size >= 0.4 * height)
    mark = usable & ~huge & ~body & (np.maximum(tall, width) >= max(2.0, 0.04 * height))
    bodies, marks = np.flatnonzero(body), np.flatnonzero(mark)
    if len(bodies) > MOST:
        bodies = np.sort(bodies[np.argsort(-pieces.areas[bodies])[:MOST]])
    if len(marks) > MOST:
        marks = np.sort(marks[np.argsort(-pieces.areas[marks])[:MOST]])
    return bodies, marks
