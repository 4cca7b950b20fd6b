"""Export: a Keras model becomes a reader's file, one .onnx with its card, proved equal when it is written."""

import hashlib
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference

from tenfold.data import load_mnist
from tenfold.data.writing import written_aside
from tenfold.errors import ReaderError
from tenfold.making.backend import keras, tensorflow
from tenfold.reading.bundle import PROPERTY, Card

TOLERANCE = 1e-4
"""The greatest difference in a probability between the Keras model and its file: float32 rounding."""

PROOF = 256
"""How many real images the proof reads."""

OUTPUTS = ("probabilities", "is_digit")


def write_reader(
    model: keras.Model, card: Card, path: str | Path, images: NDArray[np.uint8] | None = None
) -> Card:
    """Write a Keras model and its card as a reader's file, equal to the model or not written at all.

    model: takes (n, 28, 28) uint8, gives probabilities (n, classes), or those and (n,) or (n, 1) the
        probability that it is a digit at all.
    images: (n, 28, 28) uint8 to prove it on; None is MNIST's first validation images.

    Raises ReaderError where the file answers differently from the model, RunError where it cannot be written.
    """
    images = (load_mnist().validation.images if images is None else images)[:PROOF]
    expected = _answers(model, images)  # before converting: Keras exports only what was called once
    graph = _convert(model)
    _tidy(graph)
    graph.metadata_props.add(key=PROPERTY, value=card.to_json())
    content = graph.SerializeToString(deterministic=True)
    _prove(content, images, expected)
    with written_aside(Path(path)) as aside:
        aside.write_bytes(content)
    return card


def rewrite_card(card: Card, path: str | Path) -> Card:
    """Give a reader's file another card, with its figures say; the network stays. Raises RunError."""
    path = Path(path)
    graph = onnx.load(path)
    del graph.metadata_props[:]
    graph.metadata_props.add(key=PROPERTY, value=card.to_json())
    with written_aside(path) as aside:
        aside.write_bytes(graph.SerializeToString(deterministic=True))
    return card


def hash_weights(model: keras.Model) -> str:
    """SHA-256 of the model's weights, each as its shape and little-endian float32, in their order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(repr(weight.shape).encode())
        digest.update(np.ascontiguousarray(weight, dtype="<f4").tobytes())
    return digest.hexdigest()


def _convert(model: keras.Model) -> onnx.ModelProto:
    """The model as an ONNX graph, by Keras' own exporter."""
    if len(model.outputs) == 2 and len(model.outputs[1].shape) == 2:  # (n, 1): the reader's is (n,)
        probabilities, is_digit = model.outputs
        model = keras.Model(model.inputs, [probabilities, keras.layers.Reshape(())(is_digit)])
    signature = [tensorflow.TensorSpec((None, 28, 28), tensorflow.uint8, name="images")]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras' patch of tf2onnx for NumPy 2 asks NumPy for a name that is gone.
        warnings.filterwarnings("ignore", r"In the future `np\.object`", FutureWarning)
        file = Path(folder) / "network.onnx"
        model.export(str(file), format="onnx", input_signature=signature, verbose=False)
        return onnx.load(file)


def _tidy(model: onnx.ModelProto) -> None:
    """Settle names, constant shapes and order, so that the same model gives the same bytes."""
    graph = model.graph
    _settle_reshapes(model)
    _drop_unused(graph)
    _rename(graph)
    graph.name = "tenfold"
    graph.doc_string = model.doc_string = ""
    graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    for output in graph.output:
        output.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]
    del model.metadata_props[:]


def _settle_reshapes(model: onnx.ModelProto) -> None:
    """Make the target of a reshape constant where only the batch is open; Flatten computes it each time."""
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph.value_info
    dims = {value.name: value.type.tensor_type.shape.dim for value in inferred}
    for index, node in enumerate(model.graph.node):
        shape = [dim.dim_value for dim in dims.get(node.output[0], ())]
        if node.op_type == "Reshape" and len(shape) > 1 and shape[0] == 0 and all(shape[1:]):
            target = numpy_helper.from_array(np.array([-1, *shape[1:]], np.int64), f"settled shape {index}")
            model.graph.initializer.append(target)
            node.input[1] = target.name


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Drop nodes and constants that no output needs; keep the constants in order of use."""
    needed = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    kept.reverse()
    constants = {constant.name: constant for constant in graph.initializer}
    used = dict.fromkeys(name for node in kept for name in node.input if name in constants)
    _replace(graph.node, kept)
    _replace(graph.initializer, [constants[name] for name in used])


def _rename(graph: onnx.GraphProto) -> None:
    """Name tensors by kind and place, so that names do not depend on what else the process converted."""
    names = {"": "", graph.input[0].name: "images"}
    names |= {constant.name: f"constant_{i}" for i, constant in enumerate(graph.initializer)}
    for i, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{i}"
        names |= {output: f"{node.name}.{k}" for k, output in enumerate(node.output)}
    names |= {output.name: OUTPUTS[i] for i, output in enumerate(graph.output)}
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    for node in graph.node:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]


def _replace(repeated: Any, items: Sequence[Any]) -> None:
    """Fill a repeated field anew; protocol buffers take no assignment, and lose what they let go."""
    copies = [type(item)() for item in items]
    for copy, item in zip(copies, items, strict=True):
        copy.CopyFrom(item)
    del repeated[:]
    repeated.extend(copies)


def _answers(model: keras.Model, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The model's own answers: probabilities (n, classes) and, if it has a second output, is_digit (n,)."""
    answers = model(images, training=False)
    if not isinstance(answers, list | tuple):
        return [np.asarray(answers)]
    probabilities, is_digit = answers
    return [np.asarray(probabilities), np.reshape(is_digit, -1)]


def _prove(content: bytes, images: NDArray[np.uint8], expected: list[NDArray[np.float32]]) -> None:
    """Raise ReaderError unless the file gives the answers expected on these images."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for name, truth in zip(OUTPUTS, expected, strict=False):
        (answer,) = session.run([name], {"images": images})
        difference = float(np.abs(answer - truth).max()) if answer.shape == truth.shape else np.inf
        if not difference <= TOLERANCE:  # NaN too
            raise ReaderError(
                f"the exported reader's {name} differ from the Keras model's by {difference:.2g} on "
                f"{len(images)} real images; expected at most {TOLERANCE:g}: nothing was written"
            )
