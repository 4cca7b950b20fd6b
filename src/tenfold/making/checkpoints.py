"""Checkpoints: all that a training needs to go on as if it had never been stopped.

A file of plain bytes: a line with the SHA-256 of what follows, a line of JSON that says where the training
stands and which arrays there are, the arrays. Nothing is pickled. It is written aside, synced and renamed,
and the last two are kept, so that a whole one is there at any moment.
"""

import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, default_int_handler, getsignal, signal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.writing import written_aside
from tenfold.errors import RunError, TrainingError, see
from tenfold.making.events import Event, Note
from tenfold.making.runs import Row, append_history, write_history

Array = NDArray[Any]

SAVE_EVERY = 5.0
"""Seconds between two checkpoints; one is also written when a training is stopped."""

KEPT = 2
"""How many checkpoints are kept: the newest may be damaged by the very fault that stopped the training."""

LARGEST = 1 << 30  # bytes
_HEAD = re.compile(rb"tenfold checkpoint 1 ([0-9a-f]{64})\n")
_DTYPES = ("float32", "float64", "int32", "int64", "uint32", "uint8", "bool")


class Stopped(KeyboardInterrupt):
    """A training was asked to stop, and has saved all it needs to go on."""


class Diverged(TrainingError):
    """A loss that is not finite: to go on from a checkpoint would end there again."""

    def __init__(self, epoch: int, rate: float, usual: float, of: str = "") -> None:
        lower = usual if rate > usual else rate / 10
        super().__init__(
            f"the loss is not finite in epoch {epoch}: a learning rate of {rate:g} is too high{of} here; "
            f"try {lower:g}{see('learning_rate')}"
        )


@dataclass(frozen=True, eq=False)
class State:
    """Where a training stands.

    place: plain JSON values; `epoch` is how many are done. arrays: by name, such as `weights/0`.
    """

    place: dict[str, Any]
    arrays: dict[str, Array] = field(repr=False)

    def group(self, name: str) -> list[Array]:
        """The arrays `name/0`, `name/1`, ... in their order."""
        count = sum(key.startswith(f"{name}/") for key in self.arrays)
        return [self.arrays[f"{name}/{i}"] for i in range(count)]

    @property
    def finite(self) -> bool:
        """Whether every weight is a number."""
        return all(np.isfinite(array).all() for array in self.group("weights"))


def collect(**groups: Sequence[Any]) -> dict[str, Array]:
    """Variables or arrays, copied and named as `State` has them."""
    return {
        f"{name}/{i}": np.array(value) for name, values in groups.items() for i, value in enumerate(values)
    }


def stands(state: State, epochs: int, steps: int) -> tuple[int, int]:
    """The epoch and the step of a state, of a training of so many epochs of so many steps.

    Raises RunError where it lies beyond the training's end.
    """
    epoch, step = int(state.place["epoch"]), int(state.place["step"])
    if epoch > epochs or step >= steps:
        raise RunError("the checkpoint lies beyond the training's end; expected that of this run")
    return epoch, step


def assign(variables: Sequence[Any], arrays: Sequence[Array]) -> None:
    """Give variables the values of a checkpoint. Raises RunError where they do not fit."""
    if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
        raise RunError("the checkpoint is one of another network or optimizer; expected that of this run")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def seed_variables(model: Any) -> list[Any]:
    """The states of a model's random generators (dropout's, say), which are not among its weights."""
    others = {id(v) for v in (*model.weights, *model.metrics_variables)}
    return [v for v in model.variables if id(v) not in others]


