"""How right answers are on the test images, with the known label problems apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Split
from tenfold.judging.problems import find_problems


def judge_answers(digits: NDArray[Any], test: Split) -> dict[str, float]:
    """The accuracy of answers (n,), and how many are wrong: on known label problems, and on the rest.

    >>> test = Split(np.zeros((4, 28, 28), np.uint8), np.array([3, 1, 4, 1]))
    >>> judge_answers(np.array([3, 1, 4, 5]), test)
    {'accuracy': 0.75, 'known': 0, 'other': 1}
    """
    wrong = np.flatnonzero(np.asarray(digits) != test.labels)
    known = int(np.isin(wrong, find_problems(test)).sum())
    return {"accuracy": 1 - len(wrong) / len(test), "known": known, "other": len(wrong) - known}
