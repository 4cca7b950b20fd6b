"""Tenfold reads handwritten digits and says when it is unsure.

>>> import tenfold
>>> reader = tenfold.load()                     # the shipped reader
>>> test = tenfold.load_mnist().test
>>> reader.predict(test.images[0]).digit        # the first test image is a 7
7

Importing this package loads neither TensorFlow nor OpenCV: each name is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenfold.data import Dataset as Dataset
    from tenfold.data import Split as Split
    from tenfold.data import load_data as load_data
    from tenfold.data import load_mnist as load_mnist
    from tenfold.judging import Report as Report
    from tenfold.judging import evaluate as evaluate
    from tenfold.making import Run as Run
    from tenfold.making import resume as resume
    from tenfold.making import train as train
    from tenfold.reading import Card as Card
    from tenfold.reading import Mark as Mark
    from tenfold.reading import Number as Number
    from tenfold.reading import Page as Page
    from tenfold.reading import Prediction as Prediction
    from tenfold.reading import Reader as Reader
    from tenfold.reading import load as load
    from tenfold.reading import prepare as prepare

__version__ = "0.1.0"

_HOME = {
    "Dataset": "tenfold.data",
    "Split": "tenfold.data",
    "load_data": "tenfold.data",
    "load_mnist": "tenfold.data",
    "Report": "tenfold.judging",
    "evaluate": "tenfold.judging",
    "Run": "tenfold.making",
    "resume": "tenfold.making",
    "train": "tenfold.making",
    "Card": "tenfold.reading",
    "Mark": "tenfold.reading",
    "Number": "tenfold.reading",
    "Page": "tenfold.reading",
    "Prediction": "tenfold.reading",
    "Reader": "tenfold.reading",
    "load": "tenfold.reading",
    "prepare": "tenfold.reading",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> object:
    """Fetch a public name from its room on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'tenfold' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
