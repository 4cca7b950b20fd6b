"""Of all that is written in a picture of one digit, keep the digit: no rules, boxes, specks or neighbours."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.contrast import Grey, median, square

Mask = NDArray[np.bool_]

ACROSS = 0.85  # of the side: a straight run this long is a rule, wherever it lies
ALONG = 0.5  # of the side: one this long, near the border, with another at right angles, is a box
BORDER = 0.25  # of the side: how far in a box's edge may lie
RUN = 0.35  # of the side: the straight pieces that rules are put together from
THIN = 0.12  # of the side: no rule is thicker
RIM = 0.12  # of the side: pieces of boxes lie this near the border
STRAIGHT = 0.09  # of the side: and are no thicker
LEAST = 0.2  # of what is written: if less would be left, it was the digit after all
LINED = 0.6  # of a component: one with so much straight line is a box or a rule
EDGE_TO_EDGE = 0.95  # of the side: a rule through a digit is this long
AS_TALL = 0.5  # of the digit's longer side: what is as long beside it may be another digit
AS_MUCH = 0.2  # of its ink: and has as much
INNER = 0.03  # of the frame's area: ink inside a frame that makes it a frame and not a 0


def foreign(written: Mask, signal: Grey) -> Mask:
    """What is surely not the digit: ruled lines, a box around it, pieces of either along the border.

    written: (h, w) bool; signal: (h, w) float32, how strongly.
    Returns (h, w) bool, empty where nothing else would be left.
    """
    if _is_apart(written):
        return np.zeros_like(written)
    found = _rules(written, signal)
    rest = written & ~found
    if pieces(rest) > 1:
        count, names, stats, _ = components(rest)
        joined = cv2.dilate(found.astype(np.uint8), square(5)) > 0
        at_rule = np.bincount(names[joined], minlength=count) > 0
        odd = [
            i > 0 and (_is_frame(names, stats, i) or _is_edge(stats[i], rest.shape, bool(at_rule[i])))
            for i in range(count)
        ]
        found = found | np.array(odd)[names]
    left = np.count_nonzero(written & ~found)
    return found if left > max(3, LEAST * np.count_nonzero(written)) else np.zeros_like(written)


def _is_apart(written: Mask) -> bool:
    """Whether all that is written is one piece with a margin: no rule, then, and no box with ink in it."""
    _, _, width, height = cv2.boundingRect(written.view(np.uint8))
    spans = width >= EDGE_TO_EDGE * written.shape[1] or height >= EDGE_TO_EDGE * written.shape[0]
    return not spans and pieces(written) < 2


def only_digit(written: Mask, signal: Grey) -> tuple[Mask, int]:
    """The digit's pixels among those written on: its main component and what belongs to it, no specks.

    written: (h, w) bool; signal: (h, w) float32, how strongly.
    Returns (h, w) bool, empty only if `written` is, and how many pieces were left out that are as large as
    digits beside it and not cut by the border.
    """
    if pieces(written) < 2:
        return written, 0
    count, names, stats, centres = components(written)
    height, width = written.shape
    strength = np.bincount(names.ravel(), weights=signal.ravel(), minlength=count)
    strength[0] = 0
    offset = np.abs((centres + 0.5) / (width, height) - 0.5).max(axis=1) * 2  # 0 in the middle, 1 at the edge
    main = int(np.argmax(strength * (1.15 - np.clip(offset, 0, 1))))
    kept = [i == main or (i > 0 and _belongs(stats[i], stats[main], (height, width))) for i in range(count)]
    beside = sum(_is_large(stats[i], stats[main], (height, width)) for i in range(1, count) if not kept[i])
    return np.asarray(np.array(kept)[names]), beside


def pieces(mask: Mask) -> int:
    """How many connected pieces a mask has; much cheaper than what else `components` tells of them."""
    return int(cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[0]) - 1


def components(
    mask: Mask,
) -> tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Connected pieces of a mask: their count, names by pixel, (x, y, w, h, area) and centres; 0 is paper."""
    count, names, stats, centres = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    return count, np.asarray(names, np.int32), np.asarray(stats, np.int32), np.asarray(centres, np.float64)


