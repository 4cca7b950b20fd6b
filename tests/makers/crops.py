"""One line with one number, cut out tightly: amounts on cheques, fields of forms, entries of registers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from makers import paper as sheet
from makers.hands import Hand, Written, some_hand, write
from makers.made import MadeNumber, MadePage
from makers.mnist import SplitName
from makers.nondigits import font, written
from makers.strokes import Coverage, draw

Rng = np.random.Generator
FINE = 56.0  # digits are written this high, then brought to the size wanted


@dataclass(frozen=True)
class Cut:
    """A style of crop.

    pattern: what is printed over the whole field: "", "waves", "hatching", "words" or "rules".
    text: "plain", "point", "comma", "thousands", "minus". before, after: a currency sign, closing strokes.
    neighbours: pieces of the lines above and below and of what stands beside. height: of the digits, pixels.
    look: "scan", "bilevel", "pencil" or "photo". length: least and greatest number of digits.
    """

    pattern: str = ""
    text: str = "plain"
    before: bool = False
    after: bool = False
    neighbours: bool = False
    height: tuple[float, float] = (22, 60)
    look: str = "scan"
    length: tuple[int, int] = (2, 7)
    touching: float = 0.5


CROPS: dict[str, Cut] = {
    "plain": Cut(),
    "low resolution": Cut(height=(12, 17)),
    "bilevel": Cut(look="bilevel", height=(24, 60)),
    "faint pencil": Cut(look="pencil"),
    "photo": Cut(look="photo"),
    "rules": Cut(pattern="rules"),
    "waves": Cut(pattern="waves"),
    "hatching": Cut(pattern="hatching"),
    "small print": Cut(pattern="words"),
    "currency sign": Cut(before=True, length=(2, 5)),
    "closing strokes": Cut(after=True, length=(2, 5)),
    "neighbours": Cut(neighbours=True),
    "point": Cut(text="point", length=(3, 7)),
    "comma": Cut(text="comma", length=(3, 7)),
    "thousands": Cut(text="thousands", length=(4, 8)),
    "minus": Cut(text="minus", length=(2, 6)),
    "cheque": Cut(pattern="waves", before=True, after=True, look="bilevel", length=(3, 6)),
    "cheque, grey": Cut(pattern="waves", before=True, after=True, neighbours=True, length=(3, 6)),
}


def crop(seed: int, style: str | None = None, *, split: SplitName = "test") -> MadePage:
    """One line with one number; without a style the seed chooses one."""
    names = list(CROPS)
    if style is not None and style not in CROPS:
        raise ValueError(f"no style {style!r}; there are {', '.join(names)}")
    name = style or names[np.random.default_rng([seed, 17]).integers(len(names))]
    rng = np.random.default_rng([seed, 17, names.index(name)])
    cut = CROPS[name]
    hand = some_hand(rng, split, lean=rng.uniform(-4, 12))
    text = _text(rng, cut)
    number = write(hand, text, FINE, rng, touching=rng.random() < cut.touching)
    ink, box = _field(rng, cut, hand, number)
    scale = rng.uniform(*cut.height) / FINE
    picture = _seen(rng, cut, ink, _pattern(rng, cut.pattern, *ink.shape), scale)
    x0, y0, x1, y1 = (float(v * scale) for v in box)
    quad = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    made = MadeNumber(number.text, quad, number.touching, number.marks)
    return MadePage(picture, (made,), ((0,),), name)


def _text(rng: Rng, cut: Cut) -> str:
    length = int(rng.integers(cut.length[0], cut.length[1] + 1))
    digits = str(rng.integers(1, 10)) + "".join(str(d) for d in rng.integers(0, 10, length - 1))
    if cut.text in ("point", "comma"):
        return digits[:-2] + (".,"[cut.text == "comma"]) + digits[-2:]
    if cut.text == "thousands":
        sign = str(rng.choice([".", ","]))
        return digits[:-3] + sign + digits[-3:]
    return "-" + digits if cut.text == "minus" else digits


def _closing(rng: Rng, hand: Hand) -> Coverage:
    """What people draw after an amount so that nobody adds a digit."""
    pen = FINE * (hand.pen or hand.thickness / 22)
    reach = FINE * rng.uniform(0.8, 2.2)
    kind = rng.integers(4)
    if kind == 0:
        lines = [np.array([[0, 0], [reach, rng.normal(0, 3)]])]
    elif kind == 1:
        lines = [np.array([[0, k * 0.3 * FINE], [reach, k * 0.3 * FINE + rng.normal(0, 3)]]) for k in (0, 1)]
    elif kind == 2:
        lines = [np.array([[k * 0.35 * FINE, FINE], [(k * 0.35 + 0.4) * FINE, 0]]) for k in (0, 1)]
    else:
        t = np.linspace(0, 4 * np.pi, 40)
        lines = [np.stack([t / t[-1] * reach, 0.12 * FINE * np.sin(t)], 1)]
    return draw(lines, pen)


def _sign(rng: Rng) -> Coverage:
    return written(
        str(rng.choice(["$", "€", "£", "R$", "¥"])),
        rng,
        int(FINE * rng.uniform(1.0, 1.25)),
        "STIXGeneral.ttf",
    )


def _field(
    rng: Rng, cut: Cut, hand: Hand, number: Written
) -> tuple[Coverage, tuple[float, float, float, float]]:
    """The field's ink and where in it the number stands."""
    rows, columns = number.coverage.shape
    above, below = (round(FINE * rng.uniform(0.08, 0.35)) for _ in "ab")
    height = rows + above + below
    parts = [(number.coverage, above)]
    spaces = [round(FINE * rng.uniform(0.1, 0.6))]
    if cut.before:
        sign = _sign(rng)
        parts.insert(0, (sign, above + number.rise - round(FINE) + round(FINE * rng.normal(0, 0.05))))
        spaces.append(round(FINE * rng.uniform(0.3, 0.5)))
    if cut.after:
        closing = _closing(rng, hand)
        middle = above + number.rise - FINE * 0.5
        parts.append((closing, round(middle - closing.shape[0] / 2)))
        spaces.append(round(FINE * rng.uniform(0.3, 0.55)))
    spaces.append(round(FINE * rng.uniform(0.1, 0.8)))
    width = sum(part.shape[1] for part, _ in parts) + sum(spaces)
    ink = np.zeros((height, width), np.float32)
    left = spaces[0]
    start = 0
    for k, (part, top) in enumerate(parts):
        if part is number.coverage:
            start = left
        ink = np.maximum(ink, sheet.put(part, height, width, top, left))
        left += part.shape[1] + spaces[k + 1]
    if cut.neighbours:
        ink = np.maximum(ink, _pieces(rng, hand, height, width, ink))
    return ink, (start, above, start + columns, above + rows)


