"""From what a user brings to pixels: files, bytes, PIL images and arrays, checked before they are decoded.

Formats are an allow-list. Sizes are read from the header and capped before any pixel is decoded, so a
decompression bomb costs nothing.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock, RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

from tenfold.errors import MissingExtraError, PictureError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # Pillow opens MPO as JPEG
LARGEST_FILE = 128 << 20  # bytes
LARGEST_PICTURE = 64_000_000  # pixels
MOST_PAGES = 500
PDF_DPI = 200
SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp", ".dib"),
    *(".gif", ".tif", ".tiff", ".heic", ".heif", ".hif", ".pdf"),
)
"""File names taken for pictures when a folder is searched; a file named outright is judged by its bytes."""

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_FORBIDDEN = (PictureError, MissingExtraError)
logging.getLogger("PIL").addHandler(logging.NullHandler())  # or it writes of damage to stderr by itself
_PDFIUM = RLock()  # PDFium must not be called from two threads at once


@dataclass(frozen=True, eq=False)
class Pixels:
    """One decoded picture, upright.

    values: (h, w) or (h, w, 3) uint8.
    source: its name, with "#2" for the second page of a file; None for arrays and bytes.
    notes: what the user should know about how it was read.
    """

    values: NDArray[np.uint8] = field(repr=False)
    source: str | None = None
    notes: tuple[str, ...] = ()


def decode(picture: object) -> Pixels:
    """The pixels of one picture: the first frame or page, with a note where there are more.

    picture: path (str or Path), bytes, PIL image, or array of shape (h, w), (h, w, 1), (h, w, 3), (h, w, 4),
        channels first, with axes of length 1 around it, or flat and square. Values of at most 1 are 0-1.

    Raises PictureError in one line; MissingExtraError for HEIC and PDF without the extra `scans`.
    """
    return next(_frames(picture, only_first=True))


def decode_all(picture: object) -> Iterator[Pixels]:
    """The pixels of every page of a document (TIFF, PDF), one at a time; otherwise as `decode`."""
    return _frames(picture, only_first=False)


def _frames(picture: object, *, only_first: bool) -> Iterator[Pixels]:
    if isinstance(picture, Pixels):
        yield picture
    elif isinstance(picture, str | Path):
        name = str(picture)
        try:
            for pixels in _from_bytes(_read_file(Path(picture)), only_first=only_first):
                yield replace(pixels, source=name + (pixels.source or ""))
        except _FORBIDDEN as error:
            raise named(error, name) from error.__cause__
    elif isinstance(picture, bytes | bytearray | memoryview):
        yield from _from_bytes(bytes(picture), only_first=only_first)
    elif isinstance(picture, Image.Image):
        with _guarded():
            pixels = Pixels(_from_pil(picture), notes=_frame_note(picture))
        yield pixels
    else:
        yield Pixels(_from_array(picture))


def named(error: PictureError | MissingExtraError, name: str) -> Exception:
    """The same error with the picture's name before what it says."""
    if isinstance(error, MissingExtraError):
        return MissingExtraError(f"{name}: {str(error).split(' needs the extra')[0]}", error.extra)
    return type(error)(f"{name}: {error}")


def _read_file(path: Path) -> bytes:
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        broken = " (the link points nowhere)" if path.is_symlink() else ""
        raise PictureError(f"no such file{broken}") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    raise PictureError("is a folder; name the pictures in it")


def _from_bytes(content: bytes, *, only_first: bool) -> Iterator[Pixels]:
    if not content:
        raise PictureError("is empty: 0 bytes")
    if len(content) > LARGEST_FILE:
        raise PictureError(f"is larger than {LARGEST_FILE >> 20} MB; expected a picture of one page")
    if b"%PDF-" in content[:1024]:
        yield from _from_pdf(content, only_first=only_first)
        return
    with _opened(content) as opened:
        yield from _from_opened(opened, only_first=only_first)


