"""An assessment in a few lines: the same rows for a terminal and for the page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isnan

from tenfold.judging.columns import Assessment, Clean, Judged
from tenfold.judging.refusing import Separation

NOTHING = "–"
TOGETHER = "letters and scribbles"
UNLIKE = "corrupted, unlike training"


@dataclass(frozen=True)
class Row:
    """One figure of every reader. name: of the figure; why: what it says, for who has not met it."""

    name: str
    why: str
    values: tuple[str, ...]


def share_text(share: float, decimals: int = 2) -> str:
    """Show a share in percent without rounding doubt away: only 1 is shown as 100%, only 0 as 0%.

    >>> share_text(0.99999), share_text(1.0), share_text(0.5, 1), share_text(float("nan"))
    ('99.99%', '100.00%', '50.0%', '–')
    """
    if isnan(share):
        return NOTHING
    step = 10.0**-decimals
    shown = 100 * share
    if 0 < share < 1:
        shown = min(max(shown, step), 100 - step)
    return f"{shown:.{decimals}f}%"


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
    ("accuracy", "the answer is the label", _of(lambda c: share_text(c.report.accuracy))),
    ("95% interval", "where the true share lies, 95 times in 100 (Wilson)", _of(_interval)),
    ("mistakes", "images read wrongly", _of(lambda c: f"{len(c.report.wrong):,}")),
)
_DOUBT = "of them, label known to be wrong or open to doubt"
_MORE: tuple[tuple[str, str, Show], ...] = (
    ("loss", "the one it was trained with", _of(lambda c: f"{c.report.loss:.4f}")),
    ("top two", "the label is among the two likeliest answers", _of(lambda c: share_text(c.top2))),
    ("sure", "answers at or above the reader's threshold", _of(lambda c: share_text(c.report.answered))),
    ("right where sure", "share of those", _of(lambda c: share_text(c.report.accuracy_answered))),
    ("calibration error", "ECE: confidence beside accuracy", _of(lambda c: share_text(c.reliability.error))),
    ("Brier score", "0 is perfect, 2 the worst", _of(lambda c: f"{c.brier:.5f}")),
    ("log loss", "negative log-likelihood, as shipped", _of(lambda c: f"{c.nll:.4f}")),
    ("log loss untempered", "before the temperature", _of(lambda c: f"{c.nll_untempered:.4f}")),
    ("risk-coverage area", "AURC: 0 is perfect", _of(lambda c: f"{c.risk.area:.6f}")),
    ("coverage, 99.9% right", "answers with 999 of 1,000 right", _of(lambda c: share_text(c.coverage))),
)
_COSTS: tuple[tuple[str, str, Show], ...] = (
    ("parameters", "trained numbers", lambda one: f"{one.card.parameters:,}"),
    ("multiply-adds", "in convolutions and products", lambda one: size_text(one.cost.multiply_adds)),
    ("file", "bytes", lambda one: size_text(one.cost.size)),
    ("an image alone", "median, on this machine", lambda one: f"{1e3 * one.cost.alone:.2f} ms"),
    ("an image among many", "on this machine", lambda one: f"{1e3 * one.cost.together:.2f} ms"),
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
    rows = [_row(assessment, "corrupted, mean", mean, lambda c: share_text(c.mean_corrupted()))]
    if set(known) >= set(assessment.columns[0].corrupted):
        return [replace(rows[0], why=f"{mean}, each of which training resembles")]
    if known:
        why = f"without {', '.join(known)}"
        rows.append(_row(assessment, UNLIKE, why, lambda c: share_text(c.mean_corrupted(known))))
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
    ("accepted", "at the reader's threshold", lambda s: share_text(s.accepted, 1)),
    ("at 95%", "accepted where 95% of digits are kept", lambda s: share_text(s.false_positives, 1)),
)
