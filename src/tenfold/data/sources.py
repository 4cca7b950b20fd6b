"""Finds out what kind of data set a path is, by what is in it, and reads it."""

import os
from dataclasses import replace
from pathlib import Path

from tenfold.data.dataset import Parts
from tenfold.data.downloads import fetch_from_keras
from tenfold.data.files import file_error, read_head
from tenfold.data.folders import ToImage, read_folder
from tenfold.data.idx import holds_idx, is_idx, read_idx_folder, read_idx_pair
from tenfold.data.npz import read_npz
from tenfold.data.tables import is_table, read_csv
from tenfold.errors import DataError

BUNDLED = Path(__file__).with_name("mnist.npz")
LOCAL = Path("dataset", "mnist.npz")

_KINDS = (
    "an .npz with x_train and y_train, MNIST's IDX files, a CSV of label,pixel0..pixel783, "
    "or a folder with one subfolder a class"
)


def read_source(source: str | Path | None, to_image: ToImage | None = None) -> Parts:
    """Read a data set of any kind; see `load_data` for the kinds.

    Raises: DataError; MissingExtraError for "keras" without Keras.
    """
    if source is None or source == "mnist":
        return _read_mnist()
    if source == "keras":
        path = fetch_from_keras()
        return replace(read_npz(path), source=f"MNIST as Keras downloads it, kept in {path}")
    if not str(source).strip():
        raise DataError(f"the data's name is empty; expected mnist, keras, or the path of {_KINDS}")
    path = Path(os.path.expanduser(source))
    try:
        if path.is_dir():
            return read_idx_folder(path) if holds_idx(path) else read_folder(path, to_image)
        if path.is_file():
            return _read_file(path)
        if path.exists():
            raise DataError(f"{path}: neither a file nor a folder; expected {_KINDS}")
    except OSError as error:
        raise file_error(path, error) from error
    raise DataError(f"no file or folder {path}; expected {_KINDS}")


def _read_mnist() -> Parts:
    if LOCAL.is_file():
        return replace(
            read_npz(LOCAL), source=f"MNIST, from {LOCAL} in the current folder ({LOCAL.absolute()})"
        )
    return replace(read_npz(BUNDLED), source="MNIST, the copy in the package")


def _read_file(path: Path) -> Parts:
    head = read_head(path)
    if head.startswith(b"PK"):
        return read_npz(path)
    if is_idx(head):
        return read_idx_pair(path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}: text in UTF-16; save it as CSV, UTF-8")
    if is_table(head):
        return read_csv(path)
    if not head:
        raise DataError(f"{path}: it is empty; expected {_KINDS}")
    if path.suffix in (".npz", ".zip"):
        raise DataError(f"{path}: damaged from its first bytes, so it cannot be read as an .npz")
    if head[0] == 0x80 or ".pkl" in path.suffixes:
        raise DataError(
            f"{path}: a pickle, which can run code when opened and is never opened here; save an .npz"
        )
    raise DataError(f"{path}: not a data set of a kind known here; expected {_KINDS}")