def _belongs(part: NDArray[np.int32], main: NDArray[np.int32], size: tuple[int, int]) -> bool:
    """Whether a component is part of the digit whose main one is given too (both: x, y, w, h, area)."""
    x, y, w, h, area = (int(v) for v in part)
    mx, my, mw, mh, marea = (int(v) for v in main)
    if area < max(2, 0.012 * marea):
        return False
    gap_x = max(mx - (x + w), x - (mx + mw), 0)
    gap_y = max(my - (y + h), y - (my + mh), 0)
    if max(gap_x, gap_y) > 0.3 * max(mw, mh):
        return False
    at_edge = x <= 0 or y <= 0 or x + w >= size[1] or y + h >= size[0]
    return area >= (0.25 if at_edge else 0.02) * marea or gap_x + gap_y < 0.08 * max(mw, mh)


def _is_large(part: NDArray[np.int32], main: NDArray[np.int32], size: tuple[int, int]) -> bool:
    """Whether a component that is no part of the digit may be another one, whole (all: x, y, w, h, area)."""
    x, y, w, h, area = (int(v) for v in part)
    whole = x > 0 and y > 0 and x + w < size[1] and y + h < size[0]
    return whole and max(w, h) >= AS_TALL * max(main[2], main[3]) and area >= AS_MUCH * main[4]


def _is_frame(names: NDArray[np.int32], stats: NDArray[np.int32], index: int) -> bool:
    """Whether a component is a box drawn around the digit: all of it near its bounds, other ink within."""
    x, y, w, h, area = (int(v) for v in stats[index])
    height, width = names.shape
    if w < 0.5 * width or h < 0.5 * height or area > 0.5 * w * h:
        return False
    window = names[y : y + h, x : x + w]
    deep_x, deep_y = max(1, round(0.14 * w)), max(1, round(0.14 * h))
    middle = window[deep_y : h - deep_y, deep_x : w - deep_x]
    inside = np.count_nonzero(middle == index)
    others = np.count_nonzero((middle != 0) & (middle != index))
    return bool(inside < 0.1 * area and others > INNER * middle.size)


def _is_edge(part: NDArray[np.int32], size: tuple[int, ...], at_rule: bool) -> bool:
    """Whether a component (x, y, w, h, area) is thin and straight, along the border or from a rule."""
    x, y, w, h, area = (int(v) for v in part)
    height, width = size[:2]
    thin_x, thin_y = max(2, round(STRAIGHT * width)), max(2, round(STRAIGHT * height))
    level = h <= thin_y and w >= 2.5 * h and area >= 0.5 * w * h
    upright = w <= thin_x and h >= 2.5 * w and area >= 0.5 * w * h
    near_x, near_y = max(1, round(RIM * width)), max(1, round(RIM * height))
    at_level_edge = y < near_y or y + h > height - near_y
    at_upright_edge = x < near_x or x + w > width - near_x
    return (level and (at_rule or at_level_edge)) or (upright and (at_rule or at_upright_edge))


def _rules(written: Mask, signal: Grey) -> Mask:
    """Ruled lines and box edges, without the strokes that cross them.

    A line is one of them if it runs from edge to edge, past the rest of the ink, or if it belongs to a piece
    that is little else than such lines while other ink stands apart. A digit's own bar does neither.
    """
    none = np.zeros_like(written)
    tall, wide = written.shape
    if max(written.sum(axis=1).max() / wide, written.sum(axis=0).max() / tall) < ALONG:
        return none
    level = _level_runs(written)
    upright = [run.T for run in _level_runs(np.ascontiguousarray(written.T))]
    runs = _union(none, [*level, *upright])
    if not runs.any():
        return none
    boxes = _mostly(runs, written)
    rest = _large_parts(written & ~runs)
    rows = [run for run in level if (run & boxes).any() or _runs_through(run, rest)]
    columns = [
        run
        for run in upright
        if (run & boxes).any() or (_is_fainter(run, rest, signal) and _runs_through(run.T, rest.T))
    ]
    cleared = [_without_strokes(run, signal) for run in rows]
    cleared += [_without_strokes(run.T, signal.T).T for run in columns]
    return _union(none, cleared)


