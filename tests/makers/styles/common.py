"""What all styles share: their register, and the ways from an image to ink on a sheet."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from makers import paper as sheet
from makers.strokes import Coverage, affine, draw, enlarge, faithful, move, put_inside, trace

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


def traced(function: Style) -> Style:
    TRACED.add(function.__name__)
    return style(function)


def only(label: int) -> Callable[[Style], Style]:
    def enter(function: Style) -> Style:
        ONLY[function.__name__] = label
        return traced(function)

    return enter


def some_hand(rng: Rng, height: float, *, slant: float = 8, turn: float = 4) -> NDArray[np.float64]:
    """An everyday hand: a little lean, a little turn, a little narrow or wide."""
    return affine(
        height,
        slant=rng.normal(0, slant),
        turn=rng.normal(0, turn),
        aspect=float(np.exp(rng.normal(0, 0.08))),
    )


def written(image: Image28, rng: Rng, height: float, pen: tuple[float, float] = (0.06, 0.14)) -> Coverage:
    """Ink `height` pixels high: half the time the image's own outline, else drawn again with a pen.

    `pen`: the pen's least and greatest width as a share of the height.
    """
    matrix = some_hand(rng, height)
    if rng.random() < 0.5 or not faithful(image):
        return enlarge(image, matrix, rng.uniform(-0.15, 0.15))
    return draw(move(trace(image), matrix), max(1.0, height * rng.uniform(*pen)))


def on_sheet(coverage: Coverage, rng: Rng, *, share: tuple[float, float] = (0.5, 0.8)) -> Coverage:
    """The ink on a sheet of which it takes `share` of the longer side; anywhere, but whole."""
    rows, columns = coverage.shape
    height = round(rows / rng.uniform(*share)) + 2
    width = round(max(columns / rng.uniform(*share), height * rng.uniform(0.7, 1.15))) + 2
    return put_inside(coverage, rng, height, width)


def dark_on(coverage: Coverage, white: float = 255, black: float = 0) -> NDArray[np.uint8]:
    return sheet.finish(white + (black - white) * coverage)


def scan(coverage: Coverage, rng: Rng, colour: str, rough: float = 2.0) -> sheet.Canvas:
    return sheet.lay(sheet.paper(rng, *coverage.shape, rough=rough), coverage, sheet.PENS[colour])


def pen_name(rng: Rng) -> str:
    return str(rng.choice(["black", "blue", "navy", "red", "green", "violet"]))


def file(picture: Image.Image, kind: str, **options: object) -> bytes:
    store = io.BytesIO()
    picture.save(store, kind, **options)
    return store.getvalue()
