"""Reads MNIST as a table of text, the way Kaggle gives it: `label,pixel0..pixel783`, a row an image."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tenfold.data.arrays import as_labels
from tenfold.data.dataset import DIGITS, Images, Parts, Split
from tenfold.data.files import CAP, one_line, open_file, quoted, size_text
from tenfold.errors import DataError

_PIXELS = 784
_LABEL_NAMES = ("label", "class")
_LONGEST_LINE = 1 << 16
_NUMBER = re.compile(r"\s*[-+]?[0-9][0-9.eE+-]*\s*")
_PLAIN = str.maketrans("", "", '0123456789,+" \t\r\n')
_VALUE = re.compile(r'\s*(?:\+?[0-9]{1,9}|"\s*\+?[0-9]{1,9}\s*")\s*')


@dataclass(frozen=True)
class _Header:
    """Where things are: names as written, the label's column or None, the columns of the 784 pixels."""

    names: tuple[str, ...]
    label: int | None
    pixels: tuple[int, ...]
    lines: int


def read_csv(path: Path) -> Parts:
    """Read a CSV of labelled images, with Kaggle's header, another, or none (then the label comes first).

    Raises: DataError naming the line and the column.
    """
    header, table = _read(path)
    if header.label is None:
        raise DataError(
            f'{path}: no column "label"; expected label,pixel0..pixel783'
            " (images without labels can be predicted, but not trained on)"
        )
    images = _take_images(header, table)
    labels = as_labels(table[:, header.label], len(images), DIGITS, f"{path}, column {header.label + 1}")
    return Parts(Split(images, labels), None, f"CSV {path}")


def read_pixels_csv(path: str | Path) -> Images:
    """Read the images of a CSV, with or without labels (Kaggle's `test.csv`): (n, 28, 28) uint8.

    Raises: DataError naming the line and the column.
    """
    return _take_images(*_read(Path(path)))


def is_table(head: bytes) -> bool:
    """Tell from its first bytes whether a file is text with commas, or columns named as a table's are."""
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    return b"\0" not in head and (b"," in first or first.lower().startswith((b"label", b"pixel", b'"label')))


def _take_images(header: _Header, table: NDArray[np.uint8]) -> Images:
    first = header.pixels[0]
    if header.pixels == tuple(range(first, first + _PIXELS)):
        pixels = table[:, first : first + _PIXELS]
    else:
        pixels = table[:, header.pixels]
    return np.ascontiguousarray(pixels).reshape(-1, 28, 28)


def _read(path: Path) -> tuple[_Header, NDArray[np.uint8]]:
    with _open_lines(path) as lines:
        first = next(lines, "")
        header = _parse_header(first, path)
        rows = chain([first], lines) if header.lines == 0 else lines
        columns = len(header.names)
        parsed = [_parse_row(row, columns) for row in rows if row.strip()]
    if not parsed or None in parsed:
        raise DataError(f"{path}: {_find_fault(path, header) or 'not a table of whole numbers'}")
    values = b"".join(row for row in parsed if row is not None)
    return header, np.frombuffer(values, np.uint8).reshape(-1, columns)


def _parse_row(row: str, columns: int) -> bytes | None:
    """The values of a row, a byte each; None where they are not whole numbers 0-255, or not so many.

    np.loadtxt is quicker, but arbitrary bytes can make it crash the process (NumPy 2.4).
    """
    if row.translate(_PLAIN):
        return None
    values = row.split(",")
    if '"' in row:
        if not all(map(_VALUE.fullmatch, values)):
            return None
        values = [value.replace('"', " ") for value in values]
    try:
        return bytes(map(int, values)) if len(values) == columns else None
    except ValueError:
        return None


