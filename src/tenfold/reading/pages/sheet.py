"""Find the sheet of paper in a photo: four straight edges that face a brighter inside.

Edges vote for lines along their own gradient (Ballard 1981, the generalised Hough transform with direction),
so a shadow across the sheet or a highlight on the table moves none of them; quadrilaterals of such lines are
then judged by how much of their outline is brighter just inside than just outside.
"""

from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.geometry import Points, inverse, move, scaling

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

THUMBNAIL = 400  # pixels: longest side while looking
SMALLEST = 0.1  # of the picture
LARGEST = 0.985  # of the picture
STEP = 14.0  # grey levels between inside and outside that make an edge
SIDE_SUPPORT = 0.6  # of each side that must be an edge
SUPPORT = 0.8  # of the whole outline
MOST_PAIRS = 70  # of lines that face each other
MOST_JUDGED = 120  # quadrilaterals
SURROUND = 0.2  # of the border that is darker than the sheet
BEYOND = 0.06  # of the picture: how far outside it a corner may lie
ANGLES = 180
SAMPLES = 40


def find_sheet(grey: Pixels) -> Points | None:
    """The sheet's corners (4, 2) in the picture, clockwise from the top left; None where there is none.

    grey: (h, w) uint8.
    """
    height, width = grey.shape
    if min(height, width) < 64:
        return None
    scale = min(1.0, THUMBNAIL / max(height, width))
    thumbnail = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = np.asarray(cv2.medianBlur(thumbnail, 5), np.uint8)
    if not _has_surround(small):
        return None
    lines = _edge_lines(small)
    best: tuple[float, Points] | None = None
    smooth = np.asarray(cv2.blur(small, (3, 3)), np.float32)
    for corners in _quadrilaterals(lines, small.shape[1], small.shape[0]):
        score = _judge(smooth, corners)
        if score > 0 and (best is None or score > best[0]):
            best = (score, corners)
    if best is None:
        return None
    corners = _refined(smooth, best[1])
    back = inverse(scaling(small.shape[1] / width, small.shape[0] / height))
    return move(back, _ordered(corners))


def sheet_size(corners: Points) -> tuple[float, float]:
    """Width and height of the flat sheet: its longer sides, that perspective shrank least."""
    top, right, bottom, left = (float(np.linalg.norm(corners[i] - corners[(i + 1) % 4])) for i in range(4))
    return max(top, bottom), max(left, right)


def _edge_lines(small: Pixels) -> Floats:
    """The strongest lines (n, 4): unit normal towards the bright side, distance from (0, 0), votes."""
    soft = cv2.GaussianBlur(small, (0, 0), 1.2)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.25)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.25)
    size = np.hypot(across, down)
    threshold = max(3.0, float(np.quantile(size, 0.8)))
    y, x = np.nonzero(size > threshold)
    weight = np.minimum(size[y, x], 30.0)
    angle = np.arctan2(down[y, x], across[y, x])
    reach = int(np.hypot(*small.shape)) + 2
    votes = np.zeros((ANGLES, 2 * reach), np.float32)
    column = np.rint((angle + np.pi) / (2 * np.pi) * ANGLES).astype(np.int64) % ANGLES
    for turn in (-1, 0, 1):
        direction = ((column + turn) % ANGLES) * (2 * np.pi / ANGLES) - np.pi
        distance = np.rint(x * np.cos(direction) + y * np.sin(direction)).astype(np.int64) + reach
        places = ((column + turn) % ANGLES) * (2 * reach) + distance
        share = weight * (0.5 if turn else 1.0)
        votes += np.bincount(places, share, votes.size).reshape(votes.shape).astype(np.float32)
    return _peaks(votes, reach)


def _peaks(votes: NDArray[np.float32], reach: int) -> Floats:
    """Local maxima of the votes, strongest first, (n, 4)."""
    padded = np.concatenate([votes[-4:], votes, votes[:4]])
    padded = cv2.GaussianBlur(padded, (5, 3), 0)
    greatest = cv2.dilate(padded, np.ones((7, 11), np.uint8))[4:-4]
    padded = padded[4:-4]
    rows, columns = np.nonzero((padded >= greatest) & (padded > 0.15 * padded.max()))
    order = np.argsort(-padded[rows, columns])[:40]
    rows, columns = rows[order], columns[order]
    direction = rows * (2 * np.pi / ANGLES) - np.pi
    return np.stack(
        [np.cos(direction), np.sin(direction), columns - float(reach), padded[rows, columns]], axis=1
    )


def _has_surround(small: Pixels) -> bool:
    """Whether enough of the picture's border is darker than its bright part to be a table around a sheet."""
    bright = float(np.percentile(small[::3, ::3], 75))
    rim = max(2, round(0.02 * max(small.shape)))
    border = np.concatenate([small[:rim], small[-rim:]], axis=None), small[:, :rim], small[:, -rim:]
    darker = np.concatenate([part.ravel() for part in border]) < bright - STEP
    return bool(darker.mean() > SURROUND)


