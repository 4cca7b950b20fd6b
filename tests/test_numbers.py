"""Numbers from what two networks say of a line: by hand with made readings, then as a reader reads pages."""

import io
import re
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tenfold
from makers.mnist import handwriting
from makers.pages import MadePage, crop, empty_page, page
from tenfold.errors import OptionError
from tenfold.reading import Number, Reader
from tenfold.reading.knowledge import Knowledge
from tenfold.reading.linereading import SYMBOLS, Candidate, LineReading, Symbol
from tenfold.reading.numbers import Look, Weighing, numbers_of
from tenfold.reading.pages import Edges, Line

SLOT = 40  # columns a symbol of the made lines takes
NOTHING = Knowledge()
PLAIN = np.eye(3)
WHOLE = Edges()


def line(
    places: int,
    edges: Edges = WHOLE,
    to_page: np.ndarray = PLAIN,
    page_size: tuple[int, int] = (2000, 2000),
) -> Line:
    """A strip with an upright stroke in the middle of each slot."""
    image = np.zeros((60, SLOT * places), np.uint8)
    for k in range(places):
        cv2.line(image, (SLOT * k + 20, 12), (SLOT * k + 20, 48), 255, 5)
    return Line(image, to_page, page_size, 0, 36.0, edges)


def symbol(kind: str, place: int, sure: float = 0.98, rival: str | None = None) -> Symbol:
    """What stands in one slot; what it is not is spread over all others, or goes to one rival."""
    chances = np.full(len(SYMBOLS), 0.0 if rival else (1 - sure) / (len(SYMBOLS) - 1), np.float32)
    chances[SYMBOLS.index(kind)] = sure
    if rival:
        chances[SYMBOLS.index(rival)] = 1 - sure
    return Symbol(kind, SLOT * place + 20.0, sure, chances)


def way(signs: str, probability: float, sure: float = 0.98) -> Candidate:
    """One way to read a line: digits, ".", ",", "-", and "x" for other ink, a slot each."""
    kinds = {".": "point", ",": "comma", "-": "minus", "x": "other"}
    return Candidate(
        tuple(symbol(kinds.get(sign, sign), place, sure) for place, sign in enumerate(signs)), probability
    )


def reading(*ways: Candidate) -> LineReading:
    return LineReading(tuple(ways))