def to_bytes(state: State) -> bytes:
    """A state as the bytes of a checkpoint."""
    arrays = [(name, str(array.dtype), array.shape) for name, array in state.arrays.items()]
    header = json.dumps({"place": state.place, "arrays": arrays}, allow_nan=False).encode()
    body = b"".join([header, b"\n", *(array.tobytes() for array in state.arrays.values())])
    return b"tenfold checkpoint 1 " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def from_bytes(content: bytes) -> State:
    """Read a checkpoint back. Raises RunError where it is damaged or none."""
    head = _HEAD.match(content)
    if head is None:
        raise RunError("not a checkpoint of this version")
    body = memoryview(content)[head.end() :]
    if hashlib.sha256(body).hexdigest().encode() != head.group(1):
        raise RunError("damaged or cut off")
    try:
        end = content.index(b"\n", head.end())
        header = json.loads(content[head.end() : end])
        arrays, at = {}, end + 1
        for name, dtype, shape in header["arrays"]:
            if dtype not in _DTYPES:
                raise ValueError(f"arrays of {dtype}")
            count = math.prod(shape)
            values = np.frombuffer(content, dtype, count, at)
            arrays[str(name)], at = values.reshape(shape), at + values.nbytes
        return State(dict(header["place"]), arrays)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError) as error:
        raise RunError(f"damaged ({error})") from None


def _check_place(state: State, folder: Path) -> None:
    """Raise RunError where a training cannot stand there."""
    place = state.place
    try:
        possible = place["epoch"] >= 0 and place["step"] >= 0 and float(place["seconds"]) >= 0
        rows = [dict(row) for row in place["rows"]]
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{folder}: not a checkpoint of a training ({error!r})") from None
    if not possible or len(rows) != place["epoch"]:
        raise RunError(f"{folder}: not a checkpoint of a training (its place and its rows differ)")


class Checkpoints:
    """The checkpoints of one training, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self) -> list[Path]:
        """Those that are there, newest first."""
        return sorted(self.folder.glob("[0-9]*.checkpoint"), reverse=True)

    def save(self, step: int, state: State) -> None:
        """Keep a state, named by its step. Raises RunError; then those before it are still there."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be made ({error.strerror or error})") from error
        with written_aside(self.folder / f"{step:09d}.checkpoint") as aside:
            aside.write_bytes(to_bytes(state))
        for path in self.paths()[KEPT:]:
            with suppress(OSError):
                path.unlink()

    def newest(self) -> tuple[State | None, dict[Path, str]]:
        """The newest whole checkpoint, or None; and a remark on each newer one, which could not be used."""
        remarks: dict[Path, str] = {}
        for path in self.paths():
            try:
                if path.stat().st_size > LARGEST:
                    raise RunError(f"larger than {LARGEST >> 20} MB")
                return from_bytes(path.read_bytes()), remarks
            except OSError as error:  # RunError is one
                remarks[path] = f"{path}: cannot be used ({error.strerror or error})"
        return None, remarks

    def set_aside(self, damaged: Iterable[Path]) -> None:
        """Give checkpoints another name, so that no whole one to come makes room for them."""
        for path in damaged:
            with suppress(OSError):
                path.rename(path.with_suffix(".damaged"))

    def clear(self) -> None:
        """Remove them all: the run is finished."""
        kinds = ("*.checkpoint", ".*.checkpoint", "*.damaged")
        for path in [path for kind in kinds for path in self.folder.glob(kind)]:
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            self.folder.rmdir()


