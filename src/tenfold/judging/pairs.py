"""Two readers on the same images: on which they differ, and whether one is better or just lucky."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Split
from tenfold.judging.metrics import mcnemar
from tenfold.judging.report import Report, evaluate, match_classes

if TYPE_CHECKING:
    from tenfold.reading import Reader


@dataclass(frozen=True, eq=False)
class Pair:
    """What two readers, a and b, answered on the same n images.

    reports: of a and of b. answers: (2, n) names of the classes they answered; labels: (n,) names of the true
        ones.
    only_a, only_b: indices of the images that only this one read right.
    both_wrong: indices of those that both read wrongly, and differently.
    statistic, p: of McNemar's test; p is how often two equally good readers would differ so much or more.
    same: whether a and b are one reader, their files equal byte for byte.
    """

    n: int
    reports: tuple[Report, Report] = field(repr=False)
    answers: NDArray[np.str_] = field(repr=False)
    labels: NDArray[np.str_] = field(repr=False)
    only_a: NDArray[np.int64] = field(repr=False)
    only_b: NDArray[np.int64] = field(repr=False)
    both_wrong: NDArray[np.int64] = field(repr=False)
    statistic: float
    p: float
    same: bool

    @property
    def differ(self) -> NDArray[np.int64]:
        """Indices of all images to which they gave different answers, in order."""
        return np.flatnonzero(self.answers[0] != self.answers[1])


def judge_pair(a: "Reader", b: "Reader", split: Split, class_names: Sequence[str]) -> Pair:
    """Read every image of a split with two readers and test their difference (McNemar 1947).

    class_names: the split's; both readers must know them, in whatever order. Unsure answers count as given.

    >>> import tenfold
    >>> reader, test = tenfold.load(), tenfold.load_mnist().test
    >>> pair = judge_pair(reader, reader, tenfold.Split(test.images[:100], test.labels[:100]), "0123456789")
    >>> len(pair.differ), pair.p, pair.same
    (0, 1.0, True)

    Raises DataError for an empty split, or a class that a reader does not know, before anything is read.
    """
    splits = [match_classes(split, class_names, one.labels, f"the reader {one.path}") for one in (a, b)]
    reports = tuple(evaluate(reader, own) for reader, own in zip((a, b), splits, strict=True))
    answers = np.stack(
        [np.array(report.class_names, dtype=str)[report.digits] for report in reports]
    )  # (2, n)
    labels = np.array(list(class_names), dtype=str)[split.labels]
    right_a, right_b = answers == labels
    statistic, p = mcnemar(right_a, right_b)
    return Pair(
        n=len(split),
        reports=(reports[0], reports[1]),
        answers=answers,
        labels=labels,
        only_a=np.flatnonzero(right_a & ~right_b),
        only_b=np.flatnonzero(right_b & ~right_a),
        both_wrong=np.flatnonzero(~right_a & ~right_b & (answers[0] != answers[1])),
        statistic=statistic,
        p=p,
        same=a.path.read_bytes() == b.path.read_bytes(),
    )
