"""From any picture of one digit to the 28x28 image that MNIST's makers would have made.

MNIST's digits were "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio", and
centred "by computing the center of mass of the pixels" in 28x28 (LeCun, Cortes, Burges, 1998). To get there
from a photo or scan: find which of dark and light is the ink, take the paper's shading away, drop what is
not the digit, bring a hairline pen to a readable width, then scale and centre.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import NoInkError, PictureError
from tenfold.reading.decode import decode

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE = 28
BOX = 20
SMALLEST = 4  # pixels: below this side there is no digit to see
WORKING = 160  # pixels: longest side while looking for the digit
DETAIL = 88  # pixels: a digit smaller than this, found in a larger picture, is looked at again from near
THUMBNAIL = 32  # pixels: longest side while estimating the paper
RING = 0.15  # of the side: how far in from the edge the paper is looked for
EVEN = 3.0  # grey levels: paper whose edge varies less than this needs no surface
FAINTEST = 7.0  # grey levels of 255 that ink must stand out by
CLEAREST = 4.5  # times the paper's noise that ink must stand out by
FLOOR = 0.12  # of the ink's darkness: below this it is paper
THINNEST = 1.75  # pixels in the 20x20 box: a pen thinner than this is drawn this wide
SUPER = 4  # the digit is drawn at this multiple of the box while the pen is widened


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image and where its digit was found.

    image: (28, 28) uint8, bright ink on dark.
    box: left, top, right, bottom in the picture's pixels.
    """

    image: NDArray[np.uint8] = field(repr=False)
    box: tuple[float, float, float, float]


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


