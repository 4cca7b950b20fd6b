"""The line network: reads a whole line of digits and marks at once, touching or not.

    python -m tenfold.making.lines --out runs/lines --seed 1

trains it on lines made from MNIST's training digits and writes `lines.onnx`. Stopped, the same command
goes on from its last checkpoint.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.data import Dataset, Split, load_mnist
from tenfold.errors import RunError
from tenfold.making import glyphs
from tenfold.making.backend import keras, tensorflow
from tenfold.making.lineexport import write_line_network
from tenfold.making.linefeed import Batch, feed, make_chunk
from tenfold.making.linenetwork import LineRecipe, Trainer, text_losses
from tenfold.making.papers import make_papers
from tenfold.making.strings import Stock
from tenfold.reading.linereading import HEIGHT, SYMBOLS, best_path

_HELD_OUT = 1_000_003  # added to the seed for lines that are never trained on
_MOST_SURPRISING = 20.0  # so that a line nobody could read does not set the temperature
_SAVE_EVERY = 8  # chunks
_REPORT_EVERY = 10  # chunks


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


def held_out_batches(validation: Split, recipe: LineRecipe, seed: int) -> list[Batch]:
    """Lines made from digits that are not trained on, on papers of their own."""
    stock = Stock(glyphs.measure(validation.images, validation.labels), make_papers(seed + _HELD_OUT))
    return make_chunk(stock, seed + _HELD_OUT, 0, recipe.batch, recipe.held_out, len(recipe.cycles) - 1)


def train_lines(
    out: str | Path,
    recipe: LineRecipe | None = None,
    *,
    data: Dataset | None = None,
    seed: int = 1,
    processes: int = 1,
    on_report: Callable[[dict[str, float]], None] | None = None,
) -> Trainer:
    """Train the line network in the folder `out`, going on from its checkpoint where there is one.

    At the end of each cycle the network is written there as `lines.onnx`. data: where the digits come from;
    MNIST where left out. processes: how many make lines; the result is the same.

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
    data = data or load_mnist()
    digits = glyphs.measure(data.train.images, data.train.labels)
    held_out = held_out_batches(data.validation, recipe, seed)
    start, began = time.perf_counter(), trainer.chunk
    losses: list[float] = []
    ahead = range(trainer.chunk, recipe.ends[-1])
    with feed(digits, seed, recipe.batch, recipe.chunk, ahead, recipe.ends, processes) as chunks:
        for batches in chunks:
            losses.append(trainer.learn(batches))
            last = trainer.chunk in recipe.ends
            if trainer.chunk % _SAVE_EVERY == 0 or last:
                trainer.save(checkpoint)
            if trainer.chunk % _REPORT_EVERY == 0 or last:
                rate = (trainer.chunk - began) * recipe.chunk / (time.perf_counter() - start)
                row = {"lines": float(trainer.chunk * recipe.chunk), "loss": float(np.mean(losses))}
                row |= {"lines_a_second": rate, **measure(trainer, held_out)}
                losses.clear()
                _append(out / "progress.jsonl", row)
                if last:
                    export(trainer, out / "lines.onnx", held_out, seed, data.sha256)
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
        "figures": {"lines": trainer.chunk * trainer.recipe.chunk, **measure(trainer, held_out)},
    }
    return write_line_network(trainer.averaged, card, path, held_out[0].inks)


def calibrate(trainer: Trainer, batches: list[Batch]) -> float:
    """The temperature under which the true texts are likeliest (Guo et al. 2017, for whole lines)."""
    losses = tensorflow.function(text_losses, autograph=False, reduce_retracing=True)
    answers = [(trainer.logits(batch.inks), batch.symbols, batch.lengths) for batch in batches]

    def surprise(temperature: float) -> float:
        found = [losses(logits / np.float32(temperature), *truth).numpy() for logits, *truth in answers]
        return float(np.concatenate(found).clip(0, _MOST_SURPRISING).mean())

    coarse = min((0.6 + 0.2 * step for step in range(11)), key=surprise)
    fine = min((coarse + 0.05 * step for step in range(-3, 4)), key=surprise)
    return round(fine, 2)


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
