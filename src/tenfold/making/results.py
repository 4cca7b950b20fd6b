"""Results: what a comparison found, its table, its figure and their files. Loads no TensorFlow."""

import csv
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.writing import written_aside
from tenfold.judging.metrics import wilson_interval
from tenfold.making.cells import DIALS, FORMAT, SUMMARY, Cell
from tenfold.making.dials import Setting, show_value
from tenfold.making.runs import write_json
from tenfold.reading.spelling import percent

TABLE = "table.csv"
CURVES = "curves.png"
FEW = 2000
"""Fewer validation images than this make an accuracy so rough that it is said."""
MEASURES = ("accuracy", "loss", "cross_entropy", "seconds")

_CROSS_ENTROPY = ("categorical_crossentropy", "sparse_categorical_crossentropy")


@dataclass(frozen=True, eq=False)
class Result:
    """One setting with its trainings, one a seed.

    Means and spreads are over the trainings that went to their end; None where none did, or too few.
    """

    setting: Setting
    cells: tuple[Cell, ...] = field(repr=False)

    def values(self, measure: str) -> list[float]:
        """One of MEASURES of every training that went to its end, in the order of the seeds."""
        return [getattr(cell, measure) for cell in self.cells if cell.error is None]

    def mean(self, measure: str) -> float | None:
        """The mean of one of MEASURES over the seeds."""
        values = self.values(measure)
        return statistics.fmean(values) if values else None

    def spread(self, measure: str) -> float | None:
        """Its standard deviation between seeds, of the sample: two at least are needed."""
        values = self.values(measure)
        return statistics.stdev(values) if len(values) > 1 else None

    @property
    def parameters(self) -> int:
        """How many numbers the network learns or keeps."""
        return self.cells[0].parameters


@dataclass(frozen=True, eq=False)
class Comparison:
    """A grid of dials, trained.

    folder: where comparison.json, table.csv, curves.png and the trainings are.
    dials: those that were named; seeds: those trained from; results: one a setting, in the grid's order.
    data: where the images came from, their SHA-256, and how many there are to train and to validate on.
    """

    folder: Path
    dials: tuple[str, ...]
    seeds: tuple[int, ...]
    results: tuple[Result, ...]
    data: dict[str, Any]

    @property
    def one_loss(self) -> bool:
        """Whether every training minimised the cross-entropy, so that losses stand on one scale."""
        return all(result.setting.recipe.loss in _CROSS_ENTROPY for result in self.results)

    def remarks(self) -> tuple[str, ...]:
        """What must be known to read the table right."""
        remarks = []
        if any(result.setting.own for result in self.results) and len(self.results) > 1:
            remarks.append("* as the recipe has it")
        if not self.one_loss:
            remarks.append(
                "each loss has a scale of its own, so they cannot be set against each other; the "
                "cross-entropy can: the mean of -log(probability of the right class), whatever was minimised"
            )
        calibrated = {r.setting.recipe.name for r in self.results if r.setting.recipe.fitting != "stock"}
        if calibrated and len(calibrated) < len({r.setting.recipe.name for r in self.results}):
            remarks.append(
                f"{' and '.join(sorted(calibrated))}: calibrated on these very images, which flatters "
                "the loss a little, not the accuracy"
            )
        if len(self.seeds) == 1:
            remarks.append("one seed shows no spread: a small difference may be chance; more seeds tell")
        count = self.data["validation"]
        means = [mean for result in self.results if (mean := result.mean("accuracy")) is not None]
        if count < FEW and means:
            best = max(means)
            low, high = wilson_interval(round(best * count), count)
            remarks.append(
                f"{count:,} validation images tell an accuracy near {percent(best)} to about "
                f"± {50 * (high - low):.1f} points, whatever the seed"
            )
        for result in self.results:
            failed = [cell for cell in result.cells if cell.error is not None]
            if failed:
                remarks.append(
                    f"{result.setting.name}: {len(failed)} of {len(result.cells)} trainings failed"
                    f"{', the others are shown' * (len(failed) < len(result.cells))}: {failed[0].error}"
                )
        return tuple(remarks)


def write_results(comparison: Comparison, surroundings: dict[str, Any]) -> None:
    """Write the table, the figure and, last, comparison.json. Raises RunError where the disk refuses.

    surroundings: machine and versions.
    """
    from tenfold.judging import figures

    folder = comparison.folder
    with written_aside(folder / TABLE) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        rows = table_rows(comparison)
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    turned, names = _name_settings(comparison)
    own = [result.setting.own for result in comparison.results]
    loss = "val_loss" if comparison.one_loss else None
    figure = figures.learning_curves(
        names,
        own,
        [stack_history(result.cells, "val_accuracy") for result in comparison.results],
        [stack_history(result.cells, loss) for result in comparison.results] if loss else None,
        title=turned,
    )
    with written_aside(folder / CURVES) as aside:
        figure.savefig(aside)
    write_json(folder / SUMMARY, _describe(comparison) | surroundings)


def _name_settings(comparison: Comparison) -> tuple[str, list[str]]:
    """The dials that really turn, and each setting by its values of these alone."""
    choices = [result.setting.choices for result in comparison.results]
    turned = [dial for dial in comparison.dials if len({choice[dial] for choice in choices}) > 1]
    turned = turned or list(comparison.dials)
    names = [", ".join(show_value(choice[dial]) for dial in turned) for choice in choices]
    return ", ".join(turned), names


def table_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """The table as rows of plain values: choices, means, spreads, parameters; "" for what is not known."""
    rows = []
    for result in comparison.results:
        row: dict[str, Any] = dict(result.setting.choices) | {"own": int(result.setting.own)}
        row["trainings"] = len(result.values("accuracy"))
        for measure in MEASURES:
            mean, spread = result.mean(measure), result.spread(measure)
            row[f"{measure}_mean"] = "" if mean is None else round(mean, 6)
            row[f"{measure}_sd"] = "" if spread is None else round(spread, 6)
        rows.append(row | {"parameters": result.parameters})
    return rows


def stack_history(cells: Sequence[Cell], column: str) -> NDArray[np.float64]:
    """One column of the histories as (seeds, epochs), NaN where a training had stopped."""
    longest = max((len(cell.history) for cell in cells), default=0)
    stacked = np.full((len(cells), longest), np.nan)
    for row, cell in zip(stacked, cells, strict=True):
        row[: len(cell.history)] = [epoch.get(column, np.nan) for epoch in cell.history]
    return stacked


def _describe(comparison: Comparison) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": DIALS,
        "finished": True,
        "dials": list(comparison.dials),
        "seeds": list(comparison.seeds),
        "data": comparison.data,
        "remarks": list(comparison.remarks()),
        "results": [
            {
                "choices": result.setting.choices,
                "own": result.setting.own,
                "recipe": asdict(result.setting.recipe),
                "parameters": result.parameters,
                **{
                    measure: {"mean": result.mean(measure), "sd": result.spread(measure)}
                    for measure in MEASURES
                },
                "cells": [
                    {name: value for name, value in asdict(cell).items() if name not in ("recipe", "data")}
                    for cell in result.cells
                ],
            }
            for result in comparison.results
        ],
    }
