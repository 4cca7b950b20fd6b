"""Pages are laid out as a person would: each number a strip of its own, whole, level and where it stands."""

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

import tenfold
from makers.mnist import handwriting
from makers.pages import crop, empty_page, page
from tenfold.reading.pages import Layout, Line, crop_of_line, layout, layouts, tight
from tenfold.reading.pages.geometry import move, turning

Picture = NDArray[np.uint8]

PAPER, INK = 235, 40
STYLES = (
    "clean scan",
    "skewed scan",
    "small writing",
    "ruled paper",
    "squared paper",
    "printed table",
    "a box a digit",
    "a box a number",
    "form with words",
    "faint pencil",
    "coloured ink",
    "mixed sizes",
    "bilevel scan",
    "phone, shadow",
    "phone, on a table",
    "phone, in the dark",
)


def is_tight(picture: Picture) -> bool:
    return crop_of_line(picture) is not None


def digits(text: str, height: int, gap: float = 0.2) -> NDArray[np.uint8]:
    """MNIST digits side by side on black, (height, w); `gap` as a share of the height."""
    images, labels = handwriting("validation")
    parts = []
    for place, character in enumerate(text):
        image = images[np.flatnonzero(labels == int(character))[place]]
        rows, columns = np.flatnonzero(image.max(axis=1) > 60), np.flatnonzero(image.max(axis=0) > 60)
        ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        width = max(3, round(ink.shape[1] * height / ink.shape[0]))
        parts += [cv2.resize(ink, (width, height), interpolation=cv2.INTER_CUBIC)]
        parts += [np.zeros((height, round(gap * height)), np.uint8)]
    return np.hstack(parts[:-1])


def paste(picture: Picture, ink: NDArray[np.uint8], left: int, top: int) -> tuple[int, int, int, int]:
    """Write ink on a grey picture in place; returns its box."""
    height, width = ink.shape
    x0, y0 = max(left, 0), max(top, 0)
    part = picture[y0 : top + height, x0 : left + width]
    seen = ink[y0 - top : y0 - top + part.shape[0], x0 - left : x0 - left + part.shape[1]] / 255
    part[:] = np.rint(part * (1 - seen) + INK * seen)
    return left, top, left + width, top + height


def blank(height: int = 500, width: int = 700) -> Picture:
    noise = np.random.default_rng(1).normal(0, 1.5, (height, width))
    return np.clip(PAPER + noise, 0, 255).astype(np.uint8)


def covered(line: Line, box: tuple[float, float, float, float]) -> float:
    """Share of a box of the picture that a line covers."""
    left, top, right, bottom = box
    x, y = np.meshgrid(np.linspace(left, right, 20), np.linspace(top, bottom, 20))
    outline = np.array(line.polygon(), np.float32)
    points = zip(x.ravel(), y.ravel(), strict=True)
    inside = [cv2.pointPolygonTest(outline, (float(a), float(b)), False) >= 0 for a, b in points]
    return float(np.mean(inside))


def grouped(laid: Layout, boxes: list[np.ndarray]) -> float:
    """Share of numbers (boxes of corners) that have a line of their own around them."""
    outlines = [np.array(line.polygon(), np.float32) for line in laid.lines]
    middles = [box.mean(axis=0) for box in boxes]
    own = 0
    for box, middle in zip(boxes, middles, strict=True):
        inner = middle + 0.92 * (box - middle)
        for outline in outlines:
            if all(cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in inner):
                others = sum(
                    cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in middles
                )
                own += others == 1
                break
    return own / len(boxes)


@pytest.mark.parametrize("style", STYLES)
def test_each_number_of_a_made_page_is_a_line_of_its_own(style: str) -> None:
    made = page(7, style, split="validation")
    laid = layout(made.picture)
    assert grouped(laid, [np.array(number.box) for number in made.numbers]) >= 0.95


@pytest.mark.parametrize(("style", "quarters"), [("turned left", 3), ("turned right", 1), ("upside down", 2)])
def test_a_turned_page_is_laid_out_after_quarter_turns(style: str, quarters: int) -> None:
    made = page(7, style, split="validation")
    (laid,) = layouts(made.picture, (quarters,))
    assert grouped(laid, [np.array(number.box) for number in made.numbers]) >= 0.95
    assert [way.quarters for way in layouts(made.picture)] == [0, 2, 1, 3]


