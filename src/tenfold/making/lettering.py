"""Printed characters for made lines, from Matplotlib's DejaVu fonts: words that are no numbers, and labels.

In a written text a printed character stands as itself moved into a private range, so that `a` for any
handwritten letter and a printed "a" are different.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tenfold.judging.fonts import open_font

Ink = NDArray[np.uint8]

FACES = tuple(
    f"DejaVu{family}.ttf"
    for family in (
        "Sans",
        "Sans-Bold",
        "Sans-Oblique",
        "Sans-BoldOblique",
        "Serif",
        "Serif-Bold",
        "Serif-Italic",
        "SansMono",
        "SansMono-Oblique",
    )
)
CAPITAL = 48  # pixels: height of a capital in the masters
_PRIVATE = 0xE000
_LETTERS = "eeeeeeeetttttaaaaaooooiiiinnnnsssshhhrrrrddllllccuummwwffggyyppbbvkjxqzäöüéß"
_ALIKE = frozenset("oOlIiSsZzBbgqDG")
"""Alone these could be digits, whatever wrote them."""


@dataclass(frozen=True)
class Type:
    """How a line is printed: which of FACES, and the height of a capital in pixels."""

    face: int
    capital: float


def printed(text: str) -> str:
    """The text in printed characters; spaces stay."""
    return "".join(c if c == " " else chr(_PRIVATE + ord(c)) for c in text)


def unprinted(character: str) -> str:
    """The character that this one prints, or "" where it is not a printed one."""
    code = ord(character) - _PRIVATE
    return chr(code) if 0 < code < 0x400 else ""


def write_words(random: Random, most: int = 4) -> str:
    """One to `most` (at most 4) made-up words, each with a letter that is like no digit."""
    count = random.choices(range(1, most + 1), [6.0, 2.0, 1.0, 1.0][:most])[0]
    return " ".join(_word(random) for _ in range(count))


def _word(random: Random) -> str:
    length = random.choices(range(1, 10), (4, 16, 18, 14, 12, 10, 8, 6, 4))[0]
    kind = random.random()
    while True:
        word = "".join(random.choices(_LETTERS, k=length))
        if kind < 0.15:
            word = word.upper()
        elif kind < 0.45:
            word = word.capitalize()
        if not set(word) <= _ALIKE:
            return word


def choose_type(height: float, random: Random) -> Type:
    """A type in which capitals, or now and then small letters, are about as high as the digits."""
    tall = height * random.uniform(0.7, 1.0)
    return Type(random.randrange(len(FACES)), tall * (1.4 if random.random() < 0.35 else 1.0))


def draw_printed(character: str, type_: Type, baseline: float, slant: float, rows: int) -> Ink:
    """One character as a strip (rows, w), standing on the row `baseline`.

    slant: pixels to the right a pixel higher, beside the face's own.
    """
    master, foot = _master(type_.face, character)
    scale = type_.capital / CAPITAL
    width = int(master.shape[1] * scale + abs(slant) * rows) + 4
    left = 2 + abs(slant) * (rows - baseline if slant > 0 else baseline)
    matrix = np.array(
        [[scale, -slant * scale, left + slant * scale * foot], [0, scale, baseline - scale * foot]]
    )
    how = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(master, matrix, (width, rows), flags=how), np.uint8)


@cache
def _master(face: int, character: str) -> tuple[Ink, int]:
    """A character at CAPITAL, its sides trimmed, and the row it stands on."""
    font = open_font(FACES[face], round(CAPITAL / 0.729))  # a DejaVu capital's share of the em
    ascent, descent = font.getmetrics()
    plane = Image.new("L", (int(font.getlength(character)) + 2 * CAPITAL, ascent + descent))
    ImageDraw.Draw(plane).text((CAPITAL, 0), character, fill=255, font=font)
    drawn = np.asarray(plane, np.uint8)
    inked = np.flatnonzero(drawn.max(axis=0) > 0)
    first, last = (inked[0], inked[-1] + 1) if len(inked) else (0, CAPITAL // 3)
    return np.ascontiguousarray(drawn[:, first:last]), ascent
