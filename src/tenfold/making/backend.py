"""TensorFlow and Keras, imported once and quietly.

Everything in `making` takes them from here: `from tenfold.making.backend import keras, tensorflow`.
Raises MissingExtraError on import where they are absent or too old.
"""

import gc
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from tenfold.errors import MissingExtraError, OptionError

OLDEST_KERAS = (3, 15, 1)
"""Older ones load `mnist.npz` with pickle allowed and have unfixed holes in their model files."""

_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|^[IW]\d{4} [\d:.]+ +\d+ \S+\.(cc|h|cu):\d+\]"
    rb"|To enable the following instructions:"
)


@contextmanager
def hushed() -> Iterator[None]:
    """Keep TensorFlow's C++ start-up lines off standard error; pass on anything else written meanwhile.

    They are written to descriptor 2 before any log level is read, so no setting reaches them.
    """
    try:
        kept = os.dup(2)
        sys.stderr.flush()
    except (OSError, AttributeError):  # no standard error at all
        yield
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            rest = b"".join(line for line in caught if not _CHATTER.search(line))
            if rest:
                os.write(2, rest)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: what an import makes is kept, and looking takes a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _check_keras() -> None:
    """Look at Keras' version before importing it. Raises MissingExtraError where it is too old or absent."""
    try:
        found = version("keras")
    except PackageNotFoundError:
        raise MissingExtraError("training", "train") from None
    if tuple(map(int, re.findall(r"\d+", found)[:3])) < OLDEST_KERAS:
        needed = ".".join(map(str, OLDEST_KERAS))
        raise MissingExtraError(f"training (Keras {needed} or newer; {found} is installed)", "train")


_check_keras()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

with hushed(), uncollected():
    try:
        import keras as keras
        import tensorflow as tensorflow
    except ImportError as error:
        raise MissingExtraError(f"training ({error})", "train") from error

# Each network that a process trains is a new function; TensorFlow takes that for a mistake from the fifth on.
tensorflow.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())

if keras.backend.backend() != "tensorflow":
    raise OptionError(
        f"Keras runs on {keras.backend.backend()} here; Tenfold trains on TensorFlow: "
        "set KERAS_BACKEND=tensorflow before Keras is first imported"
    )
