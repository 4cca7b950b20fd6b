"""From any picture of one digit to the 28x28 image that MNIST's makers would have made.

MNIST's digits were "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio", and
centred "by computing the center of mass of the pixels" in 28x28 (LeCun, Cortes, Burges, 1998). To get there
from a photo or scan: find which of dark and light is the ink, take the paper's shading away, drop what is
not the digit, bring a hairline pen to a readable width, then scale and centre.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import NoInkError, PictureError
from tenfold.reading.clearing import Mask, foreign, only_digit
from tenfold.reading.contrast import Grey, contrast_of, otsu, quantile, roughness, scaled, square
from tenfold.reading.decode import decode

SIDE = 28
BOX = 20
SMALLEST = 4  # pixels: below this side there is no digit to see
WORKING = 160  # pixels: longest side while looking for the digit
DETAIL = 88  # pixels: a digit smaller than this, found in a larger picture, is looked at again from near
FAINTEST = 7.0  # grey levels of 255 that ink must stand out by
CLEAREST = 4.5  # times the paper's noise that ink must stand out by
FLOOR = 0.12  # of the ink's darkness: below this it is paper
STRONG = 0.45  # of the ink's darkness: fainter ink counts only near ink as dark as this
NEAR = 0.02  # of the longer side: how near
ALONG = 0.3  # of a side of the picture: ink that fills so much of one may be a shade
AROUND = 0.7  # of two sides that meet: ink that fills so much of both may be one around their corner
EDGED = 0.32  # of the ink's darkness: what ink loses at its edge, within a quarter of its width
THINNEST = 1.75  # pixels in the 20x20 box: a pen thinner than this is drawn this wide
SUPER = 4  # the digit is drawn at this multiple of the box while the pen is widened

Bounds = tuple[int, int, int, int]
"""Left, top, right, bottom, the last two just outside."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image and where its digit was found.

    image: (28, 28) uint8, bright ink on dark.
    box: left, top, right, bottom in the picture's pixels.
    beside: how many other pieces of ink are as large as digits.
    """

    image: NDArray[np.uint8] = field(repr=False)
    box: tuple[float, float, float, float]
    beside: int = 0


class _SingleThreaded:
    """OpenCV on one thread, from the first to enter until the last has left.

    On small pictures its threads cost more than they give, and beside threads of one's own they do so on any.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._before = Lock(), 0, 1

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                cv2.setNumThreads(self._before)


SINGLE_THREADED = _SingleThreaded()


def prepare(picture: object) -> NDArray[np.uint8]:
    """The (28, 28) uint8 image of the digit in a picture: bright ink on dark, in MNIST's geometry.

    picture: path, bytes, PIL image or array; any size, mode and polarity (see `decode`).

    >>> import numpy as np
    >>> paper = np.full((90, 60), 230, np.uint8)
    >>> paper[20:70, 28:34] = 40                       # a dark upright stroke
    >>> image = prepare(paper)
    >>> image.shape, int(image.max())
    ((28, 28), 255)

    Raises NoInkError where nothing is written, PictureError where the picture cannot be read.
    Source: the preparation of MNIST, LeCun, Bottou, Bengio and Haffner (1998), section III.A.
    """
    return locate(decode(picture).values).image


def locate(values: NDArray[np.uint8]) -> Prepared:
    """Find and prepare the digit in decoded pixels, (h, w) or (h, w, 3) uint8. Raises as `prepare`."""
    height, width = values.shape[:2]
    if min(height, width) < SMALLEST:
        raise PictureError(f"is {width}x{height} pixels; expected at least {SMALLEST}x{SMALLEST}")
    found: PictureError | None = None
    for grey in _greys(values):
        try:
            return _locate(grey)
        except NoInkError as error:
            found = found or error
    assert found is not None
    raise found


