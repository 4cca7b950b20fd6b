"""The command `benchmark`: recipes beside stock Keras and PyTorch, on this machine."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfold.cli.options import option
from tenfold.cli.show import tell, write
from tenfold.errors import OptionError

if TYPE_CHECKING:
    from tenfold.making.benchmarking.results import Benchmark, Cost, Spread, Summary, Timing, Trial

_TITLES = {
    "many": "Prediction, images a second",
    "one": "Prediction, one image",
    "start": "Start, a whole command",
}


def benchmark(
    recipes: Annotated[str, option("NAMES", "What to train beside stock Keras, by commas.", "fast")] = "fast",
    seeds: Annotated[int, option("N", "Trainings of each recipe, from seeds 1 on.", "1")] = 1,
    stock: Annotated[int, option("N", "Trainings of stock Keras and of PyTorch.", "1")] = 1,
    parts: Annotated[
        str, option("NAMES", "Out of training, prediction, start, growth.", "all but growth")
    ] = "training,prediction,start",
    growth: Annotated[
        bool, option("", "Measure how cost grows with epochs and images, too.", name="--growth")
    ] = False,
    torch: Annotated[
        bool, typer.Option("--torch/--no-torch", help="Train in PyTorch, if it is installed.")
    ] = True,
    limit: Annotated[int | None, option("N", "Use only N training images, for trying things.", "all")] = None,
    json: Annotated[Path | None, option("FILE", "Write every measurement to a file.")] = None,
    out: Annotated[Path | None, option("DIR", "A new folder for the measurements and a plot.")] = None,
) -> int:
    """Measure training, prediction and start on this machine, side by side in one run.

    The classic recipe is trained by stock Keras, `compile` and `fit` on arrays, and by plain PyTorch.

    Each training is a process of its own. It takes three minutes on two quiet cores, two more with PyTorch.
    """
    json = _checked(json, out)
    chosen = _split(parts) + (["growth"] if growth and "growth" not in _split(parts) else [])
    from tenfold.making.benchmarking.measurement import FIGURES, PICTURE, benchmark, write_json

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # no training outlives the command
    found: Benchmark | None = None

    def keep(so_far: "Benchmark") -> None:
        nonlocal found
        found = so_far
        if json is not None:
            write_json(so_far, json)

    try:
        benchmark(
            _split(recipes),
            parts=chosen,
            seeds=seeds,
            stock=stock,
            limit=limit,
            torch=torch,
            out=out,
            on_row=show_row,
            on_found=keep,
        )
    finally:  # what was measured is shown, too, when something fails at last
        signal.signal(signal.SIGTERM, before)
        if found is not None:
            show_benchmark(found)
    for path in (json, *((out / FIGURES, out / PICTURE) if out else ())):
        if path is not None:
            tell(f"written: {path}")
    return 0


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def _checked(path: Path | None, out: Path | None) -> Path | None:
    """The file it names or leads to; one that cannot be written is refused before minutes are spent."""
    if path is None:
        return None
    file = path.resolve()
    if (file.exists() and not file.is_file()) or not os.access(file.parent, os.W_OK):
        raise OptionError(f"--json {path}: cannot be written; expected a file in a folder that is there")
    if out is not None and file == out.resolve():
        raise OptionError(f"--json and --out are both {path}; the one is a file, the other a folder")
    return file


def show_row(row: "str | Trial | Timing") -> None:
    """Show what was just measured, beside the result."""
    from tenfold.making.benchmarking.results import Trial, shown

    if isinstance(row, str):
        tell(row)
    elif isinstance(row, Trial):
        tell(
            f"  {row.name}  seed {row.seed}  {row.epochs} x {row.images:,} images  fit {row.fit:.1f} s  "
            f"process {row.process:.1f} s  {_memory(row.memory)}  {100 * row.accuracy:.2f}% right"
        )
    else:
        tell(f"  {row.what}  {_timing(row.kind, shown(row))}")


def show_benchmark(found: "Benchmark") -> None:
    """Print everything that was found, as tables."""
    from tenfold.making.benchmarking.results import shown

    if found.summaries:
        write(f"Training on {found.trials[0].images:,} images; median (least to greatest)")
        head = ["", "fit", "quicker", "whole process", "quicker"]
        _show_table(head, [_time_cells(summary) for summary in found.summaries])
        write("What it gave; means")
        head = ["", "seeds", "test accuracy", "wrong", "of them known label problems", "memory"]
        _show_table(head, [_worth_cells(summary) for summary in found.summaries])
    for kind, title in _TITLES.items():
        rows = [[one.what, *_parts(kind, shown(one))] for one in found.timings if one.kind == kind]
        if rows:
            write(f"{title}; median (least to greatest)")
            _show_table(["", "", ""], rows)
    if found.growth:
        write("Growth, seconds to fit")
        _show_table(*_growth_table(found.growth))
        for cost in found.costs:
            write(_cost(cost))
    for note in found.notes:
        write(note)
    place = found.place
    versions = ", ".join(f"{name} {number}" for name, number in place["versions"].items())
    write(
        f"{place['date']}, {place['machine']['processor']}, {place['machine']['cpus']} processors; {versions}"
    )


def _time_cells(summary: "Summary") -> list[str]:
    return [
        summary.name,
        _seconds(summary.fit),
        _times(summary.fit_times),
        _seconds(summary.process),
        _times(summary.process_times),
    ]


def _worth_cells(summary: "Summary") -> list[str]:
    spread = f" ± {100 * summary.sd:.2f}" if summary.sd is not None else ""
    return [
        summary.name,
        str(summary.trials),
        f"{100 * summary.accuracy:.2f}{spread} %",
        f"{summary.known + summary.other:.1f}",
        f"{summary.known:.1f}",
        _memory(summary.memory),
    ]


def _seconds(spread: "Spread") -> str:
    if spread.least == spread.greatest:
        return f"{spread.median:.1f} s"
    return f"{spread.median:.1f} s ({spread.least:.1f} to {spread.greatest:.1f})"


def _times(spread: "Spread | None") -> str:
    if spread is None:
        return ""
    if spread.least == spread.greatest:
        return f"{spread.median:.1f}x"
    return f"{spread.median:.1f}x ({spread.least:.1f} to {spread.greatest:.1f})"


def _memory(size: int | None) -> str:
    return "" if size is None else f"{size / 2**20:,.0f} MB"


def _timing(kind: str, spread: "Spread") -> str:
    return " ".join(_parts(kind, spread))


def _parts(kind: str, spread: "Spread") -> list[str]:
    """The median of a timing, and its span in brackets."""
    if kind == "many":
        return [f"{spread.median:,.0f}/s", f"({spread.least:,.0f} to {spread.greatest:,.0f})"]
    scale, unit = (1000, "ms") if spread.median < 1 else (1, "s")
    values = [scale * value for value in (spread.median, spread.least, spread.greatest)]
    median, least, greatest = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in values)
    return [f"{median} {unit}", f"({least} to {greatest})"]


def _growth_table(growth: "Sequence[Trial]") -> tuple[list[str], list[list[str]]]:
    """A row each number of epochs and images, two columns each contender: seconds and memory."""
    names = list(dict.fromkeys(trial.name for trial in growth))
    found = {(trial.epochs, trial.images, trial.name): trial for trial in growth}
    places = list(dict.fromkeys((trial.epochs, trial.images) for trial in growth))
    rows = []
    for epochs, images in places:
        row = [f"{epochs} x {images:,} images"]
        for name in names:
            trial = found[epochs, images, name]
            row += [f"{trial.fit:.1f} s", _memory(trial.memory)]
        rows.append(row)
    return ["", *(cell for name in names for cell in (name, ""))], rows


def _cost(cost: "Cost") -> str:
    return (
        f"{cost.name}: about {cost.first:.1f} s, and {1000 * cost.image:.2f} s more "
        "for each 1,000 images of an epoch"
    )


def _show_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns: names to the left, figures to the right."""
    lines = [head, *rows] if any(head) else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        write(f"  {'  '.join(cells)}".rstrip())
