"""Where a training or a benchmark ran: machine and versions. TensorFlow is loaded only if asked about."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tenfold import __version__

PACKAGES = ("keras", "numpy", "onnx", "onnxruntime", "tf2onnx")


def describe_versions() -> dict[str, str]:
    """The version of everything that decides what a training gives, by name."""
    from tenfold.making.backend import tensorflow

    return {
        "tenfold": __version__,
        "python": platform.python_version(),
        "tensorflow": tensorflow.__version__,
        **{name: version(name) for name in PACKAGES},
    }


def describe_machine() -> dict[str, Any]:
    """System, processor, how many logical processors, and the GPUs TensorFlow sees."""
    from tenfold.making.backend import tensorflow

    return {**describe_processor(), "gpus": len(tensorflow.config.list_physical_devices("GPU"))}


def describe_processor() -> dict[str, Any]:
    """System, processor, and how many logical processors."""
    return {"system": platform.platform(), "processor": _processor(), "cpus": os.cpu_count()}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
