"""What a user should know of data of their own before training on it.

Uneven classes, images that are dark on light, images that repeat.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.data.dataset import Dataset, Images, Split
from tenfold.data.identity import MNIST_SHA256
from tenfold.errors import some_of

UNEVEN = 4
"""The commonest class may have so many times the images of the rarest before it is remarked on."""

NEAR = 6.0
"""Two images are near-duplicates where the root of the mean squared difference of their pixels, 0-255, is at
most this: a picture saved again. Any two of MNIST's training images are 8 apart or more."""

INVERTED = 0.1
"""Such a share of the training images may have a light edge before it is remarked on."""

LIGHT = 160
"""An edge is as light as paper where the median of its pixels, 0-255, is above this."""

MOST = 3000
"""So many held-out images are looked at, evenly spread."""

_BLOCK = 4096


@dataclass(frozen=True)
class Repeated:
    """How many of the held-out images looked at have a near-duplicate among the training images."""

    looked_at: int
    repeated: int


def remark_on(dataset: Dataset) -> tuple[str, ...]:
    """Remarks on data that is not MNIST, a line each."""
    if dataset.sha256 == MNIST_SHA256:
        return ()
    remarks = []
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    rarest, commonest = int(counts.argmin()), int(counts.argmax())
    rare, common = dataset.class_names[rarest], dataset.class_names[commonest]
    absent = [f'"{dataset.class_names[label]}"' for label in np.flatnonzero(counts == 0)]
    if absent:
        remarks.append(
            f"no training image of {some_of(absent, 10)}: a reader forgets what it is no longer shown, so "
            "mix in some of what it learned from"
        )
    elif counts[commonest] > UNEVEN * counts[rarest]:
        remarks.append(
            f'the classes are uneven: {counts[commonest]} training images of "{common}", {counts[rarest]} of '
            f'"{rare}"; the rare ones will be read worse, so gather more of them'
        )
    inverted = count_inverted(dataset.train)
    if inverted > INVERTED * len(dataset.train):
        remarks.append(
            f"{inverted} of {len(dataset.train)} training images look dark on light; images of 28x28 pixels "
            "are taken as they are, but a reader makes what it is given bright ink on dark, as MNIST is; "
            "if they show ink on paper, invert them"
        )
    found = count_repeated(dataset.train, dataset.validation)
    if found.repeated:
        remarks.append(
            f"{found.repeated} of {found.looked_at} validation images are near-duplicates of training images "
            f"(their pixels differ by {NEAR:g} of 255 or less): the validation figures flatter the reader"
        )
    return tuple(remarks)


def count_inverted(split: Split) -> int:
    """Count images whose edge, 108 pixels, is as light as paper; see LIGHT."""
    images = split.images
    rows = images[:, [0, -1], :].reshape(len(images), -1)  # (n, 56)
    columns = images[:, 1:-1, [0, -1]].reshape(len(images), -1)  # (n, 52)
    edges = np.concatenate([rows, columns], axis=1)
    return int((np.median(edges, axis=1) > LIGHT).sum())


def count_repeated(train: Split, held_out: Split) -> Repeated:
    """Count held-out images that are, or nearly are, among the training images; see NEAR.

    Means of 4x4 pixels differ by no more than the pixels themselves, so comparing 49 of them finds every pair
    that may be near; these are then compared pixel by pixel.
    """
    chosen = held_out.images[:: -(-len(held_out) // MOST) or 1]
    if not len(chosen) or not len(train):
        return Repeated(len(chosen), 0)
    few = _coarse(chosen)  # (k, 49)
    lengths = (few**2).sum(axis=1)
    repeated = np.zeros(len(chosen), bool)
    for start in range(0, len(train), _BLOCK):
        images = train.images[start : start + _BLOCK]
        coarse = _coarse(images)
        distances = few @ (-2 * coarse.T)
        distances += (coarse**2).sum(axis=1)
        for row in np.flatnonzero(distances.min(axis=1) + lengths <= few.shape[1] * NEAR**2 + 1):
            if not repeated[row]:
                close = distances[row] + lengths[row] <= few.shape[1] * NEAR**2 + 1
                repeated[row] = _nearest(chosen[row], images[close]) <= NEAR
    return Repeated(len(chosen), int(repeated.sum()))


def _coarse(images: Images) -> NDArray[np.float32]:
    means: NDArray[np.float32] = images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4), dtype=np.float32)
    return means.reshape(len(images), -1)


def _nearest(image: NDArray[np.uint8], others: Images) -> float:
    differences = others.astype(np.float32) - image
    return float(np.sqrt((differences**2).mean(axis=(1, 2))).min())
