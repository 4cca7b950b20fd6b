"""The networks, each defined once, in Keras.

Every one takes images (n, 28, 28) uint8 and gives probabilities (n, classes) float32; the scaling to 0-1 is
its first layer, so that it travels inside every saved and exported file.
"""

from collections.abc import Callable
from typing import Any

from tenfold.errors import OptionError
from tenfold.making.backend import keras
from tenfold.making.recipes import NETWORK_DIALS, NETWORKS, Recipe, choose

IMAGE = (28, 28)

QUICK = 0.85
"""How much of its running mean normalisation keeps a step: a training of seconds has few steps."""


def classic(
    classes: int,
    activation: str,
    *,
    pooling: str = "max",
    dropout: float = 0.0,
    filters: int = 32,
    kernel_size: int = 3,
    normalisation: bool = True,
) -> keras.Model:
    """The network most introductions to MNIST build: 93,322 parameters for ten classes.

    Three convolutions with pooling between them, two dense layers: LeCun et al. 1998 in its present form. The
    shapes are those of its own dials; `Recipe` says what the dials do.
    """
    layers = keras.layers
    pool = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}.get(pooling)
    step = 2 if pooling == "strided" else 1

    def hidden() -> dict[str, Any]:
        return {"activation": activation, "kernel_initializer": first_weights(activation)}

    model = keras.Sequential(name="classic")
    model.add(keras.Input(IMAGE, dtype="uint8", name="images"))  # (n, 28, 28)
    model.add(layers.Rescaling(1 / 255 if normalisation else 1.0, name="scaling"))
    model.add(layers.Reshape((*IMAGE, 1), name="channel"))  # (n, 28, 28, 1)
    model.add(layers.Conv2D(filters, kernel_size, step, name="conv_1", **hidden()))  # (n, 26, 26, 32)
    if pool:
        model.add(pool(2, name="pool_1"))  # (n, 13, 13, 32)
    model.add(layers.Conv2D(2 * filters, kernel_size, step, name="conv_2", **hidden()))  # (n, 11, 11, 64)
    if pool:
        model.add(pool(2, name="pool_2"))  # (n, 5, 5, 64)
    last = min(kernel_size, model.output_shape[1])
    model.add(layers.Conv2D(2 * filters, last, name="conv_3", **hidden()))  # (n, 3, 3, 64)
    model.add(layers.Flatten(name="flatten"))  # (n, 576)
    model.add(layers.Dense(64, name="dense", **hidden()))
    if dropout:
        model.add(layers.Dropout(dropout, name="dropout"))
    model.add(layers.Dense(classes, activation="softmax", name="probabilities"))
    return model


def fast(classes: int, activation: str) -> keras.Model:
    """A network to train in seconds: 105,322 parameters, about 0.7 million multiply-adds.

    Measured, a step on large maps costs far more than its arithmetic. So the 28x28 are folded to 14x14 with
    four channels before the first convolution, none pads, the second skips every other place instead of
    pooling, and only the dense layer is normalised.
    """
    layers = keras.layers
    images = keras.Input(IMAGE, dtype="uint8", name="images")
    maps = layers.Rescaling(1 / 255, name="scaling")(images)
    maps = layers.Reshape((14, 2, 14, 2), name="halves")(maps)
    maps = layers.Permute((1, 3, 2, 4), name="together")(maps)
    maps = layers.Reshape((14, 14, 4), name="folded")(maps)  # (n, 14, 14, 4)
    maps = layers.Conv2D(16, 3, activation=activation, name="conv_1")(maps)  # (n, 12, 12, 16)
    maps = layers.Conv2D(48, 3, 2, activation=activation, name="conv_2")(maps)  # (n, 5, 5, 48)
    maps = layers.Conv2D(96, 3, activation=activation, name="conv_3")(maps)  # (n, 3, 3, 96)
    features = _dense(layers.Flatten(name="flatten")(maps), 64, activation, QUICK)  # (n, 64)
    return keras.Model(images, _probabilities(features, classes), name="fast")


def best(classes: int, activation: str) -> keras.Model:
    """The most accurate network on MNIST itself: 332,162 parameters, about 7 million multiply-adds."""
    layers = keras.layers
    images, maps = _image()
    maps = _stage(
        maps, "1", activation, filters=24, kernel_size=5, strides=2, padding="same"
    )  # (n, 14, 14, 24)
    maps = _stage(
        maps, "2", activation, pool=True, filters=48, kernel_size=3, padding="same"
    )  # (n, 7, 7, 48)
    maps = _stage(maps, "3", activation, filters=96, kernel_size=3, padding="same")  # (n, 7, 7, 96)
    maps = _stage(maps, "4", activation, filters=96, kernel_size=3)  # (n, 5, 5, 96)
    maps = _stage(maps, "5", activation, filters=96, kernel_size=3)  # (n, 3, 3, 96)
    features = layers.Dropout(0.2, name="dropout")(layers.Flatten(name="flatten")(maps))  # (n, 864)
    features = _dense(features, 128, activation)
    return keras.Model(images, _probabilities(features, classes), name="best")


