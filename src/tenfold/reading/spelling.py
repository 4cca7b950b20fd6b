"""Numbers spelled for people: unsure digits and marks shown where they stand."""

from tenfold.reading.answers import MarkKind, Number

UNSURE = "?"
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
