"""The benchmark as a whole: what is measured, in which order, what it leaves. Loads no TensorFlow itself."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from tenfold import __version__
from tenfold.data import load_mnist
from tenfold.data.writing import written_aside
from tenfold.errors import DataError, MissingExtraError, OptionError, RunError
from tenfold.judging import evaluate
from tenfold.making.benchmarking.answers import judge_answers
from tenfold.making.benchmarking.processes import Spent, Task, module, run_process
from tenfold.making.benchmarking.results import STOCK, TORCH, Benchmark, Timing, Trial
from tenfold.making.recipes import RECIPES, Recipe, choose
from tenfold.making.runs import METRICS, READER
from tenfold.making.surroundings import describe_processor
from tenfold.reading import load

PARTS = ("training", "prediction", "start", "growth")
QUICK = PARTS[:3]
"""Growth takes longer than the rest together."""

MOST_SEEDS = 100
PREDICTED = 10_000  # test images
TURNS = 3
STARTS = 3
GROWN_EPOCHS = (1, 2, 4, 8)
GROWN_IMAGES = (7_500, 15_000, 30_000, 60_000)
GROWN_ON = 15_000
"""Images of the trainings that differ in epochs; those that differ in images have one epoch."""

FIGURES, PICTURE = "benchmark.json", "benchmark.png"
PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "torch", "numpy", "onnxruntime")
_MODULE = "tenfold.making.benchmarking"

KERAS_ANSWER = (
    "import numpy; from tenfold.making.networks import build_network; "
    "build_network().predict(numpy.zeros((1, 28, 28), 'uint8'), verbose=0)"
)
"""What Keras needs for one answer, without reading a picture or trained weights."""

Tell = Callable[[str | Trial | Timing], None]


@dataclass(frozen=True)
class Asked:
    """What to measure.

    recipes: beside stock Keras, by name; parts: out of PARTS; limit: training images, for trying things.
    seeds: trainings of each recipe, from seeds 1 on; stock: of stock Keras and PyTorch, which take longest.
    torch: whether PyTorch is asked too, where it is installed.

    Raises OptionError on a name that does not exist or a number that makes no sense.
    """

    recipes: tuple[str, ...] = ("fast",)
    parts: tuple[str, ...] = QUICK
    seeds: int = 1
    stock: int = 1
    limit: int | None = None
    torch: bool = True

    def __post_init__(self) -> None:
        for names, what, known in ((self.recipes, "recipe", RECIPES), (self.parts, "part", PARTS)):
            for name in names:
                choose(what, name, known)
            if not names or len(set(names)) < len(names):
                raise OptionError(f"expected {what}s, each named once, got {', '.join(names) or 'none'}")
        for what, count in (("seeds", self.seeds), ("trainings of stock Keras", self.stock)):
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_SEEDS:
                raise OptionError(f"{what} must be a whole number from 1 to {MOST_SEEDS}, got {count!r}")


@dataclass(frozen=True)
class Contender:
    """Someone who trains: a name, its recipe's epochs and share held out, and how it does a task."""

    name: str
    epochs: int
    train: Callable[[Task], tuple[Spent, dict[str, float]]]
    held_out: float = Recipe.held_out


def benchmark(
    recipes: Sequence[str] = ("fast",),
    *,
    parts: Sequence[str] = QUICK,
    seeds: int = 1,
    stock: int = 1,
    limit: int | None = None,
    torch: bool = True,
    out: str | Path | None = None,
    on_row: Tell | None = None,
    on_found: Callable[[Benchmark], None] | None = None,
) -> Benchmark:
    """Measure recipes beside stock Keras and PyTorch on this machine, side by side in one run.

    Every training is a process of its own, so that its time and memory are its own; contenders take turns.
    The classic recipe in stock Keras is `compile` and `fit` as in `examples/first_steps.py`, on the same
    images. The test images are read once, at the end of each training.

    recipes, parts, seeds, stock, limit, torch: as in `Asked`.
    out: a new folder for `benchmark.json`, which grows with each thing measured, and `benchmark.png`; None
        writes nothing.
    on_row: called with each thing that is measured as soon as it is, and with lines that say what comes.
    on_found: called after each with all that was found so far, and at the end with all there is.

    Raises:
        OptionError: a name or number that makes no sense; before anything is measured.
        MissingExtraError: TensorFlow is not here.
        RunError: the folder exists already or cannot be made.
        TrainingError: a training failed.
    """
    asked = Asked(tuple(recipes), tuple(parts), seeds, stock, limit, torch)
    _check_surroundings(asked)
    folder = None if out is None else _claim(Path(out))

    def keep(found: Benchmark) -> None:
        if folder is not None:
            write_json(found, folder / FIGURES)
        if on_found is not None:
            on_found(found)

    try:
        found = _measure(asked, on_row or (lambda row: None), keep)
        if folder is not None:
            draw_benchmark(found, folder / PICTURE)
    except BaseException:
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()
        raise
    return found


