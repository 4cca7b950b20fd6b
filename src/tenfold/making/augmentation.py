"""Other people's hands, made from MNIST: how the recipe `ink` varies its training digits.

Each digit is kept as a signed distance to its outline. One remap then turns, slants, stretches and bends
it, and one look-up makes its pen thick or thin, crisp or soft: about as cheap as a plain rotation. What
comes out is put through the same `fit` (now and then the whole of `locate`) that a stranger's picture goes
through, so that the network trains on what it will see.

Every image is a function of (seed, epoch, index) alone.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import PictureError
from tenfold.reading.pictures import SIDE, fit, locate

Images = NDArray[np.uint8]
Image = NDArray[np.uint8]

FINE = 2  # the outline is kept at this multiple of 28x28
CANVAS = 64  # pixels: side of the drawing before it is fitted into 20x20
UNITS = 8  # steps of the distance map a pixel of the 28x28
INSIDE = 128  # value of the distance map on the outline


@dataclass(frozen=True)
class Hands:
    """How far hands, pens and cameras differ. Angles in degrees, lengths in pixels of the 28x28.

    turn, slant: spread (sd) of rotation and of the lean; stretch: sd of the log of width over height.
    bend: greatest sd of the elastic displacement; skew: of the perspective.
    thin, thick: how much a pen's outline may move in and out; thickest: out, for 1 and 7 without holes.
    soft: greatest blur of the outline.
    plain: share of images drawn from MNIST's own greys; cut, rule, worn, coarse, photo: shares with an edge
    cut off, a piece of rule left, a worn pen, few pixels, and of those put on paper and prepared whole.
    crossed, flagged, slashed: shares of 7s, 1s and 0s redrawn as some countries write them.
    """

    turn: float = 9.0
    slant: float = 16.0
    stretch: float = 0.2
    bend: float = 1.5
    skew: float = 0.10
    thin: float = 0.9
    thick: float = 1.7
    thickest: float = 3.0
    soft: float = 1.6
    plain: float = 0.35
    cut: float = 0.06
    rule: float = 0.05
    worn: float = 0.12
    coarse: float = 0.10
    photo: float = 0.15
    crossed: float = 0.25
    flagged: float = 0.4
    slashed: float = 0.03


def outlines(images: Images) -> Images:
    """Signed distances to each digit's outline: (n, 28, 28) to (n, 56, 56) uint8, above 128 inside."""
    maps = np.empty((len(images), FINE * SIDE, FINE * SIDE), np.uint8)
    for index, image in enumerate(images):
        large = cv2.resize(image, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_CUBIC)
        inside = (large > 110).astype(np.uint8)
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(
            1 - inside, cv2.DIST_L2, 5
        )
        maps[index] = np.clip(INSIDE + distance * (UNITS / FINE), 0, 255)
    return maps


def vary(
    image: Image,
    outline: Image,
    label: int,
    hands: Hands,
    random: np.random.Generator,
) -> Image:
    """One training image from another hand: (28, 28) uint8.

    image: (28, 28) uint8 MNIST digit; outline: its (56, 56) map from `outlines`.
    """
    across, down = _warp(hands, random)
    if random.random() < hands.plain:
        drawn = _uint8(cv2.remap(image, across, down, cv2.INTER_LINEAR, borderValue=0))
        pen = 2.5
    else:
        distance = cv2.remap(outline, across * FINE + 0.5, down * FINE + 0.5, cv2.INTER_LINEAR, borderValue=0)
        width = _pen(label, hands, random)
        drawn = _uint8(cv2.LUT(distance, _ink_table(width, random.uniform(0.5, hands.soft))))
        pen = 2.5 + 2 * width
    drawn = _other_shapes(drawn, label, pen, hands, random)
    drawn = _damage(drawn, hands, random)
    return finish(drawn, hands, random)


def _uint8(values: Any) -> Image:
    """OpenCV's answer with its type, which its stubs leave open."""
    return np.asarray(values, np.uint8)