def seeing(*pieces: tuple[int, float, float]) -> Look:
    """A digit network that says of each piece, in order: this digit, this surely, this likely a digit."""

    def look(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert images.shape == (len(pieces), 28, 28)
        assert images.dtype == np.uint8
        probabilities = np.array([np.full(10, (1 - sure) / 9) for _, sure, _ in pieces], np.float32)
        for row, (digit, sure, _) in zip(probabilities, pieces, strict=True):
            row[digit] = sure
        return probabilities, np.array([likely for _, _, likely in pieces], np.float32)

    return look


def agreeing(*texts: str) -> Look:
    """A digit network that sees just the digits of each way to read, and no digit in the other signs."""
    pieces = []
    for text in texts:
        pieces += [(int(sign), 0.98, 0.99) for sign in text if sign.isdigit()]
        pieces += [(0, 0.3, 0.02) for sign in text if not sign.isdigit()]
    return seeing(*pieces)


def one(signs: str, edges: Edges = WHOLE, knowledge: Knowledge = NOTHING, marks: str = "unsure") -> Number:
    """The number of a line that both networks read alike and without doubt."""
    made = line(len(signs), edges)
    (number,) = numbers_of([made], [reading(way(signs, 0.97))], agreeing(signs), 0.5, knowledge, marks)
    return number


# ---- plain numbers


def test_what_both_networks_say_is_the_number() -> None:
    number = one("1240")
    assert (number.text, number.raw, number.rule, number.marks) == ("1240", "1240", None, ())
    assert number.confidence > 0.9
    assert not number.unsure
    assert [digit.label for digit in number.digits] == list("1240")
    for place, digit in enumerate(number.digits):
        assert digit.digit == int("1240"[place])
        assert digit.confidence == pytest.approx(digit.probabilities.max(), abs=0.01)
        assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert digit.image.max() == 255
        assert digit.box is not None
        (left, top), (right, _), (_, bottom), _ = digit.box
        assert SLOT * place + 15 <= left < right <= SLOT * place + 25
        assert 8 <= top < bottom <= 52
    (left, top), _, (right, bottom), _ = number.box
    assert (left, right) == (number.digits[0].box[0][0], number.digits[-1].box[1][0])  # type: ignore[index]


def test_boxes_are_in_the_users_picture() -> None:
    there = np.array([[2.0, 0, 100], [0, 2.0, 300], [0, 0, 1]])
    numbers = [
        numbers_of([line(2, to_page=way_)], [reading(way("12", 0.9))], agreeing("12"), 0.5, NOTHING)[0]
        for way_ in (PLAIN, there)
    ]
    for here, moved in zip(
        [numbers[0].box, *(digit.box for digit in numbers[0].digits)],
        [numbers[1].box, *(digit.box for digit in numbers[1].digits)],
        strict=True,
    ):
        assert np.abs(np.array(moved) - (2 * np.array(here) + (100, 300))).max() < 1.01


def test_several_lines_are_looked_at_at_once_and_keep_their_order() -> None:
    asked = []
    texts = ("12", "x", "345", "6")

    def look(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(len(images))
        return agreeing("12", "345", "6")(images)

    numbers = numbers_of(
        [line(len(text)) for text in texts], [reading(way(text, 0.9)) for text in texts], look, 0.5, NOTHING
    )
    assert [number.text for number in numbers] == ["12", "345", "6"]
    assert asked == [6]


def test_lines_without_a_digit_give_none_and_nothing_is_asked() -> None:
    def look(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("asked")

    readings = [reading(way("", 1.0)), reading(way("xx", 0.9)), reading(way(".-", 0.9), way("", 0.1))]
    assert numbers_of([line(2)] * 3, readings, look, 0.5, NOTHING) == []
    assert numbers_of([], [], look, 0.5, NOTHING) == []


def test_a_line_that_more_likely_holds_no_digit_gives_none() -> None:
    likely_empty = reading(way("x", 0.6), way("7", 0.3))
    assert numbers_of([line(1)], [likely_empty], agreeing("7"), 0.5, NOTHING) == []
    (number,) = numbers_of([line(1)], [reading(way("7", 0.6), way("x", 0.3))], agreeing("7"), 0.7, NOTHING)
    assert number.text == "7"
    assert number.confidence <= 0.67
    assert number.unsure


def test_the_digit_network_may_overrule_the_line_network() -> None:
    said = Candidate((symbol("1", 0, 0.6, rival="7"), symbol("4", 1)), 0.9)
    (number,) = numbers_of([line(2)], [reading(said)], seeing((7, 0.99, 1), (4, 0.99, 1)), 0.5, NOTHING)
    assert number.text == number.raw == "74"
    assert number.alternatives[0][0] == "14"


# ---- confidence


@settings(deadline=None, max_examples=60)
@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 9), st.floats(0.1, 1), st.floats(0, 1), st.floats(0.1, 1)),
        min_size=1,
        max_size=6,
    ),
    threshold=st.floats(0, 1),
    probability=st.floats(1e-6, 1),
    data=st.data(),
)
def test_a_weak_digit_cannot_hide(
    pieces: list[tuple[int, float, float, float]], threshold: float, probability: float, data: st.DataObject
) -> None:
    signs = data.draw(st.text("0123456789", min_size=len(pieces), max_size=len(pieces)))
    said = Candidate(
        tuple(symbol(sign, k, piece[3]) for k, (sign, piece) in enumerate(zip(signs, pieces, strict=True))),
        probability,
    )
    look = seeing(*[piece[:3] for piece in pieces])
    (number,) = numbers_of([line(len(pieces))], [reading(said)], look, threshold, NOTHING)
    assert len(number.digits) == len(number.text) == len(pieces)
    assert 0 <= number.confidence <= min(digit.confidence for digit in number.digits) <= 1
    assert all(digit.unsure == (digit.confidence < threshold) for digit in number.digits)
    assert number.unsure or not any(digit.unsure for digit in number.digits)
    assert "".join(digit.label for digit in number.digits) == number.text
    shares = [share for _, share in number.alternatives]
    assert shares == sorted(shares, reverse=True)
    assert number.text not in [text for text, _ in number.alternatives]
    assert sum(shares) <= 1.001


