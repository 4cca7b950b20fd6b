"""Data of one's own: what is held out, what is remarked on."""

from dataclasses import replace

import numpy as np
import pytest

from makers.datasets import make_split, save_npz
from tenfold.data import Dataset, Split, load_data, load_mnist, remark_on
from tenfold.data.identity import MNIST_SHA256
from tenfold.data.remarks import NEAR, count_repeated


def own(train: Split, validation: Split, names: tuple[str, ...] = tuple("0123456789")) -> Dataset:
    return Dataset(train, validation, None, "photos", "0" * 64, names)


def test_mnist_is_known_by_its_hash_and_not_remarked_on() -> None:
    data = load_mnist()
    assert data.sha256 == MNIST_SHA256
    assert remark_on(data) == ()


def test_even_classes_without_repeats_are_not_remarked_on() -> None:
    assert remark_on(own(make_split(200), make_split(40, seed=1))) == ()


def test_uneven_classes_are_remarked_on_with_their_names() -> None:
    split = make_split(100, classes=2)
    labels = (np.arange(100) >= 90).astype(np.int64)
    (remark,) = remark_on(own(Split(split.images, labels), make_split(10, 2, seed=1), ("seven", "ring")))
    assert '90 training images of "seven", 10 of "ring"' in remark


def test_classes_without_an_image_are_named() -> None:
    split = make_split(60, classes=2)
    (remark,) = remark_on(own(split, make_split(10, 2, seed=1), ("seven", "ring", "eight", "cross")))
    assert remark.startswith('no training image of "eight", "cross": a reader forgets')


@pytest.mark.parametrize(("noise", "repeated"), [(0.0, True), (0.9 * NEAR, True), (1.2 * NEAR, False)])
def test_a_picture_saved_again_is_found_among_the_training_images(noise: float, repeated: bool) -> None:
    rng = np.random.default_rng(3)
    train = load_mnist(limit=5000).train
    signs = rng.choice([-1, 1], (50, 28, 28))
    images = np.clip(train.images[100:150].astype(int), 20, 235) + np.round(noise * signs)
    plain = Split(np.clip(train.images, 20, 235).astype(np.uint8), train.labels)
    found = count_repeated(plain, Split(images.astype(np.uint8), train.labels[100:150]))
    assert found.looked_at == 50
    assert found.repeated == (50 if repeated else 0)


def test_mnist_holds_no_repeats_by_this_measure() -> None:
    data = load_mnist(limit=6000, validation=600)
    assert count_repeated(data.train, data.validation).repeated == 0


def test_repeats_are_remarked_on_and_nothing_held_out_is_no_fault() -> None:
    train = make_split(200)
    again = Split(train.images[:30], train.labels[:30])
    (remark,) = remark_on(own(train, again))
    assert remark.startswith("30 of 30 validation images are near-duplicates of training images")
    assert remark_on(own(train, Split(train.images[:0], train.labels[:0]))) == ()


def test_ink_on_paper_that_is_taken_as_it_is_is_remarked_on() -> None:
    data = load_mnist(limit=500, validation=100)
    held_out = data.validation
    assert remark_on(own(data.train, held_out)) == ()
    images = data.train.images.copy()
    images[:100] = 255 - images[:100]
    (remark,) = remark_on(own(Split(images, data.train.labels), held_out))
    assert remark.startswith(f"100 of {len(images)} training images look dark on light")
    images[10:100] = 255 - images[10:100]
    assert remark_on(own(Split(images, data.train.labels), held_out)) == ()


def test_a_limit_shrinks_a_share_and_leaves_a_count() -> None:
    assert [len(load_mnist(limit=limit).validation) for limit in (27_000, 2000, 10)] == [3000, 300, 300]
    assert len(load_mnist(limit=10, validation=6000).validation) == 6000
    small = load_mnist(limit=20_000)
    np.testing.assert_array_equal(np.unique(small.validation.labels), np.arange(10))


@pytest.mark.parametrize("nothing", [0, 0.0, "0"])
def test_nothing_may_be_held_out(nothing: float | str, tmp_path) -> None:
    path = save_npz(tmp_path / "small.npz", make_split(40), make_split(10, seed=2))
    data = load_data(path, validation=nothing, limit=20)
    assert (len(data.train), len(data.validation)) == (20, 0)
    assert data.validation.images.shape == (0, 28, 28)
    single = replace(make_split(3, classes=3))
    path = save_npz(tmp_path / "single.npz", single)
    assert len(load_data(path, validation=nothing).train) == 3
