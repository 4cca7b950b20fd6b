"""The line network: reads a whole line of digits and marks at once, touching or not.

    python -m tenfold.making.lines --out runs/lines --seed 1

trains it on lines made from MNIST's training digits and writes `lines.onnx`. Stopped, the same command
goes on from its last checkpoint.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenfold.data import load_mnist
from tenfold.errors import RunError, TrainingError
from tenfold.making import glyphs
from tenfold.making.backend import keras, tensorflow
from tenfold.making.lineexport import write_line_network
from tenfold.making.linefeed import CHUNK, Batch, feed, make_chunk
from tenfold.making.papers import make_papers
from tenfold.making.runs import written_aside
from tenfold.making.strings import Stock
from tenfold.reading.linereading import BLANK, HEIGHT, SYMBOLS, best_path

layers = keras.layers
_HELD_OUT = 1_000_003  # added to the seed for lines that are never trained on
_MOST_SURPRISING = 20.0  # so that a line nobody could read does not set the temperature
_CLIP = 5.0  # greatest norm of a gradient
_SAVE_EVERY = 8  # chunks
_REPORT_EVERY = 10  # chunks


@dataclass(frozen=True)
class LineRecipe:
    """The dials of the training, saved with its result.

    cycles: how many lines to train on, each made once; the learning rate is let down to nothing at the end of
        each cycle, and the network is fit for use there. Lines of later cycles have more signs that are no
        digits. batch: lines a step.
    rate: the greatest learning rate, reached after the share `warm_up` of the first cycle; `again` of it is
        where a later cycle begins. decay: of the weights, a step at the greatest rate.
    average: how much of the running average of the weights a step keeps.
    channels: of the five stages. held_out: how many lines to measure on.
    """

    cycles: tuple[int, ...] = (200_000, 400_000)
    batch: int = 32
    rate: float = 1.5e-3
    warm_up: float = 0.04
    again: float = 0.6
    decay: float = 1e-4
    average: float = 0.999
    channels: tuple[int, ...] = (16, 48, 64, 96, 128)
    held_out: int = 2048

    @property
    def ends(self) -> tuple[int, ...]:
        """The chunk at which each cycle ends; the training with the last."""
        return tuple(accumulate(max(1, lines // CHUNK) for lines in self.cycles))


def build_line_network(channels: tuple[int, ...]) -> Any:
    """Convolutions from (n, 40, w) uint8 to logits (n, w / 4, 15): a column sees about 100 pixels.

    The height is taken away in steps 40, 20, 10, 5, 1; the width is quartered at the start, so that most of
    the work is done on small maps.
    """
    first, second, third, fourth, fifth = channels
    ink = keras.Input((HEIGHT, None), dtype="uint8", name="lines")
    flow = layers.Rescaling(1 / 255)(layers.Reshape((HEIGHT, -1, 1))(ink))
    flow = _convolve(flow, first, (5, 5), (2, 2))  # (20, w/2)
    flow = _convolve(flow, second, (3, 3), (2, 2))  # (10, w/4)
    flow = _convolve(flow, second, (3, 3))
    flow = _convolve(flow, third, (3, 3))
    flow = _convolve(flow, fourth, (3, 3), (2, 1))  # (5, w/4)
    flow = _convolve(flow, fourth, (3, 3))
    flow = _convolve(flow, fifth, (5, 1), padding="valid")  # (1, w/4)
    flow = _convolve(flow, fifth, (1, 5))
    flow = _convolve(flow, fifth, (1, 5))
    flow = layers.Conv2D(len(SYMBOLS) + 1, 1)(flow)
    return keras.Model(ink, layers.Reshape((-1, len(SYMBOLS) + 1))(flow), name="lines")


def _convolve(
    flow: Any, channels: int, size: tuple[int, int], step: tuple[int, int] = (1, 1), padding: str = "same"
) -> Any:
    flow = layers.Conv2D(channels, size, strides=step, padding=padding, use_bias=False)(flow)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(flow))


def learning_rate(progress: float, recipe: LineRecipe) -> float:
    """Up in a straight line, down along a cosine, again in each cycle (Loshchilov and Hutter 2017).

    progress: chunks learned so far, with the fraction of the one that is being learned.
    """
    cycle = sum(end <= progress for end in recipe.ends)
    if cycle == len(recipe.ends):
        return 0.0
    start = recipe.ends[cycle - 1] if cycle else 0
    share = (progress - start) / (recipe.ends[cycle] - start)
    if cycle:
        return recipe.rate * recipe.again * 0.5 * (1 + math.cos(math.pi * share))
    if share < recipe.warm_up:
        return recipe.rate * max(share, 1e-3) / recipe.warm_up
    return recipe.rate * 0.5 * (1 + math.cos(math.pi * (share - recipe.warm_up) / (1 - recipe.warm_up)))


class Trainer:
    """What lives during a training: the network, its running average, the optimizer, how far it got."""

    def __init__(self, recipe: LineRecipe, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.recipe = recipe
        self.network = build_line_network(recipe.channels)
        self.averaged = build_line_network(recipe.channels)
        self.averaged.set_weights(self.network.get_weights())
        self.optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.decay / recipe.rate)
        self.optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        self.optimizer.build(self.network.trainable_variables)
        self.chunk = 0
        self._step = tensorflow.function(
            self._learn,
            jit_compile=False,
            input_signature=[
                tensorflow.TensorSpec((None, HEIGHT, None), tensorflow.uint8),
                tensorflow.TensorSpec((None, None), tensorflow.int32),
                tensorflow.TensorSpec((None,), tensorflow.int32),
                tensorflow.TensorSpec((), tensorflow.float32),
            ],
        )
        self._answer = tensorflow.function(
            self._respond, input_signature=[tensorflow.TensorSpec((None, HEIGHT, None), tensorflow.uint8)]
        )

    def _respond(self, inks: Any) -> Any:
        return self.averaged(inks, training=False)

    def _learn(self, inks: Any, symbols: Any, lengths: Any, keep: Any) -> Any:
        with tensorflow.GradientTape() as tape:
            logits = self.network(inks, training=True)
            loss = tensorflow.reduce_mean(_losses(logits, symbols, lengths))
        weights = self.network.trainable_variables
        gradients, _ = tensorflow.clip_by_global_norm(tape.gradient(loss, weights), _CLIP)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        for average, weight in zip(self.averaged.variables, self.network.variables, strict=True):
            average.assign(keep * average.value + (1 - keep) * weight.value)
        return loss

    def learn(self, batches: list[Batch]) -> float:
        """Learn one chunk; its mean loss a line. Raises TrainingError where that is no number."""
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
        return loss

    def logits(self, inks: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the averaged network says of (n, 40, w) uint8: (n, w / 4, 15)."""
        return np.asarray(self._answer(inks).numpy(), np.float32)

    def _values(self) -> list[Any]:
        return [*self.network.variables, *self.averaged.variables, *self.optimizer.variables]

    def save(self, path: Path) -> None:
        """Keep everything needed to go on. Raises RunError."""
        arrays: dict[str, Any] = {f"v{i}": np.asarray(value) for i, value in enumerate(self._values())}
        with written_aside(path) as aside, aside.open("wb") as file:
            np.savez(file, chunk=self.chunk, **arrays)

    def restore(self, path: Path) -> None:
        """Go on from what `save` kept. Raises RunError where it was another network."""
        with np.load(path, allow_pickle=False) as kept:
            values = self._values()
            arrays = [kept[f"v{i}"] for i in range(len(values)) if f"v{i}" in kept]
            if [a.shape for a in arrays] != [tuple(v.shape) for v in values]:
                raise RunError(f"{path}: a checkpoint of another network; name another folder")
            for value, array in zip(values, arrays, strict=True):
                value.assign(array)
            self.chunk = int(kept["chunk"])


