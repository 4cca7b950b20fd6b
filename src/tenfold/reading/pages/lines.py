"""From pieces of ink to lines of writing: neighbours are linked, as O'Gorman's docstrum does (1993)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.geometry import weighted_median
from tenfold.reading.pages.pieces import Pieces

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FARTHEST = 2.0  # times the taller neighbour's height: beyond this gap nothing is linked
OVERLAP = 0.3  # of the shorter neighbour's height that both must share
ALIKE = 0.3  # smallest ratio of neighbours' heights
STEEPEST = 0.36  # slope of a line of writing
TALL = 1.9  # times its neighbours' height: a piece that may tie two lines
BLOB = 0.7  # of its box that a stain fills
CRUMB = (0.7, 0.5)  # of the page's height: width and height up to which a lone piece is a crumb


@dataclass(frozen=True, eq=False)
class Written:
    """A line of writing: its pieces from left to right, its slope (down a pixel to the right), its height."""

    members: Indices
    slope: float
    height: float


def find_lines(pieces: Pieces, bodies: Indices, height: float) -> list[list[Written]]:
    """Lines of writing of about a height among the pieces `bodies`: rows from the top, each left to right."""
    groups = [part for group in _linked(pieces, bodies) for part in _untangled(pieces, group)]
    lines = [_with_slope(pieces, group) for group in groups]
    lines = [line for line in lines if not _is_stain(pieces, line, height)]
    return _rows(pieces, lines)


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


def _untangled(pieces: Pieces, group: Indices) -> list[Indices]:
    """A group in which pieces stand above one another, linked anew without the tall ones that tie them."""
    heights = pieces.heights[group]
    tall = heights > TALL * np.median(heights)
    if len(group) < 4 or not tall.any():
        return [group]
    low = _linked(pieces, group[~tall])
    spans = np.array([[pieces.boxes[part, 0].min(), pieces.boxes[part, 2].max()] for part in low])
    shared = np.minimum(spans[:, None, 1], spans[None, :, 1]) - np.maximum(
        spans[:, None, 0], spans[None, :, 0]
    )
    stacked = (shared > 0.5 * (spans[:, 1] - spans[:, 0])) & ~np.eye(len(low), dtype=bool)
    return [*low, *np.split(group[tall], int(tall.sum()))] if stacked.any() else [group]


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


def _with_slope(pieces: Pieces, members: Indices) -> Written:
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
        slope = weighted_median(np.concatenate(slopes), np.concatenate(weights))
    return Written(members, float(np.clip(slope, -STEEPEST, STEEPEST)), height)


def _is_stain(pieces: Pieces, line: Written, height: float) -> bool:
    """Whether a line is a crumb that stands alone, or nothing but solid blobs."""
    width, tall = pieces.widths[line.members], pieces.heights[line.members]
    if len(line.members) == 1 and width[0] <= CRUMB[0] * height and tall[0] <= CRUMB[1] * height:
        return True
    round_ = np.maximum(width, tall) < 1.7 * np.minimum(width, tall)
    return bool((round_ & (pieces.areas[line.members] > BLOB * width * tall)).all())


def _rows(pieces: Pieces, lines: list[Written]) -> list[list[Written]]:
    """Lines side by side share a row; rows from top to bottom."""

    def level(line: Written) -> float:
        boxes = pieces.boxes[line.members]
        return float(np.median((boxes[:, 1] + boxes[:, 3]) / 2))

    rows: list[list[Written]] = []
    for line in sorted(lines, key=level):
        for row in rows[-3:]:
            near = abs(np.mean([level(other) for other in row]) - level(line))
            apart = all(_apart(pieces, line, other) for other in row)
            if near < 0.5 * min(line.height, max(other.height for other in row)) and apart:
                row.append(line)
                break
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: float(pieces.boxes[line.members, 0].min())) for row in rows]


def _apart(pieces: Pieces, one: Written, other: Written) -> bool:
    a, b = pieces.boxes[one.members], pieces.boxes[other.members]
    return bool(a[:, 0].min() > b[:, 2].max() or b[:, 0].min() > a[:, 2].max())
