"""Smaller grey copies of one picture, each made cheaply from the next larger."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.reading.pages.geometry import Matrix, scaling
from tenfold.reading.pages.paper import to_grey

Pixels = NDArray[np.uint8]

AFAR = 900  # pixels: longest side of a picture looked at from afar


class Copies:
    """A picture, (h, w) or (h, w, 3) uint8, and its copies at half its size, at a quarter, and so on."""

    def __init__(self, picture: Pixels) -> None:
        self.height, self.width = picture.shape[:2]
        self.afar = min(1.0, AFAR / max(self.height, self.width))  # scale of a first look
        self._halves = [np.ascontiguousarray(picture)]
        self._greys: dict[int, Pixels] = {}

    def grey(self, scale: float) -> tuple[Pixels, Matrix]:
        """A grey copy at a scale of at most 1, and the way to it from the picture."""
        halvings = 0
        while 0.5**halvings * min(self.height, self.width) >= 4 and scale <= 0.5 ** (halvings + 1) + 1e-6:
            halvings += 1
        grey = self._grey(halvings)
        matrix = scaling(0.5**halvings)
        rest = scale * 2**halvings
        if rest > 0.999:
            return grey, matrix
        height, width = grey.shape
        size = (max(1, round(width * rest)), max(1, round(height * rest)))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(small, np.uint8), scaling(size[0] / width, size[1] / height) @ matrix

    def _grey(self, halvings: int) -> Pixels:
        if halvings not in self._greys:
            while len(self._halves) <= halvings:
                self._halves.append(half(self._halves[-1]))
            self._greys[halvings] = to_grey(self._halves[halvings])
        return self._greys[halvings]


def half(picture: Pixels) -> Pixels:
    """A picture at half its size; an odd last row or column is left out."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    even = picture[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
