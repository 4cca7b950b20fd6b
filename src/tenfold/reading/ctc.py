"""Texts from a line network's columns: connectionist temporal classification (Graves et al. 2006).

A text's probability is the sum over all ways to spread its symbols over the columns, blanks between them,
equal neighbours always parted by a blank. The last class is the blank.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Text = tuple[int, ...]

_LEAST = 1e-4  # a column's symbols below this probability are not searched
_NEGLIGIBLE = 1e-4  # texts that are less likely than this share of the likeliest are not answered


def search(probabilities: Floats, width: int = 12) -> list[Text]:
    """The likeliest texts for columns (t, classes), best first: prefix beam search (Hannun 2014)."""
    blank = probabilities.shape[1] - 1
    beams: dict[Text, tuple[float, float]] = {(): (1.0, 0.0)}  # ending in a blank, ending in its last symbol
    for column in probabilities:
        said = np.flatnonzero(column[:blank] > _LEAST).tolist()
        values = column.tolist()
        beams = _prune(_extend(beams, said, values, values[blank]), width)
    likely = {text: parted + spoken for text, (parted, spoken) in beams.items()}
    least = _NEGLIGIBLE * max(likely.values())
    return [text for text, mass in likely.items() if mass >= least]


def _extend(
    beams: dict[Text, tuple[float, float]], said: list[int], values: list[float], silence: float
) -> dict[Text, tuple[float, float]]:
    longer: dict[Text, tuple[float, float]] = {}
    for text, (parted, spoken) in beams.items():
        both = parted + spoken
        last = text[-1] if text else -1
        a, b = longer.get(text, (0.0, 0.0))
        longer[text] = (a + both * silence, b + (spoken * values[last] if text else 0.0))
        for symbol in said:
            grown = (*text, symbol)
            a, b = longer.get(grown, (0.0, 0.0))
            longer[grown] = (a, b + (parted if symbol == last else both) * values[symbol])
    return longer


def _prune(beams: dict[Text, tuple[float, float]], width: int) -> dict[Text, tuple[float, float]]:
    best = sorted(beams.items(), key=lambda beam: -(beam[1][0] + beam[1][1]))[:width]
    total = sum(parted + spoken for _, (parted, spoken) in best) or 1.0
    return {text: (parted / total, spoken / total) for text, (parted, spoken) in best}


def likelihoods(probabilities: Floats, texts: list[Text]) -> Floats:
    """The probability of each text (n,) for columns (t, classes): the forward sums of all of them at once."""
    blank = probabilities.shape[1] - 1
    ends = np.array([2 * len(text) for text in texts])
    states = np.full((len(texts), int(ends.max()) + 1), blank)
    for row, text in enumerate(texts):
        states[row, 1 : 2 * len(text) : 2] = text
    skips = np.zeros(states.shape)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    said = probabilities[:, states]  # (t, n, states)
    sums = np.zeros((len(texts), states.shape[1] + 2))
    sums[:, 2:4] = said[0, :, :2]
    log = 0.0
    for column in said[1:]:
        sums[:, 2:] = column * (sums[:, 2:] + sums[:, 1:-1] + skips * sums[:, :-2])
        scale = max(float(sums.max()), 1e-300)
        sums /= scale
        log += np.log(scale)
    rows = np.arange(len(texts))
    ending = sums[rows, ends + 2] + np.where(ends > 0, sums[rows, ends + 1], 0)
    return np.asarray(np.exp(np.minimum(np.log(np.maximum(ending, 1e-300)) + log, 0)))


@dataclass(frozen=True, eq=False)
class Aligned:
    """A text laid over the columns.

    probability: of the whole text, 0-1. centres, starts, ends: (n,) the columns where each symbol is said, in
        columns from the line's left; choices: (n, classes - 1) the probability of each symbol at that place,
        the rest of the text and its places left open.
    """

    text: Text
    probability: float
    centres: Floats = field(repr=False)
    starts: Floats = field(repr=False)
    ends: Floats = field(repr=False)
    choices: Floats = field(repr=False)


def align(probabilities: Floats, text: Text) -> Aligned:
    """Probability, places and choices of one text for columns (t, classes) by the forward-backward sums."""
    columns, classes = probabilities.shape
    blank = classes - 1
    states = np.full(2 * len(text) + 1, blank)
    states[1::2] = text
    said = probabilities[:, states]  # (t, states)
    skips = np.zeros(len(states))
    skips[2:] = (states[2:] != blank) & (states[2:] != states[:-2])
    forward, scales = _forward(said, skips)
    backward = _backward(said, skips, scales)
    ending = float(forward[-1, -2:].sum())
    probability = float(np.exp(min(0.0, np.log(scales).sum() + np.log(max(ending, 1e-300)))))
    if not text:
        none = np.zeros(0)
        return Aligned(text, probability, none, none, none, np.zeros((0, blank)))
    weights = (forward * backward)[:, 1::2]
    weights /= np.maximum(weights.sum(0), 1e-300)
    across = np.arange(columns) + 0.5
    passed = np.cumsum(weights, 0)
    starts, ends = (passed < 0.05).sum(0), (passed < 0.95).sum(0) + 1
    choices = _choices(probabilities, np.array(text), forward, said * backward, scales)
    return Aligned(text, probability, across @ weights, starts.astype(float), ends.astype(float), choices)


def _forward(said: Floats, skips: Floats) -> tuple[Floats, Floats]:
    """Sums over the ways to reach each state (t, states), each column scaled; and the scales (t,)."""
    columns, count = said.shape
    sums, scales = np.zeros((columns, count + 2)), np.ones(columns)
    now = np.zeros(count)
    now[:2] = said[0, :2]
    for t in range(columns):
        if t:
            before = sums[t - 1]
            now = said[t] * (before[2:] + before[1:-1] + skips * before[:-2])
        scales[t] = max(now.sum(), 1e-300)
        sums[t, 2:] = now / scales[t]
    return sums[:, 2:], scales


def _backward(said: Floats, skips: Floats, scales: Floats) -> Floats:
    """Sums over the ways on from each state (t, states), without its own column, scaled alike."""
    columns, count = said.shape
    sums = np.zeros((columns, count + 2))
    sums[-1, max(0, count - 2) : count] = 1
    leaps = np.zeros(count)
    leaps[:-2] = skips[2:]
    for t in range(columns - 2, -1, -1):
        after = np.zeros(count + 2)
        after[:-2] = sums[t + 1, :-2] * said[t + 1]
        sums[t, :-2] = (after[:-2] + after[1:-1] + leaps * after[2:]) / scales[t + 1]
    return sums[:, :-2]


def _choices(
    probabilities: Floats, text: NDArray[np.int64], forward: Floats, onward: Floats, scales: Floats
) -> Floats:
    """For each place of the text, the share of each symbol (n, classes - 1) were it exchanged for another.

    forward: sums up to a state's column; onward: sums from a state's column, its own included.
    """
    columns, count = len(probabilities), len(text)
    symbols = np.arange(probabilities.shape[1] - 1)
    apart_before = np.ones((count, len(symbols)))
    apart_before[1:] = symbols[None] != text[:-1, None]
    apart_after = np.ones((count, len(symbols)))
    apart_after[:-1] = symbols[None] != text[1:, None]
    after_blank, after_symbol = np.zeros((columns, count)), np.zeros((columns, count))
    after_blank[:-1] = onward[1:, 2::2] / scales[1:, None]
    after_symbol[:-1, :-1] = onward[1:, 3::2] / scales[1:, None]
    after_blank[-1, -1] = 1
    into_blank, into_symbol = np.zeros((columns, count)), np.zeros((columns, count))
    into_blank[1:] = forward[:-1, 0:-1:2]
    into_symbol[1:, 1:] = forward[:-1, 1:-2:2]
    into_blank[0, 0] = 1
    reached, total = np.zeros((count, len(symbols))), np.zeros((count, len(symbols)))
    for t in range(columns):
        entered = into_blank[t][:, None] + into_symbol[t][:, None] * apart_before
        reached = probabilities[t, :-1] * (reached + entered) / scales[t]
        total += reached * (after_blank[t][:, None] + after_symbol[t][:, None] * apart_after)
    return np.asarray(total / np.maximum(total.sum(1, keepdims=True), 1e-300))