def _mostly(runs: Mask, written: Mask) -> Mask:
    """Components that are mostly straight lines, if other ink stands beside them."""
    count, names, stats, _ = components(written)
    straight = np.bincount(names[runs], minlength=count) >= LINED * stats[:, 4]
    straight[0] = False
    boxes = np.asarray(straight[names], np.bool_)
    beside = np.count_nonzero(written & ~boxes)
    return boxes if beside >= LEAST * np.count_nonzero(written) else np.zeros_like(written)


def _union(none: Mask, masks: list[Mask]) -> Mask:
    return np.asarray(np.logical_or.reduce([none, *masks]), np.bool_)


def _level_runs(written: Mask) -> list[Mask]:
    """Level straight lines: each right across the picture, or half across near its top or bottom."""
    tall, wide = written.shape
    thickest = max(2, round(THIN * tall))
    pen = np.ones((1, max(3, round(RUN * wide))), np.uint8)
    runs = cv2.morphologyEx(written.astype(np.uint8), cv2.MORPH_OPEN, pen, borderType=cv2.BORDER_REPLICATE)
    runs = cv2.dilate(runs, np.ones((3, 5), np.uint8))
    if np.count_nonzero(runs.any(axis=0)) < ALONG * wide:
        return []
    count, names, stats, centres = components(runs > 0)
    found = []
    for index in range(1, count):
        w, h = int(stats[index][2]), int(stats[index][3])
        at = float(centres[index][1]) / tall
        if h - 2 <= thickest and (w >= ACROSS * wide or (w >= ALONG * wide and min(at, 1 - at) < BORDER)):
            found.append(written & _straight(names == index, h - 2))
    return found


def _straight(run: Mask, thickness: int) -> Mask:
    """The whole of a line of which long level pieces were found: all near the straight line through them."""
    rows, columns = np.nonzero(run)
    middle, level = columns.mean(), rows.mean()
    away = columns - middle
    slope = away @ (rows - level) / max(away @ away, 1.0)  # least squares
    start = level - slope * middle
    across = np.arange(run.shape[1])
    reach = 0.1 * run.shape[1]
    within = (across >= columns.min() - reach) & (across <= columns.max() + reach)
    offset = np.abs(np.arange(run.shape[0])[:, None] - (slope * across + start))
    pens = np.count_nonzero(run, axis=0)[columns.min() : columns.max() + 1]
    half = min(thickness, median(pens) - 1) / 2 + 0.6
    return np.asarray((offset <= half) & within, np.bool_)


def _large_parts(rest: Mask) -> Mask:
    count, names, stats, _ = components(rest)
    if count < 2:
        return rest
    areas = stats[:, 4].copy()
    areas[0] = 0
    large = areas >= 0.35 * areas.max()
    return np.asarray(large[names], np.bool_) & rest


def _runs_through(run: Mask, rest: Mask) -> bool:
    """Whether a level line goes from the picture's one edge to the other, past the rest at both ends."""
    columns, own = np.flatnonzero(rest.any(axis=0)), np.flatnonzero(run.any(axis=0))
    width = rest.shape[1]
    past = max(1, round(0.05 * width))
    if not len(columns) or own[-1] - own[0] + 1 < EDGE_TO_EDGE * width:
        return False
    return bool(own[0] <= columns[0] - past and own[-1] >= columns[-1] + past)


def _is_fainter(run: Mask, rest: Mask, signal: Grey) -> bool:
    """Whether a line is printed fainter than the ink; the stem of a 9 or a 7 is not."""
    return bool(rest.any()) and median(signal[run]) < 0.8 * median(signal[rest])


def _without_strokes(run: Mask, signal: Grey) -> Mask:
    """A level rule without the strokes over it: darker than the rule, or going on above and below it."""
    level = median(signal[run])
    darker = run & (signal > 1.4 * level)
    ink = ((signal > 0.6 * level) & ~run).astype(np.uint8)
    reach = max(2, int(run.sum(axis=0).max()) + 1)
    pen = np.ones((reach, 1), np.uint8)
    below, above = cv2.dilate(ink, pen, anchor=(0, 0)), cv2.dilate(ink, pen, anchor=(0, reach - 1))
    return run & ~darker & ~((below > 0) & (above > 0))
