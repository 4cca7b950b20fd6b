"""Fitting a network to images: the part of training that takes the time.

`fit_stock` is plain Keras, `compile` and `fit`. Another way to fit takes the same arguments and gives a
`Fitted` back; `training.train` does the rest for each.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Dataset, Split, one_hot
from tenfold.errors import TrainingError
from tenfold.making.backend import keras
from tenfold.making.batches import stream_batches
from tenfold.making.events import EpochEnd, Event, Note, Progress
from tenfold.making.recipes import Recipe

PROGRESS_EVERY = 0.1  # seconds

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "adam": keras.optimizers.Adam,
}

MEASURED = ("loss", "accuracy", "val_loss", "val_accuracy")
"""What Keras tells at the end of an epoch, in the order of history.csv."""

DIGITS = 6
"""Decimals of a figure in history.csv: all that float32 has for an accuracy."""

Row = dict[str, float]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What fitting tells: one row an epoch, the epoch whose weights were kept, how long it took.

    temperature: what the logits are divided by; threshold: confidence below which the reader is unsure.
    """

    history: tuple[Row, ...]
    kept_epoch: int
    seconds: float
    temperature: float = 1.0
    threshold: float = 0.8


def compile_network(model: keras.Model, recipe: Recipe) -> None:
    """Give a network the recipe's loss, optimizer and accuracy, as `model.compile` does."""
    one_hot_labels = recipe.labels == "one-hot"
    accuracy = (
        keras.metrics.CategoricalAccuracy if one_hot_labels else keras.metrics.SparseCategoricalAccuracy
    )
    model.compile(
        optimizer=OPTIMIZERS[recipe.optimizer](learning_rate=recipe.rate),
        loss=recipe.loss,
        metrics=[accuracy(name="accuracy")],
        jit_compile=False,  # XLA halves the speed of these networks on a CPU
    )


def fit_stock(
    model: keras.Model,
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    tell: Callable[[Event], None],
    keep_row: Callable[[Row], None],
) -> Fitted:
    """Fit by Keras' own `fit`: shuffled batches, validation after each epoch, early stopping if asked.

    seed: of the order of the images; the weights are in the model already.
    tell: takes events; keep_row: takes each epoch's row as it is done.

    Raises TrainingError where the loss is not finite.
    """
    compile_network(model, recipe)
    classes = len(dataset.class_names)
    watcher = _Watcher(recipe, len(dataset.train), tell, keep_row)
    callbacks = [watcher]
    stopper = None
    if recipe.early_stopping is not None:
        stopper = keras.callbacks.EarlyStopping(patience=recipe.early_stopping, restore_best_weights=True)
        callbacks.append(stopper)
    start = time.perf_counter()
    labels = _labels(dataset.train, recipe, classes)
    model.fit(
        stream_batches(dataset.train.images, labels, recipe.batch_size, recipe.epochs, seed),
        epochs=recipe.epochs,
        steps_per_epoch=watcher.batches,
        shuffle=False,
        validation_data=(dataset.validation.images, _labels(dataset.validation, recipe, classes))
        if len(dataset.validation)
        else None,
        callbacks=callbacks,
        verbose=0,
    )
    seconds = time.perf_counter() - start
    done = len(watcher.rows)
    kept = done if stopper is None else stopper.best_epoch + 1
    if stopper is not None:
        stopped = f"stopped after epoch {done}" if stopper.stopped_epoch else f"ran all {done} epochs"
        tell(Note(f"{stopped}; the weights of epoch {kept}, with the lowest validation loss, are kept"))
    _note_guessing(watcher.rows[kept - 1], dataset, tell)
    return Fitted(tuple(watcher.rows), kept, seconds)


def _note_guessing(row: Row, dataset: Dataset, tell: Callable[[Event], None]) -> None:
    """Say so where the network does no better than always naming the commonest class."""
    counts = np.bincount(dataset.train.labels)
    guessing = counts.max() / counts.sum()
    accuracy = row.get("val_accuracy", row["accuracy"])
    if accuracy < guessing + 0.02:
        tell(
            Note(
                f"it has learnt nothing yet: {accuracy:.1%} right, where guessing gives {guessing:.1%}; "
                "try another learning rate, or more epochs"
            )
        )


def _labels(split: Split, recipe: Recipe, classes: int) -> NDArray[np.float32] | NDArray[np.int64]:
    """The labels as the loss takes them: (n, classes) one-hot or (n,) integers."""
    return one_hot(split.labels, classes) if recipe.labels == "one-hot" else split.labels


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells events from inside `fit`, keeps each epoch's row, and stops where the loss is not finite."""

    def __init__(
        self, recipe: Recipe, images: int, tell: Callable[[Event], None], keep_row: Callable[[Row], None]
    ) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._recipe = recipe
        self._images = images
        self.batches = -(-images // recipe.batch_size)
        self._tell = tell
        self._keep_row = keep_row
        self._epoch_start = self._last = 0.0

    def on_epoch_begin(self, epoch: int, logs: Row | None = None) -> None:
        self._epoch_start = self._last = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        now = time.perf_counter()
        if now - self._last < PROGRESS_EVERY:
            return
        self._last = now
        loss, accuracy = float((logs or {})["loss"]), float((logs or {})["accuracy"])
        self._check(loss)
        seen = min((batch + 1) * self._recipe.batch_size, self._images)
        speed = seen / (now - self._epoch_start)
        epoch = len(self.rows) + 1
        self._tell(Progress(epoch, self._recipe.epochs, batch + 1, self.batches, loss, accuracy, speed))

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        logs = logs or {}
        row: Row = {
            "epoch": epoch + 1,
            **{name: round(float(logs[name]), DIGITS) for name in MEASURED if name in logs},
        }
        row |= {
            "learning_rate": self._recipe.rate,
            "seconds": round(time.perf_counter() - self._epoch_start, 3),
        }
        self._check(row["loss"] + row.get("val_loss", 0.0))
        self.rows.append(row)
        self._keep_row(row)
        self._tell(
            EpochEnd(
                epoch + 1,
                self._recipe.epochs,
                row["loss"],
                row["accuracy"],
                row.get("val_loss"),
                row.get("val_accuracy"),
                row["seconds"],
            )
        )

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            rate, optimizer = self._recipe.rate, self._recipe.optimizer
            raise TrainingError(
                f"the loss is not finite in epoch {len(self.rows) + 1}: a learning rate of {rate:g} is "
                f"too high for {optimizer} here; try {rate / 10:g}"
            )
