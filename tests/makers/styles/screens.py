"""Digits drawn on a screen with an even pen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from makers import paper as sheet
from makers.strokes import draw, move, trace
from makers.styles.common import (
    Image28,
    Picture,
    Rng,
    dark_on,
    file,
    on_sheet,
    pen_name,
    some_hand,
    traced,
)


def _screen(image: Image28, rng: Rng, low: float, high: float, *, square: bool = False) -> NDArray[np.uint8]:
    height = rng.uniform(90, 220)
    strokes = move(trace(image), some_hand(rng, height))
    ink = draw(strokes, max(1.2, height * rng.uniform(low, high)), square=square)
    return dark_on(on_sheet(ink, rng, share=(0.4, 0.85)), rng.choice([255, 255, 240]), rng.choice([0, 0, 40]))


@traced
def screen_hairline(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.008, 0.02)


@traced
def screen_thin(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.025, 0.05)


@traced
def screen_medium(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.06, 0.11)


@traced
def screen_thick(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.13, 0.17)


@traced
def screen_very_thick(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.18, 0.22)


@traced
def screen_square_pen(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.05, 0.12, square=True)


@traced
def screen_white_on_black(image: Image28, rng: Rng) -> Picture:
    return 255 - _screen(image, rng, 0.05, 0.15)


@traced
def transparent(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(draw(move(trace(image), some_hand(rng, 100)), rng.uniform(5, 15)), rng)
    colour = np.broadcast_to(np.array(sheet.PENS[pen_name(rng)], np.float32), (*ink.shape, 3))
    return sheet.finish(np.dstack([colour, ink * 255]))


@traced
def transparent_white_ink(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(draw(move(trace(image), some_hand(rng, 100)), rng.uniform(5, 15)), rng)
    return file(Image.fromarray(sheet.finish(np.dstack([np.full((*ink.shape, 3), 255), ink * 255]))), "PNG")
