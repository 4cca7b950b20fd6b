"""What a line is put together from: MNIST's digits as distance maps, and signs drawn from strokes.

A distance map lets one digit be drawn with any pen: an affine map places it, an offset sets the width of
its strokes. Signs (marks, letters, and ways of writing digits that MNIST hardly knows) are strokes through
points that are moved a little each time.
"""

from dataclasses import dataclass, field
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.uint8]
"""(h, w) uint8, bright ink on dark."""

STEPS = 16  # values of a distance map per pixel of the 28x28 image
MIDDLE = 128  # the value on a stroke's edge
_THINNEST = 0.55  # share of a stroke that may be taken away: more would break it
_FINE = 3  # a sign is drawn this many times larger and then reduced

# Points are two characters, x then y, 0 (left, top) to 9 (right, baseline); a and b lie below the baseline.
# A stroke that starts with ~ is a smooth curve through its points, another one is straight between them.
DIGITS = {
    "0": ("~41 13 06 28 59 87 94 72 40", "~60 31 06 28 59 87 93 60 41 52 71", "~50 12 06 29 79 96 92 50"),
    "1": (
        "04 40 49",
        "08 50 49",
        "~24 40 49",
        "50 49",
        "50 39",
        "03 40 49|09 79",
        "02 30 39|09 69",
        "15 60 4a",
        "~16 34 60 51 39",
    ),
    "2": (
        "~02 20 60 83 55 09|09 99",
        "~12 40 72 56 19 07 27 69 98",
        "~03 30 72 55 18 09|09 59 a8",
        "~01 40 82 64 09|~09 38 69 98",
    ),
    "3": ("~11 40 81 64 34|~34 74 97 59 08", "00 80 44|~44 84 97 59 08", "~10 60 72 44|~44 87 59 09"),
    "4": (
        "~20 16 04|06 96|70 6a",
        "20 06 96|73 69",
        "~00 04 35 84|80 79",
        "10 05 95|80 7a",
        "60 06 96|60 69",
        "20 15 85|80 59",
        "10 15|~15 54 76 7a",
        "20 07 97|65 6b",
    ),
    "5": (
        "90 20 14|~14 54 87 59 08",
        "20 15|~15 54 86 58 09|20 90",
        "~90 30 22 46 77 49 08",
        "~80 40 34 47 39 08|40 90",
        "10 14|~14 64 87 49 08|11 80",
    ),
    "6": ("~70 24 07 39 78 85 45 16", "~50 13 07 39 78 75 45 06", "~80 33 17 49 88 75 36"),
    "7": (
        "00 90 39|25 85",
        "02 00 90 39|15 75",
        "~02 10 50 90|90 39|25 85",
        "~01 30 60 90 49|15 95",
        "02 10 90 49",
        "~00 40 90 55 39",
        "~02 20 60 81 49|05 a4",
        "~12 20 60 50 49|05 95",
    ),
    "8": (
        "~81 40 12 45 87 49 07 44 81",
        "~90 40 12 55 87 49 07 45 90",
        "~40 12 34 62 40|~44 17 49 87 44",
        "~20 24 77 49 17 54 80",
    ),
    "9": (
        "~81 40 13 45 82 80 79",
        "~81 40 13 45 82 80 7a 3b",
        "~80 30 13 45 82|82 79",
        "~81 40 13 44 74 81 79 49 18",
        "~70 20 03 44 83|~80 84 59 29",
        "~44 13 40 71 44 28 4a",
        "~91 30 02 34 82 90 85 6a",
        "~80 20 03 34 72|80 5a",
    ),
}
LETTERS = (
    "09 50 99|26 76",
    "00 09|~00 80 64 04|~04 97 69 09",
    "~91 40 05 49 98",
    "90 00 09 99|04 74",
    "90 00 09|04 74",
    "~91 40 05 49 96 66|66 69",
    "00 09|90 99|05 95",
    "00 09|90 05 99",
    "00 09 89",
    "09 10 56 90 99",
    "09 00 99 90",
    "00 09|~00 80 93 55 05",
    "00 09|~00 80 93 55 05|45 99",
    "~00 17 59 87 90",
    "00 59 90",
    "00 29 54 79 90",
    "00 99|90 09",
    "00 54 90|54 59",
    "~84 44 17 49 77|84 79 99",
    "~86 44 17 49 98",
    "~84 45 28 69 87|90 89",
    "~16 86 74 44 17 49 98",
    "~90 60 49|25 85",
    "10 19|84 16 89",
    "04 09|~06 34 46 49|~46 74 86 89",
    "14 19|~16 44 75 79",
    "14 19|~16 44 75",
    "~14 18 49 77|74 79",
    "04 29 54 79 94",
    "14 1b|~15 54 87 59 18",
)
SIGNS = (
    "~91 40 12 45 87 49 08|50 4a",
    "~81 40 15 49 88|04 64|06 56",
    "~82 50 25 29 09 99|05 65",
    "30 19|80 69|03 93|06 96",
    "52 57|23 86|26 83",
    "90 09|~21 10 02 12 21|~97 76 68 88 97",
    "~90 50 02 45 87 49 09|30 29|60 59",
    "00 09|~00 70 73 45 05|35 89|~a5 75 87 79",
)
DOLLARS = (
    "~91 50 12 34 65 87 59 08|50 5a",
    "~81 40 12 45 87 49 18|40 4a|60 6a",
    "~91 40 13 44 75 88 49 08|50 52|57 5a",
    "~90 30 12 45 78 59 09|70 3a",
    "~82 50 22 34 65 77 49 17|50 59",
)
CURRENCIES = (
    "~91 40 15 49 98|04 64|06 56",
    "~92 60 23 25 27 69 97|04 74|05 65",
    "~82 50 25 29 09 99|05 65",
    "~83 61 32 34 37 09 99|15 75",
    "00 54 90|54 59|15 95|17 97",
    "00 55 90|55 59|05 95",
    "00 09|~00 60 63 04|~04 77 69 09|~a6 85 97 a8 89",
    "09 00 99 90|~a6 b5 b8 a8 a6",
)
EQUALS = ("05 95|07 97", "04 94|07 86", "~05 34 65 94|~07 36 67 96", "03 93|06 96|08 98")
SLASHES = ("90 0a", "80 1a", "~90 55 0b")
PERCENTS = (
    "90 09|~20 42 24 02 20|~75 97 79 57 75",
    "~20 42 24 02 20|~20 45 90|90 09|~75 97 79 57 75",
    "80 19|~10 32 14 02 10|~85 a7 89 67 85",
    "90 09|~10 33 16 03 10|~84 a6 99 66 84",
    "~20 42 24 02 20 50 90|90 19|~75 97 79 57 75",
    "90 09|11 12|77 78",
)
DASHES = ("05 95", "~05 34 66 95", "06 94", "~05 24 46 64 86 95", "04 96", "05 55 96")
COMMAS = ("~60 65 3a", "50 1a", "~30 62 66 1a", "~40 65 29")


