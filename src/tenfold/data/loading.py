"""Loads MNIST and its look-alikes as three splits."""

from contextlib import suppress
from pathlib import Path

from tenfold.data.dataset import Dataset, Parts, Split
from tenfold.data.folders import ToImage
from tenfold.data.identity import hash_splits
from tenfold.data.sources import read_source
from tenfold.data.splits import check_apart, check_validation, hold_out, take_first
from tenfold.errors import DataError

FEWEST = 300
"""Held-out images that a limit leaves where there are so many: one in 300 is what an accuracy can show."""


def load_mnist(
    path: str | Path | None = None, *, validation: float | str | Path = 0.1, limit: int | None = None
) -> Dataset:
    """Load MNIST: 54,000 images to train on, 6,000 to validate, 10,000 to test.

    path: a file or folder of any kind that `load_data` takes; left out, `dataset/mnist.npz` in the current
    folder where there is one, else the copy in the package. `validation` and `limit` are as for `load_data`.

    >>> mnist = load_mnist()
    >>> len(mnist.train), len(mnist.validation), len(mnist.test)
    (54000, 6000, 10000)

    Raises: DataError for what is missing or damaged; OptionError for a validation or limit that cannot be.
    """
    return load_data(path, validation=validation, limit=limit)


def load_data(
    source: str | Path | None = None,
    *,
    validation: float | str | Path = 0.1,
    limit: int | None = None,
    to_image: ToImage | None = None,
) -> Dataset:
    """Load a data set of any kind, cut in training, validation and test images.

    source: None or "mnist" as for `load_mnist`; "keras" for Keras' download; the path of an `.npz` (keys
        x_train, y_train and maybe x_test, y_test; or train_img, train_label, test_img, test_label), of
        MNIST's IDX files (their folder, or one file of images; gzipped or not), of a CSV
        (label,pixel0..pixel783), or of a folder with one subfolder a class. What is in it decides, not its
        name; nothing is ever unpickled.
    validation: a share between 0 and 1 or a count: the last images of each class, in the order given; 0
        holds none out. Or another source, whose training part is used; it shares no image with the others.
    limit: how many training images to keep after that: the first of each class, then the second, ... A share
        held out shrinks with them, to 300 images at the least; a count or a source does not.
    to_image: turns a picture file that is not 28x28 grey into an image, as `tenfold.prepare` does.

    Raises: DataError for what is missing or damaged; OptionError for a validation or limit that cannot be;
        MissingExtraError for "keras" without Keras.
    """
    share_or_source = as_number(validation)
    if not isinstance(share_or_source, (str, Path)):
        check_validation(share_or_source)
    parts = read_source(source, to_image)
    _check_classes(parts)
    if isinstance(share_or_source, (str, Path)):
        train, held = parts.train, _read_validation(share_or_source, parts, to_image)
    else:
        train, held = hold_out(parts.train, share_or_source, parts.class_names)
    if limit is not None:
        if isinstance(share_or_source, float):
            held = _shrink(held, limit, len(train))
        train = take_first(train, limit)
    sha256 = hash_splits(parts.train, parts.test)
    return Dataset(train, held, parts.test, parts.source, sha256, parts.class_names)


def _shrink(held: Split, limit: int, train: int) -> Split:
    """The held-out images that go with fewer training images; see `load_data`."""
    if not isinstance(limit, int) or not 1 <= limit <= train:  # `take_first` will say so
        return held
    return take_first(held, max(round(len(held) * limit / train), min(FEWEST, len(held)))) if held else held


def as_number(validation: float | str | Path) -> float | str | Path:
    """Turn "0.1" and "6000", as a command line gives them, into numbers; leave a path as it is."""
    if isinstance(validation, str):
        with suppress(ValueError):
            return int(validation)
        with suppress(ValueError):
            return float(validation)
    return validation


def _check_classes(parts: Parts) -> None:
    if (parts.train.labels == parts.train.labels[0]).all():
        name = parts.class_names[parts.train.labels[0]]
        raise DataError(
            f'{parts.source}: its images are all of one class, "{name}"; expected at least two classes'
        )


def _read_validation(source: str | Path, parts: Parts, to_image: ToImage | None) -> Split:
    given = read_source(source, to_image)
    if given.class_names != parts.class_names:
        raise DataError(f"{given.source}: its classes are not those of {parts.source}; expected the same")
    check_apart(given.train, parts.train, f"validation from {given.source}", "the training images")
    if parts.test is not None:
        check_apart(given.train, parts.test, f"validation from {given.source}", "the test images")
    return given.train
