"""Comparing choices: a grid of dials is trained from several seeds and set side by side."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Dataset
from tenfold.data.dataset import Images
from tenfold.data.identity import hash_splits
from tenfold.errors import DataError, OptionError, TrainingError
from tenfold.judging.metrics import score_accuracy, score_loss
from tenfold.making.backend import keras
from tenfold.making.cells import DIALS, Cell, CellDone, begin_cells, find_cell, held_comparison, keep_cell
from tenfold.making.dials import MOST, SEEDS, Setting, make_grid
from tenfold.making.events import EpochEnd, Event, Note
from tenfold.making.networks import build_network
from tenfold.making.plans import check_seed, load_asked
from tenfold.making.recipes import Recipe
from tenfold.making.results import Comparison, Result, write_results
from tenfold.making.runs import DIGITS, Row
from tenfold.making.surroundings import describe_machine, describe_versions
from tenfold.making.training import FITS, check_fit

Tell = Callable[[Event | CellDone], None]

PREDICTED = 500  # validation images at a time


def compare(
    dials: Mapping[str, Sequence[object] | object],
    *,
    seeds: int | Sequence[int] = SEEDS,
    epochs: int | None = None,
    data: Dataset | str | Path | None = None,
    limit: int | None = None,
    validation: float | str | Path | None = None,
    out: str | Path | None = None,
    on_event: Tell | None = None,
) -> Comparison:
    """Train every combination of the dials' values from several seeds, and show them side by side.

    dials: by name, each with its values, or "all" for every one it has: `{"activation": ["relu", "elu"]}`.
    seeds: how many, counted from 1, or which.
    epochs: of every training, where that is no dial; None is the recipe's own.
    data, limit, validation: as for `train`. The test images are not touched.
    out: the folder; None is `runs/compare-<dials>`. What is trained in it already is not trained again, so a
        comparison that was stopped, or that is asked for more, goes on from there.
    on_event: called with the events of each training and a `CellDone` after it.

    A training whose loss stops being finite counts as a result of its own.

    >>> found = tenfold.making.compare({"filters": [4, 8]}, seeds=1, epochs=1, limit=500, out=folder / "c")
    >>> [(result.setting.name, result.parameters) for result in found.results]
    [('filters=4', 6242), ('filters=8', 13498)]

    Raises:
        OptionError: a dial, value or combination that does not exist; before anything is made.
        DataError: the data cannot be used.
        RunError: the folder holds something else, or cannot be written.
    """
    tell: Tell = on_event or (lambda event: None)
    grid = make_grid(dials, epochs)
    chosen_seeds = _list_seeds(seeds)
    if len(grid) * len(chosen_seeds) > MOST:
        raise OptionError(
            f"{len(grid)} settings from {len(chosen_seeds)} seeds each are {len(grid) * len(chosen_seeds):,} "
            f"trainings; expected at most {MOST:,}"
        )
    dataset = load_asked(data, validation, limit)
    for setting in grid:
        check_fit(setting.recipe, dataset)
    _check_judgeable(dataset)
    names = tuple(grid[0].choices)
    identity = hash_splits(dataset.train, dataset.validation)
    with held_comparison(out, "-".join(names), DIALS, lambda remark: tell(Note(remark))) as folder:
        begin_cells(folder)
        for text in dict.fromkeys(text for setting in grid for text in setting.recipe.warnings()):
            tell(Note(text))
        cells = _train_cells(folder, grid, chosen_seeds, dataset, identity, tell)
        results = tuple(
            Result(setting, tuple(cells[place, seed] for seed in chosen_seeds))
            for place, setting in enumerate(grid)
        )
        comparison = Comparison(folder, names, chosen_seeds, results, _describe_data(dataset, identity))
        write_results(comparison, {"machine": describe_machine(), "versions": describe_versions()})
    return comparison


def _train_cells(
    folder: Path, grid: Sequence[Setting], seeds: Sequence[int], dataset: Dataset, identity: str, tell: Tell
) -> dict[tuple[int, int], Cell]:
    """Every cell by its setting's place and its seed: found, or trained and kept.

    Seeds turn slowest, so that a comparison that is stopped has something of every setting.
    """
    cells: dict[tuple[int, int], Cell] = {}
    count = len(grid) * len(seeds)
    for seed in seeds:
        for place, setting in enumerate(grid):
            found = find_cell(folder, setting.recipe, seed, identity, lambda remark: tell(Note(remark)))
            cell = found
            if cell is None:
                cell = _train_cell(setting, seed, dataset, identity, tell)
                keep_cell(folder, cell)
            cells[place, seed] = cell
            tell(CellDone(cell, setting.name, len(cells), count, again=found is not None))
    return cells


def _train_cell(setting: Setting, seed: int, dataset: Dataset, identity: str, tell: Tell) -> Cell:
    """Train one setting from one seed, with the weights, batches and figures that `train` would give."""
    recipe = setting.recipe

    def tell_named(event: Event) -> None:
        if isinstance(event, EpochEnd):
            rows.append(_to_row(event))
        tell(replace(event, text=f"{setting.name}: {event.text}") if isinstance(event, Note) else event)

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = build_network(recipe.network, len(dataset.class_names), recipe.activation, **recipe.dials)
    rows: list[Row] = []
    clock = time.perf_counter()
    try:
        fitted = FITS[recipe.fitting](model, recipe, dataset, seed, tell_named)
    except TrainingError as error:
        seconds = round(time.perf_counter() - clock, 3)
        nothing = (None, None, None)
        return Cell(recipe, seed, identity, tuple(rows), *nothing, seconds, model.count_params(), str(error))
    figures = _judge(model, recipe, dataset)
    history, seconds = fitted.history, round(fitted.seconds, 3)
    return Cell(recipe, seed, identity, history, *figures, seconds, model.count_params())


def _to_row(event: EpochEnd) -> Row:
    """What is known of a training that does not come to its end."""
    row = {"epoch": event.epoch, "loss": event.loss, "accuracy": event.accuracy}
    if event.validation_loss is not None and event.validation_accuracy is not None:
        row |= {"val_loss": event.validation_loss, "val_accuracy": event.validation_accuracy}
    return row | {"seconds": event.seconds}


def _judge(model: keras.Model, recipe: Recipe, dataset: Dataset) -> tuple[float, float, float]:
    """Accuracy, the recipe's loss and the cross-entropy on the validation images."""
    images, labels = dataset.validation.images, dataset.validation.labels
    starts = range(0, len(images), PREDICTED)
    probabilities = np.concatenate(
        [_probabilities(model, images[start : start + PREDICTED]) for start in starts]
    )  # (n, classes)
    accuracy = score_accuracy(probabilities.argmax(axis=1), labels)
    loss, cross_entropy = score_loss(probabilities, labels, recipe.loss), score_loss(probabilities, labels)
    return round(accuracy, DIGITS), round(loss, DIGITS), round(cross_entropy, DIGITS)


