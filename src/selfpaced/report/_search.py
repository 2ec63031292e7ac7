"""What alternating searches did, fit by fit."""

from collections.abc import Mapping, Sequence

import numpy as np

from selfpaced._errors import require
from selfpaced.report._arrays import Floats, Numbers, as_row
from selfpaced.report._theme import (
    LIGHT,
    Axes,
    MaxNLocator,
    Theme,
    choose_axes,
    dress,
    require_strokes,
)


def plot_searches(
    objectives: Mapping[str, Sequence[Numbers]], *, ax: Axes | None = None, theme: Theme = LIGHT
) -> Axes:
    """Draw the objective over the fits of several searches, each from one or more starts.

    The lines of one search share colour and dash; a mark shows where each ended.

    Args:
        objectives: By the name of the search, for each start one objective per fit, lower is
            better; at most 8 searches. NaN leaves a gap.
        ax: Where to draw; by default on a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no search, no start, no fit, or more than 8 searches.

    >>> plot_searches({"CCCP": [[9.0, 4.0]], "self-paced": [[9.0, 5.0, 3.0]]}).get_xlabel()
    'fits'
    """
    require_strokes(objectives, "searches", theme)
    searches = {name: _rows(runs, f"objectives[{name!r}]") for name, runs in objectives.items()}
    axes = choose_axes(ax, theme)
    for place, (name, rows) in enumerate(searches.items()):
        colour, dash, mark = theme.stroke(place)
        for start, values in enumerate(rows):
            fits, label = np.arange(1, len(values) + 1), "_" * bool(start) + name
            (line,) = axes.plot(fits, values, color=colour, label=label, zorder=2.1 + 0.01 * place)
            line.set(linestyle=dash, linewidth=1.6, marker=mark, markersize=5)
            line.set(markevery=[len(values) - 1], alpha=0.9 if len(rows) == 1 else 0.75)
    longest = max(len(values) for rows in searches.values() for values in rows)
    axes.set_xlim(0.5, longest + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    dress(axes, theme, title="Objective with all weights 1", x="fits")
    return axes


def _rows(runs: Sequence[Numbers], name: str) -> list[Floats]:
    """Return one row of objectives per start."""
    require(len(runs) > 0, f"{name} must hold one row of objectives per start; got none.")
    return [as_row(run, f"{name}[{start}]") for start, run in enumerate(runs)]
