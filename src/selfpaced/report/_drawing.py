"""Lines over whole numbers, with gaps where there is no number and infinity on the top edge."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.report._theme import Axes, MaxNLocator, Theme

Numbers = ArrayLike | Tensor
Floats = NDArray[np.float64]


def as_array(values: Numbers) -> NDArray[np.generic]:
    """Return the values off the graph and off the accelerator, in their own dtype if it exists.

    >>> as_array([1, 2]).dtype.kind
    'i'
    """
    if not isinstance(values, Tensor):
        return np.asarray(values)
    held = values.detach().cpu()
    narrow = held.dtype == torch.bfloat16  # unknown to numpy
    return np.asarray((held.float() if narrow else held).numpy())


def as_floats(values: Numbers) -> NDArray[np.float64]:
    """Return a float64 copy of the values.

    >>> as_floats([1, 2]).tolist()
    [1.0, 2.0]
    """
    return as_array(values).astype(np.float64)


def as_row(values: Numbers, name: str, length: int | None = None) -> NDArray[np.float64]:
    """Return the values as one float64 row of a known length.

    Args:
        values: Shape (n,).
        name: What they are, for the error.
        length: The n expected; any of at least 1 by default.

    Raises:
        ValueError: For another shape, or for nothing.

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
        f"{name} must hold one value for each of the {length}; got {len(row)}.",
    )
    return row


FEW = 30


def draw_line(
    axes: Axes, x: Floats, values: Floats, place: int, *, label: str, theme: Theme, few: int = FEW
) -> None:
    """Draw one line; every point gets a mark if they are few, else those without a neighbour.

    Args:
        axes: Where to draw.
        x: Shape (n,).
        values: Shape (n,); neither NaN nor infinity is drawn.
        place: Which of the theme's strokes.
        label: For the legend; one that starts with ``_`` is left out of it.
        theme: The colours.
        few: Up to this many points each has a mark.
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

    Call it after the lines: it makes room above them.

    Args:
        axes: With the lines drawn by ``draw_line``.
        x: Shape (n,).
        lines: Each of shape (n,), in the order in which they were drawn.
        theme: The colours.
    """
    infinite = np.stack([np.isposinf(values) for values in lines])
    if not infinite.any():
        return
    _make_room(axes, any(np.isfinite(values).any() for values in lines))
    places = np.flatnonzero(infinite.any(1)).tolist()
    for row, place in enumerate(places):
        _draw_edge(axes, x, np.where(infinite[place], 0.98 - 0.02 * row, np.nan), place, theme)
    at = x[infinite.any(0)]
    early = at[0] <= (x[0] + x[-1]) / 2
    axes.annotate(
        "keeps all",
        (float(at[0] if early else at[-1]), 0.98 - 0.02 * (len(places) - 1)),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, -6),
        textcoords="offset points",
        color=theme.muted,
        fontsize=9,
        ha="left" if early else "right",
        va="top",
    )


def over_whole_numbers(axes: Axes, first: int, last: int) -> None:
    """Let the horizontal axis run over whole numbers, half a step wider at each end."""
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _draw_edge(axes: Axes, x: Floats, height: Floats, place: int, theme: Theme) -> None:
    """Draw one line's infinite values at a height, a share of that of the axes."""
    colour, dash, mark = theme.stroke(place)
    marked = np.flatnonzero(np.isfinite(height)) if len(x) <= FEW else _alone(height)
    (edge,) = axes.plot(x, height, color=colour, transform=axes.get_xaxis_transform())
    edge.set(linestyle=dash, linewidth=2, label="_keeps all")
    if len(marked):
        edge.set(marker=mark, markersize=4.5, markevery=marked.tolist())


def _make_room(axes: Axes, finite: bool) -> None:
    """Leave a fifth of the height, without ticks, for the top edge; no number, no scale."""
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    axes.set_yticks(ticks if finite else [])
    axes.set_ylim(low, high + (high - low) / 4)


def _alone(values: Floats) -> NDArray[np.intp]:
    """Return where a number has no number beside it, so that no line shows it."""
    there = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:])
