"""Logs that TensorBoard reads: one scalar a figure and epoch."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenfold.errors import RunError
from tenfold.making.backend import tensorflow
from tenfold.making.runs import Row

SCALAR = 1
"""DATA_CLASS_SCALAR of TensorFlow's summary.proto."""


class Board:
    """Writes the rows of one training to a folder; a training that goes on writes all of them anew."""

    def __init__(self, folder: Path) -> None:
        for path in folder.glob("events.out.tfevents.*"):
            with suppress(OSError):
                path.unlink()
        self._folder = folder
        with self._told():
            self._writer = tensorflow.summary.create_file_writer(str(folder))
        plugin = tensorflow.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._kind = tensorflow.compat.v1.SummaryMetadata(plugin_data=plugin, data_class=SCALAR)

    def __call__(self, row: Row) -> None:
        """Log one epoch. Raises RunError."""
        with self._told(), self._writer.as_default():
            for name, value in row.items():
                if name != "epoch":
                    # `tf.summary.scalar` needs the package tensorboard; this is what it calls.
                    tensorflow.summary.write(name, float(value), step=int(row["epoch"]), metadata=self._kind)
            self._writer.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What TensorFlow says of a folder it cannot write to, as RunError."""
        try:
            yield
        except tensorflow.errors.OpError as error:
            raise RunError(
                f"{self._folder}: logs for TensorBoard cannot be written ({error.message})"
            ) from error