def _opened(content: bytes) -> Image.Image:
    heif = content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS
    if heif:
        _register_heif()
    with _guarded():
        try:
            return Image.open(io.BytesIO(content), formats=(*FORMATS, *(["HEIF"] if heif else [])))
        except UnidentifiedImageError:
            if heif:
                raise PictureError("is a HEIC picture that is damaged or cut short") from None
            kinds = "PNG, JPEG, WebP, BMP, GIF, TIFF, HEIC or PDF"
            raise PictureError(
                f"is not a picture that can be read: expected {kinds}{_guess(content)}"
            ) from None


def _from_opened(opened: Image.Image, *, only_first: bool) -> Iterator[Pixels]:
    with _guarded():
        count = getattr(opened, "n_frames", 1)
    document = opened.format == "TIFF" and not only_first
    for index in range(min(count, MOST_PAGES) if document else 1):
        with _guarded():
            if index:
                opened.seek(index)
            notes = _frame_note(opened) if not document else _end_note(index, count)
            page = Pixels(_from_pil(opened), f"#{index + 1}" if document and count > 1 else None, notes)
        yield page


class _Quiet:
    """Hold back Pillow's warnings of sizes and metadata, from the first thread in to the last one out.

    `warnings.catch_warnings` alone, entered by several threads, can leave all warnings off for good.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


_QUIET = _Quiet()


@contextmanager
def _guarded() -> Iterator[None]:
    """Pillow at work: no warnings, and whatever it raises as PictureError."""
    try:
        with _QUIET:
            yield
    except _FORBIDDEN:
        raise
    except Image.DecompressionBombError:
        raise PictureError(_too_many_pixels("its header")) from None
    except MemoryError:
        raise PictureError("is too large for this machine's memory") from None
    except Exception as error:  # a damaged file can make a decoder raise nearly anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise PictureError(f"is damaged or cut short ({reason})") from None


def _frame_note(opened: Image.Image) -> tuple[str, ...]:
    count = getattr(opened, "n_frames", 1)
    kind = "page" if opened.format == "TIFF" else "frame"
    return (f"first {kind} of {count}",) if count > 1 and opened.format != "MPO" else ()


def _end_note(index: int, count: int) -> tuple[str, ...]:
    """Said of the last page that is read where there are more."""
    return (f"the last page read of {count}",) if index + 1 == MOST_PAGES < count else ()


def _guess(content: bytes) -> str:
    start = content[:256].lstrip().lower()
    if b"<svg" in start or start.startswith(b"<?xml"):
        return "; this is an SVG drawing or XML text"
    return ""


def _too_many_pixels(size: str) -> str:
    return f"has more than {LARGEST_PICTURE // 1_000_000} megapixels ({size}); scale it down first"


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError("reading HEIC", "scans") from None
    pillow_heif.register_heif_opener()


def _from_pdf(content: bytes, *, only_first: bool) -> Iterator[Pixels]:
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtraError("reading PDF", "scans") from None
    try:
        with _PDFIUM:
            document = pypdfium2.PdfDocument(content)
            count = len(document)
    except pypdfium2.PdfiumError as error:
        raise PictureError(f"is a PDF that cannot be opened ({error})") from None
    try:
        if not count:
            raise PictureError("is a PDF without pages")
        for index in range(1 if only_first else min(count, MOST_PAGES)):
            with _PDFIUM:
                values = _render(document, index)
            first = (f"first page of {count}",) if only_first and count > 1 else ()
            notes = first or _end_note(index, count)
            yield Pixels(values, f"#{index + 1}" if count > 1 and not only_first else None, notes)
    except pypdfium2.PdfiumError as error:
        raise PictureError(f"is a damaged PDF ({error})") from None
    finally:
        with _PDFIUM:
            document.close()


def _render(document: Any, index: int) -> NDArray[np.uint8]:
    page = document[index]
    width, height = page.get_size()
    scale = min(PDF_DPI / 72, (LARGEST_PICTURE / 2 / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale)
    values = np.array(bitmap.to_pil().convert("RGB"))
    bitmap.close()
    page.close()
    return values


def _from_pil(opened: Image.Image) -> NDArray[np.uint8]:
    width, height = opened.size
    if width * height > LARGEST_PICTURE:
        raise PictureError(_too_many_pixels(f"{width}x{height}"))
    if width * height == 0:
        raise PictureError("has no pixels")
    upright = _upright(opened)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _to_bytes(np.asarray(upright))
    if upright.mode == "La":  # Pillow turns its greys multiplied by alpha into nothing else
        upright = upright.convert("LA")
    if upright.has_transparency_data:
        return _over_nothing(np.asarray(upright.convert("RGBA")))
    mode = "L" if upright.mode in ("1", "L") else "RGB"
    return np.asarray(upright if upright.mode == mode else upright.convert(mode))


def _upright(opened: Image.Image) -> Image.Image:
    """Turned as its EXIF says; as it is where its EXIF cannot be read."""
    opened.load()
    try:
        if opened.getexif().get(Base.Orientation) not in range(2, 9):  # exif_transpose would make a copy
            return opened
        return ImageOps.exif_transpose(opened)
    except Exception:  # EXIF is whatever a camera or an editor wrote
        return opened


def _over_nothing(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay (h, w, 4) on the paper that shows its ink: black under light ink, white otherwise."""
    alpha = values[..., 3:].astype(np.float32) / 255
    colour = values[..., :3].astype(np.float32)
    drawn = values[..., 3] > values[..., 3].max(initial=0) // 2
    if drawn.all() or not drawn.any():
        return np.ascontiguousarray(values[..., :3])
    paper = 0.0 if np.percentile(colour[drawn].mean(axis=1), 10) >= 128 else 255.0
    return (colour * alpha + paper * (1 - alpha) + 0.5).astype(np.uint8)


