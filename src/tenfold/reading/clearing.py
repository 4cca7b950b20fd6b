"""Of all that is written in a picture of one digit, keep the digit: no rules, boxes, specks or neighbours."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.contrast import Grey

Mask = NDArray[np.bool_]

ACROSS = 0.85  # of the side: a straight run this long is a rule, wherever it lies
ALONG = 0.5  # of the side: one this long, near the border, with another at right angles, is a box
BORDER = 0.25  # of the side: how far in a box's edge may lie
RUN = 0.35  # of the side: the straight pieces that rules are put together from
THIN = 0.12  # of the side: no rule is thicker
RIM = 0.12  # of the side: pieces of boxes lie this near the border
STRAIGHT = 0.09  # of the side: and are no thicker
LEAST = 0.06  # of what is written: if less would be left, it was the digit after all
INNER = 0.03  # of the frame's area: ink inside a frame that makes it a frame and not a 0


def foreign(written: Mask) -> Mask:
    """What is surely not the digit: ruled lines, a box around it, pieces of either along the border.

    written: (h, w) bool. Returns (h, w) bool, empty where nothing else would be left.
    """
    found = _rules(written)
    rest = written & ~found
    count, names, stats, _ = components(rest)
    if count > 2:
        odd = [i > 0 and (_is_frame(names, stats, i) or _is_edge(stats[i], rest.shape)) for i in range(count)]
        found = found | np.array(odd)[names]
    left = np.count_nonzero(written & ~found)
    return found if left > max(3, LEAST * np.count_nonzero(written)) else np.zeros_like(written)


def only_digit(written: Mask, signal: Grey) -> Mask:
    """The digit's pixels among those written on: its main component and what belongs to it, no specks.

    written: (h, w) bool; signal: (h, w) float32, how strongly.
    Returns (h, w) bool, empty only if `written` is.
    """
    count, names, stats, centres = components(written)
    if count <= 2:
        return written
    height, width = written.shape
    strength = np.bincount(names.ravel(), weights=signal.ravel(), minlength=count)
    strength[0] = 0
    offset = np.abs((centres + 0.5) / (width, height) - 0.5).max(axis=1) * 2  # 0 in the middle, 1 at the edge
    main = int(np.argmax(strength * (1.15 - np.clip(offset, 0, 1))))
    kept = [i == main or (i > 0 and _belongs(stats[i], stats[main], (height, width))) for i in range(count)]
    return np.asarray(np.array(kept)[names])


def components(
    mask: Mask,
) -> tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Connected pieces of a mask: their count, names by pixel, (x, y, w, h, area) and centres; 0 is paper."""
    count, names, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
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


def _is_edge(part: NDArray[np.int32], size: tuple[int, ...]) -> bool:
    """Whether a component (x, y, w, h, area) is a thin straight piece along the border it lies at."""
    x, y, w, h, area = (int(v) for v in part)
    height, width = size[:2]
    thin_x, thin_y = max(2, round(STRAIGHT * width)), max(2, round(STRAIGHT * height))
    level = h <= thin_y and w >= 2.5 * h and area >= 0.5 * w * h
    upright = w <= thin_x and h >= 2.5 * w and area >= 0.5 * w * h
    near_x, near_y = max(1, round(RIM * width)), max(1, round(RIM * height))
    at_level_edge = y < near_y or y + h > height - near_y
    at_upright_edge = x < near_x or x + w > width - near_x
    return (level and at_level_edge) or (upright and at_upright_edge)


def _rules(written: Mask) -> Mask:
    """Ruled lines and box edges, without the strokes that cross them."""
    likely = max(float(written.mean(axis=1).max()), float(written.mean(axis=0).max()))
    if likely < ALONG:
        return np.zeros_like(written)
    rows, some_rows = _level_rules(written)
    columns, some_columns = (rule.T for rule in _level_rules(np.ascontiguousarray(written.T)))
    if some_rows.any() and some_columns.any():
        rows, columns = rows | some_rows, columns | some_columns
    cleared = written & ~(rows | columns)
    return (rows & ~_bridges(cleared, rows)) | (columns & ~_bridges(cleared.T, columns.T).T)


def _level_rules(written: Mask) -> tuple[Mask, Mask]:
    """Level straight lines: those right across the picture, and shorter ones near its top or bottom."""
    tall, wide = written.shape
    thickest = max(2, round(THIN * tall))
    pen = np.ones((1, max(3, round(RUN * wide))), np.uint8)
    runs = cv2.morphologyEx(written.astype(np.uint8), cv2.MORPH_OPEN, pen, borderType=cv2.BORDER_REPLICATE)
    joined = cv2.dilate(runs, np.ones((3, 5), np.uint8))
    count, names, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    across, along = np.zeros(count, bool), np.zeros(count, bool)
    for index in range(1, count):
        _, _, w, h, _ = (int(v) for v in stats[index])
        if h - 2 > thickest:
            continue
        across[index] = w >= ACROSS * wide and (w >= 0.97 * wide or tall > 40)
        at = float(centres[index][1]) / tall
        along[index] = w >= ALONG * wide and min(at, 1 - at) < BORDER
    return written & across[names], written & along[names]


def _bridges(cleared: Mask, rule: Mask) -> Mask:
    """Pixels of level rules with ink of a crossing stroke both above and below."""
    if not rule.any():
        return rule
    reach = max(2, int(rule.sum(axis=0).max()) + 1)
    pen = np.ones((reach, 1), np.uint8)
    ink = cleared.astype(np.uint8)
    below = cv2.dilate(ink, pen, anchor=(0, 0))
    above = cv2.dilate(ink, pen, anchor=(0, reach - 1))
    return rule & (below > 0) & (above > 0)