def _probabilities(model: keras.Model, images: Images) -> NDArray[np.float32]:
    """What the network says of images (n, 28, 28).

    Called as it stands: `predict` would be compiled anew for each network, which takes longer.
    """
    outputs: Any = model(images, training=False)
    return np.asarray(outputs[0] if isinstance(outputs, list | tuple) else outputs)


def _list_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= MOST:
            raise OptionError(f"seeds must be a whole number from 1 to {MOST:,}, got {seeds}")
        return tuple(range(1, seeds + 1))
    listed = tuple(dict.fromkeys(seeds)) if isinstance(seeds, Sequence) and not isinstance(seeds, str) else ()
    if not listed:
        raise OptionError(f"seeds is how many there are, or a list of them, got {seeds!r}")
    for seed in listed:
        check_seed(seed)
    return listed


def _check_judgeable(dataset: Dataset) -> None:
    if len(dataset.validation) == 0:
        raise OptionError("choices are compared on images held out from training, and none are held out")
    if len(np.unique(dataset.train.labels)) < 2:
        raise DataError("all training images are of one class; expected at least two to tell apart")


def _describe_data(dataset: Dataset, identity: str) -> dict[str, Any]:
    return {
        "source": dataset.source,
        "sha256": identity,
        "train": len(dataset.train),
        "validation": len(dataset.validation),
    }
