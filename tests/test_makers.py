"""The makers judge the reader, so they are judged first: labels, places, shares, and the same by seed."""

import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from makers import nondigits, strangers
from makers.hands import Written, some_hand, write
from makers.mnist import handwriting
from makers.pages import CROPS, EMPTY, STYLES, MadePage, crop, empty_page, page
from makers.strokes import affine, draw, enlarge, faithful, move, thin, trace


def same(one: MadePage, other: MadePage) -> bool:
    return np.array_equal(one.picture, other.picture) and one.numbers == other.numbers


@pytest.fixture(scope="module")
def pages() -> list[MadePage]:
    return [page(seed, name) for seed, name in enumerate(STYLES)]


def test_thinning_leaves_lines_one_pixel_wide_in_as_many_pieces() -> None:
    thick = np.zeros((40, 40), bool)
    thick[5:35, 6:12] = True
    thick[28:34, 6:34] = True
    skeleton = thin(thick)
    assert ndimage.label(skeleton, np.ones((3, 3)))[1] == 1
    assert not (skeleton[:-1, :-1] & skeleton[1:, :-1] & skeleton[:-1, 1:] & skeleton[1:, 1:]).any()
    assert (skeleton & ~thick).sum() == 0


def test_redrawn_digits_lie_on_the_ink_they_came_from() -> None:
    images, _ = handwriting("validation")
    for image in [image for image in images[:60] if faithful(image)]:
        ink = ndimage.binary_dilation(image > 60, np.ones((3, 3)))
        points = np.concatenate(trace(image))
        there = np.clip(points.astype(int), 0, 27)
        assert ink[there[:, 1], there[:, 0]].mean() > 0.97


def test_enlarged_and_drawn_digits_have_the_height_asked_for() -> None:
    image = handwriting("validation")[0][0]
    tall = np.ptp(np.flatnonzero(image.max(1) > 80)) + 1
    matrix = affine(100)
    assert enlarge(image, matrix).shape[0] == pytest.approx(5 * tall, rel=0.08)
    assert draw(move(trace(image), matrix), 8).shape[0] == pytest.approx(5 * tall, rel=0.2)


def test_every_style_makes_its_label_the_same_for_the_same_seed() -> None:
    images, labels = handwriting("validation")
    once = strangers.digits(len(strangers.STYLES), 5, images, labels)
    again = strangers.digits(len(strangers.STYLES), 5, images, labels)
    assert [name for _, _, name in once] == list(strangers.STYLES)
    for (picture, label, name), (other, _, _) in zip(once, again, strict=True):
        assert label == strangers.ONLY.get(name, label)
        if isinstance(picture, bytes):
            assert picture == other
            Image.open(io.BytesIO(picture)).verify()
        else:
            np.testing.assert_array_equal(picture, other)
            assert min(picture.shape[:2]) >= 5
            assert picture.min() < picture.max(), name


def test_a_style_alone_equals_its_turn_among_all() -> None:
    images, labels = handwriting("validation")
    k = list(strangers.STYLES).index("chalk")
    among = strangers.digits(k + 1, 3, images, labels)[k]
    alone = strangers.digits(1, 3, images, labels, "chalk")[0]
    np.testing.assert_array_equal(among[0], alone[0])


def test_plain_strangers_carry_the_label_of_their_image() -> None:
    images, labels = handwriting("validation")
    by_image = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    for picture, label, _ in strangers.digits(40, 2, images, labels, "as_mnist"):
        assert by_image[picture.tobytes()] == label


def test_every_kind_of_non_digit_is_a_picture() -> None:
    images, labels = handwriting("validation")
    made = nondigits.nondigits(2 * len(nondigits.KINDS), 4, images, labels)
    assert {name for _, name in made} == set(nondigits.KINDS)
    for picture, name in made:
        assert picture.dtype == np.uint8
        assert min(picture.shape[:2]) >= 8
        assert picture.std() > 3, name


@pytest.mark.parametrize("maker", [strangers.digits, nondigits.nondigits])
def test_unknown_names_are_refused(maker: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="there are"):
        maker(1, 0, *handwriting("validation"), "no such thing")


