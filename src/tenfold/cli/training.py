"""The commands that train: `train`, and `run`, which tells the whole story."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from tenfold.cli import story
from tenfold.cli.progress import Watcher
from tenfold.cli.show import say, test_line, title, write
from tenfold.making.recipes import ACTIVATIONS, LOSSES, OPTIMIZERS, RECIPES, Recipe, recipe

if TYPE_CHECKING:
    from tenfold.data import Dataset
    from tenfold.making import Run

_CLASSIC = Recipe()


@dataclass(frozen=True)
class Options:
    """What both commands take. None leaves a choice as the recipe has it."""

    recipe: Annotated[str, typer.Option(help=f"One of {', '.join(RECIPES)}.")] = _CLASSIC.name
    activation: Annotated[
        str | None,
        typer.Option(
            help=f"Of the hidden layers: {', '.join(ACTIVATIONS)}.", show_default=_CLASSIC.activation
        ),
    ] = None
    loss: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(LOSSES)}.", show_default=_CLASSIC.loss)
    ] = None
    optimizer: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(OPTIMIZERS)}.", show_default=_CLASSIC.optimizer)
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(help="How often every training image is seen.", show_default=str(_CLASSIC.epochs)),
    ] = None
    batch_size: Annotated[
        int | None, typer.Option(help="Images a step.", show_default=str(_CLASSIC.batch_size))
    ] = None
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="How far a step goes.",
            show_default=", ".join(f"{name} {rate:g}" for name, rate in OPTIMIZERS.items()),
        ),
    ] = None
    early_stopping: Annotated[
        int | None,
        typer.Option(
            metavar="PATIENCE",
            help="Stop after this many epochs without a lower validation loss.",
            show_default="never",
        ),
    ] = None
    seed: Annotated[int | None, typer.Option(help="The same seed on the same machine, the same reader.")] = (
        None
    )
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Use only N training images, for trying things.")
    ] = None
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|COUNT|FILE",
            help="Training images held out, or another source of them.",
            show_default="0.1",
        ),
    ] = None
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="An .npz, IDX files, a CSV, a folder, or keras for Keras' download.",
            show_default="MNIST",
        ),
    ] = None
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run folder.", show_default="runs/TIME-RECIPE")
    ] = None


Command = Callable[..., int]


def _with_options(command: Callable[[Options], int]) -> Command:
    """Give a command one parameter for each field of `Options`, as Typer wants to see them."""

    @wraps(command)
    def call(**given: Any) -> int:
        return command(Options(**given))

    hints = get_type_hints(Options, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(f.name, keyword, default=f.default, annotation=hints[f.name])
        for f in fields(Options)
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = hints
    return call


@_with_options
def run(options: Options) -> int:
    """Tell the whole story on MNIST: load, look, build, train, evaluate, predict."""
    chosen = _choose(options)
    dataset = _load(options)
    story.show_data(dataset)
    story.show_preparation(dataset, chosen)
    story.show_network(chosen, dataset)
    trained = _train(options, chosen, dataset)
    title("Evaluate")
    _write_scores(trained, indent="  ")
    story.show_prediction(trained, dataset)
    story.show_files(trained)
    return 0


@_with_options
def train(options: Options) -> int:
    """Train a reader and keep it in a run folder."""
    chosen = _choose(options)
    dataset = _load(options)
    say(f"training on {dataset.source}")
    trained = _train(options, chosen, dataset)
    write(f"Run folder: {trained.folder}")
    _write_scores(trained)
    return 0


def _choose(options: Options) -> Recipe:
    names = {field.name for field in fields(Recipe)} - {"name"}
    return recipe(options.recipe, **{name: value for name, value in vars(options).items() if name in names})


def _load(options: Options) -> "Dataset":
    from tenfold import load_data, prepare

    asked: dict[str, Any] = {"validation": options.validation, "limit": options.limit}
    given = {name: value for name, value in asked.items() if value is not None}
    return load_data(options.data, to_image=prepare, **given)


def _train(options: Options, chosen: Recipe, dataset: "Dataset") -> "Run":
    from tenfold import train

    given = {} if options.seed is None else {"seed": options.seed}
    with Watcher() as watch:
        return train(chosen, data=dataset, out=options.out, on_event=watch, **given)


def _write_scores(trained: "Run", indent: str = "") -> None:
    """Print the figures of the test images; of the images held out where the data has no test images."""
    figures = trained.figures
    if "test_accuracy" in figures:
        write(indent + test_line(figures["test_accuracy"], figures["test_loss"]))
    elif "validation_accuracy" in figures:
        say("this data has no test images; these figures are of the images held out for validation")
        line = test_line(figures["validation_accuracy"], figures["validation_loss"])
        write(indent + line.replace("Test", "Validation"))
