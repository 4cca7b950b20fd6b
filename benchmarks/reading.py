"""Other people's handwriting and made pages, read by the shipped reader and by others: one table.

    python benchmarks/reading.py [FOLDER] [--classic READER] [--rapidocr] [--tesseract]

FOLDER holds real handwriting, which is not part of the project:
    singles/*.npz        pictures `x`, labels `y`: one digit each
    nondigits/*.npz      pictures `x` that hold none
    strings/*/labels.csv columns file, text: tight crops of one number
    pages/truth.json     for each page its lines of digits, or several fair orders of them
Without it only MNIST's test images and pages made from them are read. Nothing is chosen here.

Right: share read right, unsure or not. Answered: share not marked unsure, and how many of these are right.
Surely wrong: something that differs from the truth was read, and nothing said so. Of a crop's numbers the one
nearest to the truth counts, or all of them joined. On a page each digit missed, wrong or added is an error.
"""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from contenders import Contender, RapidOCR, Said, Squeezed, Tenfold, Tesseract
from pages import FIRST_SEED, STYLES, edits, judge, match, page
from record import RESULTS, show_table, write_result

import tenfold
from tenfold.errors import TenfoldError

ALIKE = 4  # numbers that may stand for one line: a wide gap in it is read as one number or as several

Figures = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One set of pictures: how many, what a reader must be able to read, and how its answers are scored."""

    name: str
    n: int
    needs: str
    measure: Callable[[Contender], Figures]


def show(figures: Figures | None) -> str:
    """A table's cell: the first figure, the others in brackets after it."""
    if figures is None:
        return "–"
    (_, first), *others = figures.items()
    rest = "; ".join(f"{name} {value:.1%}" for name, value in others if value == value)
    return f"{first:.2%}" + (f" ({rest})" if rest else "")


def score_digits(said: Sequence[Said], labels: Iterable[int]) -> Figures:
    """Right, answered, and right among the answered."""
    right = np.array([digit == label for (digit, _), label in zip(said, labels, strict=True)])
    sure = np.array([is_sure for _, is_sure in said])
    among = float(right[sure].mean()) if sure.any() else float("nan")
    return {"right": float(right.mean()), "answered": float(sure.mean()), "right of these": among}


def mnist_row(limit: int | None) -> Row:
    """MNIST's own test images, prepared by its makers."""
    test = tenfold.load_mnist().test
    images, labels = test.images[:limit], test.labels[:limit]
    return Row("MNIST test images", len(images), "images", lambda c: score_digits(c.images(images), labels))


def singles_rows(folder: Path, limit: int | None) -> list[Row]:
    """One digit a picture."""

    def row(file: Path) -> Row:
        stored = np.load(file)
        pictures, labels = stored["x"][:limit], stored["y"][:limit]
        return Row(
            f"digits, {file.stem}",
            len(pictures),
            "digits",
            lambda c: score_digits(c.digits(list(pictures)), labels),
        )

    return [row(file) for file in sorted((folder / "singles").glob("*.npz"))]


def nondigit_rows(folder: Path, limit: int | None) -> list[Row]:
    """Pictures without a digit: the share that is called one."""

    def row(file: Path) -> Row:
        pictures = list(np.load(file)["x"][:limit])
        return Row(
            f"no digits, {file.stem}: accepted",
            len(pictures),
            "digits",
            lambda c: {"accepted": float(np.mean([sure for _, sure in c.digits(pictures)]))},
        )

    return [row(file) for file in sorted((folder / "nondigits").glob("*.npz"))]


def string_rows(folder: Path, limit: int | None) -> list[Row]:
    """Tight crops of one number."""

    def row(file: Path) -> Row:
        with file.open(encoding="utf-8", newline="") as lines:
            truths = [(file.parent / line["file"], line["text"]) for line in csv.DictReader(lines)][:limit]
        return Row(
            f"crops, {file.parent.name}: exact", len(truths), "crops", lambda c: score_crops(c, truths)
        )

    return [row(file) for file in sorted((folder / "strings").glob("*/labels.csv"))]


