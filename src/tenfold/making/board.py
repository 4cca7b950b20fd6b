"""Logs that TensorBoard reads: one scalar a figure and epoch."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tenfold.errors import RunError
from tenfold.making.backend import tensorflow
from tenfold.making.runs import Row

T = TypeVar("T")

SCALAR = 1
"""DATA_CLASS_SCALAR of TensorFlow's summary.proto."""


class Board:
    """Writes the rows of one training to a folder; a training that goes on writes all of them anew."""

    def __init__(self, folder: Path) -> None:
        for path in folder.glob("events.out.tfevents.*"):
            with suppress(OSError):
                path.unlink()
        self._folder = folder
        self._writer = self._do(lambda: tensorflow.summary.create_file_writer(str(folder)))
        plugin = tensorflow.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._kind = tensorflow.compat.v1.SummaryMetadata(plugin_data=plugin, data_class=SCALAR)

    def __call__(self, row: Row) -> None:
        """Log one epoch. Raises RunError."""
        self._do(lambda: self._log(row))

    def _do(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except tensorflow.errors.OpError as error:
            raise RunError(
                f"{self._folder}: logs for TensorBoard cannot be written ({error.message})"
            ) from error

    def _log(self, row: Row) -> None:
        with self._writer.as_default():
            for name, value in row.items():
                if name != "epoch":
                    # `tf.summary.scalar` needs the package tensorboard; this is what it calls.
                    tensorflow.summary.write(name, float(value), step=int(row["epoch"]), metadata=self._kind)
        self._writer.flush()
