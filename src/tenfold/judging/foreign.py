"""Signs that are no digits, for judging alone: training shares neither this code nor these fonts.

Letters are drawn with the STIX and Computer Modern fonts that come with Matplotlib (found on disk, Matplotlib
itself is not loaded), scribbles by a pen that wanders.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tenfold.errors import DataError, MissingExtraError, PictureError
from tenfold.judging.fonts import open_font
from tenfold.reading.decode import SUFFIXES, decode
from tenfold.reading.pictures import fit

Images = NDArray[np.uint8]
Drawing = NDArray[np.float32]
Path2D = NDArray[np.float64]
"""(points, 2): across and down."""

LOOKALIKES = {
    "0": "OoDQ",
    "1": "IiJjl",
    "2": "Zz",
    "5": "Ss",
    "6": "Gb",
    "8": "B",
    "9": "gq",
}
"""Letters left out, by the digit that some hand or font writes in the same shape: a reader that takes them
for it is not wrong."""

LETTERS = "".join(
    letter
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    if letter not in "".join(LOOKALIKES.values())
)

FONTS = (
    "STIXGeneral.ttf",
    "STIXGeneralItalic.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralBolIta.ttf",
    "cmr10.ttf",
    "cmb10.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
    "cmti10.ttf",
    "cmmi10.ttf",
)

SIZE = 72  # pixels: height of a letter before it is brought to 28x28
NARROWEST = 0.4  # of a scribble's breadth over its length
CANVAS = 128  # pixels: side of what a scribble is drawn on


def draw_letters(count: int, seed: int = 1) -> Images:
    """Draw letters that are no digits, each font's in turn: (count, 28, 28) uint8.

    They differ in slant, width, weight and blur.

    Raises:
        MissingExtraError: the fonts are not here.
    """
    random = np.random.default_rng([seed, 1])
    return np.stack([_letter(FONTS[index % len(FONTS)], random) for index in range(count)])


def draw_scribbles(count: int, seed: int = 1) -> Images:
    """Draw scribbles, by turns a wandering pen, hatching, and loops over loops: (count, 28, 28) uint8."""
    random = np.random.default_rng([seed, 2])
    paths = (_wander, _hatch, _loop)
    return np.stack([_scribble(_broad(paths[index % len(paths)], random), random) for index in range(count)])


def _letter(font: str, random: np.random.Generator) -> Images:
    letter = str(random.choice(list(LETTERS)))
    page = Image.new("L", (3 * SIZE, 3 * SIZE))
    ImageDraw.Draw(page).text(
        (1.5 * SIZE, 1.5 * SIZE), letter, fill=255, font=open_font(font, SIZE), anchor="mm"
    )
    slant, wide = random.normal(0, 0.2), np.exp(random.normal(0, 0.2))
    middle = 1.5 * SIZE
    matrix = np.array([[wide, slant, middle * (1 - wide - slant)], [0, 1, 0]], np.float32)
    leaned = cv2.warpAffine(np.asarray(page, np.float32) / 255, matrix, page.size)
    return _finish(_weigh(np.asarray(leaned, np.float32), random), random)


def _weigh(drawing: Drawing, random: np.random.Generator) -> Drawing:
    """Make the strokes a little thicker, or leave them."""
    side = int(random.integers(1, 6))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(drawing, pen), np.float32)


def _finish(drawing: Drawing, random: np.random.Generator) -> Images:
    """Blur, cut to the ink, bring to MNIST's geometry."""
    soft = cv2.GaussianBlur(drawing, (0, 0), random.uniform(0.3, 2.5))
    rows, columns = np.flatnonzero((soft > 0.15).any(axis=1)), np.flatnonzero((soft > 0.15).any(axis=0))
    return fit(np.ascontiguousarray(soft[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.float32))


def _broad(draw: Callable[[np.random.Generator], Path2D], random: np.random.Generator) -> Path2D:
    """Draw a path until one is no mere stroke, which would pass for a 1."""
    while True:
        path = draw(random)
        narrow, broad = np.sqrt(np.linalg.eigvalsh(np.cov(path.T)))
        if narrow > NARROWEST * broad:
            return path


def _scribble(path: Path2D, random: np.random.Generator) -> Images:
    """Draw a path (points, 2) into most of the canvas, as tall or wide as it is."""
    low, high = path.min(axis=0), path.max(axis=0)
    path = (path - (low + high) / 2) * (0.75 * CANVAS / (high - low).max()) + CANVAS / 2
    drawing = np.zeros((CANVAS, CANVAS), np.float32)
    thickness = int(random.integers(3, 10))
    cv2.polylines(drawing, [np.rint(path).astype(np.int32)], False, 1.0, thickness, cv2.LINE_AA)
    return _finish(np.minimum(drawing, 1), random)


def _wander(random: np.random.Generator) -> Path2D:
    """A pen whose turning changes slowly, pulled back to its beginning: it crosses itself again and again."""
    turning, heading, place = 0.0, random.uniform(0, 2 * np.pi), np.zeros(2)
    path = [place]
    for _ in range(int(random.integers(160, 320))):
        turning = 0.92 * turning + random.normal(0, 0.12)
        heading += turning
        place = 0.99 * place + np.array([np.cos(heading), np.sin(heading)])
        path.append(place)
    return np.array(path)


def _hatch(random: np.random.Generator) -> Path2D:
    """To and fro, as one crosses something out."""
    strokes = int(random.integers(7, 14))
    along = np.linspace(0, random.uniform(0.7, 1.8), strokes) + random.normal(0, 0.03, strokes)
    across = np.where(np.arange(strokes) % 2, 1.0, 0.0) + random.normal(0, 0.12, strokes)
    turn = random.uniform(0, np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(np.stack([along, across], axis=1) @ rotation.T, np.float64)


def _loop(random: np.random.Generator) -> Path2D:
    """Circles on circles of other speeds."""
    time = np.linspace(0, 2 * np.pi * random.uniform(1.0, 1.6), 300)
    path = np.zeros((300, 2))
    for speed in (1, int(random.integers(3, 6)), int(random.integers(6, 9))):
        phase = random.uniform(0, 2 * np.pi, 2)
        path += random.uniform(0.4, 1.0) * np.stack(
            [np.cos(speed * time + phase[0]), np.sin(speed * time + phase[1])], axis=1
        )
    return path


def find_pictures(folder: str | Path) -> tuple[list[Path], list[str]]:
    """Find every picture in a folder and the folders below it, each one that should be refused.

    Returns:
        those that can be opened, and for each of the others its name and why it cannot: a reader has not
        refused what it has not seen.

    Raises:
        DataError: there is no such folder, or no picture in it that can be opened.
    """
    folder = Path(folder)
    if not folder.is_dir():
        found = "a file, no folder" if folder.is_file() else "no such folder"
        raise DataError(f"{folder}: {found}; expected a folder of pictures that show no digits")
    names = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = sorted(path for path in names if path.is_file() or (path.is_symlink() and not path.is_dir()))
    if not paths:
        raise DataError(f"{folder}: no pictures in it; expected pictures that show no digits")
    errors = {path: error for path in paths if (error := _why_not(path))}
    if len(errors) == len(paths):
        raise DataError(
            f"{folder}: of {len(paths):,} pictures in it none can be opened; the first is {errors[paths[0]]}"
        )
    return [path for path in paths if path not in errors], list(errors.values())


def _why_not(path: Path) -> str | None:
    """Why a picture cannot be opened, its name first; None where it can."""
    try:
        decode(path)
    except (PictureError, MissingExtraError) as error:
        return str(error)
    return None
