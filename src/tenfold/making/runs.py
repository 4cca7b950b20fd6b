"""Runs: the folder a training leaves behind, and how it is written so that nothing half-made stays."""

import csv
import errno
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tenfold.data.writing import aside_of, sync_folder, written_aside
from tenfold.errors import OptionError, RunError
from tenfold.making.recipes import Recipe
from tenfold.reading import Reader, load

try:
    import fcntl
except ImportError:  # pragma: no cover
    fcntl = None  # type: ignore[assignment]

MODEL = "model.keras"
READER = "reader.onnx"
HISTORY = "history.csv"
METRICS = "metrics.json"
PLAN = "run.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
MEMBERS = "members"
SAMPLES = "samples.png"
CURVES = "curves.png"
CONFUSION = "confusion.png"
MISTAKES = "mistakes.png"
FILES = (PLAN, MODEL, READER, HISTORY, METRICS, SAMPLES, CURVES, CONFUSION, MISTAKES)
"""Every file in a finished run folder; the folder tensorboard is there where it was asked for, and the folder
members, with a run for each seed, in that of an ensemble."""

LARGEST_TEXT = 16 << 20  # bytes

DIGITS = 6
"""Decimals of a figure in history.csv: all that float32 has for an accuracy."""

Row = dict[str, float]
"""One epoch: epoch, loss, accuracy, val_loss, val_accuracy, learning_rate, seconds."""


@dataclass(frozen=True, eq=False)
class Run:
    """One training with its folder.

    history: one mapping an epoch: epoch, loss, accuracy, val_loss and val_accuracy where images were held
        out, learning_rate, seconds.
    metrics: what metrics.json holds: versions, seeds, recipe, data, timings and figures; of an ensemble also
        `members`, each figure's values, mean and standard deviation over them.
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

    @property
    def members(self) -> "tuple[Run, ...]":
        """The runs of an ensemble's networks; empty for one network. Raises RunError where one is gone."""
        if not is_ensemble(self.folder):
            return ()
        return tuple(load_run(member_folder(self.folder, seed)) for seed in self.metrics["seeds"])


def is_ensemble(folder: Path) -> bool:
    """Whether a run folder is that of an ensemble."""
    return (folder / MEMBERS).is_dir()


def member_folder(folder: Path, seed: int) -> Path:
    """The run folder of an ensemble's network of this seed."""
    return folder / MEMBERS / f"seed-{seed}"


