"""From lines of writing to candidates for numbers: cut at gaps wider than usual and at rules between."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.cells import cells_of, is_squared_paper
from tenfold.reading.pages.lines import Floats, Indices, Written, find_lines
from tenfold.reading.pages.pieces import Pieces, find_pieces, sort_pieces, usual_height
from tenfold.reading.pages.traces import Trace

LOWEST = 7  # pixels: lower writing cannot be told from dirt
CRUMB = 12  # pixels: writing lower than this on a rule is what is left of the rule
LEFT_OVER = 3.5  # pixels: how far from a rule its remains may lie
WIDE = 0.62  # times the height: no gap narrower than this ends a number,
MARKED = 0.95  # nor one narrower than this that has a point or comma in it
WIDER = 2.3  # times the line's usual gap: nor one narrower than this
WIDEST = 1.3  # times the height: any gap wider than this ends one
CRUMBLE = 0.5  # times the height: what stands alone and is no higher may be a point or comma
A_DIGIT = 0.72  # times the height: the width of a digit in a piece of several
BAND = 0.75  # times the height: how far from a line's middle its points and commas may be
BESIDE = 0.75  # times the height: and how far from its ends
A_DASH = 3.0  # times its height: a small mark wider than this may be a dash, and parts as paper does
POINT = 0.05  # times the height: a mark smaller than this is dust


@dataclass(frozen=True, eq=False)
class Strip:
    """One candidate for a number: its pieces, its slope (down per pixel to the right), its height and row."""

    members: Indices
    slope: float
    height: float
    row: int


def find_strips(mask: NDArray[np.uint8], rules: tuple[Trace, ...]) -> tuple[Pieces, list[Strip]]:
    """The pieces of a mask (h, w) and the candidates for numbers among them, in reading order."""
    pieces = find_pieces(mask)
    height = usual_height(pieces)
    if height < LOWEST:
        return pieces, []
    bodies, marks = sort_pieces(pieces, height)
    slivers, beside = _remains(pieces, rules)
    beside &= pieces.heights < CRUMB
    bodies, marks = bodies[~(slivers | beside)[bodies]], marks[~slivers[marks]]
    rows = find_lines(pieces, bodies, height)
    lines = [line for row in rows for line in row]
    marks = np.concatenate([marks, _crumbs(pieces, bodies, lines, height)])
    shares = np.array([_usual_gap(pieces, line, []) for line in lines if len(line.members) > 2])
    usual = float(np.nanmedian(shares)) if np.isfinite(shares).any() else float("nan")
    if is_squared_paper(pieces, lines, rules):
        rules = ()
    strips = [
        strip
        for number, row in enumerate(rows)
        for line in row
        for strip in _numbers(pieces, line, marks, rules, usual, number)
    ]
    return pieces, _with_marks(pieces, marks, strips)


def _crumbs(pieces: Pieces, bodies: Indices, lines: list[Written], height: float) -> Indices:
    """The small pieces that no line took: a comma of some size is one of them."""
    alone = np.setdiff1d(bodies, np.concatenate([bodies[:0], *(line.members for line in lines)]))
    return np.asarray(alone[pieces.heights[alone] <= CRUMBLE * height])


def _remains(pieces: Pieces, rules: tuple[Trace, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pieces are slivers left of rules, long and thin along one; and which lie on one at all."""
    slivers, beside = np.zeros((2, len(pieces.boxes)), bool)
    for rule in rules:
        across, along = pieces.centres.T[::-1] if not rule.upright else pieces.centres.T
        thin, long = (pieces.heights, pieces.widths)[:: -1 if rule.upright else 1]
        place = np.clip(np.rint(along).astype(np.int64) - rule.first, 0, len(rule.across) - 1)
        near = np.abs(across - rule.across[place]) < rule.thickness / 2 + LEFT_OVER
        inside = (along > rule.first - LEFT_OVER) & (along < rule.last + LEFT_OVER)
        sliver = (thin <= rule.thickness + LEFT_OVER) & ((long > 2 * thin) | (thin <= 2))
        slivers |= near & inside & sliver
        beside |= near & inside
    return slivers, beside