def test_numbers_come_in_reading_order_with_their_rows() -> None:
    picture = blank()
    boxes = [
        paste(picture, digits(text, 44), left, top)
        for text, left, top in [("123", 60, 60), ("45", 400, 66), ("6789", 60, 200), ("0", 420, 196)]
    ]
    lines = layout(picture).lines
    assert [line.row for line in lines] == [0, 0, 1, 1]
    for line, box in zip(lines, boxes, strict=True):
        assert covered(line, box) == 1


def test_digits_written_far_apart_are_one_number_and_a_wide_gap_parts_two() -> None:
    apart = blank()
    paste(apart, digits("270415", 50, gap=0.85), 60, 100)
    assert len(layout(apart).lines) == 1
    two = blank()
    paste(two, digits("2704", 50), 60, 100)
    paste(two, digits("5193", 50), 320, 100)
    assert len(layout(two).lines) == 2


def test_a_point_stays_in_its_number() -> None:
    picture = blank()
    paste(picture, digits("12", 50), 100, 100)
    cv2.circle(picture, (196, 147), 4, INK, cv2.FILLED)
    paste(picture, digits("50", 50), 212, 100)
    (line,) = layout(picture).lines
    x, y = move(np.linalg.inv(line.to_page), np.array([[196.0, 147.0]]))[0]
    assert line.image[round(y), round(x)] > 200


def test_a_digit_that_fell_to_pieces_does_not_part_a_number() -> None:
    picture = blank()
    _, top, right, _ = paste(picture, digits("25", 40), 100, 100)
    three = digits("3", 40)
    three[12:15] = three[25:28] = 0
    _, _, right, _ = paste(picture, three, right + 8, top)
    paste(picture, digits("2530", 40), right + 8, top)
    assert len(layout(picture).lines) == 1


def test_small_digits_that_all_touch_are_found_on_a_page_of_larger_ones() -> None:
    picture = blank()
    for row in range(4):
        paste(picture, digits("2704", 50), 60, 60 + 90 * row)
    small = digits("939", 24, gap=0)
    small[12:14] = 255  # all one piece
    box = paste(picture, small, 60, 440)
    cv2.rectangle(picture, (500, 200), (514, 214), INK, cv2.FILLED)
    lines = layout(picture).lines
    assert len(lines) == 5
    assert covered(lines[-1], box) == 1


@pytest.mark.parametrize(("size", "dotted"), [(0, False), (3, True), (4, True), (8, True)])
def test_a_point_however_small_makes_a_number_unsure(size: int, dotted: bool) -> None:
    picture = blank()
    paste(picture, digits("12", 40, 0.25), 100, 100)
    after = 100 + digits("12", 40, 0.25).shape[1]
    picture[140 - size : 140, after + 6 : after + 6 + size] = INK
    paste(picture, digits("50", 40, 0.25), after + 20, 100)
    (number,) = tenfold.load().read(picture).numbers
    assert (number.text, number.unsure) == ("1250", dotted)


def test_a_comma_nearly_half_as_high_as_the_digits_stays_in_its_number() -> None:
    with_it, without = blank(), blank()
    for picture in (with_it, without):
        one = paste(picture, digits("1", 50), 100, 100)
        paste(picture, digits("250", 50), one[2] + 40, 100)
    cv2.line(with_it, (one[2] + 20, 150), (one[2] + 12, 166), INK, 5)
    (line,) = layout(with_it).lines
    x, y = move(np.linalg.inv(line.to_page), np.array([[one[2] + 16.0, 158.0]]))[0]
    assert line.image[round(y), round(x)] > 200
    assert len(layout(without).lines) == 2


def test_a_row_of_boxes_is_one_number_and_table_cells_are_many() -> None:
    boxes, table = blank(), blank()
    for k, character in enumerate("30516"):
        cv2.rectangle(boxes, (80 + 60 * k, 100), (140 + 60 * k, 165), INK, 2)
        paste(boxes, digits(character, 42), 95 + 60 * k, 111)
    for k, text in enumerate(["31", "407", "52"]):
        cv2.rectangle(table, (40 + 190 * k, 100), (230 + 190 * k, 165), INK, 2)
        paste(table, digits(text, 42), 150 - 40 + 190 * k, 111)
    assert len(layout(boxes).lines) == 1
    assert len(layout(table).lines) == 3


