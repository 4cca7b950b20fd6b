"""One digit a picture, as strangers would bring it: a named style for each way of writing and taking.

A style is a function of a (28, 28) uint8 image and a random generator; it returns an array of any shape
or the bytes of a picture file. Everything is made from the image it is given.
"""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from makers import paper as sheet
from makers.strokes import Coverage, Strokes, affine, draw, enlarge, faithful, move, put_inside, trace

Image28 = NDArray[np.uint8]
Picture = NDArray[np.generic] | bytes
Rng = np.random.Generator
Style = Callable[[Image28, Rng], Picture]

STYLES: dict[str, Style] = {}
ONLY: dict[str, int] = {}  # styles that exist for one digit
TRACED: set[str] = set()  # styles that draw the skeleton again, whatever the image


def style(function: Style) -> Style:
    """Enter a style under its function's name."""
    STYLES[function.__name__] = function
    return function


def _traced(function: Style) -> Style:
    TRACED.add(function.__name__)
    return style(function)


def _only(label: int) -> Callable[[Style], Style]:
    def enter(function: Style) -> Style:
        ONLY[function.__name__] = label
        return _traced(function)

    return enter


def _hand(rng: Rng, height: float, *, slant: float = 8, turn: float = 4) -> NDArray[np.float64]:
    """An everyday hand: a little lean, a little turn, a little narrow or wide."""
    return affine(
        height,
        slant=rng.normal(0, slant),
        turn=rng.normal(0, turn),
        aspect=float(np.exp(rng.normal(0, 0.08))),
    )


def _written(image: Image28, rng: Rng, height: float, pen: tuple[float, float] = (0.06, 0.14)) -> Coverage:
    """Ink `height` pixels high: half the time the image's own outline, else drawn again with a pen.

    `pen`: the pen's least and greatest width as a share of the height.
    """
    matrix = _hand(rng, height)
    if rng.random() < 0.5 or not faithful(image):
        return enlarge(image, matrix, rng.uniform(-0.15, 0.15))
    return draw(move(trace(image), matrix), max(1.0, height * rng.uniform(*pen)))


def _on_sheet(coverage: Coverage, rng: Rng, *, share: tuple[float, float] = (0.5, 0.8)) -> Coverage:
    """The ink on a sheet of which it takes `share` of the longer side; anywhere, but whole."""
    rows, columns = coverage.shape
    height = round(rows / rng.uniform(*share)) + 2
    width = round(max(columns / rng.uniform(*share), height * rng.uniform(0.7, 1.15))) + 2
    return put_inside(coverage, rng, height, width)


def _dark(coverage: Coverage, white: float = 255, black: float = 0) -> NDArray[np.uint8]:
    return sheet.finish(white + (black - white) * coverage)


def _scan(coverage: Coverage, rng: Rng, colour: str, rough: float = 2.0) -> sheet.Canvas:
    return sheet.lay(sheet.paper(rng, *coverage.shape, rough=rough), coverage, sheet.PENS[colour])


def _pen_name(rng: Rng) -> str:
    return str(rng.choice(["black", "blue", "navy", "red", "green", "violet"]))


# ---- as they come


@style
def as_mnist(image: Image28, rng: Rng) -> Picture:
    return image


@style
def mnist_on_white(image: Image28, rng: Rng) -> Picture:
    return 255 - image


@style
def float_zero_to_one(image: Image28, rng: Rng) -> Picture:
    return _on_sheet(_written(image, rng, rng.uniform(20, 90)), rng).astype(np.float64)


@style
def sixteen_bit(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(30, 120)), rng)
    return (rng.uniform(40000, 62000) * (1 - 0.8 * ink) + rng.uniform(0, 2000)).astype(np.uint16)


@style
def palette_file(image: Image28, rng: Rng) -> Picture:
    picture = sheet.finish(_scan(_on_sheet(_written(image, rng, 60), rng), rng, _pen_name(rng)))
    return _file(Image.fromarray(picture).quantize(16), "PNG")


