"""What a run says of its samples: the spread of their losses, and their place on a map."""

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

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
CORRECT = ("correct in over 2/3 of the epochs", "1/3 to 2/3", "under 1/3")
THIRDS = (0, 2, 1)  # blue, green, vermillion on light paper
MANY = 500
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
    """Draw the median loss over epochs between bands of the middle 50 % and 80 % of the samples.

    Args:
        losses: Shape (epochs, n), finite; NaN where a sample had no loss.
        wrong: Which labels are wrong, bool, shape (n,): right and wrong ones are drawn apart.
        ax: Where to draw; by default on a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For losses that are not 2-D, are infinite or all NaN, or for a ``wrong`` of
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
    """Draw the map of a data set: how sure the model was of each label, and how steadily.

    Args:
        confidence: Mean probability of the given label over the epochs, in [0, 1], shape (n,).
            NaN for a sample that was not seen; it is not drawn.
        variability: Standard deviation of that probability, in [0, 1], shape (n,).
        correctness: Share of the epochs in which the given label was predicted, in [0, 1], shape
            (n,): three colours and marks.
        marked: Indices of samples to ring, int, shape (k,).
        ax: Where to draw; by default on a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved. The points are pixels also in a PDF.

    Raises:
        ValueError: For lengths that differ, numbers out of range, or indices out of range.

    References:
        Swayamdipta et al., *Dataset Cartography: Mapping and Diagnosing Datasets with Training
        Dynamics*, EMNLP 2020.

    >>> axes = plot_cartography([0.9, 0.1], [0.05, 0.1], [1.0, 0.0], marked=[1])
    >>> [text.get_text() for text in axes.texts]
    ['easy to learn', 'ambiguous', 'hard to learn']
    """
    y = _within(as_row(confidence, "confidence"), "confidence", 1.0)
    x = _within(as_row(variability, "variability", len(y)), "variability", 1.0)
    require(bool(np.isfinite(x + y).any()), "confidence and variability hold NaN only; got none.")
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
    """Return the five quantiles of each epoch, shape (5, epochs); NaN without a loss."""
    bands = np.full((len(QUANTILES), len(table)), np.nan)
    for epoch, row in enumerate(table):
        there = row[~np.isnan(row)]
        if len(there):
            bands[:, epoch] = np.quantile(there, QUANTILES)
    return bands


def _draw_bands(axes: Axes, bands: Floats, place: int, *, label: str, theme: Theme) -> None:
    """Draw one set's median over its two bands; a single epoch is drawn as a short piece."""
    colour = theme.stroke(place)[0]
    lowest, low, median, high, highest = bands
    x = np.arange(1, len(median) + 1, dtype=np.float64)
    if len(x) == 1:
        wide, ends = np.array([0.8, 1.2]), (lowest, low, high, highest)
        lowest, low, high, highest = (np.repeat(end, 2) for end in ends)
    else:
        wide = x
    axes.fill_between(wide, lowest, highest, color=colour, alpha=0.16, linewidth=0)
    axes.fill_between(wide, low, high, color=colour, alpha=0.28, linewidth=0)
    draw_line(axes, x, median, place, label=label, theme=theme, few=1)


def _within(row: Floats, name: str, most: float) -> Floats:
    """Return the row, or raise unless its numbers lie from 0 to the most; NaN passes."""
    outside = row[(row < 0) | (row > most)]
    require(
        len(outside) == 0,
        f"{name} must lie in [0, {most:g}]; got {outside[:3].tolist()}.",
    )
    return row


def _thirds(correctness: Numbers, drawn: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return 0 for over 2/3, 1 for 1/3 to 2/3, 2 for under 1/3; each sample drawn needs one."""
    shares = _within(as_row(correctness, "correctness", len(drawn)), "correctness", 1.0)
    missing = int(np.isnan(shares[drawn]).sum())
    require(
        missing == 0,
        f"correctness must hold a number for every sample with a confidence; {missing} are nan.",
    )
    return np.where(shares > 2 / 3, 0, np.where(shares < 1 / 3, 2, 1))


def _indices(marked: Numbers, n: int) -> NDArray[np.intp]:
    """Return the indices, or raise unless they are whole numbers from 0 to n - 1."""
    kind, row = as_array(marked).dtype, as_floats(marked)
    require(
        row.ndim == 1 and (len(row) == 0 or np.issubdtype(kind, np.integer)),
        f"marked must hold indices, int of shape (k,); got {kind} of shape {row.shape}. "
        f"Use flatnonzero on a mask.",
    )
    outside = row[(row < 0) | (row >= n)].astype(int).tolist()
    require(not outside, f"marked must hold indices from 0 to {n - 1}; got {outside[:3]}.")
    return row.astype(np.intp)


def _draw_points(
    axes: Axes, x: Floats, y: Floats, third: NDArray[np.intp] | None, theme: Theme
) -> None:
    """Draw small dots that many may overlap; each third has its colour and mark."""
    for place, label in enumerate(CORRECT if third is not None else ("_samples",)):
        chosen = slice(None) if third is None else third == place
        axes.scatter(
            x[chosen],
            y[chosen],
            s=24 if len(x) <= MANY else 9,
            alpha=0.8 if len(x) <= MANY else 0.4,
            color=theme.colours[THIRDS[place]],
            marker=theme.marks[place],
            linewidths=0,
            label=label,
            rasterized=True,
        )


def _ring(axes: Axes, x: Floats, y: Floats, theme: Theme) -> None:
    """Draw a ring in ink around each of the points."""
    axes.scatter(
        *(x, y),
        s=70,
        facecolors="none",
        edgecolors=theme.ink,
        linewidths=1.2,
        label=f"marked: {len(x)}",
        zorder=3,
    )


def _name_regions(axes: Axes, theme: Theme) -> None:
    """Write the names where no point can lie: a share with mean m deviates by sqrt(m (1 - m))."""
    for x, y, name in REGIONS:
        aside = x > 0.5
        axes.text(
            *(x, y, name),
            color=theme.muted,
            fontsize=10,
            rotation=270 if aside else 0,
            ha="center" if aside else "left",
            va="center",
        )


def _strengthen(axes: Axes) -> None:
    """Show the small faint dots large and full in the legend."""
    legend = axes.get_legend()
    for handle in legend.legend_handles[: len(CORRECT)] if legend is not None else []:
        if isinstance(handle, PathCollection):
            handle.set(alpha=1, sizes=[30])
