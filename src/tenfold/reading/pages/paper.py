"""From a grey picture to ink: shadows and paper shades divided out, either polarity."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.contrast import quantile

Pixels = NDArray[np.uint8]

REACH = 57  # pixels of the working picture: pens thinner than this are ink, wider dark areas are paper
DARKEST = 24  # grey level below which a paper's own shade cannot be told from black
BLOCK = 24  # pixels: side of the blocks in which the paper's noise is measured
NOISE_UNIT = 8.0  # noise is kept in eighths of a level
PALE = 190.0  # levels of 255: paper as light has no lighter ink
CLEAR = 3.2  # times the paper's roughness that ink must stand out by
FAINTEST = 9  # levels of 255 that ink must stand out by
LOCAL = 0.42  # share of the strongest ink nearby that the edge of a stroke has


@dataclass(frozen=True, eq=False)
class Ink:
    """Ink on a flattened sheet.

    strength: (h, w) uint8, 0 for paper, 255 for black ink on white paper.
    roughness: the paper's own standard deviation, in the same levels.
    noise: (h, w) uint8, the same from place to place, times NOISE_UNIT.
    """

    strength: Pixels = field(repr=False)
    roughness: float
    noise: Pixels = field(repr=False)


def to_grey(picture: Pixels) -> Pixels:
    """Grey in which ink of any colour is dark: half lightness, half the darkest channel. (h, w) uint8.

    Channels are levelled first, so that tinted paper counts as white.
    """
    if picture.ndim == 2:
        return np.ascontiguousarray(picture)
    picture = np.ascontiguousarray(picture[..., :3])
    step = max(1, round((picture.shape[0] * picture.shape[1] / 40_000) ** 0.5))
    white = np.percentile(picture[::step, ::step].reshape(-1, 3), 90, axis=0)
    gain = np.clip(white.max() / np.maximum(white, 1), 1, 2)
    levels = np.arange(256)[:, None] * gain
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8).reshape(1, 256, 3)
    levelled = cv2.LUT(picture, table)
    red, green, blue = cv2.split(levelled)
    darkest = cv2.min(cv2.min(red, green), blue)
    lightness = cv2.cvtColor(levelled, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.addWeighted(lightness, 0.5, darkest, 0.5, 0), np.uint8)


def is_dark_on_light(grey: Pixels) -> bool:
    """Ink is the rarer side: whether what stands out from its surroundings is dark.

    On pale paper it is: nothing is much lighter, and the noise of a blank sheet stands out on either side.
    """
    scale = min(1.0, 700 / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    if quantile(small, 0.5) > PALE:
        return True
    reach = max(3, max(small.shape) // 24) | 1
    contrast = small - cv2.blur(small, (reach, reach))
    return float((contrast * contrast * contrast).mean()) <= 0


def background(grey: Pixels, reach: int = REACH) -> Pixels:
    """The paper under dark ink, (h, w) uint8: whatever is narrower than `reach` pixels is filled in."""
    half = (
        cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) if min(grey.shape) > 8 else grey
    )
    side = max(3, reach // 2) | 1
    half = cv2.GaussianBlur(half, (3, 3), 0)
    closed = cv2.morphologyEx(
        half, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    smooth = max(3, side // 3) | 1
    # A mean never above what was closed keeps the bright side of a hard edge from spilling over the dark.
    closed = cv2.min(cv2.blur(closed, (smooth, smooth)), cv2.dilate(closed, np.ones((3, 3), np.uint8)))
    size = (grey.shape[1], grey.shape[0])
    return np.asarray(cv2.resize(closed, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def flatten(grey: Pixels, dark: bool, reach: int = REACH) -> Ink:
    """Ink from a grey picture, the paper's shade divided out.

    grey: (h, w) uint8. dark: whether the ink is darker than the paper.
    """
    grey = grey if dark else ~grey
    paper = np.maximum(background(grey, reach), DARKEST)
    light = cv2.divide(grey, paper, scale=255)
    strength = ~np.asarray(light, np.uint8)
    low, rough = _paper_levels(strength, grey, paper)
    size = (grey.shape[1], grey.shape[0])
    level = np.asarray(cv2.resize(low, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    noise = np.asarray(cv2.resize(rough, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    usual = float(np.median(rough)) / NOISE_UNIT
    return Ink(np.asarray(cv2.subtract(strength, level), np.uint8), max(usual, 0.5), noise)


def _paper_levels(strength: Pixels, grey: Pixels, paper: Pixels) -> tuple[Pixels, Pixels]:
    """The level of blank paper and its deviation (times NOISE_UNIT), a value for each block of the picture.

    Both are taken from a block's paler part, and from the middling block around, so that ink does not count.
    """
    middle = _block_quantiles(strength, (0.45,))[0]
    upper, lower, shade = *_block_quantiles(grey, (0.8, 0.55)), _block_quantiles(paper, (0.5,))[0]
    # Of a normal distribution: the distance of these quantiles in deviations.
    spread = np.maximum((upper - lower) / 0.716, 0.3) * 255 / np.maximum(shade, 1)
    around = 5 if min(middle.shape) >= 5 else 3
    low = cv2.medianBlur(middle.astype(np.uint8), around)
    rough = cv2.medianBlur(np.clip(spread * NOISE_UNIT, 0, 255).astype(np.uint8), around)
    return np.asarray(low, np.uint8), np.asarray(rough, np.uint8)


def _block_quantiles(values: Pixels, shares: tuple[float, ...]) -> tuple[NDArray[np.float32], ...]:
    """Quantiles of each block, (rows, columns) float32 each."""
    step = 1 if min(values.shape) < 4 * BLOCK else 3
    values = values[::step, ::step]
    side = BLOCK // step
    rows, columns = (max(1, -(-n // side)) for n in values.shape)
    padded = np.pad(
        values, ((0, rows * side - values.shape[0]), (0, columns * side - values.shape[1])), "edge"
    )
    blocks = padded.reshape(rows, side, columns, side).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    ordered = np.sort(blocks, axis=2)
    last = ordered.shape[2] - 1
    return tuple(np.ascontiguousarray(ordered[..., round(share * last)], np.float32) for share in shares)


def strokes(ink: Ink, reach: int = 41) -> NDArray[np.uint8]:
    """Which pixels are pen strokes, (h, w) uint8 of 0 and 1, judged against the strongest ink nearby."""
    soft = cv2.GaussianBlur(ink.strength, (3, 3), 0)
    small = (
        cv2.resize(soft, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        if min(soft.shape) > 16
        else soft
    )
    side = max(3, reach // 4) | 1
    peak = cv2.dilate(small, np.ones((side, side), np.uint8))
    peak = cv2.blur(peak, (side, side))
    peak = cv2.resize(peak, (soft.shape[1], soft.shape[0]), interpolation=cv2.INTER_LINEAR)
    least = np.maximum(cv2.convertScaleAbs(ink.noise, alpha=CLEAR / NOISE_UNIT), FAINTEST)
    needed = np.maximum(cv2.convertScaleAbs(peak, alpha=LOCAL), least)
    return (soft > needed).astype(np.uint8)