@style
def cmyk_file(image: Image28, rng: Rng) -> Picture:
    picture = sheet.finish(_scan(_on_sheet(_written(image, rng, 90), rng), rng, _pen_name(rng)))
    return _file(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=85)


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
    return _file(picture.transpose(turn), "JPEG", quality=88, exif=exif)


def _file(picture: Image.Image, kind: str, **options: object) -> bytes:
    store = io.BytesIO()
    picture.save(store, kind, **options)
    return store.getvalue()


# ---- on a screen


def _screen(image: Image28, rng: Rng, low: float, high: float, *, square: bool = False) -> NDArray[np.uint8]:
    height = rng.uniform(90, 220)
    strokes = move(trace(image), _hand(rng, height))
    ink = draw(strokes, max(1.2, height * rng.uniform(low, high)), square=square)
    return _dark(_on_sheet(ink, rng, share=(0.4, 0.85)), rng.choice([255, 255, 240]), rng.choice([0, 0, 40]))


@_traced
def screen_hairline(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.008, 0.02)


@_traced
def screen_thin(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.025, 0.05)


@_traced
def screen_medium(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.06, 0.11)


@_traced
def screen_thick(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.13, 0.17)


@_traced
def screen_very_thick(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.18, 0.22)


@_traced
def screen_square_pen(image: Image28, rng: Rng) -> Picture:
    return _screen(image, rng, 0.05, 0.12, square=True)


@_traced
def screen_white_on_black(image: Image28, rng: Rng) -> Picture:
    return 255 - _screen(image, rng, 0.05, 0.15)


@_traced
def transparent(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(draw(move(trace(image), _hand(rng, 100)), rng.uniform(5, 15)), rng)
    colour = np.broadcast_to(np.array(sheet.PENS[_pen_name(rng)], np.float32), (*ink.shape, 3))
    return sheet.finish(np.dstack([colour, ink * 255]))


@_traced
def transparent_white_ink(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(draw(move(trace(image), _hand(rng, 100)), rng.uniform(5, 15)), rng)
    return _file(Image.fromarray(sheet.finish(np.dstack([np.full((*ink.shape, 3), 255), ink * 255]))), "PNG")


# ---- few pixels, many pixels


def _reduced(coverage: Coverage, height: int, width: int) -> Coverage:
    small = Image.fromarray(coverage).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small)


def _small(image: Image28, rng: Rng, side: int, share: float, pen: tuple[float, float]) -> Coverage:
    """A sheet `side` pixels wide and high; the ink takes `share` of the height."""
    coverage = _written(image, rng, side * share * 6, pen)
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
    ink = _on_sheet(_written(image, rng, rng.uniform(40, 70), (0.1, 0.18)), rng, share=(0.75, 0.95))
    rough = ink + 0.42 * sheet.grain(rng, *ink.shape, 0.8) * (ndimage.gaussian_filter(ink, 1.2) > 0.2)
    return np.where(ndimage.gaussian_filter(rough, 0.5) > 0.5, np.uint8(0), np.uint8(255))


@style
def grey_16(image: Image28, rng: Rng) -> Picture:
    """Sixteen pixels, ink from edge to edge, as post-office scans were stored."""
    coverage = _written(image, rng, 96, (0.1, 0.16))
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
    return _dark(_small(image, rng, 12, 0.83, (0.1, 0.16)), 250, 20)


@style
def tiny_14(image: Image28, rng: Rng) -> Picture:
    return _dark(_small(image, rng, 18, 0.78, (0.08, 0.16)), 245, 30)


@style
def large_1500(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(600, 1100), (0.03, 0.12)), rng)
    wanted = 1500 / max(ink.shape)
    size = (round(ink.shape[1] * wanted), round(ink.shape[0] * wanted))
    ink = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    lamp = sheet.light(rng, *ink.shape, depth=0.3)
    return sheet.finish((235 - 190 * ink) * lamp + 3 * sheet.wide_grain(rng, *ink.shape))


@style
def small_on_large_sheet(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(28, 44)), rng, share=(0.12, 0.25))
    return sheet.finish(_scan(ink, rng, _pen_name(rng), rough=1.2))


