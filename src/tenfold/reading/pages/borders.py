"""What lies along a picture's border and is not the page: a scanner's lid, the table, a dark frame."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.paper import Ink, strokes

LONG = 0.12  # of a side: ink that runs along it for as long is no writing
SHORTEST = 60  # pixels: nor is it shorter
DEEPEST = 0.1  # of the picture: how far in from the border it is followed
START = 3  # pixels: how far in from the border it may begin


def without_borders(ink: Ink) -> Ink:
    """The ink without what runs along the picture's border for long, as deep as it goes unbroken."""
    mask = strokes(ink)
    strength = ink.strength.copy()
    for quarters in range(4):  # each side in its turn is the left one
        turned, seen = np.rot90(strength, quarters), np.rot90(mask, quarters)
        depth = _depth(seen)
        reach = int(depth.max(initial=0))
        if reach:
            turned[:, :reach][np.arange(reach)[None, :] < depth[:, None]] = 0
    return replace(ink, strength=strength)


def _depth(mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels from the left border are dark frame, for each row."""
    height, width = mask.shape
    deepest = max(START + 1, round(DEEPEST * width))
    band = mask[:, :deepest]
    touching = band[:, :START].max(axis=1).astype(np.uint8)[:, None]
    length = max(SHORTEST, round(LONG * height))
    if height <= length:
        return np.zeros(height, np.int64)
    closed = cv2.morphologyEx(touching, cv2.MORPH_CLOSE, np.ones((9, 1), np.uint8))
    along = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))[:, 0] > 0
    bare = band == 0
    bare[:, :START] = False
    ends = np.where(bare.any(axis=1), bare.argmax(axis=1), deepest)
    return np.where(along, ends + 1, 0)
