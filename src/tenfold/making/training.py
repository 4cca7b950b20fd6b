"""Training: a plan and a data set become a run folder."""

import errno
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.data import DIGITS, Dataset, remark_on
from tenfold.errors import DataError, OptionError, RunError, TrainingError, see, some_of
from tenfold.making import beginnings, plans, runs
from tenfold.making.backend import keras
from tenfold.making.board import Board
from tenfold.making.checkpoints import SAVE_EVERY, Diverged, Keeper
from tenfold.making.compiled import COMPILED
from tenfold.making.ensembles import describe_members, join
from tenfold.making.events import Event, Finished, Member, Note, Started
from tenfold.making.finishing import Work, finish, save_model
from tenfold.making.fitting import Fitted, fit_stock
from tenfold.making.networks import build_network
from tenfold.making.plans import Plan
from tenfold.making.recipes import RECIPES, Recipe
from tenfold.making.runs import Run
from tenfold.making.surroundings import describe_versions
from tenfold.reading.bundle import LARGEST

SPARE_BYTES = 8 << 20
"""Room for a run's pictures, history and metrics, generously."""

BYTES_A_PARAMETER = 100
"""Room for the network, its reader and three checkpoints: four bytes each, for weights, averages, moments."""

AS_IS = (
    "pictures are taken as they are, but a reader prepares the pictures it is given: this suits only those "
    "that are cut and centred like MNIST's"
)

LEAST_STEPS = 4
"""Where a recipe's own batch is larger than the data, an epoch has so many steps."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where a disk, a share of it or a file is full."""

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
    ensemble: int = 1,
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
    ensemble: how many networks to train, from `seed` and the seeds that follow it, each in a run folder of
        its own inside this one; the reader reads with the mean of their probabilities, calibrated after
        averaging.
    on_event: called with each event of `making.events`; None turns notes into Python warnings.
    choices: changes to the recipe, such as `activation="elu"`; see `Recipe`.

    `best` and `ink` draw their images in processes of their own, which import the program that trains: so its
    calls stand under `if __name__ == "__main__":`, as ever with Python's `multiprocessing`.

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
    plan = Plan(chosen, seed, source, None if init is None else str(init), tensorboard, save_every, ensemble)
    return begin(plan, data if isinstance(data, Dataset) else plan.load(), out, on_event)


