"""Pictures of runs over time: accuracies, the kept share, ages, and objectives of searches.

Each function takes lists, NumPy arrays or tensors, draws on ``ax`` or on a new figure, and returns
the axes; ``axes.figure.savefig("name.pdf")`` saves the picture.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from selfpaced._errors import require
from selfpaced.report._drawing import (
    Floats,
    Numbers,
    as_floats,
    as_row,
    draw_infinities,
    draw_line,
    over_whole_numbers,
)
from selfpaced.report._theme import (
    LIGHT,
    Axes,
    PercentFormatter,
    Theme,
    choose_axes,
    dress,
    new_figure,
    require_strokes,
)


def plot_accuracies(
    accuracies: Mapping[str, Numbers], *, ax: Axes | None = None, theme: Theme = LIGHT
) -> Axes:
    """Draw the test accuracy over the epochs, one line per run.

    Args:
        accuracies: For each run, by its name, one share in [0, 1] per epoch from epoch 1; higher
            is better. At most 8 runs, of any lengths; NaN leaves a gap.
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no run, for more than 8 runs, and for numbers that are not shares.

    >>> plot_accuracies({"plain": [0.5, 0.7], "self-paced": [0.5, 0.8]}).get_xlabel()
    'epoch'
    """
    require_strokes(accuracies, "runs", theme)
    runs = {name: _shares(row, f"accuracies[{name!r}]") for name, row in accuracies.items()}
    axes = choose_axes(ax, theme)
    for place, (name, values) in enumerate(runs.items()):
        draw_line(axes, _counted(values), values, place, label=name, theme=theme, few=1)
    over_whole_numbers(axes, 1, max(map(len, runs.values())))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    dress(axes, theme, title="Test accuracy", x="epoch")
    return axes


def plot_kept_share(
    kept_share: Numbers,
    clean_share: float | None = None,
    *,
    ax: Axes | None = None,
    theme: Theme = LIGHT,
) -> Axes:
    """Draw the share of the training samples that were kept, over the steps.

    Args:
        kept_share: One share in [0, 1] per step, from step 1.
        clean_share: The true share of right labels in [0, 1], if it is known; it is drawn as a
            reference line.
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no step, and for numbers that are not shares.

    >>> [line.get_label() for line in plot_kept_share([1.0, 0.7], 0.6).lines]
    ['kept', 'labels that are right: 60%']
    """
    values = _shares(kept_share, "kept_share")
    reference = None if clean_share is None else _shares([clean_share], "clean_share")[0]
    axes = choose_axes(ax, theme)
    draw_line(axes, _counted(values), values, 0, label="kept", theme=theme, few=1)
    if reference is not None:
        label = f"labels that are right: {reference:.0%}"
        axes.axhline(reference, color=theme.ink, linestyle="--", linewidth=1.2, label=label)
    axes.set_ylim(0, 1.03)
    over_whole_numbers(axes, 1, len(values))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    dress(axes, theme, title="Share of the training samples kept", x="step")
    return axes


def plot_curves(
    accuracies: Mapping[str, Numbers],
    kept_share: Numbers,
    clean_share: float | None = None,
    *,
    theme: Theme = LIGHT,
) -> tuple[Axes, Axes]:
    """Draw ``plot_accuracies`` and ``plot_kept_share`` side by side on a new figure.

    Args:
        accuracies: For each run, by its name, one share in [0, 1] per epoch; at most 8 runs.
        kept_share: One share in [0, 1] per step, from step 1.
        clean_share: The true share of right labels in [0, 1], if it is known; it is drawn as a
            reference line.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The left and the right axes.

    Raises:
        ValueError: For no run or step, for more than 8 runs, and for numbers that are not shares.

    >>> len(plot_curves({"plain": [0.5, 0.7]}, [1.0, 0.7])[0].figure.axes)
    2
    """
    left, right = new_figure(theme, 10, 4.2).subplots(1, 2)
    plot_accuracies(accuracies, ax=left, theme=theme)
    plot_kept_share(kept_share, clean_share, ax=right, theme=theme)
    return left, right


def plot_ages(
    ages: Sequence[float | Sequence[float]] | Floats | Tensor,
    *,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    theme: Theme = LIGHT,
) -> Axes:
    """Draw the age over the steps, one line per group.

    Args:
        ages: For each step, from step 1, a number or one number per group, in the unit of the
            difficulty. If some steps have lists, a single number holds for every group. Infinite
            ages lie on the top edge, which then has the label "keeps all"; NaN leaves a gap. At
            most 8 groups.
        names: Names of the groups; None for "group 0", "group 1", ...
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no step, for numbers of groups or names that differ, for more than 8
            groups, and for an age of minus infinity.

    >>> plot_ages([float("inf"), 0.5, 1.0]).lines[0].get_ydata().tolist()
    [nan, 0.5, 1.0]
    """
    table = _table(ages)
    groups = table.shape[1]
    labels = [f"group {group}" for group in range(groups)] if names is None else names
    require_strokes(labels, "groups", theme)
    require(
        len(labels) == groups,
        f"names must hold one name for each of the {groups} groups; got {len(labels)}.",
    )
    axes = choose_axes(ax, theme)
    x, lines = _counted(table), list(table.T)
    for place, (label, values) in enumerate(zip(labels, lines, strict=True)):
        hidden = groups == 1 and names is None
        draw_line(axes, x, values, place, label="_age" if hidden else label, theme=theme)
    draw_infinities(axes, x, lines, theme)
    over_whole_numbers(axes, 1, len(table))
    dress(axes, theme, title="Age", x="step", y="age, in the unit of the difficulty")
    return axes


def _counted(rows: Floats) -> Floats:
    """Return 1, 2, ..., n, the numbers of the n rows."""
    return np.arange(1, len(rows) + 1, dtype=np.float64)


def _shares(values: Numbers, name: str) -> Floats:
    """Return the values as a row, or raise unless they are shares from 0 to 1 or NaN."""
    row = as_row(values, name)
    outside = row[(row < 0) | (row > 1)]
    require(
        len(outside) == 0,
        f"{name} must hold shares from 0 to 1; got {outside[:3].tolist()}. Divide percentages by "
        f"100.",
    )
    return row


def _table(ages: Sequence[float | Sequence[float]] | Floats | Tensor) -> Floats:
    """Return the ages as float64 of shape (steps, groups)."""
    rows = [np.atleast_1d(as_floats(row)) for row in ages]
    require(len(rows) > 0, "ages must hold one age per step; got none.")
    widths = {row.shape for row in rows} - {(1,)}
    require(
        len(widths) <= 1 and all(len(width) == 1 for width in widths),
        f"ages must hold a number or one number per group at each step; got shapes "
        f"{sorted({row.shape for row in rows})}. Give every step the same number of groups.",
    )
    table = np.stack(np.broadcast_arrays(*rows))
    require(
        not np.isneginf(table).any(),
        "ages must be numbers, or inf to keep all; got -inf. Use nan for a step without an age.",
    )
    return table


def plot_searches(
    objectives: Mapping[str, Sequence[Numbers]], *, ax: Axes | None = None, theme: Theme = LIGHT
) -> Axes:
    """Draw the objective over the fits of several searches, each from one or more starts.

    A search has one line per start, all with the same colour and dash; a mark shows the last fit.

    Args:
        objectives: For each search, by its name, one row per start: one objective per fit, lower
            is better. At most 8 searches; NaN leaves a gap.
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no search, for more than 8 searches, for no start, and for no fit.

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
    over_whole_numbers(axes, 1, max(len(values) for rows in searches.values() for values in rows))
    dress(axes, theme, title="Objective with all weights 1", x="fits")
    return axes


def _rows(runs: Sequence[Numbers], name: str) -> list[Floats]:
    """Return one row of objectives per start."""
    require(len(runs) > 0, f"{name} must hold one row of objectives per start; got none.")
    return [as_row(run, f"{name}[{start}]") for start, run in enumerate(runs)]