# ---- pencil and pen on paper


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
    ink = _on_sheet(_written(image, rng, rng.uniform(34, 80), (0.04, 0.08)), rng, share=(0.45, 0.72))
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
    ink = _on_sheet(_written(image, rng, rng.uniform(30, 110), (0.035, 0.08)), rng, share=(0.35, 0.75))
    canvas = sheet.paper(rng, *ink.shape, rough=rng.uniform(0.8, 2.2))
    return sheet.finish(
        sheet.lay(canvas, sheet.pencil(rng, ink, rng.uniform(0.22, 0.36)), sheet.PENS["pencil"])
    )


@style
def ballpoint_scan(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(40, 130), (0.035, 0.07)), rng)
    return sheet.finish(_scan(ink, rng, _pen_name(rng)))


@_traced
def marker(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(60, 140)
    strokes = move(trace(image), _hand(rng, height))
    ink = _on_sheet(draw(strokes, height * rng.uniform(0.14, 0.21)), rng, share=(0.6, 0.88))
    uneven = np.clip(0.92 + 0.07 * sheet.clouds(rng, *ink.shape, 6), 0.7, 1)
    return sheet.finish(sheet.blur(_scan(ink * uneven, rng, _pen_name(rng)), 0.8))


@style
def ink_bleeding(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(50, 110), (0.08, 0.13)), rng)
    spread = ndimage.gaussian_filter(ink, rng.uniform(1.2, 2.4))
    soaked = np.clip((spread + 0.09 * sheet.grain(rng, *ink.shape, 1.4) - 0.3) * 4, 0, 1)
    halo = np.clip(0.35 * ndimage.gaussian_filter(soaked, 3), 0, 1)
    return sheet.finish(_scan(np.maximum(soaked, halo), rng, _pen_name(rng), rough=3))


@style
def drying_pen(image: Image28, rng: Rng) -> Picture:
    """Ink that fails in places, seldom for longer than the pen is wide."""
    height = rng.uniform(50, 110)
    ink = _on_sheet(_written(image, rng, height, (0.05, 0.09)), rng)
    flow = sheet.grain(rng, *ink.shape, 0.03 * height)
    return sheet.finish(_scan(ink * np.clip(1.5 + 0.72 * flow, 0.05, 1), rng, _pen_name(rng)))


@_traced
def broad_nib(image: Image28, rng: Rng) -> Picture:
    """A nib held at an angle: thin one way, broad the other."""
    height = rng.uniform(60, 120)
    ink = draw(move(trace(image), _hand(rng, height)), max(1.2, height * 0.025))
    reach = max(3, round(height * rng.uniform(0.06, 0.1)))
    nib = np.fliplr(np.eye(reach, dtype=bool))
    ink = ndimage.grey_dilation(np.pad(ink, reach), footprint=nib).astype(np.float32)
    return sheet.finish(_scan(_on_sheet(ink, rng), rng, _pen_name(rng)))


@_traced
def chalk(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(60, 140)
    ink = _on_sheet(draw(move(trace(image), _hand(rng, height)), height * rng.uniform(0.07, 0.12)), rng)
    dust = np.clip(0.75 + 0.35 * sheet.grain(rng, *ink.shape, 0.9), 0.1, 1) * ndimage.gaussian_filter(
        ink, 0.8
    )
    smear = 14 * sheet.clouds(rng, *ink.shape, 4)
    board = np.asarray([(40, 62, 50), (44, 46, 50)][rng.integers(2)], np.float32) + smear[..., None]
    chalked = board + dust[..., None] * (np.float32(228) - board)
    return sheet.finish(chalked + 3 * sheet.grain(rng, *ink.shape)[..., None])


@style
def coloured_paper(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(50, 110), (0.05, 0.1)), rng)
    tint = [(248, 236, 150), (250, 190, 205), (190, 225, 240), (200, 235, 190), (205, 170, 125)][
        rng.integers(5)
    ]
    canvas = sheet.paper(rng, *ink.shape, colour=tint, rough=3)
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS[str(rng.choice(["black", "navy", "blue"]))], 0.93))