def ink(classes: int, activation: str) -> keras.Model:
    """A network for other people's hands: 319,419 parameters, about 3 million multiply-adds.

    It also gives the probability that there is a digit at all.
    """
    layers = keras.layers
    images, maps = _image()
    maps = _stage(
        maps, "1", activation, filters=16, kernel_size=5, strides=2, padding="same"
    )  # (n, 14, 14, 16)
    maps = _stage(
        maps, "2", activation, pool=True, filters=32, kernel_size=3, padding="same"
    )  # (n, 7, 7, 32)
    maps = _stage(maps, "3", activation, filters=64, kernel_size=3, padding="same")  # (n, 7, 7, 64)
    maps = _stage(maps, "4", activation, filters=64, kernel_size=3)  # (n, 5, 5, 64)
    features = layers.Dropout(0.1, name="dropout")(layers.Flatten(name="flatten")(maps))  # (n, 1600)
    features = _dense(features, 160, activation)
    probabilities = _probabilities(features, classes)
    doubt = layers.Rescaling(1.0, name="trust")(layers.Dense(1, name="digit_logit")(features))
    return keras.Model(
        images, [probabilities, layers.Activation("sigmoid", name="is_digit")(doubt)], name="ink"
    )


def _image() -> tuple[Any, Any]:
    """The input (n, 28, 28) uint8, and it as maps (n, 28, 28, 1) of 0 to 1."""
    images = keras.Input(IMAGE, dtype="uint8", name="images")
    # Scaled first: with a last axis of 1, ONNX Runtime multiplies value by value, 12% of all its time here.
    scaled = keras.layers.Rescaling(1 / 255, name="scaling")(images)
    return images, keras.layers.Reshape((*IMAGE, 1), name="channel")(scaled)


def _stage(
    maps: Any, name: str, activation: str, memory: float = 0.95, *, pool: bool = False, **choices: Any
) -> Any:
    """A convolution, normalised. Pooling before the activation costs a quarter and gives the same."""
    layers = keras.layers
    maps = layers.Conv2D(use_bias=False, name=f"conv_{name}", **choices)(maps)
    if pool:
        maps = layers.MaxPooling2D(2, name=f"pool_{name}")(maps)
    maps = layers.BatchNormalization(momentum=memory, name=f"norm_{name}")(maps)
    return layers.Activation(activation, name=f"active_{name}")(maps)


def _dense(features: Any, units: int, activation: str, memory: float = 0.95) -> Any:
    layers = keras.layers
    features = layers.Dense(units, use_bias=False, name="dense")(features)
    features = layers.BatchNormalization(momentum=memory, name="norm_dense")(features)
    return layers.Activation(activation, name="active_dense")(features)


def _probabilities(features: Any, classes: int) -> Any:
    """Of the classes, the logits divided by a temperature that calibration finds (Guo et al. 2017)."""
    layers = keras.layers
    tempered = layers.Rescaling(1.0, name="temperature")(layers.Dense(classes, name="logits")(features))
    return layers.Softmax(name="probabilities")(tempered)


def first_weights(activation: str) -> keras.initializers.Initializer:
    """What a hidden layer's weights are drawn from: Keras' default, but for softmax.

    The default is Glorot and Bengio's (2010). A hidden softmax of 64 units gives about 1/64 each, so behind
    it little varies and nothing is learnt for long; wider weights make up for that.
    """
    if activation == "softmax":
        return keras.initializers.VarianceScaling(50.0)
    return keras.initializers.GlorotUniform()


_BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "classic": classic,
    "fast": fast,
    "best": best,
    "ink": ink,
}


def build_network(
    name: str = "classic", classes: int = 10, activation: str = "relu", **dials: Any
) -> keras.Model:
    """A fresh network of this name.

    dials: choices inside it, such as `pooling="average"`, where it has them; see `Recipe`.

    Raises OptionError on an unknown name, dial or value, or fewer than two classes.
    """
    if classes < 2:
        raise OptionError(f"a network needs at least two classes to tell apart, got {classes}")
    for dial in dials:
        choose("dial of a network", dial, NETWORK_DIALS)
    chosen = Recipe(network=choose("network", name, NETWORKS), activation=activation, **dials)
    return _BUILDERS[name](classes, activation, **chosen.dials)
