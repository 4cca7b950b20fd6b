"""A script: the same network read with in several ways, in one process, in turns.

    python -m tenfold.making.benchmarking.predicting ASKED

ASKED is {"images": N, "repeats": N}. Its last line is a list of timings as JSON. Weights are drawn, not
trained: they cost the same.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tenfold.data import DIGITS, load_mnist
from tenfold.making.backend import keras
from tenfold.making.export import hash_weights, write_reader
from tenfold.making.networks import build_network
from tenfold.reading import Card, load
from tenfold.reading.reader import BATCH

KERAS_BATCH = 256
"""Quicker for Keras here than its default of 32."""

SINGLES = 10
"""One image is read so many times in a turn."""

Images = NDArray[np.uint8]
Ways = dict[str, Callable[[Images], object]]


def main() -> None:
    """Build, export, read in turns, print the timings."""
    asked = json.loads(sys.argv[1])
    mnist = load_mnist()
    images = (mnist.test or mnist.train).images[: asked["images"]]
    keras.utils.set_random_seed(1)
    model = build_network("classic")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reader.onnx"
        write_reader(model, _card(model), path, images)
        ways = _ways(model, path)
        rows = [*_time(ways, images, "many", asked["repeats"])]
        rows += _time(ways, images[:1], "one", asked["repeats"] * SINGLES)
    print(json.dumps(rows))


def _card(model: keras.Model) -> Card:
    return Card(
        "classic", "classic", DIGITS, 0.5, 1.0, 1, "", hash_weights(model), parameters=model.count_params()
    )


def _ways(model: keras.Model, path: Path) -> Ways:
    """Every way to read images (n, 28, 28) uint8 with this network, by name."""
    reader = load(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return {
        "Tenfold's reader": lambda images: reader.predict_many(images, prepared=True),
        "ONNX Runtime alone": lambda images: [
            session.run(None, {"images": batch}) for batch in _batches(images, BATCH)
        ],
        "Keras, model.predict": lambda images: model.predict(images, batch_size=KERAS_BATCH, verbose=0),
        "Keras, model(images)": lambda images: [
            np.asarray(model(batch, training=False)) for batch in _batches(images, KERAS_BATCH)
        ],
    }


def _batches(images: Images, size: int) -> Iterator[Images]:
    return (images[start : start + size] for start in range(0, len(images), size))


def _time(ways: Ways, images: Images, kind: str, repeats: int) -> list[dict[str, object]]:
    """Seconds an image of each way, the ways taking turns after a first turn that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, read in ways.items():
            start = time.perf_counter()
            read(images)
            if turn:
                seconds[name].append((time.perf_counter() - start) / len(images))
    return [{"what": name, "kind": kind, "seconds": taken} for name, taken in seconds.items()]


if __name__ == "__main__":
    main()
