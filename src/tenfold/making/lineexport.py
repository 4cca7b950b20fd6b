"""The line network as one .onnx file with its card: written from the weights, proved equal when written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tenfold.data.writing import written_aside
from tenfold.errors import ReaderError
from tenfold.making.export import hash_weights
from tenfold.making.linenetwork import folded
from tenfold.reading.bundle import PROPERTY
from tenfold.reading.linereading import BLANK, HEIGHT

OPSET = 18
TOLERANCE = 1e-3
"""The greatest difference in a probability between the Keras network and its file: float32 rounding."""


def write_line_network(
    network: Any, card: dict[str, Any], path: str | Path, inks: NDArray[np.uint8]
) -> dict[str, Any]:
    """Write the network with its card, equal to the Keras network on `inks` (n, 40, w) or not at all.

    card: has `temperature`, which the logits are divided by in the file; the weights' hash is added.

    Raises ReaderError where the file answers differently, RunError where it cannot be written.
    """
    card = {**card, "weights_sha256": hash_weights(network)}
    model = _graph(network, float(card["temperature"]))
    model.metadata_props.add(key=PROPERTY, value=json.dumps(card, sort_keys=True))
    content = model.SerializeToString(deterministic=True)
    _prove(network, float(card["temperature"]), content, inks)
    with written_aside(Path(path)) as aside:
        aside.write_bytes(content)
    return card


def _graph(network: Any, temperature: float) -> Any:
    """(n, 40, w) uint8 `lines` to (n, w / 4, 15) float32 `log_probabilities`."""
    constants = {"channel": np.array([1]), "row": np.array([2]), "temperature": np.float32(temperature)}
    nodes = [
        helper.make_node("Cast", ["lines"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["real", "channel"], ["flow0"]),
    ]
    convolutions = folded(network)
    for i, (layer, kernel, bias) in enumerate(convolutions):
        kernel = kernel.transpose(3, 2, 0, 1) / np.float32(1 if i else 255)  # the rescaling in front
        constants |= {f"kernel{i}": kernel, f"bias{i}": bias}
        last = i == len(convolutions) - 1
        pad = "SAME_UPPER" if layer.padding == "same" else "VALID"
        out = "logits" if last else f"sum{i}"
        inputs = [f"flow{i}", f"kernel{i}", f"bias{i}"]
        nodes.append(helper.make_node("Conv", inputs, [out], auto_pad=pad, strides=list(layer.strides)))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"flow{i + 1}"]))
    nodes += [
        helper.make_node("Squeeze", ["logits", "row"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Div", ["turned", "temperature"], ["tempered"]),
        helper.make_node("LogSoftmax", ["tempered"], ["log_probabilities"], axis=-1),
    ]
    arrays = {
        k: np.ascontiguousarray(v, np.int64 if k in ("channel", "row") else "<f4")
        for k, v in constants.items()
    }
    graph = helper.make_graph(
        nodes,
        "tenfold lines",
        [helper.make_tensor_value_info("lines", TensorProto.UINT8, ["n", HEIGHT, "w"])],
        [helper.make_tensor_value_info("log_probabilities", TensorProto.FLOAT, ["n", "columns", BLANK + 1])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="tenfold")
    model.ir_version = 10
    onnx.checker.check_model(model)
    return model


def _prove(network: Any, temperature: float, content: bytes, inks: NDArray[np.uint8]) -> None:
    """Raise ReaderError unless file and network give the same probabilities on these lines."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (answer,) = session.run(["log_probabilities"], {"lines": inks})
    logits = np.asarray(network(inks, training=False), np.float64) / temperature
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    difference = float(np.abs(np.exp(answer) - odds / odds.sum(-1, keepdims=True)).max())
    if not difference <= TOLERANCE:  # NaN too
        raise ReaderError(
            f"the exported line network's probabilities differ from the Keras network's by {difference:.2g} "
            f"on {len(inks)} lines; expected at most {TOLERANCE:g}: nothing was written"
        )