def score_crops(contender: Contender, truths: Sequence[tuple[Path, str]]) -> Figures:
    """Exact, digits right, and surely wrong."""
    exact, wrong, cost = [], [], []
    for path, truth in truths:
        numbers = contender.crop(path)
        texts = [number.text for number in numbers]
        best = min(["".join(texts), *texts], key=lambda text: edits(truth, text))
        exact.append(best == truth)
        wrong.append(best != truth and any(not number.unsure for number in numbers))
        cost.append(min(edits(truth, best), len(truth)))
    digits = 1 - sum(cost) / sum(len(truth) for _, truth in truths)
    return {"exact": float(np.mean(exact)), "digits": digits, "surely wrong": float(np.mean(wrong))}


def page_rows(folder: Path) -> list[Row]:
    """Whole pages."""
    file = folder / "pages" / "truth.json"
    if not file.exists():
        return []
    truths = {file.parent / name: orders(lines) for name, lines in json.loads(file.read_text()).items()}
    total = sum(len("".join(fair[0])) for fair in truths.values())
    if not total:
        return []
    return [
        Row(
            "photos of pages (n digits): digits right",
            total,
            "pages",
            lambda c: score_pages(c, truths, total),
        )
    ]


def orders(lines: list[Any]) -> list[list[str]]:
    """The fair orders of a page's lines: one, or as many as are given."""
    return lines if lines and isinstance(lines[0], list) else [lines]


def score_pages(contender: Contender, truths: dict[Path, list[list[str]]], total: int) -> Figures:
    """Digits right once errors are taken off, and digits of sure numbers that stand for no line."""
    errors = invented = 0
    for path, fair in truths.items():
        numbers = contender.page(path)
        texts = [number.text for number in numbers]
        cost, spare = min((line_up(lines, texts) for lines in fair), key=lambda found: found[0])
        errors += cost
        invented += sum(len(texts[j]) for j in spare if not numbers[j].unsure)
    return {"digits right": max(0.0, 1 - errors / total), "invented": invented / total}


def line_up(lines: Sequence[str], texts: Sequence[str]) -> tuple[int, tuple[int, ...]]:
    """Least errors in digits with which texts, in their order, stand for lines; and which stand for none.

    Up to ALIKE neighbouring texts may stand for one line.
    """
    table: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {(0, 0): (0, ())}
    for i in range(len(lines) + 1):
        for j in range(len(texts) + 1):
            ways = [table[0, 0]] if i == j == 0 else []
            if j:
                cost, spare = table[i, j - 1]
                ways.append((cost + len(texts[j - 1]), (*spare, j - 1)))
            for k in range(min(ALIKE, j) + 1 if i else 0):
                cost, spare = table[i - 1, j - k]
                ways.append((cost + edits(lines[i - 1], "".join(texts[j - k : j])), spare))
            table[i, j] = min(ways, key=lambda way: way[0])
    return table[len(lines), len(texts)]


def made_row(count: int) -> Row:
    """Pages made from MNIST's test digits, every style in turn."""
    names = list(STYLES)

    def measure(contender: Contender) -> Figures:
        exact, wrong, touching = [], [], []
        for k in range(count):
            made = page(FIRST_SEED["test"] + k, names[k % len(names)], split="test")
            read = contender.page(made.picture)
            found = match(made.numbers, read)
            for i, number in enumerate(made.numbers):
                one = judge(number, read[found[i]] if i in found else None)
                exact.append(one.exact)
                wrong.append(one.sure and not one.exact)
                touching += [one.exact] if one.touching else []
        return {
            "exact": float(np.mean(exact)),
            "touching": float(np.mean(touching)) if touching else float("nan"),
            "surely wrong": float(np.mean(wrong)),
        }

    return Row("made pages (n pages): numbers exact", count, "pages", measure)


