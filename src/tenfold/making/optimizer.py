"""AdamW in few operations: what the compiled loop moves the weights with.

Keras' own takes some fifteen small operations a weight, which for small networks cost more than the
arithmetic: a quarter of a step of the recipe `fast`. TensorFlow has Adam as one operation; this uses it.
"""

from collections.abc import Sequence
from typing import Any

from tenfold.making.backend import keras, tensorflow

EPSILON = 1e-7
_SPARED = ("bias", "gamma", "beta")


class AdamW:
    """Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).

    weights: a model's trainable weights; biases and the parameters of normalisation are not decayed.
    decay, beta_1, beta_2: as in `keras.optimizers.AdamW`, whose steps these are, to rounding.
    """

    def __init__(self, weights: Sequence[keras.Variable], decay: float, beta_1: float, beta_2: float) -> None:
        self._weights = list(weights)
        self._decay, self._beta_1, self._beta_2 = decay, beta_1, beta_2
        variable, zeros = tensorflow.Variable, tensorflow.zeros
        self._done = variable(0, dtype=tensorflow.int64, trainable=False)
        self._moments = [
            [variable(zeros(w.shape), trainable=False) for w in self._weights] for _ in ("first", "second")
        ]

    @property
    def variables(self) -> list[Any]:
        """All that changes from step to step: how many are done, the first moments, the second."""
        return [self._done, *self._moments[0], *self._moments[1]]

    def apply(self, gradients: Sequence[Any], rate: Any) -> None:
        """One step at this learning rate, a scalar tensor. gradients: one for each weight."""
        tf = tensorflow
        step = tf.cast(self._done.assign_add(1), tf.float32)
        settings = {
            "beta1_power": tf.pow(self._beta_1, step),
            "beta2_power": tf.pow(self._beta_2, step),
            "lr": rate,
            "beta1": self._beta_1,
            "beta2": self._beta_2,
            "epsilon": EPSILON,
        }
        for weight, first, second, gradient in zip(self._weights, *self._moments, gradients, strict=True):
            if self._decay and weight.name not in _SPARED:
                weight.value.assign_sub(rate * self._decay * weight.value)
            tf.raw_ops.ResourceApplyAdam(
                var=weight.value.handle, m=first.handle, v=second.handle, grad=gradient, **settings
            )
