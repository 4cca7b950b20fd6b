"""Few pixels and many."""

import numpy as np
from PIL import Image
from scipy import ndimage

from makers import paper as sheet
from makers.strokes import Coverage, put_inside
from makers.styles.common import (
    Image28,
    Picture,
    Rng,
    dark_on,
    on_sheet,
    pen_name,
    scan,
    style,
    written,
)


def _reduced(coverage: Coverage, height: int, width: int) -> Coverage:
    small = Image.fromarray(coverage).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small)


def _small(image: Image28, rng: Rng, side: int, share: float, pen: tuple[float, float]) -> Coverage:
    """A sheet `side` pixels wide and high; the ink takes `share` of the height."""
    coverage = written(image, rng, side * share * 6, pen)
    room = side * 6
    scale = min(1.0, room / max(coverage.shape))
    if scale < 1:
        coverage = _reduced(coverage, *(max(1, int(s * scale)) for s in coverage.shape))
    return _reduced(put_inside(coverage, rng, room, room, centred=0.8), side, side)


@style
def binary_32_thick(image: Image28, rng: Rng) -> Picture:
    ink = _small(image, rng, 32, rng.uniform(0.75, 0.95), (0.14, 0.2)) + 0.08 * sheet.grain(rng, 32, 32, 0.6)
    return np.where(ink > 0.5, np.uint8(0), np.uint8(255))


@style
def binary_32_thin(image: Image28, rng: Rng) -> Picture:
    ink = _small(image, rng, 32, rng.uniform(0.7, 0.95), (0.06, 0.1)) + 0.04 * sheet.grain(rng, 32, 32, 0.6)
    return ink > 0.38


@style
def binary_20(image: Image28, rng: Rng) -> Picture:
    return np.where(_small(image, rng, 20, 0.88, (0.09, 0.17)) > 0.42, np.uint8(255), np.uint8(0))


@style
def binary_ragged(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(40, 70), (0.1, 0.18)), rng, share=(0.75, 0.95))
    rough = ink + 0.42 * sheet.grain(rng, *ink.shape, 0.8) * (ndimage.gaussian_filter(ink, 1.2) > 0.2)
    return np.where(ndimage.gaussian_filter(rough, 0.5) > 0.5, np.uint8(0), np.uint8(255))


@style
def grey_16(image: Image28, rng: Rng) -> Picture:
    """Sixteen pixels, ink from edge to edge, as post-office scans were stored."""
    coverage = written(image, rng, 96, (0.1, 0.16))
    width = 96 if coverage.shape[1] > 40 else coverage.shape[1]
    stretched = np.asarray(Image.fromarray(coverage).resize((width, 96), Image.Resampling.BILINEAR))
    wide = max(3, width // 6)
    small = _reduced(stretched, 16, wide)
    if wide < 16:
        small = np.pad(small, ((0, 0), ((16 - wide) // 2, 16 - wide - (16 - wide) // 2)))
    return sheet.finish(255 * np.clip(ndimage.gaussian_filter(small, 0.35) * 1.1, 0, 1))


@style
def grey_8(image: Image28, rng: Rng) -> Picture:
    """Eight pixels of seventeen grey levels."""
    return np.rint(_small(image, rng, 8, 0.97, (0.1, 0.16)) * 16) * (255 / 16)


@style
def tiny_10(image: Image28, rng: Rng) -> Picture:
    return dark_on(_small(image, rng, 12, 0.83, (0.1, 0.16)), 250, 20)


@style
def tiny_14(image: Image28, rng: Rng) -> Picture:
    return dark_on(_small(image, rng, 18, 0.78, (0.08, 0.16)), 245, 30)


@style
def large_1500(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(600, 1100), (0.03, 0.12)), rng)
    wanted = 1500 / max(ink.shape)
    size = (round(ink.shape[1] * wanted), round(ink.shape[0] * wanted))
    ink = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    lamp = sheet.light(rng, *ink.shape, depth=0.3)
    return sheet.finish((235 - 190 * ink) * lamp + 3 * sheet.wide_grain(rng, *ink.shape))


@style
def small_on_large_sheet(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(28, 44)), rng, share=(0.12, 0.25))
    return sheet.finish(scan(ink, rng, pen_name(rng), rough=1.2))
