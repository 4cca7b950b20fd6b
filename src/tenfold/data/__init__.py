"""MNIST and its look-alikes as arrays."""

from tenfold.data.arrays import one_hot
from tenfold.data.dataset import Dataset, Split
from tenfold.data.loading import load_mnist

__all__ = ["Dataset", "Split", "load_mnist", "one_hot"]
