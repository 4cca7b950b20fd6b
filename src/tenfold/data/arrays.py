"""Arrays as they come, checked and brought to the one shape images and labels have here."""

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Images, Labels, Split
from tenfold.errors import DataError, see

_IMAGE_SHAPES = ((28, 28), (28, 28, 1), (1, 28, 28), (784,))
_BLOCK = 4096


def check_image_shape(shape: tuple[int, ...], where: str) -> None:
    """Refuse a shape that is not n >= 1 images of 28x28.

    Raises: DataError.
    """
    if shape[1:] not in _IMAGE_SHAPES:
        raise DataError(
            f"{where}: the images have shape {shape}; expected (n, 28, 28), (n, 28, 28, 1) or (n, 784)"
            f"{see('shapes')}"
        )
    if shape[0] < 1:
        raise DataError(f"{where}: there are no images in it")


def check_label_shape(shape: tuple[int, ...], n: int, classes: int, where: str) -> None:
    """Refuse a shape that is not one label, or one one-hot row, for each of n images.

    Raises: DataError.
    """
    if shape[1:] not in ((), (1,), (classes,)) or not shape:
        raise DataError(f"{where}: the labels have shape {shape}; expected ({n},), one whole number an image")
    if shape[0] != n:
        raise DataError(f"{where}: {n} images but {shape[0]} labels; expected one label an image")


def check_dtype(dtype: np.dtype, where: str) -> None:
    """Refuse what is not plain numbers; pickled objects above all.

    Raises: DataError.
    """
    if dtype.hasobject:
        raise DataError(
            f"{where}: it holds pickled Python objects, which can run code when opened and are never opened "
            "here; save plain arrays of numbers"
        )
    if dtype.kind not in "uif" or dtype.itemsize > 8:
        raise DataError(f"{where}: the values are of type {dtype}; expected uint8 (or other plain numbers)")


def as_images(array: NDArray[np.generic], where: str) -> Images:
    """Bring images to (n, 28, 28) uint8; whole numbers 0-255 of any numeric type are taken.

    Raises: DataError for another shape, values out of 0-255, fractions, or pixels scaled to 0-1.
    """
    check_dtype(array.dtype, where)
    check_image_shape(array.shape, where)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array, np.uint8).reshape(-1, 28, 28)
    images = np.empty((len(array), 28, 28), np.uint8)
    brightest = 0
    for start in range(0, len(array), _BLOCK):
        block = array[start : start + _BLOCK].reshape(-1, 28, 28)
        images[start : start + _BLOCK] = _as_bytes(block, where)
        brightest = max(brightest, int(images[start : start + _BLOCK].max()))
    if array.dtype.kind == "f" and brightest <= 1:
        raise DataError(
            f"{where}: the pixels are 0 or 1; expected whole numbers 0-255, before any scaling"
            f"{see('normalisation')}"
        )
    return images


def _as_bytes(block: NDArray[np.generic], where: str) -> Images:
    low, high = block.min(), block.max()
    if not (low >= 0 and high <= 255):
        raise DataError(f"{where}: the pixels run from {low} to {high}; expected whole numbers 0-255")
    pixels = block.astype(np.uint8)
    if not np.array_equal(pixels, block):
        hint = (
            f"; these look scaled to 0-1: save them before scaling{see('normalisation')}" if high <= 1 else ""
        )
        raise DataError(f"{where}: the pixels have fractions; expected whole numbers 0-255{hint}")
    return pixels


def as_labels(array: NDArray[np.generic], n: int, class_names: tuple[str, ...], where: str) -> Labels:
    """Bring n labels to (n,) int64, 0 to classes-1; one-hot rows (n, classes) are turned back into integers.

    Raises: DataError for another shape or length, fractions, a label outside the classes, rows that are
    not one-hot.
    """
    classes = len(class_names)
    check_dtype(array.dtype, where)
    check_label_shape(array.shape, n, classes, where)
    if array.ndim == 2 and array.shape[1] == classes:
        return _from_one_hot(array, where)
    flat = array.reshape(-1)
    low, high = flat.min(), flat.max()
    if not (low >= 0 and high < classes):
        raise DataError(
            f"{where}: the labels run from {low} to {high}; expected 0 to {classes - 1}"
            " (for other classes, a folder with one subfolder a class)"
        )
    labels: Labels = flat.astype(np.int64)
    if not np.array_equal(labels, flat):
        raise DataError(f"{where}: the labels have fractions; expected whole numbers 0 to {classes - 1}")
    return labels


def _from_one_hot(rows: NDArray[np.generic], where: str) -> Labels:
    ones = rows == 1
    if not (np.all(ones | (rows == 0)) and np.all(ones.sum(axis=1) == 1)):
        raise DataError(
            f"{where}: the labels are rows of numbers; expected whole numbers, or one 1 in each row"
            f"{see('labels')}"
        )
    labels: Labels = ones.argmax(axis=1).astype(np.int64)
    return labels


def as_split(
    images: NDArray[np.generic], labels: NDArray[np.generic], class_names: tuple[str, ...], where: str
) -> Split:
    """Check images and labels together.

    Raises: DataError.
    """
    checked = as_images(images, where)
    return Split(checked, as_labels(labels, len(checked), class_names, where))


def one_hot(labels: Labels, classes: int = 10) -> NDArray[np.float32]:
    """Turn labels (n,), 0 to classes-1, into rows (n, classes) float32 with a single 1 each.

    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)

    Raises: DataError for a label outside the classes, or labels that are not whole numbers in one row.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise DataError(
            f"one_hot takes whole numbers of shape (n,); came {labels.dtype} of shape {labels.shape}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise DataError(f"labels run from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}")
    rows = np.zeros((len(labels), classes), np.float32)
    rows[np.arange(len(labels)), labels] = 1.0
    return rows
