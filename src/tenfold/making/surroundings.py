"""Where a training ran: machine and versions, for its metrics, its reader's card and the benchmarks."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tenfold import __version__
from tenfold.making.backend import tensorflow

PACKAGES = ("keras", "numpy", "onnx", "onnxruntime", "tf2onnx")


def describe_versions() -> dict[str, str]:
    """The version of everything that decides what a training gives, by name."""
    return {
        "tenfold": __version__,
        "python": platform.python_version(),
        "tensorflow": tensorflow.__version__,
        **{name: version(name) for name in PACKAGES},
    }


def describe_machine() -> dict[str, Any]:
    """System, processor, how many logical processors, and the GPUs TensorFlow sees."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "gpus": len(tensorflow.config.list_physical_devices("GPU")),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
