"""What is known of a number: its length, check digit, list of ids; the texts they allow, likeliest first."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.errors import DataError, OptionError
from tenfold.reading import knowledge as module
from tenfold.reading.knowledge import Knowledge, passes_luhn, read_ids, texts_allowed

rows = st.builds(
    lambda seed, places, sharp: chances(seed, places, sharp),
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.floats(0.1, 9),
)


def chances(seed: int, places: int, sharp: float = 2.0) -> np.ndarray:
    """Probabilities of the ten digits for each place, (places, 10)."""
    values = np.exp(sharp * np.random.default_rng(seed).normal(size=(places, 10)))
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)


def by_hand(probabilities: np.ndarray) -> dict[str, float]:
    """Every text with its log probability."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-9))
    places = range(len(logs))
    return {
        "".join(map(str, digits)): float(logs[places, digits].sum())
        for digits in itertools.product(range(10), repeat=len(logs))
    }


# ---- Luhn


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("18", True),  # 8 + 2*1 = 10
        ("26", True),  # 6 + 2*2 = 10
        ("59", True),  # 9 + (1+0) = 10
        ("91", True),  # 1 + (1+8) = 10
        ("17", False),
        ("00", True),
        ("000000", True),
        ("0018", True),
        ("1800", True),  # 0 + 2*0 + 8 + 2*1 = 10
        ("180", False),  # 0 + (1+6) + 1 = 8
        ("79927398713", True),  # the example of the patent's readers
        ("79927398710", False),
        ("4539148803436467", True),
        ("4539148803436476", False),  # two neighbours exchanged
        ("8", False),
        ("0", False),
        ("", False),
    ],
)
def test_luhn_by_hand(text: str, passes: bool) -> None:
    assert passes_luhn(text) is passes


@given(st.text("0123456789", min_size=1, max_size=30))
def test_every_text_has_one_check_digit_and_a_slip_of_one_digit_breaks_it(text: str) -> None:
    whole = [text + digit for digit in "0123456789" if passes_luhn(text + digit)]
    assert len(whole) == 1
    for place, digit in enumerate(whole[0]):
        slip = str((int(digit) + 1 + place % 9) % 10)
        assert slip == digit or not passes_luhn(whole[0][:place] + slip + whole[0][place + 1 :])


# ---- what may be asked


def test_nothing_known_allows_everything() -> None:
    nothing = Knowledge()
    assert not nothing
    assert nothing.name == ""
    assert all(nothing.allows(text) for text in ("", "0", "123456"))


