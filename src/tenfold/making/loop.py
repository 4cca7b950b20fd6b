"""A training loop compiled into few calls: images stay uint8 in memory, many steps run in one `tf.function`.

A `Loop` holds everything that changes while it trains: weights, optimizer, moving averages, the epoch.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.making.backend import keras, tensorflow
from tenfold.making.checkpoints import Diverged, Keeper, State, assign, collect, seed_variables, stands
from tenfold.making.events import Event, Progress, end_of_epoch
from tenfold.making.optimizer import AdamW
from tenfold.making.runs import DIGITS, Row

Array = NDArray[Any]

STEPS_A_CALL = 50
"""Steps in one compiled call: between two calls a training can be stopped, and saved. Many cost nothing."""

USUAL = 0.003
"""A greatest learning rate that these networks bear."""

NOTHING = [0.0, 0.0, 0.0]
"""An epoch's sums before its first step: of the loss, of digits read right, of digits."""


@dataclass(frozen=True)
class Schedule:
    """How the weights move.

    peak: the greatest learning rate, reached after `warm` of all steps; a cosine takes it to `end` of it.
    decay: decoupled weight decay (Loshchilov and Hutter 2019); beta_1, beta_2: Adam's.
    average: how much the weights' moving average keeps, a step, at most; it starts quicker. 0 is no average.
    """

    epochs: int
    batch_size: int
    peak: float
    warm: float = 0.1
    end: float = 0.002
    decay: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.98
    average: float = 0.999

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of one step of so many."""
        turn = self.warm * steps
        if step < turn:
            return self.peak * (step + 1) / turn
        done = (step - turn) / max(1.0, steps - turn)
        return self.peak * (self.end + (1 - self.end) * (1 + math.cos(math.pi * done)) / 2)


class Loop:
    """Trains a model that gives logits (n, classes) and, if it refuses, a logit (n, 1) of being a digit.

    Labels are 0 to classes-1; -1 marks what is no digit, which only the second output learns from.
    """

    def __init__(self, model: keras.Model, schedule: Schedule, steps_an_epoch: int) -> None:
        self.model = model
        self.schedule = schedule
        self.steps_an_epoch = steps_an_epoch
        self.epoch = 0
        self._step = 0  # in this epoch
        self._sums = NOTHING
        self._optimizer = AdamW(model.trainable_variables, schedule.decay, schedule.beta_1, schedule.beta_2)
        averaged = model.weights if schedule.average else []
        self._averages = [tensorflow.Variable(w.value, trainable=False) for w in averaged]
        spec = tensorflow.TensorSpec
        self._run = tensorflow.function(
            self._steps,
            jit_compile=False,
            autograph=False,  # it would read all of Keras' code first, which takes seconds
            input_signature=[
                spec((None, 28, 28), tensorflow.uint8),
                spec((None,), tensorflow.int32),
                spec((None, schedule.batch_size), tensorflow.int64),
                spec((None,), tensorflow.float32),
                spec((None,), tensorflow.float32),
            ],
        )
        self._held: tuple[Array, Any] | None = None

    def train(
        self,
        draw: Callable[[int], Generator[tuple[Array, Array], None, None]],
        order: Callable[[int, int], Array],
        validate: Callable[[], Row],
        tell: Callable[[Event], None],
        keeper: Keeper,
    ) -> None:
        """Run the epochs that are left, from where the keeper's checkpoint stands; keep the averaged weights.

        draw: gives images and labels of each epoch from this one on; order: of an epoch of so many images.
        validate: measures the averaged weights, as columns of the row.

        Raises TrainingError where the loss is not finite; the model then has the averaged weights of the last
        whole epoch. Raises Stopped where it was asked to stop.
        """
        if keeper.restored is not None:
            self.restore(keeper.restored)
        try:
            with closing(draw(self.epoch)) as drawn:
                for images, labels in drawn:
                    self._train_epoch(images, labels, order(self.epoch, len(labels)), validate, tell, keeper)
        except Diverged:
            if keeper.good is not None:
                self.restore(keeper.good)
                self.keep_average()
            raise
        self.keep_average()

    def _train_epoch(
        self,
        images: Array,
        labels: Array,
        order: Array,
        validate: Callable[[], Row],
        tell: Callable[[Event], None],
        keeper: Keeper,
    ) -> None:
        start, first = keeper.seconds, self._step

        def between(figures: Row) -> None:
            spent = max(1e-9, keeper.seconds - start)
            speed = (self._step - first) * self.schedule.batch_size / spent
            place = (self.epoch + 1, self.schedule.epochs, self._step, self.steps_an_epoch)
            tell(Progress(*place, figures["loss"], figures["accuracy"], speed))
            keeper.pause(self.done, self.state)

        row: Row = {"epoch": self.epoch + 1, **self.run_epoch(images, labels, order, between)}
        seconds = keeper.seconds - start
        with self.averaged():
            row |= validate()
        rate = self.schedule.rate(self.done - 1, self.steps)
        row |= {"learning_rate": rate, "seconds": keeper.seconds - start}
        row = {name: round(value, DIGITS) for name, value in row.items()}
        keeper.add_row(row)
        tell(
            end_of_epoch(
                row, self.schedule.epochs, (self.steps_an_epoch - first) * self.schedule.batch_size / seconds
            )
        )
        keeper.pause(self.done, self.state, epoch_done=True)

    def run_epoch(
        self,
        images: Array,
        labels: Array,
        order: Array,
        between: Callable[[Row], None] = lambda figures: None,
    ) -> Row:
        """One pass over images (n, 28, 28) uint8 and labels (n,) in this order, without a last short batch.

        between: called between two compiled calls with the loss and accuracy so far.

        Returns the mean loss and the accuracy on digits. Raises TrainingError where the loss is not finite.
        """
        size, steps = self.schedule.batch_size, self.steps_an_epoch
        batches = order[: steps * size].reshape(steps, size).astype(np.int64)
        held = self._hold(images), tensorflow.constant(labels.astype(np.int32))
        while True:
            part = slice(self._step, min(self._step + STEPS_A_CALL, steps))
            sums = self._run(*held, *map(tensorflow.constant, (batches[part], *self._settings(part))))
            self._sums = [a + float(b) for a, b in zip(self._sums, sums, strict=True)]
            self._step = part.stop
            loss, right, digits = self._sums
            self._check(loss)
            figures = {"loss": loss / self._step, "accuracy": right / max(1.0, digits)}
            if self._step == steps:
                break
            between(figures)
        self.epoch, self._step, self._sums = self.epoch + 1, 0, NOTHING
        return figures

    def _hold(self, images: Array) -> Any:
        """The images as a tensor; the same array is copied once."""
        if self._held is None or self._held[0] is not images:
            self._held = (images, tensorflow.constant(images))
        return self._held[1]

    def _settings(self, part: slice) -> tuple[Array, Array]:
        """The learning rate and the average's rate of each of these steps of the epoch."""
        first = self.epoch * self.steps_an_epoch
        steps = range(first + part.start, first + part.stop)
        rates = [self.schedule.rate(step, self.steps) for step in steps]
        forget = [min(self.schedule.average, (1 + step) / (10 + step)) for step in steps]
        return np.array(rates, np.float32), np.array(forget, np.float32)

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise Diverged(self.epoch + 1, self.schedule.peak, USUAL)

    def _steps(self, images: Any, labels: Any, batches: Any, rates: Any, forget: Any) -> tuple[Any, Any, Any]:
        """So many steps; the sums of the loss, of digits read right, of digits."""
        tf = tensorflow

        def step(number: Any, *sums: Any) -> tuple[Any, ...]:
            chosen = batches[number]
            found = self._step_on(tf.gather(images, chosen), tf.gather(labels, chosen), rates[number])
            for average, weight in zip(self._averages, self.model.weights, strict=False):
                average.assign_add((1 - forget[number]) * (weight.value - average))
            return number + 1, *(total + value for total, value in zip(sums, found, strict=True))

        count = tf.shape(batches)[0]
        _, *sums = tf.while_loop(lambda number, *_: number < count, step, [0, *map(tf.constant, NOTHING)])
        return tuple(sums)

    def _step_on(self, images: Any, truth: Any, rate: Any) -> tuple[Any, Any, Any]:
        tf = tensorflow
        is_digit = tf.cast(truth >= 0, tf.float32)
        with tf.GradientTape() as tape:
            outputs = self.model(images, training=True)
            logits, *refusal = outputs if isinstance(outputs, Sequence) else (outputs,)
            target = tf.one_hot(tf.maximum(truth, 0), logits.shape[-1])
            each = tf.nn.softmax_cross_entropy_with_logits(target, logits) * is_digit
            loss = tf.reduce_mean(each)
            if refusal:
                doubt = tf.nn.sigmoid_cross_entropy_with_logits(is_digit, refusal[0][:, 0])
                loss += tf.reduce_mean(doubt)
        self._optimizer.apply(tape.gradient(loss, self.model.trainable_variables), rate)
        right = tf.argmax(logits, axis=1, output_type=tf.int32) == truth
        return loss, tf.reduce_sum(tf.cast(right, tf.float32)), tf.reduce_sum(is_digit)

    @property
    def done(self) -> int:
        """The steps that are done."""
        return self.epoch * self.steps_an_epoch + self._step

    @property
    def steps(self) -> int:
        """The steps of the whole training."""
        return self.steps_an_epoch * self.schedule.epochs

    def state(self) -> State:
        """All that the next step depends on, copied."""
        arrays = collect(
            weights=self.model.weights,
            seeds=seed_variables(self.model),
            averages=self._averages,
            optimizer=self._optimizer.variables,
        )
        return State({"epoch": self.epoch, "step": self._step, "sums": self._sums}, arrays)

    def restore(self, state: State) -> None:
        """Go back to a state. Raises RunError where it is another network's, or beyond the training's end."""
        place = stands(state, self.schedule.epochs, self.steps_an_epoch)
        assign(self.model.weights, state.group("weights"))
        assign(seed_variables(self.model), state.group("seeds"))
        assign(self._averages, state.group("averages"))
        assign(self._optimizer.variables, state.group("optimizer"))
        self.epoch, self._step = place
        self._sums = [float(value) for value in state.place["sums"]]

    def keep_average(self) -> None:
        """Give the model the moving averages for its weights, if it has them: the end of training."""
        if self._averages:
            self.model.set_weights([average.numpy() for average in self._averages])

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The model with its averaged weights, for as long as the block lasts."""
        kept = self.model.get_weights()
        self.keep_average()
        try:
            yield
        finally:
            self.model.set_weights(kept)