def draw_benchmark(found: Benchmark, path: Path) -> None:
    """Draw all that was found, as a PNG or SVG. Raises RunError where the file cannot be written."""
    from tenfold.judging import charts
    from tenfold.making.benchmarking.picture import make_panels

    place = found.place
    title = f"{place['date']}, {place['machine']['processor']}, {place['machine']['cpus']} processors"
    figure = charts.panels(make_panels(found), title)
    with written_aside(path) as aside:
        figure.savefig(aside)


def write_json(found: Benchmark, path: Path) -> None:
    """Write all that was found to a file. Raises RunError."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")


def _check_surroundings(asked: Asked) -> None:
    """Raise where a training would find that packages, images or a recipe do not go together."""
    if find_spec("tensorflow") is None or find_spec("keras") is None:
        raise MissingExtraError("the benchmark", "train")
    dataset = load_mnist(limit=asked.limit)
    if dataset.test is None:
        raise DataError(f"{dataset.source}: holds no test images; the benchmark reads those at the end")
    for name in asked.recipes:
        if "training" in asked.parts and RECIPES[name].batch_size > len(dataset.train):
            raise OptionError(
                f"the recipe {name} takes {RECIPES[name].batch_size} images a step, and the limit leaves "
                f"{len(dataset.train)} to train on"
            )


def _claim(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise RunError(f"{folder} exists already; a benchmark overwrites nothing: name a new one") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{folder}: the folder cannot be made ({reason})") from error
    return folder


def _measure(asked: Asked, tell: Tell, keep: Callable[[Benchmark], None]) -> Benchmark:
    place = {**_describe_place(), "load_before": _load()}
    settings = {**vars(asked), "recipes": list(asked.recipes), "parts": list(asked.parts)}
    contenders, notes = _contenders(asked)
    for note in notes:
        tell(note)
    found = Benchmark(settings, notes=tuple(notes), place=place)
    ways: dict[str, Callable[[], Iterator[Trial | Timing]]] = {
        "training": lambda: _train(contenders, asked, tell),
        "prediction": lambda: _predict(asked, tell),
        "start": lambda: _start(tell),
        "growth": lambda: _grow([one for one in contenders if one.name != TORCH], asked, tell),
    }
    for part in PARTS:
        for row in ways[part]() if part in asked.parts else ():
            found = found.with_row(part, row)
            keep(found)
            tell(row)
    found = replace(found, complete=True)
    keep(found)
    return found


def _contenders(asked: Asked) -> tuple[list[Contender], list[str]]:
    """Who trains, and what is to be said of who does not."""
    epochs = RECIPES["classic"].epochs
    contenders = [Contender(STOCK, epochs, partial(_run_script, "stock"))]
    contenders += [
        Contender(name, RECIPES[name].epochs, partial(_run_recipe, name), RECIPES[name].held_out)
        for name in asked.recipes
    ]
    if not asked.torch or "training" not in asked.parts:
        return contenders, []
    if find_spec("torch") is None:
        # Without `pip_line`: it may name a folder of this machine, and notes are kept.
        return contenders, ["PyTorch is left out, for it is not installed; the extra bench brings it"]
    return [*contenders, Contender(TORCH, epochs, partial(_run_script, "plain_torch"))], []


def take_turns(counts: Sequence[int]) -> list[int]:
    """The order in which things that are to be done so many times each are spread over one run.

    >>> take_turns([1, 4])
    [1, 1, 0, 1, 1]
    """
    places = [((turn + 0.5) / count, index) for index, count in enumerate(counts) for turn in range(count)]
    return [index for _, index in sorted(places)]


def _train(contenders: Sequence[Contender], asked: Asked, tell: Tell) -> Iterator[Trial]:
    counts = [asked.stock if one.name in (STOCK, TORCH) else asked.seeds for one in contenders]
    plan = ", ".join(f"{one.name} {n}x" for one, n in zip(contenders, counts, strict=True))
    tell(f"Training, each in a process of its own: {plan}")
    done = [0] * len(contenders)
    for index in take_turns(counts):
        done[index] += 1
        one = contenders[index]
        yield _try(one, Task(seed=done[index], limit=asked.limit, validation=one.held_out))


def _try(contender: Contender, task: Task) -> Trial:
    spent, answer = contender.train(task)
    return Trial(
        name=contender.name,
        seed=task.seed,
        images=len(task.load()[0]),
        epochs=task.epochs or contender.epochs,
        fit=round(answer["fit"], 3),
        process=round(spent.seconds, 3),
        memory=spent.memory,
        accuracy=round(answer["accuracy"], 6),
        known=int(answer["known"]),
        other=int(answer["other"]),
    )


def _run_script(script: str, task: Task) -> tuple[Spent, dict[str, float]]:
    spent = run_process(module(f"{_MODULE}.{script}", task.to_json()), script)
    return spent, spent.answer()


def _run_recipe(name: str, task: Task) -> tuple[Spent, dict[str, float]]:
    """`tenfold train` as it is typed; its reader is asked once more, outside what is measured."""
    options: dict[str, Any] = {
        "recipe": name,
        "seed": task.seed,
        "limit": task.limit,
        "epochs": task.epochs,
        "validation": task.validation,
    }
    given = [word for key, value in options.items() if value is not None for word in (f"--{key}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        spent = run_process(module("tenfold", "train", *given, "--out", str(run)), f"tenfold train {name}")
        fit = json.loads((run / METRICS).read_text(encoding="utf-8"))["seconds"]["fit"]
        test = task.load()[2]
        return spent, {"fit": fit, **judge_answers(evaluate(load(run / READER), test).digits, test)}


def _predict(asked: Asked, tell: Tell) -> Iterator[Timing]:
    images = min(PREDICTED, asked.limit or PREDICTED)
    tell(f"Prediction, the classic network on {images:,} images and on one, in turns")
    wanted = json.dumps({"images": images, "repeats": TURNS})
    spent = run_process(module(f"{_MODULE}.predicting", wanted), "prediction")
    rows = json.loads(spent.output.rstrip().rpartition("\n")[2])
    for row in rows:
        yield Timing(row["what"], row["kind"], tuple(row["seconds"]))


def _start(tell: Tell) -> Iterator[Timing]:
    tell("Start, whole commands in turns")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "one.png"
        Image.fromarray(255 - load_mnist().train.images[0]).save(picture)
        commands = {
            "python -c pass": [sys.executable, "-P", "-c", "pass"],
            "tenfold --help": module("tenfold", "--help"),
            "tenfold predict one.png": module("tenfold", "predict", str(picture)),
            "Keras: one answer": [sys.executable, "-P", "-c", KERAS_ANSWER],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(STARTS):
            for name, command in commands.items():
                seconds[name].append(run_process(command, name).seconds)
    for name, taken in seconds.items():
        yield Timing(name, "start", tuple(taken))


def _grow(contenders: Sequence[Contender], asked: Asked, tell: Tell) -> Iterator[Trial]:
    """Trainings on the same images for more epochs, and of one epoch on more images; none are held out."""
    most = min(asked.limit or max(GROWN_IMAGES), max(GROWN_IMAGES))
    base = min(GROWN_ON, most)
    tasks = [Task(epochs=epochs, limit=base, validation=0.0) for epochs in GROWN_EPOCHS]
    grown = (images for images in GROWN_IMAGES if images <= most and images != base)
    tasks += [Task(epochs=1, limit=images, validation=0.0) for images in grown]
    tell(
        f"Growth, {len(tasks)} trainings each: {base:,} images in 1 to 8 epochs, one epoch of up to {most:,}"
    )
    for task in tasks:
        for one in contenders:
            yield _try(one, task)


def _load() -> float | None:
    """How many processes were running or waiting in the last minute, where the system tells."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _describe_place() -> dict[str, Any]:
    versions = {"tenfold": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    date = datetime.now(UTC).date().isoformat()
    return {"date": date, "machine": describe_processor(), "versions": versions}
