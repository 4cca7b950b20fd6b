"""The images of an epoch of the recipe `ink`, drawn in other processes while the network trains.

Each training digit as another hand would write it (`augmentation`), and among them what is no digit
(`nondigits`): a function of (seed, epoch, block) alone. Loads no TensorFlow.
"""

from collections.abc import Generator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from os import cpu_count

import cv2
import numpy as np
from numpy.typing import NDArray

from tenfold.data import Split
from tenfold.errors import TrainingError
from tenfold.making.augmentation import Hands, outlines, vary
from tenfold.making.disturbances import disturb
from tenfold.making.nondigits import NO_DIGIT, nondigit
from tenfold.making.workers import settle_worker, uninterrupted

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

BLOCK = 1000  # digits drawn in one piece of work
WORKERS = max(1, min(8, cpu_count() or 1))


@dataclass(frozen=True)
class Mixture:
    """What an epoch is made of, beside one image of every digit in another hand.

    nondigits: how many images of no digit, as a share of the digits.
    unchanged: the share of digits left as MNIST has them.
    disturbed: the share of images, of digits and of others, that something has happened to (`disturbances`).
    calm: that share in the last quarter of the epochs, when the weights settle on what is mostly read.
    """

    nondigits: float = 0.6
    unchanged: float = 0.10
    disturbed: float = 0.3
    calm: float = 0.1

    def size(self, digits: int) -> int:
        """How many images an epoch has for so many digits."""
        blocks = [min(BLOCK, digits - start) for start in range(0, digits, BLOCK)]
        return digits + sum(round(self.nondigits * block) for block in blocks)

    def at(self, epoch: int, epochs: int) -> "Mixture":
        """The mixture of this epoch, counted from 0, of so many."""
        return replace(self, disturbed=self.calm) if epoch >= 0.75 * epochs else self


def epochs(
    train: Split, seed: int, first: int, last: int, hands: Hands, mixture: Mixture
) -> Generator[tuple[Images, Labels], None, None]:
    """The images and labels (-1 is no digit) of epochs `first` to `last` - 1, each drawn ahead of its use.

    last: how many epochs the whole training has.

    Raises TrainingError where a process that draws them was ended.
    """
    blocks = range(-(-len(train) // BLOCK))
    with ProcessPoolExecutor(
        WORKERS,
        get_context("spawn"),
        initializer=_settle,
        initargs=(train.images, train.labels, hands, mixture),
    ) as pool:
        with uninterrupted():
            waiting = (
                [pool.submit(_draw, seed, first, last, block) for block in blocks] if first < last else []
            )
        try:
            for epoch in range(first, last):
                drawn = [future.result() for future in waiting]
                waiting = (
                    [pool.submit(_draw, seed, epoch + 1, last, block) for block in blocks]
                    if epoch + 1 < last
                    else []
                )
                yield np.concatenate([i for i, _ in drawn]), np.concatenate([t for _, t in drawn])
        except BrokenExecutor as error:
            raise TrainingError(
                "a process that draws images was ended before its work was done: out of memory?"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_settled: tuple[Images, Labels, Images, Hands, Mixture]


def _settle(images: Images, labels: Labels, hands: Hands, mixture: Mixture) -> None:
    global _settled
    settle_worker()
    cv2.setNumThreads(1)
    _settled = (images, labels, outlines(images), hands, mixture)


def _draw(seed: int, epoch: int, last: int, block: int) -> tuple[Images, Labels]:
    images, labels, maps, hands, mixture = _settled
    random = np.random.default_rng([seed, epoch, block])
    return draw_block(images, labels, maps, hands, mixture.at(epoch, last), random, block)


def draw_block(
    images: Images,
    labels: Labels,
    maps: Images,
    hands: Hands,
    mixture: Mixture,
    random: np.random.Generator,
    block: int,
) -> tuple[Images, Labels]:
    """One block of an epoch: digits in other hands, then what is no digit."""
    numbers = range(block * BLOCK, min((block + 1) * BLOCK, len(labels)))
    drawn = [
        images[i]
        if random.random() < mixture.unchanged
        else vary(images[i], maps[i], int(labels[i]), hands, random)
        for i in numbers
    ]
    others = [nondigit(images, labels, hands, random) for _ in range(round(mixture.nondigits * len(numbers)))]
    truth = np.concatenate([labels[numbers.start : numbers.stop], np.full(len(others), NO_DIGIT, np.int64)])
    shown = [
        disturb(image, random) if random.random() < mixture.disturbed else image
        for image in (*drawn, *others)
    ]
    return np.stack(shown), truth