def _pieces(rng: Rng, hand: Hand, height: int, width: int, taken: Coverage) -> Coverage:
    """Feet of the line above, heads of the one below, the edge of what stands beside; clear of the number."""
    pieces = np.zeros((height, width), np.float32)
    for side in rng.permutation(3)[: int(rng.integers(1, 4))]:
        other = write(hand, "".join(str(d) for d in rng.integers(0, 10, 3)), FINE, rng).coverage
        along = rng.uniform(0, max(1, width - other.shape[1]))
        if side == 0:
            top, left = FINE * rng.uniform(0.05, 0.2) - other.shape[0], along
        elif side == 1:
            top, left = height - FINE * rng.uniform(0.05, 0.2), along
        else:
            top, left = rng.uniform(0, 0.3) * FINE, width - FINE * rng.uniform(0.03, 0.12)
        pieces = np.maximum(pieces, sheet.put(other, height, width, top, left))
    parts, _ = ndimage.label(pieces > 0.1, np.ones((3, 3)))
    near = ndimage.maximum_filter(taken, 7) > 0.1
    return np.where(np.isin(parts, parts[near & (parts > 0)]), 0, pieces).astype(np.float32)


def _pattern(rng: Rng, kind: str, height: int, width: int) -> Coverage:
    """What security printers and stationers put under amounts; lighter than the ink."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    if kind == "waves":
        pitch, swing = rng.uniform(5, 9), rng.uniform(3, 8)
        phase = (rows + swing * np.sin(columns / rng.uniform(8, 20))) * 2 * np.pi / pitch
        return (np.clip(np.sin(phase) * 2 - 0.8, 0, 1) * rng.uniform(0.3, 0.6)).astype(np.float32)
    if kind == "hatching":
        pitch, turn = rng.uniform(5, 10), rng.uniform(0, np.pi)
        phase = (rows * np.sin(turn) + columns * np.cos(turn)) * 2 * np.pi / pitch
        return (np.clip(np.sin(phase) * 2 - 0.6, 0, 1) * rng.uniform(0.25, 0.5)).astype(np.float32)
    field = np.zeros((height, width), np.float32)
    if kind == "words":
        size = int(rng.integers(10, 15))
        line = "BANK OF THE RIVER " * 20
        for k, top in enumerate(range(0, height, size + 4)):
            plane = Image.new("L", (width, size + 4))
            ImageDraw.Draw(plane).text((-17 * k, 0), line, fill=255, font=font("STIXGeneral.ttf", size))
            band = np.asarray(plane, np.float32)[: height - top] / 255
            field[top : top + band.shape[0]] = band
        return field * np.float32(rng.uniform(0.25, 0.4))
    if kind == "rules":
        thick = rng.uniform(1.5, 4)
        for share in [(0.9,), (0.08, 0.93), (0.5,)][rng.integers(3)]:
            line = sheet.rule(height, width, place=share * height, thickness=thick, lean=rng.normal(0, 0.004))
            field = np.maximum(field, line)
        return field * np.float32(rng.uniform(0.5, 0.95))
    return field


def _seen(rng: Rng, cut: Cut, ink: Coverage, pattern: Coverage, scale: float) -> NDArray[np.uint8]:
    height, width = ink.shape
    canvas = sheet.paper(rng, height, width, rough=rng.uniform(1, 3))
    tone = [(120, 140, 180), (120, 120, 125), (190, 140, 120), (110, 160, 130)][rng.integers(4)]
    canvas = sheet.lay(canvas, pattern, tone)
    if cut.look == "pencil":
        canvas = sheet.lay(canvas, sheet.pencil(rng, ink, rng.uniform(0.32, 0.5)), sheet.PENS["pencil"])
    else:
        pen = sheet.PENS[str(rng.choice(["black", "navy", "blue", "black"]))]
        canvas = sheet.lay(canvas, ink, pen, rng.uniform(0.85, 0.97))
    if cut.look == "photo":
        canvas = canvas * sheet.light(rng, height, width, depth=0.45)[..., None]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    smaller = Image.fromarray(sheet.finish(canvas)).resize(size, Image.Resampling.BICUBIC)
    picture = np.asarray(smaller)
    noise = rng.normal(0, rng.uniform(1, 4), picture.shape[:2])[..., None]
    picture = sheet.finish(picture + noise)
    if cut.look == "bilevel":
        grey = ndimage.gaussian_filter(sheet.grey(picture).astype(np.float32), 0.4)
        return np.where(grey < 0.62 * float(np.percentile(grey, 95)), np.uint8(0), np.uint8(255))
    if cut.look == "photo":
        return sheet.jpeg(picture, int(rng.integers(45, 85)))
    return sheet.grey(picture) if rng.random() < 0.5 else picture