def test_one_weak_digit_among_sure_ones_makes_the_number_as_weak() -> None:
    said = Candidate((symbol("1", 0), symbol("2", 1, 0.5, rival="3"), symbol("4", 2)), 0.95)
    (number,) = numbers_of(
        [line(3)], [reading(said)], seeing((1, 0.99, 1), (2, 0.5, 1), (4, 0.99, 1)), 0.5, NOTHING
    )
    assert number.digits[0].confidence > 0.95
    assert number.confidence <= number.digits[1].confidence < 0.95
    doubted = seeing((1, 0.99, 1), (2, 0.99, 0.01), (4, 0.99, 1))
    half = Candidate((symbol("1", 0), symbol("2", 1, 0.5, rival="other"), symbol("4", 2)), 0.95)
    (number,) = numbers_of([line(3)], [reading(half)], doubted, 0.6, NOTHING)
    assert number.digits[1].unsure
    assert number.unsure


def test_the_next_best_texts_are_told_likeliest_first() -> None:
    ways = reading(way("1240", 0.5), way("7240", 0.3), way("124", 0.15), way("72", 0.000001))
    (number,) = numbers_of([line(4)], [ways], agreeing("1240", "7240", "124"), 0.8, NOTHING)
    assert number.text == "1240"
    assert [text for text, _ in number.alternatives[:2]] == ["7240", "124"]
    assert len(number.alternatives) <= 4
    assert number.unsure
    weights = np.array([0.5, 0.3, 0.15 * np.exp(-Weighing.a_digit)])  # a digit less is less likely
    shares = [number.confidence, *(share for _, share in number.alternatives[:2])]
    assert shares == pytest.approx(list(weights / weights.sum()), abs=0.04)


def test_one_digit_exchanged_for_its_next_best_is_an_alternative() -> None:
    said = Candidate((symbol("1", 0, 0.8, rival="7"), symbol("4", 1)), 0.95)
    (number,) = numbers_of([line(2)], [reading(said)], seeing((1, 0.1, 1), (4, 0.99, 1)), 0.5, NOTHING)
    assert number.text == "14"
    assert number.alternatives[0][0] == "74"
    assert number.confidence + number.alternatives[0][1] <= 1.001


# ---- marks


@pytest.mark.parametrize("sign", [".", ","])
@pytest.mark.parametrize(
    ("signs", "position", "thousands"),
    [("12{}50", 2, True), ("1{}240", 1, False), ("12{}500", 2, False), ("{}50", 0, True), ("1{}5", 1, True),
     ("{}500", 0, True), ("1240{}5", 4, True)],
)  # fmt: skip
def test_what_may_be_a_decimal_mark_makes_the_number_unsure(
    sign: str, signs: str, position: int, thousands: bool
) -> None:
    signs = signs.format(sign)
    number = one(signs)
    assert number.text == signs.replace(sign, "")
    assert number.unsure
    assert number.confidence > 0.75
    (mark,) = number.marks
    assert (mark.kind, mark.position) == ({".": "point", ",": "comma"}[sign], position)
    assert mark.confidence == pytest.approx(0.98)
    left, right = mark.box[0][0], mark.box[1][0]
    assert SLOT * signs.index(sign) <= left < right <= SLOT * (signs.index(sign) + 1)
    assert one(signs, marks="thousands").unsure is thousands
    ignored = one(signs, marks="ignore")
    assert not ignored.unsure
    assert ignored.marks[0].kind == mark.kind


def test_two_groups_of_thousands_are_let_pass_and_a_wrong_one_is_not() -> None:
    assert one("1.240.500").unsure
    assert not one("1.240.500", marks="thousands").unsure
    assert one("1.240.50", marks="thousands").unsure
    assert [mark.position for mark in one("1.240.500").marks] == [1, 4]


@pytest.mark.parametrize(("signs", "position"), [("1240.", 4), ("-1240", 0), ("12-40", 2), ("1240-", 4)])
def test_a_full_stop_or_a_minus_is_shown_and_leaves_the_digits_sure(signs: str, position: int) -> None:
    number = one(signs)
    assert number.text == "1240"
    assert not number.unsure
    assert [(mark.kind, mark.position) for mark in number.marks] == [
        ("point" if "." in signs else "minus", position)
    ]


@pytest.mark.parametrize(("signs", "position"), [("x1240", 0), ("12x40", 2), ("1240x", 4), ("xx1", 0)])
def test_other_ink_is_shown_and_makes_the_number_unsure(signs: str, position: int) -> None:
    number = one(signs)
    assert number.text == signs.replace("x", "")
    assert number.unsure
    assert {(mark.kind, mark.position) for mark in number.marks} == {("other", position)}


