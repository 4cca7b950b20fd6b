"""Fitting a network to images: the part of training that takes the time.

`fit_stock` is plain Keras, `compile` and `fit`. Another way to fit takes the same arguments and gives a
`Fitted` back; `training.train` does the rest for each.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data import Dataset, Split, one_hot
from tenfold.making.backend import keras
from tenfold.making.batches import stream_batches
from tenfold.making.checkpoints import Diverged, Keeper, State, assign, collect, seed_variables, stands
from tenfold.making.events import Event, Note, Progress, end_of_epoch
from tenfold.making.recipes import OPTIMIZERS as RATES
from tenfold.making.recipes import Recipe
from tenfold.making.runs import DIGITS, Row

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
    keeper: Keeper | None = None,
) -> Fitted:
    """Fit by Keras' own `fit`: shuffled batches, validation after each epoch, early stopping if asked.

    seed: of the order of the images; the weights are in the model already.
    tell: takes events; keeper: keeps rows and checkpoints, and holds the one to go on from.

    Raises TrainingError where the loss is not finite; the model then has the weights of the last whole epoch.
    """
    keeper = keeper or Keeper()
    compile_network(model, recipe)
    model.optimizer.build(model.trainable_variables)
    stopper = _Stopper(recipe.early_stopping) if recipe.early_stopping is not None else None
    watcher = _Watcher(model, recipe, len(dataset.train), tell, keeper, stopper)
    labels = _labels(dataset.train, recipe, len(dataset.class_names))
    held_out = dataset.validation.images, _labels(dataset.validation, recipe, len(dataset.class_names))
    if keeper.restored is not None:
        # Keras makes its metrics when it first measures something; only then can they be given values.
        model.evaluate(dataset.train.images[:1], labels[:1], verbose=0)
        watcher.restore(keeper.restored)
    try:
        while not watcher.finished:
            place = watcher.epoch, watcher.batch
            model.fit(
                stream_batches(dataset.train.images, labels, recipe.batch_size, recipe.epochs, seed, place),
                initial_epoch=watcher.epoch,
                # A checkpoint may lie inside an epoch: its rest comes first, then the epochs after it.
                epochs=watcher.epoch + 1 if watcher.batch else recipe.epochs,
                steps_per_epoch=watcher.batches - watcher.batch,
                shuffle=False,
                validation_data=held_out if len(dataset.validation) else None,
                callbacks=[stopper, watcher] if stopper else [watcher],
                verbose=0,
            )
    except Diverged:
        if keeper.good is not None:
            watcher.restore(keeper.good)
        raise
    done = len(keeper.rows)
    kept = done if stopper is None else stopper.keep_best(model)
    if stopper is not None:
        stopped = f"stopped after epoch {done}" if stopper.stopped_epoch else f"ran to the last epoch, {done}"
        tell(Note(f"{stopped}; the weights of epoch {kept}, with the lowest validation loss, are kept"))
    note_guessing(keeper.rows[kept - 1], dataset, tell)
    return Fitted(tuple(keeper.rows), kept, keeper.seconds)


def note_guessing(row: Row, dataset: Dataset, tell: Callable[[Event], None]) -> None:
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


class _Stopper(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras' early stopping, which can be put in a checkpoint and go on from there."""

    def __init__(self, patience: int) -> None:
        super().__init__(patience=patience, restore_best_weights=True)
        self._place: dict[str, Any] = {}
        self._best: list[Any] = []

    def place(self) -> dict[str, Any]:
        """Where it stands, as JSON values; the best weights are kept beside."""
        return {name: getattr(self, name) for name in ("wait", "stopped_epoch", "best_epoch")} | {
            "best": None if self.best is None else float(self.best)
        }

    def restore(self, place: dict[str, Any], best: list[Any]) -> None:
        """Stand where it stood."""
        self._place, self._best = place, best
        self.on_train_begin()

    def keep_best(self, model: keras.Model) -> int:
        """Give the model the best epoch's weights; that epoch's number."""
        model.set_weights(self.best_weights)
        return int(self.best_epoch) + 1

    def on_train_begin(self, logs: Row | None = None) -> None:
        super().on_train_begin(logs)
        for name, value in self._place.items():
            setattr(self, name, value)
        self.best_weights = self._best or None

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        self._place, self._best = self.place(), self.best_weights or []

    def on_train_end(self, logs: Row | None = None) -> None:
        pass  # the best weights are taken when all parts of the training are done


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells events from inside `fit`, keeps rows and checkpoints, and stops where the loss is not finite.

    epoch, batch: how many are done, of the training and of the epoch that has begun.
    """

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        images: int,
        tell: Callable[[Event], None],
        keeper: Keeper,
        stopper: _Stopper | None,
    ) -> None:
        super().__init__()
        self.epoch = self.batch = 0
        self.batches = -(-images // recipe.batch_size)
        self._network = model
        self._recipe = recipe
        self._images = images
        self._tell = tell
        self._keeper = keeper
        self._stopper = stopper
        self._metrics: list[Any] = []
        self._first = 0
        self._epoch_start = self._last_told = self._trained = 0.0

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping has ended them."""
        stopped = self._stopper is not None and self._stopper.stopped_epoch > 0
        return stopped or self.epoch == self._recipe.epochs

    def state(self) -> State:
        """All that the next step depends on, copied."""
        model, stopper = self._network, self._stopper
        arrays = collect(
            weights=model.weights,
            seeds=seed_variables(model),
            optimizer=model.optimizer.variables,
            metrics=model.metrics_variables if self.batch else [],
            best=(stopper.best_weights or []) if stopper else [],
        )
        place = {"epoch": self.epoch, "step": self.batch, "stopping": stopper.place() if stopper else None}
        return State(place, arrays)

    def restore(self, state: State) -> None:
        """Go back to a state. Raises RunError where it is another network's, or beyond the training's end."""
        model = self._network
        place = stands(state, self._recipe.epochs, self.batches)
        assign(model.weights, state.group("weights"))
        assign(seed_variables(model), state.group("seeds"))
        assign(model.optimizer.variables, state.group("optimizer"))
        self.epoch, self.batch = place
        self._metrics = state.group("metrics")
        if self._stopper is not None:
            self._stopper.restore(state.place["stopping"], state.group("best"))

    def on_epoch_begin(self, epoch: int, logs: Row | None = None) -> None:
        self._epoch_start = self._last_told = self._trained = time.perf_counter()
        self._first = self.batch
        if self._metrics:
            assign(self._network.metrics_variables, self._metrics)
            self._metrics = []

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        self.batch += 1
        self._trained = now = time.perf_counter()
        if now - self._last_told >= PROGRESS_EVERY:
            self._last_told = now
            loss, accuracy = float((logs or {})["loss"]), float((logs or {})["accuracy"])
            self._check(loss)
            place = (self.epoch + 1, self._recipe.epochs, self.batch, self.batches)
            self._tell(Progress(*place, loss, accuracy, self._speed()))
        if self.batch < self.batches:
            self._keeper.pause(self.epoch * self.batches + self.batch, self.state)

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
        self._keeper.add_row(row)
        self._tell(end_of_epoch(row, self._recipe.epochs, self._speed()))
        self.epoch, self.batch = epoch + 1, 0
        self._keeper.pause(self.epoch * self.batches, self.state, epoch_done=True)

    def _speed(self) -> float:
        size = self._recipe.batch_size
        seen = min(self.batch * size, self._images) - self._first * size
        return seen / max(1e-9, self._trained - self._epoch_start)

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            rate, optimizer = self._recipe.rate, self._recipe.optimizer
            raise Diverged(self.epoch + 1, rate, RATES[optimizer], f" for {optimizer}")
