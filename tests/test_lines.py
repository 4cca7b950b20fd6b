"""A tiny training of the line network: it learns, goes on where it stopped, and its file reads the same."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tenfold.data import Dataset, Split
from tenfold.errors import ReaderError, RunError
from tenfold.making.linenetwork import LineRecipe, Trainer, learning_rate
from tenfold.making.lines import held_out_batches, train_lines
from tenfold.reading.linereading import _LEAD, STRIDE, SYMBOLS, LineNetwork

TINY = LineRecipe(cycles=(64, 64), normalised=1, batch=16, channels=(4, 8, 8, 8, 16), chunk=32, held_out=32)


def bars(count):
    """Upright bars of several lengths, standing for digits."""
    images = np.zeros((count, 28, 28), np.uint8)
    for i in range(count):
        images[i, 4 : 14 + i % 10, 12:16] = 255
    return Split(images, np.arange(count, dtype=np.int64) % 10)


@pytest.fixture(scope="module")
def data():
    return Dataset(bars(40), bars(20), None, "bars", "0" * 64)


@pytest.fixture(scope="module")
def run(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("lines") / "run"
    rows = []
    trainer = train_lines(folder, TINY, data=data, seed=3, on_report=rows.append)
    return folder, trainer, rows


@pytest.mark.slow
def test_a_training_leaves_a_network_a_checkpoint_and_its_figures(run):
    folder, trainer, rows = run
    assert trainer.chunk == TINY.ends[-1] == 4
    assert [row["lines"] for row in rows] == [64, 128]
    assert [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()] == rows
    card = LineNetwork(folder / "lines.onnx").card
    assert card["settings"]["channels"] == list(TINY.channels)
    assert card["seed"] == 3
    assert card["figures"]["lines"] == 128
    assert card["parameters"] == trainer.averaged.count_params()
    assert 0.4 <= card["temperature"] <= 2.8


@pytest.mark.slow
def test_the_file_reads_as_the_network_does(run, data):
    folder, trainer, _ = run
    network = LineNetwork(folder / "lines.onnx")
    inks = held_out_batches(data.validation, TINY, 3)[0].inks
    led = np.pad(inks, ((0, 0), (0, 0), (_LEAD, _LEAD)))  # the reader puts paper before and behind a line
    logits = trainer.logits(led)[:, _LEAD // STRIDE :].astype(np.float64) / network.card["temperature"]
    expected = np.exp(logits - logits.max(-1, keepdims=True))
    expected /= expected.sum(-1, keepdims=True)
    for answer, truth in zip(network._answer(list(inks)), expected, strict=True):
        assert np.abs(answer - truth).max() < 1e-3


@pytest.mark.slow
def test_readings_are_whole_and_ordered(run, data):
    network = LineNetwork(run[0] / "lines.onnx")
    inks = [ink[:, :150] for batch in held_out_batches(data.validation, TINY, 4) for ink in batch.inks]
    for ink, reading in zip(inks, network.read(inks), strict=True):
        likely = [candidate.probability for candidate in reading.candidates]
        assert likely == sorted(likely, reverse=True)
        assert 0 < sum(likely) <= 1 + 1e-6
        for candidate in reading.candidates:
            for symbol in candidate.symbols:
                assert symbol.kind in SYMBOLS
                assert 0 <= symbol.centre <= ink.shape[1]
                assert symbol.probabilities.sum() == pytest.approx(1, abs=1e-4)
                assert symbol.confidence == pytest.approx(symbol.probabilities[SYMBOLS.index(symbol.kind)])


@pytest.mark.slow
def test_a_checkpoint_brings_everything_back(run):
    folder, trainer, _ = run
    other = Trainer(TINY, 9)
    other.restore(folder / "checkpoint.npz")
    assert other.chunk == trainer.chunk
    for mine, theirs in zip(other.network.get_weights(), trainer.network.get_weights(), strict=True):
        assert np.array_equal(mine, theirs)
    with pytest.raises(RunError, match="another network"):
        Trainer(LineRecipe(channels=(4, 4, 4, 4, 4)), 1).restore(folder / "checkpoint.npz")


@pytest.mark.slow
def test_a_training_that_was_stopped_ends_with_the_same_weights(tmp_path, data):
    chunks = [held_out_batches(data.validation, TINY, seed) for seed in range(4)]
    through, stopped, resumed = (Trainer(TINY, seed) for seed in (5, 5, 6))
    for chunk in chunks:
        through.learn(chunk)
    for chunk in chunks[:2]:
        stopped.learn(chunk)
    stopped.save(tmp_path / "checkpoint.npz")
    resumed.restore(tmp_path / "checkpoint.npz")
    for chunk in chunks[2:]:
        resumed.learn(chunk)
    for one, other in ((through.network, resumed.network), (through.averaged, resumed.averaged)):
        for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(mine, theirs)


@pytest.mark.slow
def test_a_folder_with_other_settings_is_refused(run, data):
    with pytest.raises(RunError, match="other settings"):
        train_lines(run[0], TINY, data=data, seed=4)


def test_the_rate_falls_in_each_cycle_and_rises_where_the_optimizer_is_new():
    recipe = LineRecipe(
        cycles=(100, 200, 200), normalised=2, chunk=10, rate=1.0, folded_rate=0.3, warm_up=0.1, again=0.5
    )
    assert recipe.ends == (10, 30, 50)
    assert learning_rate(1, recipe) == pytest.approx(1.0)
    assert learning_rate(9.999, recipe) < 1e-5
    assert learning_rate(10, recipe) == pytest.approx(0.5)
    assert learning_rate(29.999, recipe) < 1e-5
    assert learning_rate(30, recipe) < 0.01
    assert learning_rate(32, recipe) == pytest.approx(0.3)
    assert learning_rate(50, recipe) == 0


def test_folding_the_normalisation_changes_no_answer(data):
    trainer = Trainer(
        LineRecipe(cycles=(64, 64), normalised=1, batch=16, channels=TINY.channels, chunk=32), 3
    )
    batches = held_out_batches(data.validation, TINY, 3)
    trainer.learn(batches)
    before = trainer.logits(batches[0].inks)
    normalised = trainer.averaged.count_params()
    trainer._fold()
    assert trainer.averaged.count_params() < normalised
    assert np.abs(trainer.logits(batches[0].inks) - before).max() < 1e-4


@pytest.mark.parametrize(("kept", "normalised"), [(0.25, 1), (0.25, 2)])
def test_a_share_of_what_the_last_cycle_changed_is_kept(data, kept, normalised):
    """Where all cycles normalise there is nothing to come back to."""
    recipe = LineRecipe(
        cycles=(32, 32), normalised=normalised, batch=16, channels=TINY.channels, chunk=32, kept=kept
    )
    mixed, whole = Trainer(recipe, 3), Trainer(replace(recipe, kept=1.0), 3)
    batches = held_out_batches(data.validation, TINY, 3)
    for trainer in (mixed, whole):
        trainer.learn(batches)
        trainer.learn(batches)
    before, after = mixed.before.get_weights(), whole.averaged.get_weights()
    assert any(np.abs(old - new).max() > 1e-5 for old, new in zip(before, after, strict=True))
    for found, old, new in zip(mixed.averaged.get_weights(), before, after, strict=True):
        expected = (1 - kept) * old + kept * new if normalised == 1 else new
        assert np.allclose(found, expected, atol=1e-7)


def test_a_reader_of_single_digits_is_no_line_network():
    from tenfold.reading.bundle import WEIGHTS

    with pytest.raises(ReaderError, match="not a line network"):
        LineNetwork(WEIGHTS / "reader.onnx")
