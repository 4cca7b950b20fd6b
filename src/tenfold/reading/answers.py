"""What a reader answers: plain values, no behaviour beyond showing themselves."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
"""A place in the user's picture: x to the right, y down, in pixels."""

Polygon = tuple[Point, ...]
"""Corners in order: top left, top right, bottom right, bottom left as one reads the digits."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one digit.

    digit: the class with the greatest probability, 0-9 for MNIST's readers; None when the picture
        could not be read.
    label: the class's name ("7"); "" where `digit` is None.
    confidence: greatest probability times the probability that this is a digit at all, 0-1.
    unsure: confidence is below the threshold in the reader's card, or more is written beside the digit.
    probabilities: (classes,) float32 summing to 1 (all zero where `digit` is None).
    image: the (28, 28) uint8 image the network saw, bright ink on dark.
    box: where the digit is in the user's picture; None when it was brought as an image.
    source: the picture's name, where it has one.
    error: why there is no answer; None where there is one.
    notes: things the user should know, such as "first frame of 12".
    is_digit: probability that this is a digit at all, 0-1; 1 from a reader that has no way to refuse.
    """

    digit: int | None
    label: str
    confidence: float
    unsure: bool
    probabilities: NDArray[np.float32] = field(repr=False)
    image: NDArray[np.uint8] = field(repr=False)
    box: Polygon | None = None
    source: str | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    is_digit: float = 1.0


MarkKind = Literal["point", "comma", "minus", "cut", "other"]


@dataclass(frozen=True)
class Mark:
    """Something written in a number that is not a digit.

    kind: "point", "comma" or "minus"; "cut" for a digit that the picture's edge cuts through;
        "other" for ink that is no digit (a letter, a currency sign, a closing stroke).
    position: how many digits of the number's text stand before it.
    box: where it is in the user's picture.
    confidence: how sure the kind is, 0-1.
    """

    kind: MarkKind
    position: int
    box: Polygon
    confidence: float


@dataclass(frozen=True, eq=False)
class Number:
    """A run of digits read together.

    text: the digits, best guess, nothing else.
    confidence: how likely the whole text is right, 0-1; never above its weakest digit's confidence.
    unsure: the confidence is below the threshold, or one of `notes` says what else makes it so.
    box: the four corners around it in the user's picture.
    digits: a Prediction each, with its box.
    alternatives: (text, probability) of the next best texts, best first.
    marks: what stands in it that is not a digit.
    region: the name of the field it was read in, where fields were given.
    rule: the knowledge that was asked for and decided the text, such as "length 7"; None if none did.
    raw: what was read before that knowledge; equal to `text` where none was asked for.
    notes: why it is unsure, beside its confidence, such as "more is written beside it".
    """

    text: str
    confidence: float
    unsure: bool
    box: Polygon
    digits: tuple[Prediction, ...]
    alternatives: tuple[tuple[str, float], ...] = ()
    marks: tuple[Mark, ...] = ()
    region: str | None = None
    rule: str | None = None
    raw: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Page:
    """A picture with any number of numbers, in reading order; blank paper has none.

    size: width and height of the user's picture in pixels, upright as the boxes count them.
    """

    numbers: tuple[Number, ...]
    size: tuple[int, int]
    source: str | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
