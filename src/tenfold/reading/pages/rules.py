"""Take ruled lines, boxes and grids out of the ink without cutting the digits that cross them."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.paper import Ink

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

REACH = 41  # pixels: length over which a rule is averaged
SHORTEST = 110  # pixels: a straight run as long as this is a rule wherever it stands
THICKEST = 9  # pixels
STEEPEST = 0.07  # slope of a rule on a level page
BENT = 0.008  # of a rule's length: how far it may bow
MERGED = 4  # most rules that writing can tie into one tangle
COVERED = 0.85  # of a rule's length that must be inked
GAP = 9  # pixels: a gap in a rule, as in a dotted one
COMPANY = 0.5  # of a rule's length that may have other ink beside it,
CROSSED = 0.25  # and on both sides of it
PLAIN = 0.35  # of a rule's length that must be free of the pen
EVEN = 0.35  # of a rule's usual ink that it has everywhere
LIKE, UNLIKE = 0.4, 1.5  # times the walls' strength: least and greatest of a box's side
STRAIGHT = 1.5  # pixels a rule may stray from its curve,
STEADY = 0.72  # over this share of its length
APART = 0.6  # of a box's height: no other rule of its own direction is so near a side
CLOSES = 0.8  # of the height between two rules that a cell's side must cover
PEN = 1.45  # times the rule's own strength: ink above that is a pen's


@dataclass(frozen=True, eq=False)
class Trace:
    """A rule as a curve over the working picture.

    first: where it begins, along it. across: (n,) its middle at each pixel from there on.
    thickness: in pixels. upright: whether it runs down the picture.
    """

    first: int
    across: Floats = field(repr=False)
    thickness: float
    upright: bool

    @property
    def last(self) -> int:
        """Where it ends, along it."""
        return self.first + len(self.across) - 1

    def at(self, along: float) -> float:
        """Its middle at a place along it, held at its ends."""
        return float(self.across[int(np.clip(round(along) - self.first, 0, len(self.across) - 1))])


def remove_rules(ink: Ink, shortest: int = SHORTEST) -> tuple[Ink, tuple[Trace, ...]]:
    """The ink without printed rules, and the rules: long straight runs, then the short sides of boxes."""
    level = _long(ink.strength, ink.roughness, shortest)
    upright = _long(_turned(ink.strength), ink.roughness, shortest)
    sides = _sides(_turned(ink.strength), level, upright, ink.roughness)
    tops = _sides(ink.strength, upright, level, ink.roughness)
    strength = ink.strength.copy()
    for trace in (*level, *tops):
        _erase(strength, trace, ink.roughness)
    strength = _turned(strength).copy()
    for trace in (*upright, *sides):
        _erase(strength, trace, ink.roughness)
    traces = (
        *level,
        *tops,
        *(Trace(t.first, t.across, t.thickness, True) for t in (*upright, *sides)),
    )
    return Ink(_turned(strength), ink.roughness), traces


def _turned(strength: Pixels) -> Pixels:
    return np.ascontiguousarray(strength.T)


def _long(strength: Pixels, roughness: float, shortest: int) -> list[Trace]:
    """Rules that run across the picture."""
    height, width = strength.shape
    if width < shortest or height < 5:
        return []
    reach = min(REACH, shortest // 2) | 1
    # The least ink over a stretch is the rule's own wherever pen strokes cross it; a row's neighbours lend
    # theirs first, since a rule is seldom quite level.
    broad = cv2.dilate(strength, np.ones((3, 1), np.uint8))
    whole = cv2.morphologyEx(broad, cv2.MORPH_CLOSE, np.ones((1, GAP), np.uint8))
    least = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((1, reach), np.uint8))
    thin = cv2.morphologyEx(least, cv2.MORPH_TOPHAT, np.ones((2 * THICKEST + 3, 1), np.uint8))
    threshold = max(7.0, 2.5 * roughness)
    found = (thin > threshold).astype(np.uint8)
    closed = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8))
    count, names, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    traces = []
    for i in range(1, count):
        x, y, w, h, _ = (int(v) for v in stats[i])
        if w < shortest or h > 0.12 * w + 3 * THICKEST:
            continue
        part = np.where(names[y : y + h, x : x + w] == i, thin[y : y + h, x : x + w], 0)
        for _ in range(MERGED if h > 2 * THICKEST else 1):
            trace = _trace(strength, part, (x, y), threshold, shortest)
            if trace is None:
                break
            traces.append(trace)
            _strike_out(part, trace, (x, y))
    return traces


def _strike_out(part: Pixels, trace: Trace, corner: tuple[int, int]) -> None:
    """Take a rule's own votes away in place, so that the next one in the same tangle can be seen."""
    rows = np.arange(part.shape[0])[:, None] + corner[1]
    columns = np.arange(part.shape[1]) + corner[0]
    curve = np.interp(columns, np.arange(trace.first, trace.last + 1), trace.across)
    part[np.abs(rows - curve[None, :]) < trace.thickness / 2 + 3] = 0


