"""What every picture shares: the colours on light or dark paper, the axes and the legend.

The colours are those of Okabe and Ito that stand out from the background by 3:1 or more, so that
colour-blind readers can tell them apart. Every line also has its own dash or mark, which says the
same without colour. Fonts come from the reader's own ``matplotlib.rcParams``; only animations,
which are laid out by the pixel, use matplotlib's defaults.
"""

from collections.abc import Sized
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes as Axes
from matplotlib.collections import PathCollection as PathCollection
from matplotlib.colors import LinearSegmentedColormap as LinearSegmentedColormap
from matplotlib.figure import Figure as Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator as MaxNLocator
from matplotlib.ticker import PercentFormatter as PercentFormatter

from selfpaced._errors import require

Dash = str | tuple[float, tuple[float, ...]]
SIZE = 9  # of a legend's text, in points

DASHES: tuple[Dash, ...] = (
    *("-", (0, (5, 2)), (0, (6, 2, 1, 2)), (0, (1, 1.5))),
    *((0, (9, 2, 3, 2)), (0, (4, 1.5, 1, 1.5, 1, 1.5)), (0, (2, 2)), (0, (10, 3))),
)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


@dataclass(frozen=True)
class Theme:
    """Colours of a picture, as hex codes.

    Args:
        background: Of the figure and the axes.
        ink: Titles, labels and reference lines.
        muted: Ticks, frame and remarks; text of it reads on the background too.
        grid: Thin lines behind the data.
        colours: Of the lines, in order; the first is for what matters most.
        dashes: One for each line that can be told apart, in order.
        marks: One for each dash, in order.

    >>> LIGHT.colours[0], LIGHT.dashes[0], LIGHT.marks[0]
    ('#0072B2', '-', 'o')
    """

    background: str
    ink: str
    muted: str
    grid: str
    colours: tuple[str, ...]
    dashes: tuple[Dash, ...] = DASHES
    marks: tuple[str, ...] = MARKS

    def stroke(self, place: int) -> tuple[str, Dash, str]:
        """Return the colour, the dash and the mark of the line at a place, counted from 0.

        Raises:
            ValueError: For more lines than there are dashes.

        >>> DARK.stroke(0)
        ('#56B4E9', '-', 'o')
        """
        most = len(self.dashes)
        require(place < most, f"A picture tells {most} lines apart; got {place + 1}. Draw fewer.")
        return self.colours[place % len(self.colours)], self.dashes[place], self.marks[place]


LIGHT = Theme(
    background="#FFFFFF",
    ink="#1A1A1A",
    muted="#666666",
    grid="#DDDDDD",
    colours=("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7"),
)
DARK = Theme(
    background="#14171C",
    ink="#EDEDED",
    muted="#A0A6AE",
    grid="#343A42",
    colours=("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7"),
)


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """Return a figure on the theme's background that makes room for its texts.

    Args:
        theme: Whose background.
        width: In inches.
        height: In inches.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08)
    return Figure(figsize=(width, height), dpi=150, layout=layout, facecolor=theme.background)


def choose_axes(ax: Axes | None, theme: Theme, width: float = 6.4, height: float = 4.2) -> Axes:
    """Return the axes given, or those of a new figure, on the theme's background.

    A figure that was given keeps its own background.

    >>> choose_axes(None, DARK).figure.get_facecolor() == choose_axes(None, DARK).get_facecolor()
    True
    """
    axes = new_figure(theme, width, height).add_subplot() if ax is None else ax
    axes.set_facecolor(theme.background)
    return axes


def require_strokes(lines: Sized, what: str, theme: Theme) -> None:
    """Raise unless there is at least one line, and not more than can be told apart."""
    most = len(theme.dashes)
    require(len(lines) > 0, f"There are no {what} to draw; got 0. Give at least one.")
    require(
        len(lines) <= most,
        f"At most {most} {what} can be told apart in one picture; got {len(lines)}. "
        f"Draw several pictures.",
    )


def dress(axes: Axes, theme: Theme, *, title: str, x: str, y: str = "") -> None:
    """Give axes the theme's colours, a title and units, a light grid, and the legend on top.

    Call it last: the legend lies between title and frame, never on the lines. A title set later
    needs its own ``pad``.

    Args:
        axes: With all lines drawn.
        theme: Their colours.
        title: What the picture shows, at the left.
        x: Name and unit of the horizontal axis.
        y: Name and unit of the vertical axis.
    """
    rows = _legend(axes, theme)
    axes.set_title(
        title,
        loc="left",
        fontsize=12,
        fontweight="bold",
        color=theme.ink,
        pad=10 + 1.6 * SIZE * rows,
    )
    axes.set_xlabel(x, color=theme.ink)
    axes.set_ylabel(y, color=theme.ink)
    axes.tick_params(which="both", color=theme.muted, labelcolor=theme.muted)
    axes.grid(axis="y", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.muted)


def _legend(axes: Axes, theme: Theme) -> int:
    """Put the legend above the frame, and say how many rows it has."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return 0
    handle = 2.5 if len(labels) <= 4 else 3.0
    columns = _columns(labels, handle, _width(axes))
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=columns,
        frameon=False,
        borderaxespad=0,
        fontsize=SIZE,
        handlelength=handle,
        columnspacing=1.1,
        labelcolor=theme.ink,
    )
    return -(-len(labels) // columns)


def _width(axes: Axes) -> float:
    """Return the width of the axes in points, as a layout engine is about to make it."""
    cell, figure = axes.get_subplotspec(), axes.figure
    if cell is None or figure.get_layout_engine() is None:
        return float(axes.get_window_extent().width / figure.dpi * 72)
    share = len(cell.colspan) / cell.get_gridspec().ncols
    return float(figure.bbox.width / figure.dpi * 72 * share) - 60  # for the vertical axis


def _columns(labels: list[str], handle: float, points: float) -> int:
    """Return how many columns of labels, each with its handle, fit into a width in points."""
    widths = [TextPath((0, 0), label, size=SIZE).get_extents().width for label in labels]
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(widths, columns)  # as a legend fills its columns
        gaps = (handle + 0.8) * columns + 1.1 * (columns - 1)
        if sum(part.max() for part in parts) + SIZE * gaps <= points:
            return columns
    return 1
