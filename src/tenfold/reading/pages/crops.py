"""Cut a strip out of the working picture: level, without its neighbours' ink, at full contrast."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.geometry import Matrix, Points, inverse, move, rotating, shifting
from tenfold.reading.pages.paper import Ink
from tenfold.reading.pages.pieces import Pieces
from tenfold.reading.pages.shapes import Edges, Line
from tenfold.reading.pages.strips import Strip

Pixels = NDArray[np.uint8]

MARGIN = 0.18  # of the text's height, on each side
PEN = 0.62  # quantile of the ink on strokes that is shown as full
FLOOR = 1.6  # times the paper's roughness that is shown as paper
FAINTEST = 14.0  # levels of 255: a pen fainter than this is not brought up to full
AT_EDGE = 1.6  # pixels of the user's picture


def cut(
    ink: Ink,
    pieces: Pieces,
    strip: Strip,
    plate_to_page: Matrix,
    page_size: tuple[int, int],
    box: tuple[float, float, float, float],
) -> Line:
    """The strip as a line of its own.

    plate_to_page: from the working picture's pixels to the user's picture. box: what of that is looked at,
        left, top, right, bottom.
    """
    own = _own_points(pieces, strip)
    level = rotating(-float(np.degrees(np.arctan(strip.slope))))
    bounds = move(level, own)
    left, top = bounds.min(axis=0)
    right, bottom = bounds.max(axis=0)
    margin = max(2.0, MARGIN * strip.height)
    size = (max(1, round(right - left + 1 + 2 * margin)), max(1, round(bottom - top + 1 + 2 * margin)))
    plate_to_crop = shifting(margin - left, margin - top) @ level
    strength, roles = _window(ink, pieces, strip, plate_to_crop, size)
    line = np.asarray(_full_contrast(strength, roles, ink.roughness))
    edges = _edges(own, plate_to_page, plate_to_crop, box)
    return Line(
        line, plate_to_page @ inverse(plate_to_crop), page_size, strip.row, float(strip.height), edges
    )


def _own_points(pieces: Pieces, strip: Strip) -> Points:
    """The strip's pixels on the working picture, (n, 2)."""
    left, top = pieces.boxes[strip.members, :2].min(axis=0).astype(int)
    right, bottom = pieces.boxes[strip.members, 2:].max(axis=0).astype(int)
    y, x = np.nonzero(_roles(pieces, strip)[pieces.names[top : bottom + 1, left : right + 1]] == 1)
    return np.stack([x + left, y + top], axis=1).astype(np.float64)


def _roles(pieces: Pieces, strip: Strip) -> Pixels:
    """By a piece's name: 0 for paper, 1 for the strip's own ink, 2 for others'."""
    table = np.full(len(pieces.boxes) + 1, 2, np.uint8)
    table[0] = 0
    table[strip.members + 1] = 1
    return table


def _window(
    ink: Ink, pieces: Pieces, strip: Strip, plate_to_crop: Matrix, size: tuple[int, int]
) -> tuple[Pixels, Pixels]:
    """Ink and roles of the crop's pixels, warped from the part of the working picture that it covers."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    around = move(inverse(plate_to_crop), corners)
    rows, columns = ink.strength.shape
    left, top = np.maximum(np.floor(around.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(around.max(axis=0)).astype(int) + 3, [columns, rows])
    matrix = (plate_to_crop @ shifting(float(left), float(top)))[:2]
    roles = _roles(pieces, strip)[pieces.names[top:bottom, left:right]]
    part = np.ascontiguousarray(ink.strength[top:bottom, left:right])
    warped = cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR, borderValue=0)
    named = cv2.warpAffine(roles, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0)
    return np.asarray(warped, np.uint8), np.asarray(named, np.uint8)


def _full_contrast(strength: Pixels, roles: Pixels, roughness: float) -> Pixels:
    """The pen near 255 and paper near 0, edges soft; others' ink left out."""
    own = (roles == 1).astype(np.uint8)
    others = cv2.dilate((roles == 2).astype(np.uint8), np.ones((5, 5), np.uint8))
    others[cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0] = 0
    pen = float(np.quantile(strength[own > 0], PEN)) if own.any() else 255.0
    floor = min(FLOOR * roughness, 0.3 * pen)
    table = (np.arange(256) - floor) * (255 / max(pen - floor, FAINTEST))
    image = cv2.LUT(strength, np.clip(np.rint(table), 0, 255).astype(np.uint8))
    image[others > 0] = 0
    return np.asarray(image, np.uint8)


def _edges(
    own: Points, plate_to_page: Matrix, plate_to_crop: Matrix, box: tuple[float, float, float, float]
) -> Edges:
    """Which sides of the crop are cut by the edge of what is looked at."""
    on_page = move(plate_to_page, own)
    left, top, right, bottom = box
    page_to_crop = plate_to_crop @ inverse(plate_to_page)
    sides = {"left": False, "right": False, "top": False, "bottom": False}
    cuts = (
        (on_page[:, 0] < left + AT_EDGE, (-1.0, 0.0)),
        (on_page[:, 0] > right - AT_EDGE, (1.0, 0.0)),
        (on_page[:, 1] < top + AT_EDGE, (0.0, -1.0)),
        (on_page[:, 1] > bottom - AT_EDGE, (0.0, 1.0)),
    )
    for at_edge, outward in cuts:
        if at_edge.any():
            place = on_page[at_edge].mean(axis=0)
            start, end = move(page_to_crop, np.stack([place, place + np.array(outward)]))
            across, down = end - start
            if abs(across) > abs(down):
                sides["right" if across > 0 else "left"] = True
            else:
                sides["bottom" if down > 0 else "top"] = True
    return Edges(**sides)
