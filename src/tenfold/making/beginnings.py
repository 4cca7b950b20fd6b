"""What a training begins with: the choice of a recipe, and the weights of another run."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from tenfold.data import Dataset, Split
from tenfold.errors import OptionError, RunError, some_of
from tenfold.making import runs
from tenfold.making.plans import read_plan
from tenfold.making.recipes import Recipe
from tenfold.making.recipes import recipe as named_recipe

GENTLER = 10
"""A run that goes on from another's weights starts at its learning rate divided by this, unless told."""


@dataclass(frozen=True)
class Begun:
    """A run whose weights are taken: its folder, its recipe, the names of its classes."""

    folder: Path
    recipe: Recipe
    class_names: tuple[str, ...]


def look_at(folder: str | Path) -> Begun:
    """A run that another can begin with. Raises RunError where it is none, or has no weights yet."""
    folder = Path(folder)
    if runs.is_ensemble(folder):
        one = runs.member_folder(folder, read_plan(folder)[0].seed)
        raise RunError(
            f"{folder}: an ensemble, and training begins with the weights of one network: name the run of "
            f"one of its seeds, such as {one}"
        )
    if (folder / runs.METRICS).exists():
        run = runs.load_run(folder)
        found, names = run.recipe, run.metrics.get("data", {}).get("class_names")
    else:
        plan, data, _ = read_plan(folder)
        found, names = plan.recipe, data.get("class_names")
    if not (folder / runs.MODEL).exists():
        raise RunError(
            f"{folder}: has no {runs.MODEL} to begin with; `tenfold train --resume` finishes a run"
        )
    if not isinstance(names, list):
        raise RunError(f"{folder}: does not say which classes it tells apart; train again")
    return Begun(folder, found, tuple(map(str, names)))


def choose_recipe(
    recipe: str | Recipe | None, choices: Mapping[str, Any], init: str | Path | None = None
) -> Recipe:
    """The recipe meant by a name or a Recipe and changes to it; None is `classic`, or that of `init`.

    Raises OptionError; RunError where `init` is not a run.
    """
    begun = look_at(init) if init is not None else None
    if isinstance(recipe, Recipe):
        if choices:
            raise OptionError(
                "a Recipe is complete: change it by dataclasses.replace, or give its name and choices"
            )
        return _fitting(recipe, begun)
    if recipe is not None and not isinstance(recipe, str):
        raise OptionError(f"a recipe is a name or a Recipe, got {type(recipe).__name__}")
    if begun is None:
        return named_recipe(recipe or "classic", **choices)
    given = {name: value for name, value in choices.items() if value is not None}
    kept = _kept(begun.recipe, recipe)
    chosen = named_recipe(recipe or begun.recipe.name, **{**kept, **given})
    if "learning_rate" not in given:
        same = recipe is None and chosen.optimizer == begun.recipe.optimizer
        chosen = replace(chosen, learning_rate=(begun.recipe.rate if same else chosen.rate) / GENTLER)
    return _fitting(chosen, begun)


def _kept(begun: Recipe, name: str | None) -> dict[str, Any]:
    """What a recipe of this name takes over from the run it begins with: all of its own, or the network."""
    if name is None:
        rest = {field.name for field in fields(Recipe)} - {"name", "learning_rate"}
        return {choice: getattr(begun, choice) for choice in rest}
    return {"activation": begun.activation, **begun.dials} if name == begun.name else {}


def _fitting(recipe: Recipe, begun: Begun | None) -> Recipe:
    """The recipe, if the weights fit its network. Raises OptionError."""
    if begun is not None and recipe.network != begun.recipe.network:
        raise OptionError(
            f"{begun.folder} has the weights of the network {begun.recipe.network}, "
            f"the recipe {recipe.name} trains {recipe.network}; expected the same"
        )
    return recipe


def match_dataset(dataset: Dataset, folder: str | Path, known: tuple[str, ...]) -> Dataset:
    """The data with its classes numbered as a run numbers them, where they are some of its classes.

    folder: of the run; known: the names of its classes.

    Raises OptionError where the run tells another number of classes apart.
    """
    names = dataset.class_names
    if names == known:
        return dataset
    if set(names) <= set(known):
        numbers = np.array([known.index(name) for name in names], np.int64)

        def renumber(split: Split) -> Split:
            return Split(split.images, numbers[split.labels])

        return replace(
            dataset,
            train=renumber(dataset.train),
            validation=renumber(dataset.validation),
            test=renumber(dataset.test) if dataset.test else None,
            class_names=known,
        )
    if len(names) != len(known):
        raise OptionError(
            f"{folder} tells {len(known)} classes apart ({some_of(known, 3)}), this data has "
            f"{len(names)} ({some_of(names, 3)}); expected the same, or some of them"
        )
    return dataset


def load_weights(model: Any, folder: Path) -> str:
    """Give a network the weights of a run; their SHA-256.

    Raises RunError where they cannot be read or do not fit.
    """
    from tenfold.making.export import hash_weights

    weights = load_network(folder).get_weights()
    try:
        model.set_weights(weights)
    except ValueError as error:
        reason = " ".join(str(error).split())[:160]
        raise RunError(f"{folder / runs.MODEL}: its weights do not fit ({reason})") from None
    return hash_weights(model)


def load_network(folder: Path) -> Any:
    """The trained network of a run, in Keras. Raises RunError where it cannot be read."""
    from tenfold.making.backend import keras

    path = folder / runs.MODEL
    if path.exists() and not is_zipfile(path):  # Keras would say that it is not there
        raise RunError(f"{path}: cannot be read (damaged or cut off)")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises a dozen kinds on damaged files
        reason = " ".join(str(error).split())[:160]
        raise RunError(f"{path}: cannot be read ({reason})") from None
