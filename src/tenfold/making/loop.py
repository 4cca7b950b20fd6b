"""A training loop compiled into few calls: images stay uint8 in memory, many steps run in one `tf.function`.

A `Loop` holds everything that changes while it trains: weights, optimizer, moving averages, the epoch.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.errors import TrainingError
from tenfold.making.backend import keras, tensorflow

Array = NDArray[Any]


@dataclass(frozen=True)
class Schedule:
    """How the weights move.

    peak: the greatest learning rate, reached after `warm` of all steps; a cosine takes it to `end` of it.
    decay: decoupled weight decay (Loshchilov and Hutter 2019); beta_1, beta_2: Adam's.
    average: the rate at which the weights' moving average forgets, a step; it starts quicker.
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
        self._optimizer = keras.optimizers.AdamW(
            schedule.peak, schedule.decay, schedule.beta_1, schedule.beta_2, epsilon=1e-7
        )
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self._optimizer.build(model.trainable_variables)
        self._averages = [tensorflow.Variable(w.value, trainable=False) for w in model.weights]
        self._run = tensorflow.function(self._steps, jit_compile=False)

    def run_epoch(self, images: Array, labels: Array, order: Array) -> dict[str, float]:
        """One pass over images (n, 28, 28) uint8 and labels (n,) in this order, without a last short batch.

        Returns the mean loss and the accuracy on digits. Raises TrainingError where the loss is not finite.
        """
        size, steps = self.schedule.batch_size, self.steps_an_epoch
        first = self.epoch * steps
        rates = np.array([self.schedule.rate(first + i, self.steps) for i in range(steps)], np.float32)
        forget = np.array(
            [min(self.schedule.average, (1 + first + i) / (10 + first + i)) for i in range(steps)], np.float32
        )
        batches = order[: steps * size].reshape(steps, size)
        sums = self._run(*map(tensorflow.constant, (images, labels.astype(np.int32), batches, rates, forget)))
        loss, right, digits = (float(value) for value in sums)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is not finite in epoch {self.epoch + 1}: a learning rate of "
                f"{self.schedule.peak:g} is too high here; try {self.schedule.peak / 10:g}"
            )
        self.epoch += 1
        return {"loss": loss / steps, "accuracy": right / max(1.0, digits)}

    def _steps(self, images: Any, labels: Any, batches: Any, rates: Any, forget: Any) -> tuple[Any, Any, Any]:
        tf = tensorflow
        loss_sum = right = digits = tf.constant(0.0)
        for step in tf.range(tf.shape(batches)[0]):
            self._optimizer.learning_rate.assign(rates[step])
            chosen = batches[step]
            truth = tf.gather(labels, chosen)
            is_digit = tf.cast(truth >= 0, tf.float32)
            with tf.GradientTape() as tape:
                outputs = self.model(tf.gather(images, chosen), training=True)
                logits, *refusal = outputs if isinstance(outputs, Sequence) else (outputs,)
                target = tf.one_hot(tf.maximum(truth, 0), logits.shape[-1])
                each = tf.nn.softmax_cross_entropy_with_logits(target, logits) * is_digit
                loss = tf.reduce_mean(each)
                if refusal:
                    doubt = tf.nn.sigmoid_cross_entropy_with_logits(is_digit, refusal[0][:, 0])
                    loss += tf.reduce_mean(doubt)
            variables = self.model.trainable_variables
            self._optimizer.apply(tape.gradient(loss, variables), variables)
            for average, weight in zip(self._averages, self.model.weights, strict=True):
                average.assign_add((1 - forget[step]) * (weight.value - average))
            loss_sum += loss
            said = tf.argmax(logits, axis=1, output_type=tf.int32)
            right += tf.reduce_sum(tf.cast(said == truth, tf.float32))
            digits += tf.reduce_sum(is_digit)
        return loss_sum, right, digits

    @property
    def steps(self) -> int:
        """The steps of the whole training."""
        return self.steps_an_epoch * self.schedule.epochs

    def keep_average(self) -> None:
        """Give the model the moving averages for its weights: the end of training."""
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
