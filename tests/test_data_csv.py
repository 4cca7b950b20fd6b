"""Tables of pixels, as Kaggle gives them."""

import codecs
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makers.datasets import csv_text, make_split
from tenfold.data import load_data, read_pixels_csv, read_source
from tenfold.errors import DataError

TRAIN = make_split(20)
TEXT = csv_text(TRAIN)
LINES = TEXT.splitlines()
HEADER = LINES[0]


def change(line: int, column: int, value: str | None) -> str:
    """The text with one value changed, or taken out."""
    rows = [row.split(",") for row in LINES]
    rows[line][column : column + 1] = [] if value is None else [value]
    return "".join(",".join(row) + "\n" for row in rows)


def assert_refused(path: Path, *pieces: str) -> None:
    with pytest.raises(DataError) as caught:
        read_source(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    assert not [piece for piece in pieces if piece not in message], message


def test_kaggles_training_table(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TEXT)
    loaded = load_data(tmp_path / "train.csv", validation=10)
    assert loaded.test is None
    assert "train.csv" in loaded.source
    images = np.concatenate([loaded.train.images, loaded.validation.images])
    assert np.array_equal(images, TRAIN.images)
    assert (images.dtype, loaded.train.labels.dtype) == (np.uint8, np.int64)


SHUFFLED = np.random.default_rng(0).permutation(785)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.rstrip("\n").encode(),
        (TEXT + "\n\n").encode(),
        TEXT.replace(",", ", ").encode(),
        gzip.compress(TEXT.encode()),
        TEXT.upper().encode(),
        csv_text(TRAIN, header="").encode(),
        csv_text(
            TRAIN, header="label," + ",".join(f"{y}x{x}" for y in range(28) for x in range(28))
        ).encode(),
        csv_text(TRAIN, header="class," + ",".join(f"pixel{n}" for n in range(1, 785))).encode(),
        "".join(",".join(f'"{value}"' for value in line.split(",")) + "\n" for line in LINES).encode(),
        "".join(",".join(np.array(line.split(","))[SHUFFLED]) + "\n" for line in LINES).encode(),
    ],
    ids=[
        "plain",
        "bom",
        "crlf",
        "unended",
        "blank-lines",
        "spaces",
        "gzip",
        "capitals",
        "bare",
        "xy",
        "from-1",
        "quoted",
        "shuffled",
    ],
)
def test_every_way_to_write_the_same_table(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(content)
    train = read_source(path).train
    assert np.array_equal(train.images, TRAIN.images)
    assert np.array_equal(train.labels, TRAIN.labels)
    assert np.array_equal(read_pixels_csv(path), TRAIN.images)


@pytest.mark.parametrize("header", [None, ""])
def test_kaggles_test_table(header: str | None, tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text(csv_text(TRAIN, header, labels=False))
    assert np.array_equal(read_pixels_csv(str(path)), TRAIN.images)
    assert_refused(path, 'no column "label"', "can be predicted")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (HEADER + "\n", ("only a header and no rows",)),
        (HEADER + "\n\n \n", ("only a header and no rows",)),
        (HEADER, ("only a header and no rows",)),
        ("\n" + TEXT, ("first line is empty",)),
        (change(0, 8, None), ("no column pixel7;",)),
        (HEADER.replace("pixel7,", "pixel8,", 1), ("the column 'pixel8' is there twice",)),
        (HEADER.replace("pixel7,", "other,", 1), ("no column pixel7;",)),
        ("label,pixel0,pixel1\n1,2,3\n", ("no column pixel2 and 781 more",)),
        ("label,a,b\n1,2,3\n", ("no column pixel0 and 783 more",)),
        ("1,2,3\n4,5,6\n", ("3 columns and no header",)),
        ("id," + TEXT, ("an unknown column 'id'",)),
        (TEXT.replace(",", ";"), ("semicolons; expected commas",)),
        (change(3, 8, "abc"), ("line 4, column 'pixel7': 'abc' where a whole number 0-255",)),
        (change(3, 8, ""), ("line 4, column 'pixel7': nothing where",)),
        (change(3, 8, "256"), ("line 4, column 'pixel7': '256' where",)),
        (change(3, 8, "-1"), ("line 4, column 'pixel7': '-1' where",)),
        (change(3, 8, "1.0"), ("line 4, column 'pixel7': '1.0' where",)),
        (change(3, 8, "nan"), ("line 4, column 'pixel7': 'nan' where",)),
        (change(3, 8, "9" * 40), ("line 4, column 'pixel7': '9999",)),
        (change(3, 8, "\x1b[31m"), ("line 4, column 'pixel7': '\\x1b[31m' where",)),
        (change(3, 0, "11"), ("column 1: the labels run from 0 to 11; expected 0 to 9",)),
        (change(3, 0, "-1"), ("line 4, column 'label': '-1' where a whole number 0-9",)),
        (change(3, 8, None), ("line 4 has 784 values; expected 785",)),
        (change(1, 8, None), ("line 2 has 784 values; expected 785",)),
        (change(20, 784, None), ("line 21 has 784 values; expected 785",)),
        (change(3, 784, "1,2"), ("line 4 has 786 values; expected 785",)),
        ("\n".join([HEADER] + [line[: line.rindex(",")] for line in LINES[1:]]), ("line 2 has 784 values",)),
        (TEXT + "1,2", ("line 22 has 2 values",)),
        (TEXT + "\n\n1,2", ("line 24 has 2 values",)),
        (change(3, 8, '"1'), ("line 4, column 'pixel7'",)),
        (change(3, 8, "1" + " " * 70_000), ("a line of more than",)),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(
    text: str, pieces: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "train.csv").write_text(text)
    assert_refused(tmp_path / "train.csv", *pieces)


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text(TEXT, "utf-16")
    assert_refused(path, "UTF-16; save it as CSV, UTF-8")
    with pytest.raises(DataError, match="not plain text"):
        read_pixels_csv(path)
    path.write_bytes(TEXT.encode() + b"\xff\n")
    assert_refused(path, "not plain text (UTF-8)")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*test\.csv: No such file"):
        read_pixels_csv(tmp_path / "test.csv")
    with pytest.raises(DataError, match="cannot read"):
        read_pixels_csv(tmp_path)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DataError, match="first line is empty"):
        read_pixels_csv(tmp_path / "empty.csv")


def test_damaged_packing(tmp_path: Path) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode())[:-30])
    assert_refused(path, "damaged or cut off")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv") / "table.csv"


def try_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for read in (read_pixels_csv, read_source):
        try:
            read(path)
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert not str(error).endswith(": ")  # noqa: PT017


@settings(deadline=None)
@given(
    place=st.floats(0, 1),
    piece=st.binary(min_size=1, max_size=6) | st.text('",\n\r5 -.', min_size=1).map(str.encode),
)
def test_damaged_tables_raise_nothing_else(table: Path, place: float, piece: bytes) -> None:
    content = bytearray(csv_text(make_split(3)).encode())
    at = int(place * (len(content) - 1))
    content[at : at + len(piece)] = piece
    try_bytes(table, bytes(content))


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_raise_nothing_else(table: Path, content: bytes) -> None:
    try_bytes(table, content)
    try_bytes(table, HEADER.encode() + b"\n" + content)
    try_bytes(table, b"1," * 784 + content)
