"""Whether a reader knows when not to answer.

confidence: (n,) 0-1; right: (n,) bool, whether the answer with that confidence was right.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError
from tenfold.judging.calibration import check_answers
from tenfold.judging.metrics import Floats

KEPT = 0.95
"""The share of digits kept at which false positives are counted."""


@dataclass(frozen=True, eq=False)
class RiskCurve:
    """How often answers are wrong, when only the most confident are given.

    threshold: (k,) the confidences that occur, falling; coverage: (k,) share of answers at least so
    confident; risk: (k,) share of those that are wrong.
    area: the area under risk against coverage, 0-1, each answer a step; answers of one confidence share their
        risk, so that their order is nothing to it.
    """

    threshold: NDArray[np.float64] = field(repr=False)
    coverage: NDArray[np.float64] = field(repr=False)
    risk: NDArray[np.float64] = field(repr=False)
    area: float

    def coverage_at(self, accuracy: float) -> float:
        """The greatest share of answers that can be given with this share of them right, 0 where none can.

        >>> curve = measure_risk(np.array([0.9, 0.8, 0.7]), np.array([True, True, False]))
        >>> round(curve.coverage_at(0.99), 3)
        0.667
        """
        # Counts divided: 999 of 1000 right must pass for 99.9% whatever the rounding.
        good = self.coverage[1 - self.risk >= accuracy - 1e-12]
        return float(good.max()) if len(good) else 0.0


def measure_risk(confidence: Floats, right: NDArray[np.bool_]) -> RiskCurve:
    """Measure risk against coverage, and the area under it (AURC).

    Source: Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", 2017.

    Raises DataError as `check_answers`.
    """
    check_answers(confidence, right)
    threshold, place, count = np.unique(-confidence, return_inverse=True, return_counts=True)
    wrong = np.bincount(place, ~right)  # in each group of one confidence
    given = np.cumsum(count)
    n = len(confidence)
    spread = np.cumsum(np.repeat(wrong / count, count))  # wrong among the first 1, 2, ... n answers
    area = float(np.mean(spread / np.arange(1, n + 1)))
    return RiskCurve(-threshold.astype(np.float64), given / n, np.cumsum(wrong) / given, area)


@dataclass(frozen=True)
class Separation:
    """How well confidence keeps digits and other signs apart.

    n: how many other signs; auroc: the probability that a digit is given more confidence than one of them, a
    tie counting half; false_positives: share of them at least as confident as 95% of the digits are;
    accepted: share of them at or above the reader's threshold.
    """

    n: int
    auroc: float
    false_positives: float
    accepted: float


def separate(digits: Floats, others: Floats, threshold: float) -> Separation:
    """Measure how well confidence tells digits (n,) from other signs (m,).

    Source: D. Hendrycks, K. Gimpel, "A baseline for detecting misclassified and out-of-distribution examples
    in neural networks", 2017.

    >>> separate(np.array([0.9, 0.8]), np.array([0.8, 0.1]), threshold=0.5)
    Separation(n=2, auroc=0.875, false_positives=0.5, accepted=0.5)

    Raises:
        DataError: either is empty, or holds what is no confidence.
    """
    for name, values in (("digits", digits), ("other signs", others)):
        if len(values) == 0:
            raise DataError(f"no {name} to tell apart; expected at least one of each")
        check_answers(values, np.ones(len(values), bool))
    ordered = np.sort(others)
    below, upto = (np.searchsorted(ordered, digits, side=side) for side in ("left", "right"))
    kept = np.sort(digits)[::-1][int(np.ceil(KEPT * len(digits) - 1e-9)) - 1]
    return Separation(
        n=len(others),
        auroc=float(np.mean((below + upto) / 2) / len(others)),
        false_positives=float(np.mean(others >= kept)),
        accepted=float(np.mean(others >= threshold)),
    )
