"""Lines of handwriting put together from MNIST's digits: what the line network learns from.

A line is a text in one of the ways people write numbers, set glyph by glyph in one hand, on some paper,
through some camera. It is keyed by (seed, index): the same key makes the same line.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.making import glyphs, papers
from tenfold.making.glyphs import Digits, Place
from tenfold.making.lettering import Type, choose_type, draw_printed, unprinted
from tenfold.making.papers import Papers
from tenfold.making.texts import DIGITS, OTHER, add_signs, meaning, name_unit, print_text, write_text
from tenfold.reading.linereading import HEIGHT, STRIDE, normalise

Ink = NDArray[np.uint8]

PRINTED = 0.25
"""The share of lines with something printed, in cycles that have them."""

MEASURED = 0.35
"""The share of the other lines with a unit, a fraction or a date, in cycles that have them."""

_TYPE = Type(face=0, capital=20.0)
_SPACING = 0.1  # between printed letters, in heights of a capital
_UPRIGHT = 0.25  # share of a hand's slant that print beside it has: papers lie askew

_DRAWN = {digit: [glyphs.parse(drawing) for drawing in ways] for digit, ways in glyphs.DIGITS.items()}
_BAR = glyphs.parse("06 94")


@dataclass(frozen=True)
class Shape:
    """How a sign is written: what it may look like, and ranges of its size and place in digit heights.

    middle: mean and deviation of its middle below the digits' middle; pen: range of its stroke's width.
    """

    drawings: tuple[str, ...]
    width: tuple[float, float]
    height: tuple[float, float]
    middle: tuple[float, float] = (0.0, 0.03)
    pen: tuple[float, float] = (1.0, 1.0)
    unrest: float = 0.05


_SHAPES = {
    ".": Shape(("20 79",), (0.01, 0.07), (0.01, 0.07), (0.46, 0.05), (0.95, 1.7), 0.0),
    ",": Shape(glyphs.COMMAS, (0.1, 0.32), (0.2, 0.42), (0.56, 0.05)),
    "-": Shape(glyphs.DASHES, (0.25, 0.8), (0.1, 0.3), (0.08, 0.12), unrest=0.04),
    "_": Shape(glyphs.DASHES, (0.9, 3.0), (0.1, 0.3), (0.08, 0.12), unrest=0.04),
    "=": Shape(glyphs.EQUALS, (0.3, 0.9), (0.35, 0.7), (0.08, 0.1), unrest=0.04),
    "/": Shape(glyphs.SLASHES, (0.4, 0.8), (1.1, 1.5)),
    "\\": Shape(glyphs.SLASHES, (0.3, 0.75), (0.95, 1.45), unrest=0.03),
    "%": Shape(glyphs.PERCENTS, (0.6, 1.3), (0.75, 1.15), (0.0, 0.05), (0.6, 1.0), 0.04),
    ":": Shape(("00 01|08 09",), (0.04, 0.08), (0.35, 0.6), (0.1, 0.05), (1.1, 1.5), 0.02),
    "#": Shape(("30 19|80 69|03 93|06 96",), (0.5, 1.0), (0.7, 1.2)),
    "'": Shape(("90 09", "50 59"), (0.05, 0.1), (0.15, 0.3), (-0.5, 0.05)),
    "(": Shape(("~90 33 36 99",), (0.2, 0.4), (1.1, 1.4)),
    ")": Shape(("~00 63 66 09",), (0.2, 0.4), (1.1, 1.4)),
    "$": Shape(glyphs.SIGNS, (0.4, 1.0), (0.8, 1.2)),
    "S": Shape(glyphs.DOLLARS, (0.35, 0.7), (0.6, 1.15), (0.0, 0.06), (0.6, 1.0), 0.04),
    "C": Shape(glyphs.CURRENCIES, (0.4, 0.9), (0.6, 1.1), (0.0, 0.06), (0.6, 1.0), 0.03),
    "|": Shape(("90 09", "80 19", "~90 65 09"), (0.35, 0.65), (0.75, 1.35), (0.0, 0.06), (0.8, 1.1), 0.02),
    "a": Shape(glyphs.LETTERS, (0.38, 0.95), (0.7, 1.15), (0.03, 0.05)),
}
_STROKES = {character: [glyphs.parse(d) for d in shape.drawings] for character, shape in _SHAPES.items()}


@dataclass(frozen=True, eq=False)
class Stock:
    """What lines are put together from."""

    digits: Digits = field(repr=False)
    papers: Papers = field(repr=False)


@dataclass(frozen=True, eq=False)
class Line:
    """One line as the network sees it.

    ink: (40, w) uint8, normalised. symbols: indices into SYMBOLS in writing order.
    """

    ink: Ink = field(repr=False)
    symbols: tuple[int, ...]


@dataclass(frozen=True)
class Hand:
    """How one writer writes one line; lengths in digit heights, `height` in pixels."""

    height: float
    middle: float
    slant: float
    turn: float
    aspect: float
    pen: float
    gap: float
    unrest: float
    drawn: float
    again: float
    ways: tuple[int, ...]
    crosses: bool
    joins: float
    type: Type = _TYPE


def make_stock(images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int = 1) -> Stock:
    """Digits from images (n, 28, 28) uint8 with labels (n,) 0-9, papers from the seed."""
    return Stock(glyphs.measure(images, labels), papers.make_papers(seed))


def make_line(stock: Stock, seed: int, index: int, cycle: int = 0) -> Line:
    """The line of this key, in about 1 ms.

    cycle: of the training. From 1 on more of the texts have currency signs and closing strokes; from 2 on
    some are printed; from 4 on more have units, per cent signs, and slashes as tall as digits.
    """
    random = Random(f"{seed}-{index}")
    text = write_text(random)
    if cycle >= 1:
        text = add_signs(text, random)
    print_some = cycle >= 2 and random.random() < PRINTED
    if print_some:
        text = print_text(random)
    elif cycle >= 4 and random.random() < MEASURED:
        text = name_unit(random)
    hand = choose_hand(random)
    if any(map(unprinted, text)):
        hand = replace(hand, type=choose_type(hand.height, random))
    strips, lefts = _set(stock, text, hand, random)
    ink, symbols = _join(stock, text, hand, strips, lefts, random)
    ink = _surround(stock, ink, hand, random)
    strength = 255 * random.uniform(0.3, 1) ** 0.7
    value = papers.lay_on_paper(ink, stock.papers, random, strength)
    value = papers.wear(value, stock.papers, random, hand.height)
    return Line(_wide_enough(normalise(value), symbols), symbols)


def columns_needed(symbols: tuple[int, ...]) -> int:
    """Columns a CTC network needs for these symbols: one each, and a blank between equal neighbours."""
    return len(symbols) + sum(a == b for a, b in pairwise(symbols))


def _wide_enough(ink: Ink, symbols: tuple[int, ...]) -> Ink:
    missing = STRIDE * (columns_needed(symbols) + 1) - ink.shape[1]
    return np.pad(ink, ((0, 0), (0, missing))) if missing > 0 else ink


# --- writing ----------------------------------------------------------------------------------------


def choose_hand(random: Random) -> Hand:
    """A way of writing at random."""
    height = random.triangular(16, 38, 30)
    spare = HEIGHT - height
    gap = random.choices(
        (
            random.uniform(0.25, 0.8),
            random.uniform(0.06, 0.28),
            random.uniform(-0.03, 0.06),
            random.uniform(-0.14, -0.02),
        ),
        (16, 46, 26, 12),
    )[0]
    return Hand(
        height=height,
        middle=HEIGHT / 2 + random.triangular(-0.5, 0.5, 0) * max(spare, 4),
        slant=random.gauss(0.18, 0.24),
        turn=random.gauss(0, 0.05),
        aspect=2 ** random.gauss(-0.08, 0.3),
        pen=random.triangular(0.045, 0.17, 0.085),
        gap=gap,
        unrest=random.uniform(0.2, 1.3),
        drawn=random.choices((0.06, 0.5, 0.95), (70, 18, 12))[0],
        again=random.choices((0.0, 0.5), (1, 1))[0],
        ways=tuple(random.randrange(12) for _ in range(10)),
        crosses=random.random() < 0.35,
        joins=random.choices((0.0, 0.5), (82, 18))[0],
    )


def _set(stock: Stock, text: str, hand: Hand, random: Random) -> tuple[list[Ink], list[float]]:
    """Each written character as a strip (40, w) and the column where it starts, in writing order."""
    strips: list[Ink] = []
    lefts: list[float] = []
    edge = np.full(HEIGHT, -1e6, np.float32)  # how far right there is ink, row by row
    space, right, centre = 0.0, 0.0, 0.0
    used: dict[str, int] = {}
    small = _small_from(text, random)
    for position, character in enumerate(text):
        if character == " ":
            space += hand.height * random.uniform(0.25, 1.0)
            continue
        strip = _glyph(stock, character, hand, used, position >= small, random)
        start, end = _outline(strip)
        gap = hand.height * (hand.gap + random.gauss(0, 0.05) * hand.unrest)
        if unprinted(character):
            gap = hand.type.capital * _SPACING
        if character in ".,-_=" and random.random() < 0.7:
            gap = hand.height * random.uniform(-0.02, 0.25)
        if strips:
            fitted = float((edge - start).max()) + gap
            first = float(start.min())
            beside = right - first + gap
            left = max(fitted * 0.8 + beside * 0.2 if fitted > -1e4 else beside, centre + 1 - first) + space
        else:
            left = 0.0
        edge = np.maximum(edge, _spread(end) + left)
        strips.append(strip)
        lefts.append(left)
        furthest = float(end.max())
        right, centre = left + furthest, left + (furthest + float(start.min())) / 2
        space = 0.0
    return strips, lefts


def _small_from(text: str, random: Random) -> int:
    """From which position on digits are written small and high, as cents on cheques are."""
    place = max(text.rfind("."), text.rfind(","))
    cents = place > 0 and 1 <= sum(c in DIGITS for c in text[place:]) <= 2
    return place + 1 if cents and random.random() < 0.4 else len(text)


def _outline(strip: Ink) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per row, the first and the last inked column; far away where a row is empty."""
    inked = strip > 80
    some = inked.any(1)
    if not some.any():
        middle = strip.shape[1] / 2
        return np.full(HEIGHT, middle, np.float32), np.full(HEIGHT, middle, np.float32)
    first = np.where(some, inked.argmax(1), 1e6).astype(np.float32)
    last = np.where(some, strip.shape[1] - inked[:, ::-1].argmax(1), -1e6).astype(np.float32)
    return first, last


