"""The reader: pictures in, answers out. Runs on ONNX Runtime alone."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tenfold.errors import OptionError, PictureError, ReaderError, TenfoldError, some_of
from tenfold.reading.answers import Page, Polygon, Prediction
from tenfold.reading.bundle import IMAGE, PREPARATION, card_of, check_network, open_network, reader_file
from tenfold.reading.decode import Pixels, decode, decode_all, named
from tenfold.reading.pictures import SINGLE_THREADED, Prepared, locate

if TYPE_CHECKING:
    from tenfold.reading.linereading import LineNetwork
    from tenfold.reading.numbers import Marks
    from tenfold.reading.pagereading import Region, Wish

BATCH = 32  # images: small enough to stay in a core's cache
GROUP = 128  # pictures decoded and prepared before the network sees them: memory stays flat
SEVERAL = "more is written beside the digit: numbers and pages are for read"
SMALL = 40_000  # pixels, or bytes of a file: what is smaller is prepared sooner than a thread is told of it
THREADS = min(4, os.cpu_count() or 1)

_LET_GO = np.zeros((0, 0), np.uint8)  # instead of a picture's pixels, which a whole group would keep

Probabilities = NDArray[np.float32]
Images = NDArray[np.uint8]
_Outputs = tuple[Probabilities, Probabilities]
_Found = tuple[Pixels, Prepared] | Prediction  # what a picture was and its image, or why there is none
_Looked = tuple[Sequence[_Found], Sequence["Future[_Outputs]"]]


class Reader:
    """Reads digits with one opened network; safe to use from several threads.

    card: what it says about itself; labels: the class names in the order of the probabilities.
    """

    def __init__(self, path: Path) -> None:
        self._network = open_network(path)
        self.card = card_of(self._network)
        self.labels = self.card.labels
        self.path = path
        self._refuses = check_network(self._network, len(self.labels))
        if self.card.preparation != PREPARATION:
            newer = self.card.preparation > PREPARATION
            raise ReaderError(
                f"{path}: expects pictures prepared in version {self.card.preparation}, this is version "
                f"{PREPARATION}: {'update tenfold' if newer else 'train the reader again'}"
            )

    def __repr__(self) -> str:
        return f"Reader({self.card.name!r}, {len(self.labels)} classes, threshold {self.card.threshold:g})"

    def predict(self, picture: object) -> Prediction:
        """The one digit in a picture: path, bytes, PIL image, or array of any shape or polarity.

        Raises NoInkError where nothing is written, PictureError where the picture cannot be read.
        """
        pixels, prepared = _prepare(picture)
        probabilities, is_digit = self._run(prepared.image[None])
        return self._answer(probabilities[0], float(is_digit[0]), prepared, pixels)

    def predict_many(self, pictures: Iterable[object] | Images, prepared: bool = False) -> list[Prediction]:
        """One answer a picture, in order; a picture that cannot be read has `digit=None` and an `error`.

        prepared: the pictures are images already, (n, 28, 28) uint8, bright ink on dark.

        Raises PictureError only where one picture's name or bytes were given instead of several pictures, or
        where `prepared` is set and the images have another shape or type.
        """
        if isinstance(pictures, str | Path | bytes):
            raise PictureError(f"expected a list of pictures, got one {type(pictures).__name__}: use predict")
        if prepared:
            images, told = _as_images(pictures), list[Prediction]()
            for probabilities, is_digit in self._outputs(images):
                told += self._answers(probabilities, is_digit, images[len(told) : len(told) + len(is_digit)])
            return told
        answers: list[Prediction] = []
        waiting: _Looked | None = None
        with SINGLE_THREADED, ThreadPoolExecutor(THREADS) as pool:
            for group in _groups(pictures, GROUP):
                found = _prepare_group(group, pool)
                looked = self._look(found, pool)
                answers += self._told(waiting) if waiting else []
                waiting = (found, looked)
            answers += self._told(waiting) if waiting else []
        return answers

    def read(
        self,
        picture: object,
        *,
        regions: Mapping[str, Region] | None = None,
        length: int | None = None,
        check: str | None = None,
        ids: Collection[str] | None = None,
        marks: Marks = "unsure",
    ) -> Page:
        """Any number of digits in a picture: a photo or scan of a page, or a crop of one line.

        picture: as for `predict`; of a document with many pages the first (see `read_all`).
        regions: fields of a form, each name with its left, top, width and height in pixels; all else is
            left unread.
        length, check ("luhn"), ids: what is known of every number; chooses among what the ink allows, and
            `rule` and `raw` of each number tell. marks: whether a point or comma inside a number makes it
            unsure ("unsure"), is let pass where it groups thousands ("thousands"), or always ("ignore").

        Blank paper gives `numbers == ()`. Raises PictureError, OptionError; ReaderError for a reader of other
        signs than the ten digits.
        """
        wish = self._wish(regions, length, check, ids, marks)
        return self._read_pixels(decode(picture), wish)

    def read_all(
        self,
        picture: object,
        *,
        regions: Mapping[str, Region] | None = None,
        length: int | None = None,
        check: str | None = None,
        ids: Collection[str] | None = None,
        marks: Marks = "unsure",
    ) -> Iterator[Page]:
        """Every page of a document (PDF, TIFF), one after another; otherwise as `read`."""
        wish = self._wish(regions, length, check, ids, marks)
        return (self._read_pixels(pixels, wish) for pixels in decode_all(picture))

    def _wish(
        self,
        regions: Mapping[str, Region] | None,
        length: int | None,
        check: str | None,
        ids: Collection[str] | None,
        marks: Marks,
    ) -> Wish:
        from tenfold.reading.knowledge import Knowledge
        from tenfold.reading.pagereading import Wish

        if self.labels != tuple("0123456789"):
            raise ReaderError(f"{self.path}: reads {some_of(self.labels)}; numbers need a reader of 0 to 9")
        if isinstance(ids, str):
            raise OptionError(f"ids are a list of texts, got the one text {ids!r}")
        if not isinstance(regions, Mapping | None):
            raise OptionError(f"regions are names with a box each, got {type(regions).__name__}")
        return Wish(regions, Knowledge(length, check, None if ids is None else frozenset(ids)), marks)

    def _read_pixels(self, pixels: Pixels, wish: Wish) -> Page:
        from tenfold.reading.pagereading import read_page

        with _telling(pixels.source):
            return read_page(pixels, self._lines, self.probabilities, self.card.threshold, wish)

    @cached_property
    def _lines(self) -> LineNetwork:
        """The network that finds digits in a line, opened when a page is first read."""
        from tenfold.reading.linereading import LineNetwork

        return LineNetwork()

    def probabilities(self, images: Images) -> tuple[Probabilities, Probabilities]:
        """For images (n, 28, 28) uint8: probabilities (n, classes) and, (n,), that each is a digit at all.

        Raises PictureError where the images have another shape or type.
        """
        outputs = list(self._outputs(_as_images(images)))
        if not outputs:
            return np.zeros((0, len(self.labels)), np.float32), np.zeros(0, np.float32)
        return np.concatenate([a for a, _ in outputs]), np.concatenate([b for _, b in outputs])

    def _outputs(self, images: Images) -> Iterator[_Outputs]:
        """What the network says of each batch in turn, while its threads look at the next."""
        batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        if len(batches) < 2:
            yield from map(self._run, batches)
            return
        with ThreadPoolExecutor(THREADS) as pool:
            yield from pool.map(self._run, batches)

    def _run(self, images: Images) -> _Outputs:
        if not self._refuses:
            (probabilities,) = self._network.session.run(["probabilities"], {"images": images})
            return probabilities, np.ones(len(images), np.float32)
        probabilities, is_digit = self._network.session.run(["probabilities", "is_digit"], {"images": images})
        return probabilities, is_digit

    def _look(self, found: Sequence[_Found], pool: ThreadPoolExecutor) -> list[Future[_Outputs]]:
        """Set the network to work on a group's images, while the next group is prepared."""
        images = [item[1].image for item in found if not isinstance(item, Prediction)]
        return [
            pool.submit(self._run, np.stack(images[start : start + BATCH]))
            for start in range(0, len(images), BATCH)
        ]

    def _told(self, looked: _Looked) -> list[Prediction]:
        """A group's answers, once the network has looked."""
        found, waiting = looked
        outputs = (output for work in waiting for output in zip(*work.result(), strict=True))
        return [self._tell(item, outputs) for item in found]

    def _tell(self, item: _Found, outputs: Iterator[tuple[Probabilities, Any]]) -> Prediction:
        if isinstance(item, Prediction):
            return replace(item, probabilities=np.zeros(len(self.labels), np.float32))
        pixels, prepared = item
        probabilities, is_digit = next(outputs)
        return self._answer(probabilities, float(is_digit), prepared, pixels)

    def _answers(
        self, probabilities: Probabilities, is_digit: Probabilities, images: Images
    ) -> list[Prediction]:
        digits = probabilities.argmax(axis=1)
        confidences = probabilities[np.arange(len(digits)), digits] * is_digit
        threshold, labels = self.card.threshold, self.labels
        return [
            Prediction(digit, labels[digit], confidence, confidence < threshold, p, image, is_digit=d)
            for digit, confidence, p, image, d in zip(
                digits.tolist(), confidences.tolist(), probabilities, images, is_digit.tolist(), strict=True
            )
        ]

    def _answer(
        self,
        probabilities: Probabilities,
        is_digit: float,
        prepared: Prepared,
        pixels: Pixels,
    ) -> Prediction:
        digit = int(probabilities.argmax())
        confidence = float(probabilities[digit]) * is_digit
        return Prediction(
            digit,
            self.labels[digit],
            confidence,
            confidence < self.card.threshold or prepared.beside > 0,
            probabilities,
            prepared.image,
            box=_corners(prepared.box),
            source=pixels.source,
            notes=(*pixels.notes, SEVERAL) if prepared.beside else pixels.notes,
            is_digit=is_digit,
        )


