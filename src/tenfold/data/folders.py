"""Reads a folder of pictures with one subfolder a class."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tenfold.data.dataset import Images, Parts, Split
from tenfold.data.files import CAP, list_folder, one_line
from tenfold.errors import DataError, PictureError

ToImage = Callable[[Path], NDArray[np.uint8]]
"""Turns a picture's file into a (28, 28) uint8 image; raises PictureError where it cannot."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_LITTER = {"thumbs.db", "desktop.ini"}
_TRAIN, _TEST, _VALIDATION = {"train", "training"}, {"test", "testing"}, {"val", "valid", "validation"}


def read_folder(folder: Path, to_image: ToImage | None = None) -> Parts:
    """Read one class from each subfolder, named as the subfolder is, in natural order ("2" before "10").

    A picture of 28x28 grey pixels is taken as it is, so it must show bright ink on dark; every other goes
    through `to_image`. Where the subfolders are `train` and `test` (or `training`, `testing`), the classes
    are looked for inside them; a `validation` folder beside them is read only when it is named.

    Raises: DataError for fewer than two classes, an empty class, or a file that is no readable picture.
    """
    parts = _find_parts(folder)
    if parts is None:
        names = _class_names(folder)
        return Parts(_read_classes(folder, names, to_image), None, f"pictures in {folder}", names)
    train, test = parts
    names = _class_names(train)
    if test is not None and _class_names(test) != names:
        raise DataError(f"{folder}: {train.name} and {test.name} hold different classes; expected the same")
    return Parts(
        _read_classes(train, names, to_image),
        _read_classes(test, names, to_image) if test else None,
        f"pictures in {folder} ({' and '.join(part.name for part in parts if part)})",
        names,
    )


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Give a sorting key by which the numbers inside names count as numbers.

    >>> sorted(["10", "9", "a12", "a2"], key=natural_key)
    ['9', '10', 'a2', 'a12']
    """
    pieces = re.findall(r"([0-9]+)|([^0-9]+)", name)
    return tuple((0, int(digits), digits) if digits else (1, 0, text) for digits, text in pieces)


def _find_parts(folder: Path) -> tuple[Path, Path | None] | None:
    """Find the folders of training and test pictures, where the folder is divided so."""
    named = {path.name.lower(): path for path in _subfolders(folder)}
    train = [named[name] for name in named if name in _TRAIN]
    test = [named[name] for name in named if name in _TEST]
    if not train or not named.keys() <= _TRAIN | _TEST | _VALIDATION:
        return None
    if len(train) > 1 or len(test) > 1:
        raise DataError(
            f"{folder}: two folders for the same part ({', '.join(sorted(named))}); expected train and test"
        )
    return train[0], test[0] if test else None


def _subfolders(folder: Path) -> list[Path]:
    return sorted(
        (path for path in list_folder(folder) if path.is_dir()), key=lambda path: natural_key(path.name)
    )


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(path.name for path in _subfolders(folder))
    if len(names) < 2:
        found = f"one subfolder, {names[0]}" if names else "no subfolder"
        raise DataError(f"{folder}: {found} in it; expected one subfolder a class, at least two")
    return names


def _read_classes(folder: Path, names: tuple[str, ...], to_image: ToImage | None) -> Split:
    images: list[Images] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        pictures = _list_pictures(folder / name)
        if (len(images) + len(pictures)) * 784 > CAP:
            raise DataError(f"{folder}: more than {CAP // 784} pictures; at most that many are read")
        images += [_read_picture(picture, to_image) for picture in pictures]
        labels += [label] * len(pictures)
    return Split(np.stack(images), np.array(labels, np.int64))


def _list_pictures(folder: Path) -> list[Path]:
    pictures = [path for path in list_folder(folder) if path.name.lower() not in _LITTER]
    if not pictures:
        raise DataError(f"{folder}: it is empty; expected pictures of its class")
    if odd := [path for path in pictures if not path.is_file()]:
        raise DataError(f"{odd[0]}: it is not a file; expected nothing but pictures in a class's folder")
    return sorted(pictures, key=lambda path: natural_key(path.name))


def _read_picture(path: Path, to_image: ToImage | None) -> Images:
    image, what = _read_as_it_is(path)
    if image is not None:
        return image
    if to_image is None:
        raise DataError(f"{path}: {what}; expected a picture of 28x28 grey pixels")
    try:
        image = to_image(path)
    except (PictureError, OSError) as error:
        text = str(error)
        raise DataError(text if path.name in text else f"{path}: {text}") from error
    if image.shape != (28, 28) or image.dtype != np.uint8:
        raise DataError(f"{path}: it became {image.dtype} of shape {image.shape}; expected uint8 of (28, 28)")
    return image


def _read_as_it_is(path: Path) -> tuple[Images | None, str]:
    """Read a picture of 28x28 grey pixels, in colour channels that agree or in one; else say what it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a huge picture is opened for its size alone here
            with Image.open(path, formats=_FORMATS) as picture:
                what = f"a picture of {picture.width}x{picture.height} pixels, mode {picture.mode}"
                if picture.size != (28, 28) or picture.mode not in ("1", "L", "P", "RGB"):
                    return None, what
                channels = np.asarray(picture.convert("RGB"))  # (28, 28, 3)
    except UnidentifiedImageError:
        return None, "it is not a picture of a known kind"
    except Exception as error:  # Pillow raises a dozen kinds on damaged bytes
        return None, f"it cannot be read as a picture ({one_line(error)})"
    if (channels != channels[:, :, :1]).any():
        return None, f"{what}, coloured"
    return np.ascontiguousarray(channels[:, :, 0]), ""
