"""From a picture of a page, a crop of one line, or a form's fields, to its numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import OptionError, PictureError
from tenfold.reading.answers import Mark, Number, Page, Point, Polygon
from tenfold.reading.decode import Pixels
from tenfold.reading.knowledge import Knowledge
from tenfold.reading.linereading import LineNetwork, LineReading
from tenfold.reading.numbers import DIGITS, Look, Marks, numbers_of
from tenfold.reading.pages import Layout, Line, is_tight, layouts, tight
from tenfold.reading.pictures import SMALLEST

Region = tuple[float, float, float, float]
"""A field of a form: left, top, width, height in the picture's pixels."""

QUARTERS = (0, 1, 2, 3)
LONELY = 24  # lines: so many are enough to tell which way is up
UPRIGHT = 1.15  # times: how much better another way up must read


@dataclass(frozen=True)
class Wish:
    """How a page is to be read.

    regions: only these fields, by name; None is the whole picture.
    knowledge: what is known of every number; marks: what points and commas mean (see `numbers`).
    """

    regions: Mapping[str, Region] | None = None
    knowledge: Knowledge = field(default_factory=Knowledge)
    marks: Marks = "unsure"


def read_page(pixels: Pixels, network: LineNetwork, look: Look, threshold: float, wish: Wish) -> Page:
    """Everything that is written in digits on one decoded picture.

    Raises PictureError on a picture too small to hold a digit, OptionError on a region outside it.
    """
    height, width = pixels.values.shape[:2]
    if min(height, width) < SMALLEST:
        raise PictureError(f"is {width}x{height} pixels; expected at least {SMALLEST}x{SMALLEST}")
    if wish.regions is None:
        numbers = _numbers(pixels.values, network, look, threshold, wish, QUARTERS)
    else:
        numbers = []
        for name, region in wish.regions.items():
            left, top, part = _cut(pixels.values, name, region)
            found = _numbers(part, network, look, threshold, wish, (0,))
            numbers += [_moved(replace(number, region=name), left, top) for number in found]
    return Page(tuple(numbers), (width, height), pixels.source, notes=pixels.notes)


def _numbers(
    values: NDArray[np.uint8],
    network: LineNetwork,
    look: Look,
    threshold: float,
    wish: Wish,
    quarters: tuple[int, ...],
) -> list[Number]:
    """The numbers of a page, turned by one of these quarter turns; a field of a form lies as it lies."""
    if is_tight(values):
        lines: Sequence[Line] = [tight(values)]
        readings = network.read([line.image for line in lines])
    else:
        lines, readings = _upright(layouts(values, quarters), network)
    return numbers_of(lines, readings, look, threshold, wish.knowledge, wish.marks)


def _upright(ways: Sequence[Layout], network: LineNetwork) -> tuple[Sequence[Line], list[LineReading]]:
    """Of a page turned several ways, the one that reads best; as it lies, unless one is clearly better."""
    best = ways[0]
    if len(ways) > 1:
        worths = [_worth(way, network) for way in ways]
        if max(worths) >= UPRIGHT * worths[0]:
            best = ways[int(np.argmax(worths))]
    return best.lines, network.read([line.image for line in best.lines])


def _worth(way: Layout, network: LineNetwork) -> float:
    """How much a page reads as digits, turned this way, from one quick look at some of its lines."""
    chosen = _spread(way.lines, LONELY)
    readings = network.read([line.image for line in chosen], again=False)
    return sum(map(_sense, readings)) / max(1, len(chosen)) * len(way.lines)


def _spread(lines: Sequence[Line], most: int) -> Sequence[Line]:
    if len(lines) <= most:
        return lines
    return [lines[int(i)] for i in np.linspace(0, len(lines) - 1, most)]


def _sense(reading: LineReading) -> float:
    """How much of a line reads as digits, each counted by its confidence; other ink counts against it."""
    if not reading.candidates:
        return 0.0
    best = reading.candidates[0]
    signs = [s.confidence**2 if s.kind in DIGITS else -0.4 if s.kind == "other" else 0 for s in best.symbols]
    return max(0.0, float(sum(signs))) * math.sqrt(best.probability)


def _cut(values: NDArray[np.uint8], name: str, region: Region) -> tuple[int, int, NDArray[np.uint8]]:
    height, width = values.shape[:2]
    if len(region) != 4 or not all(np.isfinite(region)):
        raise OptionError(f"region {name!r} is {region}; expected left, top, width, height in pixels")
    left, top = round(region[0]), round(region[1])
    right, bottom = round(region[0] + region[2]), round(region[1] + region[3])
    if left < 0 or top < 0 or right > width or bottom > height or min(right - left, bottom - top) < SMALLEST:
        raise OptionError(
            f"region {name!r} ({','.join(f'{v:g}' for v in region)}) is not inside the picture of "
            f"{width}x{height} pixels, or smaller than {SMALLEST}x{SMALLEST}; "
            "expected left, top, width, height"
        )
    return left, top, np.ascontiguousarray(values[top:bottom, left:right])


def _moved(number: Number, left: int, top: int) -> Number:
    """A number's boxes, from a region's pixels to the picture's."""

    def move(box: Polygon) -> Polygon:
        points: list[Point] = [(x + left, y + top) for x, y in box]
        return tuple(points)

    digits = tuple(replace(digit, box=move(digit.box) if digit.box else None) for digit in number.digits)
    marks: tuple[Mark, ...] = tuple(replace(mark, box=move(mark.box)) for mark in number.marks)
    return replace(number, box=move(number.box), digits=digits, marks=marks)
