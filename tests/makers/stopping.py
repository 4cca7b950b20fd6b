"""Trainings that are stopped: by Ctrl-C in this process, by kill -9 in one of their own."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tenfold.making import Run, runs
from tenfold.making.events import EpochEnd, Progress


def ignore(event: object) -> None:
    pass


def interrupt_after(count: int) -> Callable[[object], None]:
    """A listener that presses Ctrl-C once it has heard of so many steps and epochs."""
    heard = 0

    def listen(event: object) -> None:
        nonlocal heard
        heard += isinstance(event, Progress | EpochEnd)
        if heard == count and isinstance(event, Progress | EpochEnd):
            signal.raise_signal(signal.SIGINT)

    return listen


def check_same(run: Run, other: Run) -> None:
    """The same weights, the same reader bit for bit, the same history but for the time it took."""
    assert run.metrics["weights_sha256"] == other.metrics["weights_sha256"]
    assert (run.folder / runs.READER).read_bytes() == (other.folder / runs.READER).read_bytes()
    histories = [[{**row, "seconds": 0} for row in each.history] for each in (run, other)]
    assert histories[0] == histories[1]
    assert run.figures == other.figures


def kill_once(command: list[str], folder: Path, look: Callable[[], object], later: float) -> None:
    """Kill a command a moment after what is looked at has changed; whoever works for it must end too."""
    before = look()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    while look() == before and process.poll() is None:
        time.sleep(0.01)
    time.sleep(later)
    process.kill()
    said = process.communicate()[0]
    assert process.returncode == -signal.SIGKILL, f"it ended before it was killed: {said.decode()[-500:]}"
    for _ in range(600):
        if not members(process.pid):
            return
        time.sleep(0.1)
    pytest.fail(f"still at work: {members(process.pid)}")


def members(group: int) -> list[str]:
    """The processes of a session that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if session == str(group) and state != "Z":
            found.append(path.parent.name)
    return found