def test_other_ink_that_looks_like_a_digit_is_never_ignored() -> None:
    ways = [reading(way("x124", 0.97))]
    digits = [(1, 0.98, 0.99), (2, 0.98, 0.99), (4, 0.98, 0.99)]
    for looks, unsure in ((0.95, True), (0.05, False)):
        look = seeing(*digits, (7, 0.99, looks))
        (number,) = numbers_of([line(4)], ways, look, 0.5, NOTHING, "ignore")
        assert number.text == "124"
        assert number.unsure is unsure


@pytest.mark.parametrize(
    ("without", "with_it", "unsure"), [(0.6, 0.35, True), (0.7, 0.2, True), (0.95, 0.01, False)]
)
def test_a_mark_that_may_be_there_makes_the_number_unsure_too(
    without: float, with_it: float, unsure: bool
) -> None:
    ways = reading(way("1250", without), way("12.50", with_it))
    (number,) = numbers_of([line(5)], [ways], agreeing("1250", "12.50"), 0.5, NOTHING)
    assert (number.text, number.marks) == ("1250", ())
    assert number.unsure is unsure
    (number,) = numbers_of([line(5)], [ways], agreeing("1250", "12.50"), 0.5, NOTHING, "ignore")
    assert not number.unsure


def test_of_two_ways_to_read_one_text_the_likelier_one_is_shown() -> None:
    ways = reading(way("1250", 0.5), way("12.50", 0.45))
    doubtful = seeing(
        *[(int(d), 0.6, 0.99) for d in "1250"], *[(int(d), 0.99, 0.99) for d in "1250"], (0, 0.3, 0)
    )
    (number,) = numbers_of([line(5)], [ways], doubtful, 0.5, NOTHING)
    assert number.text == "1250"
    assert [mark.kind for mark in number.marks] == ["point"]


def word(strokes: int, gap: int) -> Line:
    """A strip of upright strokes, each 36 tall and 5 wide, the gap after the first as given."""
    image = np.zeros((60, 400), np.uint8)
    for left in (20, *(25 + gap + 13 * k for k in range(strokes - 1))):
        image[12:48, left : left + 5] = 255
    return Line(image, PLAIN, (2000, 2000), 0, 36.0, WHOLE)


@pytest.mark.parametrize(
    ("strokes", "gap", "unsure"), [(7, 8, True), (3, 8, False), (9, 20, False)], ids=["word", "sign", "apart"]
)
def test_one_letter_of_a_word_that_looks_like_a_digit_is_never_sure(
    strokes: int, gap: int, unsure: bool
) -> None:
    read = Candidate((replace(symbol("1", 0), centre=22.0),), 1.0)
    (number,) = numbers_of([word(strokes, gap)], [reading(read)], agreeing("1"), 0.8, NOTHING)
    assert number.text == "1"
    assert number.unsure is unsure
    assert number.notes == (("more is written beside it",) if unsure else ())


def test_ink_too_far_away_to_be_a_piece_of_a_digit_is_none_of_its() -> None:
    read = Candidate((replace(symbol("1", 0), centre=22.0),), 1.0)
    (number,) = numbers_of([word(5, 30)], [reading(read)], agreeing("1"), 0.8, NOTHING)
    assert max(x for x, _ in number.box) < 40


@pytest.mark.parametrize(("signs", "point"), [("12 50", 2), ("1 250", 1), ("12-5 0", 3)])
def test_a_point_that_was_not_read_is_a_mark_like_any_other(signs: str, point: int) -> None:
    slot = signs.index(" ")
    made = line(len(signs))
    made.image[:, SLOT * slot : SLOT * (slot + 1)] = 0
    made.image[48:52, SLOT * slot + 18 : SLOT * slot + 22] = 255
    places = [(place, sign) for place, sign in enumerate(signs) if sign != " "]
    read = Candidate(tuple(symbol("minus" if s == "-" else s, place) for place, s in places), 0.97)
    for marks, unsure in (("unsure", True), ("thousands", point != 1), ("ignore", False)):
        look = agreeing(signs.replace(" ", ""))
        (number,) = numbers_of([made], [reading(read)], look, 0.5, NOTHING, marks)
        mark = number.marks[-1]
        assert (number.text, mark.kind, mark.position) == (re.sub(r"\D", "", signs), "point", point)
        assert np.abs(np.array(mark.box[0]) - (SLOT * slot + 18, 48)).max() < 1.01
        assert number.unsure is unsure


