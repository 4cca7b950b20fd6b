import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

import tenfold
from tenfold.data import Dataset, Split
from tenfold.errors import DataError, OptionError
from tenfold.judging import judge
from tenfold.judging.metrics import LOSSES, count_confusion, mcnemar, score_loss, wilson_interval
from tenfold.judging.report import match_classes, pick_images

# Worked by hand: three classes, four images, the last two wrong, image 3 the surer mistake.
PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.05, 0.9, 0.05]], dtype=np.float32
)
LABELS = np.array([0, 1, 2, 0])


def test_a_report_worked_by_hand():
    report = judge(PROBABILITIES, LABELS, threshold=0.6)
    assert report.n == 4
    assert report.accuracy == 0.5
    assert report.digits.tolist() == [0, 1, 0, 1]
    assert report.wrong.tolist() == [3, 2]
    assert report.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert report.loss == pytest.approx(-sum(map(math.log, (0.7, 0.8, 0.2, 0.05))) / 4, abs=1e-6)
    assert report.answered == 0.75
    assert report.accuracy_answered == pytest.approx(2 / 3)
    assert report.class_names == ("0", "1", "2")


def test_the_probability_that_it_is_a_digit_lowers_confidence_not_the_answer():
    report = judge(PROBABILITIES, LABELS, is_digit=np.array([1, 1, 1, 0.1], np.float32), threshold=0.6)
    assert report.accuracy == 0.5
    assert report.confidence.tolist() == pytest.approx([0.7, 0.8, 0.5, 0.09])
    assert report.wrong.tolist() == [2, 3]
    assert report.accuracy_answered == 1.0


def test_a_reader_sure_of_nothing_has_no_accuracy_among_the_answered():
    report = judge(PROBABILITIES, LABELS, threshold=0.99)
    assert report.answered == 0
    assert math.isnan(report.accuracy_answered)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_the_ones_keras_prints(name):
    import keras

    rng = np.random.default_rng(1)
    scores = np.exp(rng.normal(0, 6, (200, 10)))
    probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    labels = rng.integers(0, 10, 200)
    truth = labels if name.startswith("sparse") else np.eye(10, dtype=np.float32)[labels]
    expected = float(np.mean(keras.losses.get(name)(truth, probabilities)))
    assert score_loss(probabilities, labels, name) == pytest.approx(expected, rel=1e-5)


def test_an_unknown_loss_names_the_known_ones():
    with pytest.raises(OptionError, match=r"categorical_crossentropy.*got 'hinge'"):
        score_loss(PROBABILITIES, LABELS, "hinge")


