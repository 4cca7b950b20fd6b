"""Training: a plan and a data set become a run folder."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.data import DIGITS, Dataset, load_mnist, remark_on
from tenfold.errors import DataError, OptionError, RunError, TrainingError, see
from tenfold.judging import Report, evaluate
from tenfold.making import beginnings, plans, runs
from tenfold.making.backend import keras
from tenfold.making.board import Board
from tenfold.making.checkpoints import SAVE_EVERY, Keeper
from tenfold.making.compiled import COMPILED
from tenfold.making.events import Event, Finished, Note, Started
from tenfold.making.export import hash_weights, rewrite_card, write_reader
from tenfold.making.fitting import Fitted, fit_stock
from tenfold.making.networks import build_network
from tenfold.making.plans import Plan
from tenfold.making.recipes import Recipe
from tenfold.making.runs import Run
from tenfold.making.surroundings import describe_machine, describe_versions
from tenfold.reading import Card, load

SPARE_BYTES = 8 << 20
"""Room for a run's pictures, history and metrics, generously."""

BYTES_A_PARAMETER = 100
"""Room for the network, its reader and three checkpoints: four bytes each, for weights, averages, moments."""

AS_IS = (
    "pictures are taken as they are, but a reader prepares the pictures it is given: this suits only those "
    "that are cut and centred like MNIST's"
)

FITS: dict[str, Callable[..., Fitted]] = {"stock": fit_stock, **COMPILED}
"""How a network is fitted, by the name in its recipe."""


def train(
    recipe: str | Recipe | None = None,
    *,
    data: Dataset | str | Path | None = None,
    out: str | Path | None = None,
    seed: int = 1,
    validation: float | str | Path | None = None,
    limit: int | None = None,
    as_is: bool = False,
    init: str | Path | None = None,
    tensorboard: bool = False,
    save_every: float = SAVE_EVERY,
    on_event: Callable[[Event], None] | None = None,
    **choices: Any,
) -> Run:
    """Train a recipe on a data set and leave a run folder with a reader in it.

    recipe: by name or as a Recipe; None is "classic", or the recipe of the run `init`.
    data: a Dataset, or what `load_data` takes: a file, a folder, or None for MNIST.
    out: the run folder, which must not exist; None is `runs/<time>-<recipe>`.
    seed: the same seed on the same machine gives the same weights, bit for bit; it becomes the global seed of
        Python, NumPy and TensorFlow.
    validation, limit: as in `load_data`, where `data` is not a Dataset yet.
    as_is: pictures of other sizes are shrunk to 28x28 as they are, not prepared.
    init: a run whose weights to begin with, at a tenth of the recipe's learning rate unless one is chosen.
    tensorboard: leave logs for TensorBoard in the folder's `tensorboard`.
    save_every: seconds between checkpoints; `resume` goes on from the last.
    on_event: called with each event of `making.events`; None turns notes into Python warnings.
    choices: changes to the recipe, such as `activation="elu"`; see `Recipe`.

    The test images are read once, after the training, by the reader that was saved. Ctrl-C lets the step be
    finished, saves, and raises KeyboardInterrupt; a run that had nothing to save takes its folder away.

    >>> run = tenfold.train("classic", limit=2000, epochs=1, out=folder / "run")
    >>> run.reader().labels[7]
    '7'

    Raises:
        OptionError: a choice that does not exist or makes no sense; before anything is made.
        DataError: the data cannot be used.
        RunError: the run folder exists or cannot be written, or the disk is full.
        TrainingError: the loss is not finite.
    """
    chosen = beginnings.choose_recipe(recipe, choices, init)
    source = plans.find_source(data, validation, limit, as_is)
    plan = Plan(chosen, seed, source, None if init is None else str(init), tensorboard, save_every)
    return begin(plan, data if isinstance(data, Dataset) else plan.load(), out, on_event)


@dataclass(frozen=True, eq=False)
class _Work:
    """One training under way."""

    folder: Path
    plan: Plan
    dataset: Dataset
    tell: Callable[[Event], None]
    clock: float
    started: str


