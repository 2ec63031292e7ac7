"""Pictures of the samples of a run: the spread of their losses, and the data map."""

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.report._drawing import (
    Floats,
    Numbers,
    as_array,
    as_floats,
    as_row,
    draw_line,
    over_whole_numbers,
)
from selfpaced.report._theme import LIGHT, Axes, PathCollection, Theme, choose_axes, dress

# The quantiles of the losses that are drawn: the bands of 80 % and 50 %, and the median.
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# The labels of the three groups of samples by correctness, in the legend.
CORRECT = ("correct in over 2/3 of the epochs", "1/3 to 2/3", "under 1/3")
# The index of the theme's colour for each of these groups: blue, green and vermilion in LIGHT.
THIRDS = (0, 2, 1)
# Above this number of samples, the points of the map are small and transparent.
MANY_POINTS = 500
# The names of regions of the map, each at an x and a y where no sample can lie.
REGIONS = (
    (0.235, 0.96, "easy to learn"),
    (0.535, 0.5, "ambiguous"),
    (0.235, 0.04, "hard to learn"),
)


def plot_loss_bands(
    losses: Numbers,
    wrong: Numbers | None = None,
    *,
    ax: Axes | None = None,
    theme: Theme = LIGHT,
) -> Axes:
    """Draw the median loss over the epochs, and bands of the middle 50 % and 80 % of the samples.

    Args:
        losses: Finite losses, shape (epochs, n); NaN where a sample had no loss.
        wrong: Which labels are wrong, bool, shape (n,): samples with right and with wrong labels
            get separate bands. None draws all samples together.
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For losses that are not 2-D, infinite or all NaN, and for a ``wrong`` of
            another length.

    >>> axes = plot_loss_bands([[2.0, 2.0, 4.0], [1.0, 1.0, 4.0]], [False, False, True])
    >>> [line.get_label() for line in axes.lines]
    ['right labels', 'wrong labels']
    """
    table = _losses(losses)
    sets = {"all labels": np.ones(table.shape[1], dtype=bool)}
    if wrong is not None:
        is_wrong = as_row(wrong, "wrong", table.shape[1]) != 0
        sets = {"right labels": ~is_wrong, "wrong labels": is_wrong}
    axes = choose_axes(ax, theme)
    for place, (label, members) in enumerate(sets.items()):
        if members.any():
            _draw_bands(axes, _quantiles(table[:, members]), place, label=label, theme=theme)
    over_whole_numbers(axes, 1, len(table))
    dress(axes, theme, title="Loss: median, middle 50% and 80%", x="epoch", y="loss")
    return axes


def plot_cartography(
    confidence: Numbers,
    variability: Numbers,
    correctness: Numbers | None = None,
    marked: Numbers | None = None,
    *,
    ax: Axes | None = None,
    theme: Theme = LIGHT,
) -> Axes:
    """Draw the data map: confidence of the model in each label, over the variability.

    Args:
        confidence: Mean probability of the given label over the epochs, in [0, 1], shape (n,).
            NaN for a sample that was not seen; it is not drawn.
        variability: Standard deviation of that probability, in [0, 1], shape (n,).
        correctness: Share of the epochs in which the given label was predicted, in [0, 1], shape
            (n,). It is shown in three groups, each with its colour and mark; None: one group.
        marked: Indices of samples to draw with a ring, int, shape (k,).
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved. The points are drawn as pixels, even in a PDF.

    Raises:
        ValueError: For lengths that differ, and for numbers or indices out of range.

    References:
        Swayamdipta et al., *Dataset Cartography: Mapping and Diagnosing Datasets with Training
        Dynamics*, EMNLP 2020.

    >>> axes = plot_cartography([0.9, 0.1], [0.05, 0.1], [1.0, 0.0], marked=[1])
    >>> [text.get_text() for text in axes.texts]
    ['easy to learn', 'ambiguous', 'hard to learn']
    """
    y = _within(as_row(confidence, "confidence"), "confidence", 1.0)
    x = _within(as_row(variability, "variability", len(y)), "variability", 1.0)
    require(
        bool(np.isfinite(x + y).any()),
        "confidence and variability hold NaN only. At least one sample needs both numbers.",
    )
    third = None if correctness is None else _thirds(correctness, np.isfinite(x + y))
    rings = None if marked is None else _indices(marked, len(y))
    axes = choose_axes(ax, theme, 6.4, 5.2)
    _draw_points(axes, x, y, third, theme)
    if rings is not None:
        _ring(axes, x[rings], y[rings], theme)
    _name_regions(axes, theme)
    axes.set_xlim(-0.01, max(0.56, float(np.nanmax(x)) * 1.02))
    axes.set_ylim(-0.02, 1.02)
    dress(axes, theme, title="Map of the samples", x="variability", y="confidence")
    if third is not None:
        _strengthen(axes)
    return axes


