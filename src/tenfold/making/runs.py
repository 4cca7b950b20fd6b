"""Runs: the folder a training leaves behind, and how it is written so that nothing half-made stays."""

import csv
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tenfold.errors import OptionError, RunError
from tenfold.making.recipes import Recipe
from tenfold.reading import Reader, load

MODEL = "model.keras"
READER = "reader.onnx"
HISTORY = "history.csv"
METRICS = "metrics.json"
SAMPLES = "samples.png"
CURVES = "curves.png"
CONFUSION = "confusion.png"
MISTAKES = "mistakes.png"
FILES = (MODEL, READER, HISTORY, METRICS, SAMPLES, CURVES, CONFUSION, MISTAKES)
"""Everything in a finished run folder."""

LARGEST_TEXT = 16 << 20  # bytes

Row = dict[str, float]


@dataclass(frozen=True, eq=False)
class Run:
    """One training with its folder.

    history: one mapping an epoch: epoch, loss, accuracy, val_loss and val_accuracy where images were held
        out, learning_rate, seconds.
    metrics: what metrics.json holds: versions, seed, recipe, data, timings and figures.
    """

    folder: Path
    recipe: Recipe
    history: tuple[Row, ...] = field(repr=False)
    metrics: dict[str, Any] = field(repr=False)

    @property
    def figures(self) -> dict[str, float]:
        """The measured figures by name, such as `test_accuracy` (0-1) and `test_loss`."""
        return dict(self.metrics["figures"])

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the run's files that are there, in the order they are made."""
        return tuple(name for name in FILES if (self.folder / name).exists())

    def reader(self) -> Reader:
        """The reader this run made. Raises ReaderError where its file is missing or damaged."""
        return load(self.folder)


def load_run(folder: str | Path) -> Run:
    """Read a finished run back from its folder.

    Raises RunError where the folder is missing, not a run, or not finished.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; expected one written by `tenfold train`")
    missing = [name for name in (METRICS, HISTORY, READER) if not (folder / name).exists()]
    if missing:
        raise RunError(f"{folder}: not a finished run, {' and '.join(missing)} missing; train again")
    try:
        metrics = json.loads(_read_text(folder / METRICS))
        known = {field.name for field in fields(Recipe)}
        recipe = Recipe(**{key: value for key, value in metrics["recipe"].items() if key in known})
        metrics["figures"] = {str(name): float(value) for name, value in metrics["figures"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OptionError) as error:
        raise RunError(f"{folder / METRICS}: damaged ({error}); train again") from None
    return Run(folder, recipe, _read_history(folder / HISTORY), metrics)


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise RunError(f"{path}: larger than {LARGEST_TEXT >> 20} MB; not written by `tenfold train`")
        return path.read_text(encoding="utf-8")
    except RunError:
        raise
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _read_history(path: Path) -> tuple[Row, ...]:
    try:
        rows = csv.DictReader(_read_text(path).splitlines(), strict=True)
        return tuple({name: float(value) for name, value in row.items() if value != ""} for row in rows)
    except (ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path}: damaged ({error}); train again") from None


@contextmanager
def claimed_folder(out: str | Path | None, recipe: str, bytes_needed: int) -> Iterator[Path]:
    """Make the run folder, prove that it can be written to, and take it away again if the body fails.

    out: the folder itself; None is `runs/<time>-<recipe>` under the current folder.

    Raises RunError where it exists already, cannot be written, or the disk has less room than `bytes_needed`.
    """
    folder = Path(out) if out is not None else _fresh_name(Path("runs"), recipe)
    made = _make_folder(folder)
    try:
        with written_aside(folder / METRICS) as aside:
            aside.write_bytes(b"{}")
        (folder / METRICS).unlink()
        free = shutil.disk_usage(folder).free
        if free < bytes_needed:
            raise RunError(f"{folder}: {free >> 20} MB are free, the run needs up to {bytes_needed >> 20} MB")
        yield folder
    except BaseException:
        _discard(folder, made)
        raise


def _fresh_name(parent: Path, recipe: str) -> Path:
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe}"
    folder, again = parent / name, 2
    while folder.exists():
        folder, again = parent / f"{name}-{again}", again + 1
    return folder


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and the parents it lacks: all that were made, innermost first. Raises RunError."""
    try:
        made = [folder, *(parent for parent in folder.parents if not parent.exists())]
        folder.mkdir(parents=True)
    except FileExistsError:
        raise RunError(
            f"{folder} exists already; a run never overwrites another: name a new folder"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{folder}: the run folder cannot be made ({reason})") from None
    return made


def _discard(folder: Path, made: Sequence[Path]) -> None:
    """Remove an unfinished run: the files that a run writes, and the folders made for it if empty."""
    for name in FILES:
        for path in (folder / name, _aside(folder / name)):
            with suppress(OSError):
                path.unlink()
    for path in made:
        with suppress(OSError):
            path.rmdir()


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; sync it and give it its real name if all went well.

    Raises RunError where the disk is full or read-only; then nothing is left and what was there stays.
    """
    aside = _aside(path)
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    except RunError:
        raise
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            aside.unlink()


def append_history(path: Path, row: Mapping[str, float]) -> None:
    """Add one epoch to history.csv, with a head line if it is the first. Raises RunError."""
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror})") from None


def write_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Write metrics.json aside and give it its name: the sign that a run is finished. Raises RunError."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")
