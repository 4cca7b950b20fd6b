"""The line network against what it replaced on the drawing board: over-segmentation with a lattice.

A crop is cut wherever two digits may part; runs of neighbouring pieces are shown to the digit network, and
dynamic programming picks the cheapest way from left to right. Both read the same crops, made from
validation digits: `python benchmarks/segmentation.py [--n 200]`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import tenfold
from makers.pages import crop
from tenfold.errors import TenfoldError
from tenfold.reading.pages import tight
from tenfold.reading.pictures import fit

INK = 90
MOST = 4  # pieces in a digit
WIDEST = 1.4  # of the line's height: no digit is wider
NARROWEST = 0.08


def cuts_of(line: NDArray[np.uint8]) -> list[int]:
    """Columns at which digits may part: gaps, and the local minima of the ink in between."""
    profile = np.convolve((line > INK).sum(axis=0), np.ones(3) / 3, mode="same")
    inked = np.flatnonzero(profile > 0)
    if not len(inked):
        return []
    first, last = int(inked[0]), int(inked[-1]) + 1
    low = [
        x
        for x in range(first + 1, last - 1)
        if profile[x] <= profile[x - 1] and profile[x] < profile[x + 1] and profile[x] < 0.45 * line.shape[0]
    ]
    kept = [first]
    for x in low:
        if x - kept[-1] >= NARROWEST * line.shape[0]:
            kept.append(x)
    return [*kept, last]


def read_by_lattice(line: NDArray[np.uint8], reader: tenfold.Reader) -> str:
    """The digits on the cheapest way through the lattice of a line (h, w) uint8."""
    cuts = cuts_of(line)
    edges, images = [], []
    for start in range(len(cuts) - 1):
        for end in range(start + 1, min(start + MOST, len(cuts) - 1) + 1):
            left, right = cuts[start], cuts[end]
            piece = line[:, left:right]
            rows = np.flatnonzero((piece > INK).any(axis=1))
            if not len(rows) or right - left > WIDEST * line.shape[0]:
                continue
            ink = piece[rows[0] : rows[-1] + 1].astype(np.float32) / 255
            try:
                images.append(fit(ink))
            except TenfoldError:
                continue
            edges.append((start, end, right - left))
    if not edges:
        return ""
    probabilities, is_digit = reader.probabilities(np.stack(images))
    best: list[tuple[float, str]] = [(0.0, "")] + [(np.inf, "")] * (len(cuts) - 1)
    for (start, end, width), p, d in sorted(
        zip(edges, probabilities, is_digit, strict=True), key=lambda item: item[0]
    ):
        cost, text = best[start]
        as_digit = -np.log(max(float(p.max() * d), 1e-6)) * width
        as_other = -np.log(max(1 - float(d), 1e-6)) * width + 0.5 * width
        choices = [(cost + as_digit, text + reader.labels[int(p.argmax())]), (cost + as_other, text)]
        best[end] = min([best[end], *choices])
    return best[-1][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200)
    options = parser.parse_args()
    reader = tenfold.load()
    exact = {"line network": 0, "over-segmentation and lattice": 0}
    for seed in range(5000, 5000 + options.n):
        made = crop(seed, split="validation")
        truth = "".join(number.text for number in made.numbers)
        said = "".join(number.text for number in reader.read(made.picture).numbers)
        exact["line network"] += said == truth
        exact["over-segmentation and lattice"] += read_by_lattice(tight(made.picture).image, reader) == truth
    for name, count in exact.items():
        print(f"{name:32s}{count / options.n:7.1%} of {options.n} crops exact")


if __name__ == "__main__":
    main()
