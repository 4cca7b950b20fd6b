"""Cut a line into its symbols: which ink belongs to which, where digits touch or fall apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import NoInkError
from tenfold.reading.clearing import components
from tenfold.reading.pictures import SIDE, fit

INK = 90  # of 255: a pixel this bright is a stroke
SPECK = 0.004  # of the line's height squared: components smaller than this belong to no symbol
LEAST = 3  # pixels: less is dust
DOT = 0.28  # of the digits' height: a point is no larger,
LOW = 0.3  # nor further from their foot
NARROW = 0.1  # of the line's height: half the width of a symbol that has no ink of its own
EDGE = 40  # of 255: a digit's soft edge ends here
LETTER = (0.35, 1.6)  # of the symbols' height: what is as tall as this beside them may be a letter,
NEAR = 0.3  # and of the same word when it stands no further away
REACH = 0.5  # of the symbols' height: ink under no symbol and further than this from all is no part of one


@dataclass(frozen=True, eq=False)
class Cutout:
    """One symbol's ink by itself.

    image: (28, 28) uint8, as `prepare` makes it; black where the symbol has no ink of its own.
    box: left, top, right, bottom in the line's pixels.
    """

    image: NDArray[np.uint8] = field(repr=False)
    box: tuple[float, float, float, float]


def cut_symbols(line: NDArray[np.uint8], places: Sequence[float]) -> list[Cutout]:
    """The ink of each symbol of a line, from left to right.

    line: (h, w) uint8, bright ink on dark. places: the column where each symbol was read, in pixels.
    A component under one symbol is that symbol's; one under several is cut between them where ink is least.
    One under none is the nearer one's, unless it is too far away to be a piece of it.
    """
    if not places:
        return []
    centres = np.array(places, np.float64)
    owners = _owners(line, centres, _borders(line, centres))
    rows, columns = np.nonzero(owners)
    first, last = np.full(len(places), line.shape[1]), np.zeros(len(places), np.int64)
    np.minimum.at(first, owners[rows, columns] - 1, columns)
    np.maximum.at(last, owners[rows, columns] - 1, columns)
    cutouts = []
    for index, place in enumerate(places):
        part = slice(max(0, int(first[index]) - 1), int(last[index]) + 2)  # a long line is not searched whole
        cutouts.append(_cutout(line[:, part], owners[:, part] == index + 1, place, part.start))
    return cutouts


def unread_points(
    line: NDArray[np.uint8], digits: Sequence[Cutout], others: Sequence[Cutout]
) -> list[tuple[int, tuple[float, float, float, float]]]:
    """What stands small and low between digits, nothing above it, and was read as nothing: points, or specks.

    line: as in `cut_symbols`; digits, others: what was read, from left to right.

    Returns for each how many digits stand before it, and its box: left, top, right, bottom in pixels.
    """
    boxes = np.array([digit.box for digit in digits])
    height, foot = float(np.median(boxes[:, 3] - boxes[:, 1] + 1)), float(np.median(boxes[:, 3]))
    _, names, stats, middles = components(line > INK)
    small = stats[:, 2:4].max(axis=1) <= DOT * height
    taken = (~small[names] & (names > 0)).any(axis=0)  # columns with a stroke of a digit
    for left, _, right, _ in (other.box for other in others):
        taken[max(0, int(left)) : int(right) + 1] = True
    low = small & (stats[:, 4] >= LEAST) & (np.abs(middles[:, 1] - foot) < LOW * height)
    found = []
    for (x, y, w, h, _), (middle, _) in zip(stats[low], middles[low], strict=True):
        before = int((boxes[:, [0, 2]].mean(axis=1) < middle).sum())
        if not taken[round(middle)] and 0 < before < len(digits):
            found.append((before, (float(x), float(y), float(x + w - 1), float(y + h - 1))))
    return sorted(found)


def letters_beside(line: NDArray[np.uint8], symbols: Sequence[Cutout]) -> float:
    """How much stands beside the symbols, in one word with them, that was read as nothing.

    line: as in `cut_symbols`; symbols: all that was read, from left to right.

    Returns its width as a share of the symbols' height: 0 for a number that stands free.
    """
    boxes = np.array([symbol.box for symbol in symbols])
    height = float(np.max(boxes[:, 3] - boxes[:, 1] + 1))
    first, last = float(boxes[:, 0].min()), float(boxes[:, 2].max())
    _, _, stats, _ = components(line > INK)
    tall = stats[1:, 3] / height
    x, _, w, _, _ = stats[1:][(tall >= LETTER[0]) & (tall <= LETTER[1])].T
    left, right, near = first, last, NEAR * height
    for start, end in sorted(zip(x, x + w - 1, strict=True)):
        if start <= right + near:
            right = max(right, float(end))
    for end, start in sorted(zip(x + w - 1, x, strict=True), reverse=True):
        if end >= left - near:
            left = min(left, float(start))
    return (first - left + right - last) / height


def _borders(line: NDArray[np.uint8], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """The columns at which neighbours part: little ink, near the middle between them; (symbols - 1,)."""
    profile = (line.astype(np.float32) / 255).sum(axis=0)
    borders = []
    for left, right in pairwise(centres):
        first, last = int(np.clip(left, 0, len(profile) - 1)), int(np.clip(right, 0, len(profile) - 1))
        if last - first < 2:
            borders.append((first + last + 1) // 2)
            continue
        columns = np.arange(first + 1, last)
        away = np.abs(columns - (left + right) / 2) / (right - left)
        cost = profile[first + 1 : last] + 0.35 * line.shape[0] * np.square(away)
        borders.append(int(columns[np.argmin(cost)]))
    return np.array(borders, np.int64)


def _owners(
    line: NDArray[np.uint8], centres: NDArray[np.float64], borders: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each pixel of ink the symbol it belongs to, from 1; 0 for none. (h, w)."""
    height = line.shape[0]
    count, names, stats, middles = components(line > INK)
    by_column = np.searchsorted(borders, np.arange(line.shape[1]), side="right") + 1
    owners = np.zeros(line.shape, np.int64)
    lefts, rights = stats[:, 0], stats[:, 0] + stats[:, 2]
    covered = (centres >= lefts[:, None]) & (centres < rights[:, None])  # (components, symbols)
    reach = REACH * stats[1:, 3][covered[1:].any(axis=1)].max(initial=0) or line.shape[1]
    for index in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[index])
        if area < SPECK * height * height:
            continue
        own = names[y : y + h, x : x + w] == index
        under = np.flatnonzero(covered[index])
        if len(under) > 1:
            share: NDArray[np.int64] | int = np.broadcast_to(by_column[x : x + w], own.shape)
        elif len(under) == 1:
            share = int(under[0]) + 1
        elif np.maximum(x - centres, centres - (x + w)).min() <= reach:
            share = int(by_column[int(np.clip(middles[index][0], 0, line.shape[1] - 1))])
        else:
            continue
        window = owners[y : y + h, x : x + w]
        window[own] = share[own] if isinstance(share, np.ndarray) else share
    return owners


def _cutout(line: NDArray[np.uint8], own: NDArray[np.bool_], place: float, start: int) -> Cutout:
    """The ink of the symbol at a place. line, own: the part of the line from its column `start` on."""
    height = line.shape[0]
    if not own.any():
        left, right = place - NARROW * height, place + NARROW * height
        return Cutout(np.zeros((SIDE, SIDE), np.uint8), (left, 0.0, right, height - 1.0))
    soft = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) * (line > EDGE)
    rows, columns = np.flatnonzero(soft.any(axis=1)), np.flatnonzero(soft.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    window = (slice(top, bottom + 1), slice(left, right + 1))
    ink = np.where(soft[window] > 0, line[window], 0).astype(np.float32) / np.float32(255)
    try:
        image = fit(ink)
    except NoInkError:
        image = np.zeros((SIDE, SIDE), np.uint8)
    return Cutout(image, (float(left + start), float(top), float(right + start), float(bottom)))
