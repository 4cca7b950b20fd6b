"""What a benchmark finds, as values; how they are put together, and what is written of them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import mean, median, stdev
from typing import Any

import numpy as np

STOCK = "classic in stock Keras"
TORCH = "classic in PyTorch"
UNITS = {"many": "images a second", "one": "seconds an image", "start": "seconds"}
"""What is timed of a finished reader, beside what it is shown in: many images, one image, whole commands."""


@dataclass(frozen=True)
class Trial:
    """One training in a process of its own.

    name: who trained; images: to train on; fit, process: seconds of the fitting, and of the whole process.
    memory: bytes at its peak, None if unknown; accuracy: on the test images, 0-1; known, other: how many of
        them were read wrongly, on known label problems and on the rest.
    """

    name: str
    seed: int
    images: int
    epochs: int
    fit: float
    process: float
    memory: int | None
    accuracy: float
    known: int
    other: int

    @property
    def seen(self) -> int:
        """How many images were trained on, each epoch counted."""
        return self.images * self.epochs


@dataclass(frozen=True)
class Timing:
    """One way to do something, timed several times: seconds per image or command, in the order measured."""

    what: str
    kind: str
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Spread:
    """A median, and the least and greatest it was taken of."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of at least one value."""
        values = list(values)
        return cls(median(values), min(values), max(values))

    def times(self, other: "Spread") -> "Spread":
        """How many times as long this is as the other: of the medians, and at least and at most."""
        return Spread(self.median / other.median, self.least / other.greatest, self.greatest / other.least)


@dataclass(frozen=True)
class Summary:
    """The trials of one contender put together.

    fit_times, process_times: how many times as long stock Keras took; None without it.
    accuracy: the mean, 0-1; sd: over seeds, None for one; known, other: mean counts of wrong answers.
    """

    name: str
    trials: int
    fit: Spread
    process: Spread
    fit_times: Spread | None
    process_times: Spread | None
    memory: int | None
    accuracy: float
    sd: float | None
    known: float
    other: float


@dataclass(frozen=True)
class Cost:
    """What training costs at first, and what each image of an epoch adds, in seconds (least squares)."""

    name: str
    first: float
    image: float


@dataclass(frozen=True)
class Benchmark:
    """Everything one benchmark measured.

    trials: whole trainings; growth: trainings of other lengths, held-out images left out.
    notes: what was left out, and why. place: where and when it was measured.
    complete: whether all that was asked for is here; not while it is measured, nor where it broke off.
    """

    asked: dict[str, Any]
    trials: tuple[Trial, ...] = ()
    timings: tuple[Timing, ...] = ()
    growth: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()
    place: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    def with_row(self, part: str, row: Trial | Timing) -> "Benchmark":
        """The same with one thing more, measured in this part of the benchmark."""
        if isinstance(row, Timing):
            return replace(self, timings=(*self.timings, row))
        if part == "growth":
            return replace(self, growth=(*self.growth, row))
        return replace(self, trials=(*self.trials, row))

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The trainings, a summary each contender."""
        return summarise(self.trials)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """How fit time grows, for each contender whose growth was measured."""
        return tuple(_fit_cost(name, trials) for name, trials in group_trials(self.growth).items())

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values: what was found first, then every single measurement."""
        return {
            "what": "seconds (median, least, greatest), times as long as stock Keras took, bytes, shares 0-1",
            "asked": self.asked,
            "complete": self.complete,
            "training": [asdict(summary) for summary in self.summaries],
            "timing": [
                {"what": one.what, "unit": UNITS[one.kind], **asdict(shown(one))} for one in self.timings
            ],
            "growth": [asdict(cost) for cost in self.costs],
            "notes": self.notes,
            "measured": {
                "trials": [asdict(trial) for trial in self.trials],
                "timings": [asdict(timing) for timing in self.timings],
                "growth": [asdict(trial) for trial in self.growth],
            },
            **self.place,
        }


def group_trials(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Trials by contender, in the order of their first."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.name, []).append(trial)
    return groups


def summarise(trials: Sequence[Trial]) -> tuple[Summary, ...]:
    """A summary each contender, stock Keras first."""
    groups = group_trials(trials)
    ordered = sorted(groups, key=lambda name: name != STOCK)
    stock = groups.get(STOCK)
    return tuple(_summarise(name, groups[name], stock) for name in ordered)


def _summarise(name: str, trials: Sequence[Trial], stock: Sequence[Trial] | None) -> Summary:
    fit, process = (Spread.of(getattr(t, column) for t in trials) for column in ("fit", "process"))
    times: list[Spread | None] = [None, None]
    if stock:
        times = [
            Spread.of(getattr(t, column) for t in stock).times(own)
            for column, own in (("fit", fit), ("process", process))
        ]
    accuracies = [trial.accuracy for trial in trials]
    memories = [trial.memory for trial in trials if trial.memory is not None]
    return Summary(
        name=name,
        trials=len(trials),
        fit=fit,
        process=process,
        fit_times=times[0],
        process_times=times[1],
        memory=round(median(memories)) if memories else None,
        accuracy=mean(accuracies),
        sd=stdev(accuracies) if len(accuracies) > 1 else None,
        known=mean(trial.known for trial in trials),
        other=mean(trial.other for trial in trials),
    )


def shown(timing: Timing) -> Spread:
    """A timing in its unit: images a second where there were many of them, else seconds."""
    spread = Spread.of(timing.seconds)
    if timing.kind != "many":
        return spread
    return Spread(1 / spread.median, 1 / spread.greatest, 1 / spread.least)


def _fit_cost(name: str, trials: Sequence[Trial]) -> Cost:
    seen = np.array([[1.0, trial.seen] for trial in trials])
    (first, image), *_ = np.linalg.lstsq(seen, np.array([trial.fit for trial in trials]), rcond=None)
    return Cost(name, float(first), float(image))
