"""What several test files need: real MNIST, and a real reader made without TensorFlow."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tenfold
from makers.networks import CARD
from tenfold.data import Split

MNIST = Path(tenfold.__file__).parent / "data" / "mnist.npz"


@pytest.fixture(scope="session")
def test_split() -> Split:
    """The first 500 test images."""
    with np.load(MNIST) as arrays:
        return Split(arrays["x_test"][:500], arrays["y_test"][:500].astype(np.int64))


@pytest.fixture(scope="session")
def means_reader(tmp_path_factory) -> Path:
    """A reader's file that names the class whose mean training image is nearest: about 82% right."""
    with np.load(MNIST) as arrays:
        images, labels = arrays["x_train"][:6000] / 255.0, arrays["y_train"][:6000]
    means = np.stack([images[labels == digit].mean(axis=0).ravel() for digit in range(10)])
    weights = (means.T * 0.4 / 255).astype(np.float32)  # (784, 10)
    bias = (-0.2 * (means**2).sum(axis=1)).astype(np.float32)  # (10,)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["floats"], ["flat"], axis=1),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "means",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    card = {**CARD, "name": "means", "recipe": "means", "settings": {"loss": "mse"}}
    helper.set_model_props(model, {"tenfold": json.dumps(card)})
    folder = tmp_path_factory.mktemp("means reader")
    onnx.save(model, folder / "reader.onnx")
    return folder / "reader.onnx"
