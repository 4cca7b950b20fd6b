"""What a reader costs: bytes, multiply-adds, time."""

import json
import tempfile
import time
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tenfold.errors import RunError
from tenfold.reading import Reader

ONE_BY_ONE, TOGETHER, AT_ONCE = 100, 2000, 5


@dataclass(frozen=True)
class Cost:
    """What one picture costs.

    size: of the reader's file, in bytes; multiply_adds: in convolutions and matrix products, for one image;
    alone: seconds an image when they come one by one; together: when many come at once; both are medians.
    Times are of this machine, as busy as it was.
    """

    size: int
    multiply_adds: int
    alone: float
    together: float


def measure_cost(reader: Reader, images: NDArray[np.uint8]) -> Cost:
    """Measure a reader on images (n, 28, 28) uint8, at least one."""
    single = images[:1]
    reader.probabilities(single)
    times = [_time(reader, single) for _ in range(ONE_BY_ONE)]
    many = np.resize(images, (TOGETHER, *images.shape[1:]))
    return Cost(
        size=reader.path.stat().st_size,
        multiply_adds=count_multiply_adds(reader.path),
        alone=float(np.median(times)),
        together=float(np.median([_time(reader, many) for _ in range(AT_ONCE)])) / TOGETHER,
    )


def _time(reader: Reader, images: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    reader.probabilities(images)
    return time.perf_counter() - start


def count_multiply_adds(path: Path) -> int:
    """Count a reader's multiply-adds for one image, in its convolutions and matrix products.

    The shapes are those that ONNX Runtime reports of one run of the graph as it was written.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_profiling = True
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder, "run"))
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        session.run(None, {"images": np.zeros((1, 28, 28), np.uint8)})
        try:
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        except ValueError:
            raise RunError(
                f"{folder}: cut short what was measured; is the temporary folder's disk full?"
            ) from None
    return sum(_count(event["args"]) for event in events if "output_type_shape" in event.get("args", {}))


def _count(node: dict[str, Any]) -> int:
    """The multiply-adds of one node: as many for each value it gives as it sums up."""
    inputs, outputs = (_shapes(node[f"{side}_type_shape"]) for side in ("input", "output"))
    if node["op_name"] == "Conv":
        return prod(outputs[0]) * prod(inputs[1][1:])
    return prod(outputs[0]) * inputs[0][-1] if node["op_name"] in ("MatMul", "Gemm") else 0


def _shapes(tensors: list[dict[str, list[int]]]) -> list[list[int]]:
    """The shapes of tensors that the profile gives as {type: shape}."""
    return [shape for tensor in tensors for shape in tensor.values()]
