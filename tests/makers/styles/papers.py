"""Pencil, pen, marker and chalk on every sort of ground."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from makers import paper as sheet
from makers.strokes import Coverage, draw, move, trace
from makers.styles.common import (
    Image28,
    Picture,
    Rng,
    on_sheet,
    pen_name,
    scan,
    some_hand,
    style,
    traced,
    written,
)


def _box_pieces(rng: Rng, height: int, width: int, sides: int) -> Coverage:
    """Pieces of a printed box at the picture's border; not always straight, not always whole."""
    lines = np.zeros((height, width), np.float32)
    for side in rng.permutation(4)[:sides]:
        upright = side % 2 == 1
        span = width if upright else height
        inset = rng.uniform(0, 0.07) * span
        place = inset if side < 2 else span - 1 - inset
        thick = rng.uniform(1, max(1.5, 0.035 * min(height, width)))
        line = sheet.rule(
            height, width, place=place, thickness=thick, upright=upright, lean=rng.normal(0, 0.012)
        )
        if rng.random() < 0.35:
            cut = int(rng.uniform(0.3, 0.9) * (height if upright else width))
            part = np.s_[:cut, :] if upright else np.s_[:, :cut]
            line[part] = 0
        lines = np.maximum(lines, line)
    return lines


def _in_box(image: Image28, rng: Rng, sides: int, strength: tuple[float, float]) -> NDArray[np.uint8]:
    ink = on_sheet(written(image, rng, rng.uniform(34, 80), (0.04, 0.08)), rng, share=(0.45, 0.72))
    height, width = ink.shape
    canvas = sheet.paper(rng, height, width, rough=rng.uniform(1, 3))
    canvas = sheet.lay(canvas, _box_pieces(rng, height, width, sides), (70, 70, 74), rng.uniform(0.4, 0.9))
    canvas = sheet.lay(canvas, sheet.pencil(rng, ink, rng.uniform(*strength)), sheet.PENS["pencil"])
    picture = sheet.finish(sheet.blur(canvas, rng.uniform(0.2, 0.7)))
    return sheet.grey(picture) if rng.random() < 0.7 else picture


@style
def pencil_in_box(image: Image28, rng: Rng) -> Picture:
    return _in_box(image, rng, int(rng.integers(1, 4)), (0.55, 0.95))


@style
def faint_pencil_in_box(image: Image28, rng: Rng) -> Picture:
    return _in_box(image, rng, int(rng.integers(0, 4)), (0.22, 0.42))


@style
def whole_box(image: Image28, rng: Rng) -> Picture:
    return _in_box(image, rng, 4, (0.6, 1.0))


@style
def faint_pencil(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(30, 110), (0.035, 0.08)), rng, share=(0.35, 0.75))
    canvas = sheet.paper(rng, *ink.shape, rough=rng.uniform(0.8, 2.2))
    return sheet.finish(
        sheet.lay(canvas, sheet.pencil(rng, ink, rng.uniform(0.22, 0.36)), sheet.PENS["pencil"])
    )


@style
def ballpoint_scan(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(40, 130), (0.035, 0.07)), rng)
    return sheet.finish(scan(ink, rng, pen_name(rng)))


@traced
def marker(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(60, 140)
    strokes = move(trace(image), some_hand(rng, height))
    ink = on_sheet(draw(strokes, height * rng.uniform(0.14, 0.21)), rng, share=(0.6, 0.88))
    uneven = np.clip(0.92 + 0.07 * sheet.clouds(rng, *ink.shape, 6), 0.7, 1)
    return sheet.finish(sheet.blur(scan(ink * uneven, rng, pen_name(rng)), 0.8))


@style
def ink_bleeding(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(50, 110), (0.08, 0.13)), rng)
    spread = ndimage.gaussian_filter(ink, rng.uniform(1.2, 2.4))
    soaked = np.clip((spread + 0.09 * sheet.grain(rng, *ink.shape, 1.4) - 0.3) * 4, 0, 1)
    halo = np.clip(0.35 * ndimage.gaussian_filter(soaked, 3), 0, 1)
    return sheet.finish(scan(np.maximum(soaked, halo), rng, pen_name(rng), rough=3))


@style
def drying_pen(image: Image28, rng: Rng) -> Picture:
    """Ink that fails in places, seldom for longer than the pen is wide."""
    height = rng.uniform(50, 110)
    ink = on_sheet(written(image, rng, height, (0.05, 0.09)), rng)
    flow = sheet.grain(rng, *ink.shape, 0.03 * height)
    return sheet.finish(scan(ink * np.clip(1.5 + 0.72 * flow, 0.05, 1), rng, pen_name(rng)))


