"""The command `compare`: choices side by side, or two readers on the same images."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.show import percent, say, show_name, tell, write
from tenfold.making.dials import DIALS, parse_dials, show_value

if TYPE_CHECKING:
    from rich.progress import Progress

    from tenfold.judging.pairs import Pair
    from tenfold.making import CellDone, Comparison, Event
    from tenfold.making.results import Result

_DIAL = re.compile(r"[A-Za-z_ -]*=")
LIKELY = 0.05
"""Below this p a difference is called more than chance, as is the custom."""


def compare(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="DIAL=V1,V2... | READER READER", help=f"What to turn: {', '.join(DIALS)}; or two readers."
        ),
    ],
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", help="Trainings of each setting, each from a seed.", show_default="3"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Of every training.", show_default="the recipe's")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Use only N training images, for trying things.")
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|COUNT|FILE",
            help="Training images held out, or another source of them.",
            show_default="0.1",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="An .npz, IDX files, a CSV, a folder.", show_default="MNIST"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder.", show_default="runs/compare-DIALS"),
    ] = None,
) -> int:
    """Train choices side by side, or test two readers on the same images.

    `tenfold compare activation=relu,tanh` trains every value, or every combination where several dials are
    turned; `activation=all` is every activation. What was trained already is not trained again: a comparison
    that was stopped goes on when the same command is given. `tenfold compare RUN_A RUN_B` counts the images
    that only one of two readers gets right (McNemar's test), and shows them.
    """
    dials = [word for word in words if _DIAL.match(word)]
    asked = {"seeds": seeds, "epochs": epochs, "limit": limit, "validation": validation}
    given = {name: value for name, value in asked.items() if value is not None}
    if not dials and len(words) == 2:
        _refuse(given)
        return _compare_readers(words[0], words[1], data, out)
    return _compare_dials(parse_dials(words), data, out, given)


def _refuse(given: dict[str, Any]) -> None:
    for name in given:
        raise typer.BadParameter(f"--{name} is for dials; two readers are trained already")


def _compare_dials(dials: dict[str, list[str]], data: str | None, out: Path | None, given: Any) -> int:
    from tenfold.making.dials import make_grid

    make_grid(dials, given.get("epochs"))  # wrong words are refused before TensorFlow is loaded
    from tenfold.making import compare

    with _Watcher() as watch:
        found = compare(dials, data=data, out=out, on_event=watch, **given)
    _write_table(found)
    write(f"Table, curves and trainings: {show_name(str(found.folder))}")
    return 0


def _write_table(found: "Comparison") -> None:
    """Print the settings as a table, and what must be known to read it."""
    write(
        f"Validation on {found.data['validation']:,} images after training on {found.data['train']:,}; "
        f"{_plural(len(found.seeds), 'seed')}, mean ± sd"
    )
    losses = ["loss"] if found.one_loss else ["loss", "cross_entropy"]
    head = [*found.dials, "accuracy", *(name.replace("_", "-") for name in losses), "fit", "parameters"]
    rows = [head]
    for result in found.results:
        choices = [show_value(value) for value in result.setting.choices.values()]
        choices[-1] += " *" if result.setting.own and len(found.results) > 1 else ""
        rows.append(
            [
                *choices,
                _measure(result, "accuracy", 2, 100, " %"),
                *(_measure(result, name, 4) for name in losses),
                _measure(result, "seconds", 1, 1, " s"),
                f"{result.parameters:,}",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place < len(found.dials) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        write("  ".join(["", *cells]).rstrip())
    for remark in found.remarks():
        write(remark)


def _measure(result: "Result", name: str, decimals: int, scale: float = 1, unit: str = "") -> str:
    mean, spread = result.mean(name), result.spread(name)
    if mean is None:
        return "failed"
    text = f"{scale * mean:.{decimals}f}"
    return text + (f" ± {scale * spread:.{decimals}f}" if spread is not None else "") + unit


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


class _Watcher:
    """Shows a comparison on its way: a line a training, and on a terminal a bar of all of them."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._done = 0

    def __enter__(self) -> "_Watcher":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if kind is KeyboardInterrupt and self._done:
            say(f"{_plural(self._done, 'training')} kept; the same command goes on from there")

    def __call__(self, event: "Event | CellDone") -> None:
        """Show one event."""
        from tenfold.making.cells import CellDone
        from tenfold.making.events import EpochEnd, Note

        match event:
            case CellDone():
                self._done = event.number
                self._print(_cell_line(event), tell)
                self._move(event.count, event.number)
            case EpochEnd():
                self._move(None, self._done + event.epoch / event.epochs)
            case Note():
                self._print(event.text, say)

    def _move(self, count: int | None, done: float) -> None:
        """Move the bar, which appears when it is known how many trainings there are."""
        if self._bar is None and count is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.add_task("comparing", total=count)
            self._bar.start()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def _print(self, line: str, plain: Any) -> None:
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            plain(line)


def _cell_line(event: "CellDone") -> str:
    cell = event.cell
    line = f"{event.number}/{event.count}  {event.name}  seed {cell.seed}  "
    if cell.error is not None or cell.accuracy is None:
        return line + f"failed: {cell.error}"
    line += f"{percent(cell.accuracy, 2)} right  {cell.seconds:.1f} s"
    return line + ("  (trained earlier)" if event.again else "")


def _compare_readers(a: str, b: str, data: str | None, out: Path | None) -> int:
    from tenfold.making.readers import PICTURE, compare_readers

    pair, folder = compare_readers(a, b, data=data, out=out)
    for letter, name, report in zip("AB", (a, b), pair.reports, strict=True):
        low, high = report.interval
        write(
            f"{letter}  {percent(report.accuracy, 2)} right  {len(report.wrong):,} of {pair.n:,} wrong  "
            f"95% interval {100 * low:.2f}% to {100 * high:.2f}%  {show_name(name)}"
        )
    write(f"only A right: {len(pair.only_a):,}  only B right: {len(pair.only_b):,}  {_verdict(pair)}")
    count = _plural(len(pair.differ), "image")
    write(f"The {count} they answer differently: {show_name(str(folder / PICTURE))}")
    return 0


def _verdict(pair: "Pair") -> str:
    """What McNemar's test says, in words."""
    shown = "p < 0.0001" if pair.p < 0.0001 else f"p = {pair.p:.4f}"
    if pair.p >= LIKELY:
        return f"{shown}: may well be chance"
    return f"{shown}: {'A' if len(pair.only_a) > len(pair.only_b) else 'B'} is better on images like these"
