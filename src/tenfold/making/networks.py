"""The networks, each defined once, in Keras.

Every one takes images (n, 28, 28) uint8 and gives probabilities (n, classes) float32; the scaling to 0-1 is
its first layer, so that it travels inside every saved and exported file.
"""

from collections.abc import Callable
from typing import Any

from tenfold.errors import OptionError
from tenfold.making.backend import keras
from tenfold.making.recipes import NETWORKS, choose

IMAGE = (28, 28)


def classic(classes: int, activation: str) -> keras.Model:
    """The network most introductions to MNIST build: 93,322 parameters for ten classes.

    Three convolutions with pooling between them, two dense layers: LeCun et al. 1998 in its present form.
    """
    layers = keras.layers

    def hidden() -> dict[str, Any]:
        return {"activation": activation, "kernel_initializer": first_weights(activation)}

    return keras.Sequential(
        [
            keras.Input(IMAGE, dtype="uint8", name="images"),  # (n, 28, 28)
            layers.Reshape((*IMAGE, 1), name="channel"),  # (n, 28, 28, 1)
            layers.Rescaling(1 / 255, name="scaling"),
            layers.Conv2D(32, 3, name="conv_1", **hidden()),  # (n, 26, 26, 32)
            layers.MaxPooling2D(2, name="pool_1"),  # (n, 13, 13, 32)
            layers.Conv2D(64, 3, name="conv_2", **hidden()),  # (n, 11, 11, 64)
            layers.MaxPooling2D(2, name="pool_2"),  # (n, 5, 5, 64)
            layers.Conv2D(64, 3, name="conv_3", **hidden()),  # (n, 3, 3, 64)
            layers.Flatten(name="flatten"),  # (n, 576)
            layers.Dense(64, name="dense", **hidden()),
            layers.Dense(classes, activation="softmax", name="probabilities"),
        ],
        name="classic",
    )


def first_weights(activation: str) -> keras.initializers.Initializer:
    """What a hidden layer's weights are drawn from: Keras' default, but for softmax.

    The default is Glorot and Bengio's (2010). A hidden softmax of 64 units gives about 1/64 each, so behind
    it little varies and nothing is learnt for long; wider weights make up for that.
    """
    if activation == "softmax":
        return keras.initializers.VarianceScaling(50.0)
    return keras.initializers.GlorotUniform()


_BUILDERS: dict[str, Callable[[int, str], keras.Model]] = {"classic": classic}


def build_network(name: str = "classic", classes: int = 10, activation: str = "relu") -> keras.Model:
    """A fresh network of this name.

    Raises OptionError on an unknown name or fewer than two classes.
    """
    if classes < 2:
        raise OptionError(f"a network needs at least two classes to tell apart, got {classes}")
    return _BUILDERS[choose("network", name, NETWORKS)](classes, activation)
