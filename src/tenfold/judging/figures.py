"""Figures: functions from arrays to Matplotlib figures.

Every function returns a `Figure` of its own and leaves `pyplot` alone, so nothing is shared, no window
opens and nothing has to be closed: `figure.savefig("grid.png")`.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray

INK = "#1c2733"
QUIET = "#6b7885"
HAIRLINE = "#dbe1e7"
BLUE = "#1f6fb2"
ORANGE = "#d9661f"
RED = "#b3261e"
OTHER = "#b4bec8"
RIGHT_SCALE = LinearSegmentedColormap.from_list("right", ["#eef4fa", "#9cc3e6"])
WRONG_SCALE = LinearSegmentedColormap.from_list("wrong", ["#fff3ea", "#f08a3c", "#a83a04"])

# Above this many classes numbers in a confusion matrix are too small to read and are left out.
NUMBERED_CLASSES = 20
GRID_COLUMNS = 10
MISTAKE_COLUMNS = 5
MOST_MISTAKES = 30


LONGEST_NAME = 30
"""Characters of a name that are shown."""

LONGEST_BESIDE = 12
"""Characters of a name that stands beside a bar."""


def grid(
    images: NDArray[np.uint8], labels: NDArray[np.int64], class_names: Sequence[str] | None = None
) -> Figure:
    """Show the first ten images of each class, one row a class: 10x10 for the ten digits.

    images: (n, 28, 28) uint8; labels: (n,) integers. Classes without an image have no row.
    """
    present = [int(label) for label in np.unique(labels)]
    names = [caption(class_names[label]) if class_names else str(label) for label in present]
    side, step, top = 0.62, 0.66, 0.42  # inches
    left = 0.4 + 0.12 * min(20, max(map(len, names), default=0))
    figure, board = _board(
        left + GRID_COLUMNS * step + 0.06, top + max(len(present), 1) * step + 0.06, dpi=150
    )
    figure.suptitle(
        "The first ten images of each class, as the network sees them", fontsize=11, color=INK, y=0.985
    )
    for row, (label, name) in enumerate(zip(present, names, strict=True)):
        middle = top + row * step + side / 2
        board.text(left - 0.12, middle, name, ha="right", va="center", fontsize=13, color=BLUE)
        for column, image in enumerate(images[labels == label][:GRID_COLUMNS]):
            _show(board, image, left + column * step, top + row * step, side)
    return figure


def curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw accuracy and loss by epoch, training beside validation.

    history: one mapping an epoch with `accuracy`, `loss` and, where there was validation, `val_accuracy` and
        `val_loss`, as Keras names them.
    """
    figure = Figure(figsize=(9.6, 4.0), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.12, wspace=0.06))
    epochs = np.arange(1, len(history) + 1)
    for axis, key, title in zip(
        figure.subplots(1, 2), ("accuracy", "loss"), ("Accuracy", "Loss"), strict=True
    ):
        for name, column, colour in (("training", key, BLUE), ("validation", f"val_{key}", ORANGE)):
            values = np.array([float(epoch.get(column, np.nan)) for epoch in history])
            if np.isfinite(values).any():
                marker = "o" if len(epochs) <= 40 else None
                axis.plot(epochs, values, color=colour, marker=marker, markersize=4.5, lw=1.8, label=name)
        axis.set_title(title, loc="left", fontsize=12, color=INK)
        axis.set_xlabel("epoch", color=QUIET)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if key == "accuracy":
            axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=_percent_decimals(axis)))
        _plain_axis(axis)
        if axis.lines:
            axis.legend(labelcolor=INK, framealpha=1, edgecolor="white")
    return figure


