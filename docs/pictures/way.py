"""Draws the way of a picture through Tenfold, with what one number of `register.jpg` looks like at each step.

    python docs/pictures/way.py [--out docs/pictures/way.svg]

The drawing has a ground of its own, light or dark as its reader's system is, and text that a phone shows in
full size.
"""

import argparse
import base64
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import tenfold
from tenfold.reading.bundle import WEIGHTS
from tenfold.reading.linereading import LineNetwork, normalise
from tenfold.reading.pages import layout
from tenfold.reading.pages.layout import _plate
from tenfold.reading.spelling import spell

HERE = Path(__file__).resolve().parent
SHOWN = 1  # the number whose way is drawn: the second of the page
WIDTH, EDGE, GUTTER, PICTURE = 360, 10, 28, 112
LINE = 16

STYLE = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.ground { fill: #f6f8fa; } .box { fill: #fff; stroke: #b8c0ca; } .head { font-size: 14px; font-weight: 650; }
text { font-size: 12px; fill: #1f2328; }
.file { font-family: ui-monospace, Menlo, Consolas, monospace; fill: #1f6fb2; }
.road { stroke: #57606a; stroke-width: 1.6; fill: none; } .tip { fill: #57606a; } .bar { fill: #1f6fb2; }
.small { font-size: 10px; text-anchor: middle; }
@media (prefers-color-scheme: dark) {
 .ground { fill: #161b22; } .box { fill: #0d1117; stroke: #3d444d; } text { fill: #e6edf3; }
 .file { fill: #7ab8ee; }
 .road { stroke: #9198a1; } .tip { fill: #9198a1; } .bar { fill: #7ab8ee; }
}"""


@dataclass(frozen=True, eq=False)
class Step:
    """A station: its name, the file that does it, a few words, and what is seen there: pixels, or bars."""

    head: str
    file: str
    words: tuple[str, ...]
    seen: NDArray[np.uint8] | tuple[float, ...] | None = None


def find_steps() -> tuple[Step, ...]:
    """The stations, with what the shipped reader makes of the register's number at each."""
    picture = cv2.cvtColor(cv2.imread(str(HERE / "register.jpg")), cv2.COLOR_BGR2RGB)
    plate, _ = _plate(picture)
    number = tenfold.load().read(picture).numbers[SHOWN]
    lines = layout(picture).lines
    line = min(lines, key=lambda line: np.abs(np.subtract(line.polygon(), number.box)).max())
    proposed = LineNetwork(WEIGHTS / "lines.onnx").read([line.image])[0].texts()[:2]
    digit = min(number.digits, key=lambda digit: digit.confidence)
    sure = "unsure" if number.unsure else "sure"
    likely = ", ".join(f"{text} {share:.0%}" for text, share in proposed)
    return (
        Step("A picture", "path, bytes, PIL, array", ("any size, colour, polarity",), picture),
        Step("Pixels", "reading/decode.py", ("checked, capped in size,", "turned as the camera says")),
        Step(
            "A page",
            "reading/pages/",
            ("sheet found and laid flat,", "light made even, rules", "taken out, lines cut out"),
            255 - plate.ink.strength,
        ),
        Step(
            "A line",
            "reading/linereading.py",
            ("lines.onnx proposes texts", "and where digits stand:", likely),
            normalise(line.image),
        ),
        Step(
            "An image",
            "reading/pictures.py",
            (
                "prepare: a digit by itself,",
                "28x28, bright on dark, as",
                "MNIST's makers made it",
            ),
            digit.image,
        ),
        Step(
            "Ten probabilities",
            "weights/reader.onnx",
            (
                "scaling, layers, softmax;",
                "and is it a digit at all:",
                f"{digit.is_digit:.1%}",
            ),
            tuple(digit.probabilities.tolist()),
        ),
        Step(
            "A number",
            "reading/numbers.py",
            (
                "both networks' votes added:",
                f"{spell(number)}, {number.confidence:.0%}, {sure}; what is known",
                "of it, only where asked",
            ),
        ),
        Step("An answer", "cli/, or your program", ("text, JSON, CSV, overlay",)),
    )


def draw(steps: tuple[Step, ...]) -> str:
    """The drawing as SVG."""
    parts, tops, y = [], [], EDGE
    for step in steps:
        high = 30 + LINE * (1 + len(step.words))
        if step.seen is not None and not isinstance(step.seen, tuple):
            high = max(high, 20 + _size(step.seen)[1])
        parts.append(_station(step, y, high))
        tops.append((y, high))
        y += high + 22
    for (top, high), (below, _) in pairwise(tops):
        parts.append(
            _arrow(f"M{WIDTH / 2 + GUTTER / 2} {top + high} V{below - 6}", WIDTH / 2 + GUTTER / 2, below)
        )
    (leave, tall), (enter, wide) = tops[1], tops[4]
    a, b, x = leave + tall / 2, enter + wide / 2, EDGE + 8
    parts.append(f'<path class="road" d="M{GUTTER + EDGE} {a} H{x} V{b} H{GUTTER + EDGE - 6}"/>')
    parts.append(f'<path class="tip" d="M{GUTTER + EDGE} {b} l-7 -4.5 v9 z"/>')
    middle = (a + b) / 2
    parts.append(
        f'<text transform="translate({x + 14} {middle}) rotate(-90)" text-anchor="middle">'
        "predict: one digit, no page</text>"
    )
    told = "; ".join(f"{step.head}: {step.file}, {' '.join(step.words)}" for step in steps)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="480" '
        f'viewBox="0 0 {WIDTH} {y - 22 + EDGE}" role="img">\n'
        f"<title>The way of a picture through Tenfold</title>\n<desc>{escape(told)}</desc>\n"
        f'<style>{STYLE}</style>\n<rect class="ground" width="100%" height="100%" rx="8"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _station(step: Step, y: float, high: float) -> str:
    left = EDGE + GUTTER
    parts = [f'<rect class="box" x="{left}" y="{y}" width="{WIDTH - EDGE - left}" height="{high}" rx="6"/>']
    text = left + 10 + (PICTURE + 10 if step.seen is not None else 0)
    parts.append(f'<text class="head" x="{text}" y="{y + 20}">{escape(step.head)}</text>')
    parts.append(f'<text class="file" x="{text}" y="{y + 20 + LINE}">{escape(step.file)}</text>')
    parts += [
        f'<text x="{text}" y="{y + 20 + LINE * (k + 2)}">{escape(words)}</text>'
        for k, words in enumerate(step.words)
    ]
    if isinstance(step.seen, tuple):
        parts.append(_bars(step.seen, left + 10, y + 10, high - 20))
    elif step.seen is not None:
        wide, tall = _size(step.seen)
        parts.append(
            f'<image x="{left + 10 + (PICTURE - wide) / 2}" y="{y + (high - tall) / 2}" width="{wide}" '
            f'height="{tall}" href="data:image/png;base64,{_png(step.seen)}"/>'
        )
    return "\n".join(parts)


def _bars(values: tuple[float, ...], left: float, top: float, high: float) -> str:
    each, tallest = PICTURE / len(values), high - 14
    parts = []
    for k, value in enumerate(values):
        tall = max(1.0, tallest * value)
        place = left + each * k
        parts.append(
            f'<rect class="bar" x="{place + 1.5:.1f}" y="{top + tallest - tall:.1f}" width="{each - 3:.1f}" '
            f'height="{tall:.1f}"/><text class="small" x="{place + each / 2:.1f}" y="{top + high}">{k}</text>'
        )
    return "".join(parts)


def _arrow(path: str, x: float, y: float) -> str:
    return f'<path class="road" d="{path}"/><path class="tip" d="M{x} {y} l-4.5 -7 h9 z"/>'


def _size(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """How large pixels are shown: as wide as their place, a single digit smaller."""
    rows, columns = pixels.shape[:2]
    wide = min(PICTURE, 70 * columns / rows)
    return round(wide, 1), round(wide * rows / columns, 1)


def _png(pixels: NDArray[np.uint8]) -> str:
    """A PNG twice as large as it is shown, for fine screens; few greys, so that it stays small."""
    wide, tall = _size(pixels)
    if pixels.shape[1] > 2 * wide:
        pixels = cv2.resize(pixels, (round(2 * wide), round(2 * tall)), interpolation=cv2.INTER_AREA)
    elif pixels.shape[1] < wide:
        pixels = pixels.repeat(5, axis=0).repeat(5, axis=1)
    coarse = np.asarray(pixels // 8 * 8 + 4 * (pixels > 7), np.uint8)
    return base64.b64encode(
        cv2.imencode(".png", coarse[..., ::-1] if coarse.ndim == 3 else coarse)[1]
    ).decode()


def main() -> None:
    """Draw and write."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--out", type=Path, default=HERE / "way.svg")
    words.parse_args().out.write_text(draw(find_steps()), "utf-8")


if __name__ == "__main__":
    main()