def _spread(edge: NDArray[np.float32]) -> NDArray[np.float32]:
    """The edge taken over three rows to each side: ink above and below keeps its distance too."""
    return np.asarray(cv2.dilate(edge[:, None], np.ones((7, 1), np.uint8))[:, 0], np.float32)


def _glyph(
    stock: Stock, character: str, hand: Hand, used: dict[str, int], small: bool, random: Random
) -> Ink:
    if character in DIGITS:
        return _digit(stock, character, hand, used, small, random)
    if letter := unprinted(character):
        baseline = hand.middle + min(hand.height, hand.type.capital) / 2
        return draw_printed(letter, hand.type, baseline, hand.slant * _UPRIGHT, HEIGHT)
    pen = max(1.2, hand.height * hand.pen)
    if character == "~":
        return _scribble(hand, pen, random)
    shape, h = _SHAPES[character], hand.height
    place = Place(
        h * random.uniform(*shape.width),
        h * random.uniform(*shape.height),
        hand.middle + h * random.gauss(*shape.middle),
        hand.slant,
        hand.turn,
        pen * random.uniform(*shape.pen),
        HEIGHT,
    )
    return _sign(random.choice(_STROKES[character]), place, shape.unrest, random)


def _sign(
    drawing: list[tuple[bool, NDArray[np.float32]]], place: Place, amount: float, random: Random
) -> Ink:
    return glyphs.draw_strokes(glyphs.moved(drawing, amount, random), place)


