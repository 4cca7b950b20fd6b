"""Pictures that hold no digit, for judging refusal: letters, invented scripts, scribbles, pieces."""

import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from makers import paper as sheet
from makers.strokes import Coverage, Strokes, affine, draw, enlarge, put_inside, trim

Rng = np.random.Generator
Kind = Callable[[NDArray[np.uint8], NDArray[np.int64], Rng], Coverage]

KINDS: dict[str, Kind] = {}

LETTERS = "ACDEFHJKMNPQRTUVWXYachdefhkmnprtuvwxy"
OTHERS = "ΓΔΛΞΠΣΦΨΩαδελμπφψωЖИЙФЦШЩЮЯжмфшщюя@&%#$€£*+=<>{}¶ℵℜ⊕∇∀∃"
FONTS = (
    "STIXGeneral.ttf",
    "STIXGeneralItalic.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralBolIta.ttf",
    "cmr10.ttf",
    "cmtt10.ttf",
    "cmss10.ttf",
)


@lru_cache(maxsize=64)
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts that come with Matplotlib."""
    from matplotlib import get_data_path

    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


def kind(function: Kind) -> Kind:
    """Enter a kind under its function's name."""
    KINDS[function.__name__] = function
    return function


def written(text: str, rng: Rng, size: int, name: str | None = None) -> Coverage:
    """Text in a font, its outline bent as a hand bends it, upright or leaning."""
    face = font(name or str(rng.choice(FONTS[:4])), size)
    left, top, right, bottom = face.getbbox(text)
    plane = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(plane).text((4 - left, 4 - top), text, fill=255, font=face)
    shear = np.tan(np.radians(rng.normal(0, 9)))
    wide = plane.width + int(abs(shear) * plane.height) + 1
    shift = -max(0.0, shear) * plane.height
    plane = plane.transform(
        (wide, plane.height), Image.Transform.AFFINE, (1, shear, shift, 0, 1, 0), Image.Resampling.BICUBIC
    )
    ink = np.asarray(plane, np.float32) / 255
    return trim(bend(ink, rng, 0.02 * size))


def bend(ink: Coverage, rng: Rng, reach: float) -> Coverage:
    """Smooth random displacement of about `reach` pixels."""
    rows, columns = ink.shape
    cells = max(2, round(max(ink.shape) / min(ink.shape) * 3))
    there = np.mgrid[:rows, :columns] + reach * np.stack(
        [sheet.clouds(rng, rows, columns, cells) for _ in "rc"]
    )
    return ndimage.map_coordinates(ink, there, order=1).astype(np.float32)


