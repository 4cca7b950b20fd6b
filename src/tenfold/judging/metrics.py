"""Metrics: plain functions from probabilities and labels to numbers.

Probabilities are (n, classes) with rows summing to one, labels are (n,) integers from 0 to classes-1.
Averages are taken in double precision over all n at once, never over batch averages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb, erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError, OptionError

Floats = NDArray[np.float32] | NDArray[np.float64]
Integers = NDArray[np.int64]

# Keras' fuzz factor: with the same clipping a loss found here is the loss Keras prints.
EPSILON = 1e-7
# float32 rounding of ten probabilities stays far below this; a vector of scores does not.
SUM_TOLERANCE = 1e-3
# The 97.5% point of the normal distribution: an interval that holds the truth 95 times in 100.
Z_95 = 1.959963984540054
# Up to here McNemar's test is exact; beyond, its approximation is as good and whole numbers grow large.
MOST_EXACT = 1000


def check_labels(labels: Integers, classes: int) -> None:
    """Refuse labels that name no class. Raises DataError."""
    if labels.dtype.kind not in "iu":
        raise DataError(f"expected labels as whole numbers, got {labels.dtype}")
    if len(labels) and (labels.min() < 0 or labels.max() >= classes):
        raise DataError(
            f"expected labels from 0 to {classes - 1}, got labels from {labels.min()} to {labels.max()}"
        )


def check_scores(probabilities: Floats, labels: Integers) -> None:
    """Refuse what cannot be scored.

    Raises:
        DataError: an empty set, lengths that differ, probabilities of one class only, labels outside the
            classes, or rows that are not probabilities.
    """
    if probabilities.ndim != 2 or labels.ndim != 1:
        raise DataError(
            "expected probabilities (n, classes) and labels (n,), "
            f"got {probabilities.shape} and {labels.shape}"
        )
    if len(labels) == 0:
        raise DataError("nothing to score: the set is empty; expected at least one image with its label")
    if len(probabilities) != len(labels):
        raise DataError(
            f"expected one label a row of probabilities, got {len(labels)} for {len(probabilities)}"
        )
    classes = probabilities.shape[1]
    if classes < 2:
        raise DataError(f"expected probabilities for at least two classes, got {classes}")
    check_labels(labels, classes)
    sums = probabilities.sum(axis=1, dtype=np.float64)
    # Written so that NaN is refused too: no comparison with NaN is true.
    good = (np.abs(sums - 1) <= SUM_TOLERANCE) & (probabilities.min(axis=1) >= 0)
    if not good.all():
        row = int(np.argmin(good))
        raise DataError(
            f"expected probabilities of at least 0 that sum to 1, got a sum of {sums[row]:.4g} in row {row}"
        )


def score_accuracy(digits: Integers, labels: Integers) -> float:
    """Return the share of answers (n,) that equal the labels (n,), 0-1."""
    return float(np.mean(digits == labels))


def wilson_interval(right: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the interval around `right / n` that holds the true share, 95 times in 100 by default.

    Unlike the textbook interval it stays inside 0-1 and is honest near both ends.
    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    >>> low, high = wilson_interval(9920, 10_000)
    >>> f"{low:.2%} to {high:.2%}"
    '99.01% to 99.36%'

    Raises:
        DataError: n below 1, or `right` outside 0 to n.
    """
    if n < 1 or not 0 <= right <= n:
        raise DataError(f"expected 0 to n right answers of n, at least 1, got {right} of {n}")
    share = right / n
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def count_confusion(digits: Integers, labels: Integers, classes: int) -> Integers:
    """Count answers by truth.

    Returns:
        (classes, classes) int64: row = label, column = answered digit.
    """
    # A small integer type would wrap around.
    flat = np.bincount(labels.astype(np.int64) * classes + digits, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True, eq=False)