def parse(drawing: str) -> list[tuple[bool, NDArray[np.float32]]]:
    """The strokes of a drawing: whether each is smooth, and its points (n, 2), about 0-1 in x and y."""
    strokes = []
    for stroke in drawing.split("|"):
        points = [(int(pair[0], 16) / 9, int(pair[1], 16) / 9) for pair in stroke.lstrip("~").split()]
        strokes.append((stroke.startswith("~"), np.array(points, np.float32)))
    return strokes


def curve(points: NDArray[np.float32], pieces: int = 6) -> NDArray[np.float32]:
    """Points (n, 2) on the Catmull-Rom spline (Catmull and Rom 1974) through the points given."""
    if len(points) < 3:
        return points
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    a, b, c, d = ends[:-3, None], ends[1:-2, None], ends[2:-1, None], ends[3:, None]
    t = (np.arange(pieces, dtype=np.float32) / pieces)[None, :, None]
    spline = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([spline.reshape(-1, 2), points[-1:]])


def moved(
    drawing: list[tuple[bool, NDArray[np.float32]]], amount: float, random: Random
) -> list[NDArray[np.float32]]:
    """A drawing's strokes with each point moved by about `amount`, curves filled in."""
    strokes = []
    for smooth, points in drawing:
        shift = [[random.gauss(0, amount), random.gauss(0, amount)] for _ in points]
        points = points + np.array(shift, np.float32)
        strokes.append(curve(points) if smooth else points)
    return strokes


@dataclass(frozen=True, eq=False)
class Digits:
    """MNIST's digits ready to be drawn with any pen.

    maps: (n, 28, 28) uint8 distance to the stroke's edge, STEPS a pixel, above MIDDLE inside.
    boxes: (n, 4) float32 left, top, right, bottom of the ink; halves: (n,) half the stroke's width;
    slants: (n,) how far a pixel higher lies to the right; of: the indices of each digit.
    """

    maps: NDArray[np.uint8] = field(repr=False)
    boxes: NDArray[np.float32] = field(repr=False)
    halves: NDArray[np.float32] = field(repr=False)
    slants: NDArray[np.float32] = field(repr=False)
    of: tuple[NDArray[np.int64], ...] = field(repr=False)