def test_long_boxes_above_one_another_lose_their_sides_too() -> None:
    picture = blank(400, 640)
    for top, text in ((84, "7182405"), (184, "86"), (284, "1250")):
        cv2.rectangle(picture, (190, top), (600, top + 64), 120, 2)
        paste(picture, digits(text, 32, 0.3), 215, top + 16)
    assert len([rule for rule in layout(picture).rules if rule.upright]) == 6
    assert [number.text for number in tenfold.load().read(picture).numbers] == ["7182405", "86", "1250"]


def test_rules_are_taken_out_and_digits_that_cross_them_stay_whole() -> None:
    plain, ruled = blank(), blank()
    for y in range(80, 480, 62):
        cv2.line(ruled, (0, y), (699, y + 3), 120, 2)
    cv2.line(ruled, (90, 0), (90, 499), 120, 2)
    for picture in (plain, ruled):
        paste(picture, digits("2850347", 48), 120, 122)
    (clean,), (found,) = layout(plain).lines, layout(ruled).lines
    size = (clean.image.shape[1], clean.image.shape[0])
    between = np.linalg.inv(clean.to_page) @ found.to_page
    seen = cv2.warpPerspective(found.image, between, size)
    assert np.corrcoef(seen.ravel(), clean.image.ravel())[0, 1] > 0.96
    rules = layout(ruled).rules
    assert sum(not rule.upright for rule in rules) >= 6
    assert sum(rule.upright for rule in rules) == 1


def test_the_crop_is_bright_ink_on_dark_with_a_margin() -> None:
    picture = blank()
    box = paste(picture, digits("4071", 60), 200, 150)
    for seen in (picture, 255 - picture):
        (line,) = layout(seen).lines
        left, top, right, bottom = (*line.polygon()[0], *line.polygon()[2])
        assert abs((box[1] - top) - 0.18 * 60) < 5
        assert abs((right - box[2]) - 0.18 * 60) < 5
        assert bottom > box[3]
        assert left < box[0]
        assert 50 <= line.text_height <= 66
        assert np.quantile(line.image, 0.97) > 240
        assert np.quantile(line.image, 0.4) < 12


@pytest.mark.parametrize("style", ["clean scan", "ruled paper", "phone, on a table"])
def test_turning_the_page_by_a_quarter_turns_nothing_else(style: str) -> None:
    made = page(11, style, split="validation")
    upright = layout(made.picture)
    turned = layout(np.ascontiguousarray(np.rot90(made.picture)), 3)
    assert len(turned.lines) == len(upright.lines)
    matrix = np.array([[0, 1, 0], [-1, 0, made.picture.shape[1] - 1], [0, 0, 1]], float)
    for line, other in zip(upright.lines, turned.lines, strict=True):
        size = (line.image.shape[1], line.image.shape[0])
        between = np.linalg.inv(matrix @ line.to_page) @ other.to_page
        seen = cv2.warpPerspective(other.image, between, size)
        assert np.corrcoef(seen.ravel(), line.image.ravel())[0, 1] > 0.9


def test_ink_cut_by_the_edge_is_told_of() -> None:
    picture = blank()
    paste(picture, digits("803", 50), -14, 200)
    paste(picture, digits("172", 50), 300, 462)
    cut, low = layout(picture).lines
    assert (cut.touches_edge.left, cut.touches_edge.right, cut.touches_edge.top) == (True, False, False)
    assert low.touches_edge.bottom
    assert not low.touches_edge.left
    turned = layout(np.ascontiguousarray(np.rot90(picture)), 3).lines
    assert any(line.touches_edge.left and not line.touches_edge.top for line in turned)


def test_a_sheet_on_a_table_is_found_and_the_table_left_out() -> None:
    made = page(9, "phone, on a table", split="validation")
    laid = layout(made.picture)
    assert laid.sheet is not None
    outline = np.array(laid.sheet, np.float32)
    for line in laid.lines:
        x, y = np.array(line.polygon()).mean(axis=0)
        assert cv2.pointPolygonTest(outline, (float(x), float(y)), False) > 0
    assert layout(page(9, "clean scan", split="validation").picture).sheet is None