def load(reader: str | Path | None = None) -> Reader:
    """Open a reader: the shipped one, a run folder, or an .onnx file.

    Raises ReaderError where there is none, or the file is damaged.
    """
    return Reader(reader_file(reader))


def _corners(box: tuple[float, float, float, float]) -> Polygon:
    left, top, right, bottom = box
    return ((left, top), (right, top), (right, bottom), (left, bottom))


@contextmanager
def _telling(source: str | None) -> Iterator[None]:
    """Name the picture in what is raised about it."""
    try:
        yield
    except PictureError as error:
        raise (named(error, source) if source else error) from None


def _prepare(picture: object) -> tuple[Pixels, Prepared]:
    """What a picture was, its pixels let go, and its image. Raises as `Reader.predict`."""
    pixels = decode(picture)
    with _telling(pixels.source):
        return replace(pixels, values=_LET_GO), locate(pixels.values)


def _prepare_safely(picture: object) -> _Found:
    """What `_prepare` gives, or a Prediction that carries the error."""
    source = str(picture) if isinstance(picture, str | Path) else None
    try:
        return _prepare(picture)
    except TenfoldError as error:
        message = str(error)
    except MemoryError:
        message = f"{source or 'the picture'}: is too large for this machine's memory"
    nothing = np.zeros(0, np.float32)
    return Prediction(None, "", 0.0, True, nothing, np.zeros(IMAGE, np.uint8), source=source, error=message)


