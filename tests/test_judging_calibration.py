"""Calibration and refusing: each metric by hand, and against an implementation of another kind."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import mannwhitneyu

from tenfold.errors import DataError
from tenfold.judging.calibration import measure_reliability, score_brier, untemper
from tenfold.judging.metrics import count_confusion, score_classes, score_loss, score_top
from tenfold.judging.refusing import measure_risk, separate

# Few different values, so that ties and bin edges come up.
ANSWERS = st.lists(
    st.tuples(st.sampled_from([0, 1 / 15, 0.2, 0.5, 2 / 3, 0.9, 0.999, 1.0]), st.booleans()),
    min_size=1,
    max_size=40,
)


def unzip(answers) -> tuple[np.ndarray, np.ndarray]:
    return np.array([one[0] for one in answers]), np.array([one[1] for one in answers])


def random_scores(n: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    scores = np.exp(rng.normal(0, 2, (n, classes)))
    return scores / scores.sum(axis=1, keepdims=True), rng.integers(0, classes, n)


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.97, 0.95, 0.40, 0.38])
    right = np.array([True, True, False, True, False])
    found = measure_reliability(confidence, right)
    assert len(found.count) == 15
    assert found.count.tolist() == [0] * 5 + [2] + [0] * 8 + [3]
    # One bin holds three answers of mean 0.9567, two right; the other two of mean 0.39, one right.
    assert found.error == pytest.approx((3 * abs(2 / 3 - 0.956666667) + 2 * abs(0.5 - 0.39)) / 5)


@settings(deadline=None, max_examples=50)
@given(ANSWERS)
def test_calibration_error_bin_by_bin(answers):
    confidence, right = unzip(answers)
    total = 0.0
    edges = np.linspace(0, 1, 16)
    for k, (low, high) in enumerate(pairwise(edges)):
        inside = [i for i, c in enumerate(confidence) if (low < c or k == 0) and c <= high]
        if inside:
            total += len(inside) * abs(np.mean(confidence[inside]) - np.mean(right[inside]))
    assert measure_reliability(confidence, right).error == pytest.approx(total / len(confidence))


def test_brier_by_hand_and_by_loops():
    assert score_brier(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0])) == (2 + 0.5) / 2
    probabilities, labels = random_scores(50)
    total = sum(
        (p - (k == label)) ** 2
        for row, label in zip(probabilities, labels, strict=True)
        for k, p in enumerate(row)
    )
    assert score_brier(probabilities, labels) == pytest.approx(total / 50)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_a_temperature_is_taken_out_again(temperature):
    logits = np.random.default_rng(4).normal(0, 4, (30, 10))

    def softmax(values):
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    assert untemper(softmax(logits / temperature), temperature) == pytest.approx(softmax(logits))
    certain = np.array([[1.0, 0.0]], np.float32)
    assert untemper(certain, temperature)[0] == pytest.approx([1, 0], abs=1e-9)
    with pytest.raises(DataError, match="above 0"):
        untemper(certain, 0)


def test_the_untempered_loss_is_least_where_the_temperature_was_fitted():
    probabilities, _ = random_scores(4000)
    rng = np.random.default_rng(5)
    labels = np.array([rng.choice(4, p=row) for row in untemper(probabilities, 0.5)])
    losses = [score_loss(untemper(probabilities, t), labels) for t in (0.4, 0.5, 0.6)]
    assert losses[1] == min(losses)


def test_risk_by_hand():
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    right = np.array([True, False, True, True])
    curve = measure_risk(confidence, right)
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert curve.coverage_at(0.75) == 1
    assert curve.coverage_at(0.9) == 0.25
    assert measure_risk(confidence, ~np.ones(4, bool)).coverage_at(0.5) == 0


def test_999_of_a_thousand_right_are_999_in_a_thousand():
    right = np.ones(1000, bool)
    right[-1] = False
    assert measure_risk(np.full(1000, 0.9), right).coverage_at(0.999) == 1


@settings(deadline=None, max_examples=50)
@given(ANSWERS)
def test_risk_is_the_mean_over_every_order_of_ties(answers):
    confidence, right = unzip(answers)
    curve = measure_risk(confidence, right)
    for threshold, coverage, risk in zip(curve.threshold, curve.coverage, curve.risk, strict=True):
        given_ones = confidence >= threshold
        assert coverage == pytest.approx(given_ones.mean())
        assert risk == pytest.approx(np.mean(~right[given_ones]))
    best, worst = (
        np.mean(np.cumsum(~right[order]) / np.arange(1, len(right) + 1))
        for order in (np.lexsort((~right, -confidence)), np.lexsort((right, -confidence)))
    )
    assert best - 1e-12 <= curve.area <= worst + 1e-12
    accepted = [
        np.mean(confidence >= t) for t in set(confidence.tolist()) if right[confidence >= t].mean() >= 0.9
    ]
    assert curve.coverage_at(0.9) == pytest.approx(max(accepted, default=0))


def test_separation_by_hand():
    digits = np.linspace(0.01, 1, 100)
    found = separate(digits, np.array([0.055, 0.5, 0.02, 0.995]), threshold=0.5)
    # 95 of the digits are at or above 0.06.
    assert found.false_positives == 0.5
    assert found.accepted == 0.5
    assert found.auroc == pytest.approx((95 + 50.5 + 98.5 + 1) / 400)
    assert found.n == 4


@settings(deadline=None, max_examples=50)
@given(ANSWERS, ANSWERS)
def test_auroc_is_mann_whitney(digits, others):
    ours, theirs = unzip(digits)[0], unzip(others)[0]
    found = separate(ours, theirs, 0.5)
    expected = (
        mannwhitneyu(ours, theirs, method="asymptotic").statistic if len({*ours, *theirs}) > 1 else None
    )
    if expected is not None:
        assert found.auroc == pytest.approx(expected / (len(ours) * len(theirs)))
    kept = max(t for t in set(ours.tolist()) if np.mean(ours >= t) >= 0.95 - 1e-12)
    assert found.false_positives == np.mean(theirs >= kept)


def test_classes_by_hand():
    found = score_classes(np.array([[3, 1, 0], [0, 4, 0], [2, 0, 0]]))
    assert found.precision.tolist()[:2] == [3 / 5, 4 / 5]
    assert np.isnan(found.precision[2])  # never answered
    assert found.recall.tolist() == [3 / 4, 1, 0]
    assert found.f1.tolist() == pytest.approx([2 * 3 / 9, 8 / 9, 0])
    assert found.count.tolist() == [4, 4, 2]


def test_classes_and_top_two_by_loops():
    probabilities, labels = random_scores(300)
    answers = probabilities.argmax(axis=1)
    found = score_classes(count_confusion(answers, labels, 4))
    for k in range(4):
        precision, recall = np.mean(labels[answers == k] == k), np.mean(answers[labels == k] == k)
        assert found.precision[k] == pytest.approx(precision)
        assert found.recall[k] == pytest.approx(recall)
        assert found.f1[k] == pytest.approx(2 / (1 / precision + 1 / recall))
    twos = [label in np.argsort(row)[-2:] for row, label in zip(probabilities, labels, strict=True)]
    assert score_top(probabilities, labels) == np.mean(twos)
    assert score_top(probabilities, labels, 1) == np.mean(answers == labels)


def test_of_equal_probabilities_the_first_class_is_the_answer():
    even = np.full((3, 4), 0.25)
    assert score_top(even, np.array([0, 1, 2]), 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("confidence", "right", "message"),
    [
        (np.zeros(0), np.zeros(0, bool), "empty"),
        (np.zeros(2), np.zeros(3, bool), r"\(2,\)"),
        (np.zeros(2), np.zeros(2), "bool"),
        (np.array([0.5, 1.5]), np.zeros(2, bool), "0 to 1"),
        (np.array([0.5, np.nan]), np.zeros(2, bool), "0 to 1"),
    ],
)
def test_what_is_no_confidence_is_refused_in_one_line(confidence, right, message):
    for measure in (measure_reliability, measure_risk):
        with pytest.raises(DataError, match=message) as caught:
            measure(confidence, right)
        assert "\n" not in str(caught.value)


def test_nothing_to_tell_apart_is_refused():
    with pytest.raises(DataError, match="no other signs"):
        separate(np.array([0.5]), np.zeros(0), 0.5)
    with pytest.raises(DataError, match="no digits"):
        separate(np.zeros(0), np.array([0.5]), 0.5)


def test_the_interval_is_where_the_score_test_turns():
    from tenfold.judging.metrics import Z_95, wilson_interval

    def distance(p):
        return (0.97 - p) ** 2 - Z_95**2 * p * (1 - p) / 300

    expected = brentq(distance, 0.8, 0.97), brentq(distance, 0.97, 0.9999)
    assert wilson_interval(291, 300) == pytest.approx(expected)
