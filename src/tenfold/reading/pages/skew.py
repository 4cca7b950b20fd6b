"""How far a page is turned from level, within 45 degrees: from its rules, or from its rows of writing."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.geometry import weighted_median

Mask = NDArray[np.uint8]
Floats = NDArray[np.float64]

LONG_SIDE = 800  # pixels: longest side while looking
MOST_POINTS = 12_000
RULED = 2.2  # how far the sharpest angle must beat the middling one to be that of rules
ROWS = 1.12  # and to be that of rows of writing
SURE = 1.04  # and how far it must beat no turn at all


def page_angle(mask: Mask, most: float = 44.0) -> float:
    """Degrees by which the writing is turned clockwise, within +-`most`; 0 where nothing tells.

    mask: (h, w) uint8, non-zero on ink (rules included).
    """
    scale = min(1.0, LONG_SIDE / max(mask.shape))
    grey = np.minimum(mask, 1) * np.uint8(255)
    if scale < 1:
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    small = (grey > 60).astype(np.uint8)
    y, x = np.nonzero(small)
    if len(x) < 20:
        return 0.0
    pick = np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(np.int64)
    points = np.stack([x[pick], y[pick]], axis=1).astype(np.float64)
    angle, lead, _ = _sharpest(points, np.ones(len(points)), 1.5, most)
    if lead > RULED:
        return angle
    blobs, weights, size = _blobs(small)
    if len(blobs) < 4:
        return 0.0
    angle, lead, over_level = _sharpest(blobs, weights, max(1.0, 0.2 * size), most)
    return angle if lead > ROWS and over_level > SURE else 0.0


def _blobs(small: Mask) -> tuple[Floats, Floats, float]:
    """Places of pen-sized pieces (n, 2), their weights, and their usual height."""
    _, _, stats, centres = cv2.connectedComponentsWithStats(small, connectivity=8)
    stats, centres = stats[1:], centres[1:]
    size = np.maximum(stats[:, 2], stats[:, 3]).astype(np.float64)
    limit = max(small.shape) / 4
    usable = (size < limit) & (stats[:, 4] > 5)
    if not usable.any():
        return np.zeros((0, 2)), np.zeros(0), 0.0
    size, centres = size[usable], centres[usable]
    usual = weighted_median(size, size)
    kept = (size > 0.4 * usual) & (size < 3 * usual)
    return centres[kept].astype(np.float64), np.minimum(size[kept] / usual, 1.5), usual


def _sharpest(points: Floats, weights: Floats, width: float, most: float) -> tuple[float, float, float]:
    """The angle at which projections on both axes are sharpest, its lead on the median, and on no turn."""
    coarse = np.arange(-most, most + 0.5, 1.0)
    scores = np.array([_sharpness(points, weights, angle, width) for angle in coarse])
    middle = float(np.median(scores))
    best = float(coarse[int(np.argmax(scores))])
    for step in (0.5, 0.25, 0.125):
        near = np.array([best - step, best, best + step])
        best = float(near[int(np.argmax([_sharpness(points, weights, angle, width) for angle in near]))])
    top = _sharpness(points, weights, best, width)
    level = _sharpness(points, weights, 0.0, width)
    return best, top / max(middle, 1e-9), top / max(level, 1e-9)


def _sharpness(points: Floats, weights: Floats, angle: float, width: float) -> float:
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    score = 0.0
    for along in (points[:, 1] * cos - points[:, 0] * sin, points[:, 0] * cos + points[:, 1] * sin):
        place = (along - along.min()) / width
        low = place.astype(np.int64)
        part = place - low
        size = int(low.max()) + 2
        profile = np.bincount(low, weights * (1 - part), size) + np.bincount(low + 1, weights * part, size)
        score += float(profile @ profile)
    return score