@pytest.mark.parametrize(
    ("one_", "other", "gap", "unsure", "thousands"),
    [
        ("12", ".50", 0.8, True, True),
        ("12", ".50", 1.6, False, False),
        ("12", "50", 0.8, False, False),
        ("1,25", "0", 0.8, True, False),
        ("1,25", "00", 0.8, True, True),
        ("1,", "250", 0.8, True, True),
        ("12.", "50", 1.6, False, False),
        ("1-", "250", 0.8, False, False),
    ],
)
def test_two_numbers_that_may_be_one_with_a_decimal_mark_in_it_are_unsure(
    one_: str, other: str, gap: float, unsure: bool, thousands: bool
) -> None:
    right, (left, top), (_, bottom) = one(one_).box[1][0], one(other).box[0], one(other).box[3]
    moved = np.array([[1.0, 0, right - left + gap * (bottom - top)], [0, 1, 0], [0, 0, 1]])
    lines = [line(len(one_)), line(len(other), to_page=moved)]
    readings = [reading(way(one_, 0.97)), reading(way(other, 0.97))]
    for marks, doubtful in (("unsure", unsure), ("thousands", thousands), ("ignore", False)):
        numbers = numbers_of(lines, readings, agreeing(one_, other), 0.5, NOTHING, marks)
        alone = [one(signs, marks=marks).unsure for signs in (one_, other)]
        assert [number.unsure for number in numbers] == [own or doubtful for own in alone]
        below = replace(lines[1], row=1)
        numbers = numbers_of([lines[0], below], readings, agreeing(one_, other), 0.5, NOTHING, marks)
        assert [number.unsure for number in numbers] == alone


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
@pytest.mark.parametrize("marks", ["unsure", "thousands", "ignore"])
def test_a_digit_that_the_edge_cuts_is_told_and_makes_the_number_unsure(side: str, marks: str) -> None:
    number = one("124", Edges(**{side: True}), marks=marks)
    assert number.unsure
    (mark,) = number.marks
    assert (mark.kind, mark.position) == ("cut", 0 if side == "left" else 3)
    assert mark.box == number.digits[0 if side == "left" else -1].box
    assert not one("124", marks=marks).unsure


def test_an_unknown_use_of_marks_is_refused() -> None:
    with pytest.raises(OptionError, match="marks are one of unsure, ignore, thousands, got 'drop'"):
        one("12", marks="drop")


# ---- knowledge


def doubtful(knowledge: Knowledge) -> Number:
    """A line read as 17, or a little less likely as 18, or as 170."""
    first = Candidate((symbol("1", 0), symbol("7", 1, 0.6, rival="8")), 0.8)
    ways = reading(first, way("170", 0.02))
    look = seeing((1, 0.99, 1), (7, 0.1, 1), (1, 0.99, 1), (7, 0.9, 1), (0, 0.9, 1))
    (number,) = numbers_of([line(3)], [ways], look, 0.1, knowledge)
    return number


def test_nothing_is_corrected_unless_it_is_asked_for() -> None:
    number = doubtful(NOTHING)
    assert (number.text, number.raw, number.rule) == ("17", "17", None)
    assert number.alternatives[0][0] == "18"


@pytest.mark.parametrize(
    ("known", "text", "rule"),
    [
        (Knowledge(check="luhn"), "18", "luhn"),
        (Knowledge(length=3), "170", "length 3"),
        (Knowledge(ids=frozenset({"18", "99", "1234"})), "18", "ids"),
        (Knowledge(ids=frozenset({"170", "99"})), "170", "ids"),
        (Knowledge(2, "luhn", frozenset({"18", "26"})), "18", "length 2, luhn, ids"),
    ],
)
def test_what_is_known_chooses_and_the_raw_reading_stays(known: Knowledge, text: str, rule: str) -> None:
    number = doubtful(known)
    assert (number.text, number.raw, number.rule) == (text, "17", rule)
    assert [digit.label for digit in number.digits] == list(text)
    assert len(number.digits) == len(text)
    assert number.confidence <= min(digit.confidence for digit in number.digits)
    assert "17" in [told for told, _ in number.alternatives]


