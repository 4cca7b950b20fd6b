"""Dials: the choices that a comparison turns, and the grid of recipes that they make. Loads no TensorFlow."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from tenfold.errors import OptionError, see
from tenfold.making.recipes import ACTIVATIONS, LOSSES, OPTIMIZERS, POOLINGS, RECIPES, Recipe, choose, recipe

Value = str | int | float

LABELS = {"one-hot": "categorical_crossentropy", "integer": "sparse_categorical_crossentropy"}
"""How labels are given, and the loss that takes them so: the same function of the same probabilities."""

ON, OFF = "on", "off"

DIALS: dict[str, tuple[str, ...] | type[int] | type[float]] = {
    "activation": ACTIVATIONS,
    "loss": tuple(LOSSES),
    "optimizer": tuple(OPTIMIZERS),
    "learning_rate": float,
    "batch_size": int,
    "epochs": int,
    "normalisation": (ON, OFF),
    "labels": tuple(LABELS),
    "pooling": POOLINGS,
    "dropout": float,
    "filters": int,
    "kernel_size": int,
    "recipe": tuple(RECIPES),
}
"""Every dial with the names it can be turned to, or the kind of number it takes."""

ALL = "all"
"""Turns a dial to every name it has."""

SEEDS = 2
"""Trainings of each setting unless said otherwise: the fewest that show a spread."""

MOST = 1000
"""Settings in one grid: more is a slip of the keyboard."""


@dataclass(frozen=True)
class Setting:
    """One place in a grid.

    choices: the value of every dial that was named, in the order given.
    recipe: what they come to, its learning rate told.
    own: every dial that turns stands where the recipe has it.
    """

    choices: dict[str, Value]
    recipe: Recipe
    own: bool

    @property
    def name(self) -> str:
        """The choices in one line, as they are given.

        >>> make_grid({"activation": "elu"})[0].name
        'activation=elu'
        """
        return " ".join(f"{dial}={show_value(value)}" for dial, value in self.choices.items())


def parse_dials(words: Iterable[str]) -> dict[str, list[str]]:
    """Read dials as a command line gives them.

    >>> parse_dials(["activation=relu,tanh", "learning-rate=0.01"])
    {'activation': ['relu', 'tanh'], 'learning_rate': ['0.01']}

    Raises OptionError for a word that is no dial, a dial that does not exist, has no value or is given twice.
    """
    dials: dict[str, list[str]] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign:
            raise OptionError(
                f"expected DIAL=VALUE,VALUE such as activation=relu,tanh, or one or two readers; got {word!r}"
            )
        dial = _choose_dial(name)
        if dial in dials:
            raise OptionError(f"{dial} is given twice; give all its values at once: {dial}=A,B")
        dials[dial] = [value.strip() for value in text.split(",")]
    return dials


def make_grid(
    dials: Mapping[str, Sequence[object] | object], epochs: int | None = None
) -> tuple[Setting, ...]:
    """Every combination of the dials' values, the last dial turning fastest.

    dials: by name, each with its values, as text or as numbers; "all" is every name a dial has. A value that
        comes twice counts once. epochs: of every training, where that is no dial.

    >>> [setting.name for setting in make_grid({"optimizer": ["adam", "sgd"], "epochs": [1, 2]})][:2]
    ['optimizer=adam epochs=1', 'optimizer=adam epochs=2']

    Raises OptionError, before anything is trained, for a dial, a value or a combination that does not exist.
    """
    if not dials:
        raise OptionError(f"nothing to compare: name a dial to turn; there are {', '.join(DIALS)}")
    values = {_choose_dial(name): _read_values(_choose_dial(name), given) for name, given in dials.items()}
    _check_together(values, epochs)
    count = math.prod(len(each) for each in values.values())
    if count > MOST:
        raise OptionError(f"these dials make {count:,} settings; expected at most {MOST:,}")
    fixed = {dial: each[0] for dial, each in values.items() if len(each) == 1}
    plain = _to_recipe(fixed, epochs)
    settings = []
    for combination in product(*values.values()):
        choices = dict(zip(values, combination, strict=True))
        made = _to_recipe(choices, epochs)
        settings.append(Setting(choices, made, made == plain))
    return tuple(settings)


def show_value(value: Value) -> str:
    """A value as people write it: 0.001, 1e-05, relu."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _choose_dial(name: object) -> str:
    known = str(name).strip().lower().replace("-", "_") if isinstance(name, str) else name
    return choose("dial", known, DIALS)


def _read_values(dial: str, given: object) -> list[Value]:
    """Every value once, as the dial takes it."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]
    values: list[Value] = []
    for one in several:
        values += _expand(dial, one)
    if not values:
        raise OptionError(f"{dial} has no value; expected {_expected(dial)}")
    return list(dict.fromkeys(values))


def _expand(dial: str, given: object) -> Sequence[Value]:
    known = DIALS[dial]
    if isinstance(given, str) and not given:
        raise OptionError(f"{dial} has an empty value; expected {_expected(dial)}")
    if isinstance(known, tuple):
        if isinstance(given, bool):
            given = ON if given else OFF
        return known if given == ALL else [choose(dial.replace("_", " "), given, known)]
    return [_read_number(dial, given, known)]


def _read_number(dial: str, given: object, kind: type[int] | type[float]) -> int | float:
    wrong = OptionError(f"{dial} takes {_expected(dial)}, got {given!r}")
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise wrong
    try:
        number = kind(given)
    except (ValueError, OverflowError):
        raise wrong from None
    if not isinstance(given, str) and number != given:  # 2.5 epochs
        raise wrong
    return number


def _expected(dial: str) -> str:
    known = DIALS[dial]
    if isinstance(known, tuple):
        return f"{', '.join(known)}, or {ALL}"
    return "whole numbers" if known is int else "numbers"


def _check_together(values: Mapping[str, Sequence[Value]], epochs: int | None) -> None:
    if "loss" in values and "labels" in values:
        raise OptionError(
            f"loss and labels cannot both be turned: each loss takes its labels in one way{see('labels')}"
        )
    if "epochs" in values and epochs is not None:
        raise OptionError("epochs is given as a dial and as an option; give one of them")


def _to_recipe(choices: Mapping[str, Value], epochs: int | None) -> Recipe:
    given: dict[str, Any] = dict(choices)
    name = given.pop("recipe", Recipe.name)
    if "labels" in given:
        given["loss"] = LABELS[given.pop("labels")]
    if "normalisation" in given:
        given["normalisation"] = given["normalisation"] == ON
    chosen = recipe(name, **({} if epochs is None else {"epochs": epochs}), **given)
    return replace(chosen, learning_rate=chosen.rate)