def test_touching_numbers_hang_together_and_others_do_not() -> None:
    rng = np.random.default_rng(8)
    hand = some_hand(rng, "validation", traced=0)

    joined = [write(hand, "3806", 50, rng, touching=True) for _ in range(12)]
    apart = [write(hand, "3806", 50, rng) for _ in range(12)]
    assert sum(number.touching for number in joined) >= 10
    assert not any(number.touching for number in apart)

    def pieces(number: Written) -> int:
        parts, count = ndimage.label(number.coverage > 0.4, np.ones((3, 3)))
        return int((ndimage.sum_labels(np.ones_like(parts), parts, range(1, count + 1)) > 60).sum())

    assert all(pieces(number) >= 4 for number in apart)
    assert np.mean([pieces(number) for number in joined]) < 3.3


def test_pages_hold_digits_only_in_lines_that_cover_all_numbers(pages: list[MadePage]) -> None:
    for made in pages:
        assert made.picture.dtype == np.uint8
        assert 300 <= max(made.picture.shape[:2]) <= 2200
        assert made.numbers
        assert all(number.text.isdigit() and 1 <= len(number.text) <= 10 for number in made.numbers)
        assert [k for line in made.lines for k in line] == list(range(len(made.numbers)))


def test_boxes_lie_in_the_picture_and_run_as_one_reads(pages: list[MadePage]) -> None:
    for made in pages:
        height, width = made.picture.shape[:2]
        for number in made.numbers:
            corners = np.array(number.box)
            assert corners.min() > -3
            assert (corners[:, 0] < width + 3).all()
            assert (corners[:, 1] < height + 3).all()
            (ax, ay), (bx, by), _, (dx, dy) = corners
            assert (bx - ax) * (dy - ay) - (by - ay) * (dx - ax) > 0
        along = np.array(made.numbers[0].box)[1] - np.array(made.numbers[0].box)[0]
        way = {"turned left": (0, -1), "turned right": (0, 1), "upside down": (-1, 0)}.get(made.style)
        if way:
            assert along @ way > 0.9 * np.hypot(*along)


def test_boxes_hold_ink(pages: list[MadePage]) -> None:
    for made in pages:
        if made.style in ("squared paper", "phone, in the dark", "faint pencil", "phone, shadow"):
            continue  # grids, shadows and faint ink leave no contrast that a plain threshold sees
        plane = made.picture if made.picture.ndim == 2 else made.picture.mean(2)
        for number in made.numbers:
            (x0, y0), (x1, y1) = np.min(number.box, 0).astype(int), np.ceil(np.max(number.box, 0)).astype(int)
            part = plane[max(y0, 0) : y1, max(x0, 0) : x1]
            assert part.min() < 0.75 * np.percentile(part, 90), (made.style, number.text)


def test_numbers_in_a_line_are_in_reading_order(pages: list[MadePage]) -> None:
    for made in pages:
        for line in made.lines:
            boxes = [np.array(made.numbers[k].box) for k in line]
            for one, other in pairwise(boxes):
                assert (other.mean(0) - one.mean(0)) @ (one[1] - one[0]) > 0


@pytest.mark.slow
def test_at_least_three_in_ten_numbers_touch() -> None:
    numbers = [n for seed, name in enumerate([*STYLES] * 2) for n in page(seed, name).numbers]
    assert np.mean([number.touching for number in numbers]) >= 0.3


def test_pages_are_the_same_by_seed_and_differ_by_split_and_seed() -> None:
    assert same(page(3), page(3))
    assert not same(page(3), page(4))
    assert not np.array_equal(page(3).picture, page(3, split="validation").picture)
    assert same(crop(3), crop(3))
    assert same(empty_page(3), empty_page(3))


def test_crops_hold_one_number_with_the_marks_of_their_style() -> None:
    wanted = {"point": {"point"}, "comma": {"comma"}, "minus": {"minus"}, "thousands": {"point", "comma"}}
    for seed, name in enumerate([*CROPS] * 2):
        made = crop(seed, name)
        (number,) = made.numbers
        assert 16 <= made.picture.shape[0] <= 160
        assert number.text.isdigit()
        kinds = {kind for kind, _ in number.marks}
        assert kinds <= wanted.get(name, set())
        assert bool(kinds) == (name in wanted)
        assert all(0 <= position < len(number.text) for _, position in number.marks)


def test_empty_pages_are_empty() -> None:
    for seed, name in enumerate(EMPTY):
        made = empty_page(seed, name)
        assert made.numbers == ()
        assert made.picture.shape[0] >= 400


@pytest.mark.parametrize("maker", [page, crop, empty_page])
def test_unknown_styles_are_refused(maker: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="there are"):
        maker(0, "no such thing")
