"""From pieces of ink to lines of writing, and from lines to numbers, in reading order.

Neighbours are linked into lines (as O'Gorman's docstrum does, 1993); a line is then cut into numbers where a
gap is clearly larger than the line's own, or a printed rule stands between.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.pieces import Pieces, find_pieces, sort_pieces, usual_height
from tenfold.reading.pages.traces import Trace

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Pixels = NDArray[np.uint8]

FARTHEST = 2.0  # times the taller neighbour's height: beyond this gap nothing is linked
OVERLAP = 0.3  # of the shorter neighbour's height that both must share
ALIKE = 0.3  # smallest ratio of neighbours' heights
STEEPEST = 0.36  # slope of a line of writing
WIDE = 0.62  # times the height: no gap narrower than this ends a number
WIDER = 2.3  # times the line's usual gap: nor one narrower than this
WIDEST = 1.3  # times the height: any gap wider than this ends one
A_DIGIT = 0.72  # times the height: the width of a digit in a piece of several
CROSSED = 0.3  # of the pieces near upright rules that cross them where rules are but the paper's
ONE_DIGIT = 1.35  # times the height: a cell's ink wider than this is more than one digit


@dataclass(frozen=True, eq=False)
class Strip:
    """One candidate for a number: its pieces, its slope (down per pixel to the right), its height and row."""

    members: Indices
    slope: float
    height: float
    row: int


def find_strips(mask: Pixels, rules: tuple[Trace, ...]) -> tuple[Pieces, list[Strip]]:
    """The pieces of a mask (h, w) and the candidates for numbers among them, in reading order."""
    pieces = find_pieces(mask)
    height = usual_height(pieces)
    if height < 5:
        return pieces, []
    bodies, marks = sort_pieces(pieces, height)
    groups = _linked(pieces, bodies)
    lines = [_with_slope(pieces, group) for group in groups]
    lines = _drop_lonely_specks(pieces, lines, height)
    lines = _attach(pieces, marks, lines)
    shares = np.array([_usual_gap(pieces, line, []) for line in lines if len(line.members) > 2])
    usual = float(np.nanmedian(shares)) if np.isfinite(shares).any() else float("nan")
    if _is_squared_paper(pieces, lines, rules):
        rules = ()
    rows = _rows(pieces, lines)
    strips: list[Strip] = []
    for row, members in enumerate(rows):
        for strip in sorted(members, key=lambda s: float(pieces.boxes[s.members, 0].min())):
            strips.extend(_numbers(pieces, strip, rules, usual, row))
    return pieces, strips


def _linked(pieces: Pieces, bodies: Indices) -> list[Indices]:
    """Groups of pieces that follow one another."""
    count = len(bodies)
    boxes, heights = pieces.boxes[bodies], pieces.heights[bodies]
    order = np.argsort(boxes[:, 0], kind="stable")
    parent = np.arange(count)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    farthest = FARTHEST * float(heights.max()) if count else 0.0
    lefts = boxes[order, 0]
    for place, i in enumerate(order):
        stop = int(np.searchsorted(lefts, boxes[i, 2] + farthest, side="right"))
        after = order[place + 1 : stop]
        if not len(after):
            continue
        cost = _distance(boxes[i], heights[i], boxes[after], heights[after])
        inside = after[cost <= 0]
        for j in inside:  # a piece above, below or within another is a part of the same sign
            parent[root(int(j))] = root(int(i))
        ahead = np.where(cost > 0, cost, np.inf)
        best = int(np.argmin(ahead))
        if np.isfinite(ahead[best]):
            parent[root(int(after[best]))] = root(int(i))
    roots = np.array([root(i) for i in range(count)], np.int64)
    return [bodies[roots == r] for r in np.unique(roots)]


def _distance(box: Floats, height: float, others: Floats, heights: Floats) -> Floats:
    """How far off each piece to the right is; 0 where it belongs to the same sign, inf where unlinked."""
    gap = others[:, 0] - box[2]
    shared = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1]) + 1
    taller, shorter = np.maximum(height, heights), np.minimum(height, heights)
    overlap = shared / shorter
    middle = np.abs((others[:, 1] + others[:, 3]) / 2 - (box[1] + box[3]) / 2)
    linked = (overlap > OVERLAP) & (shorter > ALIKE * taller) & (gap < FARTHEST * taller)
    linked &= middle < 0.75 * taller
    width = np.minimum(others[:, 2] - others[:, 0], box[2] - box[0]) + 1
    across = np.minimum(others[:, 2], box[2]) - np.maximum(others[:, 0], box[0]) + 1
    same = (across > 0.5 * width) & (shared > -0.25 * taller) & (_joint(box, others) < 1.5 * taller)
    cost = np.where(linked, np.maximum(gap, 0.5) + 0.6 * middle, np.inf)
    return np.where(same, 0.0, cost)


def _joint(box: Floats, others: Floats) -> Floats:
    """Height of the box around both."""
    return np.asarray(np.maximum(box[3], others[:, 3]) - np.minimum(box[1], others[:, 1]) + 1)


@dataclass(frozen=True, eq=False)
class _Line:
    members: Indices
    slope: float
    height: float


def _with_slope(pieces: Pieces, members: Indices) -> _Line:
    """A line's slope by the median slope between its pieces (Theil 1950, Sen 1968), and its height."""
    members = members[np.argsort(pieces.centres[members, 0], kind="stable")]
    heights = pieces.heights[members]
    height = float(np.quantile(heights, 0.7))
    large = members[heights > 0.5 * height]
    boxes = pieces.boxes[large]
    x = (boxes[:, 0] + boxes[:, 2]) / 2
    slope = 0.0
    if len(large) >= 3 and x[-1] - x[0] > 2.5 * height:
        slopes, weights = [], []
        for edge in (1, 3):
            y = boxes[:, edge]
            rise, run = y[None, :] - y[:, None], x[None, :] - x[:, None]
            far = run > 0.8 * height
            slopes.append(rise[far] / run[far])
            weights.append(run[far])
        slope = _weighted_median(np.concatenate(slopes), np.concatenate(weights))
    return _Line(members, float(np.clip(slope, -STEEPEST, STEEPEST)), height)


