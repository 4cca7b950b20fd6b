"""MNIST and its look-alikes as arrays: bundled, or from .npz, IDX, CSV and folders of pictures."""

from tenfold.data.arrays import one_hot
from tenfold.data.dataset import DIGITS, Dataset, Parts, Split
from tenfold.data.loading import load_data, load_mnist
from tenfold.data.remarks import remark_on
from tenfold.data.sources import read_source
from tenfold.data.tables import read_pixels_csv

__all__ = [
    "DIGITS",
    "Dataset",
    "Parts",
    "Split",
    "load_data",
    "load_mnist",
    "one_hot",
    "read_pixels_csv",
    "read_source",
    "remark_on",
]