class ClassScores:
    """How each class is read: (classes,) each, 0-1, nan where a share is of nothing.

    precision: how often an answer of this class is right; recall: how much of the class is found; f1: their
    harmonic mean; count: how many images are of the class.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    count: Integers


def score_classes(confusion: Integers) -> ClassScores:
    """Score each class of a confusion matrix (classes, classes), row = label, column = answer.

    >>> score_classes(np.array([[8, 2], [1, 9]])).recall.tolist()
    [0.8, 0.9]
    """
    right, answered, count = np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return ClassScores(right / answered, right / count, 2 * right / (answered + count), count)


def score_top(probabilities: Floats, labels: Integers, top: int = 2) -> float:
    """Return the share of images whose label is among the `top` greatest probabilities, 0-1.

    Of equal probabilities the class that comes first is the greater, as for the answer itself.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return float(np.mean((order == labels[:, None]).any(axis=1)))


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> tuple[float, float]:
    """Test whether two readers err equally often on the same images.

    right_a, right_b: (n,) bool, which images each read right. Only those on which they differ count.

    Returns:
        the statistic, (|b - c| - 1)^2 / (b + c) with b and c the images that only one of them read right (0
        where there are none), and p, two-sided, 0-1: exact from the binomial distribution up to `MOST_EXACT`
        such images, from chi-squared with one degree of freedom beyond.
    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions", 1947;
    correction for continuity by A. L. Edwards, 1948.

    >>> mcnemar(np.array([1, 1, 1, 1, 0], bool), np.array([0, 0, 0, 1, 0], bool))
    (1.3333333333333333, 0.25)

    Raises:
        DataError: an empty set, lengths that differ, or values that are not true or false.
    """
    if right_a.dtype != bool or right_b.dtype != bool or right_a.shape != right_b.shape or right_a.ndim != 1:
        raise DataError(
            f"expected two arrays (n,) of bool, got {right_a.dtype} {right_a.shape} "
            f"and {right_b.dtype} {right_b.shape}"
        )
    if len(right_a) == 0:
        raise DataError("nothing to compare: the set is empty; expected at least one image")
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    differ = only_a + only_b
    if differ == 0:
        return 0.0, 1.0
    statistic = max(0, abs(only_a - only_b) - 1) ** 2 / differ
    if differ > MOST_EXACT:
        return statistic, erfc(sqrt(statistic / 2))
    tail = sum(comb(differ, k) for k in range(min(only_a, only_b) + 1))
    return statistic, min(1.0, 2 * tail / 2**differ)


def _cross_entropy(probabilities: Floats, labels: Integers) -> float:
    scaled = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    given = scaled[np.arange(len(labels)), labels]
    return float(np.mean(-np.log(np.clip(given, EPSILON, 1 - EPSILON))))


def _binary_cross_entropy(probabilities: Floats, labels: Integers) -> float:
    truth = np.eye(probabilities.shape[1])[labels]  # (n, classes), one-hot
    clipped = np.clip(probabilities.astype(np.float64), EPSILON, 1 - EPSILON)
    return float(np.mean(-truth * np.log(clipped) - (1 - truth) * np.log(1 - clipped)))


def _mean_squared_error(probabilities: Floats, labels: Integers) -> float:
    truth = np.eye(probabilities.shape[1])[labels]  # (n, classes), one-hot
    return float(np.mean((probabilities - truth) ** 2))


LOSSES: dict[str, Callable[[Floats, Integers], float]] = {
    "categorical_crossentropy": _cross_entropy,
    "sparse_categorical_crossentropy": _cross_entropy,
    "binary_crossentropy": _binary_cross_entropy,
    "mse": _mean_squared_error,
}


def score_loss(probabilities: Floats, labels: Integers, name: str = "categorical_crossentropy") -> float:
    """Return the mean loss, by the name Keras gives it: the figure `model.evaluate` prints.

    Raises:
        OptionError: a loss that is not one of `LOSSES`.
    """
    if name not in LOSSES:
        raise OptionError(f"expected a loss out of {', '.join(LOSSES)}, got {name!r}")
    return LOSSES[name](probabilities, labels)