def _weighted_median(values: Floats, weights: Floats) -> float:
    if not len(values):
        return 0.0
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _drop_lonely_specks(pieces: Pieces, lines: list[_Line], height: float) -> list[_Line]:
    """Without single small pieces that stand alone: stains and crumbs."""
    return [
        line for line in lines if len(line.members) > 1 or pieces.heights[line.members].max() > 0.5 * height
    ]


def _attach(pieces: Pieces, marks: Indices, lines: list[_Line]) -> list[_Line]:
    """Give each small mark to the line in whose band it lies, if one is near."""
    if not lines or not len(marks):
        return lines
    found: list[list[int]] = [[] for _ in lines]
    centres = pieces.centres[marks]
    nearest = np.full(len(marks), np.inf)
    owner = np.full(len(marks), -1)
    for k, line in enumerate(lines):
        boxes = pieces.boxes[line.members]
        x0, x1 = boxes[:, 0].min(), boxes[:, 2].max()
        middle_x = (boxes[:, 0] + boxes[:, 2]) / 2
        level = float(np.median((boxes[:, 1] + boxes[:, 3]) / 2 - line.slope * middle_x))
        off = np.abs(centres[:, 1] - level - line.slope * centres[:, 0])
        beyond = np.maximum(np.maximum(x0 - centres[:, 0], centres[:, 0] - x1), 0)
        cost = np.where((off < 0.8 * line.height) & (beyond < 0.9 * line.height), off + beyond, np.inf)
        closer = cost < nearest
        nearest[closer], owner[closer] = cost[closer], k
    for mark, k in zip(marks, owner, strict=True):
        if k >= 0:
            found[k].append(int(mark))
    return [
        _Line(np.concatenate([line.members, np.array(extra, np.int64)]), line.slope, line.height)
        for line, extra in zip(lines, found, strict=True)
    ]


def _rows(pieces: Pieces, lines: list[_Line]) -> list[list[_Line]]:
    """Lines side by side share a row; rows from top to bottom."""

    def level(line: _Line) -> float:
        boxes = pieces.boxes[line.members]
        return float(np.median((boxes[:, 1] + boxes[:, 3]) / 2))

    rows: list[list[_Line]] = []
    for line in sorted(lines, key=level):
        for row in rows[-3:]:
            near = abs(np.mean([level(other) for other in row]) - level(line))
            apart = all(_apart(pieces, line, other) for other in row)
            if near < 0.5 * min(line.height, max(other.height for other in row)) and apart:
                row.append(line)
                break
        else:
            rows.append([line])
    return rows


