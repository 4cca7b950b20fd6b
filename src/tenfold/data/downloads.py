"""Keras' own download of MNIST."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from tenfold.data.files import one_line
from tenfold.errors import DataError, MissingExtraError

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_PATIENCE = 30.0


def fetch_from_keras() -> Path:
    """Give the path of Keras' copy of MNIST, downloaded by Keras where it was not yet.

    Keras keeps it in `~/.keras/datasets` (or under `KERAS_HOME`) and checks its SHA-256. The file is left to
    Tenfold's own reader: Keras below 3.15.1 would unpickle it.

    Raises: MissingExtraError without Keras; DataError where the download fails.
    """
    try:
        from keras.utils import get_file
    except ImportError as error:
        raise MissingExtraError("Keras' download of MNIST", "train") from error
    try:
        with redirect_stdout(sys.stderr), _patience():
            return Path(get_file("mnist.npz", origin=_ORIGIN, file_hash=_SHA256))
    except Exception as error:  # Keras raises bare Exception where a download fails
        raise DataError(
            f"Keras could not download MNIST ({one_line(error)}); the copy in the package needs no network: "
            "ask for mnist"
        ) from error


@contextmanager
def _patience() -> Iterator[None]:
    """Bound the wait for a silent network, for which Keras sets no limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
