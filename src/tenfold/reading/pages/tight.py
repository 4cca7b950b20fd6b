"""A crop of one line, such as a cheque's amount: patterned paper, a baseline, pieces of neighbours."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.copies import Copies, half
from tenfold.reading.pages.geometry import Matrix, inverse, scaling, shifting
from tenfold.reading.pages.paper import to_grey
from tenfold.reading.pages.pieces import Pieces, find_pieces, sort_pieces, usual_height
from tenfold.reading.pages.rules import erase, long_rules
from tenfold.reading.pages.shapes import Edges, Line
from tenfold.reading.pages.sheet import find_sheet

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

TALLEST = 128  # pixels: a higher crop is read from a smaller copy
HALVED = 8  # times that: a picture so high is first made smaller by halves
MARGIN = 0.18  # of the text's height, above and below it
PAPER = 1.0  # times the paper pattern's deviation that is shown as paper
PEN = 0.6  # quantile of the strokes' ink that is shown as full
FILLS = 0.36  # of a picture's height that writing has in a crop of one line
ACROSS = 0.85  # of a crop's width: a straight run as long as this is a rule,
THIN = 0.09  # if it is no broader than this share of the crop's height
SPARED = 0.14  # of a crop's height: a rule stays so near to the strokes that touch it
NESTED = 4  # pieces: one that holds more of them is a frame
LEVELLED = 0.5  # of the text's height: how far pieces of one line stand apart in level


@dataclass(frozen=True, eq=False)
class _Strokes:
    """A crop with its paper taken away.

    strength: (h, w) ink, 0-255. spread: the paper pattern's deviation. mask: what of it is stroke.
    """

    strength: Pixels = field(repr=False)
    spread: float
    mask: Pixels = field(repr=False)
    pieces: Pieces
    bodies: NDArray[np.int64]
    marks: NDArray[np.int64]
    height: float


def tight(picture: Pixels) -> Line:
    """The whole picture as one line: paper and pattern pushed down, strokes soft, cut to the text's height.

    picture: (h, w) grey or (h, w, 3) RGB, uint8. Never raises on one of at least 1x1 pixels.
    """
    return _line(picture, *_looked_at(picture))


def crop_of_line(picture: Pixels) -> Line | None:
    """What `tight` gives where a picture is a crop of one line; None where it is a page."""
    rows, columns = picture.shape[:2]
    if rows > 3 * columns or min(rows, columns) < 2:
        return None
    strokes, grown = _looked_at(picture)
    return _line(picture, strokes, grown) if _is_tight(picture, strokes) else None


def _looked_at(picture: Pixels) -> tuple[_Strokes, Matrix]:
    """The strokes on a copy that is not too high, and the way there."""
    small, grown = _at_most(np.ascontiguousarray(picture), TALLEST)
    return _strokes(to_grey(small)), grown


def _line(picture: Pixels, strokes: _Strokes, grown: Matrix) -> Line:
    rows, columns = picture.shape[:2]
    height, width = strokes.mask.shape
    top, bottom = _band(strokes)
    margin = max(1, round(MARGIN * (bottom - top + 1)))
    image = _full_contrast(strokes)
    first, last = top - margin, bottom + margin
    inside = image[max(first, 0) : last + 1]
    padded = cv2.copyMakeBorder(
        inside, max(-first, 0), max(last - height + 1, 0), 0, 0, cv2.BORDER_CONSTANT, value=0
    )
    to_page = inverse(grown) @ shifting(0.0, float(first))
    edges = _edges(strokes, width, height)
    return Line(np.asarray(padded, np.uint8), to_page, (columns, rows), 0, float(bottom - top + 1), edges)


def _is_tight(picture: Pixels, strokes: _Strokes) -> bool:
    """Whether a picture is a crop of one line: its writing fills its height in one row."""
    rows, columns = picture.shape[:2]
    if _is_framed(strokes.pieces):
        return False
    if rows > TALLEST and (_is_darkened(strokes.pieces) or _shows_sheet(picture)):
        return False
    if not len(strokes.bodies):
        return bool(rows <= 96 and columns >= rows)
    height = strokes.mask.shape[0]
    boxes, tall = strokes.pieces.boxes[strokes.bodies], strokes.pieces.heights[strokes.bodies]
    large = tall > 0.6 * strokes.height
    if not large.any():
        return False
    middle = (boxes[large, 1] + boxes[large, 3]) / 2
    level = float(np.average(middle, weights=tall[large]))
    one_row = float(np.mean(np.abs(middle - level) < LEVELLED * strokes.height)) > 0.7
    return bool(strokes.height >= FILLS * height and one_row)


def _is_framed(pieces: Pieces) -> bool:
    """Whether a large piece of ink goes around several others, as a grid or box of a form does."""
    large = np.flatnonzero(pieces.heights > 0.3 * pieces.names.shape[0])
    x, y = pieces.centres.T
    for left, top, right, bottom in pieces.boxes[large]:
        inside = (x > left) & (x < right) & (y > top) & (y < bottom)
        sizable = pieces.heights > max(2.0, 0.05 * (bottom - top))
        if int((inside & sizable).sum()) > NESTED:
            return True
    return False


def _is_darkened(pieces: Pieces) -> bool:
    """Whether a large dark area runs in from two edges, as a table around a sheet or a shadow does."""
    rows, columns = pieces.names.shape
    left, top, right, bottom = pieces.boxes.T
    edges = sum(side.astype(int) for side in (left <= 0, top <= 0, right >= columns - 1, bottom >= rows - 1))
    long = np.maximum(pieces.widths / columns, pieces.heights / rows) > 0.6
    large = (pieces.areas > 0.08 * rows * columns) | long
    return bool(((edges >= 2) & large).any())


def _shows_sheet(picture: Pixels) -> bool:
    """Whether a sheet lies in the picture, on a table say."""
    copies = Copies(picture)
    return find_sheet(copies.grey(copies.afar)[0]) is not None


def _at_most(picture: Pixels, tallest: int) -> tuple[Pixels, Matrix]:
    """The picture no higher than `tallest`, and the way there."""
    rows, columns = picture.shape[:2]
    if rows <= tallest:
        return picture, np.eye(3)
    size = (max(1, round(columns * tallest / rows)), tallest)
    while picture.shape[0] >= HALVED * tallest:  # much cheaper than one large step
        picture = half(picture)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), scaling(size[0] / columns, size[1] / rows)


def _strokes(grey: Pixels) -> _Strokes:
    """Tell strokes from paper and pattern."""
    contrast, spread = _contrast(grey)
    strength = np.clip(np.rint(contrast), 0, 255).astype(np.uint8)
    if grey.shape[1] >= 40 and grey.shape[0] >= 12:
        for rule in long_rules(strength, max(7.0, 2.0 * spread), max(40, round(ACROSS * grey.shape[1]))):
            if rule.thickness <= max(2.0, THIN * grey.shape[0]):
                erase(strength, rule, spread, round(SPARED * grey.shape[0]))
    threshold = max(float(cv2.threshold(strength, 0, 255, cv2.THRESH_OTSU)[0]), 2.2 * spread, 6.0)
    mask = (strength > threshold).astype(np.uint8)
    pieces = find_pieces(mask)
    height = usual_height(pieces)
    bodies, marks = sort_pieces(pieces, height) if height else (np.zeros(0, np.int64),) * 2
    return _Strokes(strength, spread, mask, pieces, bodies, marks, height)


def _contrast(grey: Pixels) -> tuple[Floats, float]:
    """How far each pixel is from the paper's shade towards ink (0-255), and the pattern's deviation."""
    values = grey.astype(np.float32)
    dark = values if _is_dark(values) else 255 - values
    side = max(9, round(0.9 * min(grey.shape))) | 1
    weight = np.ones_like(dark)
    spread = 1.0
    off = np.zeros_like(dark)
    for _ in range(4):
        total = cv2.GaussianBlur(weight, (0, 0), side / 3)
        paper = cv2.GaussianBlur(dark * weight, (0, 0), side / 3) / np.maximum(total, 1e-3)
        off = np.asarray(paper - dark, np.float32)
        kept = off[weight > 0.5]
        spread = max(1.0, 1.48 * float(np.median(np.abs(kept - np.median(kept))))) if kept.size else 1.0
        weight = np.where(np.abs(off) < 2.0 * spread, 1.0, 0.02).astype(np.float32)
    light = np.maximum(paper, 32) / 255
    return np.asarray(off / light, np.float32), spread / float(light.mean())


def _is_dark(values: Floats) -> bool:
    """Whether ink is darker than paper: the rarer side lies farther from the middle."""
    side = max(5, min(values.shape) // 2) | 1
    off = values - cv2.blur(values, (side, side))
    return float((off * off * off).mean()) <= 0


def _full_contrast(strokes: _Strokes) -> Pixels:
    """Paper near 0 and the pen near 255, edges soft."""
    on = strokes.strength[strokes.mask > 0]
    pen = float(np.quantile(on, PEN)) if on.size else 255.0
    floor = min(PAPER * strokes.spread, 0.4 * pen)
    table = (np.arange(256) - floor) * (255 / max(pen - floor, 8.0))
    return np.asarray(cv2.LUT(strokes.strength, np.clip(np.rint(table), 0, 255).astype(np.uint8)), np.uint8)


def _band(strokes: _Strokes) -> tuple[int, int]:
    """First and last row of the writing; the whole height where none is found."""
    height = strokes.mask.shape[0]
    if not len(strokes.bodies):
        return 0, height - 1
    boxes, tall = strokes.pieces.boxes[strokes.bodies], strokes.pieces.heights[strokes.bodies]
    intruder = ((boxes[:, 1] <= 0) | (boxes[:, 3] >= height - 1)) & (tall < 0.55 * strokes.height)
    boxes = boxes[~intruder] if (~intruder).any() else boxes
    top, bottom = int(boxes[:, 1].min()), int(boxes[:, 3].max())
    if bottom - top < 0.25 * height:
        return 0, height - 1
    return top, bottom


def _edges(strokes: _Strokes, width: int, height: int) -> Edges:
    boxes = strokes.pieces.boxes[strokes.bodies]
    if not len(boxes):
        return Edges()
    return Edges(
        left=bool((boxes[:, 0] <= 0).any()),
        right=bool((boxes[:, 2] >= width - 1).any()),
        top=bool((boxes[:, 1] <= 0).any()),
        bottom=bool((boxes[:, 3] >= height - 1).any()),
    )
