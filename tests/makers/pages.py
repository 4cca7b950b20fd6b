"""Whole pages with handwritten numbers, as scanned or photographed, put together from MNIST digits.

`page` makes one with numbers, `empty_page` one without, `crop` one line cut out tightly. Each is made by
its seed and style alone. Choices are made on split "validation"; split "test" is for scores.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from makers import camera
from makers import paper as sheet
from makers.crops import CROPS as CROPS
from makers.crops import crop as crop
from makers.empty import EMPTY as EMPTY
from makers.empty import empty_page as empty_page
from makers.empty import print_words
from makers.hands import Hand, Written, some_hand, write
from makers.made import MadeNumber as MadeNumber
from makers.made import MadePage as MadePage
from makers.made import Quad
from makers.mnist import SplitName
from makers.strokes import Coverage

Rng = np.random.Generator
Picture = NDArray[np.uint8]
View = Callable[[Picture, list[Quad], Rng], tuple[Picture, list[Quad]]]

WORDS = (
    "Total",
    "Amount",
    "Name",
    "Room",
    "Street",
    "Meter",
    "Points",
    "Order",
    "Pupil",
    "Sum",
    "Tel",
    "Code",
)


@dataclass(frozen=True)
class Plan:
    """A style of page.

    layout: "free" lines, "columns", "cells" (a box a digit) or "boxes" (a box a number).
    ground: what is printed on the sheet: "plain", "ruled", "squared", "grid" (of the columns).
    height: of the digits, least and greatest, in pixels. lines, across: how many lines, numbers a line.
    lean: degrees every digit is slanted by, least and greatest. mixed: sizes differ on one page.
    pen: "dark", "colour" or "pencil". words: how often a line begins with a printed word.
    touching: how often the digits of a number touch. view: what happens to the flat sheet.
    """

    view: str = "scan"
    layout: str = "free"
    ground: str = "plain"
    height: tuple[float, float] = (32, 60)
    lines: tuple[int, int] = (3, 7)
    across: tuple[int, int] = (1, 4)
    lean: tuple[float, float] = (-4, 6)
    mixed: bool = False
    pen: str = "dark"
    words: float = 0.0
    touching: float = 0.5
    traced: float = 0.3


STYLES: dict[str, Plan] = {
    "clean scan": Plan(),
    "skewed scan": Plan(view="skew"),
    "small writing": Plan(height=(20, 28), lines=(5, 9)),
    "ruled paper": Plan(ground="ruled", view="skew"),
    "squared paper": Plan(ground="squared", view="skew"),
    "columns": Plan(layout="columns", lines=(4, 7), across=(2, 4)),
    "printed table": Plan(layout="columns", ground="grid", lines=(4, 7), across=(2, 4), view="skew"),
    "a box a digit": Plan(layout="cells", touching=0.0, across=(1, 2), words=0.5),
    "a box a number": Plan(layout="boxes", across=(1, 3), words=0.4),
    "form with words": Plan(words=1.0, across=(1, 2)),
    "faint pencil": Plan(pen="pencil", view="skew"),
    "coloured ink": Plan(pen="colour"),
    "strong slant": Plan(lean=(10, 24)),
    "mixed sizes": Plan(mixed=True, across=(1, 3)),
    "all touching": Plan(touching=1.0),
    "bilevel scan": Plan(view="bilevel", ground="ruled"),
    "phone, flat": Plan(view="phone"),
    "phone, shadow": Plan(view="shadow", pen="colour"),
    "phone, on a table": Plan(view="table", pen="colour"),
    "phone, ruled, on a table": Plan(view="table", ground="ruled"),
    "phone, in the dark": Plan(view="dark"),
    "turned left": Plan(view="left"),
    "turned right": Plan(view="right"),
    "upside down": Plan(view="down", across=(2, 4)),
    "phone, turned, on a table": Plan(view="turned table"),
}


def page(seed: int, style: str | None = None, *, split: SplitName = "test") -> MadePage:
    """A page with numbers; without a style the seed chooses one."""
    names = list(STYLES)
    if style is not None and style not in STYLES:
        raise ValueError(f"no style {style!r}; there are {', '.join(names)}")
    name = style or names[np.random.default_rng([seed, 11]).integers(len(names))]
    rng = np.random.default_rng([seed, 11, names.index(name)])
    plan = STYLES[name]
    flat, numbers, lines = _Desk(plan, split, rng).work()
    picture, quads = _VIEWS[plan.view](flat, [number.box for number in numbers], rng)
    placed = tuple(replace(number, box=quad) for number, quad in zip(numbers, quads, strict=True))
    if picture.ndim == 3 and plan.pen != "colour" and rng.random() < 0.3:
        picture = sheet.grey(picture)
    return MadePage(picture, placed, lines, name)


def some_text(rng: Rng) -> str:
    """One to ten digits, most often three to six."""
    length = int(rng.choice(np.arange(1, 11), p=[0.06, 0.12, 0.16, 0.18, 0.16, 0.12, 0.08, 0.06, 0.03, 0.03]))
    return "".join(str(d) for d in rng.integers(0, 10, length))


class _Desk:
    """One sheet being written: ink, print and the numbers that stand on it so far."""

    def __init__(self, plan: Plan, split: SplitName, rng: Rng) -> None:
        self.plan, self.rng = plan, rng
        self.hand: Hand = some_hand(rng, split, traced=plan.traced, lean=rng.uniform(*plan.lean))
        self.tall = rng.uniform(*plan.height)
        self.across = int(rng.integers(plan.across[0], plan.across[1] + 1))
        self.count = int(rng.integers(plan.lines[0], plan.lines[1] + 1))
        roomy = {"cells": 2.4, "boxes": 2.6}.get(plan.layout, 2.0)
        self.pitch = self.tall * rng.uniform(roomy, roomy + 0.6) * (1.35 if plan.mixed else 1)
        self.width = int(np.clip(self.tall * rng.uniform(19, 25), 420, 1300))
        self.height = int(self.pitch * (self.count + 1.2))
        self.ink = np.zeros((self.height, self.width), np.float32)
        self.print = np.zeros_like(self.ink)
        self.numbers: list[MadeNumber] = []
        self.lines: list[tuple[int, ...]] = []
        self.frames: list[tuple[float, float, float, float]] = []

    def work(self) -> tuple[Picture, list[MadeNumber], tuple[tuple[int, ...], ...]]:
        """Write all lines; the flat sheet, its numbers and their lines."""
        for i in range(self.count):
            before = len(self.numbers)
            self._line(self.pitch * (i + 1.2))
            if len(self.numbers) > before:
                self.lines.append(tuple(range(before, len(self.numbers))))
        self._ground()
        return self._coloured(), self.numbers, tuple(self.lines)

    def _written(self, text: str) -> Written:
        tall = self.tall * (self.rng.uniform(0.7, 1.5) if self.plan.mixed else self.rng.normal(1, 0.03))
        joined = len(text) > 1 and self.rng.random() < self.plan.touching
        return write(self.hand, text, tall, self.rng, touching=joined)

    def _put(self, number: Written, left: float, baseline: float) -> None:
        top, left = round(baseline) - number.rise, round(left)
        rows, columns = number.coverage.shape
        window = self.ink[max(top, 0) : top + rows, left : left + columns]
        np.maximum(window, number.coverage[max(-top, 0) :][: window.shape[0], : window.shape[1]], out=window)
        quad = ((left, top), (left + columns, top), (left + columns, top + rows), (left, top + rows))
        self.numbers.append(MadeNumber(number.text, quad, number.touching, number.marks))

    def _line(self, baseline: float) -> None:
        plan, rng, tall = self.plan, self.rng, self.tall
        left = tall * rng.uniform(0.8, 1.6)
        if rng.random() < plan.words:
            word = print_words(str(rng.choice(WORDS)), int(tall * rng.uniform(0.5, 0.8)), rng)
            self._stamp(word, baseline - 0.8 * word.shape[0], left)
            left += word.shape[1] + tall * 1.2
        across = self.across
        if plan.layout != "columns":
            across = int(rng.integers(plan.across[0], plan.across[1] + 1))
        else:
            left = 0.8 * tall
        room = (self.width - tall * 0.8 - left) / across
        for k in range(across):
            text = some_text(rng)
            if plan.layout == "cells":
                left = self._cells(text, left, baseline)
            else:
                left = self._number(text, left, baseline, self.width - tall * 0.8 - room * (across - 1 - k))
            if left > self.width - 2 * tall:
                break
            left += 0 if plan.layout == "columns" else tall * rng.uniform(1.1, 2.2)

    def _number(self, text: str, left: float, baseline: float, right: float) -> float:
        """One number between `left` and `right`, shortened until it fits; returns where it ends."""
        plan, rng, tall = self.plan, self.rng, self.tall
        inset = 0.45 * tall if plan.layout == "boxes" else 0.0
        limit = right - 1.5 * tall if plan.layout == "columns" else self.width - tall * 0.6 - inset
        number = self._written(text)
        while left + inset + number.coverage.shape[1] > limit:
            text = text[:-1]
            if not text:
                return right if plan.layout == "columns" else left
            number = self._written(text)
        if plan.layout == "columns":
            left = right - number.coverage.shape[1] - tall * rng.uniform(0.45, 0.9)
        sway = 0.0 if plan.ground == "ruled" else 0.08
        self._put(number, left + inset, baseline + tall * rng.normal(0, sway))
        end = left + 2 * inset + number.coverage.shape[1]
        if plan.layout == "boxes":
            self._frame(left, baseline - 1.45 * tall, end, baseline + 0.4 * tall)
        return right if plan.layout == "columns" else end

    def _cells(self, text: str, left: float, baseline: float) -> float:
        """A row of boxes with a digit in each."""
        rng, tall = self.rng, self.tall
        side = tall * rng.uniform(1.15, 1.35)
        text = text[: max(1, int((self.width - 0.8 * tall - left) / side))]
        if left + side > self.width - 0.5 * tall:
            return left
        quads = []
        for k, character in enumerate(text):
            digit = write(self.hand, character, tall * rng.normal(0.95, 0.04), rng)
            free = side - digit.coverage.shape[1]
            at = left + side * k + np.clip(free * rng.normal(0.5, 0.12), 0.04 * side, max(0.04 * side, free))
            self._put(digit, at, baseline + tall * rng.normal(0, 0.03))
            quads.append(np.array(self.numbers.pop().box))
        corners = np.concatenate(quads)
        (x0, y0), (x1, y1) = corners.min(0).tolist(), corners.max(0).tolist()
        self.numbers.append(MadeNumber(text, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)), touching=False))
        top, bottom = baseline - 1.25 * tall, baseline + 0.22 * tall
        for k in range(len(text)):
            self._frame(left + side * k, top, left + side * (k + 1), bottom)
        return left + side * len(text)

    def _stamp(self, coverage: Coverage, top: float, left: float) -> None:
        self.print = np.maximum(self.print, sheet.put(coverage, self.height, self.width, top, left))

    def _frame(self, left: float, top: float, right: float, bottom: float) -> None:
        self.frames.append((left, top, right, bottom))

    def _print_frames(self) -> None:
        plane = Image.new("L", (self.width, self.height))
        pen = ImageDraw.Draw(plane)
        for corners in self.frames:
            pen.rectangle(corners, outline=230, width=max(1, round(self.tall * 0.035)))
        self.print = np.maximum(self.print, np.asarray(plane, np.float32) / 255)

    def _ground(self) -> None:
        """What is printed all over the sheet."""
        plan, rng, tall = self.plan, self.rng, self.tall
        thick = max(1.0, tall * rng.uniform(0.02, 0.04))
        down: list[float] = []
        over: list[float] = []
        if plan.ground == "ruled":
            down = [self.pitch * (i + 1.2) + 0.06 * tall for i in range(-1, self.count + 1)]
            over = [1.0 * tall] if rng.random() < 0.3 else []
        elif plan.ground == "squared":
            gap = tall * rng.uniform(0.55, 0.9)
            down = list(np.arange(rng.uniform(0, gap), self.height, gap))
            over = list(np.arange(rng.uniform(0, gap), self.width, gap))
        elif plan.ground == "grid":
            down = [self.pitch * (i + 0.65) for i in range(self.count + 1)]
            room = (self.width - 1.6 * tall) / self.across
            over = [0.8 * tall + room * k for k in range(self.across + 1)]
        for place in down:
            self._rule(place, thick, upright=False)
        for place in over:
            self._rule(place, thick, upright=True)
        if self.frames:
            self._print_frames()

    def _rule(self, place: float, thick: float, *, upright: bool) -> None:
        low = int(max(place - thick - 1, 0))
        high = int(place + thick + 2)
        part = np.s_[:, low:high] if upright else np.s_[low:high, :]
        window = self.print[part]
        if 0 in window.shape:
            return
        line = sheet.rule(*window.shape, place=place - low, thickness=thick, upright=upright)
        np.maximum(window, line, out=window)

    def _coloured(self) -> Picture:
        """Paper, then print, then ink."""
        plan, rng = self.plan, self.rng
        canvas = sheet.paper(rng, self.height, self.width, rough=rng.uniform(1, 3))
        tones = [(120, 150, 200), (130, 130, 135), (205, 130, 140)]
        dark = plan.layout in ("cells", "boxes") or plan.ground == "grid" or plan.words
        tone = (50, 50, 55) if dark and rng.random() < 0.6 else tones[rng.integers(3)]
        canvas = sheet.lay(canvas, self.print, tone, rng.uniform(0.65, 0.95))
        if plan.pen == "pencil":
            ink = sheet.pencil(rng, self.ink, rng.uniform(0.32, 0.5))
            return sheet.finish(sheet.lay(canvas, ink, sheet.PENS["pencil"]))
        names = (
            ["black", "black", "navy", "blue"] if plan.pen == "dark" else ["blue", "red", "green", "violet"]
        )
        flow = np.clip(0.93 + 0.05 * sheet.clouds(rng, self.height, self.width, 24), 0.75, 1)
        return sheet.finish(sheet.lay(canvas, self.ink * flow, sheet.PENS[str(rng.choice(names))]))


# ---- what happens to the flat sheet


def _scan(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    return (sheet.jpeg(picture, 85) if rng.random() < 0.5 else picture), quads


def _bilevel(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    picture, quads = camera.skewed(picture, quads, rng, rng.uniform(-3, 3))
    rough = sheet.grey(picture) + 12 * sheet.wide_grain(rng, *picture.shape[:2], 0.7)
    return np.where(rough < rng.uniform(120, 160), np.uint8(0), np.uint8(255)), quads


def _skew(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    return camera.skewed(picture, quads, rng, rng.uniform(-6, 6))


def _phone(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    return camera.photograph(picture, rng, depth=rng.uniform(0.2, 0.45)), quads


def _shadow(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    picture, quads = camera.skewed(picture, quads, rng, rng.uniform(-4, 4))
    return camera.photograph(picture, rng, depth=rng.uniform(0.5, 0.75)), quads


def _table(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    picture, quads = camera.on_table(picture, quads, rng)
    return camera.photograph(picture, rng, depth=rng.uniform(0.2, 0.5)), quads


def _dark(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    dim = sheet.finish(picture * np.float32(rng.uniform(0.35, 0.5)))
    return camera.photograph(dim, rng, depth=0.3, noise=rng.uniform(3, 6)), quads


def _turning(turns: int) -> View:
    def view(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
        picture, quads = camera.skewed(picture, quads, rng, rng.uniform(-3, 3))
        return camera.quarter_turns(picture, quads, turns)

    return view


def _turned_table(picture: Picture, quads: list[Quad], rng: Rng) -> tuple[Picture, list[Quad]]:
    picture, quads = _table(picture, quads, rng)
    return camera.quarter_turns(picture, quads, int(rng.choice([1, 3])))


_VIEWS: dict[str, View] = {
    "scan": _scan,
    "skew": _skew,
    "bilevel": _bilevel,
    "phone": _phone,
    "shadow": _shadow,
    "table": _table,
    "dark": _dark,
    "left": _turning(1),
    "down": _turning(2),
    "right": _turning(3),
    "turned table": _turned_table,
}