@traced
def broad_nib(image: Image28, rng: Rng) -> Picture:
    """A nib held at an angle: thin one way, broad the other."""
    height = rng.uniform(60, 120)
    ink = draw(move(trace(image), some_hand(rng, height)), max(1.2, height * 0.025))
    reach = max(3, round(height * rng.uniform(0.06, 0.1)))
    nib = np.fliplr(np.eye(reach, dtype=bool))
    ink = ndimage.grey_dilation(np.pad(ink, reach), footprint=nib).astype(np.float32)
    return sheet.finish(scan(on_sheet(ink, rng), rng, pen_name(rng)))


@traced
def chalk(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(60, 140)
    ink = on_sheet(draw(move(trace(image), some_hand(rng, height)), height * rng.uniform(0.07, 0.12)), rng)
    dust = np.clip(0.75 + 0.35 * sheet.grain(rng, *ink.shape, 0.9), 0.1, 1) * ndimage.gaussian_filter(
        ink, 0.8
    )
    smear = 14 * sheet.clouds(rng, *ink.shape, 4)
    board = np.asarray([(40, 62, 50), (44, 46, 50)][rng.integers(2)], np.float32) + smear[..., None]
    chalked = board + dust[..., None] * (np.float32(228) - board)
    return sheet.finish(chalked + 3 * sheet.grain(rng, *ink.shape)[..., None])


@style
def coloured_paper(image: Image28, rng: Rng) -> Picture:
    ink = on_sheet(written(image, rng, rng.uniform(50, 110), (0.05, 0.1)), rng)
    tint = [(248, 236, 150), (250, 190, 205), (190, 225, 240), (200, 235, 190), (205, 170, 125)][
        rng.integers(5)
    ]
    canvas = sheet.paper(rng, *ink.shape, colour=tint, rough=3)
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS[str(rng.choice(["black", "navy", "blue"]))], 0.93))


@style
def ruled_behind(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(45, 90)
    ink = on_sheet(written(image, rng, height, (0.05, 0.1)), rng, share=(0.5, 0.75))
    canvas = sheet.paper(rng, *ink.shape)
    gap = height * rng.uniform(0.8, 1.3)
    lean, thick = rng.normal(0, 0.01), max(1.0, height * rng.uniform(0.012, 0.025))
    for place in np.arange(rng.uniform(0, gap), ink.shape[0], gap):
        line = sheet.rule(*ink.shape, place=place, thickness=thick, lean=lean)
        canvas = sheet.lay(
            canvas,
            line,
            [(110, 140, 190), (90, 95, 105), (200, 110, 120)][rng.integers(3)],
            rng.uniform(0.4, 0.85),
        )
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS[pen_name(rng)], 0.95))


@style
def squared_behind(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(50, 90)
    ink = on_sheet(written(image, rng, height, (0.06, 0.11)), rng, share=(0.5, 0.75))
    canvas = sheet.paper(rng, *ink.shape)
    gap, thick = height * rng.uniform(0.4, 0.9), rng.uniform(1, 1.6)
    for upright in (False, True):
        for place in np.arange(rng.uniform(0, gap), ink.shape[int(upright)], gap):
            line = sheet.rule(*ink.shape, place=place, thickness=thick, upright=upright)
            canvas = sheet.lay(canvas, line, (110, 130, 180), rng.uniform(0.4, 0.75))
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS[pen_name(rng)], 0.95))


@style
def specks(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(40, 100)
    ink = on_sheet(written(image, rng, height, (0.06, 0.12)), rng)
    dirt = np.zeros_like(ink)
    for _ in range(int(rng.integers(4, 14))):
        reach = rng.uniform(0.6, max(1.0, height * 0.018))
        row, column = rng.uniform(0, ink.shape[0]), rng.uniform(0, ink.shape[1])
        rows, columns = np.ogrid[: ink.shape[0], : ink.shape[1]]
        far = np.hypot(rows - row, (columns - column) * rng.uniform(0.7, 1.4))
        dirt = np.maximum(dirt, np.clip(reach + 0.5 - far, 0, 1) * rng.uniform(0.5, 1))
    return sheet.grey(sheet.finish(scan(np.maximum(ink, dirt), rng, "black")))


@style
def neighbours_piece(image: Image28, rng: Rng) -> Picture:
    """The next digit's edge, or the line's above, reaches into the picture."""
    height = rng.uniform(45, 90)
    pen = (0.06, 0.09)
    ink = on_sheet(written(image, rng, height, pen), rng, share=(0.6, 0.72))
    other = written(image[::-1, ::-1], rng, height, pen)
    reach = rng.uniform(0.04, 0.12)
    rows, columns = ink.shape
    top, left = [
        (rng.uniform(-0.2, 0.3) * rows, columns * (1 - reach)),
        (rng.uniform(-0.2, 0.3) * rows, columns * reach - other.shape[1]),
        (rows * reach - other.shape[0], rng.uniform(-0.2, 0.5) * columns),
    ][rng.integers(3)]
    piece = sheet.put(other, rows, columns, top, left)
    clear = ndimage.maximum_filter(ink, 7) > 0.1
    return sheet.finish(scan(np.maximum(ink, np.where(clear, 0, piece)), rng, pen_name(rng)))
