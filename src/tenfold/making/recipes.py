"""Recipes: a network with the way to train it, as plain values. Loads no TensorFlow."""

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from tenfold.errors import OptionError, see

ACTIVATIONS = ("relu", "sigmoid", "tanh", "leaky_relu", "elu", "softmax")
"""What the hidden layers may use, by Keras' identifiers; the last layer is always a softmax."""

LOSSES = {
    "categorical_crossentropy": "one-hot",
    "sparse_categorical_crossentropy": "integer",
    "binary_crossentropy": "one-hot",
    "mse": "one-hot",
}
"""Each loss and the labels it takes."""

OPTIMIZERS = {"sgd": 0.1, "rmsprop": 0.001, "adagrad": 0.05, "adadelta": 1.0, "adam": 0.001}
"""Each optimizer and its default learning rate, chosen on validation data by benchmarks/learning_rates.py.

Keras' 0.001 for all hardly moves SGD, Adagrad and Adadelta, whose paper (Zeiler 2012) uses 1.
"""

NETWORKS = ("classic", "fast", "best", "ink")
"""The networks that `making.networks` can build."""


POOLINGS = ("max", "average", "strided", "none")
"""How the classic network's maps get smaller: by the greatest or the mean of each 2x2, by convolutions that
move two pixels at a time in their place (Springenberg et al. 2015), or not at all."""

NETWORK_DIALS = ("pooling", "dropout", "filters", "kernel_size", "normalisation")
"""The choices inside the classic network; the other networks have made them."""

LARGEST_KERNEL = 9
"""Two of these and their poolings leave something of 28 pixels."""

LARGEST_FILTERS = 1024

MOST_EPOCHS = 1_000_000

FITTINGS = ("stock", "plain", "varied", "hands")
"""How a network is fitted: by Keras' own `fit`; or in a compiled loop on images as they are, on images varied
a little afresh each epoch, or on other people's hands drawn afresh (see `making.compiled`)."""


@dataclass(frozen=True)
class Recipe:
    """A network with the way to train it.

    network, activation, loss, optimizer: by name, see the tables in this module.
    learning_rate: None is the optimizer's own default.
    epochs, batch_size: how often all training images are seen, and how many at a time.
    early_stopping: epochs without a lower validation loss after which training stops, the best epoch's
        weights restored; None is never.
    fitting: one of FITTINGS; but for "stock" they have their own loss, optimizer and schedule.
    pooling: of the classic network, one of POOLINGS.
    dropout: the share of its dense units that each training step leaves out, 0 to below 1 (Srivastava et al.
        2014).
    filters: of its first convolution; the others have twice as many.
    kernel_size: the side of its convolutions, 1 to 9; the third has no more than is left of the image.
    normalisation: whether it divides pixels by 255.
    held_out: the share of the training images that validates and calibrates, where nothing else is asked.
    Raises OptionError on a choice that does not exist or makes no sense.
    """

    name: str = "classic"
    network: str = "classic"
    activation: str = "relu"
    loss: str = "categorical_crossentropy"
    optimizer: str = "adam"
    learning_rate: float | None = None
    epochs: int = 5
    batch_size: int = 64
    early_stopping: int | None = None
    fitting: str = "stock"
    pooling: str = "max"
    dropout: float = 0.0
    filters: int = 32
    kernel_size: int = 3
    normalisation: bool = True
    held_out: float = 0.1

    def __post_init__(self) -> None:
        choose("network", self.network, NETWORKS)
        choose("activation", self.activation, ACTIVATIONS)
        choose("loss", self.loss, LOSSES)
        choose("optimizer", self.optimizer, OPTIMIZERS)
        choose("fitting", self.fitting, FITTINGS)
        if not isinstance(self.name, str):
            raise OptionError(f"a recipe's name is text, got {self.name!r}")
        _check_count("epochs", self.epochs, MOST_EPOCHS)
        _check_count("batch size", self.batch_size)
        _check_rate(self.learning_rate)
        _check_share("held_out", self.held_out)
        self._check_network_dials()
        if self.early_stopping is not None:
            _check_count("early stopping's patience", self.early_stopping)
            if self.early_stopping >= self.epochs:
                raise OptionError(
                    f"early stopping with a patience of {self.early_stopping} can never stop a run of "
                    f"{self.epochs} epochs; expected a patience below it"
                )
        if self.fitting != "stock":
            self._check_compiled()

    def _check_network_dials(self) -> None:
        """Raise OptionError on a dial of the classic network that makes no sense, or that another has not."""
        choose("pooling", self.pooling, POOLINGS)
        _check_count("filters", self.filters, LARGEST_FILTERS)
        _check_count("kernel size", self.kernel_size, LARGEST_KERNEL)
        _check_share("dropout", self.dropout)
        if not isinstance(self.normalisation, bool):
            raise OptionError(f"normalisation is True or False, got {self.normalisation!r}")
        for dial in NETWORK_DIALS:
            if self.network != "classic" and getattr(self, dial) != getattr(Recipe, dial):
                raise OptionError(
                    f"the network {self.network} cannot change its {dial.replace('_', ' ')}; "
                    "the network classic can"
                )

    def _check_compiled(self) -> None:
        """Raise OptionError on a choice that training in the compiled loop has made already."""
        plain = Recipe()
        for choice in ("loss", "optimizer", "early_stopping"):
            if getattr(self, choice) != getattr(plain, choice):
                raise OptionError(
                    f"the recipe {self.name} cannot change its {choice.replace('_', ' ')}: it has AdamW, "
                    "cross-entropy and a schedule of fixed length; the recipe classic can"
                )

    @property
    def rate(self) -> float:
        """The learning rate in use: the chosen one, or the optimizer's default."""
        return OPTIMIZERS[self.optimizer] if self.learning_rate is None else self.learning_rate

    @property
    def labels(self) -> str:
        """How the loss takes its labels: "one-hot" or "integer"."""
        return LOSSES[self.loss]

    @property
    def dials(self) -> dict[str, Any]:
        """The choices inside the network, as `build_network` takes them; empty for one that has none."""
        return {dial: getattr(self, dial) for dial in NETWORK_DIALS if self.network == "classic"}

    def warnings(self) -> tuple[str, ...]:
        """What a user should know about choices that work but are seldom wanted."""
        if self.activation != "softmax":
            return ()
        return (
            "softmax as a hidden activation makes the units of a layer share a sum of 1, so most go silent "
            f"and their gradients vanish: it learns, but slowly; relu is the usual choice{see('softmax')}",
        )


