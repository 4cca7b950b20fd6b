"""The commands that train: `train`, and `run`, which tells the whole story."""

import gc
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from tenfold.cli import story
from tenfold.cli.options import option
from tenfold.cli.progress import Watcher
from tenfold.cli.show import say, score_line, title, write
from tenfold.errors import OptionError
from tenfold.making.recipes import ACTIVATIONS, LOSSES, OPTIMIZERS, RECIPES, Recipe

if TYPE_CHECKING:
    from tenfold.data import Dataset
    from tenfold.making import Run
    from tenfold.making.plans import Plan

_CLASSIC = Recipe()
_OWN_RATES = {name: recipe.rate for name, recipe in RECIPES.items() if recipe.learning_rate is not None}
_RATES = ", ".join(f"{name} {rate:g}" for name, rate in (OPTIMIZERS | _OWN_RATES).items())
_PURPOSES = (
    "fast takes seconds; best is the most accurate on MNIST, after a quarter of an hour; ink reads other "
    "people's hands, after half an hour."
)


def _each(choice: str) -> str:
    """The default of a choice, recipe by recipe."""
    return ", ".join(f"{name} {getattr(recipe, choice):g}" for name, recipe in RECIPES.items())


@dataclass(frozen=True)
class Options:
    """What both commands take. None leaves a choice as the recipe has it."""

    recipe: Annotated[
        str | None, option("NAME", f"One of {', '.join(RECIPES)}. {_PURPOSES}", _CLASSIC.name)
    ] = None
    activation: Annotated[
        str | None, option("NAME", f"Of the hidden layers: {', '.join(ACTIVATIONS)}.", _CLASSIC.activation)
    ] = None
    loss: Annotated[str | None, option("NAME", f"One of {', '.join(LOSSES)}.", _CLASSIC.loss)] = None
    optimizer: Annotated[
        str | None, option("NAME", f"One of {', '.join(OPTIMIZERS)}.", _CLASSIC.optimizer)
    ] = None
    epochs: Annotated[int | None, option("N", "How often every training image is seen.", _each("epochs"))] = (
        None
    )
    batch_size: Annotated[int | None, option("N", "Images a step.", _each("batch_size"))] = None
    learning_rate: Annotated[float | None, option("RATE", "How far a step goes.", _RATES)] = None
    early_stopping: Annotated[
        int | None,
        option("PATIENCE", "Stop after this many epochs without a lower validation loss.", "never"),
    ] = None
    seed: Annotated[
        int | None, option("N", "The same seed on the same machine, the same reader, bit for bit.", "1")
    ] = None
    limit: Annotated[int | None, option("N", "Use only N training images, for trying things.", "all")] = None
    validation: Annotated[
        str | None,
        option(
            "SHARE|COUNT|FILE",
            "Training images held out, 0 for none, or another source of them.",
            "0.1; best 1/60",
        ),
    ] = None
    data: Annotated[
        str | None,
        option(
            "SOURCE", "An .npz, IDX files, a CSV, a folder, or keras for Keras' download.", default="MNIST"
        ),
    ] = None
    out: Annotated[Path | None, option("DIR", "The run folder.", "runs/TIME-RECIPE")] = None


@dataclass(frozen=True)
class TrainOptions(Options):
    """What `train` takes besides."""

    as_is: Annotated[
        bool | None,
        option(
            "",
            "Shrink pictures of other sizes to 28x28 as they are, bright on dark.",
            "prepare them",
            "--as-is",
        ),
    ] = None
    init: Annotated[
        str | None,
        option("RUN", "Begin with the weights of a run, at a tenth of the learning rate."),
    ] = None
    tensorboard: Annotated[
        bool | None, option("", "Leave logs for TensorBoard in the run folder.", name="--tensorboard")
    ] = None
    save_every: Annotated[float | None, option("SECONDS", "Between two checkpoints.", "5")] = None
    ensemble: Annotated[
        int | None,
        option("N", "Train N networks, from this seed and the next ones; read with their mean.", "1"),
    ] = None
    resume: Annotated[
        Path | None, option("RUN", "Go on with a run that was stopped; it knows its own options.")
    ] = None


Command = Callable[..., int]


