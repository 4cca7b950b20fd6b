"""Plans: all that decides what a training gives, written to run.json before it begins."""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenfold.data import Dataset, load_data, load_mnist
from tenfold.data.identity import hash_splits
from tenfold.data.loading import as_number
from tenfold.errors import OptionError, RunError, see
from tenfold.making import runs
from tenfold.making.checkpoints import SAVE_EVERY
from tenfold.making.recipes import Recipe
from tenfold.reading import prepare
from tenfold.reading.squeezing import squeeze

FORMAT = 1

LARGEST_SEED = 2**32 - 1
"""NumPy's generators take no larger one."""

MOST_MEMBERS = 100
"""More in an ensemble is taken for a slip: its reader would be a hundred times slower than one network."""


@dataclass(frozen=True)
class Source:
    """Where a training's data comes from; the fields are those of `load_data`.

    data: None is MNIST. validation: None is the recipe's share. as_is: pictures of other sizes are
        shrunk as they are, not prepared.
    """

    data: str | None = None
    validation: float | str | None = None
    limit: int | None = None
    as_is: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.data, str | None) or not isinstance(self.as_is, bool):
            raise OptionError(
                f"expected the name of a data set and whether its pictures are taken as they are; got "
                f"{self.data!r} and {self.as_is!r}"
            )

    @property
    def holds_nothing_out(self) -> bool:
        """Whether no images are held out for validation."""
        try:
            return self.validation is not None and float(self.validation) == 0
        except ValueError:  # the name of a source
            return False

    def load(self, held_out: float = Recipe.held_out) -> Dataset:
        """Read the data. Raises DataError, OptionError.

        held_out: the share for validation, where none was asked for.
        """
        validation = held_out if self.validation is None else self.validation
        if self.data is None:
            return load_mnist(validation=validation, limit=self.limit)
        if self.data == "keras":
            from tenfold.making import backend  # noqa: F401  first, for it is imported quietly there
        to_image = squeeze if self.as_is else prepare
        return load_data(self.data, validation=validation, limit=self.limit, to_image=to_image)


@dataclass(frozen=True)
class Plan:
    """One training: the recipe, the seed, the data, and what is kept on the way.

    source: None where a program brought the data as arrays.
    init: the run whose weights it begins with; None begins with weights drawn by the seed.
    save_every: seconds between checkpoints.
    ensemble: how many networks are trained, from this seed and those that follow it; the reader reads with
        the mean of their probabilities. 1 is one network.

    Raises OptionError on a seed, an interval or a number of networks that cannot be.
    """

    recipe: Recipe
    seed: int = 1
    source: Source | None = None
    init: str | None = None
    tensorboard: bool = False
    save_every: float = SAVE_EVERY
    ensemble: int = 1

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if not isinstance(self.init, str | None) or not isinstance(self.tensorboard, bool):
            raise OptionError(
                f"expected the name of a run to begin with, and whether to write logs for TensorBoard; got "
                f"{self.init!r} and {self.tensorboard!r}"
            )
        every = self.save_every
        if isinstance(every, bool) or not isinstance(every, int | float) or not 0 <= every < math.inf:
            raise OptionError(f"seconds between checkpoints must be 0 or more, got {every!r}")
        if self.recipe.early_stopping is not None and self.source and self.source.holds_nothing_out:
            raise OptionError(
                "early stopping watches the validation loss, and a validation of 0 holds no images out for it"
                + see("overfitting")
            )
        _check_ensemble(self.ensemble, self.seed)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each network."""
        return tuple(range(self.seed, self.seed + self.ensemble))

    @property
    def name(self) -> str:
        """What the reader is called."""
        return self.recipe.name if self.ensemble == 1 else f"{self.recipe.name}-ensemble"

    def member(self, seed: int) -> "Plan":
        """The plan of the network of one seed alone."""
        return replace(self, seed=seed, ensemble=1)

    def load(self) -> Dataset:
        """Read the data. Raises DataError, OptionError."""
        return (self.source or Source()).load(self.recipe.held_out)


def check_seed(seed: object) -> None:
    """Raise OptionError for what cannot be a seed."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= LARGEST_SEED:
        raise OptionError(f"the seed must be a whole number from 0 to {LARGEST_SEED}, got {seed!r}")