def _greys(values: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Lightness, and for a coloured picture also its most varied channel, should lightness show nothing."""
    if values.ndim == 2:
        return [values]
    lightness = np.asarray(cv2.cvtColor(np.ascontiguousarray(values), cv2.COLOR_RGB2GRAY), np.uint8)
    channel = int(np.argmax(values.reshape(-1, 3)[:: max(1, values.size // 30000)].std(axis=0)))
    return [lightness, np.ascontiguousarray(values[..., channel])]


def _locate(values: NDArray[np.uint8]) -> Prepared:
    """Look at the whole picture; where the digit is a small part of it, look again from near."""
    height, width = values.shape
    scale = min(1.0, WORKING / max(height, width))
    ink, mask = find_ink(_scaled(values, scale))
    left, top, right, bottom = _bounds(mask)
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
                return Prepared(near.image, (a + x0, b + y0, c + x0, d + y0))
    box = (left / scale, top / scale, right / scale, bottom / scale)
    return Prepared(fit(ink[top:bottom, left:right]), box)


def _scaled(values: NDArray[np.uint8] | Grey, scale: float) -> Grey:
    if scale >= 1:
        return values.astype(np.float32)
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def find_ink(grey: Grey) -> tuple[Grey, Mask]:
    """Which pixels of a grey picture are the digit, and how strongly.

    grey: (h, w) float32, 0-255, of either polarity.
    Returns ink (h, w) float32 0-1, zero off the digit, and its mask (h, w). Raises NoInkError.
    """
    contrast = _contrast(grey)
    signal = np.maximum(contrast, 0)
    threshold = _otsu(signal)
    noise = _noise(contrast[signal <= threshold])
    written = signal > threshold
    if not written.any():
        raise NoInkError(_nothing(grey))
    level = _quantile(signal[written], 0.75)
    if level < max(FAINTEST, CLEAREST * noise):
        raise NoInkError(_nothing(grey))
    floor = max(FLOOR * level, min(2.5 * noise, 0.4 * level))
    mask = _digit(signal > max(0.5 * threshold, floor), signal)
    if not mask.any():
        raise NoInkError(_nothing(grey))
    ink = np.clip((signal - floor) / (0.92 * level - floor), 0, 1)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    ink[~near] = 0
    return ink.astype(np.float32), mask


def _nothing(grey: Grey) -> str:
    flat = float(grey.max() - grey.min()) < FAINTEST
    what = "the picture is one flat colour" if flat else "nothing stands out from the paper"
    return f"no ink found: {what}; expected dark ink on light paper, or the reverse"


def _contrast(grey: Grey) -> Grey:
    """How far each pixel stands out from the paper, positive on the ink's side; (h, w) float32."""
    scale = min(1.0, THUMBNAIL / max(grey.shape))
    small = _scaled(grey, scale)
    light = _paper_is_light(small)
    paper = _paper(small if light else 255 - small)
    if scale < 1:
        paper = np.asarray(cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    return paper - (grey if light else 255 - grey)


def _paper_is_light(small: Grey) -> bool:
    """Paper is the side of Otsu's threshold that holds most of a broad ring along the edge."""
    low, high = float(small.min()), float(small.max())
    if high - low < 1:
        return True
    bright = small - low > _otsu(small - low)
    height, width = small.shape
    rows, columns = max(1, round(RING * height)), max(1, round(RING * width))
    ring = np.ones(small.shape, bool)
    ring[rows : height - rows, columns : width - columns] = False
    return float(bright[ring].mean()) + 0.5 * float(bright.mean()) > 0.75


def _paper(small: Grey) -> Grey:
    """A smooth surface through light paper that pays no heed to ink: a quadric fitted again and again.

    small: (h, w) float32, paper lighter than ink. Returns (h, w) float32.
    """
    values = small.ravel()
    middle = _quantile(values, 0.5)
    ring = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    if float(ring.max() - ring.min()) < EVEN:
        return np.full_like(small, ring.mean())
    terms = _terms(*small.shape)
    weight = (values >= middle).astype(np.float32)
    surface = np.full_like(values, middle)
    for _ in range(3):
        weighted = terms * weight[:, None]
        normal = weighted.T @ terms + 0.02 * float(weight.sum()) * _STIFFNESS
        surface = terms @ np.linalg.solve(normal, weighted.T @ values)
        residual = values - surface
        spread = 1.5 * _quantile(np.abs(residual[weight > 0.5]), 0.5) + 1.0
        scaled = np.where(residual < 0, 0.8, 0.4) / spread * residual
        weight = 1 / (1 + np.square(np.square(scaled)))
    return surface.reshape(small.shape)


_STIFFNESS = np.diag([0, 1, 1, 4, 4, 4]).astype(np.float32)


@lru_cache(maxsize=256)
def _terms(height: int, width: int) -> Grey:
    """The terms of a quadric at each pixel, (h*w, 6); coordinates run from -1 to 1."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6).astype(np.float32)


def _noise(paper: Grey) -> float:
    """The paper's own roughness: a robust standard deviation (1.48 times the median distance from it)."""
    return 1.48 * _quantile(np.abs(paper), 0.5)


def _quantile(values: Grey, share: float) -> float:
    """The value below which a share of all values lies; 0 of none. (np.quantile costs ten times as much.)"""
    if not values.size:
        return 0.0
    rank = int(share * (values.size - 1))
    return float(np.partition(values.ravel(), rank)[rank])


def _otsu(values: Grey) -> float:
    """The threshold that best splits values from 0 to 255 in two (Otsu 1979)."""
    top = float(values.max())
    if top <= 0:
        return 0.0
    scaled = (values * (255 / top)).astype(np.uint8)
    return float(cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)[0]) * top / 255


def _digit(written: Mask, signal: Grey) -> Mask:
    """Keep the components that make up the digit; drop rules and box edges at the border, and specks."""
    written = _without_edges(written)
    count, names, stats, centres = cv2.connectedComponentsWithStats(written.astype(np.uint8), connectivity=8)
    if count <= 2:
        return written
    height, width = written.shape
    strength = np.bincount(names.ravel(), weights=signal.ravel(), minlength=count)
    strength[0] = 0
    offset = np.abs((centres + 0.5) / (width, height) - 0.5).max(axis=1) * 2  # 0 in the middle, 1 at the edge
    main = int(np.argmax(strength * (1.15 - np.clip(offset, 0, 1))))
    kept = np.array([i > 0 and _belongs(stats[i], stats[main], (height, width)) for i in range(count)])
    kept[main] = True
    kept[0] = False
    return np.asarray(kept[names])


def _belongs(part: NDArray[np.int32], main: NDArray[np.int32], size: tuple[int, int]) -> bool:
    """Whether a component is part of the digit whose greatest component is `main` (both: x, y, w, h, area)."""
    x, y, w, h, area = (int(v) for v in part)
    mx, my, mw, mh, marea = (int(v) for v in main)
    if area < 0.012 * marea or area < 2:
        return False
    gap_x = max(mx - (x + w), x - (mx + mw), 0)
    gap_y = max(my - (y + h), y - (my + mh), 0)
    reach = 0.3 * max(mw, mh)
    if max(gap_x, gap_y) > reach:
        return False
    at_edge = x <= 0 or y <= 0 or x + w >= size[1] or y + h >= size[0]
    return area >= (0.25 if at_edge else 0.02) * marea or gap_x + gap_y < 0.08 * max(mw, mh)


def _without_edges(written: Mask) -> Mask:
    """Clear ruled lines and box edges: long straight runs near the border and across the paper."""
    height, width = written.shape
    rows, columns = written.mean(axis=1), written.mean(axis=0)
    bad_rows = _rule_rows(rows, height)
    bad_columns = _rule_rows(columns, width)
    if not (bad_rows.any() or bad_columns.any()):
        return written
    cleaned = written.copy()
    cleaned[bad_rows] = False
    cleaned[:, bad_columns] = False
    return cleaned if cleaned.sum() > 0.08 * written.sum() else written


def _rule_rows(share: NDArray[np.float64], size: int) -> Mask:
    """Rows near either border that are written nearly from side to side, and those outside them."""
    bad = np.zeros(size, bool)
    reach = max(1, round(0.22 * size))
    full = share > 0.8
    if not full.any() or full.mean() > 0.2:
        return bad
    before = np.flatnonzero(full[:reach])
    after = np.flatnonzero(full[size - reach :])
    if before.size:
        bad[: before[-1] + 1] = True
    if after.size:
        bad[size - reach + after[0] :] = True
    return bad


def _bounds(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def fit(ink: Grey) -> NDArray[np.uint8]:
    """Scale a cut-out digit into MNIST's 20x20 box and centre its mass in 28x28.

    ink: (h, w) float32, 0-1, cut to the digit's bounds. Returns (28, 28) uint8, 0-255.
    """
    height, width = ink.shape
    scale = BOX / max(height, width)
    if 1.15 * _stroke(ink) * scale < THINNEST and max(height, width) >= BOX:
        ink = _widened(ink, THINNEST - _stroke(ink) * scale)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    else:
        small = np.clip(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    peak = _quantile(small[small > 0.1], 0.9)
    return centre(np.minimum(small / max(peak, 0.05), 1))


def centre(small: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Put a digit of at most 20x20 (0-1) into 28x28 with its centre of mass in the middle."""
    height, width = small.shape
    total = float(small.sum())
    if total <= 0:
        raise NoInkError("no ink found: the picture is one flat colour; expected dark ink on light paper")
    across = float(small.sum(axis=0) @ np.arange(width)) / total
    down = float(small.sum(axis=1) @ np.arange(height)) / total
    left = int(np.clip(round(SIDE / 2 - across), 0, SIDE - width))
    top = int(np.clip(round(SIDE / 2 - down), 0, SIDE - height))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = (small * 255 + 0.5).astype(np.uint8)
    return image


def _stroke(ink: Grey) -> float:
    """The pen's width in pixels: ink area over half its outline (a long stroke's area over its length)."""
    area = float(ink.sum())
    outline = float(np.abs(np.diff(ink, axis=0, prepend=0, append=0)).sum())
    outline += float(np.abs(np.diff(ink, axis=1, prepend=0, append=0)).sum())
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
    return np.asarray(cv2.dilate(padded / peak, pen), np.float32)