def begin(
    plan: Plan,
    dataset: Dataset,
    out: str | Path | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Begin a training that is planned, on data that is loaded; see `train`."""
    clock, tell = time.perf_counter(), on_event or _warn
    dataset = _fit_together(plan, dataset)
    model = _first_model(plan, dataset)
    content = plans.plan_content(plan, plans.describe_data(dataset), describe_versions())
    room = SPARE_BYTES + BYTES_A_PARAMETER * model.count_params()
    folders = runs.claim_folder(out, plan.recipe.name, content, room)
    work = _Work(folders[0], plan, dataset, tell, clock, content["started"])
    keeper = Keeper(folders[0], tell, plan.save_every, _board(plan, folders[0]))
    with runs.held(folders[0]):
        try:
            with _guarded(work, keeper):
                return _train_into(work, model, keeper)
        except BaseException:
            if not keeper.holds:
                runs.discard(folders)
            raise


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Go on with a run that was stopped, from its last whole checkpoint, to the weights it would have had.

    data: the Dataset of a run that was begun with one; others load their data again. A finished run is given
    back as it is.

    Raises:
        RunError: the folder is not a run, or another process is training it.
        OptionError: the data is not what the run was begun with.
        All that `train` raises.
    """
    clock, tell, folder = time.perf_counter(), on_event or _warn, Path(folder)
    plan, described, versions = plans.read_plan(folder)
    if (folder / runs.METRICS).exists():
        run = runs.load_run(folder)
        Keeper(folder).clear()
        return run
    if data is None and plan.source is None:
        raise OptionError(f"{folder}: was begun by a program with data of its own; give it, as `data`")
    dataset = _fit_together(plan, plan.load() if data is None else data)
    now = plans.describe_data(dataset)
    plans.refuse_changes(folder, "data", described, {k: v for k, v in now.items() if k != "source"})
    other = [
        f"{k} {versions.get(k)}, now {v}" for k, v in describe_versions().items() if versions.get(k) != v
    ]
    if other:
        tell(Note(f"begun with {'; '.join(other)}: the weights may differ in their last bits"))
    model = _first_model(plan, dataset)
    with runs.held(folder):
        runs.check_room(folder, SPARE_BYTES + BYTES_A_PARAMETER * model.count_params())
        keeper = Keeper(folder, tell, plan.save_every, _board(plan, folder))
        keeper.restore()
        work = _Work(folder, plan, dataset, tell, clock, plans.when_begun(folder))
        with _guarded(work, keeper):
            return _train_into(work, model, keeper)


def _board(plan: Plan, folder: Path) -> Callable[[runs.Row], None]:
    return Board(folder / runs.TENSORBOARD) if plan.tensorboard else lambda row: None


def _first_model(plan: Plan, dataset: Dataset) -> keras.Model:
    """The network as it is before the first step."""
    keras.utils.set_random_seed(plan.seed)
    recipe = plan.recipe
    model = build_network(recipe.network, len(dataset.class_names), recipe.activation, **recipe.dials)
    if plan.init is not None:
        beginnings.load_weights(model, Path(plan.init))
    return model


@contextmanager
def _guarded(work: _Work, keeper: Keeper) -> Iterator[None]:
    """Keep what can be kept of a training that breaks off, and say how it goes on."""
    command = f"tenfold train --resume {work.folder}"
    try:
        yield
    except KeyboardInterrupt:
        with suppress(RunError):
            keeper.rescue()
        if keeper.holds:
            work.tell(Note(f"saved; whole epochs so far: {len(keeper.rows)}; to go on: {command}"))
        raise
    except RunError as error:
        # Keras hides causes of what passes through `fit`; the context is left.
        if not keeper.holds or not isinstance(error.__cause__ or error.__context__, OSError):
            raise
        raise RunError(f"{error}; the checkpoint before is whole: make room, then {command}") from error
    except TrainingError as error:
        with suppress(RunError):
            keeper.rescue()
        if keeper.good is None or not (work.folder / runs.MODEL).exists():
            raise
        raise TrainingError(
            f"{error}; the weights of epoch {keeper.good.place['epoch']} are kept: to go on from them, "
            f"tenfold train --init {work.folder} --learning-rate {work.plan.recipe.rate / 10:g}"
        ) from error


def _train_into(work: _Work, model: keras.Model, keeper: Keeper) -> Run:
    folder, recipe, dataset, tell = work.folder, work.plan.recipe, work.dataset, work.tell
    tell(_describe(folder, recipe, model, dataset))
    as_is = (AS_IS,) if work.plan.source is not None and work.plan.source.as_is else ()
    for text in (*recipe.warnings(), *remark_on(dataset), *as_is):
        tell(Note(text))
    try:
        with keeper.stoppable():
            fitted = FITS[recipe.fitting](model, recipe, dataset, work.plan.seed, tell, keeper)
    except TrainingError:
        if keeper.good is not None:
            _save_model(model, folder)
        raise
    _save_model(model, folder)
    card, reports = _write_reader(folder, recipe, model, dataset, work.plan.seed, fitted)
    _draw(folder, dataset, fitted, reports)
    metrics = {
        "recipe": asdict(replace(recipe, learning_rate=recipe.rate)),
        "seed": work.plan.seed,
        "parameters": model.count_params(),
        "data": plans.describe_data(dataset),
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
    }
    if work.plan.init is not None:
        metrics |= {"init": work.plan.init, "mnist": _compare_on_mnist(work)}
    runs.write_json(folder / runs.METRICS, metrics)
    keeper.clear()
    run = runs.load_run(folder)
    tell(Finished(folder, run.files, time.perf_counter() - work.clock))
    return run


def _save_model(model: keras.Model, folder: Path) -> None:
    with runs.written_aside(folder / runs.MODEL) as aside:
        model.save(aside)


def _compare_on_mnist(work: _Work) -> dict[str, float]:
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


def _fit_together(plan: Plan, dataset: Dataset) -> Dataset:
    """The data as the plan takes it. Raises OptionError where they do not go together."""
    if plan.init is not None:
        dataset = beginnings.match_dataset(dataset, beginnings.look_at(plan.init))
    else:
        check_classes(dataset)
    check_fit(plan.recipe, dataset)
    return dataset


def check_classes(dataset: Dataset) -> None:
    """Raise DataError where a class has no training image."""
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    empty = [f'"{dataset.class_names[label]}"' for label in np.flatnonzero(counts == 0)]
    if empty:
        raise DataError(
            f"no training image of {len(empty)} of {len(counts)} classes ({', '.join(empty[:10])}); expected "
            "one of each at least: a folder with one subfolder a class has only the classes it names"
        )


def check_fit(recipe: Recipe, dataset: Dataset) -> None:
    """Raise OptionError where recipe and data do not go together."""
    if recipe.batch_size > len(dataset.train):
        raise OptionError(
            f"a batch of {recipe.batch_size} is larger than the {len(dataset.train)} training images; "
            "expected at most one epoch's images in a batch"
        )
    if recipe.early_stopping is not None and len(dataset.validation) == 0:
        raise OptionError(
            "early stopping watches the validation loss, and no images are held out for it"
            + see("overfitting")
        )


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