@style
def ruled_behind(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(45, 90)
    ink = _on_sheet(_written(image, rng, height, (0.05, 0.1)), rng, share=(0.5, 0.75))
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
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS[_pen_name(rng)], 0.95))


@style
def squared_behind(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(50, 90)
    ink = _on_sheet(_written(image, rng, height, (0.06, 0.11)), rng, share=(0.5, 0.75))
    canvas = sheet.paper(rng, *ink.shape)
    gap, thick = height * rng.uniform(0.4, 0.9), rng.uniform(1, 1.6)
    for upright in (False, True):
        for place in np.arange(rng.uniform(0, gap), ink.shape[int(upright)], gap):
            line = sheet.rule(*ink.shape, place=place, thickness=thick, upright=upright)
            canvas = sheet.lay(canvas, line, (110, 130, 180), rng.uniform(0.4, 0.75))
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS[_pen_name(rng)], 0.95))


@style
def specks(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(40, 100)
    ink = _on_sheet(_written(image, rng, height, (0.06, 0.12)), rng)
    dirt = np.zeros_like(ink)
    for _ in range(int(rng.integers(4, 14))):
        reach = rng.uniform(0.6, max(1.0, height * 0.018))
        row, column = rng.uniform(0, ink.shape[0]), rng.uniform(0, ink.shape[1])
        rows, columns = np.ogrid[: ink.shape[0], : ink.shape[1]]
        far = np.hypot(rows - row, (columns - column) * rng.uniform(0.7, 1.4))
        dirt = np.maximum(dirt, np.clip(reach + 0.5 - far, 0, 1) * rng.uniform(0.5, 1))
    return sheet.grey(sheet.finish(_scan(np.maximum(ink, dirt), rng, "black")))


@style
def neighbours_piece(image: Image28, rng: Rng) -> Picture:
    """The next digit's edge, or the line's above, reaches into the picture."""
    height = rng.uniform(45, 90)
    pen = (0.06, 0.09)
    ink = _on_sheet(_written(image, rng, height, pen), rng, share=(0.6, 0.72))
    other = _written(image[::-1, ::-1], rng, height, pen)
    reach = rng.uniform(0.04, 0.12)
    rows, columns = ink.shape
    top, left = [
        (rng.uniform(-0.2, 0.3) * rows, columns * (1 - reach)),
        (rng.uniform(-0.2, 0.3) * rows, columns * reach - other.shape[1]),
        (rows * reach - other.shape[0], rng.uniform(-0.2, 0.5) * columns),
    ][rng.integers(3)]
    piece = sheet.put(other, rows, columns, top, left)
    clear = ndimage.maximum_filter(ink, 7) > 0.1
    return sheet.finish(_scan(np.maximum(ink, np.where(clear, 0, piece)), rng, _pen_name(rng)))


# ---- through a camera


def _photo(
    image: Image28, rng: Rng, depth: float, noise: float, soft: tuple[float, float]
) -> NDArray[np.uint8]:
    height = rng.uniform(50, 160)
    ink = _on_sheet(_written(image, rng, height, (0.04, 0.11)), rng, share=(0.45, 0.78))
    canvas = sheet.paper(rng, *ink.shape, rough=rng.uniform(2, 5))
    canvas = sheet.lay(canvas, ink, sheet.PENS[_pen_name(rng)], rng.uniform(0.75, 0.97))
    canvas = canvas * sheet.light(rng, *ink.shape, depth=depth)[..., None]
    cast = np.clip(1 + rng.normal(0, 0.06, 3), 0.8, 1.15).astype(np.float32)
    canvas = sheet.blur(canvas * cast, rng.uniform(*soft) * height / 60)
    grainy = canvas + noise * rng.standard_normal(canvas.shape, dtype=np.float32)
    return sheet.jpeg(sheet.finish(grainy), int(rng.integers(45, 92)))


@style
def phone_photo(image: Image28, rng: Rng) -> Picture:
    return _photo(image, rng, rng.uniform(0.15, 0.5), rng.uniform(1, 5), (0.3, 0.9))


@style
def phone_in_the_dark(image: Image28, rng: Rng) -> Picture:
    dim = _photo(image, rng, rng.uniform(0.3, 0.6), 1, (0.4, 0.9)) * rng.uniform(0.32, 0.5)
    return sheet.finish(dim + rng.normal(0, rng.uniform(3, 6), dim.shape))


@style
def hard_shadow(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(60, 120), (0.05, 0.1)), rng, share=(0.45, 0.7))
    canvas = sheet.lay(sheet.paper(rng, *ink.shape, rough=3), ink, sheet.PENS[_pen_name(rng)], 0.92)
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]] / max(ink.shape)
    angle = rng.uniform(0, 2 * np.pi)
    way = (rows - 0.5) * np.sin(angle) + (columns - 0.5) * np.cos(angle) + rng.uniform(-0.2, 0.2)
    shade = 1 - rng.uniform(0.35, 0.55) / (1 + np.exp(-way / 0.012))
    return sheet.jpeg(sheet.finish(sheet.blur(canvas * shade[..., None].astype(np.float32), 0.8)), 85)


