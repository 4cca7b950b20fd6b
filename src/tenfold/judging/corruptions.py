"""The 15 corruptions of MNIST-C, at the paper's severities, written afresh and seeded.

Source: N. Mu and J. Gilmer, "MNIST-C: a robustness benchmark for computer vision", 2019. Where the published
images have a quirk (a blur along one direction only, say), so have these, or figures could not be compared.
"""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tenfold.errors import OptionError
from tenfold.judging.edges import find_edges
from tenfold.judging.plasma import plasma

Images = NDArray[np.uint8]
Greys = NDArray[np.float64]
"""(n, 28, 28), 0-1, bright ink on dark."""
Random = np.random.Generator

SIDE = 28
CHUNK = 500
"""Images corrupted at once, each lot from a seed of its own: the first do not depend on how many follow."""


def corrupt(images: Images, name: str, seed: int = 1) -> Images:
    """Corrupt images (n, 28, 28) uint8 in one of the 15 ways.

    The same name, seed and images give the same result; the first images do not depend on how many follow.

    >>> from tenfold.data import load_mnist
    >>> digits = load_mnist().test.images[:5]
    >>> corrupt(digits, "stripe")[0, 0, [0, 14, 27]].tolist()
    [255, 0, 255]

    Raises:
        OptionError: a corruption that is not one of `CORRUPTIONS`.
    """
    if name not in CORRUPTIONS:
        raise OptionError(f"expected a corruption out of {', '.join(CORRUPTIONS)}, got {name!r}")
    number = list(CORRUPTIONS).index(name)
    result = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        random = np.random.default_rng([seed, number, start])
        part = slice(start, start + CHUNK)
        greys = CORRUPTIONS[name](images[part] / 255, random)
        result[part] = np.rint(np.clip(greys, 0, 1) * 255)
    return result


def _shot_noise(images: Greys, random: Random) -> Greys:
    """Few photons: each pixel's light is counted, three at most on average."""
    return random.poisson(images * 3) / 3


def _impulse_noise(images: Greys, random: Random) -> Greys:
    """17 pixels of 100 become black or white."""
    hit, white = random.random(images.shape) <= 0.17, random.random(images.shape) <= 0.5
    return np.where(hit, white, images)


def _glass_blur(images: Greys, random: Random) -> Greys:
    """Pixels change places with near ones, blurred before and after; the blur is an upright one."""
    blurred = np.floor(_smooth(images, (0, 0.7, 0)) * 255)
    pixels = np.ascontiguousarray(blurred.transpose(1, 2, 0))  # (28, 28, n): one place of all images at once
    everyone = np.arange(len(images))
    for _ in range(2):
        for row in range(SIDE - 1, 1, -1):
            for column in range(SIDE - 1, 1, -1):
                moves = random.integers(0, 2, len(images))
                rows = row - moves * random.integers(0, 2, len(images))
                columns = column - moves * random.integers(0, 2, len(images))
                there = pixels[rows, columns, everyone]
                pixels[rows, columns, everyone] = pixels[row, column]
                pixels[row, column] = there
    return _smooth(pixels.transpose(2, 0, 1) / 255, (0, 0.7, 0))


def _smooth(images: Greys, sigma: tuple[float, float, float]) -> Greys:
    return np.asarray(ndimage.gaussian_filter(images, sigma, mode="nearest"))


def _motion_blur(images: Greys, random: Random) -> Greys:
    """Each pixel trails half a Gaussian of 3 pixels behind it, up to 45 degrees from level."""
    angles = np.deg2rad(random.uniform(-45, 45, len(images)))
    steps = np.arange(21)
    weights = np.exp(-(steps**2) / (2 * 3**2))
    weights /= weights.sum()
    places, total = np.arange(SIDE), np.zeros_like(images)
    everyone = np.arange(len(images))[:, None, None]
    for step, weight in zip(steps, weights, strict=True):
        down, across = (np.ceil(step * part(angles) - 0.5).astype(np.int64) for part in (np.sin, np.cos))
        rows = np.clip(places + down[:, None], 0, SIDE - 1)  # (n, 28): an edge goes on outside
        columns = np.clip(places + across[:, None], 0, SIDE - 1)
        total += weight * images[everyone, rows[:, :, None], columns[:, None, :]]
    return total


