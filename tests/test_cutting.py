"""Which ink of a line belongs to which symbol."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.reading.cutting import cut_symbols


def bars(*columns: tuple[int, int], width: int = 200) -> np.ndarray:
    """A line 40 rows high with a solid bar in each span of columns."""
    ink = np.zeros((40, width), np.uint8)
    for left, right in columns:
        ink[5:35, left:right] = 255
    return ink


def test_touching_symbols_part_where_ink_is_thin_and_others_keep_theirs() -> None:
    ink = bars((10, 30), (33, 50), (70, 90))
    ink[18:20, 30:33] = 255
    first, second, third = (cutout.box for cutout in cut_symbols(ink, [20, 42, 80]))
    assert first[0] == 10
    assert 29 <= first[2] <= 33
    assert 30 <= second[0] <= 33
    assert second[2] == 49
    assert (third[0], third[2]) == (70, 89)


def test_a_piece_that_broke_off_is_the_symbols_and_what_stands_apart_is_nobodys() -> None:
    (cutout,) = cut_symbols(bars((10, 30), (33, 38), (80, 100)), [20])
    assert (cutout.box[0], cutout.box[2]) == (10, 37)


def test_a_symbol_without_ink_has_a_place_and_a_black_image() -> None:
    (cutout,) = cut_symbols(bars(), [50])
    assert cutout.box[0] < 50 < cutout.box[2]
    assert not cutout.image.any()
    assert cut_symbols(bars((10, 30)), []) == []


@given(
    st.lists(st.floats(0, 199), min_size=1, max_size=6).map(sorted),
    st.integers(0, 2**32 - 1),
    st.integers(0, 12),
)
@settings(deadline=None, max_examples=60)
def test_any_places_in_any_ink_give_images_and_boxes_in_the_line(
    places: list[float], seed: int, pieces: int
) -> None:
    random = np.random.default_rng(seed)
    lefts = random.integers(0, 199, pieces)
    ink = bars(*zip(lefts, lefts + random.integers(1, 60, pieces), strict=True))
    cutouts = cut_symbols(ink, places)
    assert len(cutouts) == len(places)
    for cutout in cutouts:
        left, top, right, bottom = cutout.box
        assert cutout.image.shape == (28, 28)
        assert -4 <= left <= right <= 203
        assert 0 <= top <= bottom <= 39