def _greys(values: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Lightness, and for a coloured picture also its most varied channel, should lightness show nothing."""
    if values.ndim == 2:
        yield values
        return
    yield np.asarray(cv2.cvtColor(np.ascontiguousarray(values), cv2.COLOR_RGB2GRAY), np.uint8)
    channel = int(np.argmax(values.reshape(-1, 3)[:: max(1, values.size // 30000)].std(axis=0)))
    yield np.ascontiguousarray(values[..., channel])


def _locate(values: NDArray[np.uint8]) -> Prepared:
    """Look at the whole picture; where the digit is a small part of it, look again from near."""
    height, width = values.shape
    scale = min(1.0, WORKING / max(height, width))
    ink, (left, top, right, bottom), beside = find_ink(scaled(values, scale))
    if scale < 1 and max(right - left, bottom - top) < DETAIL:
        margin = 0.35 * max(right - left, bottom - top) + 2
        x0, x1 = (int(max(0, (left - margin) / scale)), int(min(width, (right + margin) / scale)))
        y0, y1 = (int(max(0, (top - margin) / scale)), int(min(height, (bottom + margin) / scale)))
        if (x1 - x0) * (y1 - y0) < 0.6 * width * height:
            try:
                near = _locate(values[y0:y1, x0:x1])
            except NoInkError:  # faint ink can be plainer from afar
                near = None
            if near is not None:
                a, b, c, d = near.box
                beside = max(beside, near.beside)
                return Prepared(near.image, (a + x0, b + y0, c + x0, d + y0), beside)
    return Prepared(fit(ink), (left / scale, top / scale, right / scale, bottom / scale), beside)


def find_ink(grey: Grey) -> tuple[Grey, Bounds, int]:
    """Where the digit is in a grey picture, and how strongly each pixel there is written on.

    grey: (h, w) float32, 0-255, of either polarity.
    Returns ink float32 0-1, cut to the digit's bounds and zero off it, those bounds, and how many other
    pieces are as large as digits. Raises NoInkError.
    """
    contrast = contrast_of(grey)
    written, level, floor = _written(contrast)
    other = foreign(written, contrast)
    if other.any():
        around = cv2.dilate(other.view(np.uint8), square(3)) > 0
        contrast[other | (around & ~written)] = 0
        written, level, floor = _written(contrast)
    if not written.any():
        raise NoInkError(_nothing(grey))
    reach = 2 * max(1, round(NEAR * max(grey.shape))) + 1
    strong = cv2.dilate((contrast > STRONG * level).view(np.uint8), square(reach))
    mask, beside = only_digit(written & strong.view(bool), contrast)
    bounds = _bounds(mask)
    if _is_shade(mask, bounds, contrast):
        raise NoInkError(_nothing(grey))
    left, top, right, bottom = bounds
    window = (slice(top, bottom), slice(left, right))
    ink = (contrast[window] - floor) / (0.92 * level - floor)
    near = cv2.dilate(mask[window].view(np.uint8), square(3))
    return np.maximum(np.minimum(ink, 1), 0) * near, bounds, beside


def _written(contrast: Grey) -> tuple[Mask, float, float]:
    """Which pixels are written on (none if nothing stands out), how dark ink is, below what it is paper."""
    signal = np.maximum(contrast, 0)
    threshold = max(otsu(signal), 1.0)
    level = quantile(signal[signal > threshold], 0.75)
    noise = roughness(contrast[signal <= threshold])
    if level < max(FAINTEST, CLEAREST * noise):
        return np.zeros(contrast.shape, bool), level, 0.0
    floor = max(FLOOR * level, min(2.5 * noise, 0.4 * level))
    return signal > max(0.5 * threshold, floor), level, floor


def _is_shade(mask: Mask, bounds: Bounds, contrast: Grey) -> bool:
    """Whether what stands out is but a darker part of the paper: along a side, and without an edge.

    A digit cropped along its ink reaches all four sides; a shade does not, unless it runs around a corner.
    """
    left, top, right, bottom = bounds
    height, width = mask.shape
    if min(left, top) > 0 and right < width and bottom < height:
        return False
    along = [np.count_nonzero(side) / side.size for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])]
    if max(along) < ALONG:
        return False
    (least, most), (least_upright, most_upright) = sorted(along[:2]), sorted(along[2:])
    corner = min(most, most_upright) > AROUND and max(least, least_upright) < ALONG
    spans = max(left, width - right) <= NEAR * width + 1 and max(top, height - bottom) <= NEAR * height + 1
    if spans and not corner:
        return False
    level = quantile(contrast[mask], 0.9)
    core = mask & (contrast > 0.5 * level)
    filled = core.astype(np.uint8)
    reach = max(1, round(_stroke(core.astype(np.float32)) / 4))
    pen = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    inner = core & (cv2.erode(filled, pen) == 0)
    outer = ~core & (cv2.dilate(filled, pen) > 0)
    if not inner.any() or not outer.any():
        return True
    return float(contrast[inner].mean()) - float(contrast[outer].mean()) < EDGED * level


def _nothing(grey: Grey) -> str:
    flat = float(grey.max() - grey.min()) < FAINTEST
    what = "the picture is one flat colour" if flat else "nothing stands out from the paper"
    return f"no ink found: {what}; expected dark ink on light paper, or the reverse"


def _bounds(mask: Mask) -> Bounds:
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return left, top, left + width, top + height


def fit(ink: Grey) -> NDArray[np.uint8]:
    """Scale a cut-out digit into MNIST's 20x20 box and centre its mass in 28x28.

    ink: (h, w) float32, 0-1, cut to the digit's bounds. Returns (28, 28) uint8, 0-255.
    """
    height, width = ink.shape
    scale = BOX / max(height, width)
    stroke = _stroke(ink) * scale
    if 1.15 * stroke < THINNEST and max(height, width) >= BOX:
        ink = _widened(ink, THINNEST - stroke)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        small = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)
    else:
        large = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), np.float32)
        small = np.maximum(np.minimum(large, 1), 0)
    peak = quantile(small[small > 0.1], 0.9)
    return centre(np.minimum(small / max(peak, 0.05), 1))


_PLACES = np.arange(SIDE, dtype=np.float32)


def centre(small: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Put a digit of at most 20x20 (0-1) into 28x28 with its centre of mass in the middle."""
    height, width = small.shape
    columns, rows = small.sum(axis=0), small.sum(axis=1)
    total = float(columns.sum())
    if total <= 0:
        raise NoInkError("no ink found: the picture is one flat colour; expected dark ink on light paper")
    across = float(columns @ _PLACES[:width]) / total
    down = float(rows @ _PLACES[:height]) / total
    left = min(max(round(SIDE / 2 - across), 0), SIDE - width)
    top = min(max(round(SIDE / 2 - down), 0), SIDE - height)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = (small * 255 + 0.5).astype(np.uint8)
    return image


def _stroke(ink: Grey) -> float:
    """The pen's width in pixels: ink area over half its outline (a long stroke's area over its length)."""
    area = float(cv2.sumElems(ink)[0])
    round_it = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    down = cv2.norm(round_it[1:], round_it[:-1], cv2.NORM_L1)
    across = cv2.norm(round_it[:, 1:], round_it[:, :-1], cv2.NORM_L1)
    outline = down + across
    return 2 * area / max(outline * 0.7854, 1e-6)  # pi/4: a slanted outline counts in both directions


def _widened(ink: Grey, missing: float) -> Grey:
    """Draw the digit larger and dilate it by `missing` pixels of the 20x20 box."""
    height, width = ink.shape
    scale = SUPER * BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(ink, size, interpolation=shrink)
    diameter = max(1, round(missing * SUPER))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter + 1, diameter + 1))
    padded = cv2.copyMakeBorder(large, diameter, diameter, diameter, diameter, cv2.BORDER_CONSTANT, value=0)
    peak = max(float(padded.max()), 1e-6)
    return np.asarray(cv2.dilate(np.asarray(padded / peak, np.float32), pen), np.float32)
