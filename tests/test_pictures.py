"""Preparing: any picture of one digit to MNIST's geometry, and no digit seen where there is none."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import tenfold
from tenfold.errors import NoInkError, PictureError
from tenfold.reading import Reader
from tenfold.reading.decode import decode
from tenfold.reading.pictures import BOX, SIDE, THINNEST, centre, fit, locate, prepare

Grey = np.ndarray
Disturb = Callable[[Grey, np.random.Generator], Grey]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return tenfold.load()


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,000 validation images with a clear margin, and their labels."""
    validation = tenfold.load_mnist().validation
    images = np.pad(validation.images[:1000], ((0, 0), (4, 4), (4, 4)))
    return images, validation.labels[:1000]


@pytest.fixture(scope="module")
def known(digits: tuple[np.ndarray, np.ndarray], reader: Reader) -> np.ndarray:
    """What those images are read as."""
    return answers(reader, prepared(list(digits[0])))


def prepared(pictures: list[np.ndarray]) -> np.ndarray:
    return np.stack([prepare(picture) for picture in pictures])


def answers(reader: Reader, images: np.ndarray) -> np.ndarray:
    return reader.probabilities(images)[0].argmax(axis=1)


def larger(image: Grey, times: float, how: int = cv2.INTER_CUBIC) -> Grey:
    return np.asarray(cv2.resize(image, None, fx=times, fy=times, interpolation=how))


def on_paper(image: Grey, times: float = 5, paper: float = 225, ink: float = 45) -> Grey:
    """A digit in dark ink on light paper, larger, float."""
    share = larger(image, times, cv2.INTER_LINEAR) / 255.0
    return paper + (ink - paper) * share


def as_bytes(picture: Grey) -> Grey:
    return (picture + 0.5).clip(0, 255).astype(np.uint8)


