"""`tenfold compare`: dials and their grid, what reaches the network, trainings that are kept, two readers."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tenfold
from makers.datasets import save_npz
from makers.networks import CARD, save_network
from makers.stopping import kill_once
from tenfold.cli import main
from tenfold.data import Dataset, Split
from tenfold.errors import DataError, MissingExtraError, OptionError, RunError
from tenfold.judging import figures
from tenfold.judging.metrics import wilson_interval
from tenfold.judging.pairs import judge_pair
from tenfold.making import (
    Cell,
    CellDone,
    Comparison,
    Event,
    Recipe,
    build_network,
    compare,
    compare_readers,
    train,
)
from tenfold.making.cells import begin_cells, find_cell, held_comparison, keep_cell
from tenfold.making.dials import DIALS, Setting, make_grid, parse_dials
from tenfold.making.events import Note
from tenfold.making.recipes import ACTIVATIONS, LOSSES, OPTIMIZERS, POOLINGS, recipe
from tenfold.reading.spelling import percent

TINY = {"filters": [2], "batch_size": [50]}
"""Keeps a training to a second or so."""


@pytest.fixture(scope="module")
def few() -> Dataset:
    """MNIST cut down: 300 images to train on, 100 to validate on."""
    whole = tenfold.load_mnist(limit=300, validation=6000)
    held = Split(whole.validation.images[::60], whole.validation.labels[::60])
    return replace(whole, validation=held)


@pytest.fixture(scope="module")
def data_file(test_split: Split, few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz whose test images are the first 500 of MNIST's."""
    return save_npz(tmp_path_factory.mktemp("data") / "few.npz", few.train, test_split)


@pytest.fixture(scope="module")
def bench(few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[object]]:
    """Two optimizers from two seeds each, and all that was told."""
    told: list[object] = []
    out = tmp_path_factory.mktemp("compare") / "bench"
    dials = {"optimizer": ["adam", "sgd"], **TINY}
    return compare(dials, seeds=2, epochs=2, data=few, out=out, on_event=told.append), told


@pytest.fixture
def copied(bench: tuple[Comparison, list[object]], tmp_path: Path) -> Path:
    """The folder of a finished comparison, to do with as one likes."""
    return Path(shutil.copytree(bench[0].folder, tmp_path / "copied"))


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def trained_anew(told: list[object]) -> list[str]:
    return [event.name for event in told if isinstance(event, CellDone) and not event.again]


# --- dials and grids


def test_a_grid_has_every_combination_the_last_dial_fastest() -> None:
    grid = make_grid(parse_dials(["optimizer=sgd,adam", "learning-rate=0.1,1e-3"]), epochs=3)
    assert [setting.name for setting in grid] == [
        "optimizer=sgd learning_rate=0.1", "optimizer=sgd learning_rate=0.001",
        "optimizer=adam learning_rate=0.1", "optimizer=adam learning_rate=0.001",
    ]  # fmt: skip
    assert [setting.recipe for setting in grid] == [
        recipe("classic", optimizer=optimizer, learning_rate=rate, epochs=3)
        for optimizer, rate in product(("sgd", "adam"), (0.1, 0.001))
    ]
    assert [setting.own for setting in grid] == [False, False, False, True]


@pytest.mark.parametrize(
    ("dial", "names"), [("activation", ACTIVATIONS), ("loss", LOSSES), ("optimizer", OPTIMIZERS)]
)
def test_all_is_everything_that_the_recipe_could_have_chosen(dial: str, names: tuple[str, ...]) -> None:
    grid = make_grid({dial: "all"})
    assert [getattr(setting.recipe, dial) for setting in grid] == list(names)
    assert [setting.choices[dial] for setting in grid if setting.own] == [getattr(Recipe, dial)]


def test_every_dial_reaches_the_recipe() -> None:
    turned = {
        "activation": "elu", "loss": "mse", "optimizer": "sgd", "learning_rate": "0.5", "batch_size": "7",
        "epochs": "2", "normalisation": "off", "pooling": "average", "dropout": "0.25", "filters": "3",
        "kernel_size": "5",
    }  # fmt: skip
    (setting,) = make_grid(turned)
    expected = {name: getattr(setting.recipe, name) for name in turned}
    assert expected == turned | {
        "learning_rate": 0.5, "batch_size": 7, "epochs": 2, "normalisation": False, "dropout": 0.25,
        "filters": 3, "kernel_size": 5,
    }  # fmt: skip
    assert make_grid({"labels": "integer"})[0].recipe.loss == "sparse_categorical_crossentropy"
    assert make_grid({"recipe": "ink"})[0].recipe.network == "ink"
    assert set(DIALS) == {*turned, "labels", "recipe"}


