"""Numbers from lines: the line network proposes texts, the digit network looks at every digit of each.

The two err differently. The line network sees neighbours and knows where touching digits part; the digit
network has seen each digit in many more hands and says when there is none.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import OptionError
from tenfold.reading.answers import Mark, MarkKind, Number, Prediction
from tenfold.reading.cutting import Cutout, cut_symbols, letters_beside, unread_points
from tenfold.reading.knowledge import Knowledge, texts_allowed
from tenfold.reading.linereading import Candidate, LineReading, Symbol
from tenfold.reading.pages import Line

Marks = Literal["unsure", "ignore", "thousands"]
"""What a point or comma inside a number means: perhaps a decimal mark; nothing; or groups of thousands."""

Look = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Images (n, 28, 28) to probabilities (n, 10) and (n,) of being a digit: a reader's own."""

DIGITS = "0123456789"
NEAR = 1.3  # times the height: numbers farther apart are two, whatever stands between them
BESIDE = "more is written beside it"
MAY_BE_DECIMAL = "a point or comma in it may be a decimal one"
IS_CUT = "an edge cuts a digit"
MAY_BE_ONE = "may be one number with the one beside it"
FAR_FETCHED = "far from what was read"
MISFIT = "does not fit what is known of it"
UNREAD = 0.5  # confidence of a point that was not read but is there to see


@dataclass(frozen=True)
class Weighing:
    """How the two networks' words are put together.

    looked: weight of the digit network's log probabilities beside the line network's.
    a_digit: what each digit of a text adds to its log probability. Without it too short a text wins too
        often, as in speech recognition, where it is known as the word insertion bonus.
    texts: how many of the line network's texts the digit network looks at; alternatives: how many are told.
    unlikely: texts less likely than this, beside the best, are not looked at.
    missed: a sign beside the digits that looks more like a digit than this makes the number unsure.
    letters: where more than this was written beside the digits as one word with them (in heights of theirs),
        the number is unsure: one letter of a word looks like a digit sooner or later.
    empty: a line that holds no digit at all with more than this probability gives no number.
    marked: where a mark that changes the value is likelier than this, seen or not, the number is unsure.
    """

    looked: float = 0.2
    a_digit: float = 1.5
    texts: int = 6
    alternatives: int = 4
    unlikely: float = 1e-3
    missed: float = 0.5
    letters: float = 1.2
    empty: float = 0.5
    marked: float = 0.1


@dataclass(frozen=True, eq=False)
class _Text:
    """One way to read a line: symbols with their ink, each digit's probabilities, and a score (log)."""

    digits: tuple[Symbol, ...]
    marks: tuple[tuple[Symbol, int], ...]
    cutouts: tuple[Cutout, ...]
    mark_boxes: tuple[Cutout, ...]
    probabilities: NDArray[np.float32]  # (digits, 10)
    is_digit: NDArray[np.float32]  # (digits,)
    score: float
    missed: float  # how much the likeliest of the other signs looks like a digit, 0-1

    @property
    def text(self) -> str:
        return "".join(DIGITS[p] for p in self.probabilities.argmax(axis=1))


def numbers_of(
    lines: Sequence[Line],
    readings: Sequence[LineReading],
    look: Look,
    threshold: float,
    knowledge: Knowledge,
    marks: Marks = "unsure",
    weighing: Weighing = Weighing(),
) -> list[Number]:
    """The numbers on lines, a line's own reading beside it; lines without a digit give none.

    threshold: confidence below which a digit or a number is unsure.

    Raises OptionError on an unknown use of marks.
    """
    if marks not in get_args(Marks):
        raise OptionError(f"marks are one of {', '.join(get_args(Marks))}, got {marks!r}")
    ways = [_ways(line, reading, weighing) for line, reading in zip(lines, readings, strict=True)]
    images = [piece.image for texts in ways for _, digits, others in texts for piece in (*digits, *others)]
    if not images:
        return []
    seen, is_digit = look(np.stack(images))
    numbers, start = [], 0
    for line, reading, texts in zip(lines, readings, ways, strict=True):
        weighed = []
        for candidate, cutouts, mark_boxes in texts:
            part = slice(start, start + len(cutouts) + len(mark_boxes))
            start = part.stop
            weighed.append(_weigh(candidate, cutouts, mark_boxes, seen[part], is_digit[part], weighing))
        if weighed:
            written = 1 - _emptiness(reading)
            number = _number(line, weighed, written, threshold, knowledge, marks, weighing)
            numbers.append((line.row, number))
    return _doubted(numbers, marks)