def _quadrilaterals(lines: Floats, width: int, height: int) -> list[Points]:
    """Convex quadrilaterals (4, 2) of two pairs of lines that face each other, the likeliest first."""
    meetings, meet = _meetings(lines)
    pairs = [
        (i, j)
        for i, j in combinations(range(len(lines)), 2)
        if lines[i, :2] @ lines[j, :2] < -0.8 and -lines[i, 2] - lines[j, 2] > 0.1 * min(width, height)
    ]
    low, high = -BEYOND * np.array([width, height]), (1 + BEYOND) * np.array([width, height])
    found: list[tuple[float, Points]] = []
    for (a, c), (b, d) in combinations(pairs[:MOST_PAIRS], 2):
        if len({a, b, c, d}) < 4 or not (meet[a, b] and meet[b, c] and meet[c, d] and meet[d, a]):
            continue
        points = meetings[[a, b, c, d], [b, c, d, a]]
        if (points < low).any() or (points > high).any():
            continue
        x, y = points.T
        area = 0.5 * abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))
        inside = lines[[a, b, c, d], :2] @ points.mean(axis=0) > lines[[a, b, c, d], 2]
        if inside.all() and SMALLEST < area / (width * height) < LARGEST:
            votes = float(np.minimum(lines[[a, b, c, d], 3], lines[0, 3] / 2).sum())
            found.append((votes * area**0.25, points))
    found.sort(key=lambda entry: -entry[0])
    return [points for _, points in found[:MOST_JUDGED]]


def _meetings(lines: Floats) -> tuple[Points, NDArray[np.bool_]]:
    """Where each line meets each other (n, n, 2), and whether it does at a fair angle (n, n)."""
    a, b, c = lines[:, 0], lines[:, 1], lines[:, 2]
    across = a[:, None] * b[None, :] - a[None, :] * b[:, None]
    meet = np.abs(across) > 0.5
    safe = np.where(meet, across, 1.0)
    x = (c[:, None] * b[None, :] - c[None, :] * b[:, None]) / safe
    y = (a[:, None] * c[None, :] - a[None, :] * c[:, None]) / safe
    return np.stack([x, y], axis=2), meet


def _meeting(one: Floats, other: Floats) -> Floats | None:
    meetings, meet = _meetings(np.stack([one, other]))
    return np.asarray(meetings[0, 1]) if meet[0, 1] else None


def _sides(corners: Points) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Each side's two ends, and the unit normal that points into the quadrilateral."""
    middle = corners.mean(axis=0)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        length = max(float(np.linalg.norm(end - start)), 1e-6)
        inward = np.array([start[1] - end[1], end[0] - start[0]]) / length
        yield start, end, inward if inward @ (middle - start) > 0 else -inward


def _judge(smooth: NDArray[np.float32], corners: Points) -> float:
    """How well a quadrilateral outlines a sheet; 0 where it does not."""
    height, width = smooth.shape
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    shares, lengths = [], []
    for start, end, inward in _sides(corners):
        points = start + share[:, None] * (end - start)
        inner = np.min([_at(smooth, points + k * inward) for k in (4, 8)], axis=0)
        outer = np.max([_at(smooth, points - k * inward) for k in (4, 8)], axis=0)
        place = points - 8 * inward
        seen = (place[:, 0] >= 0) & (place[:, 1] >= 0) & (place[:, 0] < width) & (place[:, 1] < height)
        if seen.mean() < 0.3:
            return 0.0
        shares.append(float(np.mean((inner - outer > STEP)[seen])))
        lengths.append(float(np.linalg.norm(end - start)))
    support = float(np.average(shares, weights=lengths))
    if min(shares) < SIDE_SUPPORT or support < SUPPORT:
        return 0.0
    return float(support**2 * (float(cv2.contourArea(corners.astype(np.float32))) / smooth.size) ** 0.25)


def _refined(smooth: NDArray[np.float32], corners: Points) -> Points:
    """Corners of the lines fitted to the sharpest step along each side."""
    share = 0.05 + 0.9 * (np.arange(3 * SAMPLES) + 0.5) / (3 * SAMPLES)
    offsets = np.arange(-6, 7)
    lines = []
    for start, end, inward in _sides(corners):
        points = start + share[:, None] * (end - start)
        steps = np.stack(
            [_at(smooth, points + (k + 1) * inward) - _at(smooth, points + (k - 1) * inward) for k in offsets]
        )
        edge = points + offsets[np.argmax(steps, axis=0)][:, None] * inward
        edge = edge[steps.max(axis=0) > STEP]
        if len(edge) < SAMPLES:
            return corners
        fit = cv2.fitLine(edge.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().astype(np.float64)
        normal = np.array([-fit[1], fit[0]])
        lines.append(np.array([*normal, normal @ fit[2:]]))
    meetings = [_meeting(lines[i - 1], lines[i]) for i in range(4)]
    if any(m is None or np.linalg.norm(m - c) > 12 for m, c in zip(meetings, corners, strict=True)):
        return corners
    return np.array(meetings)


def _at(smooth: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    x = np.clip(np.rint(points[:, 0]), 0, smooth.shape[1] - 1).astype(np.int64)
    y = np.clip(np.rint(points[:, 1]), 0, smooth.shape[0] - 1).astype(np.int64)
    return smooth[y, x]


def _ordered(corners: Points) -> Points:
    """Clockwise from the corner nearest the picture's top left, as one sees it."""
    middle = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    corners = corners[np.argsort(angles)]
    return np.asarray(np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0))