def _losses(losses: Numbers) -> Floats:
    """Return the losses as float64 of shape (epochs, n), or raise."""
    table = as_floats(losses)
    require(
        table.ndim == 2 and table.size > 0,
        f"losses must have the shape (epochs, n) with at least one loss; got shape {table.shape}. "
        f"Stack one row per epoch.",
    )
    infinite = int(np.isinf(table).sum())
    require(infinite == 0, f"losses must be finite or nan; got {infinite} infinite. Clamp them.")
    require(not np.isnan(table).all(), "losses must hold a number; got nan only.")
    return table


def _quantiles(table: Floats) -> Floats:
    """Return the five quantiles of each epoch, shape (5, epochs); NaN for an epoch without loss."""
    bands = np.full((len(QUANTILES), len(table)), np.nan)
    for epoch, row in enumerate(table):
        seen = row[~np.isnan(row)]
        if len(seen):
            bands[:, epoch] = np.quantile(seen, QUANTILES)
    return bands


def _draw_bands(axes: Axes, bands: Floats, place: int, *, label: str, theme: Theme) -> None:
    """Draw the median and the two bands of a set of samples; a single epoch gets short bands."""
    colour = theme.stroke(place)[0]
    lowest, low, median, high, highest = bands
    x = np.arange(1, len(median) + 1, dtype=np.float64)
    if len(x) == 1:
        across, ends = np.array([0.8, 1.2]), (lowest, low, high, highest)
        lowest, low, high, highest = (np.repeat(end, 2) for end in ends)
    else:
        across = x
    axes.fill_between(across, lowest, highest, color=colour, alpha=0.16, linewidth=0)
    axes.fill_between(across, low, high, color=colour, alpha=0.28, linewidth=0)
    draw_line(axes, x, median, place, label=label, theme=theme, few=1)


def _within(row: Floats, name: str, most: float) -> Floats:
    """Return the row, or raise unless its numbers lie from 0 to ``most`` or are NaN."""
    outside = row[(row < 0) | (row > most)]
    require(
        len(outside) == 0,
        f"{name} must lie in [0, {most:g}]; got {outside[:3].tolist()}.",
    )
    return row


def _thirds(correctness: Numbers, drawn: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return 0 for a share over 2/3, 1 for 1/3 to 2/3, 2 for under 1/3; all drawn need a share."""
    shares = _within(as_row(correctness, "correctness", len(drawn)), "correctness", 1.0)
    missing = int(np.isnan(shares[drawn]).sum())
    require(
        missing == 0,
        f"correctness must hold a number for every sample with a confidence; {missing} are nan.",
    )
    return np.where(shares > 2 / 3, 0, np.where(shares < 1 / 3, 2, 1))


def _indices(marked: Numbers, n: int) -> NDArray[np.intp]:
    """Return the indices, or raise unless they are ints from 0 to n - 1."""
    kind, row = as_array(marked).dtype, as_floats(marked)
    require(
        row.ndim == 1 and (len(row) == 0 or np.issubdtype(kind, np.integer)),
        f"marked must hold indices, int of shape (k,); got {kind} of shape {row.shape}. "
        f"Turn a mask into indices with np.flatnonzero.",
    )
    outside = row[(row < 0) | (row >= n)].astype(int).tolist()
    require(not outside, f"marked must hold indices from 0 to {n - 1}; got {outside[:3]}.")
    return row.astype(np.intp)


def _draw_points(
    axes: Axes, x: Floats, y: Floats, third: NDArray[np.intp] | None, theme: Theme
) -> None:
    """Draw the samples as dots; each group by correctness has its colour and mark."""
    for place, label in enumerate(CORRECT if third is not None else ("_samples",)):
        chosen = slice(None) if third is None else third == place
        axes.scatter(
            x[chosen],
            y[chosen],
            s=24 if len(x) <= MANY_POINTS else 9,
            alpha=0.8 if len(x) <= MANY_POINTS else 0.4,
            color=theme.colours[THIRDS[place]],
            marker=theme.marks[place],
            linewidths=0,
            label=label,
            rasterized=True,
        )


def _ring(axes: Axes, x: Floats, y: Floats, theme: Theme) -> None:
    """Draw a ring around each of these points."""
    axes.scatter(
        x,
        y,
        s=70,
        facecolors="none",
        edgecolors=theme.ink,
        linewidths=1.2,
        label=f"marked: {len(x)}",
        zorder=3,
    )


def _name_regions(axes: Axes, theme: Theme) -> None:
    """Write the names of the regions where no point can lie.

    The standard deviation of a share with mean m is at most sqrt(m (1 - m)).
    """
    for x, y, name in REGIONS:
        at_the_side = x > 0.5
        axes.text(
            x,
            y,
            name,
            color=theme.muted,
            fontsize=10,
            rotation=270 if at_the_side else 0,
            ha="center" if at_the_side else "left",
            va="center",
        )


def _strengthen(axes: Axes) -> None:
    """Draw the dots of the legend large and opaque."""
    legend = axes.get_legend()
    for handle in legend.legend_handles[: len(CORRECT)] if legend is not None else []:
        if isinstance(handle, PathCollection):
            handle.set(alpha=1, sizes=[30])
