"""Reading a line: its ink to the line network's input, the network's answer to texts. No TensorFlow."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.errors import PictureError, ReaderError
from tenfold.reading import ctc
from tenfold.reading.bundle import WEIGHTS, open_network

Ink = NDArray[np.uint8]
"""(h, w) uint8, bright ink on dark paper."""

HEIGHT = 40  # rows of the network's input
STRIDE = 4  # input pixels a column of its answers
SYMBOLS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "point", "comma", "minus", "other")
BLANK = len(SYMBOLS)
WIDEST = 4096  # columns; a longer line is squeezed
_STEP = 16  # widths the network is given are multiples of this many columns
_BATCH = 32  # lines
_LEAD = 2 * STRIDE  # columns of paper put before a line, without which its first digit is read worse
_NEGLIGIBLE = 1e-3  # texts that are less likely than this share of the likeliest are not told
_SURE = 0.95  # probability of a text above which a line is looked at once
_LEANS = (-0.2, 0.2)  # columns a row by which a line is slanted when it is looked at again
_FAINTEST = 28.0  # grey levels between paper and ink below which contrast is not stretched further


def normalise(ink: Ink) -> Ink:
    """A line's ink (h, w) at the network's height, (40, w'), paper at 0 and ink near 255.

    Raises PictureError where there are no pixels.
    """
    if ink.ndim != 2 or 0 in ink.shape:
        raise PictureError(f"an array of shape {ink.shape} is no line of ink: expected (h, w)")
    rows, columns = ink.shape
    width = min(WIDEST, max(1, round(columns * HEIGHT / rows)))
    if ink.shape != (HEIGHT, width):
        how = cv2.INTER_AREA if rows > HEIGHT else cv2.INTER_LINEAR
        ink = np.asarray(cv2.resize(ink, (width, HEIGHT), interpolation=how), np.uint8)
    counts = np.cumsum(np.bincount(ink.ravel(), minlength=256))
    low, high = (float(np.searchsorted(counts, share * ink.size)) for share in (0.4, 0.99))
    gain = 230 / max(high - low, _FAINTEST)
    table = ((np.arange(256) - low) * gain).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(ink, table), np.uint8)


def best_path(log_probabilities: NDArray[np.float32]) -> list[tuple[int, ...]]:
    """The symbols on the likeliest path of each line: (n, columns, 15) to n runs of indices into SYMBOLS."""
    paths = log_probabilities.argmax(-1)
    changed = np.ones(paths.shape, bool)
    changed[:, 1:] = paths[:, 1:] != paths[:, :-1]
    kept = changed & (paths != BLANK)
    return [tuple(path[keep].tolist()) for path, keep in zip(paths, kept, strict=True)]


@dataclass(frozen=True, eq=False)
class Symbol:
    """One thing written in a line.

    kind: a digit "0" to "9", "point", "comma", "minus", or "other" for what is none of them.
    centre: the column of the line's ink where it was read, in its pixels.
    confidence: how likely the kind is, the rest of the line as it was read; probabilities: (14,) of each kind
        in the order of SYMBOLS, summing to 1.
    """

    kind: str
    centre: float
    confidence: float
    probabilities: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to read a line: its symbols from left to right, and how likely the whole of it is, 0-1."""

    symbols: tuple[Symbol, ...]
    probability: float

    @property
    def text(self) -> str:
        """The digits alone."""
        return "".join(symbol.kind for symbol in self.symbols if len(symbol.kind) == 1)


@dataclass(frozen=True, eq=False)
class LineReading:
    """What a line says: at least one way to read it, the likeliest first; blank paper has no symbols."""

    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The likeliest way to read it."""
        return self.candidates[0]

    def texts(self) -> tuple[tuple[str, float], ...]:
        """The digits alone with their probability, marks summed over, likeliest first."""
        sums: dict[str, float] = {}
        for candidate in self.candidates:
            sums[candidate.text] = sums.get(candidate.text, 0.0) + candidate.probability
        return tuple(sorted(sums.items(), key=lambda entry: -entry[1]))


@dataclass(frozen=True, eq=False)
class Glance:
    """A first look at a line.

    ink: the line; normal: the same at the network's height. columns: (columns, 15) the probability of each
        class in each column. texts: the likeliest, as indices into SYMBOLS, with their probabilities.
    """

    ink: Ink = field(repr=False)
    normal: Ink = field(repr=False)
    columns: NDArray[np.float64] = field(repr=False)
    texts: tuple[tuple[ctc.Text, float], ...]

    @property
    def best(self) -> Candidate:
        """The likeliest way to read it."""
        return _candidates(self, self.texts[:1])[0]


class LineNetwork:
    """The opened line network; safe to use from several threads.

    card: what it says about itself (its symbols, height, temperature, seed, recipe, figures).
    """

    def __init__(self, path: str | Path | None = None) -> None:
        """Open `path`; None is the shipped network. Raises ReaderError where it is none of ours."""
        self.path = WEIGHTS / "lines.onnx" if path is None else Path(path)
        network = open_network(self.path)
        self._session = network.session
        self.card = _check_card(network.metadata, self.path)

    def read(self, lines: Iterable[Ink], most: int = 5) -> list[LineReading]:
        """Read lines of ink, each (h, w) uint8, bright on dark: what each says in up to `most` ways.

        Raises PictureError where one has no pixels.
        """
        return self.read_on(self.glance(lines, most), most)

    def glance(self, lines: Iterable[Ink], most: int = 5) -> list[Glance]:
        """Look at lines once. Raises as `read`."""
        inks = list(lines)
        normal = [normalise(ink) for ink in inks]
        return [
            Glance(ink, shown, columns, tuple(_texts([columns], most)))
            for ink, shown, columns in zip(inks, normal, self._answer(normal), strict=True)
        ]

    def read_on(self, glances: Sequence[Glance], most: int = 5) -> list[LineReading]:
        """What lines say that were looked at once.

        One that is not sure yet is looked at again, slanted to either side, and the probabilities of all
        looks are averaged; this takes three times as long.
        """
        looks = [[glance.columns] for glance in glances]
        found = [glance.texts for glance in glances]
        doubtful = [i for i, texts in enumerate(found) if texts[0][1] < _SURE]
        for lean in _LEANS:
            slanted = self._answer([normalise(_slant(glances[i].ink, lean)) for i in doubtful])
            for i, answer in zip(doubtful, slanted, strict=True):
                looks[i].append(answer)
        for i in doubtful:
            found[i] = tuple(_texts(looks[i], most))
        return [LineReading(_candidates(glance, texts)) for glance, texts in zip(glances, found, strict=True)]

    def _answer(self, inks: Sequence[Ink]) -> list[NDArray[np.float64]]:
        """For each normalised ink, the probability of each class in each of its columns (columns, 15)."""
        order = sorted(range(len(inks)), key=lambda i: inks[i].shape[1])
        answers = [np.zeros((0, BLANK + 1))] * len(inks)
        for width, group in _by_width(order, inks):
            batch = np.zeros((len(group), HEIGHT, width), np.uint8)
            for row, i in enumerate(group):
                batch[row, :, _LEAD : _LEAD + inks[i].shape[1]] = inks[i]
            (logs,) = self._session.run(["log_probabilities"], {"lines": batch})
            for row, i in enumerate(group):
                answers[i] = np.exp(logs[row, _LEAD // STRIDE :].astype(np.float64))
        return answers


def _by_width(order: list[int], inks: Sequence[Ink]) -> Iterable[tuple[int, list[int]]]:
    """Indices in groups of one padded width."""
    groups: dict[int, list[int]] = {}
    for i in order:
        groups.setdefault(max(2, -(-(_LEAD + inks[i].shape[1]) // _STEP)) * _STEP, []).append(i)
    for width, group in groups.items():
        for start in range(0, len(group), _BATCH):
            yield width, group[start : start + _BATCH]


def _check_card(metadata: str, path: Path) -> dict[str, Any]:
    try:
        card = json.loads(metadata)
        ours = tuple(card["symbols"]) == SYMBOLS and card["height"] == HEIGHT
    except (ValueError, TypeError, KeyError):
        ours = False
    if not ours:
        raise ReaderError(
            f"{path}: not a line network of this version; expected symbols {', '.join(SYMBOLS)}"
        )
    return dict(card)


def _slant(ink: Ink, lean: float) -> Ink:
    """The ink (h, w) with each row moved by `lean` columns a row, its middle row in place."""
    rows, columns = ink.shape
    more = int(abs(lean) * rows) + 1
    shift = np.array([[1, lean, (more - lean * rows) / 2], [0, 1, 0]])
    return np.asarray(cv2.warpAffine(ink, shift, (columns + more, rows)), np.uint8)


def _texts(looks: list[NDArray[np.float64]], most: int) -> list[tuple[ctc.Text, float]]:
    """The likeliest texts over all looks at a line, with the means of their probabilities."""
    texts = list(dict.fromkeys(text for look in looks for text in ctc.search(look)[:most]))
    likely = np.mean([ctc.likelihoods(look, texts) for look in looks], axis=0)
    order = [int(i) for i in np.argsort(-likely)[:most] if likely[i] >= _NEGLIGIBLE * likely.max()]
    return [(texts[i], float(likely[i])) for i in order]


def _candidates(glance: Glance, texts: Sequence[tuple[ctc.Text, float]]) -> tuple[Candidate, ...]:
    columns = glance.ink.shape[1]
    aligned = ctc.align(glance.columns, [text for text, _ in texts])
    found = []
    for way, (_, likely) in zip(aligned, texts, strict=True):
        places = np.minimum(way.centres * (STRIDE * columns / glance.normal.shape[1]), columns - 1).tolist()
        symbols = tuple(
            Symbol(SYMBOLS[symbol], place, float(choices[symbol]), choices.astype(np.float32))
            for symbol, place, choices in zip(way.text, places, way.choices, strict=True)
        )
        found.append(Candidate(symbols, likely))
    return tuple(found)
