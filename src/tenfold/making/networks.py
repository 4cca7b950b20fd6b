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


def ink(classes: int, activation: str) -> keras.Model:
    """A network for other people's hands: 319,419 parameters, about 3 million multiply-adds.

    It also gives the probability that there is a digit at all. The layer `temperature` divides the logits by
    what calibration found (Guo et al. 2017); it is 1 until then. Pooling comes before the activation, which
    costs a quarter and gives the same.
    """
    layers = keras.layers
    images = keras.Input(IMAGE, dtype="uint8", name="images")  # (n, 28, 28)
    # Scaled first: with a last axis of 1, ONNX Runtime multiplies value by value, 12% of all its time here.
    maps = layers.Rescaling(1 / 255, name="scaling")(images)
    maps = layers.Reshape((*IMAGE, 1), name="channel")(maps)  # (n, 28, 28, 1)

    def stage(maps: Any, name: str, pool: bool = False, **choices: Any) -> Any:
        maps = layers.Conv2D(use_bias=False, name=f"conv_{name}", **choices)(maps)
        if pool:
            maps = layers.MaxPooling2D(2, name=f"pool_{name}")(maps)
        maps = layers.BatchNormalization(momentum=0.95, name=f"norm_{name}")(maps)
        return layers.Activation(activation, name=f"active_{name}")(maps)

    maps = stage(maps, "1", filters=16, kernel_size=5, strides=2, padding="same")  # (n, 14, 14, 16)
    maps = stage(maps, "2", True, filters=32, kernel_size=3, padding="same")  # (n, 7, 7, 32)
    maps = stage(maps, "3", filters=64, kernel_size=3, padding="same")  # (n, 7, 7, 64)
    maps = stage(maps, "4", filters=64, kernel_size=3)  # (n, 5, 5, 64)
    features = layers.Flatten(name="flatten")(maps)  # (n, 1600)
    features = layers.Dropout(0.1, name="dropout")(features)
    features = layers.Dense(160, use_bias=False, name="dense")(features)
    features = layers.BatchNormalization(momentum=0.95, name="norm_dense")(features)
    features = layers.Activation(activation, name="active_dense")(features)
    logits = layers.Dense(classes, name="logits")(features)
    tempered = layers.Rescaling(1.0, name="temperature")(logits)
    doubt = layers.Dense(1, name="digit_logit")(features)
    return keras.Model(
        images,
        [
            layers.Softmax(name="probabilities")(tempered),
            layers.Activation("sigmoid", name="is_digit")(layers.Rescaling(1.0, name="trust")(doubt)),
        ],
        name="ink",
    )


def first_weights(activation: str) -> keras.initializers.Initializer:
    """What a hidden layer's weights are drawn from: Keras' default, but for softmax.

    The default is Glorot and Bengio's (2010). A hidden softmax of 64 units gives about 1/64 each, so behind
    it little varies and nothing is learnt for long; wider weights make up for that.
    """
    if activation == "softmax":
        return keras.initializers.VarianceScaling(50.0)
    return keras.initializers.GlorotUniform()


_BUILDERS: dict[str, Callable[..., keras.Model]] = {"classic": classic, "ink": ink}


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
