"""One property of the images changed step by step, so that one sees where a reader breaks."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Random = np.random.Generator

SIDE = 28
FINE = 4  # strokes are made thick or thin at this multiple of 28x28


@dataclass(frozen=True)
class Shift:
    """A property with the values it is given.

    unit: of the values, for people; usual: the value that leaves an image as it is; apply: from an image
    (28, 28) uint8, a value and a generator to the changed image.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    usual: float
    apply: Callable[[Images, float, Random], Images] = field(repr=False)


def shift(images: Images, change: Shift, value: float, seed: int = 1) -> Images:
    """Give images (n, 28, 28) uint8 one value of a property; the same seed gives the same images."""
    if value == change.usual:
        return images
    random = np.random.default_rng([seed, len(change.name), change.values.index(value)])
    return np.stack([change.apply(image, value, random) for image in images])


def _warp(image: Images, matrix: NDArray[np.float64]) -> Images:
    """Send each place (column, row) through a matrix (2, 2), the middle staying where it is."""
    middle = np.full(2, (SIDE - 1) / 2)
    affine = np.column_stack([matrix, middle - matrix @ middle])
    return np.asarray(cv2.warpAffine(image, affine, (SIDE, SIDE)), np.uint8)


def _rotate(image: Images, degrees: float, random: Random) -> Images:
    turn = np.deg2rad(degrees)
    return _warp(image, np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]))


def _translate(image: Images, pixels: float, random: Random) -> Images:
    """Move in a direction drawn by lot; what leaves the image is gone."""
    angle = random.uniform(0, 2 * np.pi)
    affine = np.array([[1, 0, pixels * np.cos(angle)], [0, 1, pixels * np.sin(angle)]])
    return np.asarray(cv2.warpAffine(image, affine, (SIDE, SIDE)), np.uint8)


def _scale(image: Images, factor: float, random: Random) -> Images:
    return _warp(image, np.eye(2) * factor)


def _thicken(image: Images, pixels: float, random: Random) -> Images:
    """Make strokes so many pixels wider, or narrower."""
    large = cv2.resize(image, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_CUBIC)
    side = 1 + round(abs(pixels) * FINE)
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    changed = cv2.dilate(large, pen) if pixels > 0 else cv2.erode(large, pen)
    return np.asarray(cv2.resize(changed, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _blur(image: Images, sigma: float, random: Random) -> Images:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _add_noise(image: Images, spread: float, random: Random) -> Images:
    noisy = image + random.normal(0, 255 * spread, image.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def _fade(image: Images, contrast: float, random: Random) -> Images:
    return np.asarray(np.rint(image * contrast), np.uint8)


SHIFTS = (
    Shift("rotation", "degrees", (-60, -45, -30, -20, -10, 0, 10, 20, 30, 45, 60), 0, _rotate),
    Shift("translation", "pixels", (0, 1, 2, 3, 4, 5, 6, 8), 0, _translate),
    Shift("scale", "times", (0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.4, 1.6), 1, _scale),
    Shift("stroke width", "pixels more", (-2, -1.5, -1, -0.5, 0, 1, 2, 3, 4), 0, _thicken),
    Shift("blur", "sigma in pixels", (0, 0.5, 1, 1.5, 2, 2.5, 3), 0, _blur),
    Shift("noise", "spread, share of the range", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), 0, _add_noise),
    Shift("contrast", "share of the ink's", (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1), 1, _fade),
)