@kind
def letter(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    return written(str(rng.choice(list(LETTERS))), rng, int(rng.integers(50, 110)), str(rng.choice(FONTS)))


@kind
def sign_or_foreign_letter(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    return written(str(rng.choice(list(OTHERS))), rng, int(rng.integers(50, 110)), "STIXGeneral.ttf")


@kind
def word(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    text = "".join(rng.choice(list("abcdefhkmnprtuvwxy"), int(rng.integers(3, 7))))
    return written(text, rng, int(rng.integers(30, 60)))


def _arc(rng: Rng) -> NDArray[np.float64]:
    start, sweep = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.6) * np.pi * rng.choice([-1, 1])
    t = start + np.linspace(0, sweep, 16)
    return np.stack([np.cos(t), np.sin(t)], 1) * rng.uniform(0.12, 0.4, 2)


def _hook(rng: Rng) -> NDArray[np.float64]:
    straight = np.stack([np.zeros(8), np.linspace(-0.5, 0.2, 8)], 1)
    t = np.linspace(0, np.pi * rng.uniform(0.5, 1), 8)[1:]
    curl = np.stack([0.15 - 0.15 * np.cos(t), 0.2 + 0.15 * np.sin(t)], 1)
    return np.concatenate([straight, curl]) * rng.uniform(0.5, 1.1)


def _line(rng: Rng) -> NDArray[np.float64]:
    reach = rng.uniform(0.2, 0.55)
    bow = rng.normal(0, 0.05)
    t = np.linspace(-1, 1, 9)
    return np.stack([t * reach, bow * (1 - t**2)], 1)


def _zigzag(rng: Rng) -> NDArray[np.float64]:
    n = int(rng.integers(3, 6))
    return np.stack([np.linspace(-0.35, 0.35, n), 0.2 * (-1.0) ** np.arange(n)], 1) * rng.uniform(0.5, 1.2)


def _dot(rng: Rng) -> NDArray[np.float64]:
    return np.array([[0.0, 0.0], [0.01, 0.0]])


def _glyph(rng: Rng, strokes: int) -> Strokes:
    """A made-up character: strokes that meet one another, as in scripts people write."""
    shapes = [_arc, _hook, _line, _line, _zigzag, _dot]
    glyph: Strokes = []
    for i in range(strokes):
        shape = shapes[rng.integers(len(shapes) - (i < 2))]
        turn = rng.choice([0, 0.25, 0.5, 1, 1.5, 0.75]) * np.pi + rng.normal(0, 0.12)
        cos, sin = np.cos(turn), np.sin(turn)
        points = shape(rng) @ np.array([[cos, sin], [-sin, cos]])
        if glyph and rng.random() < 0.65:
            host = glyph[rng.integers(len(glyph))]
            points += host[rng.integers(len(host))] - points[rng.integers(len(points))]
        else:
            points += rng.uniform(-0.35, 0.35, 2)
        glyph.append(points)
    return glyph


def _invented(rng: Rng, strokes: int) -> Coverage:
    height = rng.uniform(60, 120)
    return draw([points * height for points in _glyph(rng, strokes)], height * rng.uniform(0.03, 0.1))


@kind
def invented_script_simple(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    return _invented(rng, 3)


@kind
def invented_script(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    return _invented(rng, int(rng.integers(4, 7)))


@kind
def scribble(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    knots = rng.normal(0, 22, (int(rng.integers(11, 21)), 2))
    t = np.linspace(0, len(knots) - 1, len(knots) * 10)
    path = np.stack([np.interp(t, np.arange(len(knots)), knots[:, k]) for k in (0, 1)], 1)
    path = ndimage.gaussian_filter1d(path, 4, axis=0)
    return draw([path], rng.uniform(2, 6))


@kind
def crossed_out(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """Back and forth over something until nobody can read it."""
    n = int(rng.integers(7, 13))
    down = np.linspace(0, 60, n) + rng.normal(0, 2.5, n)
    across = np.where(np.arange(n) % 2, 52, 0) + rng.normal(0, 5, n)
    turn = rng.uniform(0, np.pi)
    path = np.stack([across, down], 1) @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    return draw([path], rng.uniform(2.5, 6))


@kind
def cross(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """An x, a plus, or a star, as one marks a box."""
    arms = int(rng.choice([2, 2, 3, 4]))
    start = rng.uniform(0, np.pi)
    lines = []
    for k in range(arms):
        turn = start + k * np.pi / arms + rng.normal(0, 0.1)
        way = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(28, 40)
        middle = rng.normal(0, 2, 2)
        lines.append(np.array([middle - way, middle + way]))
    return draw(lines, rng.uniform(3, 9))


@kind
def tick(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    short, long = rng.uniform(14, 24), rng.uniform(45, 70)
    points = np.array([[-short, -short * rng.uniform(0.7, 1.2)], [0, 0], [long * 0.6, -long]])
    return draw([points], rng.uniform(3, 9))


@kind
def dash(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """One or two level lines."""
    reach = rng.uniform(25, 45)
    lines = [
        np.array([[-reach, k * 22], [reach, k * 22 + rng.normal(0, 5)]])
        for k in range(int(rng.integers(1, 3)))
    ]
    return draw(lines, rng.uniform(3, 10))


@kind
def line_pieces(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    lines = []
    for _ in range(int(rng.integers(3, 7))):
        middle, turn = rng.uniform(-35, 35, 2), rng.uniform(0, np.pi)
        way = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(8, 35)
        lines.append(np.array([middle - way, middle + way]))
    return draw(lines, [rng.uniform(2, 7) for _ in lines])


@kind
def shape(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """A triangle, square, five-sided figure or star, outlined or filled."""
    corners = int(rng.choice([3, 4, 5, 10]))
    t = np.arange(corners + 1) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
    radius = np.where(np.arange(corners + 1) % 2, 16, 40) if corners == 10 else np.full(corners + 1, 38)
    points = np.stack([radius * np.cos(t), radius * np.sin(t)], 1)
    points[:-1] += rng.normal(0, 3, (corners, 2))
    points[-1] = points[0]
    ink = draw([points], rng.uniform(3, 8))
    if rng.random() < 0.3:
        return ndimage.binary_fill_holes(ink > 0.5).astype(np.float32)
    return ink


@kind
def dots(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    places = rng.uniform(-40, 40, (int(rng.integers(2, 12)), 2))
    return draw([np.stack([p, p + 0.1]) for p in places], [rng.uniform(3, 12) for _ in places])


@kind
def pair_of_digits(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    height = rng.uniform(45, 80)
    two = [enlarge(images[rng.integers(len(images))], affine(height, slant=rng.normal(0, 6))) for _ in "ab"]
    gap = round(rng.uniform(-0.06, 0.15) * height)
    rows = max(c.shape[0] for c in two) + 4
    left = sheet.put(two[0], rows, sum(c.shape[1] for c in two) + max(gap, 0), rows - two[0].shape[0], 0)
    right = sheet.put(two[1], *left.shape, rows - two[1].shape[0], two[0].shape[1] + gap)
    return trim(np.maximum(left, right))


@kind
def half_a_digit(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """A half that nobody would call a digit: of a 2, 3 or 5 the left one, of a 4 or 5 the lower one."""
    lower = rng.random() < 0.35
    k = rng.choice(np.flatnonzero(np.isin(labels, [4, 5] if lower else [2, 3, 5])))
    ink = enlarge(images[k], affine(rng.uniform(60, 110)))
    rows, columns = np.rint(np.array(ink.shape) * rng.uniform(0.36, 0.45)).astype(int)
    return trim(ink[-rows:] if lower else ink[:, :columns])


@kind
def digits_in_a_heap(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """Three digits written over one another, turned any way."""
    heap = np.zeros((110, 110), np.float32)
    for k in rng.choice(len(images), 3, replace=False):
        ink = enlarge(images[k], affine(rng.uniform(50, 85), turn=rng.uniform(-180, 180)))
        ink = ink[:110, :110]
        heap = np.maximum(heap, put_inside(ink, rng, 110, 110, centred=0.6))
    return trim(heap)


@kind
def blot(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    height, width = (int(v) for v in rng.integers(40, 90, 2))
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    field = 0.75 - np.hypot(rows, columns) + 0.16 * sheet.clouds(rng, height, width, 4)
    return trim(np.clip(field * 12 + 0.5, 0, 1).astype(np.float32))


@kind
def noise(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    side = int(rng.integers(28, 80))
    field = sheet.grain(rng, side, side, rng.uniform(0, 1.5))
    return np.clip(0.5 + 0.35 * field, 0, 1).astype(np.float32)


@kind
def texture(images: NDArray[np.uint8], labels: NDArray[np.int64], rng: Rng) -> Coverage:
    """Hatching, chequers or cloth over the whole picture."""
    side = int(rng.integers(40, 90))
    rows, columns = np.mgrid[:side, :side]
    turn, pitch = rng.uniform(0, np.pi), rng.uniform(5, 12)
    along = np.sin((rows * np.sin(turn) + columns * np.cos(turn)) * 2 * np.pi / pitch)
    across = np.sin((rows * np.cos(turn) - columns * np.sin(turn)) * 2 * np.pi / pitch)
    weave = [along, along * across, np.maximum(along, across)][rng.integers(3)]
    return np.clip(0.5 + weave + 0.15 * sheet.grain(rng, side, side), 0, 1).astype(np.float32)


FULL = ("noise", "texture")  # kinds that fill the picture


def nondigits(
    n: int, seed: int, images: NDArray[np.uint8], labels: NDArray[np.int64], kind: str | None = None
) -> list[tuple[NDArray[np.uint8], str]]:
    """`n` pictures without a digit, with their kind; kinds take turns."""
    names = [kind] if kind else list(KINDS)
    if kind and kind not in KINDS:
        raise ValueError(f"no kind {kind!r}; there are {', '.join(KINDS)}")
    made = []
    for i in range(n):
        name = names[i % len(names)]
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), i // len(names)])
        made.append((_taken(KINDS[name](images, labels, rng), rng, name in FULL), name))
    return made


def _taken(ink: Coverage, rng: Rng, full: bool) -> NDArray[np.uint8]:
    """The ink on a sheet, seen as a screen, a scan or a small inverted image."""
    if not full:
        share = rng.uniform(0.5, 0.85)
        rows, columns = ink.shape
        height, width = round(rows / share) + 2, round(columns / share) + 2
        height, width = max(height, round(width * 0.6)), max(width, round(height * 0.6))
        ink = put_inside(ink, rng, height, width, centred=0.5)
    look = rng.integers(4)
    if look == 0:
        return sheet.finish(255 - 255 * ink)
    if look == 1:
        scale = 40 / max(ink.shape)
        size = (max(8, round(ink.shape[1] * scale)), max(8, round(ink.shape[0] * scale)))
        return sheet.finish(255 * np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX)))
    canvas = sheet.lay(sheet.paper(rng, *ink.shape), ink, sheet.PENS[str(rng.choice(list(sheet.PENS)))], 0.95)
    if look == 2:
        return sheet.finish(canvas)
    canvas = canvas * sheet.light(rng, *ink.shape, depth=0.35)[..., None]
    return sheet.jpeg(sheet.finish(sheet.blur(canvas, 0.6)), 80)