def _doubted(numbers: Sequence[tuple[int, Number]], marks: Marks) -> list[Number]:
    """The numbers, each given with its row; unsure where two may be one number with a decimal mark in it.

    So near to each other, only a gap a little wider than usual made them two.
    """
    doubtful = set()
    for left, ((row, one), (next_row, other)) in enumerate(pairwise(numbers)):
        if row == next_row and _gap(one, other) < NEAR and marks != "ignore":
            points = [*_points(one.marks), *(len(one.text) + position for position in _points(other.marks))]
            if len(one.text) in points or _parts_wrongly(points, len(one.text + other.text), marks):
                doubtful |= {left, left + 1}
    return [doubted(n, MAY_BE_ONE) if i in doubtful else n for i, (_, n) in enumerate(numbers)]


def doubted(number: Number, *why: str) -> Number:
    """The number, unsure for these reasons too."""
    return replace(number, unsure=True, notes=(*number.notes, *why)) if why else number


def _points(marks: Sequence[Mark]) -> list[int]:
    """Where among the digits points and commas stand."""
    return [mark.position for mark in marks if mark.kind in ("point", "comma")]


def _gap(one: Number, other: Number) -> float:
    """The paper between a number and the next to its right, as a share of their height."""
    left, right = np.array(one.box), np.array(other.box)
    height = max(math.dist(left[1], left[2]), math.dist(right[0], right[3]), 1.0)
    return math.dist((left[1] + left[2]) / 2, (right[0] + right[3]) / 2) / height


def _emptiness(reading: LineReading) -> float:
    """How likely a line holds no digit at all, 0-1."""
    without = sum(c.probability for c in reading.candidates if not c.text)
    return without / max(sum(c.probability for c in reading.candidates), 1e-12)


_Way = tuple[Candidate, tuple[Cutout, ...], tuple[Cutout, ...]]


def _ways(line: Line, reading: LineReading, weighing: Weighing) -> list[_Way]:
    """The line network's likeliest texts with a digit in them, cut into their symbols."""
    ways: list[_Way] = []
    if _emptiness(reading) > weighing.empty:
        return ways
    best = max((c.probability for c in reading.candidates), default=0.0)
    for candidate in reading.candidates[: weighing.texts]:
        if candidate.probability < weighing.unlikely * best:
            continue
        if not any(symbol.kind in DIGITS for symbol in candidate.symbols):
            continue
        pieces = cut_symbols(line.image, [symbol.centre for symbol in candidate.symbols])
        both = list(zip(candidate.symbols, pieces, strict=True))
        digits = tuple(piece for symbol, piece in both if symbol.kind in DIGITS)
        others = tuple(piece for symbol, piece in both if symbol.kind not in DIGITS)
        ways.append((candidate, digits, others))
    return ways


