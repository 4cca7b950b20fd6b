"""Reads `.npz` archives of MNIST's arrays; never unpickles, and checks every header before its data."""

import math
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tenfold.data.arrays import as_images, as_labels, check_dtype, check_image_shape, check_label_shape
from tenfold.data.dataset import DIGITS, Parts, Split
from tenfold.data.files import CAP, file_error, one_line, quoted, size_text
from tenfold.errors import DataError

_KEYS = {
    "x_train": ("x_train", "train_img"),
    "y_train": ("y_train", "train_label"),
    "x_test": ("x_test", "test_img"),
    "y_test": ("y_test", "test_label"),
}
_BLOCK = 1 << 20


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_npz(path: Path) -> Parts:
    """Read x_train, y_train and, where present, x_test, y_test (or train_img, train_label, ...).

    Raises: DataError for anything that is not such an archive of plain numbers.
    """
    with _open(path) as archive:
        members = _find_members(archive, path)
        headers = {key: _read_header(archive, info, f"{path}, {key}.npy") for key, info in members.items()}
        _check(headers, path)
        arrays = {key: _read_array(archive, members[key], headers[key], path) for key in members}
    train = _as_split(arrays, "train", path)
    test = _as_split(arrays, "test", path) if "x_test" in arrays else None
    note = " (its one-hot labels read as whole numbers)" if arrays["y_train"].size > len(train) else ""
    return Parts(train, test, f"{path}{note}")


@contextmanager
def _open(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the archive; every way the parsers beneath can fail on damaged bytes becomes a DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DataError:
        raise
    except OSError as error:
        raise file_error(path, error) from error
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds on damaged bytes
        raise DataError(
            f"{path}: damaged or cut off, so it cannot be read as an .npz ({one_line(error)})"
        ) from error


def _find_members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    present = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    found = {
        key: next(present[name] for name in names if name in present)
        for key, names in _KEYS.items()
        if any(name in present for name in names)
    }
    needed = [key for key in _KEYS if key.endswith("train") or {"x_test", "y_test"} & found.keys()]
    missing = [f"{key} (or {_KEYS[key][1]})" for key in needed if key not in found]
    if missing:
        names = ", ".join(quoted(name) for name in sorted(present)[:8]) or "nothing"
        raise DataError(f"{path}: no {' and no '.join(missing)} in it; it holds {names}")
    return found


def _read_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> _Header:
    if info.flag_bits & 1:
        raise DataError(f"{where}: it is encrypted; expected a plain .npz")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{where}: an unusual compression; expected what numpy.savez_compressed writes")
    with archive.open(info) as member:
        header = _parse_header(member, where)
        if header.bytes != info.file_size - member.tell():
            raise DataError(
                f"{where}: damaged: its header promises {size_text(header.bytes)} ({header.dtype}, shape "
                f"{header.shape}) but {size_text(info.file_size - member.tell())} follow"
            )
    return header


def _parse_header(member: IO[bytes], where: str) -> _Header:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of headers written under Python 2; they read well
        version = npy.read_magic(member)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{where}: .npy format {version[0]}.{version[1]}; expected 1.0 or 2.0")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(member)
    check_dtype(dtype, where)
    if any(length < 0 for length in shape):
        raise DataError(f"{where}: a negative length in the shape {shape}; the file is damaged")
    return _Header(shape, fortran, dtype)


def _check(headers: dict[str, _Header], path: Path) -> None:
    total = sum(header.bytes for header in headers.values())
    if total > CAP:
        raise DataError(f"{path}: {size_text(total)} of arrays; at most {size_text(CAP)} are read")
    for part in ("train", "test"):
        if f"x_{part}" not in headers:
            continue
        images, labels = headers[f"x_{part}"].shape, headers[f"y_{part}"].shape
        check_image_shape(images, f"{path}, x_{part}")
        check_label_shape(labels, images[0], len(DIGITS), f"{path}, y_{part}")


def _read_array(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, header: _Header, path: Path
) -> NDArray[np.generic]:
    raw = np.empty(header.bytes, np.uint8)
    with archive.open(info) as member:
        _parse_header(member, str(path))
        start = 0
        while block := member.read(_BLOCK):  # to the very end, where zipfile compares the checksum
            raw[start : start + len(block)] = np.frombuffer(block, np.uint8)
            start += len(block)
    if start != header.bytes:
        raise DataError(
            f"{path}, {quoted(info.filename)}: cut off after {size_text(start)} of {size_text(header.bytes)}"
        )
    return raw.view(header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _as_split(arrays: dict[str, NDArray[np.generic]], part: str, path: Path) -> Split:
    images = as_images(arrays[f"x_{part}"], f"{path}, x_{part}")
    return Split(images, as_labels(arrays[f"y_{part}"], len(images), DIGITS, f"{path}, y_{part}"))
