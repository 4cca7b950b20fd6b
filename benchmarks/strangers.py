"""How well a reader reads strangers' single digits, style by style, and what it refuses.

    python benchmarks/strangers.py [--model READER] [--n 2000] [--seed 1] [--sheet FILE]

The pictures are made from MNIST validation digits by tests/makers, which shares nothing with training.
"""

import argparse
import io
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from makers import nondigits as _nondigits
from makers import strangers as _strangers
from makers.mnist import handwriting

STYLES = tuple(_strangers.STYLES)
KINDS = tuple(_nondigits.KINDS)


def digits(n: int, seed: int, style: str | None = None) -> list[tuple[NDArray[np.generic] | bytes, int, str]]:
    """`n` pictures of one digit each, with label and style; the same for the same seed."""
    return _strangers.digits(n, seed, *handwriting("validation"), style)


def nondigits(n: int, seed: int, kind: str | None = None) -> list[tuple[NDArray[np.uint8], str]]:
    """`n` pictures that hold no digit, with their kind; the same for the same seed."""
    return _nondigits.nondigits(n, seed, *handwriting("validation"), kind)


def _visible(picture: NDArray[np.generic] | bytes) -> Image.Image:
    if isinstance(picture, bytes):
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(picture)))
    elif picture.dtype == np.uint8:
        shown = Image.fromarray(picture)
    else:
        top = 65535 if picture.dtype == np.uint16 else 255 if picture.max() > 1 else 1
        shown = Image.fromarray((picture * (255 / top)).astype(np.uint8))
    if shown.mode == "RGBA":
        under = Image.new("RGBA", shown.size, (128, 136, 150, 255))
        under.alpha_composite(shown)
        shown = under
    return shown.convert("RGB")


def contact_sheet(path: str | Path, seed: int = 1, columns: int = 8, cell: int = 48) -> None:
    """Draw every style and kind, a few pictures each, into one picture file."""
    blocks = [(name, [p for p, _, _ in digits(columns, seed, name)]) for name in STYLES]
    blocks += [(name, [p for p, _ in nondigits(columns, seed, name)]) for name in KINDS]
    across, title = 3, 118
    rows = -(-len(blocks) // across)
    board = Image.new("RGB", (across * (columns * cell + title), rows * cell), (128, 136, 150))
    pen = ImageDraw.Draw(board)
    for i, (name, pictures) in enumerate(blocks):
        left, top = (i // rows) * (columns * cell + title), (i % rows) * cell
        pen.text(
            (left + 4, top + cell // 2 - 6),
            name[:19],
            fill="white" if name in STYLES else "yellow",
            font_size=11,
        )
        for k, picture in enumerate(pictures):
            shown = ImageOps.contain(_visible(picture), (cell - 3, cell - 3))
            board.paste(shown, (left + title + k * cell, top))
    board.save(path, quality=72, optimize=True)


def main() -> None:
    """Print the tables."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--model", help="run folder or .onnx file; left out, the shipped reader")
    words.add_argument(
        "--n", type=int, default=2000, help="digits in all; a quarter as many non-digits a table"
    )
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--sheet", help="write a contact sheet to this file and stop")
    chosen = words.parse_args()
    if chosen.sheet:
        contact_sheet(chosen.sheet, chosen.seed)
        return

    import tenfold

    reader = tenfold.load(chosen.model)
    made = digits(chosen.n, chosen.seed)
    answers = reader.predict_many([picture for picture, _, _ in made])
    rows: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for (_, label, name), answer in zip(made, answers, strict=True):
        rows[name].append((answer.digit == label, not answer.unsure))
    print(f"{'style':<24}{'n':>6}{'right':>9}{'answered':>10}{'right of these':>16}")
    for name, seen in sorted(rows.items(), key=lambda row: np.mean([right for right, _ in row[1]])):
        _show(name, seen)
    _show("all", [one for seen in rows.values() for one in seen])

    strange = nondigits(max(len(KINDS), chosen.n // 2), chosen.seed)
    answers = reader.predict_many([picture for picture, _ in strange])
    taken: dict[str, list[bool]] = defaultdict(list)
    for (_, name), answer in zip(strange, answers, strict=True):
        taken[name].append(not answer.unsure)
    print(f"\n{'not a digit':<24}{'n':>6}{'accepted':>10}")
    for name, seen in sorted(taken.items(), key=lambda row: -np.mean(row[1])):
        print(f"{name:<24}{len(seen):>6}{np.mean(seen):>10.1%}")
    everything = [one for seen in taken.values() for one in seen]
    print(f"{'all':<24}{len(everything):>6}{np.mean(everything):>10.1%}")


def _show(name: str, seen: list[tuple[bool, bool]]) -> None:
    right, answered = np.array(seen).T
    among = f"{right[answered].mean():.2%}" if answered.any() else "-"
    print(f"{name:<24}{len(seen):>6}{right.mean():>9.2%}{answered.mean():>10.2%}{among:>16}")


if __name__ == "__main__":
    main()
