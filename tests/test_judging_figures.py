import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.artist import Artist
from PIL import Image

from tenfold.judging import figures

DIGITS = tuple("0123456789")


def texts(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


class Counter(Artist):
    draws = 0

    def draw(self, renderer) -> None:
        self.draws += 1


def render(figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


def test_grid_shows_ten_of_each_class_in_their_order(test_split):
    figure = figures.grid(test_split.images, test_split.labels)
    (board,) = figure.axes
    assert len(board.images) == 100
    places = [image.get_extent() for image in board.images]
    for row in range(10):
        own = test_split.images[test_split.labels == row]
        for column in range(10):
            assert np.array_equal(board.images[10 * row + column].get_array(), own[column])
            left, _, _, top = places[10 * row + column]
            assert left == pytest.approx(places[column][0])
            assert top == pytest.approx(places[10 * row][3])
    assert sorted({place[0] for place in places}) == [place[0] for place in places[:10]]
    assert texts(board) == list(DIGITS)
    assert render(figure).width > 800


def test_grid_leaves_places_empty_where_a_class_has_few_images(test_split):
    figure = figures.grid(test_split.images[:3], test_split.labels[:3], DIGITS)
    assert len(figure.axes[0].images) == 3
    render(figure)


def test_long_names_of_classes_stay_on_the_board(test_split):
    names = [f"a class with the name {k}" for k in range(10)]
    images, labels = test_split.images[:40], test_split.labels[:40]
    wrong = np.eye(10, dtype=np.float32)[(labels + 1) % 10]
    for figure in (figures.grid(images, labels, names), figures.mistakes(images, labels, wrong, names)):
        render(figure)
        (board,) = figure.axes
        shown = board.get_window_extent()
        for text in board.texts:
            extent = text.get_window_extent()
            assert extent.x0 >= shown.x0
            assert extent.x1 <= shown.x1


def test_curves_draw_what_the_history_holds():
    history = [
        {"accuracy": 0.9, "loss": 0.3, "val_accuracy": 0.95, "val_loss": 0.2},
        {"accuracy": 0.97, "loss": 0.1, "val_accuracy": 0.96, "val_loss": 0.15},
    ]
    figure = figures.curves(history)
    accuracy, loss = figure.axes
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[0.9, 0.97], [0.95, 0.96]]
    assert [line.get_ydata().tolist() for line in loss.lines] == [[0.3, 0.1], [0.2, 0.15]]
    assert loss.lines[0].get_xdata().tolist() == [1, 2]
    render(figure)


@pytest.mark.parametrize("history", [[], [{"accuracy": 0.5, "loss": float("nan")}]])
def test_curves_of_a_short_or_broken_history_still_draw(history):
    render(figures.curves(history))


def test_confusion_writes_counts_and_shares():
    matrix = np.array([[999, 1, 0], [0, 500, 0], [3000, 0, 1]])
    counts, shares = figures.confusion(matrix, ["a", "b", "c"]).axes
    assert texts(counts) == ["999", "1", "·", "·", "500", "·", "3000", "·", "1"]
    assert texts(shares) == ["99.9", "0.1", "·", "·", "100", "·", "100.0", "·", "<0.1"]


def test_confusion_of_a_class_never_seen_and_of_many_classes():
    render(figures.confusion(np.zeros((10, 10), int), DIGITS))
    many = figures.confusion(np.eye(47, dtype=int), [str(k) for k in range(47)])
    assert texts(many.axes[0]) == []


def test_pictures_do_not_depend_on_the_layout_that_the_caller_has_set(test_split, recwarn):
    sure = np.eye(10, dtype=np.float32)[(test_split.labels + 1) % 10]
    drawings = (
        lambda: figures.grid(test_split.images, test_split.labels),
        lambda: figures.confusion(np.eye(10, dtype=int), DIGITS),
        lambda: figures.mistakes(test_split.images, test_split.labels, sure, DIGITS),
    )
    with rc_context({"figure.constrained_layout.use": True}):
        theirs = [render(draw()).tobytes() for draw in drawings]
    assert theirs == [render(draw()).tobytes() for draw in drawings]
    assert [str(warning.message) for warning in recwarn] == []


def test_pictures_with_places_of_their_own_are_drawn_once(test_split):
    sure = np.eye(10, dtype=np.float32)[(test_split.labels + 1) % 10]
    for figure in (
        figures.grid(test_split.images, test_split.labels),
        figures.confusion(np.eye(10, dtype=int), DIGITS),
        figures.mistakes(test_split.images, test_split.labels, sure, DIGITS),
    ):
        counter = Counter()
        figure.add_artist(counter)
        render(figure)
        assert counter.draws == 1


def test_mistakes_come_most_confident_first(test_split):
    probabilities = np.full((5, 10), 0.01, np.float32)
    answers = (test_split.labels[:5] + np.array([1, 0, 1, 0, 1])) % 10
    probabilities[np.arange(5), answers] = [0.5, 0.9, 0.99, 0.9, 0.7]
    figure = figures.mistakes(test_split.images[:5], test_split.labels[:5], probabilities, DIGITS)
    (board,) = figure.axes
    assert len(board.images) == 3
    for drawn, index in zip(board.images, (2, 4, 0), strict=True):
        assert np.array_equal(drawn.get_array(), test_split.images[index])
    label = test_split.labels[2]
    assert texts(board)[0] == f"{label} read as {(label + 1) % 10}"
    assert "3 mistakes on 5 images" in figure.get_suptitle()
    render(figure)


def test_mistakes_say_when_there_are_none_and_when_not_all_are_shown(test_split):
    images, labels = test_split.images[:100], test_split.labels[:100]
    right = np.eye(10, dtype=np.float32)[labels]
    assert figures.mistakes(images, labels, right, DIGITS).get_suptitle() == "No mistakes on 100 images"
    figure = figures.mistakes(images, labels, np.roll(right, 1, axis=1), DIGITS)
    assert "100 mistakes on 100 images, the 30 most confident" in figure.get_suptitle()
    assert len(figure.axes[0].images) == 30


def test_percentages_never_round_doubt_away():
    shown = [figures._percent(share) for share in (1.0, 0.9999, 0.5, 0.0001, 0.0)]
    assert shown == ["100.0%", ">99.9%", "50.0%", "<0.1%", "0.0%"]


def test_any_name_of_a_class_is_drawn_as_it_is(test_split):
    names = ["$$", r"$\frac{$", "_hidden", "a\nb", "x" * 200, "€", "$5", "__", "8", "9"]
    render(figures.grid(test_split.images, test_split.labels, names))
    render(figures.confusion(np.eye(10, dtype=np.int64), names))
    answers = np.array([[names[0], names[1]], [names[2], names[3]]])
    kinds = [np.array([0]), np.array([1]), np.array([], np.int64)]
    render(figures.differences(test_split.images[:2], np.array(names[:2]), answers, kinds))
    assert figures.caption("x" * 200) == "x" * 29 + "…"
    assert [figures.caption(name) for name in ("_hidden", "__", "a\nb")] == ["hidden", "--", "a b"]


def test_figures_leave_pyplot_alone():
    code = "import sys, tenfold.judging.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
