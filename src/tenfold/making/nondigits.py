"""What is not a digit, from nothing but code and MNIST: it teaches the recipe `ink` to refuse."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.making.augmentation import CANVAS, Hands, finish, outlines, vary
from tenfold.making.scripts import characters, compound

Drawing = NDArray[np.uint8]

LETTERS = "ACEFHJKLMNPQRTUVWXYadefhkmnprtuvwxy@#$%&*+=?!<>"
"""Signs that no hand writes as a digit: without B, D, G, I, O, S, Z, b, c, g, i, j, l, o, q, s and z."""

NO_DIGIT = -1
"""The label of what is no digit."""

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def nondigit(
    images: NDArray[np.uint8], labels: NDArray[np.int64], hands: Hands, random: np.random.Generator
) -> Drawing:
    """One (28, 28) uint8 image of no digit. images, labels: MNIST digits for collages and pieces."""
    kind = random.random()
    if kind < 0.28:
        image, outline = _character(random)
        return vary(image, outline, NO_DIGIT, hands, random)
    drawn = np.zeros((CANVAS, CANVAS), np.uint8)
    if kind < 0.50:
        _glyph(drawn, random)
    elif kind < 0.65:
        _sign(drawn, random)
    elif kind < 0.76:
        _letter(drawn, random)
    elif kind < 0.81:
        _shape(drawn, random)
    elif kind < 0.85:
        _scribble(drawn, random)
    elif kind < 0.90:
        drawn = _pair(images, random)
    elif kind < 0.95:
        drawn = _turned(images, labels, random)
    elif kind < 0.98:
        _marks(drawn, random)
    else:
        drawn = _texture(random)
    return finish(_leaned(drawn, random), hands, random)


def _character(random: np.random.Generator) -> tuple[Drawing, Drawing]:
    """A character of some script, or of two put together, and its outline."""
    images, maps = _characters()
    if random.random() < 0.2:
        image = compound(images, random)
        return image, outlines(image[None])[0]
    index = int(random.integers(len(images)))
    return images[index], maps[index]


@cache
def _characters() -> tuple[Drawing, Drawing]:
    images = characters()
    return images, outlines(images)


def _thickness(random: np.random.Generator) -> int:
    return int(random.choice([2, 3, 4, 5, 6, 7, 9], p=[0.12, 0.2, 0.22, 0.18, 0.14, 0.09, 0.05]))


def _curve(drawn: Drawing, points: NDArray[np.float64], thickness: int) -> None:
    """A smooth stroke through control points (n, 2), by Catmull-Rom splines."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, 9)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    cv2.polylines(drawn, [np.vstack(pieces).round().astype(np.int32)], False, 255, thickness, cv2.LINE_AA)


