"""Finishing: a fitted network becomes a finished run folder: saved, exported, measured, drawn, described."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tenfold.data import DIGITS, Dataset, load_mnist
from tenfold.data.writing import written_aside
from tenfold.judging import Report, evaluate
from tenfold.making import runs
from tenfold.making.backend import keras
from tenfold.making.events import Event, Note
from tenfold.making.export import hash_weights, rewrite_card, write_reader
from tenfold.making.fitting import Fitted
from tenfold.making.plans import Plan
from tenfold.making.surroundings import describe_machine, describe_versions
from tenfold.reading import Card, load


@dataclass(frozen=True, eq=False)
class Work:
    """One training under way: its folder, what was asked for, who is told, when it was begun.

    described: the data set, by `plans.describe_data`.
    """

    folder: Path
    plan: Plan
    dataset: Dataset
    described: dict[str, Any]
    tell: Callable[[Event], None]
    clock: float
    started: str


def finish(
    work: Work, model: keras.Model, fitted: Fitted, more: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Write all that a run leaves, metrics.json last. more: what else that is to say. Raises RunError."""
    folder, plan, dataset = work.folder, work.plan, work.dataset
    save_model(model, folder)
    card, reports = _write_reader(work, model, fitted)
    _draw(folder, dataset, fitted, reports)
    metrics = {
        "recipe": card.settings,
        "seed": plan.seed,
        "seeds": list(plan.seeds),
        "parameters": card.parameters,
        "data": work.described,
        "figures": card.figures,
        "epochs": len(fitted.history),
        "kept_epoch": fitted.kept_epoch,
        "weights_sha256": card.weights_sha256,
        "seconds": {
            "fit": round(fitted.seconds, 3),
            "total": round(time.perf_counter() - work.clock, 3),
        },
        "started": work.started,
        "machine": describe_machine(),
        "versions": card.versions,
        **more,
    }
    if plan.init is not None:
        metrics |= {"init": plan.init, "mnist": _compare_on_mnist(work)}
    runs.write_history(folder / runs.HISTORY, fitted.history)  # grown line by line so far, and not synced
    runs.write_json(folder / runs.METRICS, metrics)


def save_model(model: keras.Model, folder: Path) -> None:
    """Keep a network as the run's model.keras. Raises RunError."""
    with written_aside(folder / runs.MODEL) as aside:
        model.save(aside)


def _compare_on_mnist(work: Work) -> dict[str, float]:
    """Shares of MNIST's test images read right before and after, where both read digits; told as well."""
    before = Path(work.plan.init or "")
    test = load_mnist().test
    if work.dataset.class_names != DIGITS or test is None or not (before / runs.READER).exists():
        return {}
    then, now = (evaluate(load(folder), test).accuracy for folder in (before, work.folder))
    change = 100 * (now - then)
    moved = "as before" if change == 0 else f"{'up' if change > 0 else 'fell'} by {abs(change):.2f} points"
    work.tell(Note(f"MNIST test accuracy: {then:.2%} before, {now:.2%} after: {moved}"))
    return {"before": then, "after": now}


def _write_reader(work: Work, model: keras.Model, fitted: Fitted) -> tuple[Card, dict[str, Report]]:
    """Save the reader, judge the saved one on what training did not see, and put the figures in its card."""
    path, plan, dataset = work.folder / runs.READER, work.plan, work.dataset
    recipe = plan.recipe
    card = Card(
        name=plan.name,
        recipe=recipe.name,
        labels=dataset.class_names,
        threshold=fitted.threshold,
        temperature=fitted.temperature,
        seed=plan.seed,
        seeds=plan.seeds,
        data_sha256=dataset.sha256,
        weights_sha256=hash_weights(model),
        parameters=model.count_params(),
        versions=describe_versions(),
        settings=asdict(replace(recipe, learning_rate=recipe.rate)),
    )
    write_reader(model, card, path, images=(dataset.test or dataset.train).images)
    reader = load(path)
    splits = {"validation": dataset.validation, "test": dataset.test}
    reports = {name: evaluate(reader, split) for name, split in splits.items() if split}
    figures: dict[str, float] = {}
    for name, report in reports.items():
        figures |= {f"{name}_accuracy": report.accuracy, f"{name}_loss": report.loss}
    return rewrite_card(replace(card, figures=figures), path), reports


def _draw(folder: Path, dataset: Dataset, fitted: Fitted, reports: dict[str, Report]) -> None:
    """Draw the run's pictures; the mistakes are the test images', or without any the held-out ones'."""
    from tenfold.judging import figures

    drawn = {
        runs.SAMPLES: figures.grid(dataset.train.images, dataset.train.labels, dataset.class_names),
        runs.CURVES: figures.curves(fitted.history),
    }
    if reports:
        report = reports.get("test") or reports["validation"]
        split = dataset.test or dataset.validation
        drawn[runs.CONFUSION] = figures.confusion(report.confusion, dataset.class_names)
        drawn[runs.MISTAKES] = figures.mistakes(
            split.images, split.labels, report.probabilities, dataset.class_names
        )
    for name, figure in drawn.items():
        with written_aside(folder / name) as aside:
            figure.savefig(aside)
