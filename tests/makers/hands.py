"""A writer's hand: digits of MNIST that could be one person's, and numbers put together from them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from makers.mnist import SplitName, handwriting
from makers.strokes import Coverage, affine, draw, enlarge, faithful, move, trace, trim

Rng = np.random.Generator


# Test images that people agree hold another digit than their label, or none at all.
MISLABELLED = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)


@dataclass(frozen=True)
class Hand:
    """How one person writes today.

    thickness: of the strokes, in pixels of the 28x28 image.
    slant: of the digits as they were written, degrees to the right; `lean` is added to it.
    pen: width as a share of the digit's height where the skeleton is drawn again; None keeps the outline.
    gap: least and greatest distance between two digits that do not touch, as a share of the height.
    """

    split: SplitName
    thickness: float
    slant: float
    lean: float = 0.0
    aspect: float = 1.0
    pen: float | None = None
    uneven: float = 0.05
    gap: tuple[float, float] = (0.08, 0.26)


@dataclass(frozen=True, eq=False)
class Written:
    """A number in ink.

    coverage: tight around the ink. rise: rows of it above the baseline.
    touching: two of its digits share ink. marks: (kind, digits before it) of what is no digit.
    """

    text: str
    coverage: Coverage
    rise: int
    touching: bool
    marks: tuple[tuple[str, int], ...] = ()


@lru_cache(maxsize=2)
def _measures(split: SplitName) -> tuple[NDArray[np.float64], NDArray[np.float64], list[NDArray[np.int64]]]:
    """Stroke width (pixels) and slant (degrees) of every image, and the images of each label."""
    images, labels = handwriting(split)
    ink = images > 110
    edge = (ink[:, 1:] != ink[:, :-1]).sum((1, 2)) + (ink[:, :, 1:] != ink[:, :, :-1]).sum((1, 2))
    thickness = 2.4 * ink.sum((1, 2)) / edge
    share = images / images.sum((1, 2), keepdims=True)
    rows, columns = np.arange(28.0)[:, None], np.arange(28.0)[None, :]
    middle_row = (share * rows).sum((1, 2))[:, None, None]
    middle_column = (share * columns).sum((1, 2))[:, None, None]
    across = (share * (rows - middle_row) * (columns - middle_column)).sum((1, 2))
    along = (share * (rows - middle_row) ** 2).sum((1, 2))
    fair = np.ones(len(labels), bool)
    if split == "test":
        fair[list(MISLABELLED)] = False
    slant = -np.degrees(np.arctan2(across, along))
    return thickness, slant, [np.flatnonzero(fair & (labels == k)) for k in range(10)]


@lru_cache(maxsize=4096)
def _clean(split: SplitName, k: int) -> NDArray[np.uint8]:
    """The image without specks, which would be read as points between digits."""
    image = handwriting(split)[0][k]
    parts, count = ndimage.label(image > 30, np.ones((3, 3)))
    if count < 2:
        return image
    ink = ndimage.sum_labels(image, parts, np.arange(count + 1))
    return np.where(np.isin(parts, np.flatnonzero(ink < 0.08 * ink.sum())), 0, image).astype(np.uint8)


def some_hand(rng: Rng, split: SplitName, *, traced: float = 0.3, lean: float = 0.0) -> Hand:
    """An everyday hand; with probability `traced` its digits are drawn again with an even pen."""
    return Hand(
        split,
        thickness=float(np.clip(rng.normal(2.9, 0.45), 2.1, 3.9)),
        slant=float(np.clip(rng.normal(6, 6), -8, 18)),
        lean=lean,
        aspect=float(np.exp(rng.normal(-0.03, 0.07))),
        pen=float(rng.uniform(0.05, 0.11)) if rng.random() < traced else None,
        uneven=float(rng.uniform(0.02, 0.08)),
    )


def write_digit(hand: Hand, label: int, height: float, rng: Rng) -> Coverage:
    """One digit about `height` pixels high, from the images that fit the hand best."""
    thickness, slants, of_label = _measures(hand.split)
    some = rng.choice(of_label[label], 10)
    misfit = np.abs(thickness[some] - hand.thickness) / 0.4 + np.abs(slants[some] - hand.slant) / 8
    ranked = some[np.argsort(misfit)]
    image = _clean(hand.split, int(ranked[0]))
    if hand.pen:
        few = (_clean(hand.split, int(k)) for k in ranked[:4])
        image = next((one for one in few if faithful(one)), image)
    rows = np.flatnonzero(image.max(1) > 80)
    scale = min(20 / (rows[-1] - rows[0] + 1), 1.35)
    tall = height * scale * float(np.clip(rng.normal(1, hand.uneven), 0.8, 1.2))
    matrix = affine(tall, slant=hand.lean + rng.normal(0, 2), turn=rng.normal(0, 1.5), aspect=hand.aspect)
    if hand.pen and faithful(image):
        return draw(move(trace(image), matrix), max(1.3, hand.pen * height))
    return enlarge(image, matrix)


def _mark(kind: str, height: float, hand: Hand, rng: Rng) -> tuple[Coverage, float]:
    """A point, comma or minus, and how far its lower edge lies under the baseline."""
    pen = max(1.3, height * (hand.pen or hand.thickness / 22))
    if kind == ".":
        spot = rng.normal(0, 0.25 * pen, (3, 2))
        return draw([spot], pen * rng.uniform(1.1, 1.5)), 0.02 * height
    if kind == ",":
        down = height * rng.uniform(0.14, 0.22)
        return draw([np.array([[0, 0], [0.1 * down, 0.4 * down], [-0.4 * down, down]])], pen), 0.6 * down
    reach = height * rng.uniform(0.3, 0.5)
    dash = np.array([[0, 0], [reach, rng.normal(0, 0.05) * reach]])
    return draw([dash], pen), -height * rng.uniform(0.38, 0.5)


def _profiles(sheet: Coverage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leftmost and rightmost ink column of each row; +inf and -inf where there is none."""
    ink = sheet > 0.35
    some = ink.any(1)
    left = np.where(some, ink.argmax(1), np.inf)
    right = np.where(some, ink.shape[1] - 1 - ink[:, ::-1].argmax(1), -np.inf)
    return left, right