@style
def out_of_focus(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(50, 100)
    ink = _on_sheet(_written(image, rng, height, (0.06, 0.11)), rng)
    return sheet.finish(sheet.blur(_scan(ink, rng, _pen_name(rng)), height * rng.uniform(0.025, 0.045)))


@style
def shaken(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(50, 100)
    ink = _on_sheet(_written(image, rng, height, (0.06, 0.1)), rng)
    reach = max(3, round(height * rng.uniform(0.05, 0.09)))
    angle = rng.uniform(0, np.pi)
    steps = [(t * np.sin(angle), t * np.cos(angle)) for t in np.linspace(-reach / 2, reach / 2, reach)]
    ink = np.mean([np.roll(ink, (round(a), round(b)), (0, 1)) for a, b in steps], axis=0)
    return sheet.finish(_scan(ink, rng, _pen_name(rng)))


@style
def crushed_jpeg(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(36, 70), (0.06, 0.12)), rng)
    return _file(
        Image.fromarray(sheet.finish(_scan(ink, rng, _pen_name(rng)))),
        "JPEG",
        quality=int(rng.integers(6, 16)),
    )


@style
def noisy(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(40, 80), (0.08, 0.13)), rng)
    return sheet.finish(215 - 160 * ink + rng.uniform(15, 32) * sheet.grain(rng, *ink.shape))


@style
def rough_wall(image: Image28, rng: Rng) -> Picture:
    """A marker on cardboard, wood or plaster."""
    ink = _on_sheet(_written(image, rng, rng.uniform(60, 120), (0.08, 0.14)), rng)
    rows, columns = ink.shape
    stripes = sheet.grain(rng, rows, columns, 0)
    stripes = ndimage.gaussian_filter(stripes, (0.8, rng.uniform(6, 18)))
    stripes = 9 * stripes / stripes.std()
    base = np.asarray([(196, 160, 115), (178, 140, 98), (205, 203, 198)][rng.integers(3)], np.float32)
    canvas = base + (stripes + 6 * sheet.clouds(rng, rows, columns, 6))[..., None]
    return sheet.finish(sheet.lay(canvas, ink, sheet.PENS["black"], 0.92))


@style
def perspective(image: Image28, rng: Rng) -> Picture:
    ink = _on_sheet(_written(image, rng, rng.uniform(90, 140), (0.05, 0.11)), rng, share=(0.5, 0.7))
    rows, columns = ink.shape
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], float)
    seen = corners + rng.uniform(-0.2, 0.2, (4, 2)) * (columns, rows) * 0.6
    picture = Image.fromarray(sheet.grey(sheet.finish(_scan(ink, rng, "black"))))
    mapping = homography(corners, seen)
    warped = picture.transform(
        (columns, rows), Image.Transform.PERSPECTIVE, tuple(mapping), Image.Resampling.BICUBIC, fillcolor=238
    )
    return np.asarray(warped)


