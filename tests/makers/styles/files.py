"""Pictures as files and arrays come: float, sixteen bits, palette, CMYK."""

import numpy as np
from PIL import Image

from makers import paper as sheet
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


@style
def as_mnist(image: Image28, rng: Rng) -> Picture:
    return image


@style
def mnist_on_white(image: Image28, rng: Rng) -> Picture:
    return 255 - image


@style
def float_zero_to_one(image: Image28, rng: Rng) -> Picture:
    return on_sheet(written(image, rng, rng.uniform(20, 90)), rng).astype(np.float64)


@style
def sixteen_bit(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(30, 120)), rng)
    return (rng.uniform(40000, 62000) * (1 - 0.8 * ink) + rng.uniform(0, 2000)).astype(np.uint16)


@style
def palette_file(image: Image28, rng: Rng) -> Picture:
    picture = sheet.finish(scan(on_sheet(written(image, rng, 60), rng), rng, pen_name(rng)))
    return file(Image.fromarray(picture).quantize(16), "PNG")


@style
def cmyk_file(image: Image28, rng: Rng) -> Picture:
    picture = sheet.finish(scan(on_sheet(written(image, rng, 90), rng), rng, pen_name(rng)))
    return file(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=85)
