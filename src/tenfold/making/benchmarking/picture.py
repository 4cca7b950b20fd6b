"""A benchmark as panels of one picture."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tenfold.making.benchmarking.results import (
    STOCK,
    TORCH,
    Benchmark,
    Spread,
    Summary,
    Trial,
    group_trials,
    shown,
)

if TYPE_CHECKING:
    from tenfold.judging.charts import Bars, Lines

TITLES = {
    "many": "Prediction, images a second",
    "one": "Prediction, one image (scale of ratios)",
    "start": "Start, a whole command (scale of ratios)",
}


def make_panels(found: Benchmark) -> "list[Bars | Lines]":
    """What is drawn of everything that was measured: bars of medians with their span, lines of what grows."""
    return [*_training(found.summaries), *_timings(found), *_growth(found.growth)]


def _training(summaries: Sequence[Summary]) -> "list[Bars]":
    from tenfold.judging.charts import Bars

    if not summaries:
        return []
    own = frozenset(summary.name for summary in summaries) - {STOCK, TORCH}
    memories = {s.name: _row(Spread.of([s.memory / 2**20])) for s in summaries if s.memory is not None}
    panels = [
        Bars("Training: fit", {s.name: _row(s.fit) for s in summaries}, _seconds, own),
        Bars("Training: the whole process", {s.name: _row(s.process) for s in summaries}, _seconds, own),
        Bars("Test images read wrongly", {s.name: _wrong(s) for s in summaries}, lambda n: f"{n:.1f}", own),
    ]
    if memories:
        panels.append(Bars("Training: memory at its peak", memories, lambda mb: f"{mb:,.0f} MB", own))
    return panels


def _timings(found: Benchmark) -> "list[Bars]":
    from tenfold.judging.charts import Bars

    panels = []
    for kind, title in TITLES.items():
        rows = {one.what: _row(shown(one)) for one in found.timings if one.kind == kind}
        own = frozenset(name for name in rows if "tenfold" in name.lower())
        text: Callable[[float], str] = (lambda rate: f"{rate:,.0f}") if kind == "many" else _seconds
        if rows:
            panels.append(Bars(title, rows, text, own, ratios=kind != "many"))
    return panels


def _growth(growth: Sequence[Trial]) -> "list[Lines]":
    from tenfold.judging.charts import Lines

    if not growth:
        return []
    groups = group_trials(growth)
    base = growth[0].images
    by_epochs = {n: sorted((t for t in g if t.images == base), key=_epochs) for n, g in groups.items()}
    by_images = {n: sorted((t for t in g if t.epochs == 1), key=_images) for n, g in groups.items()}
    return [
        Lines(
            f"Seconds to fit {base:,} images",
            "epochs",
            {n: ([*map(_epochs, ts)], [t.fit for t in ts]) for n, ts in by_epochs.items()},
        ),
        Lines(
            "Seconds to fit, one epoch",
            "images",
            {n: ([*map(_images, ts)], [t.fit for t in ts]) for n, ts in by_images.items()},
        ),
        Lines(
            "Memory at its peak, MB",
            "images",
            {n: ([*map(_images, ts)], [(t.memory or 0) / 2**20 for t in ts]) for n, ts in by_images.items()},
        ),
    ]


def _epochs(trial: Trial) -> float:
    return trial.epochs


def _images(trial: Trial) -> float:
    return trial.images


def _row(spread: Spread) -> tuple[float, float, float]:
    return spread.median, spread.least, spread.greatest


def _wrong(summary: Summary) -> tuple[float, float, float]:
    wrong = summary.known + summary.other
    return wrong, wrong, wrong


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.1f} s"