def test_values_may_be_numbers_and_come_once() -> None:
    grid = make_grid({"learning_rate": [0.1, "0.1", 1, "1.0"], "normalisation": True})
    assert [setting.name for setting in grid] == [
        "learning_rate=0.1 normalisation=on", "learning_rate=1 normalisation=on",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("activation=", "activation has an empty value; expected relu, sigmoid, .* or all"),
        ("activation=relu,,tanh", "empty value"),
        ("epochs=", "epochs has an empty value; expected whole numbers"),
        ("activation=relu activation=tanh", "activation is given twice"),
        ("activation=rleu", r"no activation is called 'rleu' \(did you mean relu\?\); there are relu, sig"),
        ("activaton=relu", r"no dial is called 'activaton' \(did you mean activation\?\); there are act"),
        ("=relu", "no dial is called ''; there are activation"),
        ("relu", "expected DIAL=VALUE,VALUE such as activation=relu,tanh"),
        ("epochs=abc", "epochs takes whole numbers, got 'abc'"),
        ("epochs=1.5", "epochs takes whole numbers, got '1.5'"),
        ("epochs=0", "epochs must be a whole number from 1 to 1,000,000"),
        ("filters=0", "filters must be a whole number from 1 to 1,024, got 0"),
        ("kernel_size=10", "kernel size must be a whole number from 1 to 9"),
        ("dropout=1", "dropout must be a share from 0 to below 1, got 1.0"),
        ("dropout=nan", "got nan"),
        ("learning_rate=inf", "above 0"),
        ("normalisation=maybe", "no normalisation is called 'maybe'; there are on, off"),
        ("loss=mse labels=integer", "cannot both be turned"),
        ("recipe=ink loss=mse", "the recipe ink cannot change its loss"),
        ("recipe=classic,ink pooling=none", "the network ink cannot change its pooling"),
        (f"filters={','.join(map(str, range(1, 1002)))}", "1,001 settings; expected at most 1,000"),
    ],
)
def test_wrong_words_are_one_line(words: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        make_grid(parse_dials(words.split()))
    assert "\n" not in str(caught.value)


def try_grid(words: list[str]) -> tuple[tuple[Setting, ...], str | None]:
    try:
        return make_grid(parse_dials(words)), None
    except OptionError as error:
        return (), str(error)


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_words_give_a_grid_or_one_line(words: list[str]) -> None:
    grid, error = try_grid(words)
    assert grid if error is None else "\n" not in error


@settings(deadline=None)
@given(st.sampled_from(sorted(DIALS)), st.lists(st.sampled_from(["1", "0.5", "relu", "on", "all", "mse"])))
def test_any_known_dial_gives_a_grid_or_one_line(dial: str, values: list[str]) -> None:
    grid, error = try_grid([f"{dial}={','.join(values)}"])
    assert len({setting.name for setting in grid}) == len(grid)
    assert bool(grid) == (error is None)


@pytest.mark.parametrize("value", [2.5, True, None, b"1", [[1]], float("inf")])
def test_wrong_values_from_python_are_one_line(value: object) -> None:
    with pytest.raises(OptionError, match="epochs"):
        make_grid({"epochs": [value]})


@pytest.mark.parametrize("dials", [{}, {"epochs": []}])
def test_nothing_to_compare_is_said(dials: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"nothing to compare|has no value"):
        make_grid(dials)


# --- what the dials do to the network


def count_by_hand(pooling: str, filters: int, kernel: int) -> int:
    """Parameters of the classic network, counted from the sizes of its maps."""
    stride, pool = (2 if pooling == "strided" else 1), (2 if pooling in ("max", "average") else 1)
    side, count, before = 28, 0, 1
    for after in (filters, 2 * filters):
        count += (kernel * kernel * before + 1) * after
        side, before = ((side - kernel) // stride + 1) // pool, after
    last = min(kernel, side)
    count += (last * last * before + 1) * before
    return count + ((side - last + 1) ** 2 * before + 1) * 64 + 65 * 10


@pytest.mark.parametrize(
    ("pooling", "filters", "kernel"),
    [*product(POOLINGS, (1, 32), (3,)), *product(("max", "none"), (4,), (1, 2, 5, 9)), ("strided", 4, 9)],
)
def test_pooling_filters_and_kernel_size_make_the_network_they_name(
    pooling: str, filters: int, kernel: int
) -> None:
    model = build_network(pooling=pooling, filters=filters, kernel_size=kernel)
    assert model.count_params() == count_by_hand(pooling, filters, kernel)
    kinds = [layer.__class__.__name__ for layer in model.layers]
    assert kinds.count("MaxPooling2D") == 2 * (pooling == "max")
    assert kinds.count("AveragePooling2D") == 2 * (pooling == "average")
    assert [layer.strides for layer in model.layers if "conv" in layer.name] == [
        *[(2, 2) if pooling == "strided" else (1, 1)] * 2,
        (1, 1),
    ]


def test_dropout_silences_the_dense_layer_only_while_training() -> None:
    model = build_network(dropout=0.5, filters=2)
    assert [layer.name for layer in model.layers][-3:] == ["dense", "dropout", "probabilities"]
    layer = model.get_layer("dropout")
    units = np.ones((50, 64), np.float32)
    np.testing.assert_array_equal(np.asarray(layer(units, training=False)), units)
    kept = np.asarray(layer(units, training=True))
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert "dropout" not in [layer.name for layer in build_network(filters=2).layers]


def test_without_normalisation_the_network_sees_pixels_from_0_to_255() -> None:
    pixels = np.full((1, 28, 28), 200, np.uint8)
    for normalisation, expected in ((True, 200 / 255), (False, 200.0)):
        layer = build_network(normalisation=normalisation, filters=2).get_layer("scaling")
        np.testing.assert_allclose(np.asarray(layer(pixels)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        ({"pooling": "min"}, "no pooling is called 'min'"),
        ({"poling": "max"}, "did you mean pooling"),
        ({"filters": 2.0}, "filters must be a whole number"),
        ({"normalisation": 1}, "normalisation is True or False"),
        ({"dropout": "half"}, "dropout must be a share"),
    ],
)
def test_build_network_refuses_what_is_no_dial(dials: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build_network("classic", 10, "relu", **dials)


# --- trainings side by side


def test_a_comparison_holds_every_training_in_order(bench: tuple[Comparison, list[object]]) -> None:
    found, told = bench
    assert [result.setting.choices["optimizer"] for result in found.results] == ["adam", "sgd"]
    assert [[cell.seed for cell in result.cells] for result in found.results] == [[1, 2], [1, 2]]
    done = [event for event in told if isinstance(event, CellDone)]
    # Every setting from one seed before the next, so that a comparison that is stopped can be read.
    assert [(event.number, event.count, event.cell.seed) for event in done] == [
        (1, 4, 1), (2, 4, 1), (3, 4, 2), (4, 4, 2),
    ]  # fmt: skip
    for result in found.results:
        assert result.parameters == count_by_hand("max", 2, 3)
        for cell in result.cells:
            assert len(cell.history) == 2
            assert cell.accuracy == pytest.approx(cell.history[-1]["val_accuracy"], abs=1e-6)
            assert cell.loss == cell.cross_entropy == pytest.approx(cell.history[-1]["val_loss"], abs=1e-4)
            assert cell.seconds > 0
        values = result.values("accuracy")
        assert result.mean("accuracy") == pytest.approx(np.mean(values))
        assert result.spread("accuracy") == pytest.approx(np.std(values, ddof=1))


def test_a_cell_is_the_training_that_train_gives(
    bench: tuple[Comparison, list[object]], few: Dataset, tmp_path: Path
) -> None:
    cell = bench[0].results[1].cells[1]
    run = train(cell.recipe, data=few, seed=cell.seed, out=tmp_path / "run")
    for ours, theirs in zip(cell.history, run.history, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert ours[name] == theirs[name]
    assert run.figures["validation_accuracy"] == pytest.approx(cell.accuracy)


def test_its_files_say_what_it_found(bench: tuple[Comparison, list[object]]) -> None:
    found, _ = bench
    names = sorted(path.name for path in found.folder.iterdir())
    assert names == ["cells", "comparison.json", "curves.png", "table.csv"]
    assert (found.folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows = read_csv(found.folder / "table.csv")
    assert [row["optimizer"] for row in rows] == ["adam", "sgd"]
    assert [row["own"] for row in rows] == ["1", "0"]
    assert float(rows[0]["accuracy_mean"]) == pytest.approx(found.results[0].mean("accuracy"), abs=1e-6)
    summary = json.loads((found.folder / "comparison.json").read_text())
    assert summary["finished"]
    assert summary["seeds"] == [1, 2]
    assert summary["data"] == found.data
    cells = summary["results"][1]["cells"]
    assert [cell["accuracy"] for cell in cells] == found.results[1].values("accuracy")
    assert "tensorflow" in summary["versions"]


def test_what_is_trained_is_not_trained_again(
    bench: tuple[Comparison, list[object]], copied: Path, few: Dataset
) -> None:
    found, _ = bench
    told: list[object] = []
    again = compare(
        {"optimizer": ["sgd", "adam", "rmsprop"], **TINY},
        seeds=[2], epochs=2, data=few, out=copied, on_event=told.append,
    )  # fmt: skip
    assert trained_anew(told) == ["optimizer=rmsprop filters=2 batch_size=50"]
    assert again.results[0].cells[0].history == found.results[1].cells[1].history
    assert again.results[1].cells[0].seconds == found.results[0].cells[1].seconds


def test_other_images_and_other_epochs_are_other_trainings(few: Dataset, tmp_path: Path) -> None:
    told: list[Event | CellDone] = []
    half = Split(few.validation.images[:50], few.validation.labels[:50])
    for data, epochs, expected in (
        (few, 1, 1),
        (few, 1, 0),
        (few, 2, 1),
        (replace(few, validation=half), 1, 1),
    ):
        told.clear()
        compare(TINY, seeds=1, epochs=epochs, data=data, out=tmp_path / "c", on_event=told.append)
        assert len(trained_anew(told)) == expected


def test_a_cell_is_found_again_unless_its_file_is_damaged(tmp_path: Path) -> None:
    cell = Cell(Recipe(), 3, "abc", ({"epoch": 1.0, "loss": 0.5},), 0.9, 0.3, 0.3, 1.25, 7)
    begin_cells(tmp_path)
    keep_cell(tmp_path, cell)
    (path,) = (tmp_path / "cells").glob("*.json")
    whole = path.read_text()
    told: list[str] = []
    assert vars(find_cell(tmp_path, Recipe(), 3, "abc", told.append) or object) == vars(cell)
    for other in ((Recipe(epochs=6), 3, "abc"), (Recipe(), 4, "abc"), (Recipe(), 3, "abd")):
        assert find_cell(tmp_path, *other, told.append) is None
    assert told == []
    damaged = ["", whole[:-30], "[]", "{}", "[" * 100_000, whole.replace("1.25", '"long"')]
    damaged += [whole.replace("0.9", "NaN"), whole.replace('"seed": 3', '"seed": 4'), "\0" * 100]
    for content in damaged:
        path.write_text(content)
        assert find_cell(tmp_path, Recipe(), 3, "abc", told.append) is None, content[:50]
    assert told == [f"{path} is damaged: trained again"] * len(damaged)


def compare_again(folder: Path, few: Dataset, tell: Callable[[object], object], seeds: int = 2) -> Comparison:
    dials = {"optimizer": ["adam", "sgd"], **TINY}
    return compare(dials, seeds=seeds, epochs=2, data=few, out=folder, on_event=tell)


def read_summary(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "comparison.json").read_text()))


@pytest.mark.parametrize("damage", ["", '{"format": 1, "ki', "\0\0\0\0", "[]", None])
def test_a_damaged_summary_costs_no_training(
    damage: str | None, copied: Path, few: Dataset, bench: tuple[Comparison, list[object]]
) -> None:
    summary = copied / "comparison.json"
    if damage is None:
        summary.unlink()
    else:
        summary.write_text(damage)
    told: list[object] = []
    again = compare_again(copied, few, told.append)
    notes = [event.text for event in told if isinstance(event, Note)]
    assert len(notes) == 1
    assert re.search(r"comparison\.json is (damaged|gone) and will be written anew; .*: 4$", notes[0])
    assert trained_anew(told) == []
    assert [r.values("accuracy") for r in again.results] == [r.values("accuracy") for r in bench[0].results]
    assert read_summary(copied)["finished"] is True


def test_a_damaged_cell_is_trained_again_and_said(copied: Path, few: Dataset) -> None:
    path = sorted((copied / "cells").glob("*.json"))[0]
    lost = json.loads(path.read_text())
    path.write_bytes(path.read_bytes()[:200])
    told: list[object] = []
    compare_again(copied, few, told.append)
    assert [event.text for event in told if isinstance(event, Note)] == [f"{path} is damaged: trained again"]
    assert len(trained_anew(told)) == 1
    made = json.loads(path.read_text())
    assert {**made, "seconds": 0, "history": 0} == {**lost, "seconds": 0, "history": 0}


def test_a_comparison_that_grows_is_not_finished_until_it_is(copied: Path, few: Dataset) -> None:
    before = read_summary(copied)
    seen: list[dict[str, object]] = []
    compare_again(copied, few, lambda event: seen.append(read_summary(copied)), seeds=3)
    assert seen
    assert all(summary == {**before, "finished": False} for summary in seen)
    after = read_summary(copied)
    assert (after["finished"], after["seeds"]) == (True, [1, 2, 3])


def test_a_folder_goes_where_nothing_was_trained_and_stays_where_something_was(
    few: Dataset, tmp_path: Path
) -> None:
    def stop(event: object) -> None:
        if isinstance(event, CellDone) and event.number == last:
            raise KeyboardInterrupt

    def fail(event: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "empty").mkdir()
    for name in ("a/b", "empty"):
        with pytest.raises(KeyboardInterrupt):
            compare(TINY, seeds=2, epochs=1, data=few, out=tmp_path / name, on_event=fail)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]
    last = 1
    with pytest.raises(KeyboardInterrupt):
        compare(TINY, seeds=2, epochs=1, data=few, out=tmp_path / "a/b", on_event=stop)
    assert len(list((tmp_path / "a/b/cells").iterdir())) == 1
    assert read_summary(tmp_path / "a/b") == {"format": 1, "kind": "dials", "finished": False}


def test_two_cannot_work_in_one_folder(few: Dataset, means_reader: Path, tmp_path: Path) -> None:
    with held_comparison(tmp_path / "c", "filters", "dials"):
        with pytest.raises(RunError, match="another process is at work in it"):
            compare(TINY, data=few, out=tmp_path / "c")
        with pytest.raises(RunError, match="another process is at work in it"):
            compare_readers(means_reader, means_reader, data=few, out=tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_labels_one_hot_or_integer_train_alike(few: Dataset, tmp_path: Path) -> None:
    dials = {"labels": ["one-hot", "integer"], **TINY}
    found = compare(dials, seeds=1, epochs=1, data=few, out=tmp_path / "c")
    (one_hot,), (integer,) = (result.cells for result in found.results)
    assert (one_hot.recipe.labels, integer.recipe.labels) == ("one-hot", "integer")
    assert found.one_loss
    for name, value in one_hot.history[0].items():
        if name != "seconds":
            assert integer.history[0][name] == pytest.approx(value, abs=1e-4)


def test_losses_on_different_scales_are_not_set_side_by_side(
    few: Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.making.comparison.load_asked", lambda *_: few)
    words = ["loss=mse,categorical_crossentropy", "filters=2", "batch_size=50", "--epochs", "1"]
    assert main(["compare", *words, "--seeds", "1", "--out", str(tmp_path / "c")]) == 0
    out, err = capfd.readouterr()
    head, mse, entropy = out.splitlines()[1:4]
    assert head.split()[3:] == ["accuracy", "loss", "cross-entropy", "fit", "parameters"]
    assert mse.split()[-5] != mse.split()[-4]
    assert entropy.split()[-5] == entropy.split()[-4]
    assert "cannot be set against each other; the cross-entropy can" in out
    assert "one seed shows no spread" in out
    assert [line.split()[0] for line in err.splitlines() if line[0].isdigit()] == ["1/2", "2/2"]


def test_a_training_that_fails_is_a_result(few: Dataset, tmp_path: Path) -> None:
    dials = {"optimizer": ["sgd"], "learning_rate": [0.1, 1e30], **TINY}
    told: list[object] = []
    for expected in (2, 0):
        told.clear()
        found = compare(dials, seeds=1, epochs=1, data=few, out=tmp_path / "c", on_event=told.append)
        assert len(trained_anew(told)) == expected
        good, bad = found.results
        assert good.mean("accuracy") is not None
        assert bad.mean("accuracy") is bad.spread("accuracy") is None
        assert "the loss is not finite" in (bad.cells[0].error or "")
        assert any("1 of 1 trainings failed" in remark for remark in found.remarks())
    rows = read_csv(tmp_path / "c" / "table.csv")
    assert (rows[1]["trainings"], rows[1]["accuracy_mean"]) == ("0", "")


def test_few_validation_images_are_remarked_on_for_the_accuracy_that_was_found(
    bench: tuple[Comparison, list[object]],
) -> None:
    found = bench[0]
    best = max(result.mean("accuracy") or 0 for result in found.results)
    (remark,) = [line for line in found.remarks() if "validation images" in line]
    low, high = wilson_interval(round(100 * best), 100)
    assert f"100 validation images tell an accuracy near {percent(best)} to about" in remark
    assert f"± {50 * (high - low):.1f} points" in remark
    many = replace(found, data={**found.data, "validation": 6000})
    assert not any("validation images" in line for line in many.remarks())


def test_warnings_are_told_once(few: Dataset, tmp_path: Path) -> None:
    told: list[object] = []
    dials = {"activation": "softmax", "dropout": [0, 0.1], **TINY}
    compare(dials, seeds=1, epochs=1, data=few, out=tmp_path / "c", on_event=told.append)
    notes = [event.text for event in told if isinstance(event, Note)]
    assert sum("softmax as a hidden activation" in note for note in notes) == 1
    assert any(note.startswith("activation=softmax dropout=0.1 ") for note in notes)  # it has learnt nothing


@pytest.mark.parametrize("seeds", [0, -1, 2000, True, "3", [], [1, -1], 1.5, None])
def test_seeds_that_cannot_be_are_one_line(seeds: object, few: Dataset, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="seed"):
        compare(TINY, seeds=seeds, data=few, out=tmp_path / "c")  # type: ignore[arg-type]
    assert not (tmp_path / "c").exists()


def test_data_that_cannot_be_compared_on_is_one_line(few: Dataset, tmp_path: Path) -> None:
    nothing = Split(few.validation.images[:0], few.validation.labels[:0])
    zeros = few.train.labels == 0
    one_class = Split(few.train.images[zeros], few.train.labels[zeros])
    for data, dials, error, message in (
        (replace(few, validation=nothing), TINY, OptionError, "none are held out"),
        (replace(few, train=one_class), {"batch_size": 5}, DataError, "of one class"),
        (few, {"batch_size": [50, 301]}, OptionError, "a batch of 301 is larger"),
        (few, {"filters": range(1, 1000)}, OptionError, "1,998 trainings"),
    ):
        with pytest.raises(error, match=message):
            compare(dials, data=data, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_folder_of_something_else_is_left_alone(
    few: Dataset, means_reader: Path, copied: Path, tmp_path: Path
) -> None:
    compare_readers(means_reader, means_reader, data=few, out=tmp_path / "readers")
    for name in ("full", "theirs", "text", "cells"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "theirs" / "comparison.json").write_text('{"cars": ["Saab", "Volvo"]}')
    (tmp_path / "text" / "comparison.json").write_text("of apples and pears")
    (tmp_path / "cells" / "cells").mkdir()
    (tmp_path / "cells" / "cells" / "0123456789abcdef0123.json").write_text('{"identity": {}}')
    (tmp_path / "file").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name, message in (
        *((name, "holds no comparison of dials") for name in ("full", "theirs", "text", "cells", "readers")),
        ("file", "is a file, not a folder"),
        ("file/c", "cannot be made"),
    ):
        with pytest.raises(RunError, match=message):
            compare(TINY, data=few, out=tmp_path / name)
    for name in ("full", "theirs", "text", "cells", "copied"):
        with pytest.raises(RunError, match="holds no comparison of readers"):
            compare_readers(means_reader, means_reader, data=few, out=tmp_path / name)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    (tmp_path / "empty").mkdir()
    assert compare(TINY, seeds=1, epochs=1, data=few, out=tmp_path / "empty").folder == tmp_path / "empty"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals are POSIX's")
def test_what_was_trained_outlives_kill_9(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "activation=relu,tanh", "--limit", "600", "--epochs", "1", "--seeds", "2", "--out"]

    def run(out: Path) -> list[str]:
        assert main([*words, str(out)]) == 0
        return [line for line in capfd.readouterr().err.splitlines() if "seed" in line]

    def kept() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "c" / "cells").glob("[!.]*.json")}

    before: dict[str, bytes] = {}
    for look, later in (
        ((tmp_path / "c" / "comparison.json").exists, 0.5),  # in the first training
        (kept, 0.1),  # just after a training, in the next one
    ):
        kill_once([sys.executable, "-m", "tenfold", *words, "c"], tmp_path, look, later)
        assert kept().items() >= before.items()
        assert read_summary(tmp_path / "c")["finished"] is False
        before = kept()
    assert 1 <= len(before) < 4
    told = run(tmp_path / "c")
    assert [line.endswith("(trained earlier)") for line in told] == [k < len(before) for k in range(4)]
    assert kept().items() >= before.items()
    run(tmp_path / "whole")
    results = []
    for folder in (tmp_path / "c", tmp_path / "whole"):
        summary = read_summary(folder)
        assert summary["finished"] is True
        results.append([without_times(cell) for result in summary["results"] for cell in result["cells"]])
    assert results[0] == results[1]


def without_times(cell: dict[str, Any]) -> dict[str, Any]:
    return {**cell, "seconds": 0, "history": [{**row, "seconds": 0} for row in cell["history"]]}


# --- two readers


def test_two_readers_differ_where_they_differ(means_reader: Path, tmp_path: Path, test_split: Split) -> None:
    other = save_network(tmp_path / "other.onnx")
    a, b = tenfold.load(means_reader), tenfold.load(other)
    pair = judge_pair(a, b, test_split, "0123456789")
    answers = [r.probabilities(test_split.images)[0].argmax(axis=1) for r in (a, b)]
    right = [digits == test_split.labels for digits in answers]
    assert pair.n == 500
    np.testing.assert_array_equal(pair.only_a, np.flatnonzero(right[0] & ~right[1]))
    np.testing.assert_array_equal(pair.only_b, np.flatnonzero(right[1] & ~right[0]))
    np.testing.assert_array_equal(pair.differ, np.flatnonzero(answers[0] != answers[1]))
    parts = [set(pair.only_a), set(pair.only_b), set(pair.both_wrong)]
    assert set(pair.differ) == set.union(*parts)
    assert sum(map(len, parts)) == len(pair.differ)
    assert pair.p < 1e-6  # one is right 82 times in 100, the other guesses


def test_readers_are_compared_by_the_names_of_their_classes(
    tmp_path: Path, means_reader: Path, test_split: Split
) -> None:
    """A reader whose labels stand in another order answers the same signs by other numbers."""
    turned = save_network(tmp_path / "turned.onnx", {**CARD, "labels": list("9876543210")})
    straight = save_network(tmp_path / "straight.onnx")
    pair = judge_pair(tenfold.load(straight), tenfold.load(turned), test_split, "0123456789")
    assert [int(a) + int(b) for a, b in pair.answers.T] == [9] * 500
    few_classes = save_network(tmp_path / "few.onnx", {**CARD, "labels": list("012")}, classes=3)
    with pytest.raises(DataError, match=r"reader .*few.onnx does not know 7 of the 10 classes"):
        judge_pair(tenfold.load(straight), tenfold.load(few_classes), test_split, "0123456789")
    known = test_split.labels < 3
    part = Split(test_split.images[known], test_split.labels[known])
    pair = judge_pair(tenfold.load(straight), tenfold.load(few_classes), part, "012")
    assert set(pair.answers[1]) <= set("012") < set(pair.answers[0])


def test_readers_that_answer_alike_need_no_test(
    data_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    a = save_network(tmp_path / "a.onnx")
    b = save_network(tmp_path / "b.onnx", {**CARD, "name": "another"})
    words = ["compare", str(a), str(b), "--data", str(data_file), "--out", str(tmp_path / "pair")]
    assert main(words) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[2] == "only A right: 0  only B right: 0  they give the same answer on every image"


def test_readers_wrong_on_the_same_images_are_right_on_the_same_images(
    tmp_path: Path, test_split: Split
) -> None:
    from tenfold.cli.comparing import _verdict

    a = tenfold.load(save_network(tmp_path / "a.onnx"))
    pair = judge_pair(a, a, test_split, "0123456789")
    nothing = np.zeros(0, np.int64)
    wrong = np.where(pair.answers[0] == pair.labels, pair.answers[0], "x")
    answers = np.stack([pair.answers[0], wrong])
    alike = replace(pair, same=False, only_a=nothing, only_b=nothing, answers=answers)
    assert len(alike.differ) > 0
    assert _verdict(alike) == "they are right on the same images"


def test_comparing_readers_shows_their_differences(
    means_reader: Path, data_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = save_network(tmp_path / "other.onnx")
    out = tmp_path / "pair"
    for _ in range(2):  # a second time over its own files
        assert (
            main(["compare", str(means_reader), str(other), "--data", str(data_file), "--out", str(out)]) == 0
        )
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("A  ")
    assert str(other) in lines[1]
    assert lines[2].endswith("p < 0.0001: A is better on images like these")
    summary = json.loads((out / "comparison.json").read_text())
    rows = read_csv(out / "differences.csv")
    assert len(rows) == sum(len(summary[name]) for name in ("only_a", "only_b", "both_wrong"))
    assert {int(row["index"]) for row in rows if row["a"] == row["label"]} == set(summary["only_a"])
    assert sorted(os.listdir(out)) == ["comparison.json", "differences.csv", "differences.png"]


def test_one_reader_is_set_beside_the_shipped_one(
    means_reader: Path,
    data_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(means_reader), "--data", str(data_file)]) == 0
    printed = capfd.readouterr()
    assert "B is better" in printed.out
    assert printed.err == f"tenfold: {means_reader} and the shipped reader on {data_file}\n"
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == f"compare-{means_reader.parent.name.replace(' ', '-')}-shipped"
    assert (folder / "differences.png").exists()


def test_comparing_readers_never_loads_tensorflow(
    means_reader: Path, data_file: Path, tmp_path: Path
) -> None:
    words = ["compare", str(means_reader), str(means_reader), "--data", str(data_file)]
    words += ["--out", str(tmp_path / "pair")]
    code = (
        f"import sys\nfrom tenfold.cli import main\nassert main({words!r}) == 0\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "only A right: 0  only B right: 0  they are the same reader",
        f"All that was measured: {tmp_path / 'pair' / 'comparison.json'}",
    ]
    assert json.loads((tmp_path / "pair" / "comparison.json").read_text())["same_reader"] is True


def test_a_comparison_of_readers_is_written_whole_or_not_at_all(
    means_reader: Path, few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    other = save_network(tmp_path / "other.onnx")
    compare_readers(means_reader, other, data=few, out=tmp_path / "pair")
    before = {path.name: path.read_bytes() for path in (tmp_path / "pair").iterdir()}
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    for name in ("pair", "a/new"):
        with pytest.raises(RunError, match="No space left"):
            compare_readers(other, means_reader, data=few, out=tmp_path / name)
    assert {path.name: path.read_bytes() for path in (tmp_path / "pair").iterdir()} == before
    assert not (tmp_path / "a").exists()


def test_comparing_readers_without_matplotlib_names_the_extra(
    means_reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.judging.page.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match='a comparison needs the extra "report"'):
        compare_readers(means_reader, out=tmp_path / "pair")
    assert not (tmp_path / "pair").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "elsewhere"], "'nowhere' is neither a reader that is there nor a dial"),
        (["nowhere"], "or DIAL=VALUE,VALUE such as activation=relu,tanh"),
        (["activation"], "'activation' is neither a reader"),
        ([""], "'' is neither a reader"),
        ([os.devnull] * 3, "3 readers; expected two, or one to set beside the shipped one"),
        ([os.devnull], f"{os.devnull}: "),
        (["activation=relu", "nowhere"], "expected DIAL=VALUE,VALUE"),
        ([os.devnull, os.devnull, "--seeds", "2"], "--seeds is for dials, not for readers"),
        (["filters=2", "--seeds", "0"], "seeds must be"),
        (["epochs=1,2", "--epochs", "1"], "as a dial and as an option"),
        (["activation=relu", "--limit", "0"], "limit is 0"),
        ([], "Missing argument"),
    ],
)
def test_wrong_commands_are_one_line(
    words: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *words]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# --- figures


def curves(*ends: float, seeds: int = 2, epochs: int = 3) -> list[np.ndarray]:
    """For each end an accuracy that rises to it from a half."""
    steps = np.linspace(0, 1, epochs)
    return [np.tile(0.5 + (end - 0.5) * steps, (seeds, 1)) for end in ends]


def test_learning_curves_draw_means_and_spreads() -> None:
    accuracies = curves(0.9, 0.99)
    accuracies[0][1] += 0.05
    figure = figures.learning_curves(["slow", "good"], [True, False], accuracies, title="speed")
    (axis,) = figure.axes
    np.testing.assert_allclose(axis.lines[0].get_ydata(), 1 - accuracies[0].mean(axis=0))
    assert axis.lines[0].get_color() == figures.INK
    assert len(axis.collections) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good", "slow"]
    low, high = axis.get_ylim()
    assert low > high  # fewer errors are higher up
    shown = [tick.get_text() for tick in axis.get_yticklabels()]
    assert len(shown) >= figures.LEAST_TICKS
    assert {"90%", "95%"} <= set(shown)


def test_after_one_epoch_the_spread_is_a_bar_and_settings_stand_side_by_side() -> None:
    accuracies = curves(0.9, 0.95, 0.99, epochs=1)
    for curve in accuracies:
        curve[:, 0] += (0.0, 0.004)
    figure = figures.learning_curves(["a", "b", "c"], [True, False, False], accuracies, accuracies)
    for axis in figure.axes:
        assert list(axis.get_xticks()) == [1]
        places = [float(line.get_xdata()[0]) for line in axis.lines]
        assert places == sorted(set(places))
        bars = [bar.get_segments()[0] for bar in axis.collections]
        assert [float(bar[0][0]) for bar in bars] == places
        low, high = axis.get_ylim() if axis is figure.axes[1] else axis.get_ylim()[::-1]
        for bar, line in zip(bars, axis.lines, strict=True):
            assert low < bar[0][1] < line.get_ydata()[0] < bar[1][1] < high


@pytest.mark.parametrize("count", [1, 12, 40])
@pytest.mark.parametrize("epochs", [1, 5])
def test_learning_curves_take_any_number(count: int, epochs: int, tmp_path: Path) -> None:
    names = [str(k) for k in range(count)]
    accuracies = curves(*np.linspace(0.6, 1.0, count), seeds=1, epochs=epochs)
    figure = figures.learning_curves(names, [False] * count, accuracies, accuracies)
    figure.savefig(tmp_path / "curves.png")
    assert len(figure.legends[0].get_texts()) == min(count, figures.NAMED_CURVES)


def test_learning_curves_of_trainings_that_stopped_or_failed(tmp_path: Path) -> None:
    stopped = np.array([[0.5, 0.9, np.nan], [0.6, 0.8, 0.9]])
    failed = np.full((2, 3), np.nan)
    for accuracies in ([stopped, failed], [failed], [np.zeros((1, 0))]):
        names = [str(k) for k in range(len(accuracies))]
        figure = figures.learning_curves(names, [False] * len(names), accuracies, accuracies)
        figure.savefig(tmp_path / "curves.png")


def test_differences_are_drawn_even_where_there_are_none(tmp_path: Path) -> None:
    images = np.zeros((50, 28, 28), np.uint8)
    labels = np.array(["1"] * 50)
    answers = np.stack([labels, np.array(["7"] * 50)])
    nothing = np.zeros(0, np.int64)
    for kinds in ([nothing] * 3, [np.arange(50), nothing, nothing]):
        figure = figures.differences(images, labels, answers, kinds)
        figure.savefig(tmp_path / "differences.png")
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert [text for text in shown if ": " in text and "right" not in text and "wrong" not in text] == [
        "A: 1",
        "B: 7",
    ] * figures.MOST_DIFFERENCES