# ---- any array


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """Arrays of any size: free values, noise, two shades, gradients, strokes, with or without colour."""
    shape = (
        draw(st.integers(1, 60)),
        draw(st.integers(1, 60)),
        *draw(st.sampled_from([(), (1,), (3,), (4,)])),
    )
    kind = draw(st.sampled_from(["free", "noise", "sparse", "two shades", "slope", "strokes"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "free":
        values = draw(hnp.arrays(np.uint8, shape, fill=st.integers(0, 255)))
    elif kind == "noise":
        values = rng.integers(0, 256, shape)
    elif kind == "sparse":
        values = rng.integers(0, 256, shape) * (rng.random(shape) < rng.random() ** 3)
    elif kind == "two shades":
        values = rng.choice(rng.integers(0, 256, 2), shape)
    elif kind == "slope":
        values = np.broadcast_to(np.linspace(*rng.integers(0, 256, 2), shape[1]), shape[:2])
        values = values if len(shape) == 2 else np.repeat(values[..., None], shape[2], 2)
    else:
        values = np.full(shape[:2], rng.integers(0, 256), np.uint8)
        for _ in range(rng.integers(1, 5)):
            ends = rng.integers(-5, 65, (2, 2)).tolist()
            cv2.line(values, *ends, int(rng.integers(0, 256)), int(rng.integers(1, 9)))
        values = values if len(shape) == 2 else np.repeat(values[..., None], shape[2], 2)
    if draw(st.booleans()):
        return np.asarray(values).astype(draw(st.sampled_from([np.uint8, np.int32, np.float32, np.float64])))
    return np.asarray(values) / 255


@settings(deadline=None, max_examples=150)
@given(picture=pictures())
def test_on_any_array_nothing_is_raised_but_the_packages_errors(picture: np.ndarray) -> None:
    try:
        found = locate(decode(picture).values)
    except PictureError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert found.image.shape == (SIDE, SIDE)
    assert found.image.dtype == np.uint8
    assert found.image.max() > 128
    left, top, right, bottom = found.box
    height, width = decode(picture).values.shape[:2]
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@settings(deadline=None, max_examples=40)
@given(picture=hnp.arrays(np.float64, (12, 12), elements=st.floats(), fill=st.floats()))
def test_on_any_numbers_nothing_is_raised_but_the_packages_errors(picture: np.ndarray) -> None:
    try:
        image = prepare(picture)
    except PictureError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert (image.shape, image.dtype) == ((SIDE, SIDE), np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (3, 60), (60, 3), (1, 500)])
def test_a_picture_too_small_for_a_digit_is_told_with_its_size(shape: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=f"{shape[1]}x{shape[0]} pixels; expected at least 4x4"):
        prepare(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


# ---- what changes nothing


def test_polarity_changes_nothing(digits: tuple[np.ndarray, np.ndarray]) -> None:
    for image in digits[0][:150]:
        light = prepare(image)
        assert np.array_equal(prepare(255 - image), light)
        assert np.array_equal(prepare(np.dstack([255 - image] * 3)), light)
        assert np.array_equal(prepare(Image.fromarray(255 - image)), light)
        assert np.array_equal(prepare(image / 255), light)


def test_twice_the_margin_changes_hardly_an_answer(
    digits: tuple[np.ndarray, np.ndarray], known: np.ndarray, reader: Reader
) -> None:
    wider = list(np.pad(digits[0], ((0, 0), (8, 8), (8, 8))))
    assert np.count_nonzero(answers(reader, prepared(wider)) != known) <= 2


@pytest.mark.parametrize("how", [cv2.INTER_NEAREST, cv2.INTER_CUBIC], ids=["nearest", "cubic"])
def test_twice_the_size_changes_hardly_an_answer(
    how: int, digits: tuple[np.ndarray, np.ndarray], known: np.ndarray, reader: Reader
) -> None:
    larger_ones = [larger(image, 2, how) for image in digits[0]]
    assert np.count_nonzero(answers(reader, prepared(larger_ones)) != known) <= 6


def test_mnist_prepared_is_nearly_itself(digits: tuple[np.ndarray, np.ndarray], reader: Reader) -> None:
    images = digits[0][:250, 4:-4, 4:-4]
    again = prepared(list(images))
    assert np.abs(again.astype(int) - images).mean() < 5
    assert np.count_nonzero(answers(reader, again) != answers(reader, images)) <= 4


# ---- the geometry


@pytest.mark.parametrize(("width", "height"), [(10, 70), (70, 10), (40, 60), (60, 60), (25, 30)])
@pytest.mark.parametrize("times", [1, 3, 11])
def test_ink_fills_the_box_of_20_and_keeps_its_shape(width: int, height: int, times: int) -> None:
    paper = np.full((140, 120), 240, np.uint8)
    paper[40 : 40 + height, 20 : 20 + width] = 20
    found = locate(np.kron(paper, np.ones((times, times), np.uint8)))
    rows, columns = (np.flatnonzero(found.image.max(axis=axis) > 127) for axis in (1, 0))
    scale = BOX / max(width, height)
    assert abs(len(rows) - height * scale) <= 1
    assert abs(len(columns) - width * scale) <= 1
    assert found.image.max() == 255
    assert np.abs(np.divide(found.box, times) - (20, 40, 20 + width, 40 + height)).max() <= 2


def test_the_mass_is_in_the_middle(digits: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    places = np.arange(SIDE)
    for image in digits[0][:60]:
        sheet = np.full((300, 260), 230.0)
        top, left = rng.integers(0, 300 - 144), rng.integers(0, 260 - 144)
        sheet[top : top + 144, left : left + 144] = on_paper(image, 4, 230)
        small = prepare(as_bytes(sheet)).astype(float)
        middle = [small.sum(axis=axis) @ places / small.sum() for axis in (1, 0)]
        assert np.abs(np.subtract(middle, SIDE / 2)).max() < 1.01


@pytest.mark.parametrize("pen", [1, 2, 4])
def test_a_hairline_is_brought_to_a_readable_width(pen: int) -> None:
    paper = np.full((400, 400), 250, np.uint8)
    cv2.circle(paper, (200, 200), 120, 10, pen)
    image = prepare(paper).astype(float) / 255
    width = image.sum() / (np.pi * BOX * 0.9)  # ink over the circle's length
    assert 0.7 * THINNEST < width < 1.5 * THINNEST


def test_a_broad_pen_keeps_its_width() -> None:
    paper = np.full((400, 400), 250, np.uint8)
    cv2.line(paper, (200, 60), (200, 340), 10, 60)
    image = prepare(paper)
    assert 3 <= np.count_nonzero(image[14] > 127) <= 5


def test_centring_takes_any_shape_and_refuses_nothing_at_all() -> None:
    for height in range(1, BOX + 1):
        for width in (1, 7, BOX):
            image = centre(np.ones((height, width), np.float32))
            assert np.count_nonzero(image) == height * width
    with pytest.raises(NoInkError):
        centre(np.zeros((5, 5)))
    with pytest.raises(NoInkError):
        fit(np.zeros((30, 20), np.float32))


# ---- pictures as people take them


def slope(picture: Grey, rng: np.random.Generator) -> Grey:
    """Light that falls off from one side to less than half."""
    height, width = picture.shape
    turn = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return picture * (0.72 + 0.26 * (rows * np.sin(turn) + columns * np.cos(turn)) / 1.42)


def shadow(picture: Grey, rng: np.random.Generator) -> Grey:
    """A hand's shadow with a soft edge."""
    height, width = picture.shape
    edge = rng.uniform(0.3, 0.7) * width + np.arange(height)[:, None] * rng.uniform(-0.4, 0.4)
    soft = 1 / (1 + np.exp((np.arange(width) - edge) / 4))
    return picture * (1 - 0.4 * soft)


def boxed(picture: Grey, rng: np.random.Generator) -> Grey:
    """A printed box around the digit."""
    height, width = picture.shape
    inset = int(rng.integers(3, 9))
    cv2.rectangle(picture, (inset, inset), (width - inset, height - inset), 60, 2)
    return picture


def ruled(picture: Grey, rng: np.random.Generator) -> Grey:
    """Lines of ruled paper, above and below the digit and one under its foot."""
    for row in (12, picture.shape[0] - 14):
        cv2.line(picture, (0, row), (picture.shape[1], row + int(rng.integers(-2, 3))), 130, 2)
    return picture


def faint(picture: Grey, rng: np.random.Generator) -> Grey:
    """Hard pencil on paper with some grain."""
    return 215 + (picture - 225) * 0.16 + rng.normal(0, 2.0, picture.shape)


def specks(picture: Grey, rng: np.random.Generator) -> Grey:
    """Dust and dots."""
    for _ in range(6):
        at = rng.integers(0, picture.shape[0], 2).tolist()
        cv2.circle(picture, at, int(rng.integers(1, 3)), 60, -1)
    return picture


def off_centre(picture: Grey, rng: np.random.Generator) -> Grey:
    """Small in a corner of a large sheet."""
    sheet = np.full((900, 700), 225.0)
    top, left = rng.integers(0, 900 - picture.shape[0]), rng.integers(0, 700 - picture.shape[1])
    sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def grain(picture: Grey, rng: np.random.Generator) -> Grey:
    """A dark room: noise in every pixel."""
    return picture * 0.6 + rng.normal(0, 9, picture.shape)


def corner(picture: Grey, rng: np.random.Generator) -> Grey:
    """Pieces of a form's boxes at two borders."""
    picture[:, :3] = 80
    picture[-4:, :] = 80
    return picture


def blurred(picture: Grey, rng: np.random.Generator) -> Grey:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4))


def reddish(picture: Grey, rng: np.random.Generator) -> Grey:
    """Green ink on red paper of one lightness."""
    share = (225 - picture)[..., None] / 180
    return np.array([215.0, 80, 60]) * (1 - share) + np.array([40.0, 170, 50]) * share


def tiny(picture: Grey, rng: np.random.Generator) -> Grey:
    """A digit 10 pixels high or less."""
    size = (16, 16)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def cut_off(picture: Grey, rng: np.random.Generator) -> Grey:
    """Cropped right along the ink."""
    rows, columns = np.nonzero(picture < 130)
    return picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


DISTURBED = (
    *(slope, shadow, boxed, ruled, faint, specks, off_centre, grain, corner, blurred, reddish, tiny, cut_off),
)


@pytest.mark.parametrize("disturb", DISTURBED, ids=lambda disturb: disturb.__name__)
@pytest.mark.parametrize("light_ink", [False, True])
def test_most_digits_are_still_read(
    disturb: Disturb, light_ink: bool, digits: tuple[np.ndarray, np.ndarray], reader: Reader
) -> None:
    images, labels = digits[0][:60], digits[1][:60]
    rng = np.random.default_rng(5)
    made = [as_bytes(disturb(on_paper(image), rng)) for image in images]
    if light_ink:
        made = [255 - picture for picture in made]
    right = [answer.digit == label for answer, label in zip(reader.predict_many(made), labels, strict=True)]
    assert np.mean(right) >= 0.95


def test_a_small_digit_in_a_photo_of_40_megapixels_is_found(
    digits: tuple[np.ndarray, np.ndarray], reader: Reader
) -> None:
    photo = np.full((7300, 5400), 228, np.uint8)
    photo[5000:5360, 700:1060] = as_bytes(on_paper(digits[0][3], 10, 228))
    answer = reader.predict(photo)
    assert answer.digit == digits[1][3]
    assert answer.box is not None
    corners = np.array(answer.box)
    assert (corners[0] >= (700, 5000)).all()
    assert (corners[2] <= (1060, 5360)).all()
    assert 100 < np.ptp(corners[:, 1]) < 300


# ---- nothing there


@pytest.mark.parametrize("shape", [(28, 28), (9, 40), (300, 200), (64, 64, 3)])
@pytest.mark.parametrize("shade", [0, 1, 128, 255])
def test_one_flat_colour_holds_no_ink(shape: tuple[int, ...], shade: int) -> None:
    with pytest.raises(NoInkError, match="one flat colour; expected dark ink on light paper, or the reverse"):
        prepare(np.full(shape, shade, np.uint8))


def test_blank_paper_holds_no_ink_or_none_that_is_sure(reader: Reader) -> None:
    rng = np.random.default_rng(2)
    blank = []
    for k in range(60):
        paper = np.full((120 + 3 * k, 90 + 2 * k), rng.uniform(60, 240))
        if k % 4 == 1:
            paper = slope(paper, rng)
        if k % 4 == 2:
            paper = shadow(paper, rng)
        if k % 4 == 3:
            paper = cv2.GaussianBlur(paper + rng.normal(0, 30, paper.shape), (0, 0), 2)
        blank.append(as_bytes(paper + rng.normal(0, rng.uniform(0, 6), paper.shape)))
    found = reader.predict_many(blank)
    assert np.mean([answer.unsure for answer in found]) >= 0.9
    assert np.mean([answer.error is not None for answer in found]) >= 0.75


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("end", [0.4, 0.65, 0.8])
def test_a_darker_side_of_the_paper_is_no_stroke(turn: int, end: float) -> None:
    light = 225 * np.linspace(1, end, 260) * np.ones((200, 1))
    rough = np.random.default_rng(4).normal(0, 1, light.shape)
    with pytest.raises(NoInkError):
        prepare(np.rot90(as_bytes(light + rough), turn))


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("end", [0.4, 0.65, 0.8])
@pytest.mark.parametrize("shape", [(200, 260), (120, 120)])
def test_a_darker_corner_of_the_paper_is_no_stroke(turn: int, end: float, shape: tuple[int, int]) -> None:
    light = 225 * np.linspace(1, end, shape[0])[:, None] * np.linspace(1, end, shape[1])
    rough = np.random.default_rng(4).normal(0, 1, shape)
    with pytest.raises(NoInkError):
        prepare(np.rot90(as_bytes(light + rough), turn))


def test_pure_noise_is_nothing_or_unsure(reader: Reader) -> None:
    rng = np.random.default_rng(3)
    noise = [rng.integers(0, 256, (side, side), np.uint8) for side in range(16, 96)]
    assert np.mean([answer.unsure for answer in reader.predict_many(noise)]) >= 0.95
