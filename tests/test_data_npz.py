"""Archives of arrays: what is taken, what is refused, and that nothing is ever unpickled."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makers.datasets import make_split, save_npz
from tenfold.data import read_source
from tenfold.data.npz import read_npz
from tenfold.errors import DataError

TRAIN, TEST = make_split(), make_split(20, seed=1)


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def save_members(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def assert_refused(path: Path, *pieces: str) -> None:
    with pytest.raises(DataError) as caught:
        read_npz(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    assert not [piece for piece in pieces if piece not in message], message


@pytest.mark.parametrize("keys", [("x_train", "y_train", "x_test", "y_test"),
                                  ("train_img", "train_label", "test_img", "test_label")])  # fmt: skip
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_both_spellings_packed_or_not(keys: tuple[str, ...], save: object, tmp_path: Path) -> None:
    arrays = (TRAIN.images, TRAIN.labels, TEST.images, TEST.labels)
    save(tmp_path / "a.npz", **dict(zip(keys, arrays, strict=True)))  # type: ignore[operator]
    parts = read_source(tmp_path / "a.npz")
    assert parts.test is not None
    for part, split in ((parts.train, TRAIN), (parts.test, TEST)):
        assert np.array_equal(part.images, split.images)
        assert np.array_equal(part.labels, split.labels)
        assert (part.images.dtype, part.labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize("shape", [(40, 28, 28, 1), (40, 1, 28, 28), (40, 784)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">i4", np.uint64, np.float16, np.float32, ">f8"])
def test_other_shapes_and_types_of_the_same_images(
    shape: tuple[int, ...], dtype: str, tmp_path: Path
) -> None:
    images = np.asfortranarray(TRAIN.images.reshape(shape).astype(dtype))
    labels = TRAIN.labels.astype(dtype)[:, None]
    parts = read_npz(save_npz(tmp_path / "a.npz", TRAIN, x_train=images, y_train=labels))
    assert parts.test is None
    assert np.array_equal(parts.train.images, TRAIN.images)
    assert np.array_equal(parts.train.labels, TRAIN.labels)


def test_one_hot_labels_are_turned_back_and_it_is_said(tmp_path: Path) -> None:
    parts = read_npz(save_npz(tmp_path / "a.npz", TRAIN, y_train=np.eye(10)[TRAIN.labels]))
    assert np.array_equal(parts.train.labels, TRAIN.labels)
    assert "one-hot" in parts.source


@pytest.mark.parametrize(
    ("changes", "pieces"),
    [
        ({"x_train": None}, ("no x_train (or train_img)", "it holds 'y_train'")),
        ({"y_train": None}, ("no y_train (or train_label)",)),
        ({"x_test": TEST.images}, ("no y_test (or test_label)",)),
        ({"x_train": np.zeros((40, 32, 32), np.uint8)}, ("(40, 32, 32)", "expected (n, 28, 28)")),
        ({"x_train": np.zeros((28, 28), np.uint8)}, ("(28, 28)", "expected (n, 28, 28)")),
        ({"x_train": np.uint8(3)}, ("shape ()", "expected (n, 28, 28)")),
        ({"x_train": np.zeros((0, 28, 28), np.uint8)}, ("no images",)),
        ({"x_train": TRAIN.images / 255}, ("fractions", "scaled to 0-1")),
        ({"x_train": TRAIN.images + 0.5}, ("255.5", "expected whole numbers 0-255")),
        ({"x_train": TRAIN.images / 2}, ("fractions",)),
        ({"x_train": (TRAIN.images > 99).astype(float)}, ("0 or 1", "before any scaling")),
        ({"x_train": np.full((40, 28, 28), np.nan)}, ("nan",)),
        ({"x_train": np.full((40, 28, 28), np.inf)}, ("inf",)),
        ({"x_train": TRAIN.images.astype(int) - 1}, ("-1 to 254",)),
        ({"x_train": TRAIN.images.astype(int) + 1}, ("1 to 256",)),
        ({"x_train": TRAIN.images > 99}, ("type bool",)),
        ({"x_train": TRAIN.images.astype(complex)}, ("type complex128",)),
        ({"x_train": TRAIN.images.astype(str)}, ("type <U",)),
        ({"y_train": TRAIN.labels + 1}, ("1 to 10", "expected 0 to 9")),
        ({"y_train": TRAIN.labels - 1}, ("-1 to 8", "expected 0 to 9")),
        ({"y_train": TRAIN.labels / 2}, ("fractions",)),
        ({"y_train": np.full(40, np.nan)}, ("nan",)),
        ({"y_train": TRAIN.labels[1:]}, ("40 images but 39 labels",)),
        ({"y_train": np.int64(3)}, ("shape ()",)),
        ({"y_train": np.ones((40, 10))}, ("rows of numbers", "one 1 in each row")),
        ({"y_train": np.zeros((40, 9))}, ("shape (40, 9)",)),
        ({"x_test": TEST.images[:, :27], "y_test": TEST.labels}, ("x_test", "(20, 27, 28)")),
    ],
)  # fmt: skip
def test_what_is_not_mnist_is_refused(
    changes: dict[str, object], pieces: tuple[str, ...], tmp_path: Path
) -> None:
    assert_refused(save_npz(tmp_path / "a.npz", TRAIN, **changes), *pieces)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.write_text, (self.path, "sprung"))


def test_pickled_arrays_are_refused_and_not_opened(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")] * 40, object)
    for key in ("x_train", "y_train"):
        assert_refused(save_npz(tmp_path / "a.npz", TRAIN, **{key: trap}), "pickled", "never opened")
    assert not (tmp_path / "sprung").exists()


def test_a_record_that_hides_an_object_is_refused(tmp_path: Path) -> None:
    records = np.zeros(40, [("label", "O"), ("n", int)])
    assert_refused(save_npz(tmp_path / "a.npz", TRAIN, y_train=records), "pickled")


def test_a_header_that_promises_more_than_follows_is_refused(tmp_path: Path) -> None:
    labels = npy_bytes(TRAIN.labels)
    for shape in ("(40000000000, 28, 28)", "(-40, 28, 28)", "(41, 28, 28)"):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
        images = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + TRAIN.images.tobytes()
        assert_refused(save_members(tmp_path / "a.npz", x_train=images, y_train=labels), "damaged")


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (3000000, 28, 28), }".ljust(117) + b"\n"
    path = save_members(
        tmp_path / "a.npz",
        x_train=b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header,
        y_train=npy_bytes(TRAIN.labels),
    )
    length, promised = 10 + len(header), 10 + len(header) + 3_000_000 * 784
    content = path.read_bytes()
    assert content.count(struct.pack("<I", length)) >= 2
    path.write_bytes(content.replace(struct.pack("<I", length), struct.pack("<I", promised)))
    assert_refused(path, "2243.0 MiB of arrays; at most 2048.0 MiB")


def test_a_header_written_under_python_2_is_read(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (40L, 28L, 28L), }".ljust(117) + b"\n"
    images = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + TRAIN.images.tobytes()
    path = save_members(tmp_path / "a.npz", x_train=images, y_train=npy_bytes(TRAIN.labels))
    assert np.array_equal(read_npz(path).train.images, TRAIN.images)


def test_other_archives_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "train.csv.zip", "w") as archive:
        archive.writestr("train.csv", "label")
    assert_refused(tmp_path / "train.csv.zip", "no x_train", "'train.csv'")
    with zipfile.ZipFile(tmp_path / "empty.npz", "w"):
        pass
    assert_refused(tmp_path / "empty.npz", "it holds nothing")
    with zipfile.ZipFile(tmp_path / "odd.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x_train.npy", npy_bytes(TRAIN.images))
        archive.writestr("y_train.npy", npy_bytes(TRAIN.labels))
    assert_refused(tmp_path / "odd.npz", "unusual compression")
    (tmp_path / "text.npz").write_text("label,pixel0")
    assert_refused(tmp_path / "text.npz", "damaged or cut off")


SMALL = make_split(4)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_npz(tmp_path_factory.mktemp("npz") / "small.npz", SMALL, SMALL)


def try_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        parts = read_npz(path)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert parts.train.images.shape[1:] == (28, 28)
        assert len(parts.train.images) == len(parts.train.labels)


def test_every_cut_is_noticed(small: Path) -> None:
    content = small.read_bytes()
    damaged = small.with_name("cut.npz")
    for length in range(0, len(content), 37):
        damaged.write_bytes(content[:length])
        assert_refused(damaged)


@settings(deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4)
)
def test_damaged_archives_raise_nothing_else(small: Path, changes: list[tuple[float, bytes]]) -> None:
    content = bytearray(small.read_bytes())
    for place, piece in changes:
        at = int(place * (len(content) - 1))
        content[at : at + len(piece)] = piece
    try_bytes(small.with_name("damaged.npz"), bytes(content))


@settings(deadline=None)
@given(content=st.binary(max_size=400), start=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_any_bytes_raise_nothing_else(small: Path, content: bytes, start: bytes) -> None:
    try_bytes(small.with_name("bytes.npz"), start + content)


@settings(deadline=None)
@given(header=st.binary(max_size=80) | st.text(max_size=80).map(str.encode), version=st.integers(1, 4))
def test_any_array_header_raises_nothing_else(small: Path, header: bytes, version: int) -> None:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    member = b"\x93NUMPY" + bytes([version, 0]) + length + header
    path = save_members(small.with_name("header.npz"), x_train=member, y_train=npy_bytes(SMALL.labels))
    try_bytes(path, path.read_bytes())


@settings(deadline=None)
@given(
    descr=st.sampled_from(["'|u1'", "'O'", "'<i8'", "'V3'", "[('a', 'O')]", "('|u1', (2,))", "7", "'M8[s]'"]),
    order=st.sampled_from(["True", "False", "3"]),
    shape=st.lists(st.integers(-(10**30), 10**30) | st.booleans() | st.integers(0, 5), max_size=5),
)
def test_any_promise_raises_nothing_else(small: Path, descr: str, order: str, shape: list[int]) -> None:
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {tuple(shape)}, }}\n".encode()
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100)
    path = save_members(small.with_name("promise.npz"), x_train=member, y_train=npy_bytes(SMALL.labels))
    try_bytes(path, path.read_bytes())