def contenders(chosen: argparse.Namespace) -> list[Contender]:
    """The readers asked for, ours first."""
    found: list[Contender] = [Tenfold(chosen.model)]
    if chosen.classic:
        found.append(Squeezed(chosen.classic))
    if chosen.rapidocr:
        found.append(RapidOCR())
    if chosen.tesseract:
        found.append(Tesseract())
    return found


def mean_of(rows: list[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """A row with the mean share read right over the sets of single digits."""
    singles = [row for row in rows if row["set"].startswith("digits, ")]
    figures = {
        name: {"right": float(np.mean([row["figures"][name]["right"] for row in singles]))}
        for name in names
        if all(name in row["figures"] for row in singles)
    }
    return {"set": "digits, mean of the sets", "n": sum(row["n"] for row in singles), "figures": figures}


def run(rows: Sequence[Row], readers: Sequence[Contender]) -> list[dict[str, Any]]:
    """Measure every row with every reader that can read it; how far it is goes to standard error."""
    measured: list[dict[str, Any]] = []
    for row in rows:
        figures = {}
        for contender in readers:
            if row.needs not in contender.can:
                continue
            start = perf_counter()
            figures[contender.name] = row.measure(contender)
            seconds = perf_counter() - start
            print(f"{contender.name}: {row.name}, {row.n}, {seconds:.1f} s", file=sys.stderr, flush=True)
        measured.append({"set": row.name, "n": row.n, "figures": figures})
    return measured


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as they are stored: shares to five places, none where nothing was answered."""
    return [
        {
            **row,
            "figures": {
                name: {key: round(value, 5) if value == value else None for key, value in shares.items()}
                for name, shares in row["figures"].items()
            },
        }
        for row in rows
    ]


def main() -> None:
    """Print the table and write the result."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("folder", nargs="?", type=Path, help="real handwriting, laid out as told above")
    words.add_argument("--model", help="run folder or .onnx file; left out, the shipped reader")
    words.add_argument("--classic", metavar="READER", help="a reader of the recipe classic")
    words.add_argument("--rapidocr", action="store_true", help="compare (extra bench)")
    words.add_argument("--tesseract", action="store_true", help="compare (extra bench and the program)")
    words.add_argument("--pages", type=int, default=100, help="made pages; 0 for none")
    words.add_argument("--limit", type=int, help="only the first so many pictures of each set")
    words.add_argument("--json", type=Path, default=RESULTS / "reading.json", metavar="FILE")
    chosen = words.parse_args()
    if chosen.folder and not chosen.folder.is_dir():
        words.error(f"{chosen.folder}: no such folder")
    try:
        readers = contenders(chosen)
    except TenfoldError as error:
        words.error(str(error))
    rows = [mnist_row(chosen.limit)]
    if chosen.folder:
        rows += [*singles_rows(chosen.folder, chosen.limit), *nondigit_rows(chosen.folder, chosen.limit)]
        rows += [*string_rows(chosen.folder, chosen.limit), *page_rows(chosen.folder)]
    if chosen.pages:
        rows.append(made_row(chosen.pages))
    measured = run(rows, readers)
    names = [contender.name for contender in readers]
    last = max((i for i, row in enumerate(measured) if row["set"].startswith("digits, ")), default=None)
    if last is not None:
        measured.insert(last + 1, mean_of(measured, names))
    show_table(
        ["set", "n", *names],
        [
            [row["set"], f"{row['n']:,}", *(show(row["figures"].get(name)) for name in names)]
            for row in measured
        ],
    )
    content = {
        "what": "what each reader makes of the same pictures; shares from 0 to 1",
        "limit": chosen.limit,
        "reader": tenfold.load(chosen.model).card.weights_sha256,
        "rows": rounded(measured),
    }
    packages = ["numpy", "onnxruntime", "pillow", *(name for c in readers for name in c.packages)]
    write_result(chosen.json, content, packages)


if __name__ == "__main__":
    main()
