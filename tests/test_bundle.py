"""A reader's file: its card, what is refused, and that the shipped files are the ones that were shipped."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tenfold
from makers.networks import CARD, save_network
from tenfold.errors import ReaderError, TenfoldError
from tenfold.reading import Card, bundle
from tenfold.reading.bundle import WEIGHTS, open_network, read_card, reader_file
from tenfold.reading.linereading import LineNetwork

names = st.text(max_size=20)
numbers = st.integers(-(2**53), 2**53)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
cards = st.builds(
    Card,
    name=names.filter(bool),
    recipe=names,
    labels=st.lists(names.filter(bool), min_size=2, max_size=30, unique=True).map(tuple),
    threshold=st.floats(0, 1),
    temperature=st.floats(0.01, 100),
    seed=numbers,
    data_sha256=names,
    weights_sha256=names,
    parameters=numbers,
    versions=st.dictionaries(names, names, max_size=3),
    settings=st.dictionaries(names, numbers | names | st.lists(numbers, max_size=3), max_size=3),
    figures=st.dictionaries(names, st.floats(0, 1), max_size=3),
    preparation=st.integers(1, 9),
)


def assert_refused(path: Path | str | None, *pieces: str) -> None:
    for attempt in (read_card, tenfold.load):
        with pytest.raises(ReaderError) as caught:
            attempt(path)
        message = str(caught.value)
        assert "\n" not in message
        assert not [piece for piece in (str(path or ""), *pieces) if piece not in message], message


# ---- the card


@settings(deadline=None, max_examples=60)
@given(card=cards)
def test_a_card_comes_back_as_it_was_written(card: Card) -> None:
    assert Card.from_json(card.to_json()) == card
    assert Card.from_json(card.to_json()).to_json() == card.to_json()


def test_a_card_travels_with_the_network(tmp_path: Path) -> None:
    path = save_network(tmp_path / "reader.onnx", CARD | {"figures": {"test_accuracy": 0.5}})
    card = read_card(path)
    assert (card.name, card.labels, card.figures) == ("small", tuple("0123456789"), {"test_accuracy": 0.5})
    assert (card.preparation, card.format, card.versions, card.settings) == (1, 1, {}, {})
    assert tenfold.load(path).card == read_card(tmp_path) == card


def test_what_a_later_version_adds_to_a_card_is_passed_over() -> None:
    card = Card.from_json(json.dumps(CARD | {"colour": "blue"}))
    assert card == Card.from_json(json.dumps(CARD))


WRONG: dict[str, object] = {
    "name": 7,
    "recipe": None,
    "labels": "0123456789",
    "threshold": "0.5",
    "temperature": [1],
    "seed": 1.5,
    "data_sha256": 0,
    "weights_sha256": {},
    "parameters": "many",
    "versions": [],
    "settings": "none",
    "figures": 0.99,
    "preparation": "1",
    "format": None,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_field_of_another_kind_is_named(name: str, tmp_path: Path) -> None:
    path = save_network(tmp_path / "a.onnx", CARD | {name: WRONG[name]})
    assert_refused(path, "the reader's card lacks, or holds of another kind", name)
    with pytest.raises(ReaderError, match=name):
        Card.from_json(json.dumps(CARD | {name: True}))


@pytest.mark.parametrize("name", CARD)
def test_a_field_that_is_missing_is_named(name: str, tmp_path: Path) -> None:
    path = save_network(tmp_path / "a.onnx", {key: value for key, value in CARD.items() if key != name})
    assert_refused(path, "the reader's card lacks", name)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": []},
        {"labels": ["7"]},
        {"labels": ["1", "2", "2"]},
        {"threshold": 1.01},
        {"threshold": -0.1},
        {"threshold": float("nan")},
        {"threshold": float("inf")},
        {"format": 0},
        {"name": ""},
        {"name": "half \ud800"},
        {"labels": ["a", "\ud800"]},
        {"temperature": 0},
        {"temperature": -1.5},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": 10**400},
    ],
)
def test_a_card_that_makes_no_sense_is_refused(changes: dict[str, object], tmp_path: Path) -> None:
    assert_refused(save_network(tmp_path / "a.onnx", CARD | changes), "makes no sense")


@pytest.mark.parametrize("text", ["{", "null", "[]", "7", '"card"', "not a card", "[" * 100_000])
def test_a_damaged_card_is_refused(text: str, tmp_path: Path) -> None:
    assert_refused(save_network(tmp_path / "a.onnx", text), "the reader's card")


def test_a_card_of_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    path = save_network(tmp_path / "a.onnx", {"format": 2, "fields": "quite different"})
    assert_refused(path, "format 2, newer than 1: update tenfold")


@settings(deadline=None, max_examples=100)
@given(content=st.dictionaries(st.sampled_from([*WRONG, "other"]), anything), whole=st.booleans())
def test_any_card_raises_nothing_else(content: dict[str, object], whole: bool) -> None:
    try_card(json.dumps(CARD | content if whole else content))


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=60), at=st.integers(0, 200), cut=st.integers(0, 20))
def test_a_damaged_text_raises_nothing_else(text: str, at: int, cut: int) -> None:
    whole = json.dumps(CARD)
    try_card(text)
    try_card(whole[:at] + text[:4] + whole[at + cut :])


def try_card(text: str) -> None:
    try:
        card = Card.from_json(text)
    except ReaderError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(card.labels) >= 2
        assert 0 <= card.threshold <= 1


# ---- the file


def test_a_reader_is_a_file_a_run_folder_or_the_shipped_one(tmp_path: Path) -> None:
    path = save_network(tmp_path / "reader.onnx")
    shutil.copy(path, tmp_path / "copy.onnx")
    assert reader_file(None) == WEIGHTS / "reader.onnx"
    assert reader_file(str(tmp_path)) == reader_file(path) == path
    assert tenfold.load(tmp_path / "copy.onnx").path == tmp_path / "copy.onnx"
    assert tenfold.load(str(tmp_path)).card == read_card(path)


def test_what_is_no_reader_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "text.onnx").write_text("not a network")
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "model.keras").write_bytes(b"PK")
    (tmp_path / "link.onnx").symlink_to(tmp_path / "nowhere.onnx")
    assert_refused(tmp_path / "run", "no reader.onnx in this folder; expected a finished run")
    assert_refused(tmp_path / "missing.onnx", "no such reader; expected a run folder or an .onnx file")
    assert_refused(tmp_path / "link.onnx", "no such reader")
    assert_refused(tmp_path / "text.onnx", "not a reader, or damaged")
    assert_refused(tmp_path / "empty.onnx", "not a reader, or damaged")
    assert_refused(tmp_path / "model.keras", "is for training on", "reader.onnx")
    assert_refused(tmp_path / "text.onnx" / "inside.onnx", "cannot be opened")
    assert_refused(f"{tmp_path}/nul\0.onnx", "cannot be opened")
    assert_refused(tmp_path / ("n" * 300), "cannot be opened")


def test_a_network_without_a_card_is_not_one_of_ours(tmp_path: Path) -> None:
    path = save_network(tmp_path / "a.onnx", "")
    assert_refused(path, "an ONNX file without Tenfold's card; expected one written by `tenfold train`")


def test_a_file_too_large_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_network(tmp_path / "a.onnx")
    monkeypatch.setattr(bundle, "LARGEST", 1 << 20)
    assert tenfold.load(path).card.name == "small"
    with path.open("ab") as file:
        file.truncate((1 << 20) + 1)
    assert_refused(path, f"{path}: larger than 1 MB; not a reader that Tenfold wrote")
    assert_refused("/dev/zero", "larger than 1 MB")


@pytest.mark.parametrize(
    ("changes", "piece"),
    [
        ({"classes": 9}, "expected 10 probabilities an image"),
        ({"gives": "answers"}, "expected 10 probabilities an image"),
        ({"takes": "pictures"}, "does not read (n, 28, 28) uint8 images"),
        ({"batch": 1}, "does not read (n, 28, 28) uint8 images"),
    ],
)
def test_a_network_that_is_no_reader_is_refused_though_its_card_is_whole(
    changes: dict[str, object], piece: str, tmp_path: Path
) -> None:
    path = save_network(tmp_path / "a.onnx", **changes)  # type: ignore[arg-type]
    assert read_card(path).name == "small"
    with pytest.raises(ReaderError) as caught:
        tenfold.load(path)
    assert str(path) in str(caught.value)
    assert piece in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    content = save_network(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for share in range(0, 100, 4):
        path.write_bytes(content[: len(content) * share // 100])
        assert_refused(path)


@settings(deadline=None, max_examples=40)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4),
    near_end=st.booleans(),
)
def test_a_damaged_file_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, bytes]], near_end: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    if not (folder / "whole.onnx").exists():
        save_network(folder / "whole.onnx")
    content = bytearray((folder / "whole.onnx").read_bytes())
    first = len(content) - 900 if near_end else 0  # shapes and the card stand there
    for place, piece in changes:
        at = first + int(place * (len(content) - 1 - first))
        content[at : at + len(piece)] = piece
    try_file(folder / "damaged.onnx", bytes(content))


@settings(deadline=None, max_examples=40)
@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"\x08\x0a", b"ORTM", b"PK\x03\x04"]))
def test_any_bytes_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    try_file(tmp_path_factory.getbasetemp() / "bytes.onnx", start + content)


def try_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        tenfold.load(path)
    except TenfoldError as error:
        assert isinstance(error, ReaderError)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


# ---- what is shipped


def test_the_shipped_readers_open_and_answer_to_their_sums() -> None:
    card = read_card(None)
    assert card.labels == tuple("0123456789")
    assert card.preparation == bundle.PREPARATION
    assert LineNetwork().card["symbols"][:10] == list("0123456789")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped weights that is taken for them."""
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    monkeypatch.setattr(bundle, "WEIGHTS", folder)
    return folder


