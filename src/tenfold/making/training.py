"""Training: a recipe and a data set become a run folder."""

import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tenfold.data import Dataset, load_data, load_mnist
from tenfold.errors import OptionError
from tenfold.judging import Report, evaluate
from tenfold.making import runs
from tenfold.making.backend import keras
from tenfold.making.events import Event, Finished, Note, Started
from tenfold.making.export import hash_weights, rewrite_card, write_reader
from tenfold.making.fitting import Fitted, fit_stock
from tenfold.making.ink import fit_hands
from tenfold.making.networks import build_network
from tenfold.making.recipes import Recipe
from tenfold.making.recipes import recipe as choose_recipe
from tenfold.making.runs import Run
from tenfold.making.surroundings import describe_machine, describe_versions
from tenfold.reading import Card, load, prepare

LARGEST_SEED = 2**32 - 1
"""NumPy's generators take no larger one."""

SPARE_BYTES = 8 << 20
"""Room for a run's pictures, history and metrics, generously."""


FITS = {"stock": fit_stock, "hands": fit_hands}
"""Each way to fit that a recipe may name."""


def train(
    recipe: str | Recipe = "classic",
    *,
    data: Dataset | str | Path | None = None,
    out: str | Path | None = None,
    seed: int = 1,
    validation: float | str | Path | None = None,
    limit: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    **choices: Any,
) -> Run:
    """Train a recipe on a data set and leave a run folder with a reader in it.

    data: a Dataset, or what `load_data` takes: a file, a folder, or None for MNIST.
    out: the run folder, which must not exist; None is `runs/<time>-<recipe>`.
    seed: the same seed on the same machine gives the same weights; it becomes the global seed of Python,
        NumPy and TensorFlow.
    validation, limit: as in `load_data`, where `data` is not a Dataset yet.
    on_event: called with each event of `making.events`; None turns notes into Python warnings.
    choices: changes to the recipe, such as `activation="elu"`; see `Recipe`.

    The test images are read once, after the training, by the reader that was saved. Stopped by an error or
    by Ctrl-C, it takes its unfinished run folder away.

    >>> run = tenfold.train("classic", limit=2000, epochs=1, out=folder / "run")
    >>> run.reader().labels[7]
    '7'

    Raises:
        OptionError: a choice that does not exist or makes no sense; before anything is made.
        DataError: the data cannot be used.
        RunError: the run folder exists or cannot be written.
        TrainingError: the loss is not finite.
    """
    clock = time.perf_counter()
    tell = on_event or _warn
    chosen = _choose(recipe, choices)
    check_seed(seed)
    dataset = load_asked(data, validation, limit)
    check_fit(chosen, dataset)
    keras.utils.set_random_seed(seed)
    model = build_network(chosen.network, len(dataset.class_names), chosen.activation, **chosen.dials)
    room = SPARE_BYTES + 20 * model.count_params()
    with runs.claimed_folder(out, chosen.name, room) as folder:
        run = _train_into(folder, chosen, model, dataset, seed, tell, clock)
    tell(Finished(folder, run.files, time.perf_counter() - clock))
    return run


def _train_into(
    folder: Path,
    recipe: Recipe,
    model: keras.Model,
    dataset: Dataset,
    seed: int,
    tell: Callable[[Event], None],
    clock: float,
) -> Run:
    started = datetime.now(UTC)
    tell(_describe(folder, recipe, model, dataset))
    for text in recipe.warnings():
        tell(Note(text))
    fitted = FITS[recipe.fitting](
        model, recipe, dataset, seed, tell, partial(runs.append_history, folder / runs.HISTORY)
    )
    with runs.written_aside(folder / runs.MODEL) as aside:
        model.save(aside)
    card, reports = _write_reader(folder, recipe, model, dataset, seed, fitted)
    _draw(folder, dataset, fitted, reports)
    metrics = {
        "recipe": asdict(replace(recipe, learning_rate=recipe.rate)),
        "seed": seed,
        "parameters": model.count_params(),
        "data": _describe_data(dataset),
        "figures": card.figures,
        "epochs": len(fitted.history),
        "kept_epoch": fitted.kept_epoch,
        "weights_sha256": card.weights_sha256,
        "seconds": {"fit": round(fitted.seconds, 3), "total": round(time.perf_counter() - clock, 3)},
        "started": started.isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": card.versions,
    }
    runs.write_metrics(folder / runs.METRICS, metrics)
    return runs.load_run(folder)


def _choose(recipe: str | Recipe, choices: dict[str, Any]) -> Recipe:
    if isinstance(recipe, str):
        return choose_recipe(recipe, **choices)
    if not isinstance(recipe, Recipe):
        raise OptionError(f"a recipe is a name or a Recipe, got {type(recipe).__name__}")
    if choices:
        raise OptionError(
            "a Recipe is complete: change it by dataclasses.replace, or give its name and choices"
        )
    return recipe


def check_seed(seed: object) -> None:
    """Raise OptionError for what cannot be a seed."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise OptionError(f"the seed must be a whole number from 0 to {LARGEST_SEED}, got {seed!r}")


def load_asked(
    data: Dataset | str | Path | None, validation: float | str | Path | None, limit: int | None
) -> Dataset:
    """The data set that `train` was asked to use; raises as it says."""
    given = {"validation": validation, "limit": limit}
    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if data is None:
        return load_mnist(**asked)
    if not isinstance(data, Dataset):
        return load_data(data, to_image=prepare, **asked)
    if asked:
        raise OptionError(f"{' and '.join(asked)}: give it to load_data, a Dataset is loaded already")
    return data


def check_fit(recipe: Recipe, dataset: Dataset) -> None:
    """Raise OptionError where recipe and data do not go together."""
    if recipe.batch_size > len(dataset.train):
        raise OptionError(
            f"a batch of {recipe.batch_size} is larger than the {len(dataset.train)} training images; "
            "expected at most one epoch's images in a batch"
        )
    if recipe.early_stopping is not None and len(dataset.validation) == 0:
        raise OptionError("early stopping watches the validation loss, and no images are held out for it")


def _describe(folder: Path, recipe: Recipe, model: keras.Model, dataset: Dataset) -> Started:
    return Started(
        folder=folder,
        recipe=recipe,
        source=dataset.source,
        train=len(dataset.train),
        validation=len(dataset.validation),
        test=len(dataset.test) if dataset.test else 0,
        batches=-(-len(dataset.train) // recipe.batch_size),
        parameters=model.count_params(),
    )


def _describe_data(dataset: Dataset) -> dict[str, Any]:
    return {
        "source": dataset.source,
        "sha256": dataset.sha256,
        "train": len(dataset.train),
        "validation": len(dataset.validation),
        "test": len(dataset.test) if dataset.test else 0,
        "class_names": list(dataset.class_names),
    }


def _write_reader(
    folder: Path, recipe: Recipe, model: keras.Model, dataset: Dataset, seed: int, fitted: Fitted
) -> tuple[Card, dict[str, Report]]:
    """Save the reader, judge the saved one on what training did not see, and put the figures in its card."""
    path = folder / runs.READER
    card = Card(
        name=recipe.name,
        recipe=recipe.name,
        labels=dataset.class_names,
        threshold=fitted.threshold,
        temperature=fitted.temperature,
        seed=seed,
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
        with runs.written_aside(folder / name) as aside:
            figure.savefig(aside)


def _warn(event: Event) -> None:
    if isinstance(event, Note):
        warnings.warn(event.text, UserWarning, stacklevel=2)
