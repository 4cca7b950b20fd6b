"""An assessment in a few lines: the same rows for a terminal and for the page."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tenfold.judging.columns import Assessment, Clean, Judged
from tenfold.judging.refusing import Separation
from tenfold.reading.spelling import percent

TOGETHER = "letters and scribbles"
UNLIKE = "corrupted, unlike training"


@dataclass(frozen=True)
class Row:
    """One figure of every reader. name: of the figure; why: what it says, for who has not met it."""

    name: str
    why: str
    values: tuple[str, ...]


def size_text(count: float) -> str:
    """Show a count in thousands or millions.

    >>> size_text(376_147), size_text(2_794_240), size_text(512)
    ('376 k', '2.79 M', '512')
    """
    if count < 1000:
        return f"{count:.0f}"
    return f"{count / 1e3:.0f} k" if count < 999_500 else f"{count / 1e6:.2f} M"


def summarise(assessment: Assessment) -> list[Row]:
    """The rows of the short table: every suite that was run has its own."""
    rows = [*_clean_rows(assessment), *_corrupted_rows(assessment), *_nondigit_rows(assessment)]
    return rows + [_row(assessment, *cost) for cost in _COSTS]


Show = Callable[[Judged], str]


def _row(assessment: Assessment, name: str, why: str, show: Show) -> Row:
    return Row(name, why, tuple(show(column) for column in assessment.columns))


def _of(show: Callable[[Clean], str]) -> Show:
    return lambda column: show(column.clean)


def _interval(clean: Clean) -> str:
    low, high = clean.report.interval
    return f"{100 * low:.2f}–{100 * high:.2f}%"


_ANSWERS: tuple[tuple[str, str, Show], ...] = (
    ("accuracy", "the answer is the label", _of(lambda c: percent(c.report.accuracy, 2))),
    ("95% interval", "where the true share lies, 95 times in 100 (Wilson)", _of(_interval)),
    ("mistakes", "images read wrongly", _of(lambda c: f"{len(c.report.wrong):,}")),
)
_DOUBT = "of them, label known to be wrong or open to doubt"
_MORE: tuple[tuple[str, str, Show], ...] = (
    ("loss", "the one it was trained with", _of(lambda c: f"{c.report.loss:.4f}")),
    ("top two", "the label is among the two likeliest answers", _of(lambda c: percent(c.top2, 2))),
    ("sure", "answers at or above the reader's threshold", _of(lambda c: percent(c.report.answered, 2))),
    ("right where sure", "share of those", _of(lambda c: percent(c.report.accuracy_answered, 2))),
    ("calibration error", "ECE: confidence beside accuracy", _of(lambda c: percent(c.reliability.error, 2))),
    ("Brier score", "0 is perfect, 2 the worst", _of(lambda c: f"{c.brier:.5f}")),
    ("log loss", "negative log-likelihood, as shipped", _of(lambda c: f"{c.nll:.4f}")),
    ("log loss untempered", "before the temperature", _of(lambda c: f"{c.nll_untempered:.4f}")),
    ("risk-coverage area", "AURC: 0 is perfect", _of(lambda c: f"{c.risk.area:.6f}")),
    ("coverage, 99.9% right", "answers with 999 of 1,000 right", _of(lambda c: percent(c.coverage, 2))),
)
_COSTS: tuple[tuple[str, str, Show], ...] = (
    ("parameters", "trained numbers", lambda one: f"{one.card.parameters:,}"),
    ("multiply-adds", "in convolutions and products", lambda one: size_text(one.cost.multiply_adds)),
    ("file", "bytes", lambda one: size_text(one.cost.size)),
    ("an image alone", "median, on this machine", lambda one: f"{1e3 * one.cost.alone:.2f} ms"),
    ("an image among many", "median, on this machine", lambda one: f"{1e3 * one.cost.together:.2f} ms"),
)


def _clean_rows(assessment: Assessment) -> list[Row]:
    doubt = ("with a doubtful label", _DOUBT, _of(lambda c: str(c.problems_wrong)))
    known = [doubt] if len(assessment.columns[0].clean.problems) else []
    return [_row(assessment, *row) for row in (*_ANSWERS, *known, *_MORE)]


def _corrupted_rows(assessment: Assessment) -> list[Row]:
    known = assessment.resembled
    if "corrupted" not in assessment.suites:
        return []
    mean = "of the 15 corruptions of MNIST-C"
    rows = [_row(assessment, "corrupted, mean", mean, lambda c: percent(c.mean_corrupted(), 2))]
    if set(known) >= set(assessment.columns[0].corrupted):
        return [replace(rows[0], why=f"{mean}, each of which training resembles")]
    if known:
        why = f"without {', '.join(known)}"
        rows.append(_row(assessment, UNLIKE, why, lambda c: percent(c.mean_corrupted(known), 2)))
    return rows


def _nondigit_rows(assessment: Assessment) -> list[Row]:
    rows = []
    for kind in assessment.columns[0].nondigits:
        for name, why, show in _SEPARATION:
            values = tuple(show(column.nondigits[kind].separation) for column in assessment.columns)
            rows.append(Row(f"{kind}: {name}", why, values))
    return rows


_SEPARATION: tuple[tuple[str, str, Callable[[Separation], str]], ...] = (
    ("AUROC", "how often a digit gets more confidence", lambda s: f"{s.auroc:.4f}"),
    ("accepted", "at the reader's threshold", lambda s: percent(s.accepted)),
    ("at 95%", "accepted where 95% of digits are kept", lambda s: percent(s.false_positives)),
)