def _numbers(
    pieces: Pieces, line: Written, marks: Indices, rules: tuple[Trace, ...], usual: float, row: int
) -> list[Strip]:
    """Cut a line at wide gaps and at rules that stand between.

    usual: the page's usual gap as a share of the height; nan where unknown.
    """
    members, gaps = _gaps(pieces, line)
    boxes = pieces.boxes[members]
    widest = np.clip(WIDER * _usual_gap(pieces, line, [usual] * 2), WIDE, WIDEST)
    between = _between(pieces, line, marks, boxes)
    count = between.sum(axis=1)
    dash = pieces.widths[marks] > A_DASH * pieces.heights[marks]
    paper = gaps - between @ np.where(dash, 0, pieces.widths[marks])
    cut = paper > np.where((count > 0) & (count < 3), max(widest, MARKED), widest) * line.height
    cells, joined = cells_of(boxes, line, rules)
    cut &= ~joined[1:] | ~joined[:-1]
    cut |= cells[1:] != cells[:-1]
    strips = []
    for part in np.split(members, np.flatnonzero(cut) + 1):
        heights = pieces.heights[part]
        tall = heights[heights > 0.45 * line.height]
        if len(tall) and np.quantile(tall, 0.7) >= LOWEST:
            strips.append(Strip(part, line.slope, float(np.quantile(tall, 0.7)), row))
    return strips


def _between(pieces: Pieces, line: Written, marks: Indices, boxes: Floats) -> NDArray[np.bool_]:
    """Which small marks stand in which gap between a line's pieces; (n - 1, marks)."""
    x, y = pieces.centres[marks].T
    level = _level(boxes, line.slope)
    near = (np.abs(y - level - line.slope * x) < BAND * line.height) & (
        np.maximum(pieces.heights[marks], pieces.widths[marks]) > POINT * line.height
    )
    return np.asarray(near & (x > boxes[:-1, 2, None]) & (x < boxes[1:, 0, None]))


def _level(boxes: Floats, slope: float) -> float:
    """Where the middle of a line of pieces crosses x = 0."""
    return float(np.median((boxes[:, 1] + boxes[:, 3]) / 2 - slope * (boxes[:, 0] + boxes[:, 2]) / 2))


def _gaps(pieces: Pieces, line: Written) -> tuple[Indices, Floats]:
    """A line's pieces from left to right, and the gap before each but the first."""
    members = line.members[np.argsort(pieces.boxes[line.members, 0], kind="stable")]
    boxes = pieces.boxes[members]
    return members, boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1]


def _usual_gap(pieces: Pieces, line: Written, known: list[float]) -> float:
    """The gap between a line's digits as a share of its height; digits that touch have none. nan if unknown.

    known: gaps to count in.
    """
    members, gaps = _gaps(pieces, line)
    digits = np.rint(pieces.widths[members] / (A_DIGIT * line.height))
    joined = int(np.maximum(digits - 1, 0).sum())
    shares = np.concatenate([np.maximum(gaps, 0) / line.height, np.zeros(joined), np.array(known)])
    shares = shares[np.isfinite(shares)]
    return float(np.quantile(shares, 0.45)) if len(shares) else float("nan")


def _with_marks(pieces: Pieces, marks: Indices, strips: list[Strip]) -> list[Strip]:
    """Give each small mark to the strip in whose band it lies, if one is near; a row of dashes to none."""
    nearest = np.full(len(marks), np.inf)
    owner = np.full(len(marks), -1)
    x, y = pieces.centres[marks].T
    size = np.maximum(pieces.heights[marks], pieces.widths[marks])
    for k, strip in enumerate(strips):
        boxes = pieces.boxes[strip.members]
        off = np.abs(y - _level(boxes, strip.slope) - strip.slope * x)
        beyond = np.maximum(np.maximum(boxes[:, 0].min() - x, x - boxes[:, 2].max()), 0)
        inside = (
            (off < BAND * strip.height) & (beyond < BESIDE * strip.height) & (size > POINT * strip.height)
        )
        cost = np.where(inside, off + beyond, np.inf)
        closer = cost < nearest
        nearest[closer], owner[closer] = cost[closer], k
    whole = []
    for k, strip in enumerate(strips):
        own = marks[owner == k]
        if len(own) > len(strip.members) + 2:
            own = own[pieces.heights[own] > 2 * POINT * strip.height]
        whole.append(replace(strip, members=np.concatenate([strip.members, own])))
    return whole
