"""Training seen from outside: a bar on a terminal, plain lines elsewhere, always on standard error."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tenfold.cli.show import say, tell
from tenfold.making import events

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Watcher:
    """Shows the events of one training; used as `with Watcher() as watch: train(..., on_event=watch)`."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._batches = 0
        self._prefix = ""
        self._before = self._after = 0  # networks of an ensemble

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: events.Event) -> None:
        """Show one event."""
        match event:
            case events.Started():
                self._batches = event.batches
                if self._bar is None and sys.stderr.isatty():
                    self._start_bar((self._before + 1 + self._after) * event.recipe.epochs * event.batches)
            case events.Member():
                self._begin_member(event)
            case events.Progress():
                self._move_bar(event)
            case events.EpochEnd():
                self._end_epoch(event)
            case events.Note():
                self._print(event.text, say)
            case events.Finished():
                self._print(f"{self._prefix}trained and written in {event.seconds:.1f} s", tell)
                self._prefix = ""

    def _begin_member(self, event: events.Member) -> None:
        self._prefix = f"network {event.number}/{event.count}, seed {event.seed}  "
        self._before, self._after = event.number - 1, event.count - event.number
        if event.finished:
            self._print(f"{self._prefix}trained earlier", tell)
            self._prefix = ""

    def _start_bar(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("training", total=total, figures="")
        self._bar.start()

    def _move_bar(self, event: events.Progress) -> None:
        figures = (
            f"loss {event.loss:.4f}  accuracy {event.accuracy:.4f}  {event.images_per_second:,.0f} images/s"
        )
        done = (self._before * event.epochs + event.epoch - 1) * event.batches + event.batch
        place = f"{self._prefix}epoch {event.epoch}/{event.epochs}"
        self._update(completed=done, description=place, figures=figures)

    def _end_epoch(self, event: events.EpochEnd) -> None:
        line = f"{self._prefix}epoch {event.epoch}/{event.epochs}"
        line += f"  loss {event.loss:.4f}  accuracy {event.accuracy:.4f}"
        if event.validation_loss is not None and event.validation_accuracy is not None:
            line += f"  validation loss {event.validation_loss:.4f}  accuracy {event.validation_accuracy:.4f}"
        self._update(completed=(self._before * event.epochs + event.epoch) * self._batches)
        line += f"  {event.seconds:.1f} s  {event.images_per_second:,.0f} images/s"
        left = (event.epochs - event.epoch + self._after * event.epochs) * event.seconds
        self._print(f"{line}  {_duration(left)} left" if left else line, tell)

    def _update(self, **changes: Any) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, **changes)

    def _print(self, line: str, plain: Any) -> None:
        """Print a line above the bar, or as it is where there is none."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            plain(line)


def _duration(seconds: float) -> str:
    """A length of time, short.

    >>> _duration(8.2), _duration(200), _duration(8000)
    ('8 s', '3 min', '2.2 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
