"""Made lines: keyed, labelled as written, shaped as the line network takes them."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.making.glyphs import DIGITS, Place, draw_digit, measure, moved, parse
from tenfold.making.lettering import FACES, Type, draw_printed, printed, unprinted, write_words
from tenfold.making.linefeed import make_chunk, stack
from tenfold.making.papers import make_papers
from tenfold.making.strings import (
    Line,
    Stock,
    columns_needed,
    make_line,
)
from tenfold.making.texts import OTHER, add_signs, meaning, name_unit, write_text
from tenfold.reading.linereading import HEIGHT, STRIDE, SYMBOLS


def ring(thickness):
    """A circle as MNIST would draw a zero."""
    y, x = np.mgrid[:28, :28] - 13.5
    away = np.abs(np.hypot(x, y) - 7)
    return (255 * np.clip(thickness / 2 + 0.5 - away, 0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def stock():
    """Rings and bars standing for all ten digits."""
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 12:16] = 255
    images = np.stack([ring(3), bar] * 5)
    return Stock(measure(images, np.arange(10)), make_papers(3, patterns=6, smooth=3))


def test_the_same_key_makes_the_same_line_and_others_differ(stock):
    lines = [make_line(stock, 5, index) for index in range(12)]
    for index in (11, 3, 7):
        again = make_line(stock, 5, index)
        assert again.symbols == lines[index].symbols
        assert np.array_equal(again.ink, lines[index].ink)
    assert len({line.ink.tobytes() for line in lines}) == 12
    assert not np.array_equal(make_line(stock, 6, 3).ink, lines[3].ink)


def test_lines_fit_the_network_and_leave_room_for_their_symbols(stock):
    for index in range(300):
        line = make_line(stock, 1, index)
        assert line.ink.shape[0] == HEIGHT
        assert line.ink.dtype == np.uint8
        assert line.ink.shape[1] // STRIDE >= columns_needed(line.symbols)
        assert all(0 <= symbol < len(SYMBOLS) for symbol in line.symbols)


def test_every_symbol_and_the_empty_line_come_up():
    texts = [meaning(write_text(Random(i))) for i in range(3000)]
    assert {symbol for text in texts for symbol in text} == set(range(len(SYMBOLS)))
    assert () in texts
    assert max(map(len, texts)) <= 24


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("12.50", ["1", "2", "point", "5", "0"]),
        ("-3,-", ["minus", "3", "comma", "minus"]),
        ("$ aa 7=", ["other", "7", "other"]),
        ("a.b 1 000_", ["other", "point", "other", "1", "0", "0", "0", "minus"]),
        (" ", []),
    ],
)
def test_what_a_text_means(text, kinds):
    assert [SYMBOLS[symbol] for symbol in meaning(text)] == kinds


def test_signs_are_added_to_numbers_alone_and_are_never_digits_or_marks_of_a_value():
    changed = 0
    for seed in range(400):
        text = write_text(Random(seed))
        more = add_signs(text, Random(seed))
        changed += more != text
        digits = [symbol for symbol in meaning(text) if symbol < 10]
        assert [symbol for symbol in meaning(more) if symbol < 10] == digits
        assert digits or more == text
    assert changed > 40


def test_columns_needed_counts_a_blank_between_equal_neighbours():
    assert [columns_needed(s) for s in [(), (1,), (1, 1), (1, 2, 2, 2)]] == [0, 1, 3, 6]


@pytest.mark.parametrize("pen", [6.0, 9.0, 14.0])
def test_a_digit_is_drawn_with_the_pen_asked_for(pen):
    digits = measure(ring(3)[None], np.array([0]))
    strip = draw_digit(digits, 0, Place(60, 60, 40, 0, 0, pen, 80))
    inked = strip[40] > 127
    runs = np.flatnonzero(np.diff(np.concatenate([[0], inked, [0]])))
    widths = runs[1::2] - runs[::2]
    assert len(widths) == 2
    assert widths == pytest.approx(pen, abs=1.6)


def test_a_digit_is_placed_and_slanted():
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 12:16] = 255
    digits = measure(bar[None], np.array([1]))
    strip = draw_digit(digits, 0, Place(6, 30, 25, 0.5, 0, 5, 50))
    rows = np.flatnonzero(strip.max(1) > 127)
    assert rows[0] == pytest.approx(10, abs=2)
    assert rows[-1] == pytest.approx(40, abs=2)
    top, bottom = (np.flatnonzero(strip[row] > 100).mean() for row in (rows[0] + 2, rows[-1] - 2))
    assert (top - bottom) / (rows[-1] - rows[0] - 4) == pytest.approx(0.5, abs=0.1)


def test_drawings_stay_near_their_box():
    for ways in DIGITS.values():
        for way in ways:
            for points in moved(parse(way), 0.0, Random(1)):
                assert points.min() > -0.2
                assert points.max() < 1.35


def test_measuring_leaves_out_blank_images():
    digits = measure(np.stack([np.zeros((28, 28), np.uint8), ring(3)]), np.array([4, 6]))
    assert len(digits.maps) == 1
    assert [len(of) for of in digits.of] == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]


def test_a_chunk_holds_each_line_once_in_batches_of_one_width(stock):
    batches = make_chunk(stock, 2, 3, batch=8, lines=32, cycle=1)
    made = [make_line(stock, 2, index, cycle=1) for index in range(96, 128)]
    assert [len(batch.inks) for batch in batches] == [8] * 4
    held = sorted(
        tuple(symbols[:length].tolist())
        for batch in batches
        for symbols, length in zip(batch.symbols, batch.lengths, strict=True)
    )
    assert held == sorted(line.symbols for line in made)
    again = make_chunk(stock, 2, 3, batch=8, lines=32, cycle=1)
    assert all(np.array_equal(a.inks, b.inks) for a, b in zip(batches, again, strict=True))


def test_stacked_lines_are_padded_with_paper():
    lines = [
        Line(np.full((HEIGHT, width), 9, np.uint8), symbols)
        for width, symbols in [(20, (1, 2)), (33, ()), (10, (3,))]
    ]
    batch = stack(lines)
    assert batch.inks.shape == (3, HEIGHT, 48)
    assert batch.inks.sum(axis=(1, 2)).tolist() == [9 * HEIGHT * width for width in (20, 33, 10)]
    assert batch.lengths.tolist() == [2, 0, 1]


def test_printed_characters_stand_for_what_they_print():
    assert meaning(printed("Total: ") + "12.5") == (OTHER, 1, 2, SYMBOLS.index("point"), 5)
    assert meaning(printed("407")) == (4, 0, 7)
    assert "".join(map(unprinted, printed("Ab"))) == "Ab"
    assert unprinted("a") == ""


def test_only_the_third_cycle_prints(stock):
    texts = {0: 0, 1: 0, 2: 0}
    for cycle in texts:
        for index in range(60):
            line = make_line(stock, 9, index, cycle)
            texts[cycle] += line.symbols != make_line(stock, 9, index, 1).symbols
    assert texts[1] == 0
    assert texts[2] > 5
    assert all(unprinted(c) == "" for c in write_text(Random("1")))


@given(st.integers(0, 10**6))
def test_numbers_with_units_have_digits_and_what_is_none_between_or_beside_them(seed):
    text = name_unit(Random(seed))
    kinds = {SYMBOLS[symbol] for symbol in meaning(text)}
    assert kinds & set("0123456789")
    assert "other" in kinds


def test_the_fifth_cycle_has_slashes_and_per_cent_signs(stock):
    texts = [name_unit(Random(seed)) for seed in range(300)]
    for sign in ("%", printed("%"), "\\", ":", "#"):
        assert sum(sign in text for text in texts) > 2
    assert [SYMBOLS[symbol] for symbol in meaning("1\\2 50%")] == ["1", "other", "2", "5", "0", "other"]
    changed = [make_line(stock, 9, i, 4).symbols != make_line(stock, 9, i, 3).symbols for i in range(80)]
    assert 10 < sum(changed) < 50


@given(st.integers(0, 10**6))
def test_made_up_words_cannot_be_numbers(seed):
    for word in write_words(Random(seed)).split():
        assert not set(word) <= set("oOlIiSsZzBbgqDG")


@pytest.mark.parametrize("character", ["A", "g", "7", ":", "é"])
@pytest.mark.parametrize("slant", [-0.3, 0.0, 0.4])
def test_print_is_whole_and_stands_on_its_line(character, slant):
    for face in range(len(FACES)):
        strip = draw_printed(character, Type(face, 18.0), 30.0, slant, 40)
        assert strip.shape[0] == 40
        assert strip.max() > 150
        assert not strip[:, 0].any()
        assert not strip[:, -1].any()
        if character in "A7":
            assert 26 <= np.flatnonzero(strip.max(1) > 100)[-1] <= 31
