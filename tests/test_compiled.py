"""The recipes fitted in the compiled loop: fast and best."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenfold.data import Split, load_mnist
from tenfold.errors import OptionError
from tenfold.making import networks, recipe, train
from tenfold.making.calibration import refuses
from tenfold.making.compiled import COMPILED, HANDS, PLAIN, VARIED
from tenfold.making.events import Note
from tenfold.making.networks import build_network
from tenfold.making.plans import Plan, Source
from tenfold.making.recipes import FITTINGS, RECIPES


def quiet(event: object) -> None:
    """Nothing is told."""


def test_every_fitting_but_keras_own_is_compiled() -> None:
    assert {"stock", *COMPILED} == set(FITTINGS)
    assert {"classic", "fast", "best", "ink"} == set(RECIPES)


@pytest.mark.parametrize(
    ("name", "validation", "held"), [("best", None, 1000), ("best", 0.1, 6000), ("fast", None, 6000)]
)
def test_a_recipe_holds_out_its_own_share_where_none_is_asked_for(name, validation, held):
    dataset = Plan(recipe(name), source=Source(validation=validation)).load()
    assert (len(dataset.train), len(dataset.validation)) == (60_000 - held, held)


@pytest.mark.parametrize(("name", "parameters"), [("fast", 105_322), ("best", 332_162), ("ink", 319_419)])
def test_the_networks_are_as_large_as_they_say(name: str, parameters: int) -> None:
    model = build_network(name)
    assert model.count_params() == parameters
    assert f"{parameters:,}" in getattr(networks, name).__doc__
    assert refuses(model) == (name == "ink")


def test_fast_learns_in_two_epochs_and_gives_the_same_weights_twice(tmp_path: Path) -> None:
    runs = [train("fast", limit=6000, seed=3, out=tmp_path / name, on_event=quiet) for name in "ab"]
    assert runs[0].figures["test_accuracy"] > 0.95
    first, second = (run.reader().card for run in runs)
    assert first.weights_sha256 == second.weights_sha256
    assert first.temperature != 1.0
    assert [row["epoch"] for row in runs[0].history] == [1, 2]


def test_fast_says_so_where_it_has_learnt_nothing(tmp_path: Path) -> None:
    events: list[object] = []
    few = load_mnist(limit=2000)
    others = Split(few.validation.images, (few.validation.labels + 1) % 10)  # what is learnt is wrong there
    train("fast", data=replace(few, validation=others), out=tmp_path / "run", on_event=events.append)
    (note,) = (event.text for event in events if isinstance(event, Note))
    assert note.startswith("it has learnt nothing yet: ")


def test_fast_has_no_average_and_sees_images_as_they_are() -> None:
    assert PLAIN.hands is None
    assert PLAIN.average == 0
    assert VARIED.hands != HANDS.hands
    images = np.zeros((7, 28, 28), np.uint8)
    split = Split(images, np.arange(7))
    assert PLAIN.size(split) == 7
    assert [drawn[0] is images for drawn in PLAIN.draw(split, 1, 0, 2)] == [True, True]
    assert VARIED.size(split) == 7


@pytest.mark.slow
def test_best_trains_on_varied_images_of_every_digit(tmp_path: Path) -> None:
    run = train("best", limit=2000, epochs=2, batch_size=20, out=tmp_path / "run", on_event=quiet)
    assert run.figures["test_accuracy"] > 0.8
    card = run.reader().card
    assert card.threshold == VARIED.threshold
    assert run.reader().probabilities(np.zeros((1, 28, 28), np.uint8))[1].tolist() == [1.0]


@pytest.mark.parametrize("name", ["fast", "best"])
@pytest.mark.parametrize("choice", [{"loss": "mse"}, {"optimizer": "sgd"}, {"filters": 16}])
def test_what_the_recipe_fixes_is_refused(name: str, choice: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="cannot change its"):
        recipe(name, **choice)
