"""The working picture of a page: the sheet made flat and level, its ink lifted off, its rules taken out."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.borders import without_borders
from tenfold.reading.pages.copies import Copies
from tenfold.reading.pages.geometry import (
    Matrix,
    Points,
    from_corners,
    inverse,
    move,
    rotating,
    shifting,
    turning,
)
from tenfold.reading.pages.paper import Ink, flatten, is_dark_on_light, strokes
from tenfold.reading.pages.rules import remove_rules
from tenfold.reading.pages.sheet import find_sheet, sheet_size
from tenfold.reading.pages.skew import page_angle
from tenfold.reading.pages.traces import Trace

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom of the user's picture; right and bottom are the last pixel's."""

RIM = 0.008  # of the sheet's longer side: its cut edge, which is no ink
BROAD = 0.75  # times the height of writing: no pen is as broad
REACHES = (21, 57)  # pixels: least and greatest breadth of what is taken for ink
LEVEL = 0.4  # degrees: a page turned by less is level
TURNED = 12.0  # degrees: writing on a sheet found in a photo is turned no further from its sides


@dataclass(frozen=True, eq=False)
class View:
    """How to look at a page: which part, how it lies, and which side is ink.

    corners: the sheet's corners in the user's picture, (4, 2); None for the whole picture.
    angle: degrees by which the writing is turned clockwise on it.
    dark: whether ink is darker than paper.
    """

    corners: Points | None
    angle: float
    dark: bool


@dataclass(frozen=True, eq=False)
class Plate:
    """Flat, level ink without rules.

    mask: (h, w) uint8, 1 on strokes. to_page: from the plate's pixels to the user's picture.
    """

    ink: Ink
    mask: Pixels
    rules: tuple[Trace, ...]
    to_page: Matrix

    def turned(self, quarters: int) -> "Plate":
        """The plate as `numpy.rot90(plate, quarters)` shows it."""
        if quarters % 4 == 0:
            return self
        height, width = self.mask.shape
        matrix = turning((width, height), quarters)
        strength = np.ascontiguousarray(np.rot90(self.ink.strength, quarters))
        mask = np.ascontiguousarray(np.rot90(self.mask, quarters))
        rules = tuple(_turned(rule, (width, height), quarters) for rule in self.rules)
        noise = np.ascontiguousarray(np.rot90(self.ink.noise, quarters))
        return Plate(Ink(strength, self.ink.roughness, noise), mask, rules, self.to_page @ inverse(matrix))

    def within(self, box: Box) -> "Plate":
        """The part of the plate that shows a box of the user's picture, without ink from outside it."""
        left, top, right, bottom = box
        outline = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
        around = move(inverse(self.to_page), outline)
        low = np.clip(np.floor(around.min(axis=0)), 0, np.array(self.mask.shape[::-1]) - 1).astype(int)
        high = np.maximum(np.ceil(around.max(axis=0)).astype(int) + 1, low + 1)
        part = (slice(low[1], high[1]), slice(low[0], high[0]))
        inside = np.zeros_like(self.mask[part])
        cv2.fillConvexPoly(inside, np.rint(around - low).astype(np.int32), 255)
        ink = Ink(self.ink.strength[part] & inside, self.ink.roughness, self.ink.noise[part])
        moved = [_moved(rule, -int(low[0]), -int(low[1])) for rule in self.rules]
        rules = tuple(rule for rule in moved if _passes(rule, inside))
        to_page = self.to_page @ shifting(float(low[0]), float(low[1]))
        return Plate(ink, self.mask[part] & inside, rules, to_page)


def _moved(rule: Trace, right: int, down: int) -> Trace:
    """A rule on a plate whose first pixel lies elsewhere."""
    along, across = (down, right) if rule.upright else (right, down)
    return Trace(rule.first + along, rule.across + across, rule.thickness, rule.upright)


def _passes(rule: Trace, inside: Pixels) -> bool:
    """Whether a rule, as broad as it is, runs through what is inside, (h, w)."""
    breadth = rule.thickness / 2 * np.array([[-1.0], [0.0], [1.0]])
    across = np.rint(rule.across + breadth).astype(np.int64)
    along = np.broadcast_to(np.arange(rule.first, rule.last + 1), across.shape)
    rows, columns = (along, across) if rule.upright else (across, along)
    there = (rows >= 0) & (rows < inside.shape[0]) & (columns >= 0) & (columns < inside.shape[1])
    return bool(inside[rows[there], columns[there]].any())


