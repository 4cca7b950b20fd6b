"""The readers that `reading.py` puts side by side, each brought to one form.

Rivals are met as their own documentation suggests, and helped where they plainly need it: pictures are given
dark on light, tiny ones enlarged and framed with paper, and of what they read only the digits count.
"""

import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

import tenfold
from tenfold.errors import MissingExtraError, OptionError, PictureError
from tenfold.reading.answers import Number, Polygon
from tenfold.reading.decode import decode

READABLE = 96  # pixels: what a picture of one digit is enlarged to for readers of text
FRAME = 0.25  # of the side: paper put around it

Values = NDArray[np.uint8]
Said = tuple[int | None, bool]
"""What one picture was read as, and whether the reader is sure of it."""


class Contender(ABC):
    """A reader under test; `can` names what it reads: "images", "digits", "crops", "pages"."""

    name: str
    can: frozenset[str]
    packages: tuple[str, ...] = ()

    @abstractmethod
    def digits(self, pictures: Sequence[Values]) -> list[Said]:
        """One digit a picture."""

    def images(self, images: Values) -> list[Said]:
        """One digit an image, (n, 28, 28) uint8, bright ink on dark."""
        raise NotImplementedError

    def crop(self, picture: object) -> list[Number]:
        """The numbers in a tight crop of one line."""
        raise NotImplementedError

    def page(self, picture: object) -> list[Number]:
        """The numbers on a page, in reading order."""
        raise NotImplementedError


class Tenfold(Contender):
    """The shipped reader, or another of Tenfold's."""

    name = "Tenfold"
    can = frozenset({"images", "digits", "crops", "pages"})

    def __init__(self, reader: str | None = None) -> None:
        self.reader = tenfold.load(reader)

    def digits(self, pictures: Sequence[Values]) -> list[Said]:
        return [(p.digit, not p.unsure) for p in self.reader.predict_many(pictures)]

    def images(self, images: Values) -> list[Said]:
        return [(p.digit, not p.unsure) for p in self.reader.predict_many(images, prepared=True)]

    def page(self, picture: object) -> list[Number]:
        try:
            return [number for number in self.reader.read(picture).numbers if number.text]
        except PictureError:
            return []

    crop = page


class Squeezed(Contender):
    """A network fed as most tutorials do it: the grey picture resized to 28x28, ink made bright."""

    name = "classic network, squeezed"
    can = frozenset({"images", "digits"})

    def __init__(self, reader: str) -> None:
        self.reader = tenfold.load(reader)

    def digits(self, pictures: Sequence[Values]) -> list[Said]:
        return self.images(np.stack([squeeze(picture) for picture in pictures]))

    def images(self, images: Values) -> list[Said]:
        return [(p.digit, not p.unsure) for p in self.reader.predict_many(images, prepared=True)]


class RapidOCR(Contender):
    """RapidOCR: recognition alone on digits and crops; detection, then recognition, on pages."""

    name = "RapidOCR"
    can = frozenset({"digits", "crops", "pages"})
    packages = ("rapidocr-onnxruntime",)

    def __init__(self) -> None:
        self.engine = _imported("rapidocr_onnxruntime").RapidOCR()

    def digits(self, pictures: Sequence[Values]) -> list[Said]:
        return [_one_digit("".join(n.text for n in self.crop(readable(p)))) for p in pictures]

    def crop(self, picture: object) -> list[Number]:
        values = _blue_first(picture)
        found, _ = self.engine(values, use_det=False, use_cls=False, use_rec=True)
        text = _digits_of(found[0][0]) if found else ""
        return [_number(text, float(found[0][1]), _whole(values))] if text else []

    def page(self, picture: object) -> list[Number]:
        found, _ = self.engine(_blue_first(picture))
        return [number for box, text, score in found or [] for number in _words(text, box, float(score))]


