"""Digits seen by a telephone or a bad scanner."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from makers import paper as sheet
from makers.camera import homography
from makers.styles.common import (
    Image28,
    Picture,
    Rng,
    file,
    on_sheet,
    pen_name,
    scan,
    style,
    written,
)


def _photo(
    image: Image28, rng: Rng, depth: float, noise: float, soft: tuple[float, float]
) -> NDArray[np.uint8]:
    height = rng.uniform(50, 160)
    ink = on_sheet(written(image, rng, height, (0.04, 0.11)), rng, share=(0.45, 0.78))
    canvas = sheet.paper(rng, *ink.shape, rough=rng.uniform(2, 5))
    canvas = sheet.lay(canvas, ink, sheet.PENS[pen_name(rng)], rng.uniform(0.75, 0.97))
    canvas = canvas * sheet.light(rng, *ink.shape, depth=depth)[..., None]
    cast = np.clip(1 + rng.normal(0, 0.06, 3), 0.8, 1.15).astype(np.float32)
    canvas = sheet.blur(canvas * cast, rng.uniform(*soft) * height / 60)
    grainy = canvas + noise * rng.standard_normal(canvas.shape, dtype=np.float32)
    return sheet.jpeg(sheet.finish(grainy), int(rng.integers(45, 92)))


@style
def phone_photo(image: Image28, rng: Rng) -> Picture:
    return _photo(image, rng, rng.uniform(0.15, 0.5), rng.uniform(1, 5), (0.3, 0.9))


@style
def turned_by_exif(image: Image28, rng: Rng) -> Picture:
    picture = Image.fromarray(phone_photo(image, rng))
    tag, turn = (
        (6, Image.Transpose.ROTATE_90),
        (8, Image.Transpose.ROTATE_270),
        (3, Image.Transpose.ROTATE_180),
    )[rng.integers(3)]
    exif = Image.Exif()
    exif[0x0112] = tag
    return file(picture.transpose(turn), "JPEG", quality=88, exif=exif)


@style
def phone_in_the_dark(image: Image28, rng: Rng) -> Picture:
    dim = _photo(image, rng, rng.uniform(0.3, 0.6), 1, (0.4, 0.9)) * rng.uniform(0.32, 0.5)
    return sheet.finish(dim + rng.normal(0, rng.uniform(3, 6), dim.shape))


@style
def hard_shadow(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(60, 120), (0.05, 0.1)), rng, share=(0.45, 0.7))
    canvas = sheet.lay(sheet.paper(rng, *ink.shape, rough=3), ink, sheet.PENS[pen_name(rng)], 0.92)
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]] / max(ink.shape)
    angle = rng.uniform(0, 2 * np.pi)
    way = (rows - 0.5) * np.sin(angle) + (columns - 0.5) * np.cos(angle) + rng.uniform(-0.2, 0.2)
    shade = 1 - rng.uniform(0.35, 0.55) / (1 + np.exp(-way / 0.012))
    return sheet.jpeg(sheet.finish(sheet.blur(canvas * shade[..., None].astype(np.float32), 0.8)), 85)


@style
def out_of_focus(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(50, 100)
    ink = on_sheet(written(image, rng, height, (0.06, 0.11)), rng)
    return sheet.finish(sheet.blur(scan(ink, rng, pen_name(rng)), height * rng.uniform(0.025, 0.045)))


@style
def shaken(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(50, 100)
    ink = on_sheet(written(image, rng, height, (0.06, 0.1)), rng)
    reach = max(3, round(height * rng.uniform(0.05, 0.09)))
    angle = rng.uniform(0, np.pi)
    steps = [(t * np.sin(angle), t * np.cos(angle)) for t in np.linspace(-reach / 2, reach / 2, reach)]
    ink = np.mean([np.roll(ink, (round(a), round(b)), (0, 1)) for a, b in steps], axis=0)
    return sheet.finish(scan(ink, rng, pen_name(rng)))


@style
def crushed_jpeg(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(36, 70), (0.06, 0.12)), rng)
    return file(
        Image.fromarray(sheet.finish(scan(ink, rng, pen_name(rng)))),
        "JPEG",
        quality=int(rng.integers(6, 16)),
    )


@style
def noisy(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(40, 80), (0.08, 0.13)), rng)
    return sheet.finish(215 - 160 * ink + rng.uniform(15, 32) * sheet.grain(rng, *ink.shape))


@style
def rough_wall(image: Image28, rng: Rng) -> Picture:
    """A marker on cardboard, wood or plaster."""
    ink = on_sheet(written(image, rng, rng.uniform(60, 120), (0.08, 0.14)), rng)
    rows, columns = ink.shape
    stripes = sheet.grain(rng, rows, columns, 0)
    stripes = ndimage.gaussian_filter(stripes, (0.8, rng.uniform(6, 18)))
    stripes = 9 * stripes / stripes.std()
    base = np.asarray([(196, 160, 115), (178, 140, 98), (205, 203, 198)][rng.integers(3)], np.float32)
    canvas = base + (stripes + 6 * sheet.clouds(rng, rows, columns, 6))[..., None]
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS["black"], 0.92))


@style
def perspective(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(90, 140), (0.05, 0.11)), rng, share=(0.5, 0.7))
    rows, columns = ink.shape
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], float)
    seen = corners + rng.uniform(-0.2, 0.2, (4, 2)) * (columns, rows) * 0.6
    picture = Image.fromarray(sheet.grey(sheet.finish(scan(ink, rng, "black"))))
    mapping = homography(corners, seen).reshape(-1)[:8]
    warped = picture.transform(
        (columns, rows), Image.Transform.PERSPECTIVE, tuple(mapping), Image.Resampling.BICUBIC, fillcolor=238
    )
    return np.asarray(warped)