@pytest.mark.parametrize("kind", ["blank", "ruled", "squared", "empty boxes", "long strokes"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_page_without_writing_has_next_to_no_lines(kind: str, seed: int) -> None:
    assert len(layout(empty_page(seed, kind).picture).lines) <= 3


def test_noise_is_not_writing() -> None:
    rng = np.random.default_rng(3)
    for sigma in (3, 12, 40):
        noise = np.clip(rng.normal(170, sigma, (700, 900)), 0, 255).astype(np.uint8)
        assert len(layout(noise).lines) <= 2


@pytest.mark.parametrize(
    "style", ["plain", "faint pencil", "rules", "waves", "currency sign", "neighbours", "point", "cheque"]
)
def test_a_crop_of_one_line_keeps_its_digits(style: str) -> None:
    for seed in range(4):
        made = crop(seed, style, split="validation")
        assert is_tight(made.picture)
        line = tight(made.picture)
        for number in made.numbers:
            corners = np.array(number.box)
            left, top = corners.min(axis=0)
            right, bottom = corners.max(axis=0)
            height, width = made.picture.shape[:2]
            inner = (max(left, 0), max(top, 0) + 1, min(right, width - 1), min(bottom, height - 1) - 1)
            assert covered(line, inner) > 0.9
            box = move(np.linalg.inv(line.to_page), np.array([inner[:2], inner[2:]]))
            (x0, y0), (x1, y1) = np.clip(np.rint(box).astype(int), 0, None)
            within = line.image[y0 : y1 + 1, x0 : x1 + 1]
            assert 0.04 < np.mean(within > 150) < 0.75


def test_pages_are_not_crops_of_one_line() -> None:
    for style in STYLES:
        assert not is_tight(page(5, style, split="validation").picture)
    assert not is_tight(page(118, "phone, on a table", split="validation").picture)


def test_a_crop_is_cut_to_the_height_of_its_text() -> None:
    picture = blank(120, 260)
    paste(picture, digits("5062", 50), 30, 20)
    line = tight(picture)
    assert 44 <= line.text_height <= 56
    assert line.image.shape[0] <= 80
    assert not line.touches_edge


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_picture_raises_and_every_polygon_lies_inside(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(8, 90)), data.draw(st.integers(8, 90))
    few = data.draw(arrays(np.uint8, data.draw(st.sampled_from([(5, 4), (5, 4, 3), (1, 9), (9, 1), (1, 1)]))))
    picture = np.ascontiguousarray(cv2.resize(few, (columns, rows), interpolation=cv2.INTER_NEAREST))
    grown = data.draw(st.sampled_from([1, 1, 4]))
    picture = np.ascontiguousarray(np.repeat(np.repeat(picture, grown, axis=0), grown, axis=1))
    lines = [line for laid in layouts(picture) for line in laid.lines]
    for line in [*lines, tight(picture)]:
        assert line.image.dtype == np.uint8
        assert min(line.image.shape) > 0
        for x, y in line.polygon():
            assert 0 <= x <= picture.shape[1] - 1
            assert 0 <= y <= picture.shape[0] - 1
    is_tight(picture)


def test_a_picture_of_one_pixel_or_of_one_row_is_no_error() -> None:
    for shape in [(1, 1), (1, 400), (400, 1), (8, 8, 3), (2, 3000)]:
        picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        assert len(list(layouts(picture))) == 4
        assert tight(picture).image.size
        is_tight(picture)


def test_a_sheets_corners_are_found_through_a_shadow() -> None:
    rng = np.random.default_rng(5)
    table = np.clip(rng.normal(70, 12, (900, 1200)), 0, 255)
    truth = np.array([[210, 120], [980, 190], [930, 760], [160, 700]], np.float64)
    inside = np.zeros(table.shape, np.uint8)
    cv2.fillConvexPoly(inside, truth.astype(np.int32), 1)
    shade = np.where(np.arange(1200) > 640, 0.6, 1.0)[None, :]
    picture = np.where(inside > 0, 225 * shade, table).astype(np.uint8)
    found = layout(cv2.blur(picture, (3, 3))).sheet
    assert found is not None
    assert np.abs(np.array(found) - truth).max() < 8


def test_quarter_turns_of_points_are_those_of_numpy() -> None:
    picture = np.arange(12 * 7).reshape(7, 12)
    for quarters in range(-1, 5):
        turned = np.rot90(picture, quarters)
        for x, y in [(0, 0), (11, 0), (3, 5)]:
            (u, v) = move(turning((12, 7), quarters), np.array([[x, y]], np.float64))[0]
            assert turned[round(v), round(u)] == picture[y, x]
