"""From a picture of a page to the lines that a network will read."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.answers import Polygon
from tenfold.reading.pages.copies import Copies
from tenfold.reading.pages.crops import cut
from tenfold.reading.pages.geometry import move
from tenfold.reading.pages.plate import Box, Plate, View, look, make_plate
from tenfold.reading.pages.rules import tilt
from tenfold.reading.pages.shapes import Layout, Rule
from tenfold.reading.pages.strips import find_strips
from tenfold.reading.pages.traces import Trace

Pixels = NDArray[np.uint8]

LARGEST = 2200  # pixels: longest side of the copy that is read,
CLOSEST = 3600  # pixels: and of it where writing is small
TEXT = 46  # pixels: height of writing aimed at
SMALL = 22  # pixels: writing lower than this is looked at from nearer still
LEVEL = 0.2  # degrees: rules turned by less are level


def layout(picture: Pixels, quarters: int = 0) -> Layout:
    """The lines of writing on a page, in reading order; none on blank paper.

    picture: (h, w) grey or (h, w, 3) RGB, uint8.
    quarters: turns by 90 degrees (anticlockwise, as `numpy.rot90`) to make first, for a page that lies
        on its side or head. Which it is, only reading can tell: see `layouts`.
    """
    return next(layouts(picture, (quarters,)))


def layouts(picture: Pixels, quarters: tuple[int, ...] = (0, 2, 1, 3)) -> Iterator[Layout]:
    """The page laid out for one number of quarter turns after the other; the costliest part is done once."""
    height, width = picture.shape[:2]
    plate, view = _plate(picture)
    sheet = None
    if view.corners is not None:
        inside = np.clip(view.corners, 0, np.array([width, height]) - 1.0)
        sheet = tuple((round(float(x), 2), round(float(y), 2)) for x, y in inside)
    whole = (0.0, 0.0, width - 1.0, height - 1.0)
    for turns in quarters:
        yield _laid_out(plate.turned(turns), sheet, (width, height), whole, turns % 4)


def fields(picture: Pixels, boxes: Iterable[Box]) -> Iterator[Layout]:
    """Parts of a page laid out each by itself, as the page lies: its rules are found on the whole of it.

    boxes: left, top, right, bottom in the picture's pixels; ink that these cut is at its lines' edges.
    """
    plate, _ = _plate(picture)
    height, width = picture.shape[:2]
    for box in boxes:
        yield _laid_out(plate.within(box), None, (width, height), box, 0)


def _plate(picture: Pixels) -> tuple[Plate, View]:
    """Look from afar for the sheet and the height of writing, then from as near as that asks for."""
    copies = Copies(picture)
    long_side = max(copies.height, copies.width)
    scale = copies.afar
    view = look(copies, scale)
    first = make_plate(copies, view, scale)
    text = _text_height(first)
    turned = tilt(first.rules)
    if abs(turned) > LEVEL:
        view = View(view.corners, view.angle + turned, view.dark)
    near = _nearer(scale, text, long_side)
    return make_plate(copies, view, near, text * near / scale), view


def _nearer(scale: float, text: float, long_side: int) -> float:
    """The scale at which to read, from the scale of the first look and the writing's height there."""
    if scale == 1:
        return 1.0
    wanted = scale * TEXT / text if text else LARGEST / long_side
    limit = LARGEST / long_side
    if text and text * limit / scale < SMALL:
        limit = min(CLOSEST / long_side, scale * 1.5 * SMALL / text)
    return float(min(1.0, max(scale, min(wanted, limit))))


def _text_height(plate: Plate) -> float:
    _, strips = find_strips(plate.mask, plate.rules)
    return float(np.quantile([s.height for s in strips], 0.3)) if strips else 0.0


def _laid_out(plate: Plate, sheet: Polygon | None, size: tuple[int, int], box: Box, quarters: int) -> Layout:
    pieces, strips = find_strips(plate.mask, plate.rules)
    lines = tuple(cut(plate.ink, pieces, strip, plate.to_page, size, box) for strip in strips)
    return Layout(lines, sheet, tuple(_rule(trace, plate) for trace in plate.rules), size, quarters)


def _rule(trace: Trace, plate: Plate) -> Rule:
    ends = [(trace.first, trace.across[0]), (trace.last, trace.across[-1])]
    points = np.array([end[::-1] if trace.upright else end for end in ends], np.float64)
    (x0, y0), (x1, y1) = move(plate.to_page, points)
    grown = float(np.sqrt(abs(np.linalg.det(plate.to_page[:2, :2]))))
    return Rule((float(x0), float(y0)), (float(x1), float(y1)), trace.thickness * grown, trace.upright)
