"""What one network costs in several runtimes: from the start of a process to the first answer, and then.

    python docs/experiments/runtimes.py

The costs of starting are processor time, not time on the clock; one image is the least of some repeats, most
of them shorter than what the system gives a program at once. So other work disturbs both little.
It would disturb many images at once, which are left to `tenfold benchmark`.
Writes runtimes.json beside this file.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.data import DIGITS, load_mnist
from tenfold.making.backend import keras
from tenfold.making.export import hash_weights, write_reader
from tenfold.making.networks import build_network
from tenfold.making.surroundings import describe_processor
from tenfold.reading import Card

STARTS = 3
"""Processes of each kind, in turns."""

ASKED = {"images": 100, "repeats": 5}
"""What is asked of `tenfold.making.benchmarking.predicting`, the part of `tenfold benchmark` that reads."""

PROGRAMS = {
    "Python alone": "",
    "ONNX Runtime alone": """
import numpy, onnxruntime
session = onnxruntime.InferenceSession("reader.onnx", providers=["CPUExecutionProvider"])
session.run(["probabilities"], {"images": numpy.load("image.npy")})
""",
    "Tenfold's reader": """
import numpy, tenfold
tenfold.load("reader.onnx").predict_many(numpy.load("image.npy"), prepared=True)
""",
    "Keras, model(images)": """
import keras, numpy
numpy.asarray(keras.saving.load_model("model.keras")(numpy.load("image.npy"), training=False))
""",
    "Keras, model.predict": """
import keras, numpy
keras.saving.load_model("model.keras").predict(numpy.load("image.npy"), verbose=0)
""",
}
"""Each reads one image in a process of its own."""


def main() -> None:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as folder:
        _write_network(Path(folder))
        starts = _measure_starts(Path(folder))
    reading = _measure_reading()
    bare = starts.pop("Python alone")
    rows = [
        [name, f"{seconds - bare:.1f} s", f"{1000 * reading[name]:.2f} ms"]
        for name, seconds in starts.items()
    ]
    machine = describe_processor()
    content = {
        "command": "python docs/experiments/runtimes.py",
        "made": f"{machine['processor']}, {machine['cpus']} processors, shared with other work; "
        f"{datetime.now(UTC):%B %Y}; TensorFlow {_version('tensorflow', 'tensorflow-cpu')}, "
        f"ONNX Runtime {_version('onnxruntime')}; the least of {STARTS} starts and of the repeats",
        "columns": ["way to read", "to the first answer", "then one image"],
        "rows": rows,
        "seconds": {name: round(seconds - bare, 3) for name, seconds in starts.items()},
        "one": {name: reading[name] for name in starts},
        "load": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).date().isoformat(),
    }
    for row in [content["columns"], *rows]:
        print("  ".join(f"{cell:<21}" for cell in row))
    Path(__file__).with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _version(*names: str) -> str:
    """The version of the first of these packages that is installed."""
    for name in names:
        try:
            return version(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(" or ".join(names))


def _write_network(folder: Path) -> None:
    """The classic network, its weights drawn and not trained, as Keras' file and as a reader; an image."""
    keras.utils.set_random_seed(1)
    model = build_network("classic")
    images = load_mnist().validation.images[:100]
    card = Card(
        "classic", "classic", DIGITS, 0.5, 1.0, 1, "", hash_weights(model), parameters=model.count_params()
    )
    write_reader(model, card, folder / "reader.onnx", images)
    model.save(folder / "model.keras")
    np.save(folder / "image.npy", images[:1])


def _measure_starts(folder: Path) -> dict[str, float]:
    """Of each program: processor seconds from start to end."""
    found: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    for turn in range(STARTS + 1):
        for name, program in PROGRAMS.items():
            child = subprocess.Popen(
                [sys.executable, "-c", program], cwd=folder, env=quiet, stderr=subprocess.DEVNULL
            )
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                raise RuntimeError(f"{name} ended with {child.returncode}")
            if turn:  # the first only brings the files into memory
                found[name].append(used.ru_utime + used.ru_stime)
    return {name: min(runs) for name, runs in found.items()}


def _measure_reading() -> dict[str, float]:
    """Seconds for one image alone, of each way."""
    script = [sys.executable, "-m", "tenfold.making.benchmarking.predicting", json.dumps(ASKED)]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    rows: list[dict[str, Any]] = json.loads(said.splitlines()[-1])
    return {row["what"]: min(row["seconds"]) for row in rows if row["kind"] == "one"}


if __name__ == "__main__":
    main()