def recipe(name: str = "classic", **choices: Any) -> Recipe:
    """The recipe of this name with some of its choices changed; a choice of None leaves it as it is.

    >>> recipe("classic", optimizer="sgd", epochs=3).rate
    0.1

    Raises OptionError on a name, a choice or a value that does not exist, naming the nearest.
    """
    base = RECIPES[choose("recipe", name, RECIPES)]
    known = [field.name for field in fields(Recipe) if field.name != "name"]
    for key in choices:
        choose("choice", key, known)
    return replace(base, **{key: value for key, value in choices.items() if value is not None})


def choose(what: str, name: object, known: Iterable[str]) -> str:
    """`name` if it is known. Raises OptionError naming the nearest and listing those that exist."""
    known = list(known)
    if isinstance(name, str) and name in known:
        return name
    near = difflib.get_close_matches(str(name).lower().replace("-", "_").replace(" ", "_"), known, 1, 0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise OptionError(f"no {what} is called {name!r}{hint}; there are {', '.join(known)}")


def _check_count(what: str, count: object, most: float = math.inf) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        span = "of at least 1" if most == math.inf else f"from 1 to {most:,}"
        raise OptionError(f"{what} must be a whole number {span}, got {count!r}")


def _check_share(what: str, share: object) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
        raise OptionError(f"{what} must be a share from 0 to below 1, got {share!r}")


def _check_rate(rate: object) -> None:
    if rate is None:
        return
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
        raise OptionError(f"the learning rate must be a number above 0, got {rate!r}")


RECIPES = {
    "classic": Recipe(),
    "fast": Recipe("fast", "fast", learning_rate=0.008, epochs=2, batch_size=240, fitting="plain"),
    "best": Recipe(
        "best", "best", learning_rate=0.003, epochs=24, batch_size=128, fitting="varied", held_out=1 / 60
    ),
    "ink": Recipe("ink", "ink", learning_rate=0.003, epochs=26, batch_size=128, fitting="hands"),
}
"""Every recipe by name."""