def _trace(
    strength: Pixels, part: Pixels, corner: tuple[int, int], threshold: float, shortest: int
) -> Trace | None:
    """A smooth curve through a run of ink; None where it is not straight, thin and well covered."""
    x, y = corner
    found = _along(part)
    if found is None or found[0][-1] - found[0][0] < shortest:
        return None
    columns, middle = found
    place = columns / max(1, part.shape[1] - 1) * 2 - 1
    curve = np.polynomial.Polynomial.fit(place, middle, 1 if len(columns) < 250 else 3, domain=[-1, 1])
    off = middle - curve(place)
    if float(np.mean(np.abs(off) < STRAIGHT)) < STEADY:
        return None
    first, last = int(columns[0]), int(columns[-1])
    everywhere = np.arange(first, last + 1)
    stray = np.interp(everywhere, columns, np.clip(off, -2, 2))
    stray = cv2.blur(stray[None, :], (25, 1), borderType=cv2.BORDER_REPLICATE)[0]
    across = curve(everywhere / max(1, part.shape[1] - 1) * 2 - 1) + stray + y
    profile = _profile(strength, x + first, across, THICKEST + 4)
    return _checked(profile, x + first, across, threshold, shortest)


def _along(part: Pixels) -> tuple[NDArray[np.int64], Floats] | None:
    """Columns and middles of the votes that lie near the straight line most columns vote for."""
    rows, columns = np.nonzero(part)
    if len(columns) < 20:
        return None
    votes = part[rows, columns] / part.sum(axis=0, dtype=np.float64)[columns]
    best, most = (0.0, 0.0), -1.0
    reach = float(part.shape[1])
    few = columns % max(1, part.shape[1] // 150) == 0
    some_rows, some_columns, some_votes = rows[few], columns[few], votes[few]
    for slope in np.arange(-STEEPEST, STEEPEST + 1e-9, max(0.002, 1.5 / reach)):
        level = some_rows - slope * some_columns
        low = np.floor(level.min())
        count = np.bincount(np.rint(level - low).astype(np.int64), some_votes)
        count = np.convolve(count, [1, 1, 1])
        top = int(np.argmax(count))
        if count[top] > most:
            most, best = float(count[top]), (float(slope), low + top - 1)
    near = np.abs(rows - best[0] * columns - best[1]) <= max(3.0, BENT * reach)
    rows, columns, votes = rows[near], columns[near], votes[near]
    total = np.bincount(columns, votes, part.shape[1])
    middle = np.bincount(columns, votes * rows, part.shape[1])
    used = np.flatnonzero(total)
    return used, middle[used] / total[used]


def _checked(profile: Pixels, x: int, across: Floats, threshold: float, shortest: int) -> Trace | None:
    """A rule along a curve, cut to where it is inked; None where gaps or company tell of writing."""
    centre = profile.shape[1] // 2
    core = profile[:, centre - 1 : centre + 2].max(axis=1)
    level = float(np.median(core[core > threshold])) if (core > threshold).any() else 0.0
    inked = (core > max(threshold, EVEN * level)).astype(np.uint8)[None, :]
    closed = cv2.morphologyEx(inked, cv2.MORPH_CLOSE, np.ones((1, GAP), np.uint8))[0]
    runs = np.flatnonzero(np.diff(np.concatenate([[0], closed.astype(np.int8), [0]]))).reshape(-1, 2)
    longest = runs[np.argmax(runs[:, 1] - runs[:, 0])] if len(runs) else np.zeros(2, np.int64)
    if longest[1] - longest[0] < shortest:
        return None
    runs = runs[runs[:, 1] - runs[:, 0] >= min(shortest, 3 * GAP)]
    first, last = int(runs[0, 0]), int(runs[-1, 1]) - 1
    if closed[first : last + 1].mean() < COVERED:
        first, last = int(longest[0]), int(longest[1]) - 1
    plain = (closed > 0) & (core <= PEN * level + threshold)  # not under the pen
    plain[:first] = plain[last + 1 :] = False
    if plain.sum() < PLAIN * (last + 1 - first):
        return None
    profile = profile[plain]
    thickness = _thickness(profile)
    off = int(np.ceil(thickness / 2)) + 2
    if thickness > THICKEST or centre - off < 1:
        return None
    limit = 0.5 * np.percentile(profile[:, centre - 1 : centre + 2].max(axis=1), 40)
    above = profile[:, [centre - off - 1, centre - off]].max(axis=1) > limit
    below = profile[:, [centre + off, centre + off + 1]].max(axis=1) > limit
    if (above | below).mean() > COMPANY or (above & below).mean() > CROSSED:
        return None
    return Trace(x + first, across[first : last + 1], thickness, False)


def _profile(strength: Pixels, first: int, across: Floats, reach: int) -> Pixels:
    """Ink across a curve: (n, 2 * reach + 1), its middle in the middle column."""
    rows = np.rint(across).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)[None, :]
    columns = np.arange(first, first + len(across))[:, None]
    inside = (rows >= 0) & (rows < strength.shape[0])
    return np.where(inside, strength[np.clip(rows, 0, strength.shape[0] - 1), columns], 0).astype(np.uint8)


