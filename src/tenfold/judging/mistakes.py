"""The mistakes of a reader, one by one, with the training images that look most like each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Split
from tenfold.judging.report import Report

Images = NDArray[np.uint8]

MOST = 100
"""Mistakes shown, the most confident ones: a page of more is not looked at."""

NEAREST = 3
CHUNK = 6000  # training images compared at once


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training image near another in plain pixels.

    distance: the root of the mean squared difference, in grey levels of 255.
    """

    image: Images = field(repr=False)
    label: str
    distance: float


@dataclass(frozen=True, eq=False)
class Mistake:
    """An image that was read wrongly.

    index: among the images judged; top: the three likeliest answers with their probabilities; problem:
    whether the label is known to be wrong or open to doubt; nearest: training images, nearest first.
    """

    index: int
    image: Images = field(repr=False)
    label: str
    answer: str
    confidence: float
    top: tuple[tuple[str, float], ...]
    problem: bool
    nearest: tuple[Neighbour, ...]


def find_mistakes(
    report: Report, split: Split, problems: NDArray[np.int64], training: Sequence[Split] | None
) -> tuple[Mistake, ...]:
    """Describe the most confident mistakes of a report on a split, most confident first.

    problems: indices of known label problems; training: the splits to look for near images in, None for none.
    """
    wrong = report.wrong[:MOST]
    neighbours = find_nearest(split.images[wrong], training or (), report.class_names)
    return tuple(
        _describe(int(index), report, split, problems, nearest)
        for index, nearest in zip(wrong, neighbours, strict=True)
    )


def _describe(
    index: int, report: Report, split: Split, problems: NDArray[np.int64], nearest: tuple[Neighbour, ...]
) -> Mistake:
    probabilities, names = report.probabilities[index], report.class_names
    return Mistake(
        index=index,
        image=split.images[index],
        label=names[report.labels[index]],
        answer=names[report.digits[index]],
        confidence=float(report.confidence[index]),
        top=tuple((names[k], float(probabilities[k])) for k in np.argsort(-probabilities, kind="stable")[:3]),
        problem=bool(np.isin(index, problems)),
        nearest=nearest,
    )


def find_nearest(
    images: Images, training: Sequence[Split], class_names: Sequence[str]
) -> list[tuple[Neighbour, ...]]:
    """For each of images (n, 28, 28), the training images with the least squared difference of pixels."""
    if len(images) == 0:
        return []
    wanted = images.reshape(len(images), -1).astype(np.float32)
    found: list[list[Neighbour]] = [[] for _ in images]
    for split in training:
        for start in range(0, len(split), CHUNK):
            part = Split(split.images[start : start + CHUNK], split.labels[start : start + CHUNK])
            for near, distances in zip(found, _distances(wanted, part), strict=True):
                near += [
                    Neighbour(part.images[k], class_names[part.labels[k]], float(distances[k]))
                    for k in np.argsort(distances, kind="stable")[:NEAREST]
                ]
    return [tuple(sorted(near, key=lambda one: one.distance)[:NEAREST]) for near in found]


def _distances(wanted: NDArray[np.float32], part: Split) -> NDArray[np.float32]:
    """Root mean squared differences, (n, images of the part)."""
    others = part.images.reshape(len(part), -1).astype(np.float32)
    squares = (wanted**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * wanted @ others.T
    return np.asarray(np.sqrt(np.maximum(squares, 0) / others.shape[1]), np.float32)
