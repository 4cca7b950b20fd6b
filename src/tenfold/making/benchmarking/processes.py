"""Whole processes, measured from outside: their time and the most memory they held."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from tenfold.data import Split, load_mnist
from tenfold.errors import DataError, TrainingError

PATIENCE = 20
"""Seconds that a process which is told to stop is given before it is killed."""


@dataclass(frozen=True)
class Task:
    """What a training script is to do. None is as published.

    epochs: of the training; limit: training images; validation: the share held out, 0 for none.
    """

    seed: int = 1
    epochs: int | None = None
    limit: int | None = None
    validation: float = 0.1

    def to_json(self) -> str:
        """The task as one argument of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls) -> "Task":
        """The task that this process was started with."""
        return cls(**json.loads(sys.argv[1]))

    def load(self) -> tuple[Split, Split, Split]:
        """Training, validation and test images. Raises DataError where there are none to test on."""
        mnist = load_mnist(validation=self.validation, limit=self.limit)
        if mnist.test is None:
            raise DataError(f"{mnist.source}: holds no test images; the benchmark reads those at the end")
        return mnist.train, mnist.validation, mnist.test


@dataclass(frozen=True)
class Spent:
    """What a process took. seconds: from its start to its end; memory: bytes at its peak, None if unknown."""

    seconds: float
    memory: int | None
    output: str

    def answer(self) -> dict[str, Any]:
        """The last line it printed, which the benchmark's scripts write as JSON."""
        return dict(json.loads(self.output.rstrip().rpartition("\n")[2]))


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module with this Python, whatever lies in the current folder."""
    return [sys.executable, "-P", "-m", name, *arguments]


def run_process(command: Sequence[str], what: str) -> Spent:
    """Run a command to its end.

    what: its name in the message where it fails. Raises TrainingError with the last line it complained in.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=complaint)
        try:
            memory = _wait(process)
        except BaseException:
            _stop(process)
            raise
        seconds = time.perf_counter() - start
        output.seek(0)
        complaint.seek(0)
        if process.returncode:
            said = complaint.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise TrainingError(f"{what}: its process ended with {process.returncode} ({said or 'no word'})")
        return Spent(seconds, memory, output.read().decode(errors="replace"))


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """Wait for the end of a process; the bytes it held at most, where the system tells."""
    if not hasattr(os, "wait4"):
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that is no longer waited for."""
    if process.returncode is not None:
        return
    with suppress(OSError):
        process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
