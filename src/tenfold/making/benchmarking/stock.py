"""A script: the classic recipe as most people write it, Keras' `compile` and `fit` on arrays.

    python -m tenfold.making.benchmarking.stock TASK

It is `examples/first_steps.py` without what is shown on the way. Its last line is what was measured, as JSON.
"""

import json
import time

import numpy as np

from tenfold.data import one_hot
from tenfold.making.backend import keras
from tenfold.making.benchmarking.answers import judge_answers
from tenfold.making.benchmarking.processes import Task
from tenfold.making.networks import build_network
from tenfold.making.recipes import RECIPES


def build_stock() -> keras.Model:
    """The classic network for images that are scaled beforehand: (n, 28, 28, 1) float32, 0-1."""
    scaling_and_channel = 2
    return keras.Sequential(
        [keras.Input((28, 28, 1)), *build_network("classic").layers[scaling_and_channel:]]
    )


def main() -> None:
    """Train, read the test images, print what was measured."""
    task, recipe = Task.from_argument(), RECIPES["classic"]
    splits = task.load()
    images, held_out, unseen = (split.images[..., np.newaxis] / np.float32(255) for split in splits)
    labels, held_out_labels, _ = (one_hot(split.labels, 10) for split in splits)
    keras.utils.set_random_seed(task.seed)
    model = build_stock()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    start = time.perf_counter()
    model.fit(
        images,
        labels,
        epochs=task.epochs or recipe.epochs,
        batch_size=recipe.batch_size,
        validation_data=(held_out, held_out_labels) if len(held_out) else None,
        verbose=2,
    )
    seconds = time.perf_counter() - start
    digits = model.predict(unseen, verbose=0).argmax(axis=1)
    print(json.dumps({"fit": seconds, **judge_answers(digits, splits[2])}))


if __name__ == "__main__":
    main()
