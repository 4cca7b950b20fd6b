"""The charts of reports and benchmarks: functions from numbers to Matplotlib figures, and from those to SVG.

A report's chart is as wide as a phone's page, so that its words keep their size. Its colours become the
page's own: it is drawn in the light ones, and each is replaced by the name the page has for it.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from tenfold.judging.calibration import Reliability
from tenfold.judging.columns import Outcome
from tenfold.judging.figures import BLUE, HAIRLINE, INK, ORANGE, QUIET, RED, caption
from tenfold.judging.refusing import RiskCurve

PAGE_COLOURS = {INK: "ink", QUIET: "quiet", HAIRLINE: "line", BLUE: "one", ORANGE: "two", RED: "wrong"}
"""What the page calls each colour: `var(--ink)` and so on."""

WIDTH, HEIGHT = 4.6, 3.1  # inches of 72 points: about a phone's page
COLUMN_COLOURS = (BLUE, ORANGE)
LEAST_RISK = 1e-4
LEAST_COVERAGE = 0.5
PANEL_WIDTH = 5.6  # inches: two of them side by side
ROW, AROUND = 0.36, 0.7  # inches: of a bar, and of what stands above and below the bars
LINES_HEIGHT = 3.2  # inches
LINE_COLOURS = (ORANGE, BLUE, INK, RED)


@dataclass(frozen=True)
class Bars:
    """A panel of bars, one below the other.

    rows: by name the length of a bar, and the least and greatest it was measured at.
    text: what a length is written as; own: the names that are drawn in the colour of what is ours.
    ratios: equal steps are equal ratios, for lengths that differ a hundredfold; dots then, for such a scale
        has no zero for a bar to begin at.
    """

    title: str
    rows: Mapping[str, tuple[float, float, float]]
    text: Callable[[float], str]
    own: frozenset[str] = frozenset()
    ratios: bool = False


@dataclass(frozen=True)
class Lines:
    """A panel of lines with a dot at each measurement.

    rows: by name the places across and the values; both axes begin at zero.
    """

    title: str
    across: str
    rows: Mapping[str, tuple[Sequence[float], Sequence[float]]]


def to_svg(figure: Figure) -> str:
    """Give a figure as an SVG element to put into a page: its words as words, its colours the page's.

    The same figure gives the same text.
    """
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "tenfold"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(<svg [^>]*?) (?:width|height)="[^"]*"', r"\1", text)
    text = re.sub(r'(<svg [^>]*?) (?:width|height)="[^"]*"', r"\1", text)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)  # the same in every figure, and of no use in a page
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "inherit", text)
    for colour, name in PAGE_COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return text


def reliability(columns: Mapping[str, Reliability]) -> Figure:
    """Draw accuracy against confidence, a dot a bin and larger where more answers are, for each reader."""
    figure, axis = _start()
    axis.plot([0, 1], [0, 1], color=HAIRLINE, lw=1.2)
    for (name, bins), colour in zip(columns.items(), COLUMN_COLOURS, strict=False):
        filled = bins.count > 0
        sizes = 14 + 110 * np.sqrt(bins.count[filled] / bins.count.sum())
        axis.plot(bins.confidence[filled], bins.accuracy[filled], color=colour, lw=1.2, alpha=0.5)
        axis.scatter(
            bins.confidence[filled],
            bins.accuracy[filled],
            s=sizes,
            color=colour,
            label=caption(name),
            linewidth=0,
        )
    _name(axis, "confidence", "share right")
    _percents(axis)
    return figure


def risk(columns: Mapping[str, RiskCurve]) -> Figure:
    """Draw the share of wrong answers against the share of answers given, on a logarithmic scale.

    Such a scale has no zero: its lowest line stands for `LEAST_RISK` and all below it.
    """
    figure, axis = _start()
    greatest = 0.01
    for (name, curve), colour, width in zip(columns.items(), COLUMN_COLOURS, (1.8, 4.0), strict=False):
        seen = curve.risk[curve.coverage >= LEAST_COVERAGE]
        greatest = max(greatest, float(seen.max()))
        name = caption(name)
        label = name if curve.risk[-1] else f"{name}: no mistakes"
        steps = np.geomspace(1, len(curve.coverage), 300).astype(np.int64)
        shown = np.union1d(steps - 1, len(curve.coverage) - steps)  # dense at both ends
        heights = np.maximum(curve.risk[shown], LEAST_RISK)
        # The narrow line lies on the broad one, so that both are seen where they are one.
        axis.plot(curve.coverage[shown], heights, color=colour, lw=width, zorder=4 - width / 4, label=label)
    axis.set_yscale("log")
    axis.set_ylim(LEAST_RISK / 1.3, 1.5 * greatest)
    axis.set_xlim(LEAST_COVERAGE, 1.005)
    _name(axis, "share of answers given, the most confident first", "share of them wrong")
    axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _risk_text(value)))
    axis.minorticks_off()
    return figure


def _risk_text(value: float) -> str:
    return f"{'≤ ' if value < 1.01 * LEAST_RISK else ''}{100 * value:g}%"


def shift(values: Sequence[float], unit: str, columns: Mapping[str, Sequence[Outcome]], title: str) -> Figure:
    """Draw accuracy against a property of the images; dashed, the share answered surely and wrongly."""
    figure, axis = _start()
    for (name, outcomes), colour in zip(columns.items(), COLUMN_COLOURS, strict=False):
        axis.plot(
            values, [one.accuracy for one in outcomes],
            color=colour, lw=1.8, marker="o", markersize=3.5, label=caption(name),
        )  # fmt: skip
        axis.plot(values, [one.surely_wrong for one in outcomes], color=colour, lw=1.2, ls=(0, (2, 2)))
    axis.set_ylim(-0.03, 1.03)
    axis.set_title(title, loc="left", fontsize=11, color=INK)
    _name(axis, unit, "")
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return figure


def panels(shown: Sequence[Bars | Lines], title: str = "") -> Figure:
    """Draw panels in two columns, each row as high as it needs. title: above them all."""
    places = [shown[start : start + 2] for start in range(0, len(shown), 2)]
    heights = [max(map(_height_of, row)) for row in places] or [AROUND]
    figure = Figure(figsize=(2 * PANEL_WIDTH, sum(heights) + 0.4), dpi=130, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    axes = figure.subplots(len(heights), 2, squeeze=False, height_ratios=heights)
    for axis, panel in zip(axes.flat, shown, strict=False):
        _draw_bars(axis, panel) if isinstance(panel, Bars) else _draw_lines(axis, panel)
        axis.set_title(panel.title, loc="left", fontsize=11, color=INK)
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    return figure


def _height_of(panel: Bars | Lines) -> float:
    return AROUND + ROW * len(panel.rows) if isinstance(panel, Bars) else LINES_HEIGHT


def _draw_bars(axis: Axes, panel: Bars) -> None:
    values = np.array(list(panel.rows.values()), float).reshape(-1, 3)
    places = np.arange(len(values))
    colours = [BLUE if name in panel.own else QUIET for name in panel.rows]
    if panel.ratios:
        axis.hlines(places, values.min() / 3, values[:, 0], color=HAIRLINE, lw=1.2)
        axis.scatter(values[:, 0], places, color=colours, s=46, zorder=3)
    else:
        axis.barh(places, values[:, 0], color=colours, height=0.62)
    for place, (middle, least, greatest) in enumerate(values):
        if greatest > least:
            axis.plot([least, greatest], [place, place], color=INK, lw=1.4)
        axis.annotate(
            panel.text(float(middle)), (greatest, place), (7, 0), textcoords="offset points",
            va="center", fontsize=9, color=INK,
        )  # fmt: skip
    if panel.ratios:
        axis.set_xscale("log")
        axis.set_xlim(values.min() / 3, values.max() * 6)
    else:
        axis.set_xlim(0, 1.3 * values.max())
    axis.xaxis.set_major_locator(NullLocator())
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_yticks(places, list(panel.rows), fontsize=9.5, color=INK)
    axis.set_ylim(len(values) - 0.4, -0.6)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _draw_lines(axis: Axes, panel: Lines) -> None:
    for (name, (across, values)), colour in zip(panel.rows.items(), LINE_COLOURS, strict=False):
        axis.plot(across, values, color=colour, lw=1.8, marker="o", markersize=4, label=name)
    _dress(axis)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _name(axis, panel.across, "")


def _start() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axis = figure.subplots()
    _dress(axis)
    return figure, axis


def _dress(axis: Axes) -> None:
    """Give an axis its hairlines and quiet ticks."""
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(HAIRLINE)
    axis.grid(color=HAIRLINE, lw=0.7)
    axis.set_axisbelow(True)
    axis.tick_params(length=0, colors=QUIET, labelsize=9)
    axis.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))


def _name(axis: Axes, across: str, down: str) -> None:
    axis.set_xlabel(across, color=QUIET, fontsize=9.5)
    axis.set_ylabel(down, color=QUIET, fontsize=9.5)
    axis.legend(frameon=False, labelcolor=INK, fontsize=9.5)


def _percents(axis: Axes) -> None:
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(PercentFormatter(1.0, decimals=0))
