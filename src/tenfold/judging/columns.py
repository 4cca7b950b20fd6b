"""All that a report says, as values."""

from collections.abc import Collection
from dataclasses import dataclass, field
from math import nan
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from tenfold.judging.calibration import Reliability
from tenfold.judging.cost import Cost
from tenfold.judging.metrics import ClassScores
from tenfold.judging.mistakes import Mistake
from tenfold.judging.refusing import RiskCurve, Separation
from tenfold.judging.report import Report
from tenfold.reading import Card

Images = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Clean:
    """How a reader does on labelled images as they are.

    top2: share of labels among the two likeliest, 0-1; problems: indices of known label problems;
    problems_wrong: how many of the mistakes are among them; brier, nll: of the probabilities; nll_untempered:
    without the card's temperature; coverage: the greatest share of answers that can be given with 99.9% of
    them right.
    """

    report: Report
    top2: float
    classes: ClassScores
    problems: NDArray[np.int64] = field(repr=False)
    problems_wrong: int
    reliability: Reliability
    brier: float
    nll: float
    nll_untempered: float
    risk: RiskCurve
    coverage: float


@dataclass(frozen=True)
class Outcome:
    """How a reader does on images of one kind: shares of all of them, 0-1.

    accuracy: answered rightly, sure or not; sure: answered at or above the threshold; surely_wrong: those of
    them that are wrong.
    """

    accuracy: float
    sure: float
    surely_wrong: float


@dataclass(frozen=True, eq=False)
class Refused:
    """How a reader does on signs that are no digits.

    images: the ones it is surest of, (k, 28, 28); read_as, confidence: (k,) what it took them for.
    left_out: how many pictures could not be opened, and are not counted.
    """

    separation: Separation
    images: Images = field(repr=False)
    read_as: tuple[str, ...]
    confidence: tuple[float, ...]
    left_out: int = 0


@dataclass(frozen=True, eq=False)
class Judged:
    """One column of a report: a reader and all that was measured of it.

    corrupted, nondigits: by name; shifted: by name, an Outcome for each value of the shift. Empty where the
    suite was not asked for.
    """

    name: str
    card: Card
    cost: Cost
    clean: Clean
    corrupted: dict[str, Outcome]
    shifted: dict[str, tuple[Outcome, ...]]
    nondigits: dict[str, Refused]

    def mean_corrupted(self, without: Collection[str] = ()) -> float:
        """The mean accuracy over the corruptions but those left out, 0-1; nan where none is left."""
        kept = [outcome.accuracy for name, outcome in self.corrupted.items() if name not in without]
        return fmean(kept) if kept else nan


@dataclass(frozen=True, eq=False)
class Assessment:
    """A reader judged, the classic network beside it.

    columns: the reader first; only it where it is the classic network itself, or reads other signs than it.
    resembled: the corruptions that the reader's training resembles, each with what does.
    mistakes: the reader's, most confident first; examples: by corruption, a few images of it.
    notes: what one should know of how it was measured.
    """

    columns: tuple[Judged, ...]
    source: str
    suites: tuple[str, ...]
    resembled: dict[str, str]
    mistakes: tuple[Mistake, ...] = field(repr=False)
    examples: dict[str, Images] = field(repr=False)
    notes: tuple[str, ...]