def _warp(hands: Hands, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where in the 28x28 each pixel of the canvas comes from: two (CANVAS, CANVAS) float32 maps."""
    turn, slant = np.deg2rad([hands.turn, hands.slant]) * np.clip(random.standard_normal(2), -2.2, 2.2)
    stretch = np.exp(hands.stretch * np.clip(random.standard_normal(), -2.2, 2.2))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotation @ np.array([[1 / np.sqrt(stretch), np.tan(slant)], [0, np.sqrt(stretch)]])
    matrix = (matrix * (1.16 * SIDE / CANVAS)).astype(np.float32)
    across = matrix[0, 0] * _STEPS + matrix[0, 1] * _STEPS.T  # (CANVAS, CANVAS)
    down = matrix[1, 0] * _STEPS + matrix[1, 1] * _STEPS.T
    if random.random() < 0.5:
        lean = (hands.skew / CANVAS * random.uniform(-1, 1, 2)).astype(np.float32)
        depth = 1 + lean[0] * _STEPS + lean[1] * _STEPS.T
        across *= depth
        down *= depth
    grid = int(random.integers(3, 6))
    bend = (random.uniform(0, hands.bend) * random.standard_normal((grid, grid, 2))).astype(np.float32)
    bend = np.asarray(cv2.resize(bend, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC), np.float32)
    middle = np.float32((SIDE - 1) / 2)
    return across + (bend[..., 0] + middle), down + (bend[..., 1] + middle)


_STEPS = (np.arange(CANVAS, dtype=np.float32) - (CANVAS - 1) / 2)[None, :]


def _pen(label: int, hands: Hands, random: np.random.Generator) -> float:
    """How far the outline moves out, in pixels of the 28x28: mostly little, at times very much."""
    if random.random() < 0.5:
        return float(random.normal(0, 0.35))
    return float(random.uniform(-hands.thin, hands.thickest if label in (1, 7) else hands.thick))


def _ink_table(width: float, soft: float) -> Image:
    distance = (np.arange(256) - INSIDE) / UNITS + width
    return (np.clip(0.5 + distance / soft, 0, 1) * 255).astype(np.uint8)


def _other_shapes(drawn: Image, label: int, pen: float, hands: Hands, random: np.random.Generator) -> Image:
    """Cross a 7, give a 1 its flag and foot, slash a 0."""
    share = {7: hands.crossed, 1: hands.flagged, 0: hands.slashed}.get(label, 0.0)
    if random.random() >= share:
        return drawn
    rows, columns = np.nonzero(drawn > 100)
    if len(rows) < 20:
        return drawn
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    tall = bottom - top + 1
    thickness = max(1, round(pen * 0.86 * CANVAS / SIDE * random.uniform(0.7, 1.0)))
    middle = columns.mean()

    def line(x0: float, y0: float, x1: float, y1: float) -> None:
        start, end = (round(float(x0)), round(float(y0))), (round(float(x1)), round(float(y1)))
        cv2.line(drawn, start, end, 255, thickness, cv2.LINE_AA)

    if label == 7:
        row = top + tall * random.uniform(0.4, 0.62)
        at = columns[np.abs(rows - row) < 3]
        centre = at.mean() if len(at) else middle
        half, tilt = tall * random.uniform(0.16, 0.3), tall * random.uniform(-0.08, 0.08)
        line(centre - half, row + tilt, centre + half, row - tilt)
    elif label == 1 and right - left < 0.6 * tall:
        head, foot = columns[rows < top + 0.1 * tall].mean(), columns[rows > bottom - 0.1 * tall].mean()
        kind = random.random()
        if kind < 0.75:
            reach, fall = tall * random.uniform(0.12, 0.5), tall * random.uniform(0.02, 0.5)
            line(head, top + 1, head - reach, top + fall)
        if kind > 0.4:
            half, row = tall * random.uniform(0.12, 0.3), bottom + random.uniform(-1, 1)
            line(foot - half, row, foot + half, row)
    elif label == 0:
        over = random.uniform(-0.1, 0.15)
        line(left - over * tall, bottom + over * tall, right + over * tall, top - over * tall)
    return drawn


def _damage(drawn: Image, hands: Hands, random: np.random.Generator) -> Image:
    """Wear the pen out, cut an edge off, leave a piece of rule, lose resolution."""
    chance = random.random(4)
    if chance[0] < hands.worn:
        drawn = _worn(drawn, random)
    if chance[1] < hands.cut:
        _cut_edge(drawn, random)
    if chance[2] < hands.rule:
        _leave_rule(drawn, random)
    if chance[3] < hands.coarse:
        drawn = _coarse(drawn, random)
    return drawn


def _worn(drawn: Image, random: np.random.Generator) -> Image:
    """Ink that comes in patches."""
    grain = random.uniform(0, 1, (CANVAS // 2, CANVAS // 2)).astype(np.float32)
    texture = cv2.resize(cv2.GaussianBlur(grain, (0, 0), random.uniform(0.5, 1.6)), (CANVAS, CANVAS))
    low, high = float(texture.min()), float(texture.max())
    level = random.uniform(0.3, 0.9)
    worn = 1 - level * np.clip(1.6 * (texture - low) / (high - low + 1e-6) - 0.4, 0, 1)
    return _uint8((drawn * worn).astype(np.uint8))


def _cut_edge(drawn: Image, random: np.random.Generator) -> None:
    """A picture's edge through the digit."""
    rows, columns = np.nonzero(drawn > 60)
    if not len(rows):
        return
    share = random.uniform(0.04, 0.14)
    side = int(random.integers(4))
    tall, wide = rows.max() - rows.min(), columns.max() - columns.min()
    if side == 0:
        drawn[: rows.min() + int(share * tall)] = 0
    elif side == 1:
        drawn[rows.max() - int(share * tall) :] = 0
    elif side == 2:
        drawn[:, : columns.min() + int(share * wide)] = 0
    else:
        drawn[:, columns.max() - int(share * wide) :] = 0


def _leave_rule(drawn: Image, random: np.random.Generator) -> None:
    """A piece of a straight line beside the digit."""
    rows, columns = np.nonzero(drawn > 60)
    if not len(rows):
        return
    away = int(random.integers(2, 8))
    first, last = sorted(random.integers(0, CANVAS, 2))
    side = int(random.integers(4))
    row = (rows.max() + away, rows.min() - away)[side % 2]
    column = (columns.max() + away, columns.min() - away)[side % 2]
    along = slice(first, last)
    place = (slice(row, row + 2), along) if side < 2 else (along, slice(column, column + 2))
    drawn[place] = np.maximum(drawn[place], np.uint8(random.integers(90, 256)))


def _coarse(drawn: Image, random: np.random.Generator) -> Image:
    """Few pixels, at times only black and white."""
    side = int(random.integers(11, 24))
    small = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA)
    drawn = _uint8(cv2.resize(small, (CANVAS, CANVAS)))
    if random.random() < 0.4:
        return np.where(drawn > random.integers(80, 170), 255, 0).astype(np.uint8)
    return drawn


