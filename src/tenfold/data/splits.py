"""Cuts a validation split from the training images, and a small balanced part from a large one."""

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Split
from tenfold.errors import DataError, OptionError


def hold_out(split: Split, validation: float, class_names: tuple[str, ...]) -> tuple[Split, Split]:
    """Cut the last images of each class off for validation; both parts keep the order given.

    validation: a share of the images, between 0 and 1, or a count. It is divided among the
    classes in proportion to their size, at least one of each class and never the whole class. Nothing is
    drawn by lot: the same images give the same split. 0 holds nothing out.

    Returns: training, validation.
    Raises: OptionError for a share or count that cannot be; DataError for a class with a single image.
    """
    if check_validation(validation) == 0:
        return split, _pick(split, np.zeros(len(split), bool))
    counts = np.bincount(split.labels, minlength=len(class_names))  # (classes,)
    if (single := np.flatnonzero(counts == 1)).size:
        name = class_names[single[0]]
        raise DataError(
            f'class "{name}" has one image; at least 2 are needed, to train on one and hold one out'
        )
    total = _count(validation, counts)
    held = np.zeros(len(split), bool)
    for label, take in enumerate(_apportion(total, counts)):
        if take:
            held[np.flatnonzero(split.labels == label)[-take:]] = True
    return _pick(split, ~held), _pick(split, held)


def take_first(split: Split, limit: int) -> Split:
    """Keep `limit` images, in the order given: the first of every class, then the second of every class, ...

    So the classes are as even as the images allow, and a smaller limit is always part of a larger one.

    Raises: OptionError for a limit that is not a whole number from 1 to the number of images.
    """
    if isinstance(limit, bool) or not isinstance(limit, Integral):
        raise OptionError(f"limit is {limit!r}; expected a whole number of training images")
    if not 1 <= limit <= len(split):
        raise OptionError(f"limit is {limit}; expected 1 to {len(split)}, the training images there are")
    ranks = np.empty(len(split), np.int64)  # 0 for the first image of its class, 1 for the second, ...
    for label in np.unique(split.labels):
        where = np.flatnonzero(split.labels == label)
        ranks[where] = np.arange(len(where))
    chosen = np.argsort(ranks, kind="stable")[:limit]
    return _pick(split, np.sort(chosen))


def check_validation(validation: object) -> float:
    """Give a validation share or count as a number, where it is one that can be at all.

    Raises: OptionError for negative numbers, NaN, and what is neither a share nor a count.
    """
    if isinstance(validation, bool) or not isinstance(validation, Real):
        raise OptionError(f"validation is {validation!r}; expected a share such as 0.1, a count or a file")
    if isinstance(validation, Integral):
        if validation < 0:
            raise OptionError(
                f"validation is {validation}; expected a count, a share such as 0.1, or 0 for none"
            )
        return int(validation)
    share = float(validation)
    if not (math.isfinite(share) and 0 <= share < 1):
        raise OptionError(
            f"validation is {share}; expected a share between 0 and 1, or a whole number of images"
        )
    return share


def _count(validation: float, counts: NDArray[np.int64]) -> int:
    """Give the number of images to hold out, one of each class at least."""
    validation = check_validation(validation)
    n, classes, most = int(counts.sum()), int((counts > 0).sum()), int(np.maximum(counts - 1, 0).sum())
    total = validation if isinstance(validation, int) else max(round(validation * n), classes)
    if total < classes:
        raise OptionError(
            f"validation is {total} images for {classes} classes; expected one of each at least"
        )
    if total > most:
        raise OptionError(
            f"validation takes {total} of {n} images; at most {most} leave one of each class to train on;"
            " give a smaller count, or a share such as 0.1"
        )
    return total


def _apportion(total: int, counts: NDArray[np.int64]) -> list[int]:
    """Divide `total` among classes by largest remainder, from 1 to size - 1 of each class that has images."""
    exact = total * counts / counts.sum()
    least, most = np.minimum(counts, 1), np.maximum(counts - 1, 0)
    take = np.clip(np.floor(exact).astype(np.int64), least, most)
    while (missing := total - int(take.sum())) != 0:
        step = 1 if missing > 0 else -1
        free = take < most if missing > 0 else take > least
        take[np.argmax(np.where(free, step * (exact - take), -np.inf))] += step
    return [int(count) for count in take]


def _pick(split: Split, which: NDArray[np.generic]) -> Split:
    return Split(split.images[which], split.labels[which])


def check_apart(split: Split, other: Split, name: str, other_name: str) -> None:
    """Refuse two splits that share an image, pixel for pixel.

    Raises: DataError with the number of images shared.
    """
    others = {image.tobytes() for image in other.images}
    shared = sum(image.tobytes() in others for image in split.images)
    if shared:
        raise DataError(
            f"{name}: {shared} of {len(split)} images are also among {other_name}; expected images of its own"
        )
