"""Folders of pictures, one subfolder a class."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from makers.datasets import make_split, save_pictures
from tenfold.data import load_data, read_source
from tenfold.data.folders import natural_key
from tenfold.errors import DataError, NoInkError, PictureError

SPLIT = make_split(30, 3)
NAMES = ("alpha", "beta", "gamma")


def assert_refused(path: Path, *pieces: str, to_image: object = None) -> None:
    with pytest.raises(DataError) as caught:
        read_source(path, to_image)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert not [piece for piece in pieces if piece not in message], message


def test_classes_are_the_subfolders_in_natural_order(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, ("10", "9", "a"))
    parts = read_source(tmp_path)
    assert parts.class_names == ("9", "10", "a")
    assert parts.test is None
    assert str(tmp_path) in parts.source
    for name, label in (("10", 0), ("9", 1), ("a", 2)):
        of_class = parts.train.images[parts.train.labels == parts.class_names.index(name)]
        assert np.array_equal(of_class, SPLIT.images[SPLIT.labels == label])
    assert load_data(tmp_path, validation=0.2).class_names == ("9", "10", "a")


def test_any_number_of_classes(tmp_path: Path) -> None:
    names = tuple(f"sign{number}" for number in range(120))
    save_pictures(tmp_path, make_split(240, 120), names)
    loaded = load_data(tmp_path, validation=0.01)
    assert loaded.class_names == names
    assert len(loaded.validation) == 120


def test_natural_order_never_stumbles() -> None:
    names = ["", "2", "10", "a", "a2b", "a10", "1a", "٣", "02", "b"]
    assert sorted(names, key=natural_key) == ["", "1a", "02", "2", "10", "a", "a2b", "a10", "b", "٣"]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("png", "bmp", "gif", "tiff", "PNG") for mode in ("L", "RGB", "P")]
    + [("pgm", "L"), ("ppm", "RGB"), ("webp", "L"), ("webp", "RGB")],
)
def test_grey_pictures_of_28x28_are_taken_as_they_are(kind: str, mode: str, tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    options = {"lossless": True} if kind == "webp" else {}
    (tmp_path / "alpha" / "0.png").unlink()
    Image.fromarray(SPLIT.images[0]).convert(mode).save(tmp_path / "alpha" / f"0.{kind}", **options)
    assert np.array_equal(read_source(tmp_path).train.images[0], SPLIT.images[0])


def test_black_and_white_pictures(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    Image.fromarray(SPLIT.images[0]).convert("1").save(tmp_path / "alpha" / "0.png")
    assert set(np.unique(read_source(tmp_path).train.images[0])) == {0, 255}


def test_other_pictures_go_through_to_image(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    Image.new("L", (90, 60), 200).save(tmp_path / "beta" / "large.png")
    Image.new("RGB", (28, 28), (9, 8, 7)).save(tmp_path / "beta" / "red.png")
    asked = []

    def to_image(path: Path) -> np.ndarray:
        asked.append(path.name)
        return np.full((28, 28), 77, np.uint8)

    train = read_source(tmp_path, to_image).train
    assert asked == ["large.png", "red.png"]
    assert (train.images == 77).all(axis=(1, 2)).sum() == 2
    assert_refused(tmp_path, "large.png", "90x60 pixels, mode L", "expected a picture of 28x28 grey pixels")
    (tmp_path / "beta" / "large.png").unlink()
    assert_refused(tmp_path, "red.png", "28x28 pixels, mode RGB, coloured")


@pytest.mark.parametrize("error", [PictureError("cut off"), NoInkError("no ink found"), OSError("gone")])
def test_what_to_image_refuses_is_named(error: Exception, tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    Image.new("L", (90, 60)).save(tmp_path / "beta" / "large.png")

    def to_image(path: Path) -> np.ndarray:
        raise error

    assert_refused(tmp_path, "large.png: ", str(error), to_image=to_image)


@pytest.mark.parametrize("made", [np.zeros((28, 27), np.uint8), np.zeros((28, 28))])
def test_what_to_image_makes_is_checked(made: np.ndarray, tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    Image.new("L", (90, 60)).save(tmp_path / "beta" / "large.png")
    assert_refused(tmp_path, "large.png", "expected uint8 of (28, 28)", to_image=lambda path: made)


def test_unreadable_pictures_are_named(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    picture = tmp_path / "beta" / "1.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole[:300])
    assert_refused(tmp_path, "1.png: it cannot be read as a picture")
    picture.write_bytes(b"")
    assert_refused(tmp_path, "1.png: it is not a picture of a known kind")
    picture.write_bytes(whole)
    (tmp_path / "beta" / "notes.txt").write_text("mine")
    assert_refused(tmp_path, "notes.txt: it is not a picture of a known kind")


def test_a_picture_that_claims_to_be_huge_is_not_unpacked(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    picture = tmp_path / "beta" / "1.bmp"
    Image.new("L", (28, 28)).save(picture)
    content = bytearray(picture.read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    picture.write_bytes(content)
    assert_refused(tmp_path, "1.bmp")


def test_litter_is_passed_over(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, NAMES)
    (tmp_path / "README.txt").write_text("mine")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "beta" / ".DS_Store").write_bytes(b"?")
    (tmp_path / "beta" / "Thumbs.db").write_bytes(b"?")
    assert read_source(tmp_path).class_names == NAMES


def test_folders_without_classes(tmp_path: Path) -> None:
    assert_refused(tmp_path, "no subfolder in it; expected one subfolder a class")
    (tmp_path / "a").mkdir()
    assert_refused(tmp_path, "one subfolder, a in it; expected one subfolder a class, at least two")
    save_pictures(tmp_path, SPLIT, NAMES)
    assert_refused(tmp_path / "alpha", "no subfolder")
    assert_refused(tmp_path, str(tmp_path / "a"), "it is empty")
    (tmp_path / "a" / "deeper").mkdir()
    assert_refused(tmp_path, "deeper: it is not a file")


def test_folders_for_training_and_test(tmp_path: Path) -> None:
    test = make_split(6, 3, seed=1)
    save_pictures(tmp_path / "training", SPLIT, NAMES)
    save_pictures(tmp_path / "Testing", test, NAMES)
    save_pictures(tmp_path / "validation", make_split(9, 3, seed=2), NAMES)
    loaded = load_data(tmp_path, validation=tmp_path / "validation")
    assert loaded.test is not None
    assert loaded.class_names == NAMES
    assert [len(part) for part in (loaded.train, loaded.validation, loaded.test)] == [30, 9, 6]
    assert len(load_data(tmp_path, validation=3).train) == 27
    (tmp_path / "Testing" / "delta").mkdir()
    assert_refused(tmp_path, "training and Testing hold different classes")
    (tmp_path / "train").mkdir()
    assert_refused(tmp_path, "two folders for the same part")


def test_classes_named_like_parts(tmp_path: Path) -> None:
    save_pictures(tmp_path, SPLIT, ("plane", "test", "train"))
    assert read_source(tmp_path).class_names == ("plane", "test", "train")