def measure(trainer: Trainer, batches: list[Batch]) -> dict[str, float]:
    """Shares of lines read exactly: `exact` with every mark, `digits` the digits alone."""
    exact = digits = count = 0
    for batch in batches:
        for read, symbols, length in zip(
            best_path(trainer.logits(batch.inks)), batch.symbols, batch.lengths, strict=True
        ):
            truth = tuple(symbols[:length].tolist())
            exact += read == truth
            digits += [s for s in read if s < 10] == [s for s in truth if s < 10]
            count += 1
    return {"exact": exact / count, "digits": digits / count}


def held_out_batches(recipe: LineRecipe, seed: int) -> list[Batch]:
    """Lines made from MNIST's validation digits on papers of their own."""
    validation = load_mnist().validation
    stock = Stock(glyphs.measure(validation.images, validation.labels), make_papers(seed + _HELD_OUT))
    return make_chunk(stock, seed + _HELD_OUT, 0, recipe.batch, recipe.held_out)


def train_lines(
    out: str | Path,
    recipe: LineRecipe | None = None,
    *,
    seed: int = 1,
    processes: int = 1,
    on_report: Callable[[dict[str, float]], None] | None = None,
) -> Trainer:
    """Train the line network in the folder `out`, going on from its checkpoint where there is one.

    Raises RunError where the folder cannot be used, TrainingError where the loss is lost.
    """
    recipe = recipe or LineRecipe()
    out = Path(out)
    settings = json.dumps({"seed": seed, **asdict(recipe)}, sort_keys=True)
    _claim(out, settings)
    trainer = Trainer(recipe, seed)
    checkpoint = out / "checkpoint.npz"
    if checkpoint.exists():
        trainer.restore(checkpoint)
    mnist = load_mnist()
    digits = glyphs.measure(mnist.train.images, mnist.train.labels)
    held_out = held_out_batches(recipe, seed)
    start, began = time.perf_counter(), trainer.chunk
    losses: list[float] = []
    ahead = range(trainer.chunk, recipe.ends[-1])
    with feed(digits, seed, recipe.batch, ahead, recipe.ends[0], processes) as chunks:
        for batches in chunks:
            losses.append(trainer.learn(batches))
            last = trainer.chunk in recipe.ends
            if trainer.chunk % _SAVE_EVERY == 0 or last:
                trainer.save(checkpoint)
            if trainer.chunk % _REPORT_EVERY == 0 or last:
                rate = (trainer.chunk - began) * CHUNK / (time.perf_counter() - start)
                row = {"lines": trainer.chunk * CHUNK, "loss": float(np.mean(losses)), "lines_a_second": rate}
                row |= measure(trainer, held_out)
                losses.clear()
                _append(out / "progress.jsonl", row)
                if last:
                    export(trainer, out / "lines.onnx", held_out, seed, mnist.sha256)
                if on_report:
                    on_report(row)
    return trainer