def finish(drawn: Image, hands: Hands, random: np.random.Generator) -> Image:
    """Bring a drawing (h, w) uint8, bright on dark, to 28x28 as a reader would; some by paper and camera."""
    if random.random() < hands.photo:
        try:
            return locate(_on_paper(drawn, random)).image
        except PictureError:
            pass  # too faint for this paper: keep the plain drawing
    ink = drawn > 40
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.uint8)
    box = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    image = fit(box.astype(np.float32) / np.float32(255))
    if random.random() < 0.25:
        image = _uint8(cv2.GaussianBlur(image, (0, 0), random.uniform(0.3, 0.8)))
    if random.random() < 0.3:
        gain, lift = random.uniform(0.8, 1.8), random.uniform(-25, 15)
        image = np.where(image > 0, np.clip(image * gain + lift, 0, 255), 0).astype(np.uint8)
    return image


def _on_paper(drawn: Image, random: np.random.Generator) -> Image:
    """A little photo of the drawing: paper, shade, faintness, noise, blur."""
    top, bottom, left, right = (int(m) for m in random.integers(0, 14, 4))
    drawn = _uint8(cv2.copyMakeBorder(drawn, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0))
    ink = drawn.astype(np.float32) / 255
    if random.random() < 0.5:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), random.uniform(0.4, 1.3)), np.float32)
    paper = random.uniform(120, 250)
    depth = paper * random.uniform(0.15, 0.95)
    tall, wide = ink.shape
    across, down = np.linspace(-1, 1, wide)[None], np.linspace(-1, 1, tall)[:, None]
    shade = random.uniform(-0.2, 0.2) * across + random.uniform(-0.2, 0.2) * down
    noise = random.normal(0, random.uniform(0, 0.06) * depth, ink.shape)
    photo = (paper - depth * ink) * (1 + shade) + noise
    if random.random() < 0.3:
        photo = 255 - photo
    picture = np.clip(photo, 0, 255).astype(np.uint8)
    if random.random() < 0.4:
        side = random.uniform(0.35, 0.8)
        picture = _uint8(cv2.resize(picture, None, fx=side, fy=side, interpolation=cv2.INTER_AREA))
    return picture
