"""Texts from a line network's columns: connectionist temporal classification (Graves et al. 2006).

A text's probability is the sum over all ways to spread its symbols over the columns, blanks between them,
equal neighbours always parted by a blank. The last class is the blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Text = tuple[int, ...]
_Beams = dict[Text, tuple[float, float]]  # each text's probability ending in a blank, and in its last symbol

_LEAST = 1e-4  # a column's symbols below this probability are not searched
_NEGLIGIBLE = 1e-4  # texts that are less likely than this share of the likeliest are not answered
_SCALED = 8  # columns after which sums are brought back to about 1


def search(probabilities: Floats, width: int = 12) -> list[Text]:
    """The likeliest texts for columns (t, classes), best first: prefix beam search (Hannun 2014)."""
    blank = probabilities.shape[1] - 1
    beams: _Beams = {(): (1.0, 0.0)}
    for values in probabilities.tolist():
        said = [symbol for symbol in range(blank) if values[symbol] > _LEAST]
        if said:
            beams = _prune(_extend(beams, said, values, values[blank]), width)
        else:
            beams = _held(beams, values, values[blank])
    likely = sorted(((parted + spoken, text) for text, (parted, spoken) in beams.items()), reverse=True)
    return [text for mass, text in likely[:width] if mass >= _NEGLIGIBLE * likely[0][0]]


def _held(beams: _Beams, values: list[float], silence: float) -> _Beams:
    """The beams after a column in which nothing new is said: no text grows, so none has to be sorted out."""
    return {
        text: ((parted + spoken) * silence, spoken * values[text[-1]] if text else 0.0)
        for text, (parted, spoken) in beams.items()
    }


def _extend(beams: _Beams, said: list[int], values: list[float], silence: float) -> _Beams:
    longer: _Beams = {}
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


def _prune(beams: _Beams, width: int) -> _Beams:
    best = list(beams.items())
    if len(best) > width:
        best = sorted(best, key=lambda beam: -(beam[1][0] + beam[1][1]))[:width]
    total = sum(parted + spoken for _, (parted, spoken) in best) or 1.0
    return {text: (parted / total, spoken / total) for text, (parted, spoken) in best}


def likelihoods(probabilities: Floats, texts: Sequence[Text]) -> Floats:
    """The probability of each text (n,) for columns (t, classes): the forward sums of all of them at once."""
    states, skips = _states(texts, probabilities.shape[1] - 1)
    said = probabilities[:, states]  # (t, n, states)
    sums = np.zeros((len(texts), states.shape[1] + 2))
    sums[:, 2:4] = said[0, :, :2]
    log = 0.0
    for t in range(1, len(said)):
        sums[:, 2:] = said[t] * (sums[:, 2:] + sums[:, 1:-1] + skips * sums[:, :-2])
        if t % _SCALED == 0:
            scale = max(float(sums.max()), 1e-300)
            sums /= scale
            log += np.log(scale)
    return np.asarray(np.exp(np.minimum(np.log(np.maximum(_ending(sums[:, 2:], texts), 1e-300)) + log, 0)))


def _states(texts: Sequence[Text], blank: int) -> tuple[NDArray[np.int64], Floats]:
    """Each text with blanks before, between and after its symbols, (n, states), filled up with blanks.

    Also 1.0 where a state can be reached past the blank before it, (n, states).
    """
    states = np.full((len(texts), 2 * max(map(len, texts)) + 1), blank)
    for row, text in enumerate(texts):
        states[row, 1 : 2 * len(text) : 2] = text
    skips = np.zeros(states.shape)
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    return states, skips


def _ending(sums: Floats, texts: Sequence[Text]) -> Floats:
    """What each text's last symbol and the blank after it have of sums (n, states)."""
    rows, ends = np.arange(len(texts)), np.array([2 * len(text) for text in texts])
    return np.asarray(sums[rows, ends] + np.where(ends > 0, sums[rows, ends - 1], 0))


@dataclass(frozen=True, eq=False)
class Aligned:
    """A text laid over the columns.

    probability: of the whole text, 0-1. centres: (n,) where each symbol is said, in columns from the line's
        left; choices: (n, classes - 1) the probability of each symbol at that place, the rest of the text and
        its places left open.
    """

    text: Text
    probability: float
    centres: Floats = field(repr=False)
    choices: Floats = field(repr=False)


