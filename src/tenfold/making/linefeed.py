"""Batches of made lines for the line network, made ahead in processes of their own.

Batch k of chunk c holds the same lines whoever makes it: only (seed, c) decides.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from queue import Full
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.making.glyphs import Digits
from tenfold.making.papers import make_papers
from tenfold.making.strings import Line, Stock, make_line

_STEP = 16  # widths of batches are multiples of this many columns
_AHEAD = 2  # chunks a process may be ahead


@dataclass(frozen=True, eq=False)
class Batch:
    """Lines of about one width.

    inks: (n, 40, w) uint8. symbols: (n, longest) int32, zero after the end. lengths: (n,) int32.
    """

    inks: NDArray[np.uint8] = field(repr=False)
    symbols: NDArray[np.int32] = field(repr=False)
    lengths: NDArray[np.int32] = field(repr=False)


def stack(lines: list[Line]) -> Batch:
    """Lines as one batch, padded with paper to the widest."""
    width = -(-max(line.ink.shape[1] for line in lines) // _STEP) * _STEP
    inks = np.zeros((len(lines), lines[0].ink.shape[0], width), np.uint8)
    lengths = np.array([len(line.symbols) for line in lines], np.int32)
    symbols = np.zeros((len(lines), max(1, int(lengths.max()))), np.int32)
    for i, line in enumerate(lines):
        inks[i, :, : line.ink.shape[1]] = line.ink
        symbols[i, : len(line.symbols)] = line.symbols
    return Batch(inks, symbols, lengths)


def make_chunk(stock: Stock, seed: int, chunk: int, batch: int, lines: int, cycle: int) -> list[Batch]:
    """The batches of one chunk of `lines`, in a shuffled order; `cycle` as for `make_line`."""
    made = [make_line(stock, seed, index, cycle) for index in range(chunk * lines, (chunk + 1) * lines)]
    made.sort(key=lambda line: line.ink.shape[1])
    batches = [stack(made[i : i + batch]) for i in range(0, lines, batch)]
    Random(f"order {seed}-{chunk}").shuffle(batches)
    return batches


def cycle_at(chunk: float, ends: tuple[int, ...]) -> int:
    """The cycle, from 0, that a chunk belongs to; `ends` of the cycles."""
    return sum(end <= chunk for end in ends)


@contextmanager
def feed(
    digits: Digits,
    seed: int,
    batch: int,
    lines: int,
    chunks: range,
    ends: tuple[int, ...],
    processes: int = 1,
) -> Iterator[Iterator[list[Batch]]]:
    """The chunks of `lines` in order, made by processes that end with the block; `ends` of the cycles."""
    context = multiprocessing.get_context("spawn")
    queues: list[Queue[Any]] = [context.Queue(_AHEAD) for _ in range(processes)]
    shared = (digits, seed, batch, lines, ends)
    workers = [
        context.Process(target=_produce, args=(queue, *shared, chunks[i::processes]), daemon=True)
        for i, queue in enumerate(queues)
    ]
    for worker in workers:
        worker.start()
    try:
        yield (queues[i % processes].get(timeout=1800) for i in range(len(chunks)))
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _produce(
    queue: "Queue[list[Batch]]",
    digits: Digits,
    seed: int,
    batch: int,
    lines: int,
    ends: tuple[int, ...],
    chunks: range,
) -> None:
    cv2.setNumThreads(1)
    stock = Stock(digits, make_papers(seed))
    for chunk in chunks:
        made = make_chunk(stock, seed, chunk, batch, lines, cycle_at(chunk, ends))
        if not _hand_over(queue, made):
            queue.cancel_join_thread()
            return


def _hand_over(queue: "Queue[list[Batch]]", batches: list[Batch]) -> bool:
    """Wait until there is room; False where nobody is left to take it, after the training was killed."""
    parent = multiprocessing.parent_process()
    while parent is None or parent.is_alive():
        with suppress(Full):
            queue.put(batches, timeout=5)
            return True
    return False
