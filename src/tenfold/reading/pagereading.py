"""From a picture of a page, a crop of one line, or a form's fields, to its numbers."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import OptionError, PictureError
from tenfold.reading.answers import Mark, Number, Page, Point, Polygon
from tenfold.reading.decode import Pixels
from tenfold.reading.knowledge import Knowledge
from tenfold.reading.linereading import Candidate, LineNetwork, LineReading
from tenfold.reading.numbers import DIGITS, Look, Marks, doubted, numbers_of
from tenfold.reading.pages import Layout, Line, crop_of_line, fields, layouts
from tenfold.reading.pictures import SMALLEST

Region = tuple[float, float, float, float]
"""A field of a form: left, top, width, height in the picture's pixels."""

SURE = 0.8
"""The least confidence of a sure number, and of each digit in it, whatever suffices a digit alone.

Of the numbers that a threshold of 0.75 adds, one in four is wrong (made pages, validation digits).
"""

QUARTERS = (0, 2, 1, 3)
LONELY = 24  # lines: so many are enough to tell which way is up
BETTER = (1.0, 1.15, 1.5, 1.15)  # times: how much better a page must read after so many quarter turns
LEVEL = 0.5  # share of a page that reads as digits: one on its side has less
WORDLY = 1.5  # times its height: width from which other ink may be a word
LONG = 4.0  # times its height: a longer word counts no more
FEW = 5  # digits: fewer do not tell for sure which way is up
ALONE = 0.3  # what a digit that stands alone counts


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

    threshold: of the reader; see SURE.

    Raises PictureError on a picture too small to hold a digit, OptionError on a region outside it.
    """
    height, width = pixels.values.shape[:2]
    if min(height, width) < SMALLEST:
        raise PictureError(f"is {width}x{height} pixels; expected at least {SMALLEST}x{SMALLEST}")

    def read(lines: Sequence[Line], readings: Sequence[LineReading]) -> list[Number]:
        return numbers_of(lines, readings, look, max(threshold, SURE), wish.knowledge, wish.marks)

    notes: tuple[str, ...] = ()
    if wish.regions is not None:
        numbers = _in_fields(pixels.values, wish.regions, network, read)
    elif (line := crop_of_line(pixels.values)) is not None:
        numbers = read([line], network.read([line.image]))
    else:
        numbers, notes = _on_page(layouts(pixels.values, QUARTERS), network, read)
    return Page(tuple(numbers), (width, height), pixels.source, notes=(*pixels.notes, *notes))


_Read = Callable[[Sequence[Line], Sequence[LineReading]], list[Number]]


def _in_fields(
    values: NDArray[np.uint8], regions: Mapping[str, Region], network: LineNetwork, read: _Read
) -> list[Number]:
    """The numbers in each field of a form, which lies as it lies.

    A field is a part of its page, whose printed boxes are found on the whole of it; where no box stands in
    the field, it may be a crop of one line.
    """
    boxes = {name: _box(values, name, region) for name, region in regions.items()}
    numbers = []
    for (name, (left, top, right, bottom)), layout in zip(
        boxes.items(), fields(values, boxes.values()), strict=True
    ):
        boxed = any(rule.upright for rule in layout.rules)
        crop = None if boxed else crop_of_line(values[top : bottom + 1, left : right + 1])
        lines = layout.lines if crop is None else (crop,)
        found = read(lines, network.read([line.image for line in lines]))
        if crop is not None:
            found = [_moved(number, left, top) for number in found]
        numbers += [replace(number, region=name) for number in found]
    return numbers


def _on_page(
    ways: Iterator[Layout], network: LineNetwork, read: _Read
) -> tuple[list[Number], tuple[str, ...]]:
    """The numbers of a page that may lie on its head or side, and a note where it does.

    Few digits may read as well on their head, such as 16 and 91; they are unsure where the page was turned.
    """
    way = _upright(ways, network)
    numbers = read(*way.read(network))
    if not way.quarters or not numbers:
        return numbers, ()
    if sum(len(number.text) for number in numbers) < FEW:
        numbers = [doubted(number, "few digits to tell which way is up") for number in numbers]
    return numbers, (f"read turned by {90 * min(way.quarters, 4 - way.quarters)} degrees",)


def _upright(ways: Iterator[Layout], network: LineNetwork) -> "_Way":
    """Of a page turned several ways, the one that reads best; as it lies, unless one is clearly better.

    On its head most of all: 6, 9, 8, 0 and 1 read as well there, and units and labels become digits.
    ways: as it lies, on its head, and on either side; no more of them are laid out than can matter.
    """
    found: list[_Way] = []
    for way in ways:
        found.append(_Way(way, network))
        if BETTER[2] * found[-1].share >= 1 or (len(found) > 1 and found[0].share >= LEVEL):
            break
    return max(found, key=lambda way: way.worth / BETTER[way.quarters])


class _Way:
    """A page turned one way, with a quick look at some of its lines.

    quarters: the turns. share: how much of what stands there reads as digits, at most 1; worth: how well a
        line reads this way.
    """

    def __init__(self, layout: Layout, network: LineNetwork) -> None:
        self.quarters = layout.quarters
        self._lines = layout.lines
        chosen = _spread(len(self._lines), LONELY)
        looks = network.glance([self._lines[i].image for i in chosen])
        self._looks = dict(zip(chosen, looks, strict=True))
        best = [look.best for look in looks]
        self.share = sum(map(_sense, best)) / max(1, sum(len(candidate.symbols) for candidate in best))
        shown = (_worth(self._lines[i], candidate) for i, candidate in zip(chosen, best, strict=True))
        self.worth = sum(shown) / max(1, len(best))

    def read(self, network: LineNetwork) -> tuple[Sequence[Line], list[LineReading]]:
        """All of its lines, and what they say."""
        rest = [i for i in range(len(self._lines)) if i not in self._looks]
        self._looks |= zip(rest, network.glance([self._lines[i].image for i in rest]), strict=True)
        return self._lines, network.read_on([self._looks[i] for i in range(len(self._lines))])


def _spread(count: int, most: int) -> list[int]:
    """At most so many places, evenly spread."""
    return [int(i) for i in np.linspace(0, count - 1, most)] if count > most else list(range(count))


def _sense(best: Candidate) -> float:
    """How much of a line reads as digits, each counted by its confidence; other ink counts against it."""
    signs = [s.confidence**2 if s.kind in DIGITS else -0.4 if s.kind == "other" else 0 for s in best.symbols]
    return max(0.0, float(sum(signs))) * math.sqrt(best.probability)


def _worth(line: Line, best: Candidate) -> float:
    """How much a line looks as if it lay this way: digits beside one another, or a word.

    A line longer than high that says nothing but other ink is a word, and counts as digits as wide. A single
    digit counts little: of a text on its side each letter stands alone, and an o is a 0.
    """
    kinds = [symbol.kind for symbol in best.symbols]
    if kinds and set(kinds) == {"other"}:
        height, width = line.image.shape
        shape = width / height
        return min(shape, LONG) * math.sqrt(best.probability) if shape > WORDLY else 0.0
    return _sense(best) * (ALONE if sum(kind in DIGITS for kind in kinds) < 2 else 1.0)


def _box(values: NDArray[np.uint8], name: str, region: Region) -> tuple[int, int, int, int]:
    """A region as left, top, right, bottom, the last two its last pixel's. Raises OptionError."""
    height, width = values.shape[:2]
    try:
        ours = len(region) == 4 and all(math.isfinite(value) for value in region)
    except (TypeError, OverflowError):
        ours = False
    if not ours:
        raise OptionError(f"region {name!r} is {region!r}; expected left, top, width, height in pixels")
    left, top = round(region[0]), round(region[1])
    right, bottom = round(region[0] + region[2]), round(region[1] + region[3])
    if left < 0 or top < 0 or right > width or bottom > height or min(right - left, bottom - top) < SMALLEST:
        raise OptionError(
            f"region {name!r} ({','.join(f'{v:g}' for v in region)}) is not inside the picture of "
            f"{width}x{height} pixels, or smaller than {SMALLEST}x{SMALLEST}; "
            "expected left, top, width, height"
        )
    return left, top, right - 1, bottom - 1


def _moved(number: Number, left: int, top: int) -> Number:
    """A number's boxes, from a region's pixels to the picture's."""

    def move(box: Polygon) -> Polygon:
        points: list[Point] = [(x + left, y + top) for x, y in box]
        return tuple(points)

    digits = tuple(replace(digit, box=move(digit.box) if digit.box else None) for digit in number.digits)
    marks: tuple[Mark, ...] = tuple(replace(mark, box=move(mark.box)) for mark in number.marks)
    return replace(number, box=move(number.box), digits=digits, marks=marks)