def _from_array(picture: Any) -> NDArray[np.uint8]:
    try:
        values = np.asarray(picture)
    except (ValueError, TypeError) as error:
        raise PictureError(f"not a picture: {error}") from None
    if values.dtype.kind not in "buif":
        kinds = "a path, bytes, a PIL image or an array of numbers"
        raise PictureError(f"not a picture: expected {kinds}, got {type(picture).__name__} of {values.dtype}")
    values = _arranged(values)
    if values.shape[0] * values.shape[1] > LARGEST_PICTURE:
        raise PictureError(_too_many_pixels(f"{values.shape[1]}x{values.shape[0]}"))
    values = _to_bytes(values)
    return _over_nothing(values) if values.ndim == 3 and values.shape[2] == 4 else values


def _arranged(values: NDArray[Any]) -> NDArray[Any]:
    """Bring any sensible layout to (h, w), (h, w, 3) or (h, w, 4)."""
    shape = values.shape
    while values.ndim > 2 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim == 1 or (values.ndim == 2 and 1 in values.shape):
        side = round(values.size**0.5)
        if side * side == values.size:
            values = values.reshape(side, side)
    if values.ndim == 3 and values.shape[2] not in (3, 4) and values.shape[0] in (3, 4):
        values = np.moveaxis(values, 0, 2)
    if values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4)):
        if min(values.shape[:2]) > 0:
            return values
        raise PictureError(f"an array of shape {shape} has no pixels")
    raise PictureError(
        f"an array of shape {shape} is not one picture: expected (h, w), (h, w, 3) or (h, w, 4)"
    )


def _to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Any numbers to uint8: booleans and values up to 1 as 0-1, deeper integers scaled to their range."""
    if values.dtype == np.uint8 and values.max() > 1:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise PictureError("the array holds NaN or infinity; expected numbers from 0 to 255, or 0 to 1")
    low, high = float(values.min()), float(values.max())
    if low < 0:
        raise PictureError(
            f"the array holds negative numbers (down to {low:g}); expected 0 to 255, or 0 to 1"
        )
    if high <= 1:
        scale = 255.0
    elif high <= 255:
        scale = 1.0
    elif high <= 65535:
        scale = 255 / 65535 if high > 4095 else 255 / 4095
    else:
        scale = 255 / high
    return (values.astype(np.float64) * scale + 0.5).clip(0, 255).astype(np.uint8)
