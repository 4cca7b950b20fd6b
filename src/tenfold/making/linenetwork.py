"""The line network and what a training of it keeps: weights, their running average, the optimizer."""

import math
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data.writing import written_aside
from tenfold.errors import RunError, TrainingError
from tenfold.making.backend import keras, tensorflow
from tenfold.making.linefeed import Batch, cycle_at
from tenfold.reading.linereading import BLANK, HEIGHT, SYMBOLS

layers = keras.layers
_CLIP = 5.0  # greatest norm of a gradient


@dataclass(frozen=True)
class LineRecipe:
    """The dials of the training, saved with its result.

    cycles: how many lines to train on, each made once; the learning rate is let down to nothing at the end of
        each cycle, and the network is fit for use there. Lines of the second cycle have more signs that are
        no digits, of the third also print, of the fifth also units and slashes. batch: lines a step.
    normalised: how many cycles normalise each batch. Each one after begins with the averaged weights,
        normalisation folded into the convolutions, as the network is used; it knows what every line looks
        like to a reader.
    rate: the greatest learning rate, reached after the share `warm_up` of the first cycle; `again` of it is
        where a later cycle begins. folded_rate: the greatest without normalisation, warmed up to likewise.
    kept: of what the last cycle changed in the averaged weights, the share that stays. Lines like those of
        the cycle before are then read better than after either (Wortsman et al. 2022).
    decay: of the weights, a step at the greatest rate.
    average: how much of the running average of the weights a step keeps.
    channels: of the five stages. chunk: lines made at once, sorted by width.
    held_out: how many lines to measure and calibrate on.
    """

    cycles: tuple[int, ...] = (200_000, 280_000, 400_000, 409_600, 286_720)
    batch: int = 32
    normalised: int = 3
    rate: float = 1.5e-3
    folded_rate: float = 4e-4
    kept: float = 0.75
    warm_up: float = 0.04
    again: float = 0.6
    decay: float = 1e-4
    average: float = 0.999
    channels: tuple[int, ...] = (16, 48, 64, 96, 128)
    chunk: int = 2048
    held_out: int = 2048

    @property
    def ends(self) -> tuple[int, ...]:
        """The chunk at which each cycle ends; the training with the last."""
        return tuple(accumulate(max(1, lines // self.chunk) for lines in self.cycles))


def build_line_network(channels: tuple[int, ...], normalised: bool = True) -> Any:
    """Convolutions from (n, 40, w) uint8 to logits (n, w / 4, 15): a column sees about 100 pixels.

    The height is taken away in steps 40, 20, 10, 5, 1; the width is quartered at the start, so that most of
    the work is done on small maps. normalised: whether batches are, after each convolution.
    """
    first, second, third, fourth, fifth = channels
    stage = partial(_stage, normalised)
    ink = keras.Input((HEIGHT, None), dtype="uint8", name="lines")
    flow = layers.Rescaling(1 / 255)(layers.Reshape((HEIGHT, -1, 1))(ink))
    flow = stage(flow, first, (5, 5), (2, 2))  # (20, w/2)
    flow = stage(flow, second, (3, 3), (2, 2))  # (10, w/4)
    flow = stage(flow, second, (3, 3))
    flow = stage(flow, third, (3, 3))
    flow = stage(flow, fourth, (3, 3), (2, 1))  # (5, w/4)
    flow = stage(flow, fourth, (3, 3))
    flow = stage(flow, fifth, (5, 1), padding="valid")  # (1, w/4)
    flow = stage(flow, fifth, (1, 5))
    flow = stage(flow, fifth, (1, 5))
    flow = layers.Conv2D(len(SYMBOLS) + 1, 1)(flow)
    return keras.Model(ink, layers.Reshape((-1, len(SYMBOLS) + 1))(flow), name="lines")


def _stage(
    normalised: bool,
    flow: Any,
    channels: int,
    size: tuple[int, int],
    step: tuple[int, int] = (1, 1),
    padding: str = "same",
) -> Any:
    flow = layers.Conv2D(channels, size, strides=step, padding=padding, use_bias=not normalised)(flow)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(flow) if normalised else flow)


def folded(network: Any) -> list[tuple[Any, NDArray[np.float32], NDArray[np.float32]]]:
    """Each convolution with its kernel (h, w, in, out) and bias, the normalisation after it folded in."""
    found: list[tuple[Any, NDArray[np.float32], NDArray[np.float32]]] = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.asarray(layer.kernel)
            bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
            found.append((layer, kernel, bias))
        elif isinstance(layer, keras.layers.BatchNormalization):
            convolution, kernel, bias = found[-1]
            gain = np.asarray(layer.gamma) / np.sqrt(np.asarray(layer.moving_variance) + layer.epsilon)
            bias = np.asarray(layer.beta) + (bias - np.asarray(layer.moving_mean)) * gain
            found[-1] = (convolution, kernel * gain, bias)
    return found


def learning_rate(progress: float, recipe: LineRecipe) -> float:
    """Up in a straight line, down along a cosine, again in each cycle (Loshchilov and Hutter 2017).

    It goes up where the optimizer is new. progress: chunks learned so far, with the fraction of the one that
    is being learned.
    """
    cycle = cycle_at(progress, recipe.ends)
    if cycle == len(recipe.ends):
        return 0.0
    start = recipe.ends[cycle - 1] if cycle else 0
    share = (progress - start) / (recipe.ends[cycle] - start)
    greatest = recipe.rate * recipe.again if cycle else recipe.rate
    if cycle >= recipe.normalised:
        greatest = recipe.folded_rate
    warm = recipe.warm_up if cycle == 0 or cycle >= recipe.normalised else 0.0
    if share < warm:
        return greatest * max(share, 1e-3) / warm
    return greatest * 0.5 * (1 + math.cos(math.pi * (share - warm) / (1 - warm)))


class Trainer:
    """What lives during a training: the network, its running average, the optimizer, how far it got."""

    def __init__(self, recipe: LineRecipe, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.recipe = recipe
        self.chunk = 0
        self._begin(build_line_network(recipe.channels, recipe.normalised > 0))

    def _begin(self, network: Any) -> None:
        """Train this network from here on, with a new average and a new optimizer."""
        recipe = self.recipe
        self.network = network
        self.averaged = keras.models.clone_model(network)
        self.averaged.set_weights(network.get_weights())
        self.before = keras.models.clone_model(network)
        self.before.set_weights(network.get_weights())
        self.optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.decay / recipe.rate)
        self.optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        self.optimizer.build(network.trainable_variables)
        self._step = tensorflow.function(
            self._learn,
            jit_compile=False,
            autograph=False,
            input_signature=[
                tensorflow.TensorSpec((None, HEIGHT, None), tensorflow.uint8),
                tensorflow.TensorSpec((None, None), tensorflow.int32),
                tensorflow.TensorSpec((None,), tensorflow.int32),
                tensorflow.TensorSpec((), tensorflow.float32),
            ],
        )
        self._answer = tensorflow.function(
            self._respond,
            autograph=False,
            input_signature=[tensorflow.TensorSpec((None, HEIGHT, None), tensorflow.uint8)],
        )

    def _fold(self) -> None:
        """Go on with the averaged network, its normalisation, if any, folded into the convolutions."""
        network = build_line_network(self.recipe.channels, normalised=False)
        network.set_weights([array for _, *arrays in folded(self.averaged) for array in arrays])
        self._begin(network)

    @property
    def _folds(self) -> tuple[int, ...]:
        """The chunks before which a cycle without normalisation begins anew."""
        return self.recipe.ends[max(1, self.recipe.normalised) - 1 : -1]

    def _mix(self) -> None:
        """Keep a share of what the cycle has changed."""
        kept = self.recipe.kept
        pairs = zip(self.before.get_weights(), self.averaged.get_weights(), strict=True)
        self.averaged.set_weights([(1 - kept) * old + kept * new for old, new in pairs])

    def _respond(self, inks: Any) -> Any:
        return self.averaged(inks, training=False)

    def _learn(self, inks: Any, symbols: Any, lengths: Any, keep: Any) -> Any:
        with tensorflow.GradientTape() as tape:
            logits = self.network(inks, training=True)
            loss = tensorflow.reduce_mean(text_losses(logits, symbols, lengths))
        weights = self.network.trainable_variables
        gradients, _ = tensorflow.clip_by_global_norm(tape.gradient(loss, weights), _CLIP)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        for average, weight in zip(self.averaged.variables, self.network.variables, strict=True):
            average.assign(keep * average.value + (1 - keep) * weight.value)
        return loss

    def learn(self, batches: list[Batch]) -> float:
        """Learn one chunk; its mean loss a line. Raises TrainingError where that is no number."""
        if self.chunk in self._folds:
            self._fold()
        losses = []
        for i, batch in enumerate(batches):
            step = self.chunk * len(batches) + i
            self.optimizer.learning_rate.assign(learning_rate(step / len(batches), self.recipe))
            keep = min(self.recipe.average, (1 + step) / (10 + step))
            losses.append(self._step(batch.inks, batch.symbols, batch.lengths, np.float32(keep)))
        self.chunk += 1
        loss = float(np.mean([float(value) for value in losses]))
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} after {self.chunk} chunks; lower the rate")
        if self.chunk == self.recipe.ends[-1] and self._folds:
            self._mix()
        return loss

    def logits(self, inks: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the averaged network says of (n, 40, w) uint8: (n, w / 4, 15)."""
        return np.asarray(self._answer(inks).numpy(), np.float32)

    def _values(self) -> list[Any]:
        networks = (self.network, self.averaged, self.before, self.optimizer)
        return [variable for network in networks for variable in network.variables]

    def save(self, path: Path) -> None:
        """Keep everything needed to go on. Raises RunError."""
        arrays: dict[str, Any] = {f"v{i}": np.asarray(value) for i, value in enumerate(self._values())}
        with written_aside(path) as aside, aside.open("wb") as file:
            np.savez(file, chunk=self.chunk, **arrays)

    def restore(self, path: Path) -> None:
        """Go on from what `save` kept. Raises RunError where it was another network."""
        with np.load(path, allow_pickle=False) as kept:
            chunk = int(kept["chunk"])
            if any(chunk > fold for fold in self._folds):
                self._fold()
            values = self._values()
            arrays = [kept[f"v{i}"] for i in range(len(values)) if f"v{i}" in kept]
            if [a.shape for a in arrays] != [tuple(v.shape) for v in values]:
                raise RunError(f"{path}: a checkpoint of another network; name another folder")
            for value, array in zip(values, arrays, strict=True):
                value.assign(array)
            self.chunk = chunk


def text_losses(logits: Any, symbols: Any, lengths: Any) -> Any:
    """Minus the log-probability of each text (n,) under logits (n, columns, 15)."""
    shape = tensorflow.shape(logits)
    columns = tensorflow.fill([shape[0]], shape[1])
    return tensorflow.nn.ctc_loss(
        symbols, logits, lengths, columns, logits_time_major=False, blank_index=BLANK
    )