class Keeper:
    """Keeps one training: the row of each epoch, checkpoints, and whether it was asked to stop.

    restored: what to go on from; None is the beginning. good: the state after the last whole epoch, where it
        is at hand. folder: the run's; without one nothing is written. every: seconds between checkpoints.
    plan: a hash of all that decides the weights; checkpoints of another are refused. None refuses none.
    """

    def __init__(
        self,
        folder: Path | None = None,
        tell: Callable[[Event], None] = lambda event: None,
        every: float = SAVE_EVERY,
        on_row: Callable[[Row], None] = lambda row: None,
        plan: str | None = None,
    ) -> None:
        self.rows: list[Row] = []
        self.restored: State | None = None
        self.good: State | None = None
        self._good_step = self._saved_step = 0
        self.asked_to_stop = False
        self._store = Checkpoints(folder / "checkpoints") if folder else None
        self._history = folder / "history.csv" if folder else None
        self._tell = tell
        self._every = every
        self._on_row = on_row
        self._plan = plan
        self._saved = self._began = time.perf_counter()
        self._before = 0.0

    @property
    def seconds(self) -> float:
        """How long the training has taken, those parts of it that are kept."""
        return self._before + time.perf_counter() - self._began

    @property
    def holds(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return self._store is not None and bool(self._store.paths())

    def begins(self) -> bool:
        """Whether there is no whole checkpoint, so that training begins with its first step."""
        return self._store is None or self._store.newest()[0] is None

    def restore(self) -> None:
        """Go back to the newest whole checkpoint: its rows, its state; say which could not be used.

        Raises RunError where it was made by another plan.
        """
        if self._store is None or self._history is None:
            return
        self.restored, remarks = self._store.newest()
        for remark in remarks.values():
            self._tell(Note(remark))
        self._store.set_aside(remarks)
        if self.restored is not None:
            _check_place(self.restored, self._store.folder)
            if self._plan is not None and self.restored.place.get("plan", self._plan) != self._plan:
                raise RunError(
                    f"{self._store.folder}: made by another plan than run.json holds now; put that back, or "
                    "train again in a new folder"
                )
            if not self.restored.place["step"]:
                self.good = self.restored
            self.rows = [dict(row) for row in self.restored.place["rows"]]
            self._before = float(self.restored.place["seconds"])
        if remarks or self.restored is None:
            self._tell(
                Note(
                    f"going on from the checkpoint before; whole epochs in it: {len(self.rows)}"
                    if self.restored
                    else "no checkpoint to go on from: starting over"
                )
            )
        write_history(self._history, self.rows)
        for row in self.rows:
            self._on_row(row)

    def add_row(self, row: Row) -> None:
        """Keep the row of an epoch that is done, in history.csv too."""
        self.rows.append(row)
        if self._history is not None:
            append_history(self._history, row)
        self._on_row(row)

    def pause(self, step: int, state: Callable[[], State], epoch_done: bool = False) -> None:
        """Between two compiled calls, after `step` steps: save if it is time, stop if that was asked.

        Raises Stopped; RunError where the disk takes no more.
        """
        done = state() if epoch_done else None
        if done is not None and done.finite:
            self.good, self._good_step = done, step
        due = time.perf_counter() - self._saved >= self._every
        if self._store is not None and (due or self.asked_to_stop):
            self._save(step, state() if done is None else done)
        if self.asked_to_stop:
            raise Stopped

    def rescue(self) -> None:
        """Keep the state after the last whole epoch, where no checkpoint is as far and the disk takes it.

        For a training that broke off: why it did is what its user hears of.
        """
        if self._store is not None and self.good is not None and self._saved_step < self._good_step:
            with suppress(RunError):
                self._save(self._good_step, self.good)

    def _save(self, step: int, state: State) -> None:
        """Keep a state; one whose weights are lost would push out those that are good."""
        assert self._store is not None
        if not state.finite:
            return
        place = {
            **state.place,
            "rows": self.rows[: state.place["epoch"]],
            "seconds": round(self.seconds, 3),
            "plan": self._plan,
        }
        self._store.save(step, State(place, state.arrays))
        self._saved, self._saved_step = time.perf_counter(), step

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let Ctrl-C ask the training to stop after its step; a second one stops it at once."""
        ours = (
            threading.current_thread() is threading.main_thread() and getsignal(SIGINT) is default_int_handler
        )

        def ask(number: int, frame: object) -> None:
            self.asked_to_stop = True
            signal(SIGINT, default_int_handler)

        if ours:
            signal(SIGINT, ask)
        try:
            yield
        finally:
            if ours:
                signal(SIGINT, default_int_handler)

    def clear(self) -> None:
        """Remove the checkpoints of a run that is finished."""
        if self._store is not None:
            self._store.clear()