def _scribble(hand: Hand, pen: float, random: Random) -> Ink:
    count = random.randint(4, 12)
    steps = [(i / count + random.gauss(0, 0.18), random.random()) for i in range(count)]
    width, height = hand.height * random.uniform(0.5, 1.8), hand.height * random.uniform(0.3, 1.1)
    place = Place(width, height, hand.middle, hand.slant, hand.turn, pen, HEIGHT)
    return glyphs.draw_strokes([glyphs.curve(np.array(steps, np.float32))], place)


def _digit(stock: Stock, digit: str, hand: Hand, used: dict[str, int], small: bool, random: Random) -> Ink:
    unrest = hand.unrest
    h = hand.height * 2 ** random.gauss(0, 0.09 * unrest)
    middle = hand.middle + random.gauss(0, 0.04 * unrest) * hand.height
    pen = max(1.2, hand.height * hand.pen * 2 ** random.gauss(0, 0.08))
    if small:
        h *= random.uniform(0.5, 0.8)
        middle -= hand.height * random.uniform(0.0, 0.25)
    slant = hand.slant + random.gauss(0, 0.07) * unrest
    turn = hand.turn + random.gauss(0, 0.04) * unrest
    stretch = hand.aspect * 2 ** random.gauss(0, 0.12 * unrest)
    if random.random() < hand.drawn:
        ways = _DRAWN[digit]
        drawing = ways[hand.ways[int(digit)] % len(ways)]
        wide = 0.32 if digit == "1" else 0.58
        place = Place(h * wide * stretch, h, middle, slant, turn, pen, HEIGHT)
        return _sign(drawing, place, 0.035 + 0.025 * unrest, random)
    of = stock.digits.of[int(digit)]
    if digit not in used or random.random() >= hand.again:
        used[digit] = int(of[random.randrange(len(of))])
    index = used[digit]
    left, top, right, bottom = stock.digits.boxes[index].tolist()
    if digit == "1" and random.random() < 0.25:
        h *= random.uniform(1, 1.3)
    width = h * stretch * (right - left) / (bottom - top)
    place = Place(min(width, 1.6 * h), h, middle, slant, turn, pen, HEIGHT)
    strip = glyphs.draw_digit(stock.digits, index, place, random.uniform(0.5, 1))
    if digit == "7" and hand.crosses:
        bar = Place(
            h * random.uniform(0.3, 0.7),
            h * 0.2,
            middle + h * random.uniform(-0.1, 0.15),
            0,
            turn,
            pen,
            HEIGHT,
        )
        strip = _over(strip, _sign(_BAR, bar, 0.06, random), random.uniform(-0.1, 0.1) * h)
    return strip


