"""One digit a picture, as strangers would bring it: a named style for each way of writing and taking.

A style is a function of a (28, 28) uint8 image and a random generator; it returns an array of any shape
or the bytes of a picture file. Everything is made from the image it is given.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

import makers.styles  # noqa: F401 - importing the families enters their styles
from makers.strokes import faithful
from makers.styles.common import ONLY as ONLY
from makers.styles.common import STYLES as STYLES
from makers.styles.common import TRACED, Picture


def digits(
    n: int, seed: int, images: NDArray[np.uint8], labels: NDArray[np.int64], style: str | None = None
) -> list[tuple[Picture, int, str]]:
    """`n` strangers' pictures with label and style; styles take turns, each draws its own image."""
    names = [style] if style else list(STYLES)
    if style and style not in STYLES:
        raise ValueError(f"no style {style!r}; there are {', '.join(STYLES)}")
    made = []
    for i in range(n):
        name = names[i % len(names)]
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), i // len(names)])
        wanted = np.flatnonzero(labels == ONLY[name]) if name in ONLY else np.arange(len(labels))
        k = int(rng.choice(wanted))
        while name in TRACED and not faithful(images[k]):
            k = int(rng.choice(wanted))
        made.append((STYLES[name](images[k], rng), int(labels[k]), name))
    return made
