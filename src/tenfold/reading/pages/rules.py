"""Take ruled lines, boxes and grids out of the ink without cutting the digits that cross them."""

from dataclasses import replace

import cv2
import numpy as np

from tenfold.reading.pages.boxes import box_sides, missing_sides
from tenfold.reading.pages.geometry import weighted_median
from tenfold.reading.pages.paper import Ink
from tenfold.reading.pages.traces import GAP, PEN, THICKEST, Floats, Pixels, Trace, follow, profile

REACH = 41  # pixels: a pen's stroke is seldom level for as long
SHORTEST = 160  # pixels: a straight run as long as this is a rule, where the writing's height is unknown
RUN = 7.0  # times the writing's height: and where it is known
TOUCHING = 0.6  # of the rule's own ink that a stroke ending on it has
SMALLEST_BOX = 0.75  # times the writing's height
MERGED = 4  # most rules that writing can tie into one tangle


def remove_rules(ink: Ink, text: float = 0.0) -> tuple[Ink, tuple[Trace, ...]]:
    """The ink without printed rules, and the rules: long straight runs, and the sides of boxes.

    text: height of the writing in pixels; 0 where it is not known yet.
    """
    shortest = int(np.clip(RUN * text, 110, 400)) if text else SHORTEST
    threshold = max(7.0, 2.0 * ink.roughness)
    turned = np.ascontiguousarray(ink.strength.T)
    level = long_rules(ink.strength, threshold, shortest)
    upright = [_stood_up(trace) for trace in long_rules(turned, threshold, shortest)]
    sides = box_sides(ink.strength, threshold, [*level, *upright], SMALLEST_BOX * text)
    hidden = missing_sides(ink.strength, threshold, [*level, *upright, *sides])
    traces = (*level, *upright, *sides, *hidden)
    if not traces:
        return ink, ()
    strength = ink.strength.copy()
    for trace in traces:
        if not trace.upright:
            erase(strength, trace, ink.roughness)
    strength = np.ascontiguousarray(strength.T)
    for trace in traces:
        if trace.upright:
            erase(strength, trace, ink.roughness)
    strength = np.ascontiguousarray(strength.T)
    _clear_crossings(strength, traces, threshold)
    return replace(ink, strength=strength), traces


def _stood_up(trace: Trace) -> Trace:
    return Trace(trace.first, trace.across, trace.thickness, True)


def long_rules(strength: Pixels, threshold: float, shortest: int) -> list[Trace]:
    """Rules that run across the picture, at least `shortest` pixels long and `threshold` levels dark."""
    height, width = strength.shape
    if width < shortest or height < 5:
        return []
    reach = min(REACH, shortest // 2) | 1
    # The least ink over a stretch is the rule's own wherever pen strokes cross it; a row's neighbours lend
    # theirs first, since a rule is seldom quite level.
    broad = cv2.dilate(strength, np.ones((3, 1), np.uint8))
    whole = cv2.morphologyEx(broad, cv2.MORPH_CLOSE, np.ones((1, GAP), np.uint8))
    least = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((1, reach), np.uint8))
    thin = np.asarray(
        cv2.morphologyEx(least, cv2.MORPH_TOPHAT, np.ones((2 * THICKEST + 3, 1), np.uint8)), np.uint8
    )
    found = (thin > threshold).astype(np.uint8)
    closed = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8))
    count, names, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    traces = []
    for i in range(1, count):
        x, y, w, h, _ = (int(v) for v in stats[i])
        if w < shortest:
            continue
        votes = np.where(names[y : y + h, x : x + w] == i, thin[y : y + h, x : x + w], 0)
        for _ in range(MERGED if h > 2 * THICKEST else 1):
            found_here = follow(strength, votes, (x, y), threshold, shortest)
            if not found_here:
                break
            traces.extend(found_here)
            for trace in found_here:
                _strike_out(votes, trace, (x, y))
    return traces


