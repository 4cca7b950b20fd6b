"""IDX files, as MNIST was published."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makers.datasets import idx_bytes, make_split, save_idx
from tenfold.data import read_source
from tenfold.data.idx import parse_idx
from tenfold.errors import DataError

TRAIN, TEST = make_split(), make_split(20, seed=1)


def assert_refused(path: Path, *pieces: str) -> None:
    with pytest.raises(DataError) as caught:
        read_source(path)
    message = str(caught.value)
    assert "\n" not in message
    assert not [piece for piece in pieces if piece not in message], message


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("front", ["", "emnist-digits-"])
def test_a_folder_in_every_spelling(front: str, dot: bool, gz: bool, tmp_path: Path) -> None:
    save_idx(tmp_path, f"{front}train", TRAIN, dot=dot, gz=gz)
    save_idx(tmp_path, f"{front}t10k", TEST, dot=dot, gz=gz)
    parts = read_source(tmp_path)
    assert parts.test is not None
    assert str(tmp_path) in parts.source
    for part, split in ((parts.train, TRAIN), (parts.test, TEST)):
        assert np.array_equal(part.images, split.images)
        assert np.array_equal(part.labels, split.labels)
        assert (part.images.dtype, part.labels.dtype) == (np.uint8, np.int64)
        assert part.images.flags.writeable


def test_packed_and_unpacked_files_may_lie_side_by_side(tmp_path: Path) -> None:
    for gz in (False, True):
        save_idx(tmp_path, "train", TRAIN, gz=gz)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    parts = read_source(tmp_path)
    assert parts.test is None
    assert np.array_equal(parts.train.labels, TRAIN.labels)


def test_one_file_of_images_finds_its_labels(tmp_path: Path) -> None:
    images = save_idx(tmp_path, "t10k", TEST, gz=True)
    images.with_name("t10k-labels-idx1-ubyte.gz").rename(tmp_path / "t10k-labels.idx1-ubyte.gz")
    parts = read_source(images)
    assert np.array_equal(parts.train.labels, TEST.labels)
    assert parts.test is None


def test_one_file_of_images_with_a_name_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "my_images.bin").write_bytes(idx_bytes(TRAIN.images))
    assert_refused(tmp_path / "my_images.bin", "its labels are missing", "my_labels.bin")
    (tmp_path / "my_labels.bin").write_bytes(idx_bytes(TRAIN.labels))
    assert len(read_source(tmp_path / "my_images.bin").train) == 40
    assert_refused(tmp_path / "my_labels.bin", 'expected a file of images with "images" in its name')


def test_what_is_missing_or_too_much_in_a_folder(tmp_path: Path) -> None:
    images = save_idx(tmp_path, "t10k", TEST)
    assert_refused(tmp_path, "no train-images-idx3-ubyte")
    save_idx(tmp_path, "train", TRAIN)
    save_idx(tmp_path, "emnist-train", TRAIN)
    assert_refused(tmp_path, "several data sets in one folder", "emnist-train-images-idx3-ubyte")
    for path in tmp_path.glob("emnist*"):
        path.unlink()
    images.with_name("t10k-labels-idx1-ubyte").unlink()
    assert_refused(tmp_path, "its labels are missing", "t10k-labels-idx1-ubyte")


@pytest.mark.parametrize(
    ("name", "content", "pieces"),
    [
        ("images", idx_bytes(TRAIN.images)[:-1], ("cut off", "(40, 28, 28)")),
        ("images", idx_bytes(TRAIN.images) + b"\0", ("longer than it should be",)),
        ("images", idx_bytes(TRAIN.images)[:9], ("cut off inside its header", "9 bytes")),
        ("images", b"\0\0\x08\x03" + b"\xff" * 12, ("cut off", "promises")),
        ("images", idx_bytes(TRAIN.images[:, :27]), ("(40, 27, 28)", "expected (n, 28, 28)")),
        ("images", idx_bytes(TRAIN.images[:0]), ("no images",)),
        ("images", b"\0\0\x0d\x03" + idx_bytes(TRAIN.images)[4:], ("starts with 00000d03", "00000803")),
        ("images", b"", ("starts with nothing",)),
        ("labels", idx_bytes(TRAIN.images), ("starts with 00000803; expected 00000801, an IDX file of",)),
        ("labels", idx_bytes(TRAIN.labels[:-1]), ("40 images but 39 labels",)),
        ("labels", idx_bytes(TRAIN.labels + 1), ("1 to 10", "expected 0 to 9")),
        ("labels", b"label\n1\n2\n", ("starts with 6c616265",)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("gz", [False, True])
def test_damaged_files(name: str, content: bytes, pieces: tuple[str, ...], gz: bool, tmp_path: Path) -> None:
    save_idx(tmp_path, "train", TRAIN, gz=gz)
    path = next(tmp_path.glob(f"train-{name}*"))
    path.write_bytes(gzip.compress(content) if gz else content)
    assert_refused(tmp_path, path.name, *pieces)


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:200], lambda b: b[:99] + b"xyz" + b[102:]])
def test_damaged_packing(damage: object, tmp_path: Path) -> None:
    images = save_idx(tmp_path, "train", TRAIN, gz=True)
    images.write_bytes(damage(images.read_bytes()))  # type: ignore[operator]
    for source in (tmp_path, images):
        assert_refused(source, images.name, "damaged or cut off")


@settings(deadline=None)
@given(content=st.binary(max_size=60), start=st.sampled_from([b"", b"\0\0\x08\x03", b"\0\0\x08\x01"]))
def test_any_bytes_raise_nothing_else(start: bytes, content: bytes) -> None:
    for axes in (1, 3):
        try:
            array = parse_idx(start + content, axes, "some file")
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert array.ndim == axes


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_idx(tmp_path_factory.mktemp("idx"), "train", make_split(4), gz=True)


@settings(deadline=None)
@given(place=st.floats(0, 1), piece=st.binary(min_size=1, max_size=8), packed=st.booleans())
def test_damaged_pairs_raise_nothing_else(pair: Path, place: float, piece: bytes, packed: bool) -> None:
    content = bytearray(idx_bytes(make_split(4).images))
    content = bytearray(gzip.compress(content)) if packed else content
    at = int(place * (len(content) - 1))
    content[at : at + len(piece)] = piece
    pair.write_bytes(content)
    try:
        assert len(read_source(pair).train) == 4
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