def measure(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Digits:
    """Distance maps of images (n, 28, 28) uint8; blank images are left out."""
    written = images.reshape(len(images), -1).max(1) > 127
    images, labels = images[written], labels[written]
    maps = np.stack([_distances(image) for image in images]) if len(images) else images
    inside = np.asarray(maps >= MIDDLE, np.bool_)
    rows, columns = np.any(inside, axis=2), np.any(inside, axis=1)
    boxes = np.stack(
        [columns.argmax(1), rows.argmax(1), 28 - columns[:, ::-1].argmax(1), 28 - rows[:, ::-1].argmax(1)], 1
    )
    depth = np.where(inside, maps.astype(np.float32) - MIDDLE, 0) / STEPS
    halves = 2 * depth.sum((1, 2)) / np.maximum(inside.sum((1, 2)), 1)
    of = tuple(np.flatnonzero(labels == digit) for digit in range(10))
    return Digits(maps, boxes.astype(np.float32), halves.astype(np.float32), _slants(images), of)


def _distances(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = cv2.resize(image, (84, 84), interpolation=cv2.INTER_CUBIC)
    inside = np.where(large > 110, np.uint8(255), np.uint8(0))
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    without = cv2.distanceTransform(255 - inside, cv2.DIST_L2, 3)
    small = cv2.resize((within - without) * np.float32(STEPS / 3), (28, 28), interpolation=cv2.INTER_AREA)
    return (small + MIDDLE + 0.5).clip(0, 255).astype(np.uint8)


def _slants(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    weights = images.astype(np.float32)
    total = weights.sum((1, 2))
    y, x = np.mgrid[:28, :28].astype(np.float32)
    mx, my = (weights * x).sum((1, 2)) / total, (weights * y).sum((1, 2)) / total
    dx, dy = x - mx[:, None, None], y - my[:, None, None]
    slants = -(weights * dx * dy).sum((1, 2)) / np.maximum((weights * dy * dy).sum((1, 2)), 1)
    return np.asarray(slants.clip(-0.6, 0.6), np.float32)


@dataclass(frozen=True)
class Place:
    """Where and how a glyph is written in a strip of `rows` pixel rows.

    width, height: of its box in pixels, before it is slanted and turned; middle: the row of its middle;
    slant: pixels to the right a pixel higher; turn: radians; pen: width of the stroke in pixels.
    """

    width: float
    height: float
    middle: float
    slant: float
    turn: float
    pen: float
    rows: int


def _linear(place: Place) -> tuple[float, float, float, float]:
    """The slant and the turn as one 2x2 map, by rows."""
    return 1.0, -place.slant - place.turn, place.turn, 1.0 - place.slant * place.turn


def draw_digit(digits: Digits, index: int, place: Place, upright: float = 1.0) -> Ink:
    """MNIST's digit `index` as a strip (place.rows, w).

    upright: how much of the digit's own slant is taken out before it is slanted as `place` says, 0-1.
    """
    left, top, right, bottom = digits.boxes[index].tolist()
    sx, sy = place.width / (right - left), place.height / (bottom - top)
    a, b, c, d = _linear(place)
    b += a * digits.slants.item(index) * upright * sx / sy
    a, b, c, d = a * sx, b * sy, c * sx, d * sy
    half_w = (abs(a) * (right - left) + abs(b) * (bottom - top)) / 2
    pad = place.pen + 1.5
    width = int(2 * (half_w + pad)) + 2
    x, y = (left + right - 1) / 2, (top + bottom - 1) / 2
    matrix = np.array([[a, b, width / 2 - a * x - b * y], [c, d, place.middle - c * x - d * y]])
    strip = cv2.warpAffine(digits.maps[index], matrix, (width, place.rows), borderValue=0)
    scale = (sx * sy) ** 0.5
    gain = 255 * scale / STEPS
    half = digits.halves.item(index) * scale
    wider = max(place.pen / 2 - half, -_THINNEST * half)
    offset = 127.5 + 255 * wider - MIDDLE * gain
    table = np.arange(256, dtype=np.float32)
    return np.asarray(cv2.LUT(strip, (table * gain + offset).clip(0, 255).astype(np.uint8)), np.uint8)


def draw_strokes(strokes: list[NDArray[np.float32]], place: Place) -> Ink:
    """Strokes of points (n, 2) in a box of 0-1 as a strip (place.rows, w)."""
    a, b, c, d = _linear(place)
    centred = [(points - 0.5) * (place.width, place.height) for points in strokes]
    mapped = [points @ np.array([[a, c], [b, d]]) for points in centred]
    low = min(float(points[:, 0].min()) for points in mapped)
    high = max(float(points[:, 0].max()) for points in mapped)
    pad = place.pen / 2 + 1
    width = int(high - low + 2 * pad) + 2
    canvas = np.zeros((place.rows * _FINE, width * _FINE), np.uint8)
    thickness = max(1, round(place.pen * _FINE))
    for points in mapped:
        shift = np.array([pad - low, place.middle])
        fine = ((points + shift) * (_FINE * 8)).astype(np.int32)
        cv2.polylines(canvas, [fine], False, 255, thickness, cv2.LINE_8, 3)
    return np.asarray(cv2.resize(canvas, (width, place.rows), interpolation=cv2.INTER_AREA), np.uint8)
