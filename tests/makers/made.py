"""What the makers of pages give back."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Quad = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class MadeNumber:
    """One number that stands on a page.

    text: its digits. box: top left, top right, bottom right, bottom left around its ink, as one reads it.
    touching: two of its digits share ink. marks: (kind, digits before it): points, commas, a minus.
    """

    text: str
    box: Quad
    touching: bool
    marks: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, eq=False)
class MadePage:
    """A picture with the numbers that stand on it.

    picture: (height, width) or (height, width, 3) uint8. numbers: in reading order.
    lines: the same numbers' positions in `numbers`, line by line. style: how it was made.
    """

    picture: NDArray[np.uint8] = field(repr=False)
    numbers: tuple[MadeNumber, ...]
    lines: tuple[tuple[int, ...], ...]
    style: str