def _warp(images: Greys, matrices: NDArray[np.float64]) -> Greys:
    """Fetch each pixel (column, row) from where a matrix (n, 2, 2) sends it, the middle staying in place."""
    middle = np.full(2, (SIDE - 1) / 2)
    warped = np.empty(images.shape, np.float32)
    for image, matrix, result in zip(images.astype(np.float32), matrices, warped, strict=True):
        affine = np.column_stack([matrix, middle - matrix @ middle])
        cv2.warpAffine(image, affine, (SIDE, SIDE), result, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return warped.astype(np.float64)


def _signs(count: int, random: Random) -> NDArray[np.int64]:
    return random.choice(np.array([-1, 1]), count)


def _shear(images: Greys, random: Random) -> Greys:
    """Lean to the left or right by 0.4 radians."""
    lean = 0.4 * _signs(len(images), random)
    return _warp(images, _matrices(np.ones_like(lean), -np.sin(lean), np.zeros_like(lean), np.cos(lean)))


def _matrices(*entries: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrices (n, 2, 2) from their four entries (n,), row by row."""
    return np.stack(entries, axis=1).reshape(-1, 2, 2)


def _scale(images: Greys, random: Random) -> Greys:
    """Shrink to seven tenths."""
    return _warp(images, np.tile(np.eye(2) / 0.7, (len(images), 1, 1)))


def _rotate(images: Greys, random: Random) -> Greys:
    """Turn one way or the other by 0.4 radians, 23 degrees."""
    turn = 0.4 * _signs(len(images), random)
    return _warp(images, _matrices(np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)))


def _brightness(images: Greys, random: Random) -> Greys:
    """Half the range brighter."""
    return images + 0.5


def _translate(images: Greys, random: Random) -> Greys:
    """Move by 3 pixels, along both axes."""
    moved = np.zeros_like(images)
    signs = np.stack([_signs(len(images), random), _signs(len(images), random)], axis=1)
    for result, image, (down, across) in zip(moved, images, signs, strict=True):
        rows, columns = slice(max(3 * down, 0), SIDE + 3 * down), slice(max(3 * across, 0), SIDE + 3 * across)
        back = slice(max(-3 * down, 0), SIDE - 3 * down), slice(max(-3 * across, 0), SIDE - 3 * across)
        result[rows, columns] = image[back]
    return moved


def _stripe(images: Greys, random: Random) -> Greys:
    """The left and the right quarter are inverted."""
    striped = images.copy()
    for edge in (slice(0, 7), slice(21, SIDE)):
        striped[:, :, edge] = 1 - striped[:, :, edge]
    return striped


def _fog(images: Greys, random: Random) -> Greys:
    """Clouds three times as bright as the digit before it."""
    brightest = images.max(axis=(1, 2), keepdims=True)
    clouds = plasma(len(images), 1.4, random)[:, :SIDE, :SIDE]
    return np.asarray((images + 3 * clouds) * brightest / (brightest + 3), np.float64)


def _spatter(images: Greys, random: Random) -> Greys:
    """Drops of grey mud that hide the ink."""
    wet = _smooth(random.normal(0.65, 0.3, images.shape), (0, 1, 1)) > 0.65
    mud = _smooth(wet.astype(np.float64), (0, 1.5, 1.5))
    mud[mud < 0.8] = 0
    return images * (1 - mud) + mud * 63 / 255


def _line(start: NDArray[np.float64], end: NDArray[np.float64]) -> Greys:
    """Lines (n, 28, 28) from points to points (n, 2), each (column, row): bright, fading to both sides."""
    columns, rows = np.arange(SIDE)[None, None, :], np.arange(SIDE)[None, :, None]
    (c0, r0), (c1, r1) = ((*point.T[:, :, None, None],) for point in (start, end))  # (n, 1, 1) each
    height = r0 + (r1 - r0) / (c1 - c0) * (columns - c0)
    away = np.minimum(np.abs(rows - height), 2.3 - 1e-10)
    lines = np.clip(np.log(1 - away / 2.3) + 1, 0, 1)
    return np.where((columns >= np.floor(c0)) & (columns < np.ceil(c1)), lines, 0)


def _dotted_line(images: Greys, random: Random) -> Greys:
    """A line from edge to edge, two pixels drawn and two left out."""
    left, right = random.integers(0, 27, (2, len(images)))
    start = np.stack([np.zeros_like(left), left], axis=1).astype(np.float64)
    end = np.stack([np.full_like(right, 27), right], axis=1).astype(np.float64)
    return images + _line(start, end) * (np.arange(SIDE) % 4 >= 2)


def _zigzag(images: Greys, random: Random) -> Greys:
    """A saw's teeth, two pixels up and down, from column 2 to 25."""
    left = random.integers(0, 27, len(images))
    rise = random.integers(-5, 5, len(images))
    length = np.hypot(23, rise)  # 23 to 23.5, so that there are always the same teeth
    along = np.tile([0, 2, 6, 10, 14, 18, 22, 0.0], (len(images), 1))
    across = np.tile([0, 2, -2, 2, -2, 2, -2, 0.0], (len(images), 1))
    along[:, -1], across[:, -1] = length, -1 / (length - 20)
    cosine, sine = (23 / length)[:, None], (rise / length)[:, None]
    columns, rows = 2 + along * cosine - across * sine, left[:, None] + along * sine + across * cosine
    corners = np.stack([columns.T, rows.T], axis=2)  # (corners, n, 2)
    drawn = images.copy()
    for start, end in pairwise(corners):
        drawn = np.minimum(drawn + _line(start, end), 1)
    return drawn


def _canny_edges(images: Greys, random: Random) -> Greys:
    """The outlines alone."""
    return find_edges(images).astype(np.float64)


CORRUPTIONS: dict[str, Callable[[Greys, Random], Greys]] = {
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "glass_blur": _glass_blur,
    "motion_blur": _motion_blur,
    "shear": _shear,
    "scale": _scale,
    "rotate": _rotate,
    "brightness": _brightness,
    "translate": _translate,
    "stripe": _stripe,
    "fog": _fog,
    "spatter": _spatter,
    "dotted_line": _dotted_line,
    "zigzag": _zigzag,
    "canny_edges": _canny_edges,
}
"""By the paper's names, in its order."""

RESEMBLED: dict[str, dict[str, str]] = {
    "ink": {
        "shot_noise": "bright pixels are grainy",
        "impulse_noise": "some pixels are black or white",
        "glass_blur": "pixels change places a little",
        "motion_blur": "some images are shaken",
        "shear": "digits are slanted",
        "scale": "some digits are small",
        "rotate": "digits are turned",
        "brightness": "some images are too bright",
        "translate": "some digits lie off the middle",
        "stripe": "bands are inverted",
        "fog": "some digits are behind clouds",
        "spatter": "blots lie over the digit",
        "dotted_line": "strokes cross the digit, some dotted",
        "zigzag": "bent strokes cross the digit",
        "canny_edges": "some digits are outlines only",
    },
}
"""By recipe: the corruptions that something in its training resembles, and what does.

`ink` is shown something like each, drawn by other code and with other parameters (`making.disturbances`): for
it MNIST-C says how well it has learnt that, not how it stands what it has never seen.
"""
