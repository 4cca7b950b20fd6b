"""The command `compare`: choices side by side, or two readers on the same images."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfold.cli.judging import say_judged
from tenfold.cli.options import option
from tenfold.cli.show import interval_text, say, show_name, tell, write
from tenfold.errors import OptionError
from tenfold.making.dials import DIALS, SEEDS, parse_dials, show_value

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
            metavar="DIAL=V1,V2... | READER [READER]",
            help=f"What to turn: {', '.join(DIALS)}; or readers, one of them beside the shipped one.",
        ),
    ],
    seeds: Annotated[
        int | None, option("N", "Trainings of each setting, each from a seed.", str(SEEDS))
    ] = None,
    epochs: Annotated[int | None, option("N", "Of every training.", "the recipe's")] = None,
    limit: Annotated[int | None, option("N", "Use only N training images, for trying things.", "all")] = None,
    validation: Annotated[
        str | None, option("SHARE|COUNT|FILE", "Training images held out, or another source of them.", "0.1")
    ] = None,
    data: Annotated[
        str | None, option("SOURCE", "An .npz, IDX files, a CSV, a folder, or keras.", "MNIST")
    ] = None,
    out: Annotated[Path | None, option("DIR", "The folder.", "runs/compare-DIALS")] = None,
) -> int:
    """Train choices side by side, or test two readers on the same images.

    `compare activation=relu,tanh` trains each value, and every combination where several dials are turned.

    `compare activation=all` trains every activation there is.

    What is trained already is not trained again: a comparison that was stopped goes on from there.

    `compare RUN_A RUN_B` shows the images that only one of two readers gets right, and tests the difference.
    """
    asked = {"seeds": seeds, "epochs": epochs, "limit": limit, "validation": validation}
    given = {name: value for name, value in asked.items() if value is not None}
    if _are_readers(words):
        _refuse(given)
        return _compare_readers([*words, None][:2], data, out)
    return _compare_dials(parse_dials(words), data, out, given)


def _are_readers(words: list[str]) -> bool:
    """Whether these words are readers and not dials. Raises OptionError where they are neither."""
    if any(_DIAL.match(word) and not os.path.exists(word) for word in words):
        return False
    for word in words:
        if not word.strip() or not os.path.exists(word):  # Path.exists raises on a word that is too long
            raise OptionError(
                f"{word!r} is neither a reader that is there nor a dial; expected a run folder, a reader's "
                "file, or DIAL=VALUE,VALUE such as activation=relu,tanh"
            )
    if len(words) > 2:
        raise OptionError(f"{len(words)} readers; expected two, or one to set beside the shipped one")
    return True


def _refuse(given: dict[str, Any]) -> None:
    if given:
        names = " and ".join(f"--{name}" for name in given)
        raise typer.BadParameter(f"{names} {'is' if len(given) == 1 else 'are'} for dials, not for readers")


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
        f"{_plural(len(found.seeds), 'seed')}{', mean ± sd' if len(found.seeds) > 1 else ''}"
    )
    losses = ["loss"] if found.one_loss else ["loss", "cross_entropy"]
    head = ["", *found.dials, "accuracy", *(name.replace("_", "-") for name in losses), "fit", "parameters"]
    rows = [head, *(_table_row(result, losses, len(found.results) > 1) for result in found.results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place <= len(found.dials) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        write("  ".join(cells).rstrip())
    for remark in found.remarks():
        write(remark)


def _table_row(result: "Result", losses: Sequence[str], starred: bool) -> list[str]:
    return [
        "*" if result.setting.own and starred else "",
        *map(show_value, result.setting.choices.values()),
        _measure(result, "accuracy", 2, 100, " %"),
        *(_measure(result, name, 4) for name in losses),
        _measure(result, "seconds", 1, 1, " s"),
        f"{result.parameters:,}",
    ]


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
    from tenfold.reading.spelling import percent

    cell = event.cell
    line = f"{event.number}/{event.count}  {event.name}  seed {cell.seed}  "
    if cell.error is not None or cell.accuracy is None:
        return line + f"failed: {cell.error}"
    line += f"{percent(cell.accuracy, 2)} right  {cell.seconds:.1f} s"
    return line + ("  (trained earlier)" if event.again else "")


def _compare_readers(readers: Sequence[str | None], data: str | None, out: Path | None) -> int:
    import tenfold
    from tenfold.making.cells import SUMMARY
    from tenfold.making.readers import PICTURE, compare_readers
    from tenfold.reading.spelling import percent

    opened = [tenfold.load(name) for name in readers]
    names = [show_name(name or "the shipped reader") for name in readers]
    dataset = tenfold.load_data(data, to_image=tenfold.prepare)
    say_judged(" and ".join(names), dataset)
    pair, folder = compare_readers(*opened, data=dataset, out=out)
    for letter, name, report in zip("AB", names, pair.reports, strict=True):
        write(
            f"{letter}  {percent(report.accuracy, 2)} right  {len(report.wrong):,} of {pair.n:,} wrong  "
            f"{interval_text(report.interval)}  {name}"
        )
    write(f"only A right: {len(pair.only_a):,}  only B right: {len(pair.only_b):,}  {_verdict(pair)}")
    if len(pair.differ):
        count = _plural(len(pair.differ), "image")
        write(f"The {count} they answer differently: {show_name(str(folder / PICTURE))}")
    else:
        write(f"All that was measured: {show_name(str(folder / SUMMARY))}")
    return 0


def _verdict(pair: "Pair") -> str:
    """What McNemar's test says, in words; what needs no test, without it."""
    if pair.same:
        return "they are the same reader"
    if not len(pair.differ):
        return "they give the same answer on every image"
    if not len(pair.only_a) + len(pair.only_b):
        return "they are right on the same images"
    shown = "p < 0.0001" if pair.p < 0.0001 else f"p = {pair.p:.4f}"
    if pair.p >= LIKELY:
        return f"{shown}: may well be chance"
    return f"{shown}: {'A' if len(pair.only_a) > len(pair.only_b) else 'B'} is better on images like these"
