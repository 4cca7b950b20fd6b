"""What may happen to an image after it was taken: how the recipe `ink` learns not to be put off by it.

Grain, haze, a band inverted, strokes across, outlines only, blur, blots, a place off the middle. `prepare`
clears much of that from a picture; these are for what it leaves, and for images that somebody else prepared.
Every function takes and gives one image (28, 28) float32, 0-1, bright ink on dark, and may leave that range.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pictures import SIDE

Image = NDArray[np.uint8]
Grey = NDArray[np.float32]
Random = np.random.Generator


def disturb(image: Image, random: Random) -> Image:
    """One image (28, 28) uint8 as something has disturbed it; every third time two things have."""
    grey = image.astype(np.float32) / np.float32(255)
    count = 2 if random.random() < 0.33 else 1
    # In this order, as it happens: the digit is moved before anything lies over it, noise comes last.
    for index in sorted(random.choice(len(_KINDS), count, replace=False, p=_SHARES)):
        grey = _grey(_KINDS[index](grey, random))
    return np.asarray(np.rint(np.clip(grey, 0, 1) * 255), np.uint8)


def _grey(values: Any) -> Grey:
    """OpenCV's answer with its type, which its stubs leave open."""
    return np.asarray(values, np.float32)


def _moved(grey: Grey, random: Random) -> Grey:
    """Off the middle, smaller or larger, turned, slanted; never off the image."""
    size, lean = random.uniform(0.6, 1.15), random.normal(0, 0.2)
    turn = np.deg2rad(random.uniform(-32, 32)) if random.random() < 0.5 else 0.0
    matrix = np.zeros((2, 3))
    matrix[:, :2] = size * np.array(
        [[np.cos(turn), lean - np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float64
    )
    middle = np.full(2, (SIDE - 1) / 2)
    matrix[:, 2] = middle - matrix[:, :2] @ middle
    rows, columns = np.nonzero(grey > 0.2)
    if len(rows) and random.random() < 0.75:
        corners = np.array([[x, y] for x in (columns.min(), columns.max()) for y in (rows.min(), rows.max())])
        placed = corners @ matrix[:, :2].T + matrix[:, 2]
        room = np.maximum(0, np.stack([placed.min(axis=0), SIDE - 1 - placed.max(axis=0)]))
        matrix[:, 2] += random.uniform(-np.minimum(room[0], 8), np.minimum(room[1], 8) + 1e-9)
    return _grey(cv2.warpAffine(grey, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR))


def _outlined(grey: Grey, random: Random) -> Grey:
    """Only the outline of the ink, a pixel wide or a soft slope."""
    if random.random() < 0.3:
        slope = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        return _grey(slope) * np.float32(random.uniform(0.7, 1.2))
    if random.random() < 0.5:
        grey = _grey(cv2.GaussianBlur(grey, (0, 0), random.uniform(0.4, 1.1)))
    inside = (grey > random.uniform(0.15, 0.6)).astype(np.uint8)
    if random.random() < 0.5:  # just outside of the ink, or its outermost pixels
        inside = np.asarray(cv2.dilate(inside, np.ones((3, 3), np.uint8)), np.uint8)
    found, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    cv2.drawContours(drawn, found, -1, 1, 1)
    if random.random() < 0.4:  # with gaps
        drawn *= random.random(drawn.shape) > random.uniform(0, 0.2)
    return drawn.astype(np.float32)


def _crossed(grey: Grey, random: Random) -> Grey:
    """One to three thin strokes across, straight, bent or dotted."""
    over = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(random.integers(1, 4))):
        count = int(random.choice([2, 2, 3, 4, 6]))
        along = np.linspace(random.uniform(-3, 9), random.uniform(18, 30), count)
        points = np.stack([along, random.uniform(2, SIDE - 2) + random.normal(0, 5, count)], axis=1)
        if random.random() < 0.4:
            points = points[:, ::-1]
        line = cv2.LINE_AA if random.random() < 0.6 else cv2.LINE_8
        cv2.polylines(over, [points.round().astype(np.int32)], False, 1.0, 1, line)
    if random.random() < 0.35:
        step = int(random.integers(2, 6))
        place = np.add.outer(np.arange(SIDE), np.arange(SIDE)) if random.random() < 0.3 else np.arange(SIDE)
        over = _grey(over * ((place + random.integers(step)) % (2 * step) >= step))
    return _grey(np.maximum(grey, over * random.uniform(0.4, 1)))


def _blotted(grey: Grey, random: Random) -> Grey:
    """Blots and splashes of any grey over it."""
    cover = _cloud(random, int(random.integers(6, 15)))
    cover = np.clip((cover - random.uniform(0.5, 0.75)) * random.uniform(4, 12), 0, 1)
    level = np.float32(random.uniform(0, 0.9))
    return _grey(grey * (1 - cover) + cover * level)


def _banded(grey: Grey, random: Random) -> Grey:
    """Dark and bright changed, in a band or on one side of an edge."""
    first, last = sorted(random.uniform(-4, SIDE + 4, 2))
    angle = random.choice([0, np.pi / 2]) if random.random() < 0.6 else random.uniform(0, np.pi)
    across = np.cos(angle) * (_PLACES[0] - 13.5) + np.sin(angle) * (_PLACES[1] - 13.5) + 13.5
    band = (across >= first) & (across < last)
    if random.random() < 0.5:
        band = ~band
    depth = 1.0 if random.random() < 0.6 else random.uniform(0.3, 1)
    return _grey(np.where(band, grey + depth * (1 - 2 * grey), grey))


def _hazy(grey: Grey, random: Random) -> Grey:
    """The ink faint behind clouds."""
    cloud = _cloud(random, int(random.integers(2, 5)))
    for _ in range(int(random.integers(0, 3))):
        cloud = cloud + random.uniform(0.2, 0.6) * _cloud(random, int(random.integers(5, 14)))
    cloud = (cloud - cloud.min()) / max(1e-6, float(cloud.max() - cloud.min()))
    share = random.uniform(0.2, 0.75)
    return _grey(share * grey + (1 - share) * random.uniform(0.5, 1.0) * cloud)


def _lifted(grey: Grey, random: Random) -> Grey:
    """Too bright, too dark, too flat."""
    if random.random() < 0.5:
        return _grey(grey + random.uniform(0.1, 0.6))
    gain = random.uniform(0.25, 1.4)
    return _grey(gain * grey ** random.uniform(0.5, 2.2) + random.uniform(0, 1 - min(1, gain)))


def _blurred(grey: Grey, random: Random) -> Grey:
    """Out of focus, shaken, or seen through rough glass."""
    kind = random.random()
    if kind < 0.3:
        return _grey(cv2.GaussianBlur(grey, (0, 0), random.uniform(0.6, 1.6)))
    if kind < 0.65:
        length = int(random.integers(3, 8))
        kernel = np.zeros((length, length), np.float32)
        middle, angle = (length - 1) / 2, random.uniform(0, np.pi)
        reach = middle * np.array([np.cos(angle), np.sin(angle)])
        start, end = ((middle + sign * reach).round().astype(int) for sign in (-1, 1))
        cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
        return _grey(cv2.filter2D(grey, -1, kernel / kernel.sum()))
    far = random.uniform(0.4, 1.3)
    across, down = (_PLACES[axis] + random.normal(0, far, (SIDE, SIDE)).astype(np.float32) for axis in (0, 1))
    seen = _grey(cv2.remap(grey, across, down, cv2.INTER_NEAREST, borderValue=0))
    return _grey(cv2.GaussianBlur(seen, (0, 0), random.uniform(0.3, 0.8)))


def _grainy(grey: Grey, random: Random) -> Grey:
    """Noise: of every pixel, of some, or of the bright ones."""
    kind = random.random()
    if kind < 0.35:
        return _grey(grey + random.normal(0, random.uniform(0.04, 0.35), grey.shape))
    if kind < 0.75:
        hit = random.random(grey.shape) < random.uniform(0.02, 0.25)
        return _grey(np.where(hit, random.random(grey.shape) < random.uniform(0.2, 0.8), grey))
    return _grey(grey * (1 + random.normal(0, random.uniform(0.1, 0.7), grey.shape)))


def _cloud(random: Random, cells: int) -> Grey:
    """A smooth field of 0 to 1 with so many cells a side."""
    field = random.random((cells, cells)).astype(np.float32)
    return _grey(cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


_PLACES = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))

_KINDS: tuple[Callable[[Grey, Random], Grey], ...] = (
    _moved,
    _outlined,
    _crossed,
    _blotted,
    _banded,
    _hazy,
    _lifted,
    _blurred,
    _grainy,
)
_SHARES = (0.16, 0.14, 0.14, 0.06, 0.1, 0.16, 0.08, 0.06, 0.1)
