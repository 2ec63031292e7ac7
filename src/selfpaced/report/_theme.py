"""What all pictures share: the light and the dark theme, the axes and the legend.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart, as far as their
contrast to the background is 3:1 or more. Every line also has its own dash and mark, so that it can
be recognised without colour. Fonts come from the user's ``matplotlib.rcParams``; only animations,
whose layout is in pixels, use the defaults of matplotlib.
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

# A line style of matplotlib: a name, or an offset and the lengths of dashes and gaps in points.
Dash = str | tuple[float, tuple[float, ...]]
# The size of the text of a legend, in points.
LEGEND_SIZE = 9
# The line styles of the lines of a picture, in order.
DASHES: tuple[Dash, ...] = (
    "-",
    (0, (5, 2)),
    (0, (6, 2, 1, 2)),
    (0, (1, 1.5)),
    (0, (9, 2, 3, 2)),
    (0, (4, 1.5, 1, 1.5, 1, 1.5)),
    (0, (2, 2)),
    (0, (10, 3)),
)
# The marks of the lines of a picture, in order, as matplotlib names them.
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
# The resolution of figures, in pixels per inch.
DPI = 150
# The number of points per inch.
POINTS_PER_INCH = 72
# The width that tick labels and the label of the vertical axis take from the axes, in points.
VERTICAL_AXIS_WIDTH = 60


@dataclass(frozen=True)
class Theme:
    """Colours of a picture, as hex codes.

    Args:
        background: Colour of the figure and of the axes.
        ink: Colour of titles, labels and reference lines.
        muted: Colour of ticks, frame and remarks; text in it is legible on the background.
        grid: Colour of the thin lines behind the data.
        colours: Colours of the lines, in order; the first is for the most important line.
        dashes: Line styles of the lines, in order; their number is the largest number of lines.
        marks: Marks of the lines, in order, one for each line style.

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
        """Return the colour, the dash and the mark of a line; ``place`` counts lines from 0.

        Raises:
            ValueError: For a line beyond the number of dashes.

        >>> DARK.stroke(0)
        ('#56B4E9', '-', 'o')
        """
        most = len(self.dashes)
        require(
            place < most,
            f"A picture can have at most {most} lines; got {place + 1}. Draw fewer.",
        )
        return self.colours[place % len(self.colours)], self.dashes[place], self.marks[place]


# The default theme: a white background.
LIGHT = Theme(
    background="#FFFFFF",
    ink="#1A1A1A",
    muted="#666666",
    grid="#DDDDDD",
    colours=("#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7"),
)
# The theme for dark pages.
DARK = Theme(
    background="#14171C",
    ink="#EDEDED",
    muted="#A0A6AE",
    grid="#343A42",
    colours=("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7"),
)


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """Return a figure on the theme's background whose layout makes room for all texts.

    Args:
        theme: Its background is used.
        width: Width in inches.
        height: Height in inches.
    """
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor=theme.background)


def choose_axes(ax: Axes | None, theme: Theme, width: float = 6.4, height: float = 4.2) -> Axes:
    """Return ``ax``, or the axes of a new figure, with the theme's background.

    The figure of ``ax`` keeps its own background.

    >>> choose_axes(None, DARK).figure.get_facecolor() == choose_axes(None, DARK).get_facecolor()
    True
    """
    axes = new_figure(theme, width, height).add_subplot() if ax is None else ax
    axes.set_facecolor(theme.background)
    return axes


def require_strokes(lines: Sized, what: str, theme: Theme) -> None:
    """Raise unless the number of lines is from 1 to the number of dashes of the theme."""
    most = len(theme.dashes)
    require(len(lines) > 0, f"There are no {what} to draw; got 0. Give at least one.")
    require(
        len(lines) <= most,
        f"At most {most} {what} can be told apart in one picture; got {len(lines)}. "
        f"Draw several pictures.",
    )


def dress(axes: Axes, theme: Theme, *, title: str, x: str, y: str = "") -> None:
    """Give axes the theme's colours, a title, axis labels, a light grid, and a legend on top.

    Call this last: the legend is placed between the title and the frame, never on the lines. A
    title that is set later needs its own ``pad``.

    Args:
        axes: The axes, with all lines drawn.
        theme: The colours.
        title: What the picture shows; it is placed at the left.
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
        pad=10 + 1.6 * LEGEND_SIZE * rows,
    )
    axes.set_xlabel(x, color=theme.ink)
    axes.set_ylabel(y, color=theme.ink)
    axes.tick_params(which="both", color=theme.muted, labelcolor=theme.muted)
    axes.grid(axis="y", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(theme.muted)


def _legend(axes: Axes, theme: Theme) -> int:
    """Put the legend above the frame, and return its number of rows."""
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
        fontsize=LEGEND_SIZE,
        handlelength=handle,
        columnspacing=1.1,
        labelcolor=theme.ink,
    )
    return -(-len(labels) // columns)


def _width(axes: Axes) -> float:
    """Return the width of the axes in points; with a layout engine, the width it will give."""
    cell, figure = axes.get_subplotspec(), axes.figure
    if cell is None or figure.get_layout_engine() is None:
        return float(axes.get_window_extent().width / figure.dpi * POINTS_PER_INCH)
    share = len(cell.colspan) / cell.get_gridspec().ncols
    width = float(figure.bbox.width / figure.dpi * POINTS_PER_INCH * share)
    return width - VERTICAL_AXIS_WIDTH


def _columns(labels: list[str], handle: float, points: float) -> int:
    """Return how many columns of labels, each with its handle, fit into a width in points."""
    widths = [TextPath((0, 0), label, size=LEGEND_SIZE).get_extents().width for label in labels]
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(widths, columns)  # a legend fills its columns in this way
        gaps = (handle + 0.8) * columns + 1.1 * (columns - 1)
        if sum(part.max() for part in parts) + LEGEND_SIZE * gaps <= points:
            return columns
    return 1
