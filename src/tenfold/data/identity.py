"""The identity of a data set: one hash over its arrays, whatever files they came in."""

import hashlib

import numpy as np

from tenfold.data.dataset import Split

MNIST_SHA256 = "356aca35e73986c64dcb13c83ba71944379ba1068676b3340a9cd7025c927e44"
"""The identity of MNIST as its makers gave it."""


def hash_splits(train: Split, test: Split | None) -> str:
    """Give the SHA-256, in hexadecimal, of training and test arrays in the order given.

    For each split: its length as 8 bytes, its images as bytes, its labels as 8 bytes each, little end
    first. The same MNIST from an .npz, from IDX files or from Keras has the same hash.
    """
    digest = hashlib.sha256()
    for split in (train, test):
        if split is None:
            continue
        digest.update(len(split).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(split.images).data)
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    return digest.hexdigest()