class Tesseract(Contender):
    """Tesseract held to digits: page segmentation 10 for one digit, 7 for a line, 6 for a page."""

    name = "Tesseract"
    can = frozenset({"digits", "crops", "pages"})
    packages = ("pytesseract",)

    def __init__(self) -> None:
        self.engine = _imported("pytesseract")
        if shutil.which("tesseract") is None:
            raise OptionError("--tesseract: the program is not installed (Debian: apt install tesseract-ocr)")
        os.environ["OMP_THREAD_LIMIT"] = "1"  # many small pictures side by side, each on one core

        self.name = f"Tesseract {self.engine.get_tesseract_version()}"

    def digits(self, pictures: Sequence[Values]) -> list[Said]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            texts = pool.map(lambda p: self._text(Image.fromarray(readable(p)), 10), pictures)
            return [_one_digit(_digits_of(text)) for text in texts]

    def crop(self, picture: object) -> list[Number]:
        values = decode(picture).values
        text = _digits_of(self._text(Image.fromarray(values), 7))
        return [_number(text, 1.0, _whole(values))] if text else []

    def page(self, picture: object) -> list[Number]:
        shown = Image.fromarray(decode(picture).values)
        words = self.engine.image_to_data(shown, config=_held(6), output_type=self.engine.Output.DICT)
        places = zip(words["left"], words["top"], words["width"], words["height"], strict=True)
        return [
            _number(_digits_of(text), max(0.0, float(sure)) / 100, _rectangle(x, y, x + w, y + h))
            for text, sure, (x, y, w, h) in zip(words["text"], words["conf"], places, strict=True)
            if _digits_of(text)
        ]

    def _text(self, shown: Image.Image, segmentation: int) -> str:
        return str(self.engine.image_to_string(shown, config=_held(segmentation)))


def squeeze(picture: Values) -> Values:
    """A picture as (28, 28) uint8 by resizing alone; inverted where its border is light."""
    small = Image.fromarray(_grey(picture)).resize((28, 28), Image.Resampling.BILINEAR)
    values = np.asarray(small)
    return np.asarray(255 - values if _border_mean(values) > 127.5 else values, np.uint8)


def readable(picture: Values) -> Values:
    """A picture of one character as readers of text want it: dark on light, large, with paper around it."""
    values = _grey(picture)
    if _border_mean(values) <= 127.5:
        values = np.asarray(255 - values, np.uint8)
    shown = Image.fromarray(values)
    if max(shown.size) < READABLE:
        shown = ImageOps.contain(shown, (READABLE, READABLE), Image.Resampling.BICUBIC)
    margin = round(FRAME * max(shown.size))
    return np.asarray(ImageOps.expand(shown, margin, round(_border_mean(np.asarray(shown)))))


def _grey(picture: Values) -> Values:
    return np.asarray(Image.fromarray(decode(picture).values).convert("L"))


def _border_mean(values: Values) -> float:
    return float(np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]]).mean())


def _blue_first(picture: object) -> Values:
    values = decode(picture).values
    return np.ascontiguousarray(values[..., ::-1] if values.ndim == 3 else values)


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"comparing with {name} ({error})", "bench") from None


def _held(segmentation: int) -> str:
    return f"--psm {segmentation} -c tessedit_char_whitelist=0123456789"


def _digits_of(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _one_digit(text: str) -> Said:
    """Anything but one digit alone is no answer to what one digit this is; any digit at all is an answer."""
    return (int(text) if len(text) == 1 else None), bool(text)


def _number(text: str, confidence: float, box: Polygon) -> Number:
    return Number(text, confidence, unsure=False, box=box, digits=())


def _rectangle(left: float, top: float, right: float, bottom: float) -> Polygon:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _whole(values: Values) -> Polygon:
    return _rectangle(0, 0, values.shape[1], values.shape[0])


def _words(text: str, box: Sequence[Sequence[float]], score: float) -> Iterator[Number]:
    """The numbers in a line of text, each with its share of the line's box."""
    top_left, top_right, bottom_right, bottom_left = (np.asarray(corner, float) for corner in box)
    for word in re.finditer(r"\S+", text):
        digits = _digits_of(word.group())
        if not digits:
            continue
        start, end = word.start() / len(text), word.end() / len(text)
        corners = [
            top_left + (top_right - top_left) * start,
            top_left + (top_right - top_left) * end,
            bottom_left + (bottom_right - bottom_left) * end,
            bottom_left + (bottom_right - bottom_left) * start,
        ]
        yield _number(digits, score, tuple((float(x), float(y)) for x, y in corners))