def _check_ensemble(count: object, seed: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_MEMBERS:
        raise OptionError(
            f"an ensemble has 2 to {MOST_MEMBERS} networks, or 1 for one network alone; got {count!r}"
        )
    if seed + count - 1 > LARGEST_SEED:
        raise OptionError(f"{count} seeds from {seed} on go beyond {LARGEST_SEED}, the largest there is")


def find_source(
    data: Dataset | str | Path | None,
    validation: float | str | Path | None,
    limit: int | None,
    as_is: bool = False,
) -> Source | None:
    """Where the data comes from that a training was asked to use; None for a Dataset, which is loaded.

    Raises OptionError where a Dataset comes with what only a source can have.
    """
    if not isinstance(data, Dataset):
        names = [str(given) if isinstance(given, Path) else given for given in (data, validation)]
        return Source(names[0], names[1], limit, as_is)  # type: ignore[arg-type]
    given = {"validation": validation, "limit": limit, "as_is": as_is or None}
    if asked := [name for name, value in given.items() if value is not None]:
        raise OptionError(f"{' and '.join(asked)}: give it to load_data, a Dataset is loaded already")
    return None


def load_asked(
    data: Dataset | str | Path | None, validation: float | str | Path | None, limit: int | None
) -> Dataset:
    """The data set that a training was asked to use. Raises DataError, OptionError."""
    source = find_source(data, validation, limit)
    return source.load() if source else data  # type: ignore[return-value]


def describe_data(dataset: Dataset) -> dict[str, Any]:
    """What tells one data set from another, and the sizes of its splits."""
    return {
        "source": dataset.source,
        "sha256": dataset.sha256,
        "splits_sha256": hash_splits(dataset.train, dataset.validation),
        "train": len(dataset.train),
        "validation": len(dataset.validation),
        "test": len(dataset.test) if dataset.test else 0,
        "class_names": list(dataset.class_names),
    }


def hash_plan(plan: Plan, data: Mapping[str, Any]) -> str:
    """SHA-256 of all that decides a training's weights but for the weights it begins with.

    data: from `describe_data`.
    """
    deciding = [asdict(plan.recipe), plan.seed, data["splits_sha256"]]
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def plan_content(plan: Plan, data: Mapping[str, Any], versions: Mapping[str, str]) -> dict[str, Any]:
    """A plan as the content of run.json. data: from `describe_data`."""
    content = settle(asdict(plan))
    return {
        "format": FORMAT,
        "plan": {**content, "source": content["source"] and settle(content["source"])},
        "data": dict(data),
        "versions": dict(versions),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def read_plan(folder: str | Path) -> tuple[Plan, dict[str, Any], dict[str, str]]:
    """The plan of a run, the description of its data, the versions it was begun with.

    Raises RunError where the folder is missing or not a run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; expected one that `tenfold train` began")
    path = folder / runs.PLAN
    if not path.exists():
        raise RunError(f"{folder}: not a run, it holds no {runs.PLAN}; expected a folder of `tenfold train`")
    try:
        content = json.loads(runs.read_text(path))
        if content["format"] != FORMAT:
            raise RunError(f"{path}: of format {content['format']!r}, made by another version of tenfold")
        kept = dict(content["plan"])
        kept["recipe"] = _rebuild(Recipe, kept["recipe"])
        kept["source"] = kept["source"] and _rebuild(Source, kept["source"])
        return _rebuild(Plan, kept), dict(content["data"]), dict(content["versions"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise RunError(f"{path}: damaged ({why}); it cannot be resumed, train again") from None


def when_begun(folder: Path) -> str:
    """When a run was begun, as its run.json says; see `read_plan`."""
    return str(json.loads(runs.read_text(folder / runs.PLAN)).get("started", ""))


def refuse_changes(folder: Path, kind: str, begun: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise OptionError with the differences where what a run was begun with is not what there is now."""
    changed = [
        f"{name.replace('_', ' ')} {_short(name, begun.get(name))}, now {_short(name, value)}"
        for name, value in now.items()
        if begun.get(name) != value
    ]
    if changed:
        raise OptionError(
            f"{folder}: begun with {kind} ({'; '.join(changed)}); "
            "a run goes on with what it was begun with, or begins anew in a new folder"
        )


def settle(content: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with paths that hold wherever a run is resumed from, and a number of images as a number."""
    settled: dict[str, Any] = {
        name: _settle_path(content[name]) for name in ("data", "init") if content.get(name) is not None
    }
    if content.get("validation") is not None:
        number = as_number(content["validation"])
        settled["validation"] = _settle_path(number) if isinstance(number, str) else number
    return {**content, **settled}


def _settle_path(name: str) -> str:
    if name in ("mnist", "keras") or not name.strip():
        return name
    return os.path.abspath(os.path.expanduser(name))


def settings(plan: Plan) -> dict[str, Any]:
    """Everything in a plan by one name each, as the command line calls it; settled."""
    recipe = {f.name: getattr(plan.recipe, f.name) for f in fields(Recipe) if f.name != "name"}
    source = asdict(plan.source) if plan.source else {}
    rest = {f.name: getattr(plan, f.name) for f in fields(Plan) if f.name not in ("recipe", "source")}
    return settle({"recipe": plan.recipe.name, **recipe, **source, **rest})


def _rebuild(kind: Any, content: Mapping[str, Any]) -> Any:
    """What was written down, every field of it: one that is not there is not to be guessed."""
    return kind(**{f.name: content[f.name] for f in fields(kind)})


def _short(name: str, value: object) -> str:
    if value is None:
        return "MNIST" if name == "data" else "the recipe's" if name == "validation" else "none"
    text = str(value)
    return text if len(text) <= 60 else text[:12] + "..."