def _glyph(drawn: Drawing, random: np.random.Generator) -> None:
    """A made-up character: two to six strokes that start from one another, from lines to rings and dots."""
    thickness = _thickness(random)
    anchors = [random.uniform(14, CANVAS - 14, 2)]
    for _ in range(int(random.integers(2, 7))):
        start = (
            anchors[int(random.integers(len(anchors)))]
            if random.random() < 0.7
            else random.uniform(10, CANVAS - 10, 2)
        )
        kind = random.random()
        if kind < 0.4:
            angle = random.choice([0, 0.5, 0.25, -0.25]) * np.pi + random.normal(0, 0.2)
            end = start + random.uniform(12, 42) * np.array([np.cos(angle), np.sin(angle)]) * random.choice(
                [-1, 1]
            )
            points = np.array([start, end])
        elif kind < 0.85:
            steps = random.normal(0, 13, (int(random.integers(2, 5)), 2))
            points = start + np.vstack([[0, 0], np.cumsum(steps + random.normal(0, 7, 2), axis=0)])
        elif kind < 0.93:
            radius = random.uniform(3, 9)
            around = np.linspace(0, 2 * np.pi, 9)
            points = start + radius * np.stack([np.cos(around), np.sin(around)], axis=1)
        else:
            cv2.circle(drawn, tuple(int(v) for v in start), thickness, 255, -1, cv2.LINE_AA)
            continue
        points = np.clip(points, 5, CANVAS - 5)
        _curve(drawn, points, thickness)
        anchors += [points[-1], points[len(points) // 2]]


def _sign(drawn: Drawing, random: np.random.Generator) -> None:
    """A tidy character of no script: two to four plain strokes on the corners and middles of a box."""
    thickness = _thickness(random)
    wide, tall = random.uniform(20, 44), random.uniform(30, 48)
    left, top = (CANVAS - wide) / 2, (CANVAS - tall) / 2
    grid = [np.array([left + wide * x / 2, top + tall * y / 2]) for x in range(3) for y in range(3)]
    jitter = random.uniform(0.5, 3)
    for _ in range(int(random.choice([2, 3, 4], p=[0.35, 0.45, 0.2]))):
        first, last = random.choice(len(grid), 2, replace=False)
        start, end = grid[first] + random.normal(0, jitter, 2), grid[last] + random.normal(0, jitter, 2)
        kind = random.random()
        if kind < 0.5:
            points = np.array([start, end])
        elif kind < 0.85:
            across = (end - start)[::-1] * np.array([1, -1])
            bulge = random.uniform(0.25, 0.7) * random.choice([-1, 1])
            points = np.array([start, (start + end) / 2 + bulge * across, end])
        else:
            sweep = np.linspace(0, random.uniform(3, 6.5), 8) + random.uniform(0, 6.3)
            radius = random.uniform(4, 10)
            points = start + radius * np.stack([np.cos(sweep), np.sin(sweep)], axis=1)
        _curve(drawn, np.clip(points, 3, CANVAS - 3), thickness)


def _shape(drawn: Drawing, random: np.random.Generator) -> None:
    """A polygon, a star, an arrow, a ring with something in it."""
    thickness = min(6, _thickness(random))
    corners, turn = int(random.integers(3, 7)), random.uniform(0, 2 * np.pi)
    around = turn + np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = random.uniform(16, 27) * np.exp(random.normal(0, 0.15, 2))
    points = CANVAS / 2 + radius * np.stack([np.cos(around), np.sin(around)], axis=1)
    kind = int(random.integers(4))
    if kind == 0:
        cv2.polylines(drawn, [points.round().astype(np.int32)], True, 255, thickness, cv2.LINE_AA)
    elif kind == 1:
        for point in points[: max(3, corners)]:
            _curve(drawn, np.array([[CANVAS / 2, CANVAS / 2], point]), thickness)
    elif kind == 2:
        start, end = points[0], points[len(points) // 2]
        cv2.arrowedLine(
            drawn,
            (int(start[0]), int(start[1])),
            (int(end[0]), int(end[1])),
            255,
            thickness,
            cv2.LINE_AA,
            tipLength=0.4,
        )
    else:
        axes = (int(radius[0]), int(radius[1]))
        cv2.ellipse(drawn, (CANVAS // 2, CANVAS // 2), axes, 0, 0, 360, 255, thickness, cv2.LINE_AA)
        inner = CANVAS / 2 + 0.6 * (points - CANVAS / 2)
        _curve(drawn, np.array([inner[0], inner[len(inner) // 2]]), thickness)
        _curve(drawn, np.array([inner[1], inner[-1]]), thickness)


def _letter(drawn: Drawing, random: np.random.Generator) -> None:
    text = "".join(random.choice(list(LETTERS), int(random.choice([1, 1, 1, 1, 2, 3]))))
    font = int(random.choice(_FONTS))
    scale = random.uniform(1.0, 1.8) / len(text) ** 0.7
    thickness = max(1, round(_thickness(random) * (1 if len(text) == 1 else 0.6)))
    (wide, tall), _ = cv2.getTextSize(text, font, scale, thickness)
    cv2.putText(
        drawn, text, ((CANVAS - wide) // 2, (CANVAS + tall) // 2), font, scale, 255, thickness, cv2.LINE_AA
    )


def _scribble(drawn: Drawing, random: np.random.Generator) -> None:
    points = random.uniform(8, CANVAS - 8, (int(random.integers(6, 16)), 2))
    _curve(drawn, points, _thickness(random))


def _large(image: Drawing) -> Drawing:
    return np.asarray(cv2.resize(image, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC), np.uint8)


def _pair(images: Drawing, random: np.random.Generator) -> Drawing:
    """Two or three digits side by side or over one another."""
    count = int(random.choice([2, 2, 2, 3]))
    chosen = images[random.integers(0, len(images), count)]
    if random.random() < 0.3:
        return np.maximum(_large(chosen[0]), np.rot90(_large(chosen[1]), int(random.integers(1, 4))))
    gap = int(random.integers(13, 20))
    wide = np.zeros((28, 28 + gap * (count - 1)), np.uint8)
    for place, image in enumerate(chosen):
        part = wide[:, place * gap : place * gap + 28]
        np.maximum(part, image, out=part)
    return np.asarray(cv2.resize(wide, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)


def _turned(images: Drawing, labels: NDArray[np.int64], random: np.random.Generator) -> Drawing:
    """A digit mirrored or laid on its side, of those that do not stay digits."""
    mirror = random.random() < 0.5
    fit_for = (2, 3, 4, 5, 7, 6, 9) if mirror else (2, 3, 4, 5, 7)
    while True:
        index = int(random.integers(len(labels)))
        if labels[index] in fit_for:
            break
    large = _large(images[index])
    return np.ascontiguousarray(large[:, ::-1] if mirror else np.rot90(large, random.choice([1, 3])))


def _marks(drawn: Drawing, random: np.random.Generator) -> None:
    """Dashes, crosses, blobs, boxes, groups of dots."""
    thickness = _thickness(random)
    kind = int(random.integers(5))
    a, b = random.uniform(8, 24), random.uniform(44, 60)
    middle = CANVAS / 2
    if kind == 0:
        tilt = random.uniform(-12, 12)
        _curve(drawn, np.array([[a, middle - tilt], [b, middle + tilt]]), thickness)
    elif kind == 1:
        _curve(drawn, np.array([[a, a], [b, b]]), thickness)
        _curve(drawn, np.array([[b, a + random.uniform(-5, 5)], [a, b]]), thickness)
    elif kind == 2:
        axes = (int(random.integers(8, 26)), int(random.integers(8, 26)))
        cv2.ellipse(
            drawn,
            (CANVAS // 2, CANVAS // 2),
            axes,
            float(random.uniform(0, 180)),
            0,
            360,
            255,
            -1,
            cv2.LINE_AA,
        )
    elif kind == 3:
        cv2.rectangle(
            drawn, (int(a), int(random.uniform(8, 24))), (int(b), int(random.uniform(44, 60))), 255, thickness
        )
    else:
        for centre in random.uniform(10, CANVAS - 10, (int(random.integers(2, 9)), 2)):
            cv2.circle(drawn, tuple(int(v) for v in centre), int(random.integers(2, 6)), 255, -1, cv2.LINE_AA)


def _texture(random: np.random.Generator) -> Drawing:
    coarse = random.uniform(0, 1, (CANVAS, CANVAS)).astype(np.float32)
    smooth = cv2.GaussianBlur(coarse, (0, 0), random.uniform(0.8, 5))
    threshold = np.quantile(smooth, random.uniform(0.5, 0.9))
    return np.where(smooth > threshold, 255, 0).astype(np.uint8)


def _leaned(drawn: Drawing, random: np.random.Generator) -> Drawing:
    """Slant, turn and bend a drawing a little, as a hand would."""
    tall, wide = drawn.shape
    turn, slant = random.normal(0, 0.12), random.normal(0, 0.18)
    stretch = np.exp(random.normal(0, 0.15))
    matrix = np.array([[stretch, slant - turn, 0], [turn, 1 / stretch, 0]])
    middle = np.array([wide / 2, tall / 2])
    matrix[:, 2] = middle - matrix[:, :2] @ middle
    return np.asarray(cv2.warpAffine(drawn, matrix, (wide, tall), flags=cv2.INTER_LINEAR), np.uint8)
