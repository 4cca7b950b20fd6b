"""Recipes: a network with the way to train it, as plain values. Loads no TensorFlow."""

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from tenfold.errors import OptionError

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

NETWORKS = ("classic", "ink")
"""The networks that `making.networks` can build."""


FITTINGS = ("stock", "hands")
"""How a network is fitted: by Keras' own `fit`, or on other people's hands drawn afresh each epoch."""


@dataclass(frozen=True)
class Recipe:
    """A network with the way to train it.

    network, activation, loss, optimizer: by name, see the tables in this module.
    learning_rate: None is the optimizer's own default.
    epochs, batch_size: how often all training images are seen, and how many at a time.
    early_stopping: epochs without a lower validation loss after which training stops, the best epoch's
        weights restored; None is never.
    fitting: "stock" or "hands", which has its own loss, optimizer and schedule (see `making.ink`).
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

    def __post_init__(self) -> None:
        choose("network", self.network, NETWORKS)
        choose("activation", self.activation, ACTIVATIONS)
        choose("loss", self.loss, LOSSES)
        choose("optimizer", self.optimizer, OPTIMIZERS)
        choose("fitting", self.fitting, FITTINGS)
        _check_count("epochs", self.epochs)
        _check_count("batch size", self.batch_size)
        _check_rate(self.learning_rate)
        if self.early_stopping is not None:
            _check_count("early stopping's patience", self.early_stopping)
            if self.early_stopping >= self.epochs:
                raise OptionError(
                    f"early stopping with a patience of {self.early_stopping} can never stop a run of "
                    f"{self.epochs} epochs; expected a patience below it"
                )
        if self.fitting == "hands":
            self._check_hands()

    def _check_hands(self) -> None:
        """Raise OptionError on a choice that training on other hands has made already."""
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

    def warnings(self) -> tuple[str, ...]:
        """What a user should know about choices that work but are seldom wanted."""
        if self.activation != "softmax":
            return ()
        return (
            "softmax as a hidden activation makes the units of a layer share a sum of 1, so most go silent "
            "and their gradients vanish: it learns, but slowly; relu is the usual choice",
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


def _check_count(what: str, count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise OptionError(f"{what} must be a whole number of at least 1, got {count!r}")


def _check_rate(rate: object) -> None:
    if rate is None:
        return
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
        raise OptionError(f"the learning rate must be a number above 0, got {rate!r}")


RECIPES = {
    "classic": Recipe(),
    "ink": Recipe("ink", "ink", learning_rate=0.003, epochs=20, batch_size=128, fitting="hands"),
}
"""Every recipe by name."""
