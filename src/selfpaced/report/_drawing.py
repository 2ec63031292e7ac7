"""Lines over whole numbers, with gaps where there is no number and infinity on the top edge."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfpaced.report._arrays import Floats
from selfpaced.report._theme import Axes, MaxNLocator, Theme

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