def _turned(rule: Trace, size: tuple[int, int], quarters: int) -> Trace:
    """A rule after the quarter turns."""
    width, height = size
    for _ in range(quarters % 4):
        if rule.upright:  # (x, y) goes to (y, width - 1 - x)
            rule = Trace(rule.first, width - 1 - rule.across, rule.thickness, False)
        else:
            rule = Trace(width - 1 - rule.last, rule.across[::-1], rule.thickness, True)
        width, height = height, width
    return rule


def look(copies: Copies, scale: float) -> View:
    """Find the sheet, the writing's angle and which side is ink, on a copy of the picture at a scale."""
    grey, shrink = copies.grey(scale)
    corners = find_sheet(grey)
    flat, _ = _warped(grey, corners, 0.0)
    dark = is_dark_on_light(flat)
    ink = flatten(flat, dark)
    angle = page_angle(strokes(ink), TURNED if corners is not None else 44.0)
    if corners is not None:
        corners = move(inverse(shrink), corners)
    return View(corners, angle if abs(angle) > LEVEL else 0.0, dark)


def make_plate(copies: Copies, view: View, scale: float, text: float = 0.0) -> Plate:
    """The plate of a view at a scale.

    scale: plate pixels a picture pixel, at most 1.
    text: height of the writing in the plate's pixels; 0 where it is not known yet.
    """
    grey, shrink = copies.grey(scale)
    corners = None if view.corners is None else move(shrink, view.corners)
    reach = int(np.clip(BROAD * text, *REACHES)) | 1 if text else REACHES[1]
    if corners is None:
        ink, grey_to_plate = _levelled(without_borders(flatten(grey, view.dark, reach)), view.angle)
    else:
        flat, grey_to_plate = _warped(grey, corners, view.angle)
        ink = _without_rim(flatten(flat, view.dark, reach), corners, grey_to_plate)
    ink, rules = remove_rules(ink, text)
    mask = strokes(ink)
    return Plate(ink, mask, rules, inverse(grey_to_plate @ shrink))


def _warped(grey: Pixels, corners: Points | None, angle: float) -> tuple[Pixels, Matrix]:
    """The sheet made flat and level, and the way there from the picture."""
    if corners is None:
        return grey, np.eye(3)
    sides = sheet_size(corners)
    matrix, size = from_corners(corners, sides), (max(1, round(sides[0])), max(1, round(sides[1])))
    if angle:
        matrix, size = _turn(corners, matrix, angle)
    warped = cv2.warpPerspective(grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8), matrix


def _outline(width: int, height: int) -> Points:
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)


def _levelled(ink: Ink, angle: float) -> tuple[Ink, Matrix]:
    """Ink turned back by an angle, and the way there."""
    if not angle:
        return ink, np.eye(3)
    matrix, size = _turn(_outline(ink.strength.shape[1], ink.strength.shape[0]), np.eye(3), angle)
    strength = cv2.warpPerspective(ink.strength, matrix, size, flags=cv2.INTER_LINEAR)
    noise = cv2.warpPerspective(
        ink.noise, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return Ink(np.asarray(strength, np.uint8), ink.roughness, np.asarray(noise, np.uint8)), matrix


def _turn(outline: Points, matrix: Matrix, angle: float) -> tuple[Matrix, tuple[int, int]]:
    """A way followed by a turn back by an angle, and the size of what then holds an outline."""
    matrix = rotating(-angle) @ matrix
    around = move(matrix, outline)
    low, high = around.min(axis=0), around.max(axis=0)
    width, height = (max(1, round(float(v)) + 1) for v in high - low)
    return shifting(-low[0], -low[1]) @ matrix, (width, height)


def _without_rim(ink: Ink, corners: Points, matrix: Matrix) -> Ink:
    """No ink outside the sheet, nor along its cut edge."""
    inside = np.zeros_like(ink.strength)
    outline = move(matrix, corners)
    cv2.fillConvexPoly(inside, np.rint(outline).astype(np.int32), 255)
    rim = max(2, round(RIM * max(inside.shape)))
    inner = cv2.erode(inside, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8), borderValue=0)
    return replace(ink, strength=ink.strength & np.asarray(inner, np.uint8))