def _with_options(kind: type[Options]) -> Callable[[Callable[[Any], int]], Command]:
    """Give a command one parameter for each field of its options, as Typer wants to see them."""

    def decorate(command: Callable[[Any], int]) -> Command:
        @wraps(command)
        def call(**given: Any) -> int:
            return command(kind(**given))

        hints = get_type_hints(kind, include_extras=True)
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter(f.name, keyword, default=f.default, annotation=hints[f.name])
            for f in fields(kind)
        ]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = hints
        return call

    return decorate


@_with_options(Options)
def run(options: Options) -> int:
    """Tell the whole story on MNIST: load, look, build, train, evaluate, predict."""
    plan = _plan(options)
    dataset = plan.load()
    story.show_data(dataset)
    story.show_preparation(dataset, plan.recipe)
    story.show_network(plan.recipe, dataset)
    trained = _begin(plan, dataset, options.out)
    title("Evaluate")
    _write_scores(trained, indent="  ")
    story.show_prediction(trained, dataset)
    story.show_files(trained)
    return 0


@_with_options(TrainOptions)
def train(options: TrainOptions) -> int:
    """Train a reader and keep it in a run folder.

    Stopped, by Ctrl-C or by anything else, it goes on with --resume RUN and ends with the same weights.
    """
    if options.resume is not None:
        return _resume(options, options.resume)
    plan = _plan(options)
    dataset = plan.load()
    say(f"training on {dataset.source}")
    return _finish(_begin(plan, dataset, options.out))


def _plan(options: Options) -> "Plan":
    """What was asked for, checked before anything is made. Raises OptionError."""
    from tenfold.making.beginnings import choose_recipe
    from tenfold.making.plans import Plan, Source

    given = _given(options)
    names = {field.name for field in fields(Recipe)} - {"name"}
    choices = {name: value for name, value in given.items() if name in names}
    recipe = choose_recipe(options.recipe, choices, given.get("init"))
    source = Source(**{field.name: given[field.name] for field in fields(Source) if field.name in given})
    rest = {field.name for field in fields(Plan)} - {"recipe", "source"}
    return Plan(recipe, source=source, **{name: given[name] for name in rest if name in given})


def _given(options: Options) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if value is not None}


def _begin(plan: "Plan", dataset: "Dataset", out: Path | None) -> "Run":
    from tenfold.making.training import begin

    _keep_what_is_loaded()
    with Watcher() as watch:
        return begin(plan, dataset, out, on_event=watch)


@cache
def _keep_what_is_loaded() -> None:
    """Leave half a million objects of TensorFlow out of each search for garbage, that at the exit too."""
    gc.freeze()


def _resume(options: TrainOptions, folder: Path) -> int:
    """Go on with a run. Options beside --resume are refused unless they are the run's own."""
    from tenfold.making.plans import read_plan, refuse_changes, settings, settle
    from tenfold.making.runs import METRICS

    given = _given(options)
    del given["resume"]
    if "out" in given:
        raise OptionError(f"--out beside --resume: the run folder is {folder} itself; leave --out away")
    begun = settings(read_plan(folder)[0])
    asked = settle({**begun, **given})
    refuse_changes(folder, "other choices", begun, {name: asked[name] for name in given})
    if (folder / METRICS).exists():
        say(f"{folder} is finished")
    else:
        say(f"resuming {folder}")
    from tenfold.making import resume

    _keep_what_is_loaded()
    with Watcher() as watch:
        return _finish(resume(folder, on_event=watch))


def _finish(trained: "Run") -> int:
    write(f"Run folder: {trained.folder}")
    _write_members(trained)
    _write_scores(trained)
    return 0


def _write_members(trained: "Run") -> None:
    """Print how the networks of an ensemble read, each on its own."""
    members = trained.metrics.get("members", {})
    for split in ("test", "validation"):
        if figure := members.get(f"{split}_accuracy"):
            mean, spread = 100 * figure["mean"], 100 * figure["sd"]
            write(f"{len(figure['each'])} networks, each alone: {split} accuracy {mean:.2f} ± {spread:.2f}%")
            return


def _write_scores(trained: "Run", indent: str = "") -> None:
    """Print the figures of the test images; of the images held out where the data has no test images."""
    figures = trained.figures
    if "test_accuracy" in figures:
        write(indent + score_line(figures["test_accuracy"], figures["test_loss"]))
    elif "validation_accuracy" in figures:
        say("this data has no test images; these figures are of the images held out for validation")
        write(indent + score_line(figures["validation_accuracy"], figures["validation_loss"], "Validation"))
    else:
        say("this data has no test images and none were held out: nothing was measured")