@given(n=st.integers(1, 100_000), share=st.floats(0, 1))
def test_the_interval_ends_are_where_the_normal_test_just_accepts(n, share):
    right = round(share * n)
    low, high = wilson_interval(right, n)
    observed = right / n
    assert 0 <= low <= observed + 1e-12
    assert observed - 1e-12 <= high <= 1
    for end in (low, high):
        assert (observed - end) ** 2 == pytest.approx(1.96**2 * end * (1 - end) / n, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize(("right", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_an_impossible_count_is_refused(right, n):
    with pytest.raises(DataError, match="right answers"):
        wilson_interval(right, n)


def test_confusion_counts_each_pair_once():
    rng = np.random.default_rng(2)
    labels, digits = rng.integers(0, 7, 1000), rng.integers(0, 7, 1000)
    matrix = count_confusion(digits, labels, 7)
    for row in range(7):
        for column in range(7):
            assert matrix[row, column] == sum((labels == row) & (digits == column))


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((0, 10)), np.zeros(0, int), "empty"),
        (PROBABILITIES, LABELS[:2], "one label a row"),
        (PROBABILITIES[:, :1], LABELS, "at least two classes"),
        (PROBABILITIES, LABELS + 1, "labels from 0 to 2, got labels from 1 to 3"),
        (PROBABILITIES, LABELS - 1, "labels from -1"),
        (PROBABILITIES, LABELS.astype(float), "whole numbers"),
        (PROBABILITIES * 2, LABELS, "sum of 2 in row 0"),
        (PROBABILITIES * np.nan, LABELS, "sum of nan"),
        (PROBABILITIES - [[0.4, 0, -0.4]], LABELS, "at least 0"),
        (PROBABILITIES[0], LABELS, r"\(n, classes\)"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_line(probabilities, labels, message):
    with pytest.raises(DataError, match=message) as caught:
        judge(probabilities, labels)
    assert "\n" not in str(caught.value)


def test_evaluate_a_reader_on_real_images(means_reader, test_split):
    reader = tenfold.load(means_reader)
    report = tenfold.evaluate(reader, test_split)
    answers = reader.predict_many(test_split.images, prepared=True)
    assert report.n == 500
    assert 0.7 < report.accuracy < 0.95
    assert report.interval[0] < report.accuracy < report.interval[1]
    assert report.digits.tolist() == [answer.digit for answer in answers]
    assert report.confidence.tolist() == pytest.approx([answer.confidence for answer in answers])
    assert report.answered == np.mean([not answer.unsure for answer in answers])
    assert report.loss_name == "mse"
    assert np.trace(report.confusion) == round(500 * report.accuracy)
    assert np.all(np.diff(report.confidence[report.wrong]) <= 0)


def test_evaluate_gives_the_same_in_one_batch_and_in_many(means_reader, test_split, monkeypatch):
    reader = tenfold.load(means_reader)
    whole = tenfold.evaluate(reader, test_split)
    monkeypatch.setattr("tenfold.judging.report.BATCH", 7)
    assert tenfold.evaluate(reader, test_split).accuracy == whole.accuracy


def test_evaluate_refuses_an_empty_split(means_reader):
    empty = Split(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64))
    with pytest.raises(DataError, match="empty"):
        tenfold.evaluate(tenfold.load(means_reader), empty)


def test_data_without_test_images_are_judged_whole(test_split):
    train = Split(test_split.images[:6], test_split.labels[:6])
    held = Split(test_split.images[6:8], test_split.labels[6:8])
    without = Dataset(train, held, None, "here", "0" * 64)
    assert pick_images(without).labels.tolist() == test_split.labels[:8].tolist()
    assert pick_images(Dataset(train, held, test_split, "here", "0" * 64)) is test_split


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int64])
def test_confusion_counts_many_classes_whatever_the_labels_are_kept_in(kind):
    labels = np.repeat(np.arange(30), 3).astype(kind)
    report = judge(np.eye(30, dtype=np.float32)[labels], labels)
    assert report.confusion.tolist() == np.diag([3] * 30).tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"is_digit": np.array([0.5], np.float32)}, "expected is_digit as 2 probabilities"),
        ({"is_digit": np.array([[0.5], [0.5]], np.float32)}, "expected is_digit"),
        ({"is_digit": np.array([0.5, np.nan], np.float32)}, "expected is_digit"),
        ({"is_digit": np.array([0.5, 5], np.float32)}, "expected is_digit"),
        ({"class_names": ("a",)}, "a name for each of 2 classes, got 1"),
        ({"threshold": float("nan")}, "a threshold is a confidence"),
    ],
)
def test_what_is_said_of_the_answers_is_checked_too(given, message):
    with pytest.raises((DataError, OptionError), match=message):
        judge(np.array([[0.5, 0.5], [0.2, 0.8]], np.float32), np.array([0, 1]), **given)


@pytest.mark.parametrize("labels", [[0, -1], [0, 2], [0.0, 1.0]])
def test_labels_outside_the_classes_are_refused_before_they_are_numbered(labels):
    split = Split(np.zeros((2, 28, 28), np.uint8), np.array(labels))
    with pytest.raises(DataError, match="expected labels"):
        match_classes(split, ["3", "7"], list("0123456789"))


def test_classes_are_matched_by_name():
    split = Split(np.zeros((3, 28, 28), np.uint8), np.array([0, 1, 0]))
    assert match_classes(split, ("3", "7"), tuple("0123456789")).labels.tolist() == [3, 7, 3]
    with pytest.raises(DataError, match="does not know 1 of the 2 classes in this data, 'A'"):
        match_classes(split, ("3", "A"), tuple("0123456789"))


def test_mcnemar_worked_by_hand():
    right_a = np.array([1, 1, 1, 1, 1, 0, 0, 1], bool)
    right_b = np.array([1, 0, 0, 0, 0, 1, 0, 1], bool)
    statistic, p = mcnemar(right_a, right_b)  # four only a, one only b
    assert statistic == pytest.approx((4 - 1 - 1) ** 2 / 5)
    assert p == pytest.approx(2 * (1 + 5) / 32)
    assert mcnemar(right_b, right_a) == (statistic, p)
    assert mcnemar(right_a, right_a) == (0.0, 1.0)


@settings(deadline=None)
@given(only_a=st.integers(0, 700), only_b=st.integers(0, 700))
def test_mcnemar_agrees_with_scipy(only_a, only_b):
    right_a = np.repeat([True, False, True], [only_a, only_b, 3])
    right_b = np.repeat([False, True, True], [only_a, only_b, 3])
    statistic, p = mcnemar(right_a, right_b)
    if only_a + only_b > 1000:
        assert p == pytest.approx(chi2.sf(statistic, 1))
    elif only_a + only_b:
        assert p == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)


@pytest.mark.parametrize(
    ("right_a", "right_b", "message"),
    [
        (np.zeros(0, bool), np.zeros(0, bool), "empty"),
        (np.zeros(3, bool), np.zeros(2, bool), r"bool \(3,\) and bool \(2,\)"),
        (np.zeros(3), np.zeros(3, bool), "float64"),
    ],
)
def test_mcnemar_refuses_what_is_no_pair(right_a, right_b, message):
    with pytest.raises(DataError, match=message):
        mcnemar(right_a, right_b)