def _over(strip: Ink, other: Ink, shift: float) -> Ink:
    """Both strips, their middles `shift` pixels apart."""
    width = max(strip.shape[1], other.shape[1]) + 2 * int(abs(shift)) + 2
    both = np.zeros((HEIGHT, width), np.uint8)
    left = (width - strip.shape[1]) // 2
    both[:, left : left + strip.shape[1]] = strip
    left = (width - other.shape[1]) // 2 + int(shift)
    np.maximum(both[:, left : left + other.shape[1]], other, out=both[:, left : left + other.shape[1]])
    return both


# --- the line and what is around it -----------------------------------------------------------------


def _join(
    stock: Stock, text: str, hand: Hand, strips: list[Ink], lefts: list[float], random: Random
) -> tuple[Ink, tuple[int, ...]]:
    """The strips in one ink (40, w) with margins, neighbours' pieces, joining strokes; and its symbols."""
    symbols = list(meaning(text))
    h = hand.height
    before, after = (_margin(strips, h, random) for _ in range(2))
    first = min((left for left in lefts), default=0.0)
    last = max(
        (left + strip.shape[1] for strip, left in zip(strips, lefts, strict=True)),
        default=h * random.uniform(0.5, 5),
    )
    pieces: list[tuple[Ink, float]] = []
    if random.random() < 0.07:
        piece = _piece(stock, hand, random)
        before = piece.shape[1] + h * random.uniform(0.15, 0.5)
        pieces.append((piece, 0.0))
        if _shows(piece, h) and symbols[:1] != [OTHER]:
            symbols.insert(0, OTHER)
    width = int(last - first + before + after)
    if random.random() < 0.05:
        piece = _piece(stock, hand, random, from_left=True)
        width = int(last - first + before + h * random.uniform(0.15, 0.5)) + piece.shape[1]
        pieces.append((piece, width - piece.shape[1]))
        if _shows(piece, h) and symbols[-1:] != [OTHER]:
            symbols.append(OTHER)
    ink = np.zeros((HEIGHT, max(8, width)), np.uint8)
    for strip, left in [*((s, x - first + before) for s, x in zip(strips, lefts, strict=True)), *pieces]:
        _paste(ink, strip, left)
    written = [c for c in text if c != " "]
    for i in range(len(strips) - 1):
        pair = written[i] + written[i + 1]
        if hand.joins and pair.isdigit() and random.random() < (hand.joins if pair == "00" else 0.12):
            _connect(
                ink,
                strips[i],
                strips[i + 1],
                lefts[i] - first + before,
                lefts[i + 1] - first + before,
                pair,
                hand,
                random,
            )
    return ink, tuple(symbols)


