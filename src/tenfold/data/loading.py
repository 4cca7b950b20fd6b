"""Loads MNIST and its look-alikes as three splits."""

from pathlib import Path

from tenfold.data.dataset import Dataset, Parts
from tenfold.data.identity import hash_splits
from tenfold.data.npz import read_npz
from tenfold.data.splits import hold_out, take_first

_BUNDLED = Path(__file__).with_name("mnist.npz")
_LOCAL = Path("dataset/mnist.npz")


def load_mnist(
    path: str | Path | None = None, *, validation: float | str | Path = 6000, limit: int | None = None
) -> Dataset:
    """Load MNIST: 54,000 images to train, 6,000 to validate, 10,000 to test.

    path: left out, `dataset/mnist.npz` in the current folder where there is one, else the copy in the package.
    """
    local = _LOCAL if _LOCAL.is_file() else None
    parts = read_npz(Path(path) if path is not None else local or _BUNDLED)
    return _divide(parts, validation, limit)


def _divide(parts: Parts, validation: float | str | Path, limit: int | None) -> Dataset:
    train, held = hold_out(parts.train, validation, parts.class_names)
    if limit is not None:
        train = take_first(train, limit)
    return Dataset(
        train, held, parts.test, parts.source, hash_splits(parts.train, parts.test), parts.class_names
    )