def _prepare_group(group: Sequence[object], pool: ThreadPoolExecutor) -> list[_Found]:
    """Prepare pictures: large ones on the pool's threads, small ones here, since threads would only
    hand each other the interpreter's lock.
    """
    large = {i: pool.submit(_prepare_safely, p) for i, p in enumerate(group) if not _is_small(p)}
    small = {i: _prepare_safely(p) for i, p in enumerate(group) if i not in large}
    return [large[i].result() if i in large else small[i] for i in range(len(group))]


def _is_small(picture: object) -> bool:
    if isinstance(picture, np.ndarray):
        return picture.size <= SMALL
    if isinstance(picture, bytes):
        return len(picture) <= SMALL
    if isinstance(picture, Image.Image):
        return picture.width * picture.height <= SMALL
    try:
        return isinstance(picture, str | Path) and os.stat(picture).st_size <= SMALL
    except (OSError, ValueError):  # it will be told of when it is opened
        return True


def _groups(pictures: Iterable[object], size: int) -> Iterator[list[object]]:
    group: list[object] = []
    for picture in pictures:
        group.append(picture)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _as_images(pictures: Any) -> Images:
    try:
        images = np.asarray(pictures) if isinstance(pictures, np.ndarray) else np.asarray(list(pictures))
    except (TypeError, ValueError) as error:
        raise PictureError(f"prepared images must have one shape, (28, 28): {error}") from None
    if images.size == 0:
        return np.zeros((0, *IMAGE), np.uint8)
    if images.dtype != np.uint8 or images.shape[1:] not in (IMAGE, (*IMAGE, 1)):
        raise PictureError(
            f"prepared images must be uint8 (n, 28, 28), bright ink on dark; "
            f"got {images.dtype} {images.shape}"
        )
    return np.ascontiguousarray(images.reshape(-1, *IMAGE))