def begin(
    plan: Plan,
    dataset: Dataset,
    out: str | Path | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Begin a training that is planned, on data that is loaded; see `train`."""
    tell = on_event or _warn
    return _begin(plan, dataset, out, tell, partial(_advised, tell))


def resume(
    folder: str | Path,
    *,
    data: Dataset | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Go on with a run that was stopped, from its last whole checkpoint, to the weights it would have had.

    data: the Dataset of a run that was begun with one; others load their data again. A finished run is given
    back as it is, and so is each finished network of an ensemble that goes on.

    Raises:
        RunError: the folder is not a run, or another process is training it.
        OptionError: the data is not what the run was begun with.
        All that `train` raises.
    """
    tell = on_event or _warn
    return _resume(Path(folder), data, tell, partial(_advised, tell))


Guard = Callable[[Path], AbstractContextManager[object]]


def _begin(
    plan: Plan,
    dataset: Dataset,
    out: str | Path | None,
    tell: Callable[[Event], None],
    guard: Guard = nullcontext,
) -> Run:
    """Train in a new folder; it goes again where the training breaks off with nothing to go on from."""
    clock = time.perf_counter()
    plan = _with_batch(plan, dataset, tell)
    dataset = _fit_together(plan, dataset)
    model = _first_model(plan, dataset)
    described = plans.describe_data(dataset)
    began = {} if plan.init is None else {"init_sha256": beginnings.load_weights(model, Path(plan.init))}
    content = plans.plan_content(plan, {**described, **began}, describe_versions())
    folders = runs.claim_folder(out, plan.name, content, _room(plan, model))
    work = Work(folders[0], plan, dataset, described, tell, clock, content["started"])
    with runs.held(work.folder):
        try:
            with guard(work.folder):
                return _train_into(work, model, restore=False)
        except BaseException:
            if not _holds(work.folder):
                runs.discard(folders)
            raise


def _resume(
    folder: Path, data: Dataset | None, tell: Callable[[Event], None], guard: Guard = nullcontext
) -> Run:
    """Train on in a folder that is there; see `resume`."""
    clock = time.perf_counter()
    plan, described, versions = plans.read_plan(folder)
    if (folder / runs.METRICS).exists():
        return _finished(folder)
    if data is None and plan.source is None:
        raise OptionError(f"{folder}: was begun by a program with data of its own; give it, as `data`")
    dataset = _fit_together(plan, plan.load() if data is None else data, described)
    now = plans.describe_data(dataset)
    plans.refuse_changes(folder, "other data", described, {k: v for k, v in now.items() if k != "source"})
    other = [
        f"{k} {versions.get(k)}, now {v}" for k, v in describe_versions().items() if versions.get(k) != v
    ]
    if other:
        tell(Note(f"begun with {'; '.join(other)}: the weights may differ in their last bits"))
    with runs.held(folder), guard(folder):
        if (folder / runs.METRICS).exists():  # another process has finished it meanwhile
            return _finished(folder)
        model = _first_model(plan, dataset)
        if plan.init is not None and Keeper(folder).begins():
            found = {"init_sha256": beginnings.load_weights(model, Path(plan.init))}
            plans.refuse_changes(folder, "other weights", described, found)
        runs.check_room(folder, _room(plan, model, folder))
        work = Work(folder, plan, dataset, now, tell, clock, plans.when_begun(folder))
        return _train_into(work, model, restore=True)


def _finished(folder: Path) -> Run:
    """A run that is finished already."""
    run = runs.load_run(folder)
    Keeper(folder).clear()
    return run


def _first_model(plan: Plan, dataset: Dataset) -> keras.Model:
    """The network as it is before the first step. Raises OptionError where its reader would be too large."""
    keras.utils.set_random_seed(plan.seed)
    recipe = plan.recipe
    model = build_network(recipe.network, len(dataset.class_names), recipe.activation, **recipe.dials)
    size = 4 * model.count_params() * plan.ensemble
    if size > LARGEST:
        raise OptionError(
            f"{plan.ensemble} networks of {model.count_params():,} parameters make a reader of "
            f"{size >> 20} MB; expected at most {LARGEST >> 20} MB: train fewer, or smaller ones"
        )
    return model


def _room(plan: Plan, model: keras.Model, folder: Path | None = None) -> int:
    """Bytes that a training may need, at most. folder: its run's, whose finished members need no more."""
    one = BYTES_A_PARAMETER * int(model.count_params())
    if plan.ensemble == 1:
        return SPARE_BYTES + one
    places = [runs.member_folder(folder, seed) for seed in plan.seeds] if folder else []
    left = plan.ensemble - sum((place / runs.METRICS).exists() for place in places)
    return SPARE_BYTES + plan.ensemble * one + left * SPARE_BYTES


def _holds(folder: Path) -> bool:
    """Whether there is anything in a run's folder to resume from; a member's folder goes if there is not."""
    return Keeper(folder).holds or any((folder / runs.MEMBERS).glob("seed-*"))


@contextmanager
def _advised(tell: Callable[[Event], None], folder: Path) -> Iterator[None]:
    """Say how a training that breaks off goes on."""
    command = f"tenfold train --resume {folder}"
    try:
        yield
    except KeyboardInterrupt:
        if _holds(folder):
            tell(Note(f"to go on: {command}"))
        raise
    except (RunError, TrainingError) as error:
        # Keras hides causes of what passes through `fit`; the context is left.
        cause = error.__cause__ or error.__context__
        if not _holds(folder) or not isinstance(cause, OSError | BrokenExecutor):
            raise
        first = "make room, then " if isinstance(cause, OSError) and cause.errno in NO_ROOM else "to go on: "
        raise type(error)(f"{error}; what was saved before is whole: {first}{command}") from cause


@contextmanager
def _rescued(work: Work, keeper: Keeper) -> Iterator[None]:
    """Keep what can be kept of a network whose training breaks off."""
    try:
        yield
    except KeyboardInterrupt:
        keeper.rescue()
        if keeper.holds:
            work.tell(Note(f"saved, every step so far; whole epochs: {len(keeper.rows)}"))
        raise
    except Diverged as error:
        keeper.rescue()
        if not (work.folder / runs.MODEL).exists():
            keeper.clear()  # no epoch was whole, and what there is leads here again
        if keeper.good is None:
            raise
        raise TrainingError(
            f"{error}; the weights of epoch {keeper.good.place['epoch']} are kept: to go on from them, "
            f"tenfold train --init {work.folder} --learning-rate {work.plan.recipe.rate / 10:g}"
        ) from error
    except Exception as error:
        keeper.rescue()
        if not isinstance(error, OSError) or isinstance(error, RunError):
            raise
        raise RunError(f"{work.folder}: cannot be written ({error.strerror or error})") from error


def _train_into(work: Work, model: keras.Model, restore: bool) -> Run:
    """Fill a run folder that is held. restore: go on from what is in it."""
    if work.plan.ensemble == 1:
        _train_one(work, model, restore)
    else:
        _train_members(work)
    run = runs.load_run(work.folder)
    work.tell(Finished(work.folder, run.files, time.perf_counter() - work.clock))
    return run


def _train_one(work: Work, model: keras.Model, restore: bool) -> None:
    folder, plan, dataset, tell = work.folder, work.plan, work.dataset, work.tell
    keeper = Keeper(
        folder, tell, plan.save_every, _board(plan, folder), plans.hash_plan(plan, work.described)
    )
    if restore:
        keeper.restore()
    with _rescued(work, keeper):
        tell(_describe(work, model))
        as_is = (AS_IS,) if plan.source is not None and plan.source.as_is else ()
        for text in (*plan.recipe.warnings(), *remark_on(dataset), *as_is):
            tell(Note(text))
        try:
            with keeper.stoppable():
                fitted = FITS[plan.recipe.fitting](model, plan.recipe, dataset, plan.seed, tell, keeper)
        except Diverged:
            if keeper.good is not None:
                save_model(model, folder)
            raise
        finish(work, model, fitted)
    keeper.clear()


def _train_members(work: Work) -> None:
    """Train each network of an ensemble that is not finished, in a run folder of its own; join them all."""
    plan, tell = work.plan, _each_note_once(work.tell)
    members = []
    for number, seed in enumerate(plan.seeds, 1):
        folder = runs.member_folder(work.folder, seed)
        tell(Member(number, plan.ensemble, seed, finished=(folder / runs.METRICS).exists()))
        members.append(_train_member(plan.member(seed), work.dataset, folder, tell))
    tell(Note(f"joining {len(members)} networks into one reader"))
    model, fitted = join(members, work.dataset.validation, plan.seed)
    finish(work, model, fitted, {"members": describe_members(members)})


def _train_member(plan: Plan, dataset: Dataset, folder: Path, tell: Callable[[Event], None]) -> Run:
    if not folder.exists():
        return _begin(plan, dataset, folder, tell)
    begun = plans.settings(plans.read_plan(folder)[0])
    plans.refuse_changes(folder, "other choices", begun, plans.settings(plan))
    return _resume(folder, dataset, tell)


def _each_note_once(tell: Callable[[Event], None]) -> Callable[[Event], None]:
    """Pass events on, but a remark only once: what is said of the data holds for all members."""
    told: set[str] = set()

    def pass_on(event: Event) -> None:
        if isinstance(event, Note):
            if event.text in told:
                return
            told.add(event.text)
        tell(event)

    return pass_on


def _board(plan: Plan, folder: Path) -> Callable[[runs.Row], None]:
    return Board(folder / runs.TENSORBOARD) if plan.tensorboard else lambda row: None


def _with_batch(plan: Plan, dataset: Dataset, tell: Callable[[Event], None]) -> Plan:
    """The plan with a batch that the data can fill, where its recipe's own is larger and none was chosen."""
    recipe, count = plan.recipe, len(dataset.train)
    own = RECIPES.get(recipe.name)
    if recipe.batch_size <= count or own is None or recipe.batch_size != own.batch_size:
        return plan
    size = max(1, count // LEAST_STEPS)
    tell(
        Note(f"batches of {size}: the recipe's {recipe.batch_size} are more than the {count} training images")
    )
    return replace(plan, recipe=replace(recipe, batch_size=size))


def _fit_together(plan: Plan, dataset: Dataset, described: Mapping[str, Any] | None = None) -> Dataset:
    """The data as the plan takes it. Raises OptionError where they do not go together.

    described: what run.json says of the data, of a run that was begun; it need not ask the run `init` again.
    """
    if plan.init is not None:
        names = described["class_names"] if described else beginnings.look_at(plan.init).class_names
        dataset = beginnings.match_dataset(dataset, plan.init, tuple(names))
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
            f"expected a batch size of at most {len(dataset.train)}"
        )
    if recipe.fitting == "hands" and dataset.class_names != DIGITS:
        raise OptionError(
            f"the recipe {recipe.name} is for the ten digits and learns to refuse all else; the data has the "
            f"classes {some_of(dataset.class_names)}; the recipes classic, fast and best take any"
        )
    if recipe.early_stopping is not None and len(dataset.validation) == 0:
        raise OptionError(
            "early stopping watches the validation loss, and no images are held out for it"
            + see("overfitting")
        )


def _describe(work: Work, model: keras.Model) -> Started:
    recipe, dataset = work.plan.recipe, work.dataset
    return Started(
        folder=work.folder,
        recipe=recipe,
        source=dataset.source,
        train=len(dataset.train),
        validation=len(dataset.validation),
        test=len(dataset.test) if dataset.test else 0,
        batches=-(-len(dataset.train) // recipe.batch_size),
        parameters=model.count_params(),
    )


def _warn(event: Event) -> None:
    if isinstance(event, Note):
        warnings.warn(event.text, UserWarning, stacklevel=2)
