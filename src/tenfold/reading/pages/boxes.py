"""The sides of printed boxes, each found by the rectangle of paper that it encloses."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.traces import THICKEST, Floats, Pixels, Trace, profile, thickness

SMALLEST = 13  # pixels: side of the smallest box
LARGEST = 0.6  # of the picture's longer side; longer rules are found as such
SQUARE = 0.88  # of its rectangle that a box's outline fills (an ellipse fills 0.79)
TILTED = 6.0  # degrees
ALONG = 0.75  # of its sides that the outline must run along,
CROSSED = 0.3  # and of each of them, since a digit may cross one
TALLEST = 250  # pixels: no box for a number is as tall
STANDING = 0.8  # of a side's length that is inked
DARKER = 1.6  # times the usual side's ink: what has more is a pen's stroke
LIKE = 0.5  # of a side's own ink that it has where it goes on
FARTHEST = 400  # pixels: how far a side is drawn on
NEAR = 5  # pixels: a side so near a known rule is that rule


def box_sides(strength: Pixels, threshold: float, known: list[Trace], smallest: float) -> list[Trace]:
    """The sides of boxes that are not among the known rules.

    strength: (h, w) ink. threshold: least ink of a rule. smallest: pixels; side of the smallest box.
    """
    smallest = max(SMALLEST, smallest)
    mask = cv2.dilate((strength > threshold).astype(np.uint8), np.ones((3, 3), np.uint8))
    contours, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return []
    across = np.ascontiguousarray(strength.T)
    taken = _Taken(strength.shape, known)
    found = []
    for outline, relation in zip(contours, np.asarray(tree)[0], strict=True):
        if relation[3] < 0 or len(outline) < 4 * smallest:
            continue
        corners = _rectangle(np.asarray(outline, np.int32).reshape(-1, 2), taken, smallest)
        if corners is None:
            continue
        for side in _printed(strength, across, _sides(strength, across, corners)):
            if not taken.at(side):
                found.append(_extended(across if side.upright else strength, side, threshold))
                taken.add(found[-1])
    return found


class _Taken:
    """Where rules are known already, upright ones and level ones apart."""

    def __init__(self, shape: tuple[int, ...], known: list[Trace]) -> None:
        self._maps = (np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
        self.longest = max(shape)
        for trace in known:
            self.add(trace)

    def add(self, trace: Trace) -> None:
        """Mark a rule, as broad as a side may miss it by."""
        along = np.arange(trace.first, trace.last + 1)
        points = np.stack([trace.across, along] if trace.upright else [along, trace.across], axis=1)
        cv2.polylines(self._maps[trace.upright], [np.rint(points).astype(np.int32)], False, 1, 2 * NEAR + 1)

    def at(self, side: Trace) -> bool:
        """Whether the middle of a side is on a known rule."""
        along = (side.first + side.last) / 2
        place = (side.at(along), along) if side.upright else (along, side.at(along))
        return self.point(*place, upright=side.upright)

    def point(self, x: float, y: float, *, upright: bool) -> bool:
        """Whether a point is on a known rule."""
        known = self._maps[upright]
        column = min(max(round(x), 0), known.shape[1] - 1)
        return bool(known[min(max(round(y), 0), known.shape[0] - 1), column])


def _rectangle(outline: NDArray[np.int32], taken: _Taken, smallest: float) -> Floats | None:
    """Corners (4, 2) of the upright rectangle that an outline (n, 2) runs along; None if none, or known."""
    left, top = outline.min(axis=0)
    right, bottom = outline.max(axis=0)
    if (
        min(right - left, bottom - top) < smallest
        or max(right - left, bottom - top) > LARGEST * taken.longest
    ):
        return None
    across, down = (left + right) / 2, (top + bottom) / 2
    beside = all(taken.point(x, down, upright=True) for x in (left, right))
    if beside and all(taken.point(across, y, upright=False) for y in (top, bottom)):
        return None
    hull = cv2.convexHull(outline)
    (centre, size, angle) = cv2.minAreaRect(hull)
    if min(size) < smallest or cv2.contourArea(hull) < SQUARE * size[0] * size[1]:
        return None
    if abs((angle + 45) % 90 - 45) > TILTED:
        return None
    corners = np.asarray(cv2.boxPoints((centre, size, angle)), np.float64)
    shares = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        length = float(np.linalg.norm(end - start))
        along = (end - start) / length
        place = (outline - start) @ along
        off = np.abs((outline - start) @ np.array([-along[1], along[0]]))
        near = place[off < 1.5 + 0.03 * length]
        shares.append(min(1.0, len(np.unique(np.rint(near))) / length))
    return corners if min(shares) > CROSSED and np.mean(shares) > ALONG else None


def _sides(strength: Pixels, turned: Pixels, corners: Floats) -> list[Trace]:
    """The rules along the sides of a rectangle; `turned` is the picture on its side."""
    sides = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        upright = bool(abs(end[1] - start[1]) > abs(end[0] - start[0]))
        side = _side(turned if upright else strength, start, end, corners.mean(axis=0), upright)
        if side is not None:
            sides.append(side)
    return sides


def _extended(strength: Pixels, side: Trace, threshold: float) -> Trace:
    """A side drawn on for as long as it is inked: the next box's side may be hidden by its digit."""
    core = profile(strength, side.first, side.across, 1).max(axis=1)
    threshold = max(threshold, LIKE * float(np.median(core)))
    ends = []
    for start, step, slope in ((side.first, -1, -side.slope), (side.last, 1, side.slope)):
        along = start + step * np.arange(1, FARTHEST + 1)
        along = along[(along >= 0) & (along < strength.shape[1])]
        across = np.rint(side.at(start) + slope * np.arange(1, len(along) + 1)).astype(np.int64)
        rows = np.clip(across[None, :] + np.array([[-1], [0], [1]]), 0, strength.shape[0] - 1)
        bare = strength[rows, along[None, :]].max(axis=0) <= threshold
        gaps = np.flatnonzero(bare & np.roll(bare, -1) & np.roll(bare, -2))
        ends.append(int(gaps[0]) if len(gaps) else len(along))
    before, after = ends
    curve = np.concatenate(
        [
            side.across[0] - side.slope * np.arange(before, 0, -1),
            side.across,
            side.across[-1] + side.slope * np.arange(1, after + 1),
        ]
    )
    return Trace(side.first - before, curve, side.thickness, side.upright)