def test_a_shipped_reader_that_is_not_the_one_that_was_shipped_is_refused(shipped: Path) -> None:
    assert tenfold.load().path == shipped / "reader.onnx"
    save_network(shipped / "reader.onnx")
    assert_refused(None, "the shipped reader is damaged (SHA-256 differs): install tenfold again")
    assert_refused(shipped / "reader.onnx", "SHA-256 differs")
    assert_refused(shipped, "SHA-256 differs")
    with (shipped / "lines.onnx").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\0")
    with pytest.raises(ReaderError, match="SHA-256 differs"):
        open_network(shipped / "lines.onnx")


@pytest.mark.parametrize("sums", [None, "", "\n\n", "no sums at all\n", "reader.onnx\n"])
def test_without_its_sums_the_shipped_reader_is_not_trusted(shipped: Path, sums: str | None) -> None:
    (shipped / "SHA256SUMS").unlink()
    if sums is not None:
        (shipped / "SHA256SUMS").write_text(sums)
    assert_refused(None, "SHA-256 differs")


def test_a_shipped_reader_that_is_missing_is_told(shipped: Path) -> None:
    (shipped / "reader.onnx").unlink()
    assert_refused(None, "no such reader")


def test_a_card_is_changed_by_making_another_one() -> None:
    card = Card.from_json(json.dumps(CARD))
    other = replace(card, threshold=0.9)
    assert (card.threshold, other.threshold) == (0.5, 0.9)
    with pytest.raises(AttributeError):
        card.threshold = 0.9  # type: ignore[misc]
