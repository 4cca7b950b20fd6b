"""How well a reader reads whole pages and tight crops made from MNIST digits.

    python benchmarks/pages.py [--model READER] [--split validation|test] [--n 40] [--crops 180]

Choices are made on pages from validation digits; pages from test digits only score. A read number belongs
to the made number whose box it overlaps most, since the order in which lines are read would otherwise turn
one missed number into many wrong ones; a read number that overlaps none is invented.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from makers.pages import CROPS, EMPTY, STYLES, MadeNumber, MadePage, crop, empty_page, page

FIRST_SEED = {"validation": 0, "test": 500_000}
Corners = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Outcome:
    """What became of one made number."""

    exact: bool
    sure: bool
    digits: int
    digits_right: int
    touching: bool
    marks_kept: bool


def area(polygon: Corners) -> float:
    """Signed area (the shoelace formula)."""
    points = np.asarray(polygon, float).reshape(-1, 2)
    return 0.5 * float(
        np.sum(points[:, 0] * np.roll(points[:, 1], -1) - points[:, 1] * np.roll(points[:, 0], -1))
    )


def overlap(one: Corners, other: Corners) -> float:
    """Shared area of two convex polygons over the area of both together (Sutherland and Hodgman, 1974)."""
    shared = [tuple(p) for p in (one if area(one) > 0 else one[::-1])]
    edges = list(other if area(other) > 0 else other[::-1])
    for (ax, ay), (bx, by) in zip(edges, edges[1:] + edges[:1], strict=True):
        before, shared = shared, []
        for p, q in zip(before, before[1:] + before[:1], strict=True):
            side_p = (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax)
            side_q = (bx - ax) * (q[1] - ay) - (by - ay) * (q[0] - ax)
            if side_p >= 0:
                shared.append(p)
            if side_p * side_q < 0:
                t = side_p / (side_p - side_q)
                shared.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    both = abs(area(shared)) if len(shared) > 2 else 0.0
    return both / max(abs(area(one)) + abs(area(other)) - both, 1e-9)


def edits(one: str, other: str) -> int:
    """Least number of digits to change, drop or add (Levenshtein, 1965)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def match(made: Sequence[MadeNumber], read: Sequence[Any]) -> dict[int, int]:
    """Which read number belongs to which made one: greatest overlaps first, each used once."""
    pairs = [(overlap(m.box, r.box), i, j) for i, m in enumerate(made) for j, r in enumerate(read)]
    found: dict[int, int] = {}
    for share, i, j in sorted(pairs, reverse=True):
        if share > 0.2 and i not in found and j not in found.values():
            found[i] = j
    return found


def judge(made: MadeNumber, read: Any | None) -> Outcome:
    """One made number against what was read in its place."""
    text = read.text if read else ""
    kept = {(mark.kind, mark.position) for mark in read.marks} if read else set()
    right = max(0, len(made.text) - edits(made.text, text))
    return Outcome(
        exact=text == made.text,
        sure=read is not None and not read.unsure,
        digits=len(made.text),
        digits_right=right,
        touching=made.touching,
        marks_kept=set(made.marks) <= kept,
    )


def read_numbers(reader: Any, made: MadePage) -> tuple[Any, ...]:
    """The numbers a reader finds; none where it answers with one of the package's errors."""
    from tenfold.errors import TenfoldError

    try:
        return tuple(reader.read(made.picture).numbers)
    except TenfoldError:
        return ()


def judge_pages(reader: Any, split: str, n: int) -> None:
    """Print a row a style for pages with numbers."""
    rows: dict[str, list[Outcome]] = defaultdict(list)
    invented: dict[str, int] = defaultdict(int)
    names = list(STYLES)
    for k in range(n):
        made = page(FIRST_SEED[split] + k, names[k % len(names)], split=split)
        read = read_numbers(reader, made)
        found = match(made.numbers, read)
        invented[made.style] += len(read) - len(found)
        for i, number in enumerate(made.numbers):
            rows[made.style].append(judge(number, read[found[i]] if i in found else None))
    print(f"{'pages (' + split + ')':<28}{'numbers':>8}{'exact':>8}{'digits':>8}{'touching':>10}", end="")
    print(f"{'surely wrong':>14}{'invented':>10}")
    for name, seen in sorted(rows.items(), key=lambda row: np.mean([one.exact for one in row[1]])):
        _page_row(name, seen, invented[name])
    _page_row("all", [one for seen in rows.values() for one in seen], sum(invented.values()))


