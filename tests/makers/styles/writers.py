"""Hands: slanted, narrow, shaky, and other countries' digits."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from makers import paper as sheet
from makers.strokes import Strokes, affine, draw, enlarge, faithful, move, trace
from makers.styles.common import (
    Image28,
    Picture,
    Rng,
    on_sheet,
    only,
    pen_name,
    scan,
    some_hand,
    style,
    traced,
    written,
)


def _bent(image: Image28, rng: Rng, **geometry: float) -> NDArray[np.uint8]:
    height = rng.uniform(40, 110)
    matrix = affine(height, **geometry)
    if rng.random() < 0.5 or not faithful(image):
        ink = enlarge(image, matrix, rng.uniform(-0.1, 0.15))
    else:
        ink = draw(move(trace(image), matrix), height * rng.uniform(0.05, 0.11))
    return sheet.finish(scan(on_sheet(ink, rng), rng, pen_name(rng)))


@style
def slant_left(image: Image28, rng: Rng) -> Picture:
    return _bent(image, rng, slant=rng.uniform(-30, -15))


@style
def slant_right(image: Image28, rng: Rng) -> Picture:
    return _bent(image, rng, slant=rng.uniform(15, 35))


@style
def turned(image: Image28, rng: Rng) -> Picture:
    return _bent(image, rng, turn=float(rng.choice([-1, 1])) * rng.uniform(8, 20))


@style
def narrow(image: Image28, rng: Rng) -> Picture:
    return _bent(image, rng, aspect=rng.uniform(0.45, 0.65))


@style
def wide(image: Image28, rng: Rng) -> Picture:
    return _bent(image, rng, aspect=rng.uniform(1.4, 1.9))


@traced
def shaky_hand(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(60, 120)
    strokes = move(trace(image), some_hand(rng, height))
    wavy: Strokes = []
    for points in strokes:
        noise = ndimage.gaussian_filter1d(rng.normal(size=points.shape), 1.6, axis=0, mode="nearest")
        wave = 0.035 * height * noise
        wave[[0, -1]] *= 0.2
        wavy.append(points + wave)
    return sheet.finish(scan(on_sheet(draw(wavy, height * rng.uniform(0.04, 0.08)), rng), rng, pen_name(rng)))


@traced
def traced_twice(image: Image28, rng: Rng) -> Picture:
    """Written, then gone over again, not quite on the same line."""
    height = rng.uniform(60, 120)
    once = move(trace(image), some_hand(rng, height))
    shift = rng.normal(0, 0.012 * height, 2)
    again = [points * rng.uniform(0.985, 1.015) + shift for points in once]
    ink = draw(once + again, height * rng.uniform(0.035, 0.055))
    return sheet.finish(scan(on_sheet(ink, rng), rng, pen_name(rng)))


@style
def cut_at_edge(image: Image28, rng: Rng) -> Picture:
    """Up to an eighth of the digit lies outside the picture."""
    height = rng.uniform(40, 110)
    ink = written(image, rng, height, (0.07, 0.12))
    rows, columns = ink.shape
    sheet_rows, sheet_columns = round(rows * rng.uniform(1.15, 1.5)), round(columns * rng.uniform(1.2, 1.8))
    lost = rng.uniform(0.03, 0.12)
    top = rng.uniform(0, sheet_rows - rows)
    left = rng.uniform(0, sheet_columns - columns)
    side = rng.integers(4)
    if side == 0:
        top = -lost * rows
    elif side == 1:
        top = sheet_rows - rows * (1 - lost)
    elif side == 2:
        left = -lost * columns
    else:
        left = sheet_columns - columns * (1 - lost)
    return sheet.finish(scan(sheet.put(ink, sheet_rows, sheet_columns, top, left), rng, pen_name(rng)))


@style
def tight_crop(image: Image28, rng: Rng) -> Picture:
    """No margin at all: the ink touches all four sides."""
    return sheet.finish(scan(written(image, rng, rng.uniform(24, 100)), rng, pen_name(rng)))


def _vector(strokes: Strokes, rng: Rng, height: float) -> NDArray[np.uint8]:
    ink = draw(move(strokes, some_hand(rng, height, slant=6, turn=2)), height * rng.uniform(0.05, 0.11))
    return sheet.finish(scan(on_sheet(ink, rng), rng, pen_name(rng)))


@only(7)
def crossed_seven(image: Image28, rng: Rng) -> Picture:
    strokes = trace(image)
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    level = low[1] + (high[1] - low[1]) * rng.uniform(0.45, 0.58)
    stem = points[np.argmin(np.abs(points[:, 1] - level) - 0.02 * points[:, 0])]
    reach = (high[1] - low[1]) * rng.uniform(0.16, 0.26)
    rise = rng.normal(-0.1, 0.12) * reach
    bar = np.array([[stem[0] - reach, level - rise], [stem[0] + reach * rng.uniform(0.8, 1.1), level + rise]])
    return _vector([*strokes, bar], rng, rng.uniform(50, 120))


@only(1)
def flagged_one(image: Image28, rng: Rng) -> Picture:
    """A 1 with an upstroke from the left, sometimes with a foot."""
    points = np.concatenate(trace(image))
    top, bottom = points[points[:, 1].argmin()], points[points[:, 1].argmax()]
    tall = bottom[1] - top[1]
    flag = rng.uniform(0.22, 0.5) * tall
    fall = np.radians(rng.uniform(35, 60))
    start = top + flag * np.array([-np.cos(fall), np.sin(fall)])
    strokes = [np.array([start, top, bottom])]
    if rng.random() < 0.6:
        reach = tall * rng.uniform(0.22, 0.36)
        tilt = rng.normal(0, 0.06)
        ends = np.array([[-1.0, -tilt], [rng.uniform(0.8, 1.1), tilt]]) * reach
        strokes.append(bottom + ends)
    return _vector(strokes, rng, rng.uniform(50, 120))


@only(4)
def open_four(image: Image28, rng: Rng) -> Picture:
    """A 4 whose top does not close: one bent stroke and a stem."""
    points = np.concatenate(trace(image))
    (left, top), (right, bottom) = points.min(0), points.max(0)
    wide, tall = max(right - left, 9.0), bottom - top
    jitter = rng.normal(0, 0.02 * tall, (5, 2))
    bar = top + tall * rng.uniform(0.52, 0.66)
    stem = left + wide * rng.uniform(0.62, 0.78)
    first = np.array([[left + wide * rng.uniform(0.05, 0.25), top], [left, bar], [right, bar]])
    second = np.array(
        [[stem + wide * rng.uniform(0, 0.08), top + tall * rng.uniform(0, 0.25)], [stem, bottom]]
    )
    return _vector([first + jitter[:3], second + jitter[3:]], rng, rng.uniform(50, 120))


@only(4)
def closed_four(image: Image28, rng: Rng) -> Picture:
    """A 4 as printed: a triangle and a stem."""
    points = np.concatenate(trace(image))
    (left, top), (right, bottom) = points.min(0), points.max(0)
    wide, tall = max(right - left, 10.0), bottom - top
    bar = top + tall * rng.uniform(0.6, 0.72)
    apex = np.array([left + wide * rng.uniform(0.68, 0.8), top])
    down = apex + np.array([wide * rng.normal(0, 0.03), tall])
    path = np.array([down, apex, [left, bar], [left + wide, bar + tall * rng.normal(0, 0.02)]])
    return _vector([path + rng.normal(0, 0.012 * tall, path.shape)], rng, rng.uniform(50, 120))
