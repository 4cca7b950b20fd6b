"""Judge a reader on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Dataset, Split
from tenfold.errors import DataError, OptionError
from tenfold.judging.metrics import (
    check_labels,
    check_scores,
    count_confusion,
    score_accuracy,
    score_loss,
    wilson_interval,
)

if TYPE_CHECKING:
    from tenfold.reading import Reader

BATCH = 1000


@dataclass(frozen=True, eq=False)
class Report:
    """What a reader answered on n labelled images, and how right it was.

    n: how many images.
    accuracy: share of the images whose digit is the label, 0-1, sure or not.
    interval: the 95% Wilson interval of that accuracy.
    loss: mean loss over all images; loss_name: which one, by Keras' identifier.
    answered: share of the images the reader was sure of; accuracy_answered: how right it was on those (nan
        where it was sure of none).
    confusion: (classes, classes) int64, row = label, column = digit.
    probabilities: (n, classes) float32; digits, labels: (n,) int64; confidence: (n,) float32, 0-1.
    wrong: (mistakes,) int64 indices of the mistakes, most confident first.
    class_names: the classes' names, in order.
    """

    n: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    loss_name: str
    answered: float
    accuracy_answered: float
    class_names: tuple[str, ...]
    confusion: NDArray[np.int64] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    digits: NDArray[np.int64] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    confidence: NDArray[np.float32] = field(repr=False)
    wrong: NDArray[np.int64] = field(repr=False)


def evaluate(reader: "Reader", split: Split) -> Report:
    """Read every image of a split and score the answers.

    The loss is the one the reader was trained with, as its card says, else categorical cross-entropy, so a
    saved run is given the figures that its training gave.

    >>> import tenfold
    >>> report = tenfold.evaluate(tenfold.load(), tenfold.load_mnist().test)
    >>> report.n
    10000

    Raises:
        DataError: an empty split, or labels outside the reader's classes.
    """
    if len(split) == 0:
        raise DataError("nothing to judge: the split is empty; expected at least one image with its label")
    probabilities, is_digit = answer(reader, split.images)
    return judge(
        probabilities,
        split.labels,
        is_digit=is_digit,
        threshold=reader.card.threshold,
        class_names=reader.labels,
        loss_name=str(reader.card.settings.get("loss", "categorical_crossentropy")),
    )


def answer(reader: "Reader", images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read images (n, 28, 28) uint8, at least one, a batch at a time.

    Returns:
        probabilities (n, classes), and (n,) that each is a digit at all; their greatest product is the
        confidence.
    """
    starts = range(0, len(images), BATCH)
    parts = [reader.probabilities(images[start : start + BATCH]) for start in starts]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def judge(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    is_digit: NDArray[np.float32] | None = None,
    threshold: float = 0.0,
    class_names: tuple[str, ...] | None = None,
    loss_name: str = "categorical_crossentropy",
) -> Report:
    """Score probabilities (n, classes) against labels (n,).

    is_digit: (n,) probability that the image shows a digit at all; 1 where left out.
    threshold: the confidence from which an answer counts as sure, 0-1.
    class_names: one a class; "0", "1", ... where left out.

    Raises:
        DataError: an empty set, lengths that differ, labels outside the classes, what is no probability.
        OptionError: an unknown loss, or a threshold outside 0-1.
    """
    check_scores(probabilities, labels)
    n, classes = probabilities.shape
    if class_names is not None and len(class_names) != classes:
        raise DataError(f"expected a name for each of {classes} classes, got {len(class_names)}")
    if is_digit is not None and (is_digit.shape != (n,) or not ((is_digit >= 0) & (is_digit <= 1)).all()):
        raise DataError(f"expected is_digit as {n} probabilities, 0-1, got {is_digit.shape}")
    if not 0 <= threshold <= 1:
        raise OptionError(f"a threshold is a confidence, 0-1, got {threshold}")
    digits = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1) * (np.float32(1) if is_digit is None else is_digit)
    sure = confidence >= threshold
    wrong = np.flatnonzero(digits != labels)
    return Report(
        n=n,
        accuracy=score_accuracy(digits, labels),
        interval=wilson_interval(n - len(wrong), n),
        loss=score_loss(probabilities, labels, loss_name),
        loss_name=loss_name,
        answered=float(sure.mean()),
        accuracy_answered=score_accuracy(digits[sure], labels[sure]) if sure.any() else float("nan"),
        class_names=class_names or tuple(str(k) for k in range(classes)),
        confusion=count_confusion(digits, labels, classes),
        probabilities=probabilities,
        digits=digits,
        labels=labels,
        confidence=confidence,
        wrong=wrong[np.argsort(-confidence[wrong], kind="stable")],
    )


def pick_images(dataset: Dataset) -> Split:
    """Choose what to judge a reader on: the test images, or all images where a data set has none."""
    if dataset.test is not None:
        return dataset.test
    parts = (dataset.train, dataset.validation)
    return Split(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )


def take_images(split: Split, limit: int | None) -> Split:
    """The first images of a split; None is all of them. Raises OptionError for a limit below 1."""
    if limit is not None and limit < 1:
        raise OptionError(f"the limit must be at least 1 image, got {limit}")
    return Split(split.images[:limit], split.labels[:limit])


def match_classes(
    split: Split, class_names: Sequence[str], labels: Sequence[str], name: str = "the reader"
) -> Split:
    """Number a split's labels as a reader does: in a folder of 3s and 7s these are classes 0 and 1.

    class_names: the split's; labels: the reader's; name: its, in an error.

    Raises:
        DataError: a class that the reader does not know, or labels outside the split's classes.
    """
    check_labels(split.labels, len(class_names))
    unknown = [name for name in class_names if name not in labels]
    if unknown:
        raise DataError(
            f"{name} does not know {len(unknown)} of the {len(class_names)} classes in this data, "
            f"{unknown[0]!r} to begin with; it knows {', '.join(labels)}"
        )
    numbers = np.array([list(labels).index(name) for name in class_names], dtype=np.int64)
    return Split(split.images, numbers[split.labels])
