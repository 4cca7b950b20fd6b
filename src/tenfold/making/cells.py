"""Cells: the trainings of a comparison, each kept in a file of its own as soon as it is done."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tenfold.errors import RunError
from tenfold.making.recipes import Recipe
from tenfold.making.runs import LARGEST_TEXT, Row, held, write_json

CELLS = "cells"
SUMMARY = "comparison.json"
FORMAT = 1
DIALS, READERS = "dials", "readers"
"""What is compared."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One training: a recipe, from one seed, on the images its `data` names.

    data: the SHA-256 of the training and validation images and labels.
    history: one mapping an epoch, as `Run.history`.
    accuracy, loss, cross_entropy: on the validation images after training, the accuracy 0-1, the loss the
        recipe's own; None where the loss was not finite, which `error` then says.
    seconds: of fitting, validation included. parameters: of the network.
    """

    recipe: Recipe
    seed: int
    data: str
    history: tuple[Row, ...] = field(repr=False)
    accuracy: float | None
    loss: float | None
    cross_entropy: float | None
    seconds: float
    parameters: int
    error: str | None = None


@dataclass(frozen=True)
class CellDone:
    """A cell is there, out of so many. again: it was found in the folder, trained earlier."""

    cell: Cell
    name: str
    number: int
    count: int
    again: bool


def keep_cell(folder: Path, cell: Cell) -> None:
    """Write a cell aside and give it its name among those of a folder that is held. Raises RunError."""
    identity = _identity(cell.recipe, cell.seed, cell.data)
    write_json(_path(folder, identity), {"format": FORMAT, "identity": identity, **asdict(cell)})


def find_cell(
    folder: Path, recipe: Recipe, seed: int, data: str, tell: Callable[[str], None] | None = None
) -> Cell | None:
    """The cell of this recipe, seed and data, if it was kept; None also where its file is damaged.

    tell: called with a remark in that case.
    """
    path = _path(folder, _identity(recipe, seed, data))
    cell = _read_cell(path, recipe, seed, data)
    if cell is None and tell is not None and path.exists():
        tell(f"{path} is damaged: trained again")
    return cell


def _read_cell(path: Path, recipe: Recipe, seed: int, data: str) -> Cell | None:
    content = _read_json(path) or {}
    try:
        if content["format"] != FORMAT or content["identity"] != _identity(recipe, seed, data):
            return None
        return Cell(
            recipe,
            seed,
            data,
            tuple({str(name): float(value) for name, value in row.items()} for row in content["history"]),
            accuracy=_number(content["accuracy"]),
            loss=_number(content["loss"]),
            cross_entropy=_number(content["cross_entropy"]),
            seconds=float(content["seconds"]),
            parameters=int(content["parameters"]),
            error=None if content["error"] is None else str(content["error"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


@contextmanager
def held_comparison(
    out: str | Path | None, name: str, kind: str, tell: Callable[[str], None] | None = None
) -> Iterator[Path]:
    """Hold the folder of a comparison for this process: a new one, an empty one, or one of this kind.

    out: the folder; None is `runs/compare-<name>` under the current folder. kind: DIALS or READERS.
    tell: called with a remark where the trainings in the folder are all that says what it is.

    Where the body fails, a folder that was new or empty is so again, unless trainings were kept in it.

    Raises RunError where it holds something else, another process works in it, or it cannot be made.
    """
    folder = Path("runs") / f"compare-{name}" if out is None else Path(out)
    made = _make(folder)
    with held(folder, "."):
        fresh = not any(path.name[0] != "." for path in folder.iterdir())
        if not fresh:
            _check_kind(folder, kind, tell or (lambda remark: None))
        try:
            yield folder
        except BaseException:
            if fresh:
                _empty(folder, made)
            raise


def begin_cells(folder: Path) -> None:
    """Make the place for cells in a folder that is held, and let comparison.json say that more is to come.

    What it said of the cells before stays in it. Raises RunError.
    """
    said = _read_json(folder / SUMMARY) or {}
    write_json(folder / SUMMARY, said | {"format": FORMAT, "kind": DIALS, "finished": False})
    try:  # last, for a folder with cells and no comparison.json would be nobody's
        (folder / CELLS).mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder / CELLS}: the folder cannot be made ({error.strerror})") from error


def _make(folder: Path) -> list[Path]:
    """Make a folder if it is not there; gives what was made, innermost first. Raises RunError."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise RunError(f"{folder} is a file, not a folder: name a new one") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{folder}: the folder cannot be made ({reason})") from error
    return made


def _check_kind(folder: Path, kind: str, tell: Callable[[str], None]) -> None:
    """Refuse a folder of something else; cells name themselves, so that they need no comparison.json."""
    said = _read_json(folder / SUMMARY)
    if said is not None and said.get("kind") == kind:
        return
    count = sum(map(_names_itself, (folder / CELLS).glob("*.json"))) if said is None and kind == DIALS else 0
    if not count:
        raise RunError(f"{folder} exists and holds no comparison of {kind}: name a new folder")
    state = "is damaged" if (folder / SUMMARY).exists() else "is gone"
    tell(f"{folder / SUMMARY} {state} and will be written anew; trainings kept in {CELLS}: {count:,}")


def _names_itself(path: Path) -> bool:
    """Whether a file is a cell, by its name."""
    content = _read_json(path) or {}
    return isinstance(content.get("identity"), dict) and _path(path.parents[1], content["identity"]) == path


def _empty(folder: Path, made: Sequence[Path]) -> None:
    """Take away what was begun in a folder; where there are cells, everything stays."""
    with suppress(OSError):
        if (folder / CELLS).exists():
            (folder / CELLS).rmdir()
        (folder / SUMMARY).unlink(missing_ok=True)
        for path in made:
            path.rmdir()


def _read_json(path: Path) -> dict[str, Any] | None:
    """A JSON file's object; None where the file is missing, damaged or too large to be ours."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _identity(recipe: Recipe, seed: int, data: str) -> dict[str, Any]:
    """All that decides how a training ends, as JSON gives it back."""
    return dict(json.loads(json.dumps({"recipe": asdict(recipe), "seed": seed, "data": data})))


def _path(folder: Path, identity: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return folder / CELLS / f"{digest[:20]}.json"


def _number(value: object) -> float | None:
    """A finite number or None. Raises ValueError for anything else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a number, got {value!r}")
    return float(value)