def _margin(strips: list[Ink], height: float, random: Random) -> float:
    """Columns beside the text; a negative margin cuts into it a little."""
    kind = random.random()
    if kind < 0.08 and len(strips) > 1:
        return -height * random.uniform(0.0, 0.1)
    return height * (random.uniform(0, 0.35) if kind < 0.75 else random.uniform(0.3, 1.6))


def _piece(stock: Stock, hand: Hand, random: Random, from_left: bool = False) -> Ink:
    """The cut-off side of a neighbour's digit."""
    strip = _digit(stock, random.choice(DIGITS), hand, {}, False, random)
    inked = np.flatnonzero(strip.max(0) > 80)
    if not len(inked):
        return strip[:, :1]
    width = max(3, int((inked[-1] - inked[0]) * random.uniform(0.15, 0.45)))
    return (
        strip[:, inked[0] : inked[0] + width]
        if from_left
        else strip[:, inked[-1] + 1 - width : inked[-1] + 1]
    )


def _shows(piece: Ink, height: float) -> bool:
    """Whether a neighbour's piece is large enough to be something written."""
    return int((piece.max(1) > 80).sum()) > 0.45 * height


def _paste(ink: Ink, strip: Ink, left: float) -> None:
    start = int(left)
    first, last = max(0, start), min(ink.shape[1], start + strip.shape[1])
    if first < last:
        target = ink[:, first:last]
        np.maximum(target, strip[:, first - start : last - start], out=target)


def _connect(
    ink: Ink, one: Ink, two: Ink, left_one: float, left_two: float, pair: str, hand: Hand, random: Random
) -> None:
    """A stroke from one digit to the next: a loop over the tops of zeros, or from the end to the start."""
    (y1, x1), (y2, x2) = (_corner(strip, top=pair == "00" or i == 1) for i, strip in enumerate((one, two)))
    a, b = (x1 + left_one, y1), (x2 + left_two, y2)
    sag = hand.height * random.uniform(-0.12, 0.25)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 + sag)
    points = glyphs.curve(np.array([a, middle, b], np.float32))
    cv2.polylines(
        ink,
        [(points * 8).astype(np.int32)],
        False,
        255,
        max(1, round(hand.height * hand.pen * 0.8)),
        cv2.LINE_AA,
        3,
    )