def _weigh(
    candidate: Candidate,
    cutouts: tuple[Cutout, ...],
    mark_boxes: tuple[Cutout, ...],
    seen: NDArray[np.float32],
    is_digit: NDArray[np.float32],
    weighing: Weighing,
) -> _Text:
    """Put together what both networks say of one text."""
    digits = tuple(symbol for symbol in candidate.symbols if symbol.kind in DIGITS)
    marks, position = [], 0
    for symbol in candidate.symbols:
        if symbol.kind in DIGITS:
            position += 1
        else:
            marks.append((symbol, position))
    rest = slice(len(digits), None)
    others = np.array([symbol.kind == "other" for symbol, _ in marks], bool)
    missed = float((seen[rest].max(axis=1) * is_digit[rest])[others].max(initial=0.0))
    seen, is_digit = seen[: len(digits)], is_digit[: len(digits)]
    line_says = np.stack([symbol.probabilities[:10] for symbol in digits]) + 1e-6
    chosen = [int(symbol.kind) for symbol in digits]
    looked = weighing.looked * np.log(seen + 1e-6)
    mixed = np.log(line_says) + looked
    probabilities = np.exp(mixed - mixed.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    score = (
        math.log(max(candidate.probability, 1e-12))
        + float(looked[np.arange(len(chosen)), chosen].sum())
        + weighing.a_digit * len(chosen)
    )
    as_digit = 1 - (1 - is_digit) * (1 - np.minimum(line_says.sum(axis=1), 1))
    return _Text(
        digits,
        tuple(marks),
        cutouts,
        mark_boxes,
        probabilities.astype(np.float32),
        as_digit.astype(np.float32),
        score,
        missed,
    )


def _number(
    line: Line,
    texts: Sequence[_Text],
    written: float,
    threshold: float,
    knowledge: Knowledge,
    marks: Marks,
    weighing: Weighing,
) -> Number:
    """The best text of a line as a Number, with the others as alternatives."""
    posterior = _posterior(texts)
    ranked = sorted(posterior.items(), key=lambda item: -item[1][1])
    raw, (best, share) = ranked[0]
    text, rule = raw, None
    if knowledge:
        text, best, share, rule = _known(texts, knowledge, raw, best, share)
    digits = tuple(
        _digit(line, symbol, cutout, p, float(d), int(chosen), threshold)
        for symbol, cutout, p, d, chosen in zip(
            best.digits, best.cutouts, best.probabilities, best.is_digit, text, strict=True
        )
    )
    found = _with_unread(line, best, _marks(line, best))
    confidence = min([share * written, *(digit.confidence for digit in digits)])
    pieces = (*best.cutouts, *best.mark_boxes)
    boxes = np.array([piece.box for piece in pieces])
    around = (boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max())
    others = [(other, float(p)) for other, (_, p) in ranked if other != text]
    number = Number(
        text,
        float(confidence),
        bool(confidence < threshold),
        line.polygon(tuple(float(v) for v in around)),  # type: ignore[arg-type]
        digits,
        tuple(others[: weighing.alternatives]),
        found,
        rule=rule,
        raw=raw,
    )
    doubts = _doubts(found, len(text), marks) | _hidden(line, texts, text, marks, weighing.marked)
    if best.missed > weighing.missed or letters_beside(line.image, pieces) > weighing.letters:
        doubts.add(BESIDE)
    if not knowledge.vouches_for(text, raw):
        doubts.add(MISFIT if text == raw else FAR_FETCHED)
    return doubted(number, *sorted(doubts))


def _posterior(texts: Sequence[_Text]) -> dict[str, tuple[_Text, float]]:
    """Each text of digits with its likeliest way of cutting and its probability among all.

    Besides the line network's own texts, each of them with one digit exchanged for its next best.
    """
    scores = np.array([text.score for text in texts])
    weights = np.exp(scores - scores.max())
    found: dict[str, tuple[_Text, float]] = {}
    for text, weight in zip(texts, weights, strict=True):
        for told, share in _exchanges(text):
            likely = float(weight) * share
            if told not in found or likely > found[told][1]:
                found[told] = (text, likely)
    total = sum(share for _, share in found.values())
    return {told: (way, share / total) for told, (way, share) in found.items()}


def _exchanges(text: _Text) -> list[tuple[str, float]]:
    """A text, and it with one digit exchanged for the next best: each with its share of the text's weight."""
    order = np.argsort(-text.probabilities, axis=1)
    first = [int(row[0]) for row in order]
    options = [("".join(map(str, first)), 1.0)]
    for place, row in enumerate(order):
        second = int(row[1])
        ratio = float(text.probabilities[place, second] / text.probabilities[place, first[place]])
        options.append(("".join(str(second if i == place else d) for i, d in enumerate(first)), ratio))
    return options


def _known(
    texts: Sequence[_Text], knowledge: Knowledge, raw: str, best: _Text, share: float
) -> tuple[str, _Text, float, str]:
    """The likeliest text that fits what is known; the raw one, marked, where none does."""
    options: list[tuple[float, str, _Text]] = []
    for text in texts:
        base = text.score - float(np.log(text.probabilities.max(axis=1)).sum())
        options += [
            (base + log, told, text) for told, log in texts_allowed(knowledge, text.probabilities, 30)
        ]
    if not options:
        return raw, best, share, f"{knowledge.name}: nothing fits"
    options.sort(key=lambda option: -option[0])
    scores = np.array([score for score, _, _ in options])
    weights = np.exp(scores - scores[0])
    told, way = options[0][1], options[0][2]
    same = float(weights[[option[1] == told for option in options]].sum())
    return told, way, same / float(weights.sum()), knowledge.name


def _digit(
    line: Line,
    symbol: Symbol,
    cutout: Cutout,
    probabilities: NDArray[np.float32],
    is_digit: float,
    chosen: int,
    threshold: float,
) -> Prediction:
    confidence = float(probabilities[chosen]) * is_digit
    return Prediction(
        chosen,
        DIGITS[chosen],
        confidence,
        confidence < threshold,
        probabilities,
        cutout.image,
        box=line.polygon(cutout.box),
        is_digit=is_digit,
    )


def _marks(line: Line, text: _Text) -> tuple[Mark, ...]:
    """What stands among the digits, and where the picture's edge cuts them."""
    found = [
        Mark(_kind(symbol.kind), position, line.polygon(cutout.box), float(symbol.confidence))
        for (symbol, position), cutout in zip(text.marks, text.mark_boxes, strict=True)
    ]
    edges = line.touches_edge
    if edges.left:
        found.insert(0, Mark("cut", 0, line.polygon(text.cutouts[0].box), 1.0))
    if edges.right or edges.top or edges.bottom:
        found.append(Mark("cut", len(text.digits), line.polygon(text.cutouts[-1].box), 1.0))
    return tuple(found)


def _with_unread(line: Line, text: _Text, found: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """The marks with those that were not read but are there to see."""
    unread = [
        Mark("point", position, line.polygon(box), UNREAD)
        for position, box in unread_points(line.image, text.cutouts, text.mark_boxes)
    ]
    return tuple(sorted([*found, *unread], key=lambda mark: mark.position))


def _hidden(line: Line, texts: Sequence[_Text], text: str, marks: Marks, most: float) -> set[str]:
    """The doubts, likelier than `most`, of other ways to read the same digits, with marks unlike the best's.

    A text that no way reads, but with one digit exchanged, stands where others of its length do.
    """
    ways = [way for way in texts if way.text == text] or [w for w in texts if len(w.digits) == len(text)]
    weights = np.exp(np.array([way.score for way in ways]) - max(way.score for way in ways))
    shares: dict[str, float] = {}
    for way, weight in zip(ways, weights / weights.sum(), strict=True):
        for why in _doubts(_marks(line, way), len(text), marks):
            shares[why] = shares.get(why, 0.0) + float(weight)
    return {why for why, share in shares.items() if share > most}


def _kind(kind: str) -> MarkKind:
    return kind if kind in ("point", "comma", "minus") else "other"  # type: ignore[return-value]


def _doubts(found: Sequence[Mark], length: int, marks: Marks) -> set[str]:
    """Why marks may give a text another value: a cut digit, other ink, a decimal point or comma."""
    doubts = {IS_CUT} if any(mark.kind == "cut" for mark in found) else set()
    if marks == "ignore":
        return doubts
    if any(mark.kind == "other" for mark in found):
        doubts.add(BESIDE)
    if _parts_wrongly(_points(found), length, marks):
        doubts.add(MAY_BE_DECIMAL)
    return doubts


def _parts_wrongly(points: Sequence[int], length: int, marks: Marks) -> bool:
    """Whether a point or comma before a text's last digit may be a decimal one."""
    places = [position for position in points if position < length]
    if marks == "thousands":
        return any(position == 0 or (length - position) % 3 for position in places)
    return bool(places)