def _apart(pieces: Pieces, one: _Line, other: _Line) -> bool:
    a, b = pieces.boxes[one.members], pieces.boxes[other.members]
    return bool(a[:, 0].min() > b[:, 2].max() or b[:, 0].min() > a[:, 2].max())


def _numbers(pieces: Pieces, line: _Line, rules: tuple[Trace, ...], usual: float, row: int) -> list[Strip]:
    """Cut a line at wide gaps and at rules that stand between."""
    members, gaps = _gaps(pieces, line)
    own = _usual_gap(pieces, line, [usual] * 2)
    cut = gaps > np.clip(WIDER * own, WIDE, WIDEST) * line.height
    cells, joined = _cells(pieces.boxes[members], line, rules)
    cut &= ~joined[1:] | ~joined[:-1]
    cut |= cells[1:] != cells[:-1]
    strips = []
    for part in np.split(members, np.flatnonzero(cut) + 1):
        heights = pieces.heights[part]
        tall = heights[heights > 0.45 * line.height]
        if len(tall):
            strips.append(Strip(part, line.slope, float(np.quantile(tall, 0.7)), row))
    return strips


def _gaps(pieces: Pieces, line: _Line) -> tuple[Indices, Floats]:
    """A line's pieces from left to right, and the gap before each but the first."""
    members = line.members[np.argsort(pieces.boxes[line.members, 0], kind="stable")]
    boxes = pieces.boxes[members]
    return members, boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1]


def _usual_gap(pieces: Pieces, line: _Line, known: list[float]) -> float:
    """The gap between a line's digits as a share of its height; digits that touch have none. nan if unknown.

    known: gaps to count in.
    """
    members, gaps = _gaps(pieces, line)
    digits = np.rint(pieces.widths[members] / (A_DIGIT * line.height))
    joined = int(np.maximum(digits - 1, 0).sum())
    shares = np.concatenate([np.maximum(gaps, 0) / line.height, np.zeros(joined), np.array(known)])
    shares = shares[np.isfinite(shares)]
    return float(np.quantile(shares, 0.45)) if len(shares) else float("nan")


def _is_squared_paper(pieces: Pieces, lines: list[_Line], rules: tuple[Trace, ...]) -> bool:
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


def _walls(boxes: Floats, line: _Line, rules: tuple[Trace, ...]) -> Floats:
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


def _cells(boxes: Floats, line: _Line, rules: tuple[Trace, ...]) -> tuple[Indices, NDArray[np.bool_]]:
    """Each piece's cell, a row of boxes with a digit each being one; and whether it is in such a row.

    boxes: (n, 4) of the line's pieces from left to right.
    """
    walls = _walls(boxes, line, rules)
    cells = np.searchsorted(walls, (boxes[:, 0] + boxes[:, 2]) / 2)
    joined = np.zeros(len(boxes), bool)
    for first, last in _box_rows(boxes, walls, line, rules):
        inside = (cells >= first) & (cells <= last)
        if inside.any() and _holds_digits(
            boxes[inside], cells[inside], walls[first - 1 : last + 1], line.height
        ):
            cells[inside] = first
            joined |= inside
    return cells, joined


def _box_rows(boxes: Floats, walls: Floats, line: _Line, rules: tuple[Trace, ...]) -> list[tuple[int, int]]:
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


def _holds_digits(boxes: Floats, cells: Indices, walls: Floats, height: float) -> bool:
    """Whether equal cells hold about one digit each: the boxes of an identity number."""
    widths = np.diff(walls)
    usual = float(np.median(widths))
    if not 0.5 * height <= usual <= 2.6 * height or (np.abs(widths - usual) > 0.25 * usual).any():
        return False
    filled = np.unique(cells)
    spans = np.array([boxes[cells == c, 2].max() - boxes[cells == c, 0].min() for c in filled])
    return len(filled) > 1 and float(np.mean(spans < min(ONE_DIGIT * height, 1.05 * usual))) > 0.8
