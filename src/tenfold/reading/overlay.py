"""A page with what was read drawn on it, to see at a glance what was found and how sure it is."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.answers import Number, Page, Polygon, Prediction
from tenfold.reading.spelling import spell

Colour = tuple[int, int, int]

SURE, UNSURE, VERY_UNSURE, MARK = (0, 140, 60), (220, 130, 0), (210, 20, 40), (40, 90, 220)  # RGB
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PAPER = 255


@dataclass(frozen=True)
class Drawing:
    """How a page is drawn on.

    longest: pixels that a smaller picture's longer side is enlarged to, by a whole number.
    doubtful: confidence below which an unsure answer is very unsure.
    label: a label's height as a share of its number's.
    least: its least height in pixels; most: its greatest, as a share of the picture's longer side.
    far: its least as a share of that side, for large pictures are looked at from afar; kept to where the
        number itself is as high.
    """

    longest: int = 900
    doubtful: float = 0.5
    label: float = 0.45
    least: float = 13.0
    most: float = 0.05
    far: float = 0.011


@dataclass(frozen=True, eq=False)
class _Label:
    """A text with the place of its upper left corner and its two directions, along the line and down."""

    body: NDArray[np.uint8]  # (h, w), 255 where the letters are
    halo: NDArray[np.uint8]  # (h, w), 255 on and around them
    colour: Colour
    place: NDArray[np.float32]  # (2, 3), from the label's pixels to the picture's

    @property
    def corners(self) -> NDArray[np.float32]:
        """Its four corners in the picture, (4, 2)."""
        height, width = self.body.shape
        points = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], np.float32)
        return np.asarray(points @ self.place.T, np.float32)


def draw_page(values: NDArray[np.uint8], page: Page, drawing: Drawing = Drawing()) -> NDArray[np.uint8]:
    """A page's picture with its numbers and digits framed and each number's text above it.

    values: (h, w) or (h, w, 3) uint8, upright, as the page's boxes count them.

    Green is sure, amber unsure, red very unsure; marks are blue. Returns (h', w', 3) uint8 RGB: a small
    picture is enlarged, and paper is added where a label needs room beyond the edge.
    """
    zoom = -(-drawing.longest // max(values.shape))
    canvas = _enlarged(values, zoom)
    pen = max(1, round(max(canvas.shape) / drawing.longest))
    for number in page.numbers:
        _draw_number(canvas, number, zoom, pen, drawing)
    labels = [_label(number, zoom, pen, max(canvas.shape), drawing) for number in page.numbers]
    canvas, shift = _with_room(canvas, labels)
    for label in labels:
        _print_label(canvas, label, shift)
    return canvas


def _enlarged(values: NDArray[np.uint8], zoom: int) -> NDArray[np.uint8]:
    """A copy in colour, (zoom h, zoom w, 3)."""
    coloured = cv2.cvtColor(values, cv2.COLOR_GRAY2RGB) if values.ndim == 2 else values
    size = (zoom * values.shape[1], zoom * values.shape[0])
    return np.asarray(cv2.resize(coloured, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _colour(answer: Number | Prediction, drawing: Drawing) -> Colour:
    if not answer.unsure:
        return SURE
    return UNSURE if answer.confidence >= drawing.doubtful else VERY_UNSURE


def _draw_number(canvas: NDArray[np.uint8], number: Number, zoom: int, pen: int, drawing: Drawing) -> None:
    for mark in number.marks:
        _frame(canvas, _points(mark.box, zoom), MARK, pen)
    for digit in number.digits:
        if digit.box is not None:
            _frame(canvas, _points(digit.box, zoom), _colour(digit, drawing), pen)
    _frame(canvas, _grown(_points(number.box, zoom), 3 * pen), _colour(number, drawing), 2 * pen)


def _frame(canvas: NDArray[np.uint8], points: NDArray[np.float32], colour: Colour, pen: int) -> None:
    cv2.polylines(canvas, [points.round().astype(np.int32)], True, colour, pen, cv2.LINE_AA)


def _points(box: Polygon, zoom: int) -> NDArray[np.float32]:
    return np.array(box, np.float32) * zoom


def _directions(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Along the line and down, each of length 1, as one reads the number."""
    along = points[1] - points[0]
    length = float(np.hypot(*along))
    along = np.asarray(along / length if length > 0 else (1, 0), np.float32)
    return along, np.array([-along[1], along[0]], np.float32)


def _grown(points: NDArray[np.float32], by: float) -> NDArray[np.float32]:
    along, down = _directions(points)
    outwards = np.stack([-along - down, along - down, along + down, down - along])
    return np.asarray(points + by * outwards, np.float32)


def _label(number: Number, zoom: int, pen: int, longest: int, drawing: Drawing) -> _Label:
    points = _points(number.box, zoom)
    tall = float(np.hypot(*(points[3] - points[0])))
    height = max(drawing.label * tall, min(drawing.far * longest, tall))
    height = max(drawing.least, min(height, drawing.most * longest))
    body, halo = _letters(spell(number), height)
    along, down = _directions(points)
    corner = points[0] - down * (body.shape[0] + 4 * pen)
    place = np.stack([along, down, corner], axis=1).astype(np.float32)
    return _Label(body, halo, _colour(number, drawing), place)


def _letters(text: str, height: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A text's letters `height` pixels high, and the letters with a rim."""
    thick = max(1, round(height / 10))
    rim = max(2, thick)
    scale = cv2.getFontScaleFromHeight(_FONT, round(height), thick)
    (width, _), below = cv2.getTextSize(text, _FONT, scale, thick)
    body = np.zeros((round(height) + below + 2 * rim, width + 2 * rim), np.uint8)
    cv2.putText(body, text, (rim, round(height) + rim), _FONT, scale, 255, thick, cv2.LINE_AA)
    round_rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    halo = np.asarray(cv2.dilate(body, round_rim), np.uint8)
    return body, halo


def _with_room(
    canvas: NDArray[np.uint8], labels: Iterable[_Label]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The picture with paper around it where a label reaches beyond, and how far that moved it, (2,)."""
    corners = np.concatenate([np.zeros((1, 2), np.float32), *(label.corners for label in labels)])
    left, top = np.ceil(np.maximum(0, -corners.min(axis=0))).astype(int).tolist()
    height, width = canvas.shape[:2]
    right, bottom = np.ceil(np.maximum(0, corners.max(axis=0) - (width, height))).astype(int).tolist()
    if left or top or right or bottom:
        colour = (_PAPER, _PAPER, _PAPER)
        framed = cv2.copyMakeBorder(canvas, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)
        canvas = np.asarray(framed, np.uint8)
    return canvas, np.array([left, top], np.float32)


def _print_label(canvas: NDArray[np.uint8], label: _Label, shift: NDArray[np.float32]) -> None:
    corners = label.corners + shift
    left, top = np.maximum(0, np.floor(corners.min(axis=0))).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    window = canvas[top:bottom, left:right]
    place = label.place.copy()
    place[:, 2] += shift - (left, top)
    for letters, colour in ((label.halo, (_PAPER, _PAPER, _PAPER)), (label.body, label.colour)):
        turned = cv2.warpAffine(letters, place, (window.shape[1], window.shape[0]))
        share = turned[..., None].astype(np.float32) / 255  # (h, w, 1)
        window[:] = np.round(window * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)
