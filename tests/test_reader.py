"""The reader: one picture, many, or images; what it says of each, and that one bad picture stays alone."""

import io
import resource
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tenfold
from makers.networks import CARD, save_network
from tenfold.data import Split
from tenfold.errors import NoInkError, OptionError, PictureError, ReaderError
from tenfold.reading import Prediction, Reader, prepare
from tenfold.reading import reader as module
from tenfold.reading.reader import BATCH, GROUP


@pytest.fixture(scope="module")
def reader() -> Reader:
    return tenfold.load()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A reader that cannot refuse."""
    return tenfold.load(save_network(tmp_path_factory.mktemp("small") / "reader.onnx"))


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def same(one: Prediction, other: Prediction) -> bool:
    return (
        (one.digit, one.label, one.unsure, one.box, one.source, one.error, one.notes)
        == (other.digit, other.label, other.unsure, other.box, other.source, other.error, other.notes)
        and np.array_equal(one.image, other.image)
        and np.abs(one.probabilities - other.probabilities).max() < 1e-5
        and abs(one.confidence - other.confidence) < 1e-5
    )


def test_one_picture_many_and_prepared_images_agree(reader: Reader, test_split: Split) -> None:
    pictures = [255 - np.pad(image, 6) for image in test_split.images[: BATCH + 9]]
    many = reader.predict_many(pictures)
    assert all(same(reader.predict(picture), answer) for picture, answer in zip(pictures, many, strict=True))
    images = np.stack([prepare(picture) for picture in pictures])
    probabilities, is_digit = reader.probabilities(images)
    assert (probabilities.shape, is_digit.shape) == ((len(images), 10), (len(images),))
    assert (probabilities.dtype, is_digit.dtype) == (np.float32, np.float32)
    assert np.abs(probabilities.sum(axis=1) - 1).max() < 1e-5
    assert ((is_digit >= 0) & (is_digit <= 1)).all()
    again = reader.predict_many(images, prepared=True)
    for answer, bare, image, p, d in zip(many, again, images, probabilities, is_digit, strict=True):
        assert np.array_equal(answer.image, image)
        assert np.array_equal(bare.image, image)
        for one in (answer, bare):
            assert np.abs(one.probabilities - p).max() < 1e-5
            assert one.digit == int(p.argmax())
            assert one.label == reader.labels[p.argmax()]
            assert one.confidence == pytest.approx(float(p.max() * d), abs=1e-5)
            assert one.unsure == (one.confidence < reader.card.threshold)
            assert one.error is None
        assert answer.box is not None
        assert bare.box is None


def test_the_shipped_reader_reads_mnist(reader: Reader, test_split: Split) -> None:
    probabilities, _ = reader.probabilities(test_split.images)
    assert np.mean(probabilities.argmax(axis=1) == test_split.labels) > 0.98


@pytest.mark.parametrize("refuses", [False, True])
def test_confidence_is_the_greatest_probability_times_that_it_is_a_digit(
    refuses: bool, tmp_path: Path
) -> None:
    card = CARD | {"threshold": 0.3, "labels": [f"class {k}" for k in range(10)]}
    reader = tenfold.load(save_network(tmp_path / "a.onnx", card, refuses=refuses))
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    images[6:] //= 3
    probabilities, is_digit = reader.probabilities(images)
    expected = images.max(axis=(1, 2)) / 255 if refuses else np.ones(12)
    assert np.abs(is_digit - expected).max() < 1e-6
    for answer, p, d in zip(reader.predict_many(images, prepared=True), probabilities, expected, strict=True):
        assert answer.confidence == pytest.approx(p.max() * d, abs=1e-5)
        assert answer.label == f"class {p.argmax()}"
        assert answer.unsure == (answer.confidence < 0.3)


@pytest.mark.parametrize("times", [1, 8])
def test_where_more_is_written_beside_the_digit_no_answer_is_sure(
    times: int, reader: Reader, test_split: Split
) -> None:
    sheet = np.full((80, 200), 235, np.uint8)
    alone = sheet.copy()
    for place, image in enumerate(test_split.images[:3]):
        window = sheet[20:48, 20 + 65 * place :][:, :28]
        window -= np.minimum(image, 200)
        if place == 1:
            alone[:, 85:113] = sheet[:, 85:113]
            alone[60:63, 120:124] = 120  # a speck is no digit
    several, one = reader.predict_many(
        [np.kron(s, np.ones((times, times), np.uint8)) for s in (sheet, alone)]
    )
    assert (one.unsure, one.notes, one.digit) == (False, (), test_split.labels[1])
    assert several.unsure
    assert "for read" in several.notes[0]


@pytest.mark.parametrize("threshold", [0, 1])
def test_the_cards_threshold_decides_what_is_unsure(threshold: float, tmp_path: Path) -> None:
    reader = tenfold.load(save_network(tmp_path / "a.onnx", CARD | {"threshold": threshold}))
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    assert {answer.unsure for answer in reader.predict_many(images, prepared=True)} == {threshold == 1}


def test_an_answer_tells_where_the_digit_is_and_what_the_picture_was(
    reader: Reader, test_split: Split, tmp_path: Path
) -> None:
    sheet = np.full((300, 200), 240, np.uint8)
    digit = np.asarray(Image.fromarray(test_split.images[0]).resize((112, 112)))
    sheet[150:262, 40:152] -= np.minimum(digit, 200)
    path = tmp_path / "seven.gif"
    frames = [Image.fromarray(sheet), Image.fromarray(sheet[::-1])]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    rows, columns = np.nonzero(sheet < 140)
    truth = [(columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)]
    for answer in (reader.predict(path), *reader.predict_many([path])):
        assert (answer.digit, answer.label, answer.error) == (7, "7", None)
        assert answer.source == str(path)
        assert answer.notes == ("first frame of 2",)
        assert answer.box is not None
        (left, top), (right, top_), (right_, bottom), (left_, bottom_) = answer.box
        assert (left, right, top, bottom) == (left_, right_, top_, bottom_)
        assert np.abs(np.subtract([(left, top), (right, bottom)], truth)).max() < 6
    assert reader.predict(path.read_bytes()).source is None


def test_what_cannot_be_read_stands_in_its_place_among_the_others(
    reader: Reader, test_split: Split, tmp_path: Path
) -> None:
    good = [np.pad(image, 4) for image in test_split.images[:8]]
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "blank.png").write_bytes(png(np.full((30, 30), 200, np.uint8)))
    bad: dict[int, object] = {
        0: tmp_path / "missing.png",
        3: b"",
        4: np.full((20, 20), np.nan),
        7: str(tmp_path / "text.png"),
        GROUP - 1: tmp_path / "blank.png",
        GROUP: np.zeros((28, 28)),
        GROUP + 1: np.zeros((1, 1)),
        GROUP + 9: tmp_path,
        GROUP + 12: None,
        GROUP + 20: png(good[0])[:90],
    }
    pictures = [bad.get(k, good[k % len(good)]) for k in range(GROUP + 21)]
    answers = reader.predict_many(iter(pictures))
    assert len(answers) == len(pictures)
    alone = reader.predict_many(good)
    for k, answer in enumerate(answers):
        if k not in bad:
            assert same(answer, alone[k % len(good)])
            continue
        assert (answer.digit, answer.label, answer.confidence, answer.unsure) == (None, "", 0.0, True)
        assert answer.probabilities.shape == (10,)
        assert not answer.probabilities.any()
        assert answer.image.shape == (28, 28)
        assert answer.error
        assert "\n" not in answer.error
        named = str(bad[k]) if isinstance(bad[k], str | Path) else None
        assert answer.source == named
        if named:
            assert answer.error.startswith(f"{named}: ")
            assert answer.error.count(named) == 1
        with pytest.raises(PictureError) as caught:
            reader.predict(bad[k])
        assert str(caught.value) == answer.error
    assert "no ink found" in str(answers[GROUP - 1].error)


def test_only_bad_pictures_and_none_at_all(small: Reader) -> None:
    assert [answer.error is None for answer in small.predict_many([b"", b"text"])] == [False, False]
    assert small.predict_many([]) == []
    assert small.predict_many(iter(())) == []
    assert small.predict_many([], prepared=True) == []
    assert small.predict_many(np.zeros((0, 28, 28), np.uint8), prepared=True) == []
    p, is_digit = small.probabilities(np.zeros((0, 28, 28), np.uint8))
    assert (p.shape, is_digit.shape) == ((0, 10), (0,))


@pytest.mark.parametrize("picture", ["seven.jpg", Path("seven.jpg"), b"\x89PNG"])
def test_one_picture_where_many_are_expected_is_told(small: Reader, picture: object) -> None:
    with pytest.raises(PictureError, match=r"expected a list of pictures, got one .*: use predict"):
        small.predict_many(picture)  # type: ignore[arg-type]


def test_prepared_images_come_in_any_layout_that_is_no_guess(small: Reader, test_split: Split) -> None:
    images = test_split.images[: 2 * BATCH + 3]
    expected = small.predict_many(images, prepared=True)
    for given in (images[..., None], list(images), np.asfortranarray(images), tuple(images), iter(images)):
        found = small.predict_many(given, prepared=True)
        assert all(same(one, other) for one, other in zip(found, expected, strict=True))
    spread = np.repeat(images, 2, axis=2)[:, :, ::2]
    assert all(
        same(one, other)
        for one, other in zip(small.predict_many(spread, prepared=True), expected, strict=True)
    )


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((3, 28, 28), np.float32),
        np.zeros((3, 28, 28), bool),
        np.zeros((3, 27, 28), np.uint8),
        np.zeros((3, 784), np.uint8),
        np.zeros((3, 28, 28, 3), np.uint8),
        np.zeros((3, 1, 28, 28), np.uint8),
        [np.zeros((28, 28), np.uint8), np.zeros((27, 27), np.uint8)],
        [np.zeros((28, 28), object)],
        ["seven.png"],
        [None],
        None,
    ],
)
def test_prepared_images_of_another_kind_are_refused(small: Reader, images: object) -> None:
    for attempt in (small.probabilities, lambda given: small.predict_many(given, prepared=True)):
        with pytest.raises(PictureError, match=r"prepared images must .*28, 28") as caught:
            attempt(images)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


def test_threads_get_the_answers_that_one_gets(reader: Reader, test_split: Split) -> None:
    images = test_split.images[:120]
    parts = [[np.pad(image, 2) for image in images[k : k + 15]] for k in range(0, 120, 15)]
    alone = [reader.predict_many(part) for part in parts]
    expected = reader.probabilities(images)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(reader.predict_many, parts * 2))
        raw = list(pool.map(reader.probabilities, [images] * 4))
    for one, other in zip(
        [a for part in found for a in part], [a for part in alone * 2 for a in part], strict=True
    ):
        assert same(one, other)
    for p, is_digit in raw:
        assert np.abs(p - expected[0]).max() < 1e-5
        assert np.abs(is_digit - expected[1]).max() < 1e-5


def test_pictures_are_let_go_before_the_answers_are(
    small: Reader, test_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[weakref.ref[np.ndarray]] = []
    kept: list[int] = []

    def spy(picture: object) -> object:
        pixels = real(picture)
        decoded.append(weakref.ref(pixels.values))
        return pixels

    def look(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kept.append(sum(one() is not None for one in decoded))
        return run(images)

    real, run = module.decode, small._run
    monkeypatch.setattr(module, "decode", spy)
    monkeypatch.setattr(small, "_run", look)
    answers = small.predict_many(png(np.pad(image, 9)) for image in test_split.images[:70])
    assert len(decoded) == len(answers) == 70
    assert max(kept) == 0


def test_memory_is_flat_over_many_pictures(small: Reader, test_split: Split) -> None:
    def pictures(n: int) -> Iterator[bytes]:
        contents = [png(np.pad(image, 150)) for image in test_split.images[:10]]
        for k in range(n):
            yield contents[k % 10]

    small.predict_many(pictures(40))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
    small.predict_many(pictures(600))  # 65 MB of pixels
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000


def test_a_reader_says_what_it_is(small: Reader, tmp_path: Path) -> None:
    assert repr(small) == "Reader('small', 10 classes, threshold 0.5)"
    assert small.labels == tuple("0123456789")
    assert small.path.name == "reader.onnx"
    letters = save_network(tmp_path / "a.onnx", CARD | {"labels": list("ABC")}, classes=3)
    answer = tenfold.load(letters).predict(np.eye(28, dtype=np.uint8) * 255)
    assert answer.label in "ABC"
    assert answer.probabilities.shape == (3,)


@pytest.mark.parametrize(("version", "advice"), [(0, "train the reader again"), (2, "update tenfold")])
def test_a_reader_of_another_way_to_prepare_is_refused(version: int, advice: str, tmp_path: Path) -> None:
    path = save_network(tmp_path / "a.onnx", CARD | {"preparation": version})
    with pytest.raises(ReaderError, match=rf"a.onnx: expects .* version {version}, this .* 1: {advice}$"):
        tenfold.load(path)


def test_only_a_reader_of_the_ten_digits_reads_numbers(tmp_path: Path) -> None:
    path = save_network(tmp_path / "a.onnx", CARD | {"labels": list("ABCDEFGHIJ")})
    for attempt in ("read", "read_all"):
        with pytest.raises(
            ReaderError, match=r"a.onnx: reads A, B, C, D, E, ...; numbers need a reader of 0 to 9"
        ):
            getattr(tenfold.load(path), attempt)(np.zeros((50, 50)))


def test_a_page_that_cannot_be_read_is_told_by_name(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "tiny.png"
    path.write_bytes(png(np.zeros((3, 3), np.uint8)))
    with pytest.raises(PictureError, match=r"tiny\.png: is 3x3 pixels; expected at least 4x4"):
        reader.read(path)
    with pytest.raises(PictureError, match="no such file"):
        reader.read(tmp_path / "missing.png")
    with pytest.raises(PictureError, match="no such file"):
        next(reader.read_all(tmp_path / "missing.png"))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"length": 0}, "length is from 1 to 64"),
        ({"length": "5"}, "length is from 1 to 64 digits, got '5'"),
        ({"length": 2.5}, "length is from 1 to 64 digits, got 2.5"),
        ({"length": True}, "length is from 1 to 64 digits, got True"),
        ({"check": "mod 11"}, "no check is called 'mod 11'"),
        ({"ids": []}, "empty list"),
        ({"ids": ["12a"]}, "'12a'"),
        ({"ids": "123"}, "the one text '123'"),
        ({"regions": [(0, 0, 20, 20)]}, "names with a box each, got list"),
        ({"regions": {"amount": ("a", 0, 20, 20)}}, "region 'amount'"),
        ({"regions": {"amount": None}}, "region 'amount'"),
        ({"regions": {"amount": (0, 0, 10**400, 20)}}, "region 'amount'"),
        ({"marks": "guess"}, "marks are one of unsure, ignore, thousands"),
        ({"regions": {"amount": (0, 0, 500, 20)}}, "region 'amount'"),
        ({"regions": {"amount": (0, 0, 2, 2)}}, "region 'amount'"),
        ({"regions": {"amount": (0, 0, float("nan"), 20)}}, "region 'amount'"),
        ({"regions": {"amount": (0, 0, 20)}}, "region 'amount'"),
    ],
)
def test_a_wish_that_makes_no_sense_is_told(reader: Reader, wish: dict[str, object], message: str) -> None:
    paper = np.full((80, 200), 220, np.uint8)
    with pytest.raises(OptionError, match=message):
        reader.read(paper, **wish)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=message):
        list(reader.read_all(paper, **wish))  # type: ignore[arg-type]


def test_what_holds_no_ink_raises_for_one_and_is_an_empty_page(reader: Reader) -> None:
    paper = np.full((300, 400), 220, np.uint8)
    with pytest.raises(NoInkError):
        reader.predict(paper)
    page = reader.read(paper)
    assert (page.numbers, page.size, page.source, page.error) == ((), (400, 300), None, None)
