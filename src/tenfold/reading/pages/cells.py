"""Cells of forms and tables: which upright rules part numbers, and which only part the digits of one."""

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.lines import Floats, Indices, Written
from tenfold.reading.pages.pieces import Pieces
from tenfold.reading.pages.traces import Trace

CROSSED = 0.3  # of the pieces near upright rules that cross them where rules are but the paper's
ONE_DIGIT = 1.35  # times the height: a cell's ink wider than this is more than one digit


def is_squared_paper(pieces: Pieces, lines: list[Written], rules: tuple[Trace, ...]) -> bool:
    """Whether writing takes no heed of the upright rules, which then part nothing."""
    crossed = near = 0
    for line in lines:
        boxes = pieces.boxes[line.members]
        walls = _walls(boxes, line, rules)
        if not len(walls):
            continue
        inset = 0.12 * line.height
        inside = np.searchsorted(walls, boxes[:, 2] - inset) - np.searchsorted(walls, boxes[:, 0] + inset)
        crossed += int((inside > 0).sum())
        near += len(boxes)
    return crossed > CROSSED * max(near, 1)


def _walls(boxes: Floats, line: Written, rules: tuple[Trace, ...]) -> Floats:
    """Places (x, sorted) where an upright rule crosses the line's band."""
    top, bottom = float(np.median(boxes[:, 1])), float(np.median(boxes[:, 3]))
    crossed = []
    for rule in rules:
        shared = min(rule.last, bottom) - max(rule.first, top)
        if rule.upright and shared > 0.7 * (bottom - top):
            crossed.append(rule.at((top + bottom) / 2))
    places = np.sort(np.array(crossed, np.float64))
    if len(places) > 1:
        places = places[np.concatenate([[True], np.diff(places) > 0.2 * line.height])]
    return np.asarray(places)


def cells_of(boxes: Floats, line: Written, rules: tuple[Trace, ...]) -> tuple[Indices, NDArray[np.bool_]]:
    """Each piece's cell, a row of boxes with a digit each being one; and whether it is in such a row.

    boxes: (n, 4) of the line's pieces from left to right.
    """
    walls = _walls(boxes, line, rules)
    cells = np.searchsorted(walls, (boxes[:, 0] + boxes[:, 2]) / 2)
    joined = np.zeros(len(boxes), bool)
    for first, last in _box_rows(boxes, walls, line, rules):
        inside = (cells >= first) & (cells <= last)
        if inside.any() and _holds_digits(boxes[inside], cells[inside], walls[first - 1 : last + 1]):
            cells[inside] = first
            joined |= inside
    return cells, joined


def _box_rows(boxes: Floats, walls: Floats, line: Written, rules: tuple[Trace, ...]) -> list[tuple[int, int]]:
    """First and last cell of each run of cells that rules close above or below."""
    top, bottom = float(np.median(boxes[:, 1])), float(np.median(boxes[:, 3]))
    reach = 0.2 * line.height, 1.0 * line.height
    lids = [
        rule
        for rule in rules
        if not rule.upright
        for level in [rule.at(float(boxes[:, 0].mean()))]
        if -reach[1] < level - top < reach[0] or -reach[0] < level - bottom < reach[1]
    ]
    rows: list[tuple[int, int]] = []
    for cell in range(1, len(walls)):
        slack = 0.2 * (walls[cell] - walls[cell - 1])
        if any(lid.first <= walls[cell - 1] + slack and lid.last >= walls[cell] - slack for lid in lids):
            if rows and rows[-1][1] == cell - 1:
                rows[-1] = (rows[-1][0], cell)
            else:
                rows.append((cell, cell))
    return [row for row in rows if row[1] > row[0]]


def _holds_digits(boxes: Floats, cells: Indices, walls: Floats) -> bool:
    """Whether equal cells hold about one digit each: the boxes of an identity number."""
    height = float(np.quantile(boxes[:, 3] - boxes[:, 1] + 1, 0.7))
    widths = np.diff(walls)
    usual = float(np.median(widths))
    if not 0.5 * height <= usual <= 2.6 * height or (np.abs(widths - usual) > 0.25 * usual).any():
        return False
    filled = np.unique(cells)
    spans = np.array([boxes[cells == c, 2].max() - boxes[cells == c, 0].min() for c in filled])
    return len(filled) > 1 and float(np.mean(spans < min(ONE_DIGIT * height, 1.05 * usual))) > 0.8
