"""How figures of the course look. Each page's kernel runs this first; the pages use plain Matplotlib.

A figure is 4.8 inches wide, so that ten-point text is still read when a phone shows it 350 pixels wide. Its
ground is white; on a dark page it lies there like a sheet of paper.
"""

from cycler import cycler
from matplotlib import rcParams

BLUE, ORANGE, GREEN, PURPLE, GREY = "#1f6fb2", "#d9661f", "#2c8a57", "#8453a8", "#6b7885"
INK, HAIRLINE = "#1c2733", "#dbe1e7"

STYLE = {
    "figure.figsize": (4.8, 3.0),
    "figure.dpi": 180,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, GREY]),
    "grid.color": HAIRLINE,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
}


def use() -> None:
    """Draw in this style from now on."""
    rcParams.update(STYLE)