def homography(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """The eight coefficients that take four points `here` to four points `there`, as PIL wants them."""
    rows = []
    for (x, y), (u, v) in zip(here, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.linalg.solve(np.array(rows), there.reshape(-1))


# ---- hands


def _bent(image: Image28, rng: Rng, **geometry: float) -> NDArray[np.uint8]:
    height = rng.uniform(40, 110)
    matrix = affine(height, **geometry)
    if rng.random() < 0.5 or not faithful(image):
        ink = enlarge(image, matrix, rng.uniform(-0.1, 0.15))
    else:
        ink = draw(move(trace(image), matrix), height * rng.uniform(0.05, 0.11))
    return sheet.finish(_scan(_on_sheet(ink, rng), rng, _pen_name(rng)))


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


@_traced
def shaky_hand(image: Image28, rng: Rng) -> Picture:
    height = rng.uniform(60, 120)
    strokes = move(trace(image), _hand(rng, height))
    wavy: Strokes = []
    for points in strokes:
        noise = ndimage.gaussian_filter1d(rng.normal(size=points.shape), 1.6, axis=0, mode="nearest")
        wave = 0.035 * height * noise
        wave[[0, -1]] *= 0.2
        wavy.append(points + wave)
    return sheet.finish(
        _scan(_on_sheet(draw(wavy, height * rng.uniform(0.04, 0.08)), rng), rng, _pen_name(rng))
    )


@_traced
def traced_twice(image: Image28, rng: Rng) -> Picture:
    """Written, then gone over again, not quite on the same line."""
    height = rng.uniform(60, 120)
    once = move(trace(image), _hand(rng, height))
    shift = rng.normal(0, 0.012 * height, 2)
    again = [points * rng.uniform(0.985, 1.015) + shift for points in once]
    ink = draw(once + again, height * rng.uniform(0.035, 0.055))
    return sheet.finish(_scan(_on_sheet(ink, rng), rng, _pen_name(rng)))


@style
def cut_at_edge(image: Image28, rng: Rng) -> Picture:
    """Up to an eighth of the digit lies outside the picture."""
    height = rng.uniform(40, 110)
    ink = _written(image, rng, height, (0.07, 0.12))
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
    return sheet.finish(_scan(sheet.put(ink, sheet_rows, sheet_columns, top, left), rng, _pen_name(rng)))


@style
def tight_crop(image: Image28, rng: Rng) -> Picture:
    """No margin at all: the ink touches all four sides."""
    return sheet.finish(_scan(_written(image, rng, rng.uniform(24, 100)), rng, _pen_name(rng)))


# ---- other countries' digits


def _vector(strokes: Strokes, rng: Rng, height: float) -> NDArray[np.uint8]:
    ink = draw(move(strokes, _hand(rng, height, slant=6, turn=2)), height * rng.uniform(0.05, 0.11))
    return sheet.finish(_scan(_on_sheet(ink, rng), rng, _pen_name(rng)))


@_only(7)
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


@_only(1)
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


@_only(4)
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


@_only(4)
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


def digits(
    n: int, seed: int, images: NDArray[np.uint8], labels: NDArray[np.int64], style: str | None = None
) -> list[tuple[Picture, int, str]]:
    """`n` strangers' pictures with label and style; styles take turns, each draws its own image."""
    names = [style] if style else list(STYLES)
    if style and style not in STYLES:
        raise ValueError(f"no style {style!r}; there are {', '.join(STYLES)}")
    made = []
    for i in range(n):
        name = names[i % len(names)]
        rng = np.random.default_rng([seed, list(STYLES).index(name), i // len(names)])
        wanted = np.flatnonzero(labels == ONLY[name]) if name in ONLY else np.arange(len(labels))
        k = int(rng.choice(wanted))
        while name in TRACED and not faithful(images[k]):
            k = int(rng.choice(wanted))
        made.append((STYLES[name](images[k], rng), int(labels[k]), name))
    return made
