"""Small readers' files, made without training."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CARD: dict[str, object] = {
    "name": "small",
    "recipe": "none",
    "labels": list("0123456789"),
    "threshold": 0.5,
    "temperature": 1.0,
    "seed": 1,
    "data_sha256": "0" * 64,
    "weights_sha256": "0" * 64,
    "parameters": 7850,
}


def save_network(
    path: Path,
    card: dict[str, object] | str | None = None,
    *,
    classes: int = 10,
    refuses: bool = False,
    batch: int | str = "n",
    takes: str = "images",
    gives: str = "probabilities",
) -> Path:
    """Write a network that weighs pixels by chance; CARD, or another, or (as "") none in its metadata.

    refuses: it also gives `is_digit`, the greatest pixel's share of 255. classes, batch, takes, gives: what a
    real reader has as 10, any, "images" and "probabilities".
    """
    rng = np.random.default_rng(6)
    weights = rng.normal(0, 3 / 255 / 28, (784, classes)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", [takes], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], [gives], axis=1),
    ]
    outputs = [helper.make_tensor_value_info(gives, TensorProto.FLOAT, [batch, classes])]
    constants = [numpy_helper.from_array(weights, "weights")]
    if refuses:
        constants.append(numpy_helper.from_array(np.float32(255), "white"))
        nodes.append(helper.make_node("ReduceMax", ["flat"], ["brightest"], axes=[1], keepdims=0))
        nodes.append(helper.make_node("Div", ["brightest", "white"], ["is_digit"]))
        outputs.append(helper.make_tensor_value_info("is_digit", TensorProto.FLOAT, [batch]))
    inputs = [helper.make_tensor_value_info(takes, TensorProto.UINT8, [batch, 28, 28])]
    graph = helper.make_graph(nodes, "small", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    text = card if isinstance(card, str) else json.dumps(CARD if card is None else card)
    if text:
        helper.set_model_props(model, {"tenfold": text})
    onnx.save(model, path)
    return path
