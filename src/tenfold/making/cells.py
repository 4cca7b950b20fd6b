"""Cells: the trainings of a comparison, each kept in a file of its own as soon as it is done."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tenfold.errors import RunError
from tenfold.making.recipes import Recipe
from tenfold.making.runs import LARGEST_TEXT, Row, held, write_json

CELLS = "cells"
LOCK = ".lock"
SUMMARY = "comparison.json"
FORMAT = 1


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


def find_cell(folder: Path, recipe: Recipe, seed: int, data: str) -> Cell | None:
    """The cell of this recipe, seed and data, if it was kept; None also where its file is damaged."""
    identity = _identity(recipe, seed, data)
    content = read_json(_path(folder, identity))
    try:
        if content["format"] != FORMAT or content["identity"] != identity:
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


def claim_comparison(out: str | Path | None, name: str, kind: str) -> Path:
    """The folder of a comparison: a new one, an empty one, or that of an earlier comparison of this kind.

    out: the folder; None is `runs/compare-<name>` under the current folder.

    Raises RunError where it holds something else, or cannot be made or written.
    """
    folder = Path("runs") / f"compare-{name}" if out is None else Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = any(path.name[0] != "." for path in folder.iterdir())
    except FileExistsError:
        raise RunError(f"{folder} is a file, not a folder: name a new one") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{folder}: the folder cannot be made ({reason})") from error
    if used and read_json(folder / SUMMARY).get("kind") != kind:
        raise RunError(f"{folder} exists and holds no comparison of {kind}: name a new folder")
    if not used:
        write_json(folder / SUMMARY, {"format": FORMAT, "kind": kind, "finished": False})
    return folder


@contextmanager
def held_comparison(folder: Path) -> Iterator[None]:
    """Hold a comparison's folder, with a place for its cells, for this process.

    Raises RunError where another process trains in it, or it cannot be written.
    """
    try:
        (folder / CELLS).mkdir(exist_ok=True)
        (folder / CELLS / LOCK).touch()
    except OSError as error:
        raise RunError(f"{folder / CELLS}: cannot be written ({error.strerror})") from error
    with held(folder, f"{CELLS}/{LOCK}"):
        yield


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's object; empty where the file is missing, damaged or too large to be ours."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


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
