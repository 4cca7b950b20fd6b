"""Makes the picture that the README opens with: a register page, and what Tenfold reads on it.

    python docs/pictures/make.py [--seed 1] [--out docs/pictures]
    python docs/pictures/make.py --pages 100       # how well such pages are read, seeds 1 to 100

The sheet is printed, filled in with MNIST's test digits in one hand, one entry is struck out, and it is
photographed on a table. All of it follows from the seed. `register.jpg` is the photo; `register-read.jpg`
is what `tenfold read --overlay` drew on it, kept as JPEG. Nothing is mended afterwards.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import pages

from makers import camera
from makers import paper as sheet
from makers.empty import print_words
from makers.hands import Hand, Written, some_hand, write
from makers.made import MadeNumber, MadePage
from makers.strokes import Coverage, draw

HERE = Path(__file__).resolve().parent
SEED = 1
WIDTH, HEIGHT = 900, 560
ROW, FIRST_LINE = 104, 110  # pixels: a row's height, and where the printed table begins
TALL = 58  # pixels of a digit, so that it can be read on a phone
COLUMNS = {"Flat": (40, 2), "Electricity": (172, 5), "Water": (446, 4), "Gas": (680, 3)}  # left edge, digits
EDGES = (28, 158, 432, 664, 872)
MARGIN = 12  # pixels that stay free before the next line of the table
ROWS = 4
STRUCK_OUT = (2, "Water")
PRINT, PEN = (70, 80, 95), sheet.PENS["navy"]


def register(seed: int) -> MadePage:
    """The photo of a filled in register, with the numbers that stand on it, row by row."""
    flat, numbers = fill_in(np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    seen, quads = camera.on_table(flat, [number.box for number in numbers], rng, turn=2.0)
    photo = camera.photograph(seen, rng, depth=0.55, noise=2.5)
    placed = tuple(replace(number, box=quad) for number, quad in zip(numbers, quads, strict=True))
    return MadePage(photo, placed, (), "register")


def fill_in(rng: np.random.Generator) -> tuple[NDArray[np.uint8], list[MadeNumber]]:
    """The flat sheet, (HEIGHT, WIDTH, 3) uint8, and the numbers written on it."""
    hand = some_hand(rng, "test")
    ink = np.zeros((HEIGHT, WIDTH), np.float32)
    numbers = []
    for row in range(ROWS):
        for (column, (left, digits)), edge in zip(COLUMNS.items(), EDGES[1:], strict=True):
            left = round(left + rng.uniform(0, 10))
            baseline = round(FIRST_LINE + ROW * (row + 1) - 22 + rng.normal(0, 2))
            text = "".join(str(digit) for digit in rng.integers(0, 10, digits))
            written = fit(hand, text, edge - MARGIN - left, rng)
            top = baseline - written.rise
            if (row, column) == STRUCK_OUT:
                ink = np.maximum(ink, sheet.put(strike_out(written, rng), HEIGHT, WIDTH, top, left))
                continue
            ink = np.maximum(ink, sheet.put(written.coverage, HEIGHT, WIDTH, top, left))
            right, bottom = left + written.coverage.shape[1], top + written.coverage.shape[0]
            box = ((left, top), (right, top), (right, bottom), (left, bottom))
            numbers.append(MadeNumber(written.text, box, written.touching))
    canvas = sheet.lay(sheet.paper(rng, HEIGHT, WIDTH, rough=1.5), print_form(rng), PRINT, 0.9)
    flow = np.clip(0.93 + 0.05 * sheet.clouds(rng, HEIGHT, WIDTH, 24), 0.75, 1)
    return sheet.finish(sheet.lay(canvas, ink * flow, PEN)), numbers


def fit(hand: Hand, text: str, room: float, rng: np.random.Generator) -> Written:
    """A number in this hand; where it would leave its cell, written again, smaller, as people do."""
    written = write(hand, text, TALL, rng)
    for _ in range(4):
        wide = written.coverage.shape[1]
        if wide <= room:
            break
        written = write(hand, text, TALL * 0.97 * room / wide, rng)
    return written


def strike_out(number: Written, rng: np.random.Generator) -> Coverage:
    """A number that the writer thought better of: the pen goes over it and back until it is gone."""
    height, width = number.coverage.shape
    turns = 9
    down = np.linspace(0.1, 0.9, turns) * height + rng.normal(0, 2, turns)
    across = np.where(np.arange(turns) % 2, 0.97, 0.03) * width + rng.normal(0, 4, turns)
    strokes = draw([np.stack([across, down], 1)], 5)
    return np.maximum(number.coverage, sheet.put(strokes, height, width, down.min() - 3, across.min() - 3))


def print_form(rng: np.random.Generator) -> Coverage:
    """What is printed on the sheet: its title, the heads of the columns, the lines of the table."""
    words = [("Meter readings", 36, 28, 16)]
    words += [(name, 24, edge + 12, FIRST_LINE - 36) for name, edge in zip(COLUMNS, EDGES, strict=False)]
    form = np.zeros((HEIGHT, WIDTH), np.float32)
    for text, size, left, top in words:
        form = np.maximum(
            form, sheet.put(print_words(text, size, rng, "cmss10.ttf"), HEIGHT, WIDTH, top, left)
        )
    bottom = FIRST_LINE + ROW * ROWS
    for place in range(FIRST_LINE, bottom + 1, ROW):
        form[place : place + 2, EDGES[0] : EDGES[-1] + 2] = 0.8
    for place in EDGES:
        form[FIRST_LINE : bottom + 2, place : place + 2] = 0.8
    return form


def save_photo(made: MadePage, path: Path) -> None:
    """The photo as a JPEG file."""
    Image.fromarray(made.picture).save(path, quality=82, optimize=True)


def draw_overlay(photo: Path, path: Path, model: str | None = None) -> None:
    """What `tenfold read --overlay` draws on the photo, as a JPEG file."""
    from tenfold.cli import main as tenfold

    with tempfile.TemporaryDirectory() as folder:
        code = tenfold(["read", "--overlay", folder, *(["--model", model] if model else []), str(photo)])
        if code:
            raise SystemExit(code)
        Image.open(Path(folder, f"{photo.name}.png")).save(path, quality=82, optimize=True)


def judge(count: int, model: str | None = None) -> None:
    """Print how well the pages of seeds 1 to `count` are read."""
    import tenfold

    reader = tenfold.load(model)
    seen, invented = [], 0
    for seed in range(1, count + 1):
        made = register(seed)
        read = pages.read_numbers(reader, made)
        found = pages.match(made.numbers, read)
        invented += len(read) - len(found)
        seen += [
            pages.judge(number, read[found[k]] if k in found else None)
            for k, number in enumerate(made.numbers)
        ]
    right = sum(one.exact for one in seen)
    wrong = sum(one.sure and not one.exact for one in seen)
    print(f"{count} pages, {len(seen)} numbers: {right} right, {wrong} surely wrong, {invented} invented")


def main() -> None:
    """Make both pictures, or judge many pages."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seed", type=int, default=SEED)
    words.add_argument("--out", type=Path, default=HERE)
    words.add_argument("--model", help="run folder or .onnx file; left out, the shipped reader")
    words.add_argument("--pages", type=int, help="judge so many pages and write nothing")
    chosen = words.parse_args()
    if chosen.pages:
        judge(chosen.pages, chosen.model)
        return
    made = register(chosen.seed)
    save_photo(made, chosen.out / "register.jpg")
    print("written:", " ".join(number.text for number in made.numbers))
    draw_overlay(chosen.out / "register.jpg", chosen.out / "register-read.jpg", chosen.model)


if __name__ == "__main__":
    main()
