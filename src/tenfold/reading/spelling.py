"""Numbers and shares spelled for people: unsure digits and marks shown where they stand."""

from math import isnan

from tenfold.reading.answers import MarkKind, Number

UNSURE = "?"
UNKNOWN = "–"
SIGNS: dict[MarkKind, str] = {"point": ".", "comma": ",", "minus": "-", "cut": "|", "other": "~"}
"""What stands for each kind of mark; all of it ASCII, so that any terminal and font can show it."""


def spell(number: Number, guess: bool = False) -> str:
    """A number as it stands on the page, its marks among its digits: "-12.5?".

    guess: show the best guess for an unsure digit, not "?".
    """
    digits = [UNSURE if digit.unsure and not guess else digit.label for digit in number.digits]
    spelled = ""
    for position in range(len(digits) + 1):
        spelled += "".join(SIGNS[mark.kind] for mark in number.marks if mark.position == position)
        spelled += "".join(digits[position : position + 1])
    return spelled


def percent(share: float, decimals: int = 1) -> str:
    """A share, 0-1, in percent, without rounding doubt away: only 1 is shown as 100%, only 0 as 0%.

    >>> percent(0.9997), percent(1.0), percent(0.00001), percent(0.99999, 2), percent(float("nan"))
    ('99.9%', '100.0%', '0.1%', '99.99%', '–')
    """
    if isnan(share):
        return UNKNOWN
    step = 10.0**-decimals
    shown = 100 * share
    if 0 < share < 1:
        shown = min(max(shown, step), 100 - step)
    return f"{shown:.{decimals}f}%"