def export(
    trainer: Trainer, path: Path, held_out: list[Batch], seed: int, data_sha256: str
) -> dict[str, Any]:
    """Write the averaged network, its temperature set on held-out lines; its card."""
    temperature = calibrate(trainer, held_out)
    card = {
        "format": 1,
        "name": "lines",
        "symbols": list(SYMBOLS),
        "height": HEIGHT,
        "temperature": temperature,
        "seed": seed,
        "settings": asdict(trainer.recipe),
        "data_sha256": data_sha256,
        "parameters": trainer.averaged.count_params(),
        "versions": {"tensorflow": tensorflow.__version__, "keras": keras.__version__},
        "figures": {"lines": trainer.chunk * CHUNK, **measure(trainer, held_out)},
    }
    return write_line_network(trainer.averaged, card, path, held_out[0].inks)


def calibrate(trainer: Trainer, batches: list[Batch]) -> float:
    """The temperature under which the true texts are likeliest (Guo et al. 2017, for whole lines)."""
    losses = tensorflow.function(_losses, reduce_retracing=True)
    answers = [(trainer.logits(batch.inks), batch.symbols, batch.lengths) for batch in batches]

    def surprise(temperature: float) -> float:
        found = [losses(logits / np.float32(temperature), *truth).numpy() for logits, *truth in answers]
        return float(np.concatenate(found).clip(0, _MOST_SURPRISING).mean())

    coarse = min((0.6 + 0.2 * step for step in range(11)), key=surprise)
    fine = min((coarse + 0.05 * step for step in range(-3, 4)), key=surprise)
    return round(fine, 2)


def _losses(logits: Any, symbols: Any, lengths: Any) -> Any:
    """Minus the log-probability of each text (n,) under logits (n, columns, 15)."""
    shape = tensorflow.shape(logits)
    columns = tensorflow.fill([shape[0]], shape[1])
    return tensorflow.nn.ctc_loss(
        symbols, logits, lengths, columns, logits_time_major=False, blank_index=BLANK
    )


def _claim(out: Path, settings: str) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = out / "settings.json"
        if file.exists() and file.read_text() != settings:
            raise RunError(f"{out}: holds a training with other settings; name another folder")
        file.write_text(settings)
    except OSError as error:
        raise RunError(f"{out}: cannot be used ({error.strerror or error})") from error


def _append(path: Path, row: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def main() -> None:
    """Train from the command line."""
    defaults = LineRecipe()
    parser = argparse.ArgumentParser(
        prog="python -m tenfold.making.lines", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", default="runs/lines", help="folder of the run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, nargs="+", default=defaults.cycles, help="of each cycle")
    parser.add_argument("--processes", type=int, default=1, help="how many processes make lines")
    given = parser.parse_args()
    train_lines(
        given.out,
        LineRecipe(cycles=tuple(given.lines)),
        seed=given.seed,
        processes=given.processes,
        on_report=lambda row: print(json.dumps({k: round(v, 4) for k, v in row.items()}), flush=True),
    )


if __name__ == "__main__":
    main()
