"""What is written on lines: numbers in the ways people write them, and what each character stands for."""

from random import Random

from tenfold.making.lettering import printed, unprinted, write_words
from tenfold.reading.linereading import SYMBOLS

DIGITS = "0123456789"
OTHER = SYMBOLS.index("other")

UNITS = ("kg", "cm", "mm", "km", "m", "g", "ml", "h", "min", "pcs", "EUR", "USD", "°C", "kWh", "V", "A", "x")
NAMES = ("No.", "No", "Nr.", "Tel.", "Fr.", "$", "£", "¥", "#", "Age:", "Page", "EUR", "Room", "A", "K", "R")

# What a character of a written text stands for; everything else is "other".
_MEANING = {**{digit: digit for digit in DIGITS}, ".": "point", ",": "comma", "-": "minus", "_": "minus"}


def write_text(random: Random) -> str:
    """A text in the form people write numbers, or none.

    Digits, `.`, `,`, `-`, `=`, `/`, `:`, `'`, brackets and spaces stand for themselves, `_` for a long dash,
    `a` for any letter, `$` for any sign, `~` for a scribble. Printed characters are as in `lettering`.
    """
    kinds = (_amount, _digits, _short, _identity, _date, _letters, _mixed, _nothing)
    return random.choices(kinds, (40, 20, 12, 10, 4, 5, 5, 3))[0](random)


def add_signs(text: str, random: Random) -> str:
    """The text, sometimes with a sign before it or strokes that close it.

    `S` stands for a dollar, `C` for another currency, `|` for a slash no higher than a digit.
    """
    if not any(character in DIGITS for character in text):
        return text
    share = 0.3 if any(character in ".,=-$" for character in text) else 0.12
    if random.random() < share:
        text = random.choice(("S", "S ", "S", "S ", "aS ", "aS", "C", "C ", "C ", "aa ")) + text
    if random.random() < share:
        text += random.choice((" ||", " ||", " |||", " =", " =", "=", " _", "_", " ~", "~", " #", " /"))
    return text


def print_text(random: Random) -> str:
    """Printed words, a printed label with a number beside it written by hand, or a printed number."""
    kind = random.random()
    if kind < 0.6:
        return printed(write_words(random))
    if kind < 0.85:
        label, number = printed(write_words(random, 2)), _amount(random)
        colon = printed(":") if random.random() < 0.5 else ""
        space = random.choice((" ", "  "))
        return label + colon + space + number if random.random() < 0.75 else number + space + label
    return printed(_some_digits(random.randint(1, 6), random))


def name_unit(random: Random) -> str:
    """A number with a unit or a name, a fraction, a date, a time.

    `%` stands for itself, `\\` for a slash that may be no taller than the digits.
    """
    kinds = (_share, _fraction, _slashed_date, _with_unit, _named, _time)
    return random.choices(kinds, (25, 15, 20, 20, 15, 5))[0](random)


def _share(random: Random) -> str:
    tenths = random.choice((".", ",")) + random.choice(DIGITS) if random.random() < 0.2 else ""
    sign = random.choice(("%", "%", " %", printed("%"), " " + printed("%")))
    return _some_digits(random.choices((1, 2, 3), (3, 6, 1))[0], random) + tenths + sign


def _fraction(random: Random) -> str:
    whole = random.choice(DIGITS) + " " if random.random() < 0.2 else ""
    count = random.choices((1, 2, 3), (6, 3, 1))[0]
    return whole + _some_digits(count, random) + random.choice("\\\\/") + _some_digits(count, random)


def _slashed_date(random: Random) -> str:
    year = random.choice((str(random.randint(1900, 2060)), f"{random.randint(0, 99):02d}", ""))
    day, month = (random.choice((str(n), f"{n:02d}")) for n in (random.randint(1, 31), random.randint(1, 12)))
    return (random.choice("\\\\/")).join(filter(None, (day, month, year)))


def _with_unit(random: Random) -> str:
    unit = random.choice(("a", "aa", "aa", "aaa", printed(random.choice(UNITS))))
    return (
        _some_digits(random.choices((1, 2, 3, 4), (3, 5, 4, 2))[0], random) + random.choice(("", " ")) + unit
    )


