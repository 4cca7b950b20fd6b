"""The data room: MNIST itself, how it is split, and its identity."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tenfold
from makers.datasets import csv_text, idx_bytes, make_split, save_idx, save_npz, save_pictures
from tenfold.data import Split, load_data, load_mnist, one_hot, read_source
from tenfold.data.identity import hash_splits
from tenfold.data.sources import BUNDLED
from tenfold.data.splits import hold_out, take_first
from tenfold.errors import DataError, OptionError

DIGITS = tuple("0123456789")
MNIST_SHA256 = "356aca35e73986c64dcb13c83ba71944379ba1068676b3340a9cd7025c927e44"


def test_the_bundled_copy_is_mnist_to_the_byte() -> None:
    parts = read_source("mnist")
    assert parts.test is not None
    arrays = (parts.train.images, parts.train.labels, parts.test.images, parts.test.labels)
    # the sums of the four published IDX files, unpacked
    assert [hashlib.md5(idx_bytes(array)).hexdigest() for array in arrays] == [
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ]


def test_the_licence_beside_it_is_of_this_very_file() -> None:
    licence = BUNDLED.with_name("MNIST-LICENCE.md").read_text()
    assert hashlib.sha256(BUNDLED.read_bytes()).hexdigest() in licence
    assert "LeCun" in licence
    assert "ShareAlike 3.0" in licence


def test_mnist_as_it_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    mnist = tenfold.load_mnist()
    assert mnist.test is not None
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [54_000, 6_000, 10_000]
    for part in (mnist.train, mnist.validation, mnist.test):
        assert part.images.shape == (len(part), 28, 28)
        assert part.images.dtype == np.uint8
        assert part.labels.shape == (len(part),)
        assert part.labels.dtype == np.int64
        assert part.images.flags.writeable
    assert list(mnist.train.labels[:5]) == [5, 0, 4, 1, 9]
    assert mnist.test.labels[0] == 7
    assert mnist.class_names == DIGITS
    assert mnist.source == "MNIST, the copy in the package"
    assert mnist.sha256 == MNIST_SHA256
    share = np.bincount(mnist.validation.labels) / np.bincount(
        np.concatenate([mnist.train.labels, mnist.validation.labels])
    )
    assert np.abs(share - 0.1).max() < 0.0002


def test_a_copy_in_the_current_folder_is_found_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dataset").mkdir()
    mine = make_split()
    save_npz(Path("dataset/mnist.npz"), mine, make_split(seed=1))
    for load in (load_mnist, load_data):
        found = load(validation=10)
        assert len(found.train) == 30
        assert str(tmp_path / "dataset" / "mnist.npz") in found.source
        assert "current folder" in found.source


def test_a_damaged_copy_in_the_current_folder_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dataset").mkdir()
    Path("dataset/mnist.npz").write_bytes(BUNDLED.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"dataset.mnist\.npz: damaged or cut off"):
        load_mnist()


def test_the_same_images_have_the_same_identity_in_every_file(tmp_path: Path) -> None:
    train, test = make_split(), make_split(seed=1)
    save_idx(tmp_path / "idx", "train", train)
    save_idx(tmp_path / "idx", "t10k", test)
    (tmp_path / "train.csv").write_text(csv_text(train))
    ordered = np.argsort(train.labels, kind="stable")
    save_pictures(tmp_path / "pictures", train)
    archive = load_data(save_npz(tmp_path / "a.npz", train, test))
    assert archive.sha256 == load_data(tmp_path / "idx", validation=20, limit=3).sha256
    alone = load_data(save_npz(tmp_path / "alone.npz", train))
    assert alone.sha256 == load_data(tmp_path / "train.csv").sha256 != archive.sha256
    assert load_data(tmp_path / "pictures").sha256 == hash_splits(
        Split(train.images[ordered], train.labels[ordered]), None
    )
    moved = Split(train.images[::-1].copy(), train.labels)
    assert load_data(save_npz(tmp_path / "moved.npz", moved)).sha256 != alone.sha256


def test_validation_takes_the_last_of_each_class_in_order() -> None:
    split = make_split(50)
    train, held = hold_out(split, 0.2, DIGITS)
    assert np.array_equal(train.images, split.images[:40])
    assert np.array_equal(held.images, split.images[40:])
    assert list(held.labels) == list(range(10))


@pytest.mark.parametrize("same", [0.25, "0.25", 10, "10", np.int64(10), np.float32(0.25)])
def test_a_share_and_a_count_may_be_numbers_or_their_text(same: object, tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", make_split())
    loaded = load_data(path, validation=same)  # type: ignore[arg-type]
    assert (len(loaded.train), len(loaded.validation)) == (30, 10)


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(2, 30) | st.just(0), min_size=2, max_size=12).filter(any),
    share=st.floats(0.001, 0.999),
    seed=st.integers(0, 99),
)
def test_every_split_parts_every_class(counts: list[int], share: float, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(labels)) % 256, np.arange(len(labels)) // 256
    names = tuple(map(str, range(len(counts))))
    most = sum(max(count - 1, 0) for count in counts)
    total = max(round(share * len(labels)), sum(count > 0 for count in counts))
    if total > most:
        with pytest.raises(OptionError, match="at most"):
            hold_out(Split(images, labels), share, names)
        return
    train, held = hold_out(Split(images, labels), share, names)
    assert len(held) == total
    for label, count in enumerate(counts):
        of_class = images[labels == label]
        kept, cut = train.images[train.labels == label], held.images[held.labels == label]
        assert np.array_equal(of_class, np.concatenate([kept, cut]))
        assert bool(len(kept)) == bool(len(cut)) == bool(count)
    again = hold_out(Split(images, labels), share, names)[1]
    assert np.array_equal(held.images, again.images)


@pytest.mark.parametrize(
    "validation", [-1, -0.1, 1.0, 1.5, 6000.0, float("nan"), "nan", "inf", "-3", True, None, [3]]
)
def test_a_validation_that_cannot_be_is_refused(validation: object) -> None:
    with pytest.raises(OptionError, match=r"^validation is .*expected"):
        load_mnist(validation=validation)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("validation", "message"),
    [(9, "9 images for 10 classes"), (31, "at most 30"), (6000, "at most 30"), (0.99, "at most 30")],
)
def test_a_validation_the_images_do_not_allow_is_refused(validation: float, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        hold_out(make_split(), validation, DIGITS)


def test_a_class_with_one_image_cannot_be_split() -> None:
    with pytest.raises(DataError, match='class "9" has one image'):
        hold_out(make_split(19), 0.2, DIGITS)


def test_a_limit_keeps_the_first_of_each_class_in_order() -> None:
    labels = np.array([0, 0, 0, 1, 0, 1, 2, 0])
    images = np.arange(8, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    split = Split(images, labels)
    kept = {n: list(take_first(split, n).images[:, 0, 0]) for n in range(1, 9)}
    assert kept[3] == [0, 3, 6]
    assert kept[5] == [0, 1, 3, 5, 6]
    assert kept[8] == list(range(8))
    assert all(set(kept[n]) < set(kept[n + 1]) for n in range(1, 8))


def test_a_limit_leaves_validation_test_and_identity_alone(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", make_split(), make_split(seed=1))
    whole, part = load_data(path, validation=10), load_data(path, validation=10, limit=20)
    assert len(part.train) == 20
    assert np.bincount(part.train.labels).tolist() == [2] * 10
    assert np.array_equal(part.validation.images, whole.validation.images)
    assert part.test is not None
    assert len(part.test) == 40
    assert part.sha256 == whole.sha256


@pytest.mark.parametrize("limit", [0, -5, 37, 1.5, float("nan"), "10", True])
def test_a_limit_that_cannot_be_is_refused(limit: object, tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", make_split())
    with pytest.raises(OptionError, match="limit is"):
        load_data(path, validation=10, limit=limit)  # type: ignore[arg-type]


def test_validation_from_another_file_of_any_kind(tmp_path: Path) -> None:
    train, other = make_split(), make_split(30, seed=2)
    path = save_npz(tmp_path / "a.npz", train, make_split(seed=1))
    (tmp_path / "b.csv").write_text(csv_text(other))
    for source in (
        save_npz(tmp_path / "b.npz", other, make_split(seed=3)),
        str(tmp_path / "b.csv"),
        save_idx(tmp_path / "idx", "b", other),
        save_pictures(tmp_path / "pictures", other),
    ):
        loaded = load_data(path, validation=source)
        assert np.array_equal(loaded.train.images, train.images)
        assert sorted(loaded.validation.labels) == sorted(other.labels)
        assert len(loaded.validation) == 30


def test_validation_that_shares_images_is_refused(tmp_path: Path) -> None:
    train, test = make_split(), make_split(seed=1)
    path = save_npz(tmp_path / "a.npz", train, test)
    with pytest.raises(DataError, match="40 of 40 images are also among the training images"):
        load_data(path, validation=path)
    with pytest.raises(DataError, match="40 of 40 images are also among the test images"):
        load_data(path, validation=save_npz(tmp_path / "b.npz", test))


def test_validation_of_other_classes_is_refused(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", make_split())
    letters = save_pictures(tmp_path / "letters", make_split(4, 2, seed=1), ("a", "b"))
    with pytest.raises(DataError, match="its classes are not those of"):
        load_data(path, validation=letters)


def test_one_class_is_not_enough(tmp_path: Path) -> None:
    split = Split(make_split().images, np.full(40, 3))
    with pytest.raises(
        DataError, match='its images are all of one class, "3"; expected at least two classes'
    ):
        load_data(save_npz(tmp_path / "a.npz", split))


def test_one_hot() -> None:
    rows = one_hot(np.array([3, 0, 9]), 10)
    assert rows.shape == (3, 10)
    assert rows.dtype == np.float32
    assert rows.argmax(axis=1).tolist() == [3, 0, 9]
    assert rows.sum() == 3
    assert one_hot(np.array([], np.int64), 4).shape == (0, 4)


@pytest.mark.parametrize("labels", [[10], [-1], [0.5], [[1, 2]], 3])
def test_one_hot_refuses_what_is_no_label(labels: object) -> None:
    with pytest.raises(DataError, match=r"expected|takes"):
        one_hot(np.array(labels), 10)


def test_a_split_shows_its_size() -> None:
    assert repr(make_split()) == "Split(40 images)"


def test_a_moved_package_still_finds_its_mnist(tmp_path: Path) -> None:
    copy = shutil.copy(BUNDLED, tmp_path / "somewhere else.bin")
    assert load_mnist(copy).sha256 == MNIST_SHA256
