"""Rules as curves over the working picture: how they are looked at, followed and judged."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

THICKEST = 9  # pixels
STEEPEST = 0.07  # slope of a rule on a level page
BENT = 0.008  # of a rule's length: how far it may bow
STRAIGHT = 1.5  # pixels a rule may stray from its curve,
STEADY = 0.72  # over this share of its length
COVERED = 0.85  # of a rule's length that must be inked
GAP = 9  # pixels: a gap in a rule, as in a dotted one
WIDE_GAP = 27  # pixels: a gap that ends a rule
EVEN = 0.35  # of a rule's usual ink that it has everywhere
PEN = 1.45  # times the rule's own ink: what is darker is a pen's
UNIFORM = 0.55  # of a rule's plain length over which it is evenly broad
PLAIN = 0.35  # of a rule's length that must be free of the pen
COMPANY = 0.5  # of a rule's plain length that may have other ink beside it,
CROSSED = 0.25  # and on both sides of it


@dataclass(frozen=True, eq=False)
class Trace:
    """A rule as a curve over the working picture.

    first: where it begins, along it. across: (n,) its middle at each pixel from there on.
    thickness: in pixels. upright: whether it runs down the picture.
    """

    first: int
    across: Floats = field(repr=False)
    thickness: float
    upright: bool = False

    @property
    def last(self) -> int:
        """Where it ends, along it."""
        return self.first + len(self.across) - 1

    @property
    def slope(self) -> float:
        """How far it strays a pixel of its length."""
        return float(self.across[-1] - self.across[0]) / max(1, len(self.across) - 1)

    def at(self, along: float) -> float:
        """Its middle at a place along it, held at its ends."""
        return float(self.across[min(max(round(along) - self.first, 0), len(self.across) - 1)])


def profile(strength: Pixels, first: int, across: Floats, reach: int) -> Pixels:
    """Ink across a curve: (n, 2 * reach + 1), the curve in the middle column."""
    rows = np.rint(across).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)[None, :]
    columns = np.arange(first, first + len(across))[:, None]
    inside = (rows >= 0) & (rows < strength.shape[0]) & (columns >= 0) & (columns < strength.shape[1])
    ink = strength[np.clip(rows, 0, strength.shape[0] - 1), np.clip(columns, 0, strength.shape[1] - 1)]
    return np.where(inside, ink, 0).astype(np.uint8)


def follow(
    strength: Pixels, votes: Pixels, corner: tuple[int, int], threshold: float, shortest: int
) -> list[Trace]:
    """The rule that most of the votes lie along, in pieces where it has wide gaps.

    None are returned where the votes are not straight, thin and well covered.

    strength: (h, w) ink. votes: (h', w') a part of the picture, with its top left corner (x, y).
    threshold: least ink of a rule. shortest: pixels.
    """
    x, y = corner
    found = _along(votes)
    if found is None or found[0][-1] - found[0][0] < shortest:
        return []
    columns, middle = found
    scale = max(1, votes.shape[1] - 1)
    place = columns / scale * 2 - 1
    curve = np.polynomial.Polynomial.fit(place, middle, 1 if len(columns) < 250 else 3, domain=[-1, 1])
    off = middle - curve(place)
    if float(np.mean(np.abs(off) < STRAIGHT)) < STEADY:
        return []
    everywhere = np.arange(columns[0], columns[-1] + 1)
    stray = np.interp(everywhere, columns, np.clip(off, -2, 2))
    stray = cv2.blur(stray[None, :], (25, 1), borderType=cv2.BORDER_REPLICATE)[0]
    across = np.asarray(curve(everywhere / scale * 2 - 1) + stray + y, np.float64)
    first, across = _lengthened(x + int(columns[0]), across, strength.shape[1])
    return _judged(strength, first, across, threshold, shortest)


def _along(votes: Pixels) -> tuple[Indices, Floats] | None:
    """Columns and middles of the votes that lie near the straight line most columns vote for."""
    rows, columns = np.nonzero(votes)
    if len(columns) < 20:
        return None
    weights = votes[rows, columns] / votes.sum(axis=0, dtype=np.float64)[columns]
    slope, level = _straightest(rows, columns, weights, votes.shape[1])
    near = np.abs(rows - slope * columns - level) <= max(3.0, BENT * votes.shape[1])
    rows, columns, weights = rows[near], columns[near], weights[near]
    total = np.bincount(columns, weights, votes.shape[1])
    middle = np.bincount(columns, weights * rows, votes.shape[1])
    used = np.flatnonzero(total)
    return used, middle[used] / total[used]


def _straightest(rows: Indices, columns: Indices, weights: Floats, length: int) -> tuple[float, float]:
    """Slope and level of the straight line with most votes, a column one vote."""
    used = np.unique(columns)
    few = np.isin(columns, used[:: max(1, len(used) // 150)])
    rows, columns, weights = rows[few], columns[few], weights[few]
    best, most = (0.0, float(np.median(rows))), -1.0
    steepest = min(STEEPEST, (float(np.ptp(rows)) + 2) / length)
    for slope in np.arange(-steepest, steepest + 1e-9, max(0.002, 1.5 / length)):
        level = rows - slope * columns
        low = float(np.floor(level.min()))
        count = np.convolve(np.bincount(np.rint(level - low).astype(np.int64), weights), [1, 1, 1])
        top = int(np.argmax(count))
        if count[top] > most:
            most, best = float(count[top]), (float(slope), low + top - 1)
    return best


def _lengthened(first: int, across: Floats, width: int) -> tuple[int, Floats]:
    """The curve drawn on at both ends, where a rule may go on fainter or end at the picture's edge."""
    reach = min(len(across) - 1, 40)
    more = max(2 * GAP, len(across) // 4)
    before, after = min(more, first), max(0, min(more, width - first - len(across)))
    start, end = (across[reach] - across[0]) / reach, (across[-1] - across[-1 - reach]) / reach
    head = across[0] - start * np.arange(before, 0, -1)
    tail = across[-1] + end * np.arange(1, after + 1)
    return first - before, np.concatenate([head, across, tail])


def _judged(strength: Pixels, first: int, across: Floats, threshold: float, shortest: int) -> list[Trace]:
    """The curve cut to where it is inked; nothing where gaps, thickness or company tell of writing."""
    cuts = profile(strength, first, across, THICKEST + 4)
    centre = cuts.shape[1] // 2
    core = cuts[:, centre - 1 : centre + 2].max(axis=1)
    if not (core > threshold).any():
        return []
    level = float(np.median(core[core > threshold]))
    inked = core > max(threshold, EVEN * level)
    closed = _closed(inked, GAP)
    free = inked & (core <= PEN * level + threshold)  # not under the pen
    traces = []
    for start, stop in _runs(_closed(closed, WIDE_GAP)):
        plain = np.flatnonzero(free[start:stop]) + start
        if stop - start < shortest or closed[start:stop].mean() < COVERED:
            continue
        if len(plain) >= PLAIN * (stop - start) and _is_alone(cuts[plain]):
            traces.append(Trace(first + start, across[start:stop], thickness(cuts[plain])))
    return traces


def _closed(inked: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """With gaps narrower than `gap` filled."""
    row = inked.astype(np.uint8)[None, :]
    return np.asarray(cv2.morphologyEx(row, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))[0] > 0)


def _runs(inked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where each stretch of True starts and stops."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in steps.reshape(-1, 2)]


def _is_alone(cuts: Pixels) -> bool:
    """Whether a rule is thin and mostly has paper on both sides."""
    centre = cuts.shape[1] // 2
    thick = thickness(cuts)
    off = int(np.ceil(thick / 2)) + 2
    if thick > THICKEST or centre - off < 1:
        return False
    limit = 0.5 * np.percentile(cuts[:, centre - 1 : centre + 2].max(axis=1), 40)
    above = cuts[:, [centre - off - 1, centre - off]].max(axis=1) > limit
    below = cuts[:, [centre + off, centre + off + 1]].max(axis=1) > limit
    breadth = np.count_nonzero(cuts[:, centre - off : centre + off + 1] > limit, axis=1)
    even = float(np.mean(np.abs(breadth - np.median(breadth)) <= 1.0))
    return bool(even >= UNIFORM and (above | below).mean() <= COMPANY and (above & below).mean() <= CROSSED)


def thickness(cuts: Pixels) -> float:
    """Width at half strength of the typical cut across a rule."""
    usual = np.percentile(cuts, 40, axis=0)
    centre = len(usual) // 2
    peak = usual[centre - 1 : centre + 2].max()
    return float(np.count_nonzero(usual > 0.5 * peak)) if peak > 0 else 1.0