def test_what_is_known_and_already_read_changes_nothing_but_the_rule() -> None:
    plain, known = doubtful(NOTHING), doubtful(Knowledge(length=2))
    assert (known.text, known.raw, known.rule) == (plain.text, plain.raw, "length 2")
    assert known.confidence >= plain.confidence
    sure = one("18", knowledge=Knowledge(check="luhn"))
    assert (sure.text, sure.rule, sure.unsure) == ("18", "luhn", False)


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        (Knowledge(length=7), "length 7: nothing fits"),
        (Knowledge(ids=frozenset({"1234567"})), "ids: nothing fits"),
    ],
)
def test_where_nothing_fits_the_raw_reading_stands_unsure(known: Knowledge, rule: str) -> None:
    number = one("18", knowledge=known)
    assert (number.text, number.raw, number.rule, number.unsure) == ("18", "18", rule, True)


def test_a_check_digit_alone_does_not_make_a_dropped_digit_sure() -> None:
    ways = reading(way("1815", 0.5), way("18", 0.49))
    look = seeing(*[(int(digit), 0.99, 1) for digit in "181518"])
    found = [
        numbers_of([line(4)], [ways], look, 0.1, known)[0]
        for known in (Knowledge(check="luhn"), Knowledge(check="luhn", length=2))
    ]
    assert [(number.text, number.raw) for number in found] == [("18", "1815")] * 2
    assert [number.unsure for number in found] == [True, False]


def test_an_id_far_from_the_ink_is_never_sure() -> None:
    number = one("1240", knowledge=Knowledge(ids=frozenset({"9876"})))
    assert (number.text, number.raw, number.rule) == ("9876", "1240", "ids")
    assert number.confidence < 0.01
    assert number.unsure


# ---- real lines and pages


@pytest.fixture(scope="module")
def reader() -> Reader:
    return tenfold.load()


def matched(made: MadePage, numbers: tuple[Number, ...]) -> int:
    """How many made numbers were read exactly where they stand."""
    found = 0
    for truth in made.numbers:
        middle = np.mean(truth.box, axis=0)
        found += any(
            number.text == truth.text
            and cv2.pointPolygonTest(np.array(number.box, np.float32), tuple(map(float, middle)), False) >= 0
            for number in numbers
        )
    return found


@pytest.fixture(scope="module")
def sheets(reader: Reader) -> list[tuple[MadePage, tuple[Number, ...]]]:
    """Pages of a few styles as they were read."""
    styles = ("clean scan", "ruled paper", "a box a number", "phone, shadow")
    made = [page(40 + k, style, split="validation") for k, style in enumerate(styles)]
    return [(one_, reader.read(one_.picture).numbers) for one_ in made]


def test_most_numbers_of_a_page_are_read_where_they_stand(
    sheets: list[tuple[MadePage, tuple[Number, ...]]],
) -> None:
    wanted = sum(len(made.numbers) for made, _ in sheets)
    assert sum(matched(made, numbers) for made, numbers in sheets) >= 0.75 * wanted
    assert sum(len(numbers) for _, numbers in sheets) <= 1.25 * wanted


def test_what_is_sure_is_nearly_always_right(sheets: list[tuple[MadePage, tuple[Number, ...]]]) -> None:
    sure = [
        (number.text, {truth.text for truth in made.numbers})
        for made, numbers in sheets
        for number in numbers
        if not number.unsure
    ]
    assert len(sure) >= 10
    assert np.mean([text in truths for text, truths in sure]) >= 0.9


def test_numbers_hold_together_whatever_was_read(sheets: list[tuple[MadePage, tuple[Number, ...]]]) -> None:
    for made, numbers in sheets:
        height, width = made.picture.shape[:2]
        for number in numbers:
            assert number.text == number.raw == "".join(digit.label for digit in number.digits)
            assert number.text.isdigit()
            assert number.confidence <= min(digit.confidence for digit in number.digits)
            assert number.rule is None
            assert number.region is None
            corners = np.array([number.box, *(digit.box for digit in number.digits)])
            assert (corners >= -1).all()
            assert (corners <= (width + 1, height + 1)).all()


@pytest.mark.parametrize("style", ["point", "comma", "thousands"])
def test_a_number_with_a_mark_in_it_is_never_sure(style: str, reader: Reader) -> None:
    for seed in range(8):
        made = crop(60 + seed, style, split="validation")
        for number in reader.read(made.picture).numbers:
            assert number.unsure


def test_marks_may_be_ignored_where_the_user_says_so(reader: Reader) -> None:
    made = [crop(60 + seed, "point", split="validation") for seed in range(8)]
    ignored = [reader.read(one_.picture, marks="ignore").numbers for one_ in made]
    sure = [number for numbers in ignored for number in numbers if not number.unsure]
    assert len(sure) >= 3
    assert sum(mark.kind in ("point", "comma") for number in sure for mark in number.marks) >= 2