def write(hand: Hand, text: str, height: float, rng: Rng, *, touching: bool = False) -> Written:
    """A number in this hand; `text` may hold points, commas and a minus, which become marks.

    touching: some of its digits are to share ink; given up after a few tries where they would not join
    without becoming hard to read.
    """
    written = _write_once(hand, text, height, rng, touching)
    for _ in range(3):
        if touching and not written.touching:
            written = _write_once(hand, text, height, rng, touching)
    return written


def _write_once(hand: Hand, text: str, height: float, rng: Rng, touching: bool) -> Written:
    marks: list[tuple[str, int]] = []
    pieces: list[tuple[Coverage, float, bool]] = []  # ink, how far under the baseline, is it a digit
    drift = rng.normal(0, 0.012)
    for i, character in enumerate(text):
        if character.isdigit():
            ink = write_digit(hand, int(character), height, rng)
            pieces.append((ink, height * (rng.normal(0, 0.025) + drift * i), True))
        else:
            kind = {".": "point", ",": "comma", "-": "minus"}[character]
            marks.append((kind, sum(p[2] for p in pieces)))
            pieces.append((*_mark(character, height, hand, rng), False))
    above = max(ink.shape[0] - under for ink, under, _ in pieces)
    rows = int(np.ceil(above + max(under for _, under, _ in pieces))) + 2
    tops = [round(above + under) - ink.shape[0] for ink, under, _ in pieces]
    sheet = np.zeros(
        (rows, sum(ink.shape[1] for ink, _, _ in pieces) + int(height * len(pieces) * 0.6)), np.float32
    )
    together = _which_touch(text, rng) if touching else set()
    touched, edge = False, 0
    for i, ((ink, _, digit), top) in enumerate(zip(pieces, tops, strict=True)):
        placed = np.zeros((rows, ink.shape[1]), np.float32)
        placed[max(top, 0) : max(top, 0) + ink.shape[0]] = ink[: rows - max(top, 0)]
        if i == 0:
            start = 0
        else:
            beside = digit and pieces[i - 1][2]
            start = _beside(sheet, placed, height, edge, hand.gap if beside else (0.1, 0.22), rng)
            if i in together and (joined := _join(sheet, placed, height, edge, rng)) is not None:
                start, touched = joined, True
        start = max(start, 0)
        window = sheet[:, start : start + ink.shape[1]]
        np.maximum(window, placed, out=window)
        edge = max(edge, start + ink.shape[1])
    used = np.flatnonzero((sheet > 0.1).any(1))
    digits = "".join(c for c in text if c.isdigit())
    return Written(digits, trim(sheet), max(1, round(above) - int(used[0])), touched, tuple(marks))


def _which_touch(text: str, rng: Rng) -> set[int]:
    """Digits that are to touch the one before; not two of 1 and 7, which together become another letter."""
    pairs = [i for i in range(1, len(text)) if text[i - 1 : i + 1].isdigit()]
    pairs = [i for i in pairs if not set(text[i - 1 : i + 1]) <= {"1", "7"}]
    chosen = {i for i in pairs if rng.random() < 0.55}
    return chosen or set(rng.choice(pairs, 1).tolist() if pairs else [])


def _contact(sheet: Coverage, placed: Coverage, reach: int) -> float:
    """The first column at which `placed` clears the ink in `sheet` by rows, give or take `reach` rows."""
    right = _profiles(sheet)[1]
    left = _profiles(placed)[0]
    if reach:
        right = ndimage.maximum_filter1d(right, 2 * reach + 1, mode="nearest")
    distance = right - left
    return float(distance.max()) + 1 if np.isfinite(distance).any() else -np.inf


def _join(sheet: Coverage, placed: Coverage, height: float, edge: int, rng: Rng) -> int | None:
    """Where a digit shares a little ink with the one before; None where only a deep overlap would do it."""
    start = _contact(sheet, placed, 0)
    if not np.isfinite(start):
        return None
    start -= 1 + rng.uniform(0, 0.06) * height
    for _ in range(3):
        at = max(int(start), 0)
        if at < edge - 0.24 * height - 2:
            return None
        joined = _share_ink(sheet, placed, at, height)
        if joined is None:
            return None
        if joined:
            return at
        start -= 1 + 0.02 * height
    return None


def _share_ink(sheet: Coverage, placed: Coverage, at: int, height: float) -> bool | None:
    """Whether the two are joined; None where they run along one another or close a loop, as in 1 and 2."""
    window = sheet[:, at : at + placed.shape[1]]
    grown = ndimage.binary_dilation(window > 0.4, np.ones((3, 3)))
    met = (grown & (placed > 0.4)).any(1)
    places = (np.diff(met.astype(np.int8), prepend=0) > 0).sum()
    if met.sum() > 0.3 * height or places > 1:
        return None
    return bool(met.any())


def _beside(
    sheet: Coverage, placed: Coverage, height: float, edge: int, gap: tuple[float, float], rng: Rng
) -> int:
    """Where to put a digit or mark so that a clear gap is left, tucked under a neighbour a little at most."""
    clear = _contact(sheet, placed, max(1, round(0.1 * height)))
    distance = max(1.5, height * rng.uniform(*gap))
    return round(max(clear, edge - 0.22 * height) + distance)