def confusion(matrix: NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix twice: as counts, and as shares of each row in percent.

    matrix: (classes, classes) counts, row = label, column = answer. Right answers are blue, mistakes are on a
    scale of their own, so that one mistake in a thousand is still seen.
    """
    class_names = [caption(name) for name in class_names]
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1) * 100
    side = max(4.2, 0.42 * len(class_names))  # inches, of a matrix
    reach = 0.09 * max(map(len, class_names))
    left, below, above = 0.6 + reach, 0.55 + (reach if _are_long(class_names) else 0), 0.45
    wide, tall = 2 * (left + side) + 0.15, below + side + above
    figure = _placed(wide, tall, dpi=150)
    counts, parts = (
        figure.add_axes(((left + start) / wide, below / tall, side / wide, side / tall))
        for start in (0, left + side)
    )
    # The scales start high enough that a lone mistake looks like one, not like a disaster.
    _draw_matrix(counts, matrix, class_names, "Counts", _count_text, least_scale=5)
    _draw_matrix(parts, shares, class_names, "Shares of each row, %", _share_text, least_scale=0.5)
    return figure


def mistakes(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
) -> Figure:
    """Show what was read wrongly, the most confident mistake first, each with its probabilities.

    images: (n, 28, 28) uint8; labels: (n,); probabilities: (n, classes). Right answers are left out; at most
    thirty mistakes are drawn.
    """
    answers = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]
    shown = wrong[:MOST_MISTAKES]
    names = [caption(name, LONGEST_BESIDE) for name in class_names]
    reach = max(0.3, 0.1 + 0.075 * max(map(len, names)))  # inches, of a name beside its bar
    wide, tall, top = 2.18 + reach, 1.45, 0.5  # inches: of a mistake, and above them all
    columns = min(MISTAKE_COLUMNS, max(3, len(shown)), int(MISTAKE_COLUMNS * 2.48 / wide))
    rows = -(-len(shown) // columns)
    figure, board = _board(wide * columns, top + tall * rows + 0.1, dpi=130)
    title = _mistakes_title(len(wrong), len(shown), len(labels))
    figure.suptitle(title, fontsize=12, color=INK, y=1 - 0.14 / (top + tall * rows + 0.1))
    for place, index in enumerate(shown):
        row, column = divmod(place, columns)
        left, upper = 0.1 + wide * column, top + tall * row + 0.22
        answer, label = int(answers[index]), int(labels[index])
        _show(board, images[index], left, upper, 1.1)
        heading, number = f"{names[label]} read as {names[answer]}", f"image {index}"
        above = upper - 0.05
        board.text(left, above, heading, ha="left", va="bottom", fontsize=10, color=INK)
        board.text(left + wide - 0.3, above, number, ha="right", va="bottom", fontsize=7.5, color=QUIET)
        _draw_bars(board, probabilities[index], label, answer, names, (left + 1.1 + reach, upper))
    return figure


def _mistakes_title(wrong: int, shown: int, n: int) -> str:
    if wrong == 0:
        return f"No mistakes on {n:,} images"
    which = "" if shown == wrong else f", the {shown} most confident of them"
    return (
        f"{wrong:,} mistake{'s' if wrong > 1 else ''} on {n:,} images{which}: red the answer, blue the label"
    )


def _draw_bars(
    board: Axes,
    probabilities: NDArray[np.float32],
    label: int,
    answer: int,
    class_names: Sequence[str],
    corner: tuple[float, float],
) -> None:
    """Draw the greatest few probabilities as bars: the answer red, the label blue. corner: upper left."""
    order = np.argsort(-probabilities, kind="stable")[:4]
    if label not in order:
        order[-1] = label
    left, step, longest = corner[0], 1.1 / len(order), 0.52
    places = corner[1] + step * (np.arange(len(order)) + 0.5)
    colours = [RED if k == answer else BLUE if k == label else OTHER for k in order]
    lengths = longest * np.minimum(probabilities[order], 1)
    board.barh(places, lengths, height=0.62 * step, left=left, color=colours)
    for place, length, k in zip(places, lengths, order, strict=True):
        text = _percent(float(probabilities[k]))
        board.text(left + length + 0.04, place, text, va="center", fontsize=7.5, color=INK)
        colour = RED if k == answer else BLUE if k == label else QUIET
        board.text(left - 0.05, place, class_names[k], ha="right", va="center", fontsize=9, color=colour)


def caption(name: str, most: int = LONGEST_NAME) -> str:
    """A name as Matplotlib shows it: short, no formula between its dollars, no label it leaves out."""
    name = " ".join(name.split()).lstrip("_") or name.replace("_", "-")
    return (name if len(name) <= most else name[: most - 1] + "…").replace("$", r"\$")


def _draw_matrix(
    axis: Axes,
    values: NDArray[np.int64] | NDArray[np.float64],
    class_names: Sequence[str],
    title: str,
    text: Callable[[float], str],
    least_scale: float,
) -> None:
    """Draw one matrix: the diagonal in blue, all else in orange on a scale of its own."""
    classes = len(class_names)
    diagonal = np.eye(classes, dtype=bool)
    right = np.ma.masked_array(values, ~diagonal)
    wrong = np.ma.masked_array(values, diagonal | (values == 0))
    axis.imshow(right, cmap=RIGHT_SCALE, vmin=0)
    greatest = max(least_scale, float(wrong.max()) if wrong.count() else 0)
    axis.imshow(wrong, cmap=WRONG_SCALE, vmin=0, vmax=greatest)
    if classes <= NUMBERED_CLASSES:
        for row, column in np.ndindex(values.shape):
            value = float(values[row, column])
            dark = row != column and value > 0.6 * greatest
            axis.text(
                column, row, text(value), ha="center", va="center", fontsize=8.5,
                color="white" if dark else INK if value else "#c3cbd3",
            )  # fmt: skip
    axis.set_title(title, loc="left", fontsize=12, color=INK)
    axis.set_xlabel("answer", color=QUIET)
    axis.set_ylabel("label", color=QUIET)
    axis.set_xticks(range(classes), class_names, rotation=90 if _are_long(class_names) else 0)
    axis.set_yticks(range(classes), class_names)
    axis.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", lw=1.5)
    axis.tick_params(which="both", length=0, colors=INK)
    for spine in axis.spines.values():
        spine.set_color(HAIRLINE)


def _are_long(class_names: Sequence[str]) -> bool:
    """Whether names would run into one another side by side."""
    return max(map(len, class_names)) > 3


def _count_text(value: float) -> str:
    return f"{value:.0f}" if value else "·"


def _share_text(value: float) -> str:
    if value == 0:
        return "·"
    return "<0.1" if value < 0.05 else "100" if value == 100 else f"{value:.1f}"


def _percent(share: float) -> str:
    """Show a share in percent, never rounding doubt away: 99.96% is not 100%."""
    if 0.9995 <= share < 1:
        return ">99.9%"
    return "<0.1%" if 0 < share < 0.0005 else f"{100 * share:.1f}%"


def _percent_decimals(axis: Axes) -> int:
    low, high = axis.get_ylim()
    return 1 if high - low < 0.06 else 0


def _plain_axis(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(HAIRLINE)
    axis.grid(axis="y", color=HAIRLINE, lw=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(length=0, colors=QUIET)


def _placed(width: float, height: float, dpi: int) -> Figure:
    """A figure whose axes have their places already: no layout, whatever Matplotlib is set to.

    With a layout, even one that does nothing, all is drawn twice when it is saved.
    """
    figure = Figure(figsize=(width, height), dpi=dpi)
    figure.set_layout_engine("none")
    return figure


def _board(width: float, height: float, dpi: int) -> tuple[Figure, Axes]:
    """A figure that is one bare board, measured in inches from its upper left.

    Where many images are shown: an `Axes` for each of them costs seconds.
    """
    figure = _placed(width, height, dpi)
    board = figure.add_axes((0, 0, 1, 1))
    board.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
    board.set_axis_off()
    return figure, board


def _show(board: Axes, image: NDArray[np.uint8], left: float, top: float, side: float) -> None:
    """Draw an image on a board; left, top, side in inches."""
    extent = (left, left + side, top + side, top)
    board.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto", extent=extent)


LEAST_ERROR = 5e-4
"""The least error that a learning curve shows: a scale of ratios has no zero."""
MOST_COLOURS = 10
NAMED_CURVES = 24
LEAST_TICKS = 4
RATIO_STEPS = ((1,), (1, 2, 5), (1, 2, 3, 5, 7), (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9))
"""Round places in a decade, fewer to more."""


def learning_curves(
    names: Sequence[str],
    own: Sequence[bool],
    accuracies: Sequence[NDArray[np.float64]],
    losses: Sequence[NDArray[np.float64]] | None = None,
    title: str = "",
) -> Figure:
    """Draw how settings learn, side by side: the mean over seeds, and one standard deviation around it.

    names: of the settings; own: whether a setting is what the recipe has, which is drawn in black.
    accuracies, losses: a setting's validation figures, (seeds, epochs), NaN where a training had stopped; no
        losses where they stand on different scales. title: above the names.
    Errors and losses are drawn on scales of ratios, or nothing could be seen of what is good.
    """
    panels = 1 if losses is None else 2
    shown = names[:NAMED_CURVES]
    figure = Figure(
        figsize=(5.2 * panels + 2.6, max(4.2, 0.24 * len(shown) + 0.8)),
        dpi=150,
        layout=ConstrainedLayoutEngine(w_pad=0.1, wspace=0.05),
    )
    axes = figure.subplots(1, panels, squeeze=False)[0]
    colours = _curve_colours(own)
    errors = [np.maximum(1 - curve, LEAST_ERROR) for curve in accuracies]
    asides = _side_by_side(accuracies)
    for curve, name, colour, black, aside in zip(errors, names, colours, own, asides, strict=True):
        _draw_curve(axes[0], curve, name, colour, black, aside)
    _scale_ratios(axes[0], errors, lambda error: f"{100 - 100 * error:.4g}%", most=1)
    axes[0].invert_yaxis()
    axes[0].set_title("Validation accuracy", loc="left", fontsize=12, color=INK)
    if losses is not None:
        for curve, name, colour, black, aside in zip(losses, names, colours, own, asides, strict=True):
            _draw_curve(axes[1], curve, name, colour, black, aside)
        _scale_ratios(axes[1], losses, lambda loss: f"{loss:.4g}")
        axes[1].set_title("Validation loss", loc="left", fontsize=12, color=INK)
    for axis in axes:
        axis.set_xlabel("epoch", color=QUIET)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if any(asides):
            axis.set_xlim(0.5, 1.5)
            axis.set_xticks([1])
        _plain_axis(axis)
        axis.tick_params(which="both", length=0, colors=QUIET, labelsize=9)
    _name_curves(figure, axes[0], accuracies, shown, title)
    return figure


def _side_by_side(curves: Sequence[NDArray[np.float64]]) -> list[float]:
    """Where to draw each setting, in epochs from its own: beside the others where all have one epoch only."""
    if max((curve.shape[1] for curve in curves), default=0) != 1:
        return [0.0] * len(curves)
    return [float(place) for place in np.linspace(-0.3, 0.3, len(curves) + 2)[1:-1]]


def _curve_colours(own: Sequence[bool]) -> list[object]:
    """Black for the recipe's own; ten colours that can be told apart, or a range of them for more."""
    others = len(own) - sum(own)
    if others <= MOST_COLOURS:
        palette = iter([colormaps["tab10"](k) for k in range(others)])
    else:
        palette = iter(colormaps["turbo"](np.linspace(0.05, 0.95, others)))
    return [INK if black else next(palette) for black in own]


def _draw_curve(
    axis: Axes, curve: NDArray[np.float64], name: str, colour: object, black: bool, aside: float = 0.0
) -> None:
    """Draw one setting (seeds, epochs): its mean, and a band where there are several seeds.

    A band over one epoch has no width: a bar is drawn there. aside: by how much of an epoch it is all moved.
    """
    epochs = np.arange(1, curve.shape[1] + 1) + aside
    there = np.isfinite(curve).sum(axis=0)
    mean = np.full(curve.shape[1], np.nan)
    mean[there > 0] = np.nanmean(curve[:, there > 0], axis=0)
    axis.plot(
        epochs, mean, color=colour, label=name, marker="o" if len(epochs) <= 40 else None,
        markersize=4, lw=2.2 if black else 1.5, zorder=4 if black else 3,
    )  # fmt: skip
    if (there > 1).any():
        spread = np.zeros_like(mean)
        spread[there > 1] = np.nanstd(curve[:, there > 1], axis=0, ddof=1)
        low = np.maximum(mean - spread, np.nanmin(curve, axis=0, initial=np.inf, where=np.isfinite(curve)))
        if len(epochs) > 1:
            axis.fill_between(epochs, low, mean + spread, color=colour, alpha=0.15, lw=0)
        else:
            axis.vlines(epochs, low, mean + spread, color=colour, lw=1.5, alpha=0.5)


def _scale_ratios(
    axis: Axes, curves: Sequence[NDArray[np.float64]], text: Callable[[float], str], most: float = np.inf
) -> None:
    """Give an axis equal steps for equal ratios, with round ticks; nothing lies above `most`."""
    values = np.concatenate([curve[np.isfinite(curve) & (curve > 0)] for curve in curves])
    axis.set_yscale("log")
    axis.yaxis.set_minor_locator(NullLocator())
    if not values.size:
        return
    low, high = float(values.min()) / 1.15, min(most, float(values.max()) * 1.15)
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in RATIO_STEPS:
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= LEAST_TICKS:
            break
    axis.set_yticks(ticks, [text(tick) for tick in ticks])
    axis.set_ylim(low, high)


def _name_curves(
    figure: Figure,
    axis: Axes,
    accuracies: Sequence[NDArray[np.float64]],
    shown: Sequence[str],
    title: str,
) -> None:
    """Name the curves beside the panels, the most accurate at the top as it is in the panel."""
    ends = [float(np.nanmean(c[:, -1])) if np.isfinite(c[:, -1:]).any() else -1.0 for c in accuracies]
    order = np.argsort([-end for end in ends], kind="stable")[: len(shown)]
    lines = [axis.lines[k] for k in order]
    left_out = len(accuracies) - len(lines)
    seeds = max((len(curve) for curve in accuracies), default=0)
    lead = f"{title}\n" if title else ""
    title = f"{lead}best at the top" + (f"\nmean of {seeds} seeds, ± 1 sd" if seeds > 1 else "")
    figure.legend(
        lines,
        [str(line.get_label()) for line in lines],
        loc="outside right upper",
        title=title + (f"\n{left_out} more are not named" if left_out else ""),
        title_fontsize=8.5,
        fontsize=9,
        labelcolor=INK,
        frameon=False,
        alignment="left",
    )


DIFFERENCE_COLUMNS = 8
MOST_DIFFERENCES = 16
"""Images of one kind: two rows."""


def differences(
    images: NDArray[np.uint8],
    labels: NDArray[np.str_],
    answers: NDArray[np.str_],
    kinds: Sequence[NDArray[np.int64]],
) -> Figure:
    """Show the images to which two readers, a and b, gave different answers.

    images: (n, 28, 28) uint8; labels: (n,) names; answers: (2, n) names, of a and of b.
    kinds: indices of those that only a read right, only b, and neither; up to sixteen of each are drawn.
    Right answers are blue, wrong ones red.
    """
    titles = ("Only A is right", "Only B is right", "Both are wrong")
    rows = [-(-min(len(kind), MOST_DIFFERENCES) // DIFFERENCE_COLUMNS) for kind in kinds]
    step, side, tall, head = 1.19, 1.0, 1.45, 0.42  # inches
    figure, board = _board(
        step * DIFFERENCE_COLUMNS + 0.08, tall * sum(rows) + head * len(rows) + 0.1, dpi=130
    )
    upper = 0.0
    for title, kind, count in zip(titles, kinds, rows, strict=True):
        shown = kind[:MOST_DIFFERENCES]
        more = "" if len(shown) == len(kind) else f", the first {len(shown)}"
        board.text(0.12, upper + 0.2, f"{title}: {len(kind):,}{more}", va="center", fontsize=11, color=INK)
        for place, index in enumerate(shown):
            row, column = divmod(place, DIFFERENCE_COLUMNS)
            left, top = 0.12 + step * column, upper + head + tall * row + 0.1
            _show(board, images[index], left, top, side)
            heading = f"label {caption(labels[index], 12)}, image {index}"
            board.text(left + side / 2, top - 0.04, heading, ha="center", fontsize=7.5, color=QUIET)
            for name, share, answer in zip("AB", (0.25, 0.75), answers[:, index], strict=True):
                colour = BLUE if answer == labels[index] else RED
                board.text(
                    left + share * side, top + side + 0.05, f"{name}: {caption(answer, 12)}",
                    ha="center", va="top", fontsize=9, color=colour,
                )  # fmt: skip
        upper += head + tall * count
    return figure
