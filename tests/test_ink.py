"""The recipe `ink`: drawing other hands, drawing what is no digit, training on both, calibrating."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenfold.data import Dataset, Split, load_mnist
from tenfold.errors import OptionError, TrainingError
from tenfold.judging.foreign import draw_scribbles
from tenfold.making import disturbances, recipe, train
from tenfold.making.augmentation import Hands, outlines, vary
from tenfold.making.calibration import EXPECTED, log_odds, platt
from tenfold.making.compiled import PLAIN, VARIED
from tenfold.making.disturbances import disturb
from tenfold.making.drawing import BLOCK, Mixture, draw_block, epochs
from tenfold.making.loop import Loop, Schedule
from tenfold.making.networks import build_network
from tenfold.making.nondigits import nondigit
from tenfold.reading import load


@pytest.fixture(scope="module")
def digits() -> Split:
    split = load_mnist().train
    return Split(split.images[:300], split.labels[:300])


def draw(digits: Split, key: list[int], mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    maps = outlines(digits.images)
    random = np.random.default_rng(key)
    return draw_block(digits.images, digits.labels, maps, Hands(), mixture, random, 0)


def test_outlines_keep_the_digit(digits: Split) -> None:
    maps = outlines(digits.images)
    assert maps.shape == (300, 56, 56)
    ink = digits.images.repeat(2, axis=1).repeat(2, axis=2)
    assert maps[ink > 220].mean() > 128 > maps[ink == 0].mean()


@pytest.mark.parametrize("hands", [Hands(), Hands(plain=1.0), Hands(plain=0.0, cut=1.0, rule=1.0, worn=1.0)])
def test_a_drawn_digit_is_an_image_in_mnists_frame(digits: Split, hands: Hands) -> None:
    maps = outlines(digits.images)
    random = np.random.default_rng(2)
    for index in range(100):
        image = vary(digits.images[index], maps[index], int(digits.labels[index]), hands, random)
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert image.max() > 60


def test_the_shipped_reader_reads_digits_in_other_hands_and_refuses_the_rest(digits: Split) -> None:
    images, labels = draw(digits, [5], Mixture(nondigits=1.0, disturbed=0.0))
    probabilities, is_digit = load().probabilities(images)
    written = labels >= 0
    assert (probabilities.argmax(axis=1) == labels)[written].mean() > 0.9
    assert is_digit[written].mean() > 0.9
    assert is_digit[~written].mean() < 0.4


def test_a_block_is_a_function_of_its_key(digits: Split) -> None:
    first, again, other = (draw(digits, key, Mixture())[0] for key in ([1, 0, 0], [1, 0, 0], [1, 1, 0]))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_block_is_made_of_its_mixture(digits: Split) -> None:
    images, labels = draw(digits, [3], Mixture(nondigits=0.2, unchanged=1.0, disturbed=0.0))
    assert np.array_equal(images[:300], digits.images)
    assert np.array_equal(labels[:300], digits.labels)
    assert (labels[300:] == -1).all()
    assert len(labels) == Mixture(nondigits=0.2).size(300) == 360


def test_the_shipped_reader_reads_what_is_disturbed(digits: Split) -> None:
    images, labels = draw(digits, [4], Mixture(nondigits=0.0, unchanged=1.0, disturbed=1.0))
    assert not (images == digits.images).all(axis=(1, 2)).any()
    assert (load().probabilities(images)[0].argmax(axis=1) == labels).mean() > 0.85


def test_a_disturbed_image_is_one_and_a_function_of_its_generator(digits: Split) -> None:
    for image in (*digits.images[:40], np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)):
        made = [disturb(image, np.random.default_rng(7)) for _ in range(2)]
        assert made[0].shape == (28, 28)
        assert made[0].dtype == np.uint8
        assert np.array_equal(*made)


@pytest.mark.parametrize("kind", disturbances._KINDS)
def test_every_disturbance_changes_an_image_and_leaves_the_digit(
    kind: Callable[[np.ndarray, np.random.Generator], np.ndarray], digits: Split
) -> None:
    random = np.random.default_rng(3)
    changed = 0
    for image in digits.images[:100]:
        grey = image.astype(np.float32) / 255
        made = kind(grey.copy(), random)
        assert made.shape == (28, 28)
        assert made.dtype == np.float32
        assert np.isfinite(made).all()
        assert np.ptp(np.clip(made, 0, 1)) > 0.1
        changed += not np.array_equal(made, grey)
    assert changed > 90  # a band may lie beyond the image's edge


def test_an_image_that_is_moved_stays_on_the_image(digits: Split) -> None:
    random = np.random.default_rng(5)
    for image in digits.images[:200]:
        moved = disturbances._moved(image.astype(np.float32) / 255, random)
        border = np.concatenate([moved[0], moved[-1], moved[:, 0], moved[:, -1]])
        assert border.mean() < 0.3


def test_the_last_quarter_of_the_epochs_is_calm() -> None:
    mixture = Mixture(disturbed=0.5, calm=0.125)
    assert [mixture.at(epoch, 8).disturbed for epoch in range(8)] == [0.5] * 6 + [0.125] * 2
    assert mixture.at(0, 1) == mixture


def test_the_size_of_an_epoch_is_the_sum_of_its_blocks() -> None:
    assert Mixture(nondigits=0.45).size(2 * BLOCK + 1) == 2 * BLOCK + 1 + 2 * round(0.45 * BLOCK)


def test_no_digit_looks_the_same_for_long(digits: Split) -> None:
    random = np.random.default_rng(1)
    drawn = np.stack([nondigit(digits.images, digits.labels, Hands(), random) for _ in range(150)])
    assert drawn.shape == (150, 28, 28)
    assert len({image.tobytes() for image in drawn}) > 145


def test_epochs_are_drawn_elsewhere_as_they_would_be_here(digits: Split) -> None:
    drawn = list(epochs(digits, 7, 0, 2, Hands(), Mixture()))
    assert len(drawn) == 2
    for epoch, (images, labels) in enumerate(drawn):
        here = draw(digits, [7, epoch, 0], Mixture())
        assert np.array_equal(images, here[0])
        assert np.array_equal(labels, here[1])


def test_the_rate_rises_then_falls() -> None:
    schedule = Schedule(epochs=2, batch_size=10, peak=0.01, warm=0.1, end=0.01)
    rates = [schedule.rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.001)
    assert max(rates) == pytest.approx(0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.0002


def test_refusals_are_set_for_the_odds_that_are_expected() -> None:
    random = np.random.default_rng(0)
    scale, offset = platt(random.normal(2, 1, 4000), random.normal(-2, 1, 4000))
    # Two unit normals 4 apart: the log odds are 4 times the value, at even numbers of both.
    assert scale == pytest.approx(4, rel=0.15)
    assert offset == pytest.approx(log_odds(EXPECTED), abs=0.5)


def test_a_loss_that_is_lost_stops_the_training(digits: Split) -> None:
    model = build_network("ink")
    logits = type(model)(model.input, [model.get_layer(name).output for name in ("logits", "digit_logit")])
    loop = Loop(logits, Schedule(epochs=1, batch_size=50, peak=1e30), 6)
    with pytest.raises(TrainingError, match="not finite in epoch 1: a learning rate of 1e"):
        loop.run_epoch(digits.images, digits.labels, np.arange(300))


@pytest.mark.parametrize("choice", [{"loss": "mse"}, {"optimizer": "sgd"}, {"early_stopping": 2}])
def test_what_the_recipe_fixes_is_refused(choice: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="the recipe ink cannot change its"):
        recipe("ink", **choice)


@pytest.mark.slow
def test_the_recipe_trains_a_reader_that_refuses_and_the_same_one_twice(tmp_path: Path) -> None:
    runs = [
        train("ink", limit=3000, epochs=3, seed=4, out=tmp_path / name, on_event=lambda event: None)
        for name in ("first", "second")
    ]
    first, second = (run.reader() for run in runs)
    assert first.card.weights_sha256 == second.card.weights_sha256
    assert first.card == replace(second.card, figures=first.card.figures)
    assert runs[0].figures["test_accuracy"] > 0.8
    assert [row["epoch"] for row in runs[0].history] == [1, 2, 3]
    written = load_mnist().validation.images[:200]
    _, is_digit = first.probabilities(written)
    _, refused = first.probabilities(draw_scribbles(200))
    assert is_digit.mean() > 0.8
    assert refused.mean() < is_digit.mean()


def test_other_classes_than_the_digits_are_refused(digits: Split, tmp_path: Path) -> None:
    data = Dataset(
        digits, Split(digits.images[:20], digits.labels[:20]), None, "made", "0" * 64, tuple("abcdefghij")
    )
    with pytest.raises(OptionError, match="ink is for the ten digits and learns to refuse all else"):
        train("ink", data=data, batch_size=20, epochs=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_strokes_that_hands_add_to_digits_are_added_to_no_other_sign() -> None:
    assert VARIED.on(tuple("0123456789")) is VARIED
    hands = VARIED.on(tuple("abcdefghij")).hands
    assert hands is not None
    assert (hands.crossed, hands.flagged, hands.slashed) == (0, 0, 0)
    assert PLAIN.on(("a", "b")) is PLAIN