@contextmanager
def _open_lines(path: Path) -> Iterator[Iterator[str]]:
    """Give the lines of a text file, gzipped or not; what goes wrong in reading them becomes a DataError."""
    try:
        with open_file(path) as file:
            yield _decode_lines(file, path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: it is not plain text (UTF-8); save it as CSV, UTF-8") from error


def _decode_lines(file: IO[bytes], path: Path) -> Iterator[str]:
    total = 0
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise DataError(
                f"{path}: a line of more than {_LONGEST_LINE} bytes; expected {_PIXELS + 1} numbers a line"
            )
        if (total := total + len(line)) > CAP:
            raise DataError(f"{path}: more than {size_text(CAP)} of text; at most that is read")
        yield line.decode("utf-8-sig" if total == len(line) else "utf-8")


def _parse_header(first: str, path: Path) -> _Header:
    if not first.strip():
        raise DataError(f"{path}: its first line is empty; expected label,pixel0..pixel783")
    try:
        names = tuple(name.strip() for name in next(csv.reader([first])))
    except csv.Error as error:
        raise DataError(f"{path}: its first line is not a CSV header ({one_line(error)})") from error
    if all(_NUMBER.fullmatch(name) for name in names):
        return _columns_without_names(names, path)
    lower = [name.lower() for name in names]
    if len(names) == 1 and ";" in first:
        raise DataError(f"{path}: its columns are set apart by semicolons; expected commas")
    if len(set(lower)) < len(lower):
        twice = next(name for name in lower if lower.count(name) > 1)
        raise DataError(f"{path}: the column {quoted(twice)} is there twice; expected label,pixel0..pixel783")
    label = next((lower.index(name) for name in _LABEL_NAMES if name in lower), None)
    return _Header(names, label, _find_pixels(lower, label, path), lines=1)


def _columns_without_names(names: tuple[str, ...], path: Path) -> _Header:
    if len(names) not in (_PIXELS, _PIXELS + 1):
        raise DataError(f"{path}: {len(names)} columns and no header; expected label,pixel0..pixel783")
    start = len(names) - _PIXELS
    numbered = tuple(f"{column + 1}" for column in range(len(names)))
    return _Header(numbered, 0 if start else None, tuple(range(start, start + _PIXELS)), lines=0)


def _find_pixels(lower: list[str], label: int | None, path: Path) -> tuple[int, ...]:
    """Find the pixels' columns by the numbers in their names, else by their order."""
    numbers = {int(name[5:]): at for at, name in enumerate(lower) if re.fullmatch(r"pixel[0-9]{1,4}", name)}
    others = [at for at in range(len(lower)) if at != label]
    if not numbers and len(others) == _PIXELS and label in (None, 0):
        return tuple(others)
    base = 1 if _PIXELS in numbers and 0 not in numbers else 0
    missing = [f"pixel{number}" for number in range(base, base + _PIXELS) if number not in numbers]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(f"{path}: no column {missing[0]}{more}; expected label,pixel0..pixel783")
    if len(others) > _PIXELS:
        known = set(range(base, base + _PIXELS))
        odd = next(lower[at] for at in others if at not in {numbers[number] for number in known})
        raise DataError(
            f"{path}: an unknown column {quoted(odd)}; expected label,pixel0..pixel783 and nothing else"
        )
    return tuple(numbers[number] for number in range(base, base + _PIXELS))


def _find_fault(path: Path, header: _Header) -> str:
    """Read the table again, slowly, for the first thing in it that is wrong; "" where nothing is."""
    rows = 0
    with _open_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if number <= header.lines or not line.strip():
                continue
            rows += 1
            if fault := _find_fault_in_row(line.strip("\r\n"), header):
                return f"line {number}{fault}"
    return "" if rows else "only a header and no rows; expected a row an image"


def _find_fault_in_row(line: str, header: _Header) -> str:
    values = line.split(",")
    if len(values) != len(header.names):
        return f" has {len(values)} values; expected {len(header.names)}, as in the first line"
    for at, value in enumerate(values):
        most = len(DIGITS) - 1 if at == header.label else 255
        if not _VALUE.fullmatch(value) or int(value.strip(' \t"')) > most:
            what = quoted(value.strip()) if value.strip() else "nothing"
            return f", column {quoted(header.names[at])}: {what} where a whole number 0-{most} was expected"
    return ""
