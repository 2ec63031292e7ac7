"""Lines over whole numbers: NaN leaves a gap, and infinite values lie on the top edge."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.report._theme import Axes, MaxNLocator, Theme

Numbers = ArrayLike | Tensor
Floats = NDArray[np.float64]

# Up to this number of points, a line has a mark at each point.
FEW_POINTS = 30
# The height of the first line on the top edge, as a share of the height of the axes.
TOP_EDGE = 0.98
# The distance between two lines on the top edge, as a share of the height of the axes.
EDGE_STEP = 0.02


def as_array(values: Numbers) -> NDArray[np.generic]:
    """Return the values as a NumPy array on the CPU, without gradients; bfloat16 becomes float32.

    >>> as_array([1, 2]).dtype.kind
    'i'
    """
    if not isinstance(values, Tensor):
        return np.asarray(values)
    on_cpu = values.detach().cpu()
    unknown = on_cpu.dtype == torch.bfloat16  # NumPy has no such dtype
    return np.asarray((on_cpu.float() if unknown else on_cpu).numpy())


def as_floats(values: Numbers) -> NDArray[np.float64]:
    """Return a float64 copy of the values.

    >>> as_floats([1, 2]).tolist()
    [1.0, 2.0]
    """
    return as_array(values).astype(np.float64)


def as_row(values: Numbers, name: str, length: int | None = None) -> NDArray[np.float64]:
    """Return the values as one float64 row, after a check of its length.

    Args:
        values: Shape (n,).
        name: Name of the values, for error messages.
        length: The expected n; None allows any n of at least 1.

    Raises:
        ValueError: For another shape, and for no values.

    >>> as_row([True, False], "marks").tolist()
    [1.0, 0.0]
    """
    row = as_floats(values)
    require(
        row.ndim == 1,
        f"{name} must be one row of numbers, shape (n,); got shape {row.shape}. Flatten it.",
    )
    require(len(row) > 0, f"{name} must hold at least one number; got none.")
    require(
        length is None or len(row) == length,
        f"{name} must hold one value for each of the {length} samples; got {len(row)}.",
    )
    return row


def draw_line(
    axes: Axes,
    x: Floats,
    values: Floats,
    place: int,
    *,
    label: str,
    theme: Theme,
    few: int = FEW_POINTS,
) -> None:
    """Draw one line. Points get a mark if there are few, or if they have no neighbour.

    Args:
        axes: The axes to draw on.
        x: Shape (n,).
        values: Shape (n,); NaN and infinite values are not drawn.
        place: Index of the stroke in the theme.
        label: Label in the legend; one that starts with ``_`` is left out.
        theme: The colours.
        few: Up to this number of points, each point has a mark.
    """
    colour, dash, mark = theme.stroke(place)
    drawn = np.where(np.isfinite(values), values, np.nan)
    marked = np.arange(len(x)) if len(x) <= few else _alone(drawn)
    (line,) = axes.plot(x, drawn, color=colour, label=label, zorder=2.1 + 0.01 * place)
    line.set(linestyle=dash, linewidth=2)
    if len(marked):
        line.set(marker=mark, markersize=4.5, markevery=marked.tolist())


def draw_infinities(axes: Axes, x: Floats, lines: Sequence[Floats], theme: Theme) -> None:
    """Draw the infinite values of each line along the top edge, with the words "keeps all".

    Call this after the lines are drawn: it makes room above them.

    Args:
        axes: The axes, with the lines drawn by ``draw_line``.
        x: Shape (n,).
        lines: The values of each line, shape (n,) each, in the order of drawing.
        theme: The colours.
    """
    infinite = np.stack([np.isposinf(values) for values in lines])
    if not infinite.any():
        return
    _make_room(axes, any(np.isfinite(values).any() for values in lines))
    places = np.flatnonzero(infinite.any(1)).tolist()
    for row, place in enumerate(places):
        height = np.where(infinite[place], TOP_EDGE - EDGE_STEP * row, np.nan)
        _draw_edge(axes, x, height, place, theme)
    at = x[infinite.any(0)]
    early = at[0] <= (x[0] + x[-1]) / 2
    axes.annotate(
        "keeps all",
        (float(at[0] if early else at[-1]), TOP_EDGE - EDGE_STEP * (len(places) - 1)),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, -6),
        textcoords="offset points",
        color=theme.muted,
        fontsize=9,
        ha="left" if early else "right",
        va="top",
    )


def over_whole_numbers(axes: Axes, first: int, last: int) -> None:
    """Set the horizontal axis to whole numbers, from half a step before to half a step after."""
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _draw_edge(axes: Axes, x: Floats, height: Floats, place: int, theme: Theme) -> None:
    """Draw the infinite values of one line at a height, given as a share of the axes' height."""
    colour, dash, mark = theme.stroke(place)
    marked = np.flatnonzero(np.isfinite(height)) if len(x) <= FEW_POINTS else _alone(height)
    (edge,) = axes.plot(x, height, color=colour, transform=axes.get_xaxis_transform())
    edge.set(linestyle=dash, linewidth=2, label="_keeps all")
    if len(marked):
        edge.set(marker=mark, markersize=4.5, markevery=marked.tolist())


def _make_room(axes: Axes, finite: bool) -> None:
    """Make room for the top edge: a fifth of the height, without ticks.

    If no value is finite, the axis has no ticks at all.
    """
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    axes.set_yticks(ticks if finite else [])
    axes.set_ylim(low, high + (high - low) / 4)


def _alone(values: Floats) -> NDArray[np.intp]:
    """Return the indices of finite values without a finite neighbour: no line shows them."""
    finite = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:])