def _named(random: Random) -> str:
    name = random.choice(("aa.", "a", "aa", "#", "C", "S", "aaa:", printed(random.choice(NAMES))))
    return name + random.choice(("", " ")) + _some_digits(random.randint(1, 5), random)


def _time(random: Random) -> str:
    return f"{random.randint(0, 23)}:{random.randint(0, 59):02d}" + random.choice(("", "", " aa"))


def _some_digits(count: int, random: Random) -> str:
    """Digits as in amounts: evenly, or round, or with one digit again and again."""
    kind = random.random()
    if kind < 0.62:
        return "".join(random.choices(DIGITS, k=count))
    if kind < 0.87:
        kept = random.randint(1, max(1, count - 1))
        return "".join(random.choices(DIGITS[1:], k=1) + random.choices(DIGITS, k=kept - 1)) + "0" * (
            count - kept
        )
    favourite = random.choice(DIGITS)
    return "".join(favourite if random.random() < 0.6 else random.choice(DIGITS) for _ in range(count))


def _amount(random: Random) -> str:
    whole = _some_digits(random.choices(range(1, 9), (3, 6, 13, 22, 26, 16, 8, 6))[0], random)
    if len(whole) > 3 and random.random() < 0.62:
        separator = random.choices(". ,'", (6, 2, 2.5, 0.4))[0]
        head = len(whole) % 3 or 3
        parts = [whole[:head]] + [whole[i : i + 3] for i in range(head, len(whole), 3)]
        whole = separator.join(parts)
    if random.random() < 0.2:
        whole += random.choice(".,,") + random.choice(
            ("00", _some_digits(2, random), _some_digits(1, random))
        )
    start = random.choices(
        ("", "$", "=", "-", "a", "aa", "$ ", "(", "~", ".", "aa."), (78, 6, 2, 2, 2, 1.5, 3, 1, 1, 1, 1)
    )[0]
    ends = (
        "",
        ".",
        ",",
        "-",
        ".-",
        ",-",
        "=",
        ".=",
        ",=",
        "_",
        "._",
        "/",
        "/-",
        "$",
        "~",
        ")",
        "--",
        " a",
        "aa",
        " -",
    )
    weights = (52, 9, 4, 7, 5, 3, 4, 2, 1, 2, 1, 1.5, 1, 1, 1.5, 0.7, 1, 1, 1, 2)
    return start + whole + random.choices(ends, weights)[0]


def _digits(random: Random) -> str:
    return _some_digits(random.randint(1, 10), random)


def _short(random: Random) -> str:
    return _some_digits(random.randint(1, 3), random) + random.choices(("", ".", "-", ")"), (8, 1, 1, 0.5))[0]


def _identity(random: Random) -> str:
    text = _some_digits(random.randint(5, 12), random)
    if random.random() < 0.4:
        place = random.randint(1, len(text) - 1)
        text = text[:place] + random.choice(" -/ .") + text[place:]
    return text


def _date(random: Random) -> str:
    separator = random.choice("/.- /")
    year = random.choice((str(random.randint(1900, 2060)), f"{random.randint(0, 99):02d}"))
    return separator.join((f"{random.randint(1, 31):02d}", f"{random.randint(1, 12):02d}", year))


def _letters(random: Random) -> str:
    words = [
        "".join(random.choices("a$~", (20, 1, 1), k=random.randint(1, 7)))
        for _ in range(random.randint(1, 2))
    ]
    return " ".join(words)


def _mixed(random: Random) -> str:
    parts = [random.choice(("a", "aa", "aaa", "$", "~", ":")), _some_digits(random.randint(1, 5), random)]
    if random.random() < 0.5:
        parts.reverse()
    if random.random() < 0.3:
        parts.append(random.choice(("a", "aa", _some_digits(2, random))))
    return random.choice(("", " ")).join(parts)


def _nothing(random: Random) -> str:
    return random.choices(("", "-", "_", "."), (6, 1, 1, 0.5))[0]


def meaning(text: str) -> tuple[int, ...]:
    """Indices into SYMBOLS of a written text; a run of what is no digit and no mark is one "other"."""
    symbols: list[int] = []
    for character in text.replace(" ", ""):
        symbol = SYMBOLS.index(_MEANING.get(unprinted(character) or character, "other"))
        if symbol != OTHER or symbols[-1:] != [OTHER]:
            symbols.append(symbol)
    return tuple(symbols)
