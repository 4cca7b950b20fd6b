"""The line network's side without TensorFlow: sums over alignments, beam search, normalised ink."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from tenfold.errors import PictureError
from tenfold.reading import ctc
from tenfold.reading.linereading import BLANK, HEIGHT, SYMBOLS, WIDEST, best_path, normalise


def columns(seed, count, classes, sharp=1.5):
    logits = sharp * np.random.default_rng(seed).normal(size=(count, classes))
    values = np.exp(logits)
    return values / values.sum(1, keepdims=True)


def by_hand(probabilities):
    """Every path over the columns, summed by the text it spells."""
    count, classes = probabilities.shape
    texts = {}
    for path in itertools.product(range(classes), repeat=count):
        text = tuple(k for k, _ in itertools.groupby(path) if k != classes - 1)
        texts[text] = texts.get(text, 0.0) + float(np.prod(probabilities[np.arange(count), path]))
    return texts


@pytest.mark.parametrize("seed", range(6))
def test_a_texts_probability_is_the_sum_over_its_paths(seed):
    probabilities = columns(seed, 6, 4)
    for text, truth in by_hand(probabilities).items():
        assert ctc.align(probabilities, [text])[0].probability == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_many_texts_at_once_are_as_likely_as_one_by_one(seed):
    probabilities = columns(seed, 6, 4)
    truth = by_hand(probabilities)
    assert ctc.likelihoods(probabilities, list(truth)) == pytest.approx(list(truth.values()), rel=1e-9)
    assert ctc.likelihoods(probabilities, [()]) == pytest.approx([truth[()]])


@pytest.mark.parametrize("seed", range(6))
def test_choices_are_the_shares_of_texts_that_differ_in_one_place(seed):
    probabilities = columns(seed, 6, 4)
    texts = by_hand(probabilities)
    for text in [(0,), (1, 1), (0, 2, 1), (2, 2, 2)]:
        for place in range(len(text)):
            others = [(*text[:place], symbol, *text[place + 1 :]) for symbol in range(3)]
            truth = np.array([texts.get(other, 0.0) for other in others])
            choices = ctc.align(probabilities, [text])[0].choices[place]
            assert choices == pytest.approx(truth / truth.sum(), abs=1e-9)


def test_texts_of_any_length_are_aligned_together_as_alone():
    probabilities = columns(7, 40, 15)
    texts = [(3, 3, 1, 9, 13), (), (2,), (5, 5, 5), (0, 1, 2, 3, 4, 5, 6, 7)]
    for together, text in zip(ctc.align(probabilities, texts), texts, strict=True):
        (alone,) = ctc.align(probabilities, [text])
        assert together.text == alone.text == text
        assert together.probability == pytest.approx(alone.probability, rel=1e-9)
        assert together.centres == pytest.approx(alone.centres, rel=1e-9)
        assert together.choices == pytest.approx(alone.choices, rel=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_the_search_finds_the_likeliest_text(seed):
    probabilities = columns(seed, 6, 4, sharp=2.5)
    texts = by_hand(probabilities)
    best = max(texts, key=texts.__getitem__)
    assert best in ctc.search(probabilities, width=16)[:2]


def test_long_sure_columns_neither_vanish_nor_exceed_one():
    said = np.full((900, BLANK + 1), 1e-7)
    said[:, BLANK] = 1
    said[5::10, BLANK] = 1e-7
    said[5::10, 7] = 1
    said /= said.sum(1, keepdims=True)
    text = ctc.search(said)[0]
    assert text == (7,) * 90
    (aligned,) = ctc.align(said, [text])
    assert 0.99 < aligned.probability <= 1
    assert aligned.centres == pytest.approx(np.arange(5, 900, 10) + 0.5)


def test_the_best_path_joins_runs_and_parts_them_at_blanks():
    said = np.full((1, 6, BLANK + 1), 1e-3, np.float32)
    said[0, np.arange(6), [3, 3, BLANK, 3, 10, BLANK]] = 1
    assert best_path(np.log(said)) == [(3, 3, SYMBOLS.index("point"))]


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90)),
)
@settings(max_examples=60, deadline=None)
def test_any_ink_has_the_networks_height_and_keeps_its_aspect(ink):
    normal = normalise(ink)
    assert normal.dtype == np.uint8
    assert normal.shape == (HEIGHT, max(1, round(ink.shape[1] * HEIGHT / ink.shape[0])))


def test_contrast_and_size_make_no_difference_to_a_line():
    rng = np.random.default_rng(4)
    ink = np.zeros((80, 300), np.uint8)
    for left in range(20, 280, 40):
        ink[15:65, left : left + 8] = 240
    ink = np.clip(ink + rng.integers(0, 4, ink.shape), 0, 255).astype(np.uint8)
    faint = (ink * 0.3 + 40).astype(np.uint8)
    small = ink[::2, ::2]
    for other in (faint, small):
        assert np.abs(normalise(ink).astype(int) - normalise(other)).mean() < 6


@pytest.mark.parametrize("rows", [20, HEIGHT, 80])
def test_no_line_is_wider_than_may_be(rows):
    assert normalise(np.zeros((rows, 9000), np.uint8)).shape == (HEIGHT, WIDEST)


def test_blank_paper_stays_dark():
    rough = np.random.default_rng(1).integers(100, 104, (50, 200)).astype(np.uint8)
    assert normalise(rough).mean() < 20


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 4, 3), (7,)])
def test_what_is_no_line_is_refused_in_one_line(shape):
    with pytest.raises(PictureError, match="no line of ink"):
        normalise(np.zeros(shape, np.uint8))