def test_knowledge_reaches_every_number_of_a_page(reader: Reader) -> None:
    made = page(44, "clean scan", split="validation")
    texts = [truth.text for truth in made.numbers]
    plain, known = reader.read(made.picture), reader.read(made.picture, ids=texts)
    assert matched(made, known.numbers) >= matched(made, plain.numbers)
    assert len(known.numbers) == len(plain.numbers)
    for before, after in zip(plain.numbers, known.numbers, strict=True):
        assert after.raw == before.text
        assert after.rule in ("ids", "ids: nothing fits")
        assert (after.text in texts) == (after.rule == "ids")
        assert after.unsure or after.text in texts


def test_fields_of_a_form_are_read_by_name_and_the_rest_is_left(reader: Reader) -> None:
    sheet = np.full((420, 640), 232, np.uint8)
    places = {"amount": (60, 40), "date": (330, 40), "unasked": (60, 250)}
    crops = {}
    for k, (name, (left, top)) in enumerate(places.items()):
        made = crop(70 + k, "plain", split="validation")
        grey = made.picture if made.picture.ndim == 2 else cv2.cvtColor(made.picture, cv2.COLOR_RGB2GRAY)
        grey = grey[:140, :240]
        sheet[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
        crops[name] = (float(left), float(top), float(grey.shape[1]), float(grey.shape[0]))
    wanted = {name: crops[name] for name in ("date", "amount")}
    found = reader.read(sheet, regions=wanted)
    assert found.size == (640, 420)
    assert [number.region for number in found.numbers] == sorted(
        (number.region or "" for number in found.numbers), key=list(wanted).index
    )
    assert {number.region for number in found.numbers} == {"date", "amount"}
    for number in found.numbers:
        left, top, width, height = wanted[str(number.region)]
        corners = np.array([number.box, *(digit.box for digit in number.digits)])
        assert (corners >= (left - 1, top - 1)).all()
        assert (corners <= (left + width + 1, top + height + 1)).all()
    x, y, w, h = (int(v) for v in wanted["amount"])
    alone = reader.read(sheet[y : y + h, x : x + w], regions={"it": (0, 0, w, h)}).numbers
    assert [number.text for number in alone] == [
        number.text for number in found.numbers if number.region == "amount"
    ]


@pytest.mark.parametrize("thickness", [1, 3])
@pytest.mark.parametrize("beyond", [10, 3, 0, -2])
def test_a_field_may_hold_the_printed_box_around_it(reader: Reader, thickness: int, beyond: int) -> None:
    sheet = np.full((420, 900), 232, np.uint8)
    fields = {}
    for k, text in enumerate(("5", "27", "60413")):
        images, labels = handwriting("validation")
        written = np.hstack([images[labels == int(digit)][3 + k] for digit in text])
        ink = cv2.resize(written, None, fx=1.8, fy=1.8, interpolation=cv2.INTER_CUBIC)
        left, top, (height, width) = 80 + 250 * k, 100 + 60 * k, ink.shape
        part = sheet[top : top + height, left : left + width]
        part[:] = np.minimum(part, 232 - 0.75 * ink)
        box = (left - 8, top - 4, left + width + 8, top + height + 4)
        cv2.rectangle(sheet, box[:2], box[2:], 90, thickness)
        x, y, w, h = box[0] - beyond, box[1] - beyond, width + 16 + 2 * beyond, height + 8 + 2 * beyond
        fields[text] = (float(x), float(y), float(w), float(h))
    found = reader.read(sheet, regions=fields).numbers
    assert [(number.region, number.text) for number in found] == [(text, text) for text in fields]
    assert not any(mark.kind in ("cut", "other") for number in found for mark in number.marks)
    assert sum(number.unsure for number in found) <= 1


def test_a_field_that_cuts_a_digit_in_a_printed_box_says_so(reader: Reader) -> None:
    sheet = np.full((300, 900), 232, np.uint8)
    images, labels = handwriting("validation")
    written = np.hstack([images[labels == digit][5] for digit in (2, 0, 4, 8)])
    ink = cv2.resize(written, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    sheet[100 : 100 + ink.shape[0], 200 : 200 + ink.shape[1]] = 232 - 0.75 * ink
    cv2.rectangle(sheet, (190, 94), (206 + ink.shape[1], 106 + ink.shape[0]), 90, 2)
    inked = np.flatnonzero((ink[:, 3 * 56 :] > 128).any(axis=0)) + 3 * 56
    right = 200 + int(inked.mean())
    (number,) = reader.read(sheet, regions={"f": (185, 90, right - 185, 70)}).numbers
    assert number.unsure
    assert number.marks[-1].kind == "cut"


def test_every_page_of_a_document_is_read_with_its_name(reader: Reader, tmp_path) -> None:
    made = [crop(80 + k, "plain", split="validation") for k in range(3)]
    first, *others = [Image.fromarray(one_.picture).convert("L") for one_ in made]
    path = tmp_path / "scan.tif"
    first.save(path, save_all=True, append_images=others)
    pages = list(reader.read_all(path))
    assert [found.source for found in pages] == [f"{path}#{k}" for k in (1, 2, 3)]
    alone = [reader.read(np.asarray(picture)) for picture in (first, *others)]
    assert [[n.text for n in found.numbers] for found in pages] == [
        [n.text for n in found.numbers] for found in alone
    ]
    only = reader.read(path)
    assert only.source == str(path)
    assert only.notes == ("first page of 3",)
    file = io.BytesIO(path.read_bytes())
    assert reader.read(file.getvalue()).source is None


@pytest.mark.parametrize("shade", [0, 128, 255])
@pytest.mark.parametrize("shape", [(40, 300), (600, 500), (600, 500, 3), (30, 30)])
def test_blank_paper_has_no_numbers(shade: int, shape: tuple[int, ...], reader: Reader) -> None:
    assert reader.read(np.full(shape, shade, np.uint8)).numbers == ()


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(4, 60),
    width=st.integers(4, 160),
    how=st.integers(0, 2),
)
def test_any_picture_has_numbers_or_none(seed: int, height: int, width: int, how: int) -> None:
    rng = np.random.default_rng(seed)
    make: tuple[Callable[[], np.ndarray], ...] = (
        lambda: rng.integers(0, 256, (height, width)),
        lambda: 255 * (rng.random((height, width)) < 0.5),
        lambda: np.where(rng.random((height, width)) < 0.03, 20, 230),
    )
    found = tenfold.load().read(make[how]().astype(np.uint8))
    assert found.size == (width, height)
    for number in found.numbers:
        assert number.text.isdigit()
        assert 0 <= number.confidence <= 1


@pytest.mark.parametrize(("digits", "least"), [((9, 6, 1), 0), ((3, 4, 7), 6)], ids=["either way", "one way"])
def test_a_few_digits_read_on_their_head_are_never_sure(
    digits: tuple[int, ...], least: int, reader: Reader
) -> None:
    images, labels = handwriting("validation")
    turned = 0
    for k in range(12):
        ink = np.hstack([images[labels == digit][k] for digit in digits])
        sheet = np.full((400, 900), 232, np.uint8)
        sheet[150:206, 200:368] = 232 - 0.75 * cv2.resize(ink, None, fx=2, fy=2)[::-1, ::-1]
        found = reader.read(sheet)
        if found.notes:
            turned += 1
            assert found.notes == ("read turned by 180 degrees",)
            assert all(number.unsure for number in found.numbers)
            assert all(number.notes[-1] == "few digits to tell which way is up" for number in found.numbers)
    assert turned >= least


@pytest.mark.parametrize("kind", ["printed words", "written words"])
@pytest.mark.parametrize("key", [900, 907])
def test_words_are_no_numbers_and_do_not_turn_the_page(reader: Reader, kind: str, key: int) -> None:
    read = reader.read(empty_page(key, kind).picture).numbers
    assert len(read) <= 3
    assert sum(not number.unsure for number in read) == 0


@pytest.mark.parametrize("key", [777_010, 777_020, 777_110])
def test_the_grain_of_a_blank_sheet_is_no_number(reader: Reader, key: int) -> None:
    assert reader.read(empty_page(key, "blank").picture).numbers == ()


@pytest.mark.parametrize("style", ["turned left", "turned right", "upside down"])
def test_a_turned_page_reads_as_if_it_were_upright(reader: Reader, style: str) -> None:
    made = page(77, style, split="validation")
    found = reader.read(made.picture)
    read = [number.text for number in found.numbers]
    assert found.notes == (f"read turned by {180 if style == 'upside down' else 90} degrees",)
    assert not all(number.unsure for number in found.numbers)
    assert len(set(read) & {number.text for number in made.numbers}) >= 0.7 * len(made.numbers)