def _corner(strip: Ink, top: bool) -> tuple[float, float]:
    """Row and column of the highest ink, or of the lowest to the right."""
    rows = np.flatnonzero(strip.max(1) > 80)
    if not len(rows):
        return HEIGHT / 2, strip.shape[1] / 2
    row = int(rows[0] + 1 if top else rows[-1] - 1) % HEIGHT
    columns = np.flatnonzero(strip[row] > 60)
    return float(row), float(columns[len(columns) // 2] if top else columns[-1]) if len(
        columns
    ) else strip.shape[1] / 2


def _surround(stock: Stock, ink: Ink, hand: Hand, random: Random) -> Ink:
    """Bend the line, and put it among rules, box edges and pieces of the lines above and below."""
    if random.random() < 0.12:
        _neighbours(stock, ink, hand, random)
    climb = random.gauss(0, 0.02) if ink.shape[1] < 300 else random.gauss(0, 0.008)
    ink = papers.bend(ink, stock.papers, random, random.uniform(0.1, 1.3), climb)
    base = hand.middle + hand.height / 2
    rows, columns = ink.shape
    if random.random() < 0.33:
        _rule(ink, base + random.gauss(0.12, 0.12) * hand.height, random)
    elif random.random() < 0.07:
        row = int(min(max(base + random.gauss(0, 0.1) * hand.height, 1), rows - 4))
        thick = random.randint(1, 3)
        ink[row : row + thick] = cv2.convertScaleAbs(ink[row : row + thick], alpha=random.uniform(0, 0.6))
    if random.random() < 0.08:
        _rule(ink, random.uniform(0, 4), random)
    if random.random() < 0.04:
        _rule(ink, rows - random.uniform(0, 3), random)
    for column in (random.uniform(0, 3), columns - random.uniform(0, 3)):
        if random.random() < 0.05:
            _upright(ink, column, random)
    if random.random() < 0.06:
        for _ in range(random.randint(1, 6)):  # dirt, smaller than a written point
            place = random.randrange(columns), random.randrange(rows)
            ink[place[1] : place[1] + 1, place[0] : place[0] + random.randint(1, 2)] = random.randint(80, 255)
    return ink


def _neighbours(stock: Stock, ink: Ink, hand: Hand, random: Random) -> None:
    above = random.random() < 0.5
    shown = random.uniform(1.5, 6)
    middle = shown - hand.height / 2 if above else HEIGHT - shown + hand.height / 2
    left = -hand.height * random.random()
    while left < ink.shape[1]:
        place = Place(
            hand.height * 0.6,
            hand.height,
            middle,
            hand.slant,
            hand.turn,
            max(1.2, hand.height * hand.pen),
            HEIGHT,
        )
        index = random.randrange(len(stock.digits.maps))
        if random.random() < 0.7:
            _paste(ink, glyphs.draw_digit(stock.digits, index, place), left)
        left += hand.height * random.uniform(0.6, 1.5)


def _rule(ink: Ink, row: float, random: Random) -> None:
    columns = ink.shape[1]
    tilt = random.gauss(0, 0.006) * columns
    start, end = 0.0, float(columns)
    if random.random() < 0.15:
        start, end = sorted(random.uniform(-0.2, 1.2) * columns for _ in range(2))
        end = max(end, start + 0.4 * columns)
    layer = np.zeros_like(ink)
    ends = [(int(x * 8), int((row + tilt * (x / columns - 0.5)) * 8)) for x in (start, end)]
    cv2.line(layer, ends[0], ends[1], random.randint(90, 255), random.choice((1, 1, 1, 2)), cv2.LINE_AA, 3)
    if random.random() < 0.2:
        cv2.line(layer, ends[0], ends[1], 255, 1, cv2.LINE_AA, 3)
        layer[:, :: random.randint(2, 5)] = 0
    np.maximum(ink, layer, out=ink)


def _upright(ink: Ink, column: float, random: Random) -> None:
    lean = random.gauss(0, 1.0)
    ends = [(int((column + lean) * 8), -8), (int((column - lean) * 8), HEIGHT * 8 + 8)]
    cv2.line(ink, ends[0], ends[1], random.randint(120, 255), random.choice((1, 1, 2)), cv2.LINE_AA, 3)