def align(probabilities: Floats, texts: Sequence[Text]) -> list[Aligned]:
    """Probability, places and choices of each text for columns (t, classes) by the forward-backward sums."""
    states, skips = _states(texts, probabilities.shape[1] - 1)
    lengths = np.array([len(text) for text in texts])
    said = probabilities[:, states] * (np.arange(states.shape[1]) <= 2 * lengths[:, None])  # (t, n, states)
    forward, scales = _forward(said, skips)
    backward = _backward(said, skips, scales, lengths)
    ending = np.log(np.maximum(_ending(forward[-1], texts), 1e-300))
    likely = np.exp(np.minimum(0.0, np.log(scales).sum(axis=0) + ending))
    weights = (forward * backward)[:, :, 1::2]
    weights /= np.maximum(weights.sum(axis=0), 1e-300)
    centres = np.tensordot(np.arange(len(said)) + 0.5, weights, 1)  # (n, symbols)
    choices = _choices(probabilities, states[:, 1::2], lengths, forward, said * backward, scales)
    return [
        Aligned(text, float(likely[row]), centres[row, : len(text)], choices[row, : len(text)])
        for row, text in enumerate(texts)
    ]


def _forward(said: Floats, skips: Floats) -> tuple[Floats, Floats]:
    """Sums over the ways to reach each state (t, n, states), each column scaled; and the scales (t, n)."""
    columns, count, states = said.shape
    sums, scales = np.zeros((columns, count, states + 2)), np.ones((columns, count))
    now = np.zeros((count, states))
    now[:, :2] = said[0, :, :2]
    for t in range(columns):
        if t:
            before = sums[t - 1]
            now = said[t] * (before[:, 2:] + before[:, 1:-1] + skips * before[:, :-2])
        scales[t] = np.maximum(now.sum(axis=1), 1e-300)
        sums[t, :, 2:] = now / scales[t][:, None]
    return sums[:, :, 2:], scales


def _backward(said: Floats, skips: Floats, scales: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Sums over the ways on from each state (t, n, states), without its own column, scaled alike."""
    columns, count, states = said.shape
    sums = np.zeros((columns, count, states))
    rows = np.arange(count)
    sums[-1, rows, np.maximum(2 * lengths - 1, 0)] = 1
    sums[-1, rows, 2 * lengths] = 1
    leaps = np.zeros((count, states))
    leaps[:, :-2] = skips[:, 2:]
    after = np.zeros((count, states + 2))
    for t in range(columns - 2, -1, -1):
        after[:, :-2] = sums[t + 1] * said[t + 1]
        sums[t] = (after[:, :-2] + after[:, 1:-1] + leaps * after[:, 2:]) / scales[t + 1][:, None]
    return sums


def _choices(
    probabilities: Floats,
    symbols: NDArray[np.int64],
    lengths: NDArray[np.int64],
    forward: Floats,
    onward: Floats,
    scales: Floats,
) -> Floats:
    """For each place of each text, the share of each symbol were it exchanged for another.

    symbols: (n, places), of texts of these lengths. forward: sums up to a state's column; onward: sums from a
    state's column, its own included. Returns (n, places, classes - 1).
    """
    columns, (count, places) = len(probabilities), symbols.shape
    every = np.arange(probabilities.shape[1] - 1)
    apart_before = np.ones((count, places, len(every)))
    apart_before[:, 1:] = every != symbols[:, :-1, None]
    apart_after = np.ones((count, places, len(every)))
    apart_after[:, :-1] = every != symbols[:, 1:, None]
    after_blank, after_symbol = np.zeros((2, columns, count, places, 1))
    after_blank[:-1, ..., 0] = onward[1:, :, 2::2] / scales[1:, :, None]
    after_symbol[:-1, :, :-1, 0] = onward[1:, :, 3::2] / scales[1:, :, None]
    written = np.flatnonzero(lengths)
    after_blank[-1, written, lengths[written] - 1] = 1
    into_blank, into_symbol = np.zeros((2, columns, count, places, 1))
    into_blank[1:, ..., 0] = forward[:-1, :, 0:-1:2]
    into_symbol[1:, :, 1:, 0] = forward[:-1, :, 1:-2:2]
    into_blank[0, :, :1] = 1
    reached, total = np.zeros((2, count, places, len(every)))
    said = probabilities[:, None, None, :-1] / scales[:, :, None, None]
    for t in range(columns):
        reached = said[t] * (reached + into_blank[t] + into_symbol[t] * apart_before)
        total += reached * (after_blank[t] + after_symbol[t] * apart_after)
    return np.asarray(total / np.maximum(total.sum(axis=2, keepdims=True), 1e-300))
