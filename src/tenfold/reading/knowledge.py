"""What the user knows about a number: its length, its check digit, the list it is on.

Knowledge never changes a reading unless it was asked for; then it chooses among what the ink allows, and the
raw reading stays beside it.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import DataError, OptionError

CHECKS = ("luhn",)
MOST_IDS = 1_000_000
LARGEST_FILE = 64 << 20  # bytes
MOST_TEXTS = 300  # texts considered for one way of cutting a line


@dataclass(frozen=True)
class Knowledge:
    """What must hold for a number, where the user said so.

    length: its count of digits; check: the name of a check digit's rule; ids: the only texts there are.

    Raises OptionError on a length below 1, an unknown check, or ids that are not digits.
    """

    length: int | None = None
    check: str | None = None
    ids: frozenset[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        whole = isinstance(self.length, int | np.integer) and not isinstance(self.length, bool)
        if self.length is not None and not (whole and 1 <= self.length <= 64):
            raise OptionError(f"a number's length is from 1 to 64 digits, got {self.length!r}")
        if self.check is not None and self.check not in CHECKS:
            raise OptionError(f"no check is called {self.check!r}; there are {', '.join(CHECKS)}")
        if self.ids is not None:
            wrong = min((repr(text) for text in self.ids if not _is_digits(text)), default=None)
            if not self.ids or wrong is not None:
                raise OptionError(
                    "the ids are an empty list"
                    if wrong is None
                    else f"an id is a text of digits, got {wrong}"
                )

    def __bool__(self) -> bool:
        return self.length is not None or self.check is not None or self.ids is not None

    def allows(self, text: str) -> bool:
        """Whether a text of digits fits all that is known."""
        return (
            (self.length is None or len(text) == self.length)
            and (self.check is None or passes_luhn(text))
            and (self.ids is None or text in self.ids)
        )

    def vouches_for(self, text: str, raw: str) -> bool:
        """Whether a text may be sure in place of the raw one, which it may be itself.

        It has to fit. A text with more or fewer digits needs a length or a list that says so: every tenth
        text passes a check digit by chance, so it cannot tell that a digit was dropped.
        """
        counted = self.length is not None or self.ids is not None
        return self.allows(text) and (counted or len(text) == len(raw))

    @property
    def name(self) -> str:
        """What is known, in words: "length 7, luhn"."""
        parts = [f"length {self.length}" if self.length is not None else "", self.check or ""]
        return ", ".join(part for part in [*parts, "ids" if self.ids is not None else ""] if part)


def _is_digits(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit()


def passes_luhn(text: str) -> bool:
    """Whether the last digit is the check digit of those before it (Luhn 1960, US patent 2950048).

    >>> passes_luhn("79927398713"), passes_luhn("79927398710")
    (True, False)
    """
    if len(text) < 2:
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in text[-2::-2])
    return (sum(map(int, text[-1::-2])) + sum(doubled)) % 10 == 0


def read_ids(path: str | Path) -> frozenset[str]:
    """The ids in a text file, one a line; blank lines are passed over. Raises DataError."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        lines = content.decode("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected a text file with one id a line") from None
    except (OSError, ValueError) as error:  # ValueError: no text, or a name with a null byte
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read as text, one id a line ({reason})") from None
    if len(content) > LARGEST_FILE:
        raise DataError(f"{path}: is larger than {LARGEST_FILE >> 20} MB; expected a list of ids")
    ids = [line.strip() for line in lines if line.strip()]
    for place, text in enumerate(ids, 1):
        if not _is_digits(text):
            raise DataError(f"{path}: id {place} is {text[:40]!r}; expected digits only, one id a line")
    if not ids:
        raise DataError(f"{path}: holds no ids; expected one a line")
    if len(ids) > MOST_IDS:
        raise DataError(f"{path}: holds {len(ids)} ids; at most {MOST_IDS} can be looked through")
    return frozenset(ids)


def texts_allowed(
    knowledge: Knowledge, probabilities: NDArray[np.float32], most: int = MOST_TEXTS
) -> Iterator[tuple[str, float]]:
    """Texts that fit, with their log probability, likeliest first.

    probabilities: (digits, 10), one row a place.
    """
    logs = np.log(np.maximum(probabilities, 1e-9))
    if knowledge.ids is not None:
        listed = [text for text in knowledge.ids if len(text) == len(logs) and knowledge.allows(text)]
        scored = sorted(((_score(logs, text), text) for text in listed), reverse=True)
        yield from ((text, score) for score, text in scored[:most])
        return
    if knowledge.length not in (None, len(logs)):
        return
    found = 0
    for text, score in _likeliest(logs, 40 * most):
        if knowledge.allows(text):
            yield text, score
            found += 1
            if found >= most:
                return


def _score(logs: NDArray[np.float32], text: str) -> float:
    return float(logs[np.arange(len(text)), [int(digit) for digit in text]].sum())


def _likeliest(logs: NDArray[np.float32], most: int) -> Iterator[tuple[str, float]]:
    """Texts by falling probability, each place free: a best-first walk over ranks."""
    order = np.argsort(-logs, axis=1)
    ranked = np.take_along_axis(logs, order, axis=1)
    start: Sequence[int] = (0,) * len(logs)
    heap = [(-float(ranked[:, 0].sum()), tuple(start))]
    seen = {tuple(start)}
    for _ in range(most):
        if not heap:
            return
        cost, ranks = heapq.heappop(heap)
        yield "".join(str(order[place, rank]) for place, rank in enumerate(ranks)), -cost
        for place, rank in enumerate(ranks):
            following = (*ranks[:place], rank + 1, *ranks[place + 1 :])
            if rank + 1 < logs.shape[1] and following not in seen:
                seen.add(following)
                heapq.heappush(heap, (cost + float(ranked[place, rank] - ranked[place, rank + 1]), following))
