"""Ink against paper: how far each pixel of a grey picture stands out, whatever the light and the polarity."""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]

THUMBNAIL = 32  # pixels: longest side while polarity is decided
RING = 0.15  # of the side: how far in from the edge the paper is looked for
EVEN = 3.0  # grey levels: paper whose edge varies less than this is one shade
UNCLEAR = (0.25, 0.75)  # shares of light pixels that do not settle which side is paper
SKEWED = 0.7  # skewness that settles it
WIDEST = 0.4  # of the shorter side: ink is never wider than this, shadows are
WIDEST_SMALL = 0.75  # the same where a digit fills a small picture
SMALL = 40  # pixels


def contrast_of(grey: Grey) -> Grey:
    """How far each pixel stands out from the paper, positive on the ink's side.

    grey: (h, w) float32, 0-255, of either polarity. Returns (h, w) float32 in grey levels.
    Paper that is not one shade is taken from a closing, which fills ink and keeps shadows' edges
    (Serra 1982; "black top-hat").
    """
    small = scaled(grey, min(1.0, THUMBNAIL / max(grey.shape)))
    light = _paper_is_light(small, min(grey.shape) > SMALL)
    towards = grey if light else 255 - grey
    if _even(small):
        rim = _edge(small if light else 255 - small)
        return quantile(rim, 0.5) - towards
    return _top_hat(towards)


def _edge(values: Grey) -> Grey:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _even(small: Grey) -> bool:
    edge = _edge(small)
    return float(edge.max() - edge.min()) < EVEN


def _paper_is_light(small: Grey, large: bool) -> bool:
    """Paper is the shade that holds most of a broad ring and of the whole.

    Where a shadow's edge makes that unclear in a large picture, ink is what is far from its surroundings
    on one side only, which the sign of the skewness tells.
    """
    above = small - float(small.min())
    bright = above > otsu(above)
    height, width = small.shape
    rows, columns = max(1, round(RING * height)), max(1, round(RING * width))
    middle = bright[rows : height - rows, columns : width - columns]
    ring = bright.size - middle.size
    around = (np.count_nonzero(bright) - np.count_nonzero(middle)) / ring
    share = (2 * around + np.count_nonzero(bright) / bright.size) / 3
    if large and UNCLEAR[0] < share < UNCLEAR[1]:
        side = max(3, round(0.3 * min(small.shape))) | 1
        away = small - cv2.blur(small, (side, side), borderType=cv2.BORDER_REPLICATE)
        spread = float(np.square(away).mean()) ** 1.5
        skewness = float((away**3).mean()) / max(spread, 1e-6)
        if abs(skewness) > SKEWED:
            return bool(skewness < 0)
    return bool(share >= 0.5)


def _top_hat(light: Grey) -> Grey:
    """Dark ink on light paper of any shade: what a closing of the paper adds, noise centred on 0."""
    shorter = min(light.shape)
    side = max(3, round((WIDEST if shorter > SMALL else WIDEST_SMALL) * shorter)) | 1
    calm = cv2.blur(light, (3, 3)) if shorter > SMALL else light
    paper = cv2.morphologyEx(calm, cv2.MORPH_CLOSE, square(side), borderType=cv2.BORDER_REPLICATE)
    contrast = np.asarray(paper - light, np.float32)
    blank = contrast[contrast <= otsu(np.maximum(contrast, 0))]
    return contrast - quantile(blank, 0.5)


@lru_cache(maxsize=256)
def square(side: int) -> NDArray[np.uint8]:
    """A pen for morphology, `side` pixels square; not to be written into."""
    return np.ones((side, side), np.uint8)


def roughness(paper: Grey) -> float:
    """The paper's own roughness: a robust standard deviation (1.48 times the median distance from 0)."""
    return 1.48 * quantile(np.abs(paper), 0.5)


def quantile(values: Grey, share: float) -> float:
    """The value below which a share of all values lies; 0 of none. (np.quantile costs ten times as much.)"""
    if not values.size:
        return 0.0
    rank = int(share * (values.size - 1))
    ordered = values.flatten()
    # One rank alone takes NumPy's AVX-512 quickselect, 25 times slower where most values are equal.
    ordered.partition((rank, rank))
    return float(ordered[rank])


def median(values: NDArray[Any]) -> float:
    """The middle value, or the mean of the middle two; 0 of none. (np.median first imports for 30 ms.)"""
    if not values.size:
        return 0.0
    half = values.size // 2
    ordered = values.flatten()
    ordered.partition((half - 1, half))
    return float(ordered[half] if values.size % 2 else (ordered[half - 1] + ordered[half]) / 2)


def otsu(values: Grey) -> float:
    """The threshold that best splits values, 0 and above, in two (Otsu 1979)."""
    top = float(values.max())
    if top <= 0:
        return 0.0
    levels = (values * (255 / top)).astype(np.uint8)
    return float(cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0]) * top / 255


def scaled(values: NDArray[np.uint8] | Grey, scale: float) -> Grey:
    """A picture made smaller by averaging, as float32; left alone where scale is 1 or more."""
    if scale >= 1:
        return values.astype(np.float32)
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