def load_run(folder: str | Path) -> Run:
    """Read a finished run back from its folder.

    Raises RunError where the folder is missing, not a run, or not finished.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; expected one written by `tenfold train`")
    missing = [name for name in (METRICS, HISTORY, READER) if not (folder / name).exists()]
    if METRICS in missing and (folder / PLAN).exists():
        raise RunError(f"{folder}: not a finished run; `tenfold train --resume {folder}` finishes it")
    if missing:
        raise RunError(f"{folder}: not a finished run, {' and '.join(missing)} missing; train again")
    try:
        metrics = json.loads(read_text(folder / METRICS))
        known = {field.name for field in fields(Recipe)}
        recipe = Recipe(**{key: value for key, value in metrics["recipe"].items() if key in known})
        metrics["figures"] = {str(name): float(value) for name, value in metrics["figures"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OptionError) as error:
        raise RunError(f"{folder / METRICS}: damaged ({error}); train again") from None
    return Run(folder, recipe, _read_history(folder / HISTORY), metrics)


def read_text(path: Path) -> str:
    """A small text file of a run. Raises RunError where it is too large or cannot be read."""
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
        rows = csv.DictReader(read_text(path).splitlines(), strict=True)
        return tuple({name: float(value) for name, value in row.items() if value != ""} for row in rows)
    except (ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path}: damaged ({error}); train again") from None


def claim_folder(
    out: str | Path | None, recipe: str, plan: Mapping[str, Any], bytes_needed: int
) -> list[Path]:
    """Make a run folder that holds its plan from its first moment, so that it can be resumed from then on.

    out: the folder itself; None is `runs/<time>-<recipe>` under the current folder.

    Returns the folder, and the folders above it that were made for it, innermost first.

    Raises RunError where it exists already, cannot be written, or the disk has less room than `bytes_needed`;
    then nothing is left.
    """
    if out is not None:
        return _claim(Path(out), plan, bytes_needed)
    while True:
        folder = _fresh_name(Path("runs"), recipe)
        try:
            return _claim(folder, plan, bytes_needed)
        except RunError:
            if not folder.exists():  # else another process was quicker
                raise


def _fresh_name(parent: Path, recipe: str) -> Path:
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe}"
    folder, again = parent / name, 2
    while folder.exists():
        folder, again = parent / f"{name}-{again}", again + 1
    return folder


def _claim(folder: Path, plan: Mapping[str, Any], bytes_needed: int) -> list[Path]:
    aside = folder.parent / f".{folder.name}.{os.getpid()}.new"  # the folder "." has no name to change
    made: list[Path] = []
    try:
        _refuse_existing(folder)
        made = [parent for parent in folder.parents if not parent.exists()]
        aside.mkdir(parents=True, exist_ok=True)
        write_json(aside / PLAN, plan)
        check_room(folder.parent, bytes_needed)
        os.rename(aside, folder)
        sync_folder(folder.parent)
    except BaseException as error:
        discard([aside, *made])
        if isinstance(error, RunError) or not isinstance(error, OSError | ValueError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{folder}: the run folder cannot be made ({reason})") from error
    return [folder, *made]


def _refuse_existing(folder: Path) -> None:
    if not folder.exists():
        return
    if (folder / PLAN).exists() and not (folder / METRICS).exists():
        raise RunError(
            f"{folder} holds a run that is not finished: `tenfold train --resume {folder}` goes on with it; "
            "for another, name a new folder"
        )
    raise RunError(f"{folder} exists already; a run never overwrites another: name a new folder")


def check_room(folder: Path, bytes_needed: int) -> None:
    """Raise RunError where the disk has less room than a run needs."""
    free = shutil.disk_usage(folder).free
    if free < bytes_needed:
        raise RunError(
            f"{folder}: {free >> 20} MB are free, the run needs up to {-(-bytes_needed >> 20)} MB"
        ) from OSError(errno.ENOSPC, "No space left on device")


def discard(folders: Sequence[Path]) -> None:
    """Remove a run that has nothing worth keeping: what a run writes, its folder and those above if empty.

    folders: as `claim_folder` gave them.
    """
    for name in FILES:
        for path in (folders[0] / name, aside_of(folders[0] / name)):
            with suppress(OSError, ValueError):
                path.unlink()
    for name in (CHECKPOINTS, TENSORBOARD):
        shutil.rmtree(folders[0] / name, ignore_errors=True)
    for folder in folders:
        with suppress(OSError, ValueError):
            folder.rmdir()


@contextmanager
def held(folder: Path, name: str = PLAN) -> Iterator[None]:
    """Hold a folder for this process; the system lets go of it when the process ends, however it ends.

    name: of a file in it that is never replaced, or "." for the folder itself. Raises RunError where another
        process works in it.
    """
    if fcntl is None:  # pragma: no cover
        yield
        return
    try:
        number = os.open(folder / name, os.O_RDONLY)
    except OSError as error:
        raise RunError(f"{folder / name}: cannot be opened ({error.strerror})") from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        raise RunError(f"{folder}: another process is at work in it; wait for it, or stop it") from None
    try:
        yield
    finally:
        os.close(number)


def write_history(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write history.csv anew, with these epochs; without any there is none. Raises RunError."""
    if not rows:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{path}: cannot be written anew ({error.strerror})") from error
        return
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def append_history(path: Path, row: Mapping[str, float]) -> None:
    """Add one epoch to history.csv, with a head line if it is the first. Raises RunError."""
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror})") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file aside and give it its name. Raises RunError.

    metrics.json, written last, is the sign that a run is finished.
    """
    with written_aside(path) as aside:
        aside.write_text(json_text(content), encoding="utf-8")


def json_text(content: Mapping[str, Any]) -> str:
    """What stands in a JSON file."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
