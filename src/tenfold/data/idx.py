"""Reads IDX, the format MNIST was published in: four big-endian files, often gzipped."""

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.data.arrays import as_split
from tenfold.data.dataset import DIGITS, Parts, Split
from tenfold.data.files import list_folder, read_file, size_text
from tenfold.errors import DataError

_MAGIC = b"\x00\x00\x08"  # two zeros, then the code for unsigned bytes; the number of axes follows
_IMAGES = re.compile(r"(.*)(train|t10k|test)-images[-.]idx3-ubyte(\.gz)?")


def is_idx(head: bytes) -> bool:
    """Tell from its first bytes whether a file is IDX of unsigned bytes."""
    return head[:3] == _MAGIC and len(head) > 3 and head[3] in (1, 3)


def holds_idx(folder: Path) -> bool:
    """Tell whether a folder holds a file of images named as MNIST's makers named theirs.

    Raises: DataError for a folder that cannot be read.
    """
    return any(_IMAGES.fullmatch(path.name) for path in list_folder(folder))


def read_idx_folder(folder: Path) -> Parts:
    """Read `train-images-idx3-ubyte` and its labels and, where they are there, the `t10k` pair.

    The names may have a dot for the last dash of `images-idx3`, `.gz` at the end, and anything in front.

    Raises: DataError.
    """
    train, test = _find_images(folder, ("train",)), _find_images(folder, ("t10k", "test"))
    if train is None:
        raise DataError(
            f"{folder}: no train-images-idx3-ubyte in it; expected MNIST's IDX files, gzipped or not"
        )
    return Parts(_read_pair(train), _read_pair(test) if test else None, f"IDX files in {folder}")


def read_idx_pair(images: Path) -> Parts:
    """Read one file of images and, beside it, the file of labels named alike.

    Raises: DataError.
    """
    return Parts(_read_pair(images), None, f"IDX files {images} and {_find_labels(images).name}")


def parse_idx(content: bytes, axes: int, where: str) -> NDArray[np.uint8]:
    """Turn the bytes of an IDX file into an array with so many axes: 3 for images, 1 for labels.

    Source: "The IDX file format", on the MNIST page of LeCun, Cortes and Burges (1998).
    Raises: DataError for another magic number or length.
    """
    if content[:3] != _MAGIC or content[3:4] != bytes([axes]):
        kind = "images" if axes == 3 else "labels"
        raise DataError(
            f"{where}: it starts with {content[:4].hex() or 'nothing'}; expected {_MAGIC.hex()}{axes:02x}, "
            f"an IDX file of {kind}"
        )
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataError(f"{where}: cut off inside its header, after {len(content)} bytes")
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    promised, found = math.prod(shape), len(content) - start
    if promised != found:
        fault = "cut off" if found < promised else "longer than it should be"
        raise DataError(
            f"{where}: {fault}: its header promises {size_text(promised)} of shape {shape}, "
            f"but {size_text(found)} follow"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _read_pair(images: Path) -> Split:
    labels = _find_labels(images)
    return as_split(
        parse_idx(read_file(images), 3, str(images)),
        parse_idx(read_file(labels), 1, str(labels)),
        DIGITS,
        f"{images} and {labels.name}",
    )


def _find_images(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Find the images of one part; of a file and its gzipped copy, the file."""
    found = {}
    for path in sorted(list_folder(folder), reverse=True):  # so that names without .gz come last and stay
        match = _IMAGES.fullmatch(path.name)
        if match and match[2] in parts:
            found[match[1], match[2]] = path
    if len(found) > 1:
        names = ", ".join(sorted(path.name for path in found.values()))
        raise DataError(f"{folder}: several data sets in one folder ({names}); name one file of images")
    return next(iter(found.values()), None)


def _find_labels(images: Path) -> Path:
    """Find the labels named like the images, in any of the usual spellings."""
    name = images.name.removesuffix(".gz")
    if "images" not in name:
        raise DataError(
            f'{images}: expected a file of images with "images" in its name, and its labels beside it'
        )
    stem = re.sub(r"images[-.]idx3-ubyte$", "labels", name)
    if stem == name:
        names = [name.replace("images", "labels").replace("idx3", "idx1")]
    else:
        names = [f"{stem}-idx1-ubyte", f"{stem}.idx1-ubyte"]
    spellings = [images.with_name(name + end) for name in names for end in ("", ".gz")]
    for labels in spellings:
        if labels.is_file():
            return labels
    raise DataError(
        f"{images}: its labels are missing; expected {spellings[0].name} beside it, gzipped or not"
    )