def _page_row(name: str, seen: list[Outcome], invented: int) -> None:
    touching = [one.exact for one in seen if one.touching]
    joined = f"{np.mean(touching):.1%}" if touching else "-"
    digits = sum(one.digits_right for one in seen) / sum(one.digits for one in seen)
    exact = np.mean([one.exact for one in seen])
    wrong = np.mean([one.sure and not one.exact for one in seen])
    print(
        f"{name:<28}{len(seen):>8}{exact:>8.1%}{digits:>8.1%}{joined:>10}{wrong:>14.1%}{invented:>10}",
        flush=True,
    )


def judge_empty(reader: Any, split: str, n: int) -> None:
    """Print a row a kind for pages without numbers."""
    names = list(EMPTY)
    rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for k in range(n):
        made = empty_page(FIRST_SEED[split] + k, names[k % len(names)])
        read = read_numbers(reader, made)
        rows[made.style].append((len(read), sum(not number.unsure for number in read)))
    print(f"\n{'pages without numbers':<28}{'pages':>8}{'invented':>10}{'of these sure':>15}")
    for name, seen in rows.items():
        print(f"{name:<28}{len(seen):>8}{sum(a for a, _ in seen):>10}{sum(b for _, b in seen):>15}")


def judge_crops(reader: Any, split: str, n: int) -> None:
    """Print a row a style for tight crops: exact means one number was found and it is right."""
    rows: dict[str, list[Outcome]] = defaultdict(list)
    names = list(CROPS)
    for k in range(n):
        made = crop(FIRST_SEED[split] + k, names[k % len(names)], split=split)
        read = read_numbers(reader, made)
        one = read[0] if len(read) == 1 else None
        outcome = judge(made.numbers[0], one)
        sure = bool(read) and not any(number.unsure for number in read)
        rows[made.style].append(Outcome(**{**vars(outcome), "sure": sure}))
    print(f"\n{'crops (' + split + ')':<28}{'crops':>8}{'exact':>8}{'surely wrong':>14}{'marks kept':>12}")
    for name, seen in sorted(rows.items(), key=lambda row: np.mean([one.exact for one in row[1]])):
        _crop_row(name, seen)
    _crop_row("all", [one for seen in rows.values() for one in seen])


def _crop_row(name: str, seen: list[Outcome]) -> None:
    exact = np.mean([one.exact for one in seen])
    wrong = np.mean([one.sure and not (one.exact and one.marks_kept) for one in seen])
    kept = np.mean([one.marks_kept for one in seen])
    print(f"{name:<28}{len(seen):>8}{exact:>8.1%}{wrong:>14.1%}{kept:>12.1%}")


def contact_sheet(path: str | Path, split: str) -> None:
    """Draw a page of every style, crops and empty pages into one picture file."""
    first = FIRST_SEED[split]
    cells = [(300, 225, page(first + k, name, split=split)) for k, name in enumerate(STYLES)]
    cells += [(150, 120, empty_page(first + k, name)) for k, name in enumerate(EMPTY)]
    cells += [(200, 62, crop(first + k, name, split=split)) for k, name in enumerate([*CROPS, *CROPS])]
    places, left, top, tallest = [], 0, 0, 0
    for width, height, made in cells:
        if left + width > 1500 or (tallest and height != tallest):
            left, top = 0, top + tallest
        places.append((left, top, width, height, made))
        left, tallest = left + width, height
    board = Image.new("RGB", (1500, top + tallest), (70, 78, 92))
    pen = ImageDraw.Draw(board)
    for left, top, width, height, made in places:
        shown = Image.fromarray(made.picture).convert("RGB")
        shown.thumbnail((width - 6, height - 18), Image.Resampling.LANCZOS)
        board.paste(shown, (left + 3, top + 16))
        pen.text((left + 4, top + 2), made.style, fill="white", font_size=11)
    board.save(path, quality=62, optimize=True)


def main() -> None:
    """Print the tables."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--model", help="run folder or .onnx file; left out, the shipped reader")
    words.add_argument("--split", choices=list(FIRST_SEED), default="validation")
    words.add_argument("--n", type=int, default=40, help="pages with numbers; half as many without")
    words.add_argument("--crops", type=int, default=180)
    words.add_argument("--sheet", help="write a contact sheet to this file and stop")
    chosen = words.parse_args()
    if chosen.sheet:
        contact_sheet(chosen.sheet, chosen.split)
        return

    import tenfold

    reader = tenfold.load(chosen.model)
    if chosen.n:
        judge_pages(reader, chosen.split, chosen.n)
        judge_empty(reader, chosen.split, max(1, chosen.n // 2))
    if chosen.crops:
        judge_crops(reader, chosen.split, chosen.crops)


if __name__ == "__main__":
    main()
