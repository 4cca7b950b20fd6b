"""What the layout of a page is made of: plain values."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.answers import Polygon
from tenfold.reading.pages.geometry import Matrix, polygon

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Edges:
    """Which sides of a crop have ink that the picture's edge cuts, as one reads the crop."""

    left: bool = False
    right: bool = False
    top: bool = False
    bottom: bool = False

    def __bool__(self) -> bool:
        return self.left or self.right or self.top or self.bottom


@dataclass(frozen=True, eq=False)
class Line:
    """One candidate for a number: a strip of ink, upright and level.

    image: (h, w) uint8, bright ink on dark; the pen near 255, paper near 0, edges soft; a margin of about
        a sixth of the text's height on each side.
    to_page: (3, 3) homography from the crop's pixels to the user's picture.
    page_size: width and height of the user's picture.
    row: which row of the page it stands in, from 0; numbers side by side share one.
    text_height: of its digits, in the crop's pixels.
    touches_edge: where the picture's edge cuts its ink.
    """

    image: Pixels = field(repr=False)
    to_page: Matrix = field(repr=False)
    page_size: tuple[int, int]
    row: int
    text_height: float
    touches_edge: Edges = Edges()

    def polygon(self, box: tuple[float, float, float, float] | None = None) -> Polygon:
        """A box of the crop (left, top, right, bottom; None: all of it) in the user's picture."""
        height, width = self.image.shape
        return polygon(self.to_page, box or (0, 0, width - 1, height - 1), self.page_size)


@dataclass(frozen=True)
class Rule:
    """A printed line that was taken out: its middle line in the user's picture, and its width there.

    upright: whether it runs down the page as one reads it; such a rule stands between cells.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    thickness: float
    upright: bool


@dataclass(frozen=True, eq=False)
class Layout:
    """What is to be read on a page.

    lines: in reading order.
    sheet: corners of the sheet of paper in the user's picture, where one lies in it; None where the
        picture is the sheet.
    rules: the lines of forms and ruled paper that were taken out.
    size: width and height of the user's picture.
    quarters: turns by 90 degrees (anticlockwise, as `numpy.rot90`) that bring the page upright.
    """

    lines: tuple[Line, ...]
    sheet: Polygon | None
    rules: tuple[Rule, ...]
    size: tuple[int, int]
    quarters: int = 0
