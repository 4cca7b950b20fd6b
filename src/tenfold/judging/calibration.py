"""Whether a reader's confidence means what it says.

Probabilities are (n, classes) with rows summing to one, labels (n,) from 0 to classes-1, confidence (n,) 0-1,
right (n,) bool: whether the answer with that confidence was right.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError
from tenfold.judging.metrics import Floats, Integers

BINS = 15

_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence against accuracy in bins of equal width.

    edges: (bins + 1,); count: (bins,) answers in each, those on an edge in the bin below it; confidence,
    accuracy: (bins,) means over each bin, nan where it is empty.
    """

    edges: NDArray[np.float64] = field(repr=False)
    count: NDArray[np.int64]
    confidence: NDArray[np.float64] = field(repr=False)
    accuracy: NDArray[np.float64] = field(repr=False)

    @property
    def error(self) -> float:
        """The expected calibration error, 0-1: the mean distance of confidence and accuracy over the answers.

        Source: M. P. Naeini, G. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using
        Bayesian binning", 2015.
        """
        filled = self.count > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float(np.sum(gaps * self.count[filled]) / self.count.sum())


def check_answers(confidence: Floats, right: NDArray[np.bool_]) -> None:
    """Refuse what are not n answers, each with its confidence.

    Raises:
        DataError: an empty set, lengths that differ, or a confidence outside 0-1.
    """
    if confidence.ndim != 1 or confidence.shape != right.shape or right.dtype != bool:
        raise DataError(
            f"expected confidence (n,) and right (n,) bool, got {confidence.shape} and "
            f"{right.dtype} {right.shape}"
        )
    if len(confidence) == 0:
        raise DataError("nothing to score: the set is empty; expected at least one answer")
    # Written so that NaN is refused too: no comparison with NaN is true.
    if not (confidence.min() >= 0 and confidence.max() <= 1 + 1e-6):
        raise DataError(
            f"expected confidence from 0 to 1, got {confidence.min():.4g} to {confidence.max():.4g}"
        )


def measure_reliability(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Sort answers by confidence into bins of equal width from 0 to 1.

    >>> two = measure_reliability(np.array([0.95, 0.85, 0.35]), np.array([True, False, True]), bins=2)
    >>> round(two.error, 4)
    0.4833

    Raises DataError as `check_answers`.
    """
    check_answers(confidence, right)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(place, confidence, bins) / count
        accuracy = np.bincount(place, right, bins) / count
    return Reliability(edges, count, mean_confidence, accuracy)


def score_brier(probabilities: Floats, labels: Integers) -> float:
    """Mean squared distance of the probabilities from the truth, summed over the classes, 0-2.

    Source: G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950.

    >>> score_brier(np.array([[0.7, 0.3], [0.4, 0.6]]), np.array([0, 0]))
    0.45
    """
    truth = np.eye(probabilities.shape[1])[labels]  # (n, classes), one-hot
    return float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))


def untemper(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """Take a temperature out again: what the probabilities were before their logits were divided by it.

    The logits are the logarithms of the probabilities times the temperature, but for a constant each row.
    Source of the temperature: C. Guo et al., "On calibration of modern neural networks", 2017.

    >>> untemper(np.array([[0.6, 0.4]]), 2.0).round(3).tolist()
    [[0.692, 0.308]]

    Raises:
        DataError: a temperature that is not above 0, or infinite.
    """
    if not 0 < temperature < np.inf:
        raise DataError(f"expected a temperature above 0, got {temperature}")
    logits = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST)) * temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
