"""Pages without a number: blank, printed, scribbled on, dirty."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from makers import camera
from makers import paper as sheet
from makers.made import MadePage
from makers.nondigits import bend, font
from makers.strokes import Coverage, draw

Rng = np.random.Generator
Ink = Callable[[Rng, int, int], Coverage]

PROSE = (
    "the and with from house garden letter morning please answer between yellow window under paper river "
    "often night brother because question always friend market kitchen train winter bread little summer "
    "Anna Marie Thomas Peter Oslo Berlin Paris Lisbon Best regards Dear Madam tomorrow school breakfast list"
)

EMPTY: dict[str, Ink] = {}


def _kind(function: Ink) -> Ink:
    EMPTY[function.__name__.replace("_", " ")] = function
    return function


def print_words(text: str, size: int, rng: Rng, name: str | None = None) -> Coverage:
    """Text as a printer sets it: a full line high, so that words stand on one baseline."""
    face = font(name or str(rng.choice(("cmss10.ttf", "STIXGeneralItalic.ttf", "STIXGeneral.ttf"))), size)
    ascent, descent = face.getmetrics()
    plane = Image.new("L", (int(face.getlength(text)) + 6, ascent + descent))
    ImageDraw.Draw(plane).text((3, 0), text, fill=255, font=face)
    return np.asarray(plane, np.float32) / 255


def hand_words(text: str, size: int, rng: Rng, name: str) -> Coverage:
    """Text in a bent, unevenly set font: the nearest to handwriting without an alphabet of it."""
    return bend(np.pad(print_words(text, size, rng, name), int(0.1 * size)), rng, 0.035 * size)


def _lines(rng: Rng, height: int, width: int, writer: Callable[..., Coverage], size: float) -> Coverage:
    ink = np.zeros((height, width), np.float32)
    pitch = size * rng.uniform(1.7, 2.3)
    for baseline in np.arange(pitch * 1.2, height - pitch * 0.6, pitch):
        left = size * rng.uniform(0.8, 1.5)
        while left < width * rng.uniform(0.6, 1):
            word = writer(str(rng.choice(PROSE.split())), int(size), rng)
            if left + word.shape[1] > width - size:
                break
            ink = np.maximum(ink, sheet.put(word, height, width, baseline - size * 0.75, left))
            left += word.shape[1] + size * rng.uniform(0.4, 0.8)
    return ink


@_kind
def blank(rng: Rng, height: int, width: int) -> Coverage:
    return np.zeros((height, width), np.float32)


@_kind
def ruled(rng: Rng, height: int, width: int) -> Coverage:
    ink = np.zeros((height, width), np.float32)
    gap = rng.uniform(40, 100)
    for place in np.arange(gap, height, gap):
        ink = np.maximum(ink, sheet.rule(height, width, place=place, thickness=rng.uniform(1, 2)))
    return ink * rng.uniform(0.3, 0.8)


@_kind
def squared(rng: Rng, height: int, width: int) -> Coverage:
    ink = np.zeros((height, width), np.float32)
    gap, thick = rng.uniform(22, 50), rng.uniform(1, 1.8)
    for upright in (False, True):
        for place in np.arange(gap / 2, width if upright else height, gap):
            line = sheet.rule(height, width, place=place, thickness=thick, upright=upright)
            np.maximum(ink, line, out=ink)
    return ink * rng.uniform(0.3, 0.7)


@_kind
def empty_boxes(rng: Rng, height: int, width: int) -> Coverage:
    plane = Image.new("L", (width, height))
    pen = ImageDraw.Draw(plane)
    side = rng.uniform(40, 80)
    for top in np.arange(side, height - 2 * side, 2.2 * side):
        for k in range(int(rng.integers(2, max(3, (width - 2 * side) // side)))):
            left = side * (1 + k)
            if left + side < width - 4:
                pen.rectangle(
                    (left, top, left + side, top + side), outline=220, width=int(rng.integers(1, 4))
                )
    return np.asarray(plane, np.float32) / 255


@_kind
def printed_words(rng: Rng, height: int, width: int) -> Coverage:
    face = str(rng.choice(("cmss10.ttf", "cmr10.ttf", "STIXGeneral.ttf")))
    return _lines(
        rng, height, width, lambda text, size, r: print_words(text, size, r, face), rng.uniform(22, 50)
    )


@_kind
def written_words(rng: Rng, height: int, width: int) -> Coverage:
    face = str(rng.choice(("STIXGeneralItalic.ttf", "cmtt10.ttf", "cmss10.ttf", "STIXGeneral.ttf")))
    return _lines(
        rng, height, width, lambda text, size, r: hand_words(text, size, r, face), rng.uniform(40, 70)
    )


@_kind
def scribbles(rng: Rng, height: int, width: int) -> Coverage:
    ink = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(2, 6))):
        knots = rng.normal(0, rng.uniform(30, 90), (int(rng.integers(12, 30)), 2))
        t = np.linspace(0, len(knots) - 1, len(knots) * 12)
        path = np.stack([np.interp(t, np.arange(len(knots)), knots[:, k]) for k in (0, 1)], 1)
        doodle = draw([ndimage.gaussian_filter1d(path, 5, axis=0)], rng.uniform(2, 6), smooth=2)
        place = rng.uniform(0, 1, 2) * np.maximum(np.array([height, width]) - doodle.shape, 0)
        ink = np.maximum(ink, sheet.put(doodle, height, width, *place))
    return ink


@_kind
def long_strokes(rng: Rng, height: int, width: int) -> Coverage:
    """Somebody tried a pen, underlined nothing and crossed the sheet out."""
    size = np.array([width, height])
    lines = []
    for _ in range(int(rng.integers(2, 7))):
        ends = rng.uniform(0.05, 0.95, (2, 2)) * size
        if np.hypot(*(ends[1] - ends[0])) > 0.35 * size.max():
            lines.append(ends)
    if not lines:
        lines = [np.array([[0.1, 0.1], [0.9, 0.9]]) * size]
    everything = np.concatenate(lines)
    drawn = draw(lines, rng.uniform(2, 6), smooth=2)
    return sheet.put(drawn, height, width, everything[:, 1].min(), everything[:, 0].min())


@_kind
def specks(rng: Rng, height: int, width: int) -> Coverage:
    ink = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(15, 70))):
        reach = rng.uniform(0.7, 3.5)
        side = int(reach * 2 + 4)
        rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
        spot = np.clip(reach + 0.5 - np.hypot(rows * rng.uniform(0.8, 1.4), columns), 0, 1)
        dark = np.float32(rng.uniform(0.4, 1))
        dot = sheet.put(
            spot.astype(np.float32) * dark, height, width, rng.uniform(0, height), rng.uniform(0, width)
        )
        np.maximum(ink, dot, out=ink)
    return ink


@_kind
def stains_and_folds(rng: Rng, height: int, width: int) -> Coverage:
    """Coffee, creases and the shine of the next page."""
    ink = np.zeros((height, width), np.float32)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(int(rng.integers(1, 3))):
        radius = rng.uniform(60, 130)
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        far = np.hypot(rows - row, columns - column) + 3 * sheet.clouds(rng, height, width, 12)
        ink += 0.3 * np.exp(-(((far - radius) / rng.uniform(3, 9)) ** 2)) + 0.06 * (far < radius)
    crease = sheet.rule(
        height, width, place=rng.uniform(0.3, 0.7) * height, thickness=2.5, lean=rng.normal(0, 0.02)
    )
    return np.clip(np.maximum(ink, 0.25 * crease), 0, 1)


def empty_page(seed: int, kind: str | None = None) -> MadePage:
    """A page without a number; without a kind the seed chooses one. Half of them go through a camera."""
    names = list(EMPTY)
    if kind is not None and kind not in EMPTY:
        raise ValueError(f"no kind {kind!r}; there are {', '.join(names)}")
    name = kind or names[np.random.default_rng([seed, 13]).integers(len(names))]
    rng = np.random.default_rng([seed, 13, names.index(name)])
    height, width = (int(v) for v in rng.integers(500, 1000, 2))
    ink = EMPTY[name](rng, height, width)
    canvas = sheet.paper(rng, height, width, rough=rng.uniform(1, 4))
    colour = sheet.PENS[str(rng.choice(list(sheet.PENS)))]
    picture: NDArray[np.uint8] = sheet.finish(sheet.lay(canvas, ink, colour, 0.95))
    view = rng.integers(4)
    if view == 0:
        picture, _ = camera.skewed(picture, [], rng, rng.uniform(-5, 5))
    elif view == 1:
        picture = camera.photograph(picture, rng, depth=rng.uniform(0.2, 0.6))
    elif view == 2:
        picture = camera.photograph(camera.on_table(picture, [], rng)[0], rng, depth=0.3)
    return MadePage(picture, (), (), name)