def _printed(strength: Pixels, turned: Pixels, sides: list[Trace]) -> list[Trace]:
    """Without a side of much more ink than the others: a digit's stroke that closes off part of a box."""
    inks = []
    for side in sides:
        cuts = profile(turned if side.upright else strength, side.first, side.across, THICKEST // 2)
        inks.append(float(np.percentile(cuts, 40, axis=0).sum()))
    return [side for side, ink in zip(sides, inks, strict=True) if ink <= DARKER * float(np.median(inks))]


def _side(strength: Pixels, start: Floats, end: Floats, middle: Floats, upright: bool) -> Trace | None:
    """The rule just outside one side of a rectangle; `strength` is turned so that it runs along the rows."""
    if upright:
        start, end, middle = start[::-1], end[::-1], middle[::-1]
    if start[0] > end[0]:
        start, end = end, start
    first, last = int(start[0]) - 1, int(np.ceil(end[0])) + 1
    curve = np.interp(np.arange(first, last + 1), [start[0], end[0]], [start[1], end[1]])
    reach = THICKEST + 4
    usual = np.percentile(profile(strength, first, curve, reach), 40, axis=0)
    outward = 1 if start[1] + end[1] > 2 * middle[1] else -1
    outside = [reach + outward * k for k in range(THICKEST // 2 + 3)]
    shift = outside[int(np.argmax(usual[outside]))] - reach
    cuts = profile(strength, first, curve + shift, reach)
    thick = thickness(cuts)
    return Trace(first, curve + shift, thick, upright) if thick <= THICKEST else None


def missing_sides(strength: Pixels, threshold: float, known: list[Trace]) -> list[Trace]:
    """Upright sides that a digit across them hid: where level rules end, or at the pitch of the others.

    strength: (h, w) ink. known: the rules found so far.
    """
    level = sorted(
        (trace for trace in known if not trace.upright), key=lambda trace: float(trace.across.mean())
    )
    upright = [trace for trace in known if trace.upright]
    found: list[Trace] = []
    for i, top in enumerate(level):
        for bottom in level[i + 1 : i + 6]:
            first, last = max(top.first, bottom.first), min(top.last, bottom.last)
            gap = bottom.at((first + last) / 2) - top.at((first + last) / 2)
            if gap > TALLEST or last - first < SMALLEST:
                continue
            if gap < SMALLEST:
                break
            for x in _expected(top, bottom, upright):
                side = _standing(strength, threshold, top, bottom, x)
                if side is not None and not any(_same(side, other) for other in found):
                    found.append(side)
            break
    return found


def _same(one: Trace, other: Trace) -> bool:
    """Whether two upright sides are one, and not one above the other."""
    first, last = max(one.first, other.first), min(one.last, other.last)
    return first < last and abs(one.at(first) - other.at(first)) <= NEAR


def _expected(top: Trace, bottom: Trace, upright: list[Trace]) -> list[float]:
    """Where sides are to be looked for between two level rules."""
    centre = (top.first + top.last) / 2
    high, low = top.at(centre), bottom.at(centre)
    between = [
        wall
        for wall in upright
        if min(wall.last, low) - max(wall.first, high) > 0.2 * (low - high)
        and top.first - NEAR <= wall.at((high + low) / 2) <= top.last + NEAR
    ]
    walls = sorted(wall.at((high + low) / 2) for wall in between)
    whole = [
        wall.at((high + low) / 2) for wall in between if wall.first < high + NEAR and wall.last > low - NEAR
    ]
    ends = [
        (one + other) / 2
        for one, other in ((top.first, bottom.first), (top.last, bottom.last))
        if abs(one - other) <= 2 * NEAR
    ]
    places = [place for place in [*walls, *ends] if all(abs(place - wall) > NEAR for wall in whole)]
    return places + _at_pitch(sorted({*walls, *places}))


def _at_pitch(walls: list[float]) -> list[float]:
    """Where walls are missing between others that stand at even distances."""
    steps = np.diff(walls)
    wide = steps[steps > SMALLEST]
    if len(wide) < 2:
        return []
    pitch = float(wide.min())
    places = []
    for wall, step in zip(walls, steps, strict=False):
        count = round(float(step) / pitch)
        if 1 < count < 12 and abs(step - count * pitch) < 0.25 * pitch:
            places += [wall + k * float(step) / count for k in range(1, count)]
    return places


def _standing(strength: Pixels, threshold: float, top: Trace, bottom: Trace, x: float) -> Trace | None:
    """A straight thin run of ink near x from one level rule down to another; None where there is none."""
    first, last = round(top.at(x)), round(bottom.at(x))
    best: tuple[float, Floats] = (0.0, np.zeros(1))
    for shift in range(-NEAR, NEAR + 1):
        for lean in (-2, 0, 2):
            curve = np.linspace(x + shift - lean, x + shift + lean, last - first + 1)
            columns = np.clip(np.rint(curve).astype(np.int64), 0, strength.shape[1] - 1)
            rows = np.clip(np.arange(first, last + 1), 0, strength.shape[0] - 1)
            share = float(np.mean(strength[rows, columns] > threshold))
            if share > best[0] + 0.01:
                best = share, curve
    if best[0] < STANDING:
        return None
    cuts = profile(np.ascontiguousarray(strength.T), first, best[1], THICKEST + 4)
    return Trace(first, best[1], min(thickness(cuts), 4.0), True)