def _thickness(profile: Pixels) -> float:
    """Width at half strength of the typical cut across a rule."""
    usual = np.percentile(profile, 40, axis=0)
    centre = len(usual) // 2
    peak = usual[centre - 1 : centre + 2].max()
    return float(np.count_nonzero(usual > 0.5 * peak)) if peak > 0 else 1.0


def _sides(strength: Pixels, walls: list[Trace], known: list[Trace], roughness: float) -> list[Trace]:
    """Short rules that run from one wall to the next: the sides of boxes.

    strength: turned so that the sides sought run along its rows; `walls` then cross them.
    """
    found: list[Trace] = []
    ordered = sorted(walls, key=lambda wall: float(wall.across.mean()))
    for i, near in enumerate(ordered):
        for far in ordered[i + 1 :]:
            first, last = max(near.first, far.first), min(near.last, far.last)
            gap = float(far.across.mean() - near.across.mean())
            if last - first < 20 or gap < 14:
                continue
            if gap > SHORTEST * 1.6:
                break
            fresh = _between(strength, near, far, (first, last), roughness)
            found.extend(_lone(fresh, [*known, *found], APART * gap))
            break
    return found


def _between(
    strength: Pixels, near: Trace, far: Trace, span: tuple[int, int], roughness: float
) -> list[Trace]:
    """Straight thin runs from one wall to another, over the part of them that both share."""
    first, last = span
    reach = np.arange(first, last + 1)
    start = near.across[reach - near.first] + near.thickness
    stop = far.across[reach - far.first] - far.thickness
    share = (np.arange(24) + 0.5) / 24
    columns = np.clip(np.rint(start[:, None] + (stop - start)[:, None] * share), 0, strength.shape[1] - 1)
    rows = np.clip(reach, 0, strength.shape[0] - 1)[:, None]
    block = strength[
        rows, columns.astype(np.int64)
    ]  # (n, 24): rows down the walls, columns from wall to wall
    spread = cv2.dilate(block, np.ones((3, 1), np.uint8))
    walls = sorted((_strength(strength, near), _strength(strength, far)))
    threshold = max(10.0, 4 * roughness)
    inked = np.mean(spread > max(threshold, LIKE * walls[0]), axis=1)
    alone = cv2.morphologyEx(inked[:, None], cv2.MORPH_TOPHAT, np.ones((2 * THICKEST + 1, 1), np.uint8))
    thin = np.asarray(alone).ravel()
    full = (inked >= CLOSES) & (thin > 0.3)
    traces = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], full.astype(np.int8), [0]])))
    for a, b in edges.reshape(-1, 2):
        if b - a > THICKEST + 2 or np.median(block[(a + b - 1) // 2]) > UNLIKE * walls[1] + threshold:
            continue
        middle = first + (a + b - 1) / 2
        x0, x1 = round(near.at(middle)), round(far.at(middle))
        across = np.full(x1 - x0 + 1, middle)
        traces.append(Trace(x0, across, max(1.0, float(b - a - 2)), False))
    return traces


def _strength(strength: Pixels, wall: Trace) -> float:
    """The usual ink of a rule that crosses the rows of `strength`."""
    columns = np.clip(np.rint(wall.across), 0, strength.shape[1] - 1).astype(np.int64)
    rows = np.clip(np.arange(wall.first, wall.last + 1), 0, strength.shape[0] - 1)
    return float(np.median(strength[rows, columns]))


def _lone(fresh: list[Trace], known: list[Trace], apart: float) -> list[Trace]:
    """Those that keep their distance from the known ones: a box's sides are a box apart."""
    return [
        trace
        for trace in fresh
        if not any(
            other.first <= middle <= other.last and abs(trace.at(middle) - other.at(middle)) < apart
            for other in known
            for middle in [(trace.first + trace.last) / 2]
        )
    ]


def _erase(strength: Pixels, trace: Trace, roughness: float) -> None:
    """Take one rule out in place: keep what crosses it, and what is darker than it is."""
    across = int(np.ceil(trace.thickness / 2)) + 1
    reach = across + 4
    first = max(trace.first - 2, 0)
    last = min(trace.last + 2, strength.shape[1] - 1)
    curve = np.interp(np.arange(first, last + 1), np.arange(trace.first, trace.last + 1), trace.across)
    profile = _profile(strength, first, curve, reach)
    middle = reach
    before = profile[:, middle - across - 2 : middle - across].max(axis=1)
    after = profile[:, middle + across + 1 : middle + across + 3].max(axis=1)
    crossing = np.zeros(len(curve), np.uint8)
    for lean in range(-across - 1, across + 2):
        crossing = np.maximum(crossing, np.minimum(np.roll(before, lean), np.roll(after, -lean)))
    band = profile[:, middle - across : middle + across + 1]
    own = np.percentile(band.max(axis=1), 35)
    pen = band > PEN * own + 3 * roughness
    fresh = np.where(pen, band, np.minimum(band, crossing[:, None]))
    rows = np.rint(curve).astype(np.int64)[:, None] + np.arange(-across, across + 1)[None, :]
    columns = np.broadcast_to(np.arange(first, last + 1)[:, None], rows.shape)
    inside = (rows >= 0) & (rows < strength.shape[0])
    strength[rows[inside], columns[inside]] = fresh[inside]