def _strike_out(votes: Pixels, trace: Trace, corner: tuple[int, int]) -> None:
    """Take a rule's own votes away in place, so that the next one in the same tangle can be seen."""
    rows = np.arange(votes.shape[0])[:, None] + corner[1]
    columns = np.arange(votes.shape[1]) + corner[0]
    curve = np.interp(columns, np.arange(trace.first, trace.last + 1), trace.across)
    along = (columns >= trace.first - 2) & (columns <= trace.last + 2)
    votes[(np.abs(rows - curve[None, :]) < trace.thickness / 2 + 3) & along[None, :]] = 0


def erase(strength: Pixels, trace: Trace, roughness: float, spare: int = 0) -> None:
    """Take one level rule out in place: keep what crosses it, and what is darker than it is.

    spare: pixels; so near to a stroke that touches it, the rule stays, since it may hide the stroke's end.
    """
    across = int(np.ceil(trace.thickness / 2)) + 1
    reach = across + 4
    first = max(trace.first - 2, 0)
    last = min(trace.last + 2, strength.shape[1] - 1)
    if last <= first:
        return
    curve = np.interp(np.arange(first, last + 1), np.arange(trace.first, trace.last + 1), trace.across)
    cuts = profile(strength, first, curve, reach)
    before = cuts[:, reach - across - 2 : reach - across].max(axis=1)
    after = cuts[:, reach + across + 1 : reach + across + 3].max(axis=1)
    crossing = np.zeros(len(curve), np.uint8)
    for lean in range(-across - 1, across + 2):
        crossing = np.maximum(crossing, np.minimum(np.roll(before, lean), np.roll(after, -lean)))
    band = cuts[:, reach - across : reach + across + 1]
    peaks = band.max(axis=1)
    own = np.percentile(peaks[peaks > 0.25 * peaks.max()], 35) if peaks.any() else 0.0
    pen = band > PEN * own + 3 * roughness
    fresh = np.where(pen, band, np.minimum(band, crossing[:, None]))
    if spare:
        touched = np.maximum(before, after) > TOUCHING * own
        near = cv2.dilate(touched.astype(np.uint8)[None, :], np.ones((1, 2 * spare + 1), np.uint8))[0] > 0
        fresh = np.where(near[:, None], band, fresh)
    rows = np.rint(curve).astype(np.int64)[:, None] + np.arange(-across, across + 1)[None, :]
    columns = np.broadcast_to(np.arange(first, last + 1)[:, None], rows.shape)
    inside = (rows >= 0) & (rows < strength.shape[0])
    strength[rows[inside], columns[inside]] = fresh[inside]


def _clear_crossings(strength: Pixels, traces: tuple[Trace, ...], threshold: float) -> None:
    """Take away in place the dots left where two rules cross, unless ink runs on from them."""
    upright = [trace for trace in traces if trace.upright]
    for level in (trace for trace in traces if not trace.upright):
        for other in upright:
            x, y = _crossing(level, other)
            reach = int(max(level.thickness, other.thickness) / 2) + 3
            if not (
                level.first - reach <= x <= level.last + reach
                and other.first - reach <= y <= other.last + reach
            ):
                continue
            left, top = max(round(x) - reach, 0), max(round(y) - reach, 0)
            part = strength[top : round(y) + reach + 1, left : round(x) + reach + 1]
            if (
                part.size
                and max(part[0].max(), part[-1].max(), part[:, 0].max(), part[:, -1].max()) <= threshold
            ):
                part[:] = 0


def _crossing(level: Trace, upright: Trace) -> tuple[float, float]:
    x = float(upright.across[len(upright.across) // 2])
    y = level.at(x)
    x = upright.at(y)
    return x, level.at(x)


def tilt(traces: tuple[Trace, ...]) -> float:
    """Degrees by which the rules are turned clockwise: the middle one, by length. 0 where there are none."""
    slopes = np.array([-t.slope if t.upright else t.slope for t in traces])
    lengths: Floats = np.array([len(t.across) for t in traces], np.float64)
    return float(np.degrees(np.arctan(weighted_median(slopes, lengths))))
