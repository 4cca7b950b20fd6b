"""Making readers: networks, recipes, training, runs and export. The only room that needs TensorFlow.

The recipes are plain values and load at once; TensorFlow is imported when `train` or another name that
needs it is first used (MissingExtraError where it is not installed).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenfold.making.benchmarking.measurement import benchmark as benchmark
    from tenfold.making.cells import Cell as Cell
    from tenfold.making.cells import CellDone as CellDone
    from tenfold.making.comparison import compare as compare
    from tenfold.making.events import Event as Event
    from tenfold.making.networks import build_network as build_network
    from tenfold.making.readers import compare_readers as compare_readers
    from tenfold.making.recipes import RECIPES as RECIPES
    from tenfold.making.recipes import Recipe as Recipe
    from tenfold.making.recipes import recipe as recipe
    from tenfold.making.results import Comparison as Comparison
    from tenfold.making.runs import Run as Run
    from tenfold.making.runs import load_run as load_run
    from tenfold.making.training import resume as resume
    from tenfold.making.training import train as train

_HOME = {
    "Cell": "cells",
    "CellDone": "cells",
    "Comparison": "results",
    "Event": "events",
    "RECIPES": "recipes",
    "Recipe": "recipes",
    "Run": "runs",
    "benchmark": "benchmarking.measurement",
    "build_network": "networks",
    "compare": "comparison",
    "compare_readers": "readers",
    "load_run": "runs",
    "recipe": "recipes",
    "resume": "training",
    "train": "training",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> object:
    """Fetch a name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'tenfold.making' has no attribute {name!r}")
    return getattr(import_module(f"tenfold.making.{_HOME[name]}"), name)