@pytest.mark.parametrize(
    ("known", "name", "allowed", "refused"),
    [
        (Knowledge(length=4), "length 4", "1240", "124"),
        (Knowledge(check="luhn"), "luhn", "18", "17"),
        (Knowledge(ids=frozenset({"0042", "17"})), "ids", "0042", "42"),
        (Knowledge(2, "luhn"), "length 2, luhn", "18", "0018"),
        (Knowledge(2, "luhn", frozenset({"18", "17", "0018"})), "length 2, luhn, ids", "18", "17"),
        (Knowledge(length=64), "length 64", "1" * 64, "1" * 63),
    ],
)
def test_all_that_is_known_must_hold(known: Knowledge, name: str, allowed: str, refused: str) -> None:
    assert known
    assert known.name == name
    assert known.allows(allowed)
    assert not known.allows(refused)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"length": 0}, "from 1 to 64 digits, got 0"),
        ({"length": -3}, "got -3"),
        ({"length": 65}, "got 65"),
        ({"check": "mod 97"}, "no check is called 'mod 97'; there are luhn"),
        ({"check": ""}, "no check is called ''"),
        ({"ids": frozenset()}, "the ids are an empty list"),
        ({"ids": frozenset({"12", "1 2"})}, "digits, got '1 2'"),
        ({"ids": frozenset({""})}, "digits, got ''"),
        ({"ids": frozenset({"٣"})}, "digits, got '٣'"),
        ({"ids": frozenset({"²"})}, "digits, got '²'"),
        ({"ids": frozenset({"12", 12})}, "a text of digits, got 12"),
    ],
)
def test_what_makes_no_sense_is_refused(wish: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        Knowledge(**wish)  # type: ignore[arg-type]
    assert message in str(caught.value)


# ---- files of ids


def test_ids_are_read_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes(b"\xef\xbb\xbf0042\r\n  17 \n\n42\n\n17\r\n0099")
    assert read_ids(path) == read_ids(str(path)) == {"0042", "17", "42", "0099"}


@pytest.mark.parametrize(
    ("content", "piece"),
    [
        (b"", "holds no ids; expected one a line"),
        (b"\n \n\t\n", "holds no ids"),
        (b"12\n13a\n", "id 2 is '13a'; expected digits only, one id a line"),
        (b"id\n12\n", "id 1 is 'id'"),
        (b"12,13\n", "id 1 is '12,13'"),
        (b"12.5\n", "id 1 is '12.5'"),
        (b"-12\n", "id 1 is '-12'"),
        ("12\n１３\n".encode(), "id 2 is '１３'"),
        (b"1\0002\n", "id 1 is '1\\x002'"),
        (b"7" * 30 + b"x" * 5000, "id 1 is '" + "7" * 30 + "xxxxxxxxxx'"),
        (b"\xff\xfe1\0002\0", "cannot be read as text"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read as text"),
    ],
)
def test_other_content_is_told_by_its_place(content: bytes, piece: str, tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_ids(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert piece in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 200


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for name, piece in {
        "missing.txt": "no such file; expected a text file",
        ".": "cannot be read as text",
        "nul\0": "cannot be read as text",
        "n" * 300: "cannot be read as text",
    }.items():
        with pytest.raises(DataError, match=piece):
            read_ids(tmp_path / name)


def test_a_list_too_long_is_not_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\n".join(map(str, range(1000, 2000))))
    assert len(read_ids(path)) == 1000
    monkeypatch.setattr(module, "MOST_IDS", 999)
    with pytest.raises(DataError, match="holds 1000 ids; at most 999"):
        read_ids(path)
    monkeypatch.setattr(module, "LARGEST_FILE", 1 << 20)
    with pytest.raises(DataError, match="larger than 1 MB"):
        read_ids("/dev/zero")


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=80) | st.text("0123456789 \n\r\tx", max_size=80).map(str.encode))
def test_any_file_raises_nothing_else(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "ids.txt"
    path.write_bytes(content)
    try:
        ids = read_ids(path)
    except DataError as error:
        assert "\n" not in str(error).replace(str(path), "")  # noqa: PT017
    else:
        assert Knowledge(ids=ids).ids == ids


# ---- the texts that are allowed


@settings(deadline=None, max_examples=25)
@given(probabilities=rows, check=st.sampled_from([None, "luhn"]))
def test_texts_come_likeliest_first_and_none_is_left_out(
    probabilities: np.ndarray, check: str | None
) -> None:
    known = Knowledge(length=len(probabilities), check=check)
    truth = by_hand(probabilities)
    found = list(texts_allowed(known, probabilities, most=60))
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert len({text for text, _ in found}) == len(found)
    best = sorted((score for text, score in truth.items() if known.allows(text)), reverse=True)[: len(found)]
    assert np.abs(np.subtract(scores, best)).max(initial=0) < 1e-3
    assert all(score == pytest.approx(truth[text], abs=1e-3) for text, score in found)
    assert len(found) == min(60, sum(known.allows(text) for text in truth))


@settings(deadline=None, max_examples=25)
@given(probabilities=rows, ids=st.frozensets(st.text("0123456789", min_size=1, max_size=4), min_size=1))
def test_only_ids_of_the_length_that_is_written_are_considered(
    probabilities: np.ndarray, ids: frozenset[str]
) -> None:
    truth = by_hand(probabilities)
    found = list(texts_allowed(Knowledge(ids=ids), probabilities))
    fitting = sorted((text for text in ids if len(text) == len(probabilities)), key=lambda t: -truth[t])
    assert sorted(text for text, _ in found) == sorted(fitting)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert np.abs(np.subtract(scores, [truth[text] for text in fitting])).max(initial=0) < 1e-3


def test_all_that_is_known_holds_for_ids_too() -> None:
    probabilities = chances(1, 2)
    known = Knowledge(check="luhn", ids=frozenset({"18", "17", "26", "018"}))
    assert {text for text, _ in texts_allowed(known, probabilities)} == {"18", "26"}
    assert [text for text, _ in texts_allowed(known, probabilities, most=1)] == [
        max(("18", "26"), key=by_hand(probabilities).__getitem__)
    ]


def test_where_nothing_fits_there_are_no_texts() -> None:
    probabilities = chances(1, 3)
    assert list(texts_allowed(Knowledge(length=4), probabilities)) == []
    assert list(texts_allowed(Knowledge(ids=frozenset({"12", "1234"})), probabilities)) == []
    assert list(texts_allowed(Knowledge(check="luhn"), chances(1, 1))) == []


def test_a_digit_held_for_impossible_is_still_a_text() -> None:
    probabilities = np.zeros((3, 10), np.float32)
    probabilities[range(3), (1, 2, 4)] = 1
    assert next(texts_allowed(Knowledge(length=3), probabilities))[0] == "124"
    (found,) = texts_allowed(Knowledge(ids=frozenset({"724"})), probabilities)
    assert found[0] == "724"
    assert np.isfinite(found[1])
