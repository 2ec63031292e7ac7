"""What a run did, drawn from plain arrays; each function returns the Figure, unsaved.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; every colour comes
with a line style or a mark that says the same.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from selfpaced.errors import require

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.ticker import MaxNLocator, PercentFormatter
except ModuleNotFoundError as missing:
    message = 'The pictures need matplotlib: pip install "selfpaced[report]"'
    raise ModuleNotFoundError(message, name="matplotlib") from missing

ORANGE, BLUE, GREEN, VERMILLION, BLACK = "#E69F00", "#0072B2", "#009E73", "#D55E00", "#000000"
GREY = "#666666"
LINES = ((ORANGE, "--"), (BLUE, "-"), (BLACK, ":"), (GREEN, "-."))


def plot_curves(
    accuracies: Mapping[str, Sequence[float]],
    kept_share: Sequence[float],
    clean_share: float | None = None,
) -> Figure:
    """Draw test accuracy over epochs, one line a run, and the kept share over steps.

    Args:
        accuracies: Shares in [0, 1] by the name of the run, one per epoch; at most 4 runs.
        kept_share: One share in [0, 1] per step, from step 1.
        clean_share: The true share of right labels, drawn as a reference line where it is known.

    Returns:
        A figure with two axes.

    Raises:
        ValueError: For more than 4 runs.

    >>> len(plot_curves({"plain": [0.5, 0.7], "self-paced": [0.5, 0.8]}, [1.0, 0.7], 0.6).axes)
    2
    """
    require(len(accuracies) <= len(LINES), f"At most 4 runs can be drawn; got {len(accuracies)}.")
    figure = Figure(
        figsize=(10, 4.2), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08)
    )
    left, right = figure.subplots(1, 2)
    for (name, values), (colour, style) in zip(accuracies.items(), LINES, strict=False):
        over = 2.1 if style == "-" else 2.2  # a solid line would hide another beneath it
        _line(left, values, color=colour, linestyle=style, label=name, zorder=over)
    _dress(left, "Test accuracy", "epoch")
    _line(right, kept_share, color=BLUE, linestyle="-", label="kept", zorder=2.1)
    if clean_share is not None:
        label = f"labels that are right: {clean_share:.0%}"
        right.axhline(clean_share, color=BLACK, linestyle="--", linewidth=1.2, label=label)
    right.set_ylim(0, 1.03)
    _dress(right, "Share of the training samples kept", "step")
    return figure


def plot_suspects(
    images: NDArray[np.float32],
    given: Sequence[int],
    suggested: Sequence[int],
    planted: Sequence[bool] | None = None,
) -> Figure:
    """Draw suspects in a grid, five a row, each with its given and its suggested label.

    Args:
        images: Grey values, higher is darker, shape (k, height, width), most suspicious first.
        given: The labels under suspicion, k of them.
        suggested: What the model says instead, k of them.
        planted: Where it is known, whether the label was made wrong on purpose: a green frame and
            a tick; a vermillion dashed frame and a cross where it was not.

    Returns:
        A figure with one axes per image.

    Raises:
        ValueError: When the lengths differ or there is nothing to draw.

    >>> len(plot_suspects(np.zeros((2, 8, 8), np.float32), [3, 1], [8, 7], [True, False]).axes)
    2
    """
    k = len(images)
    lengths = {len(given), len(suggested), k if planted is None else len(planted)}
    require(k > 0, "There is no suspect to draw; got 0 images.")
    require(lengths == {k}, f"Each of the {k} images needs a label of each kind; got {lengths}.")
    rows, columns = -(-k // 5), min(k, 5)
    figure = Figure(figsize=(max(1.75 * columns, 5), 2.05 * rows + 0.9), dpi=150)
    inch = 1 / figure.get_figheight()
    figure.subplots_adjust(left=0.03, right=0.97, bottom=0.2 * inch, top=1 - 1.1 * inch, hspace=0.3)
    _head(figure, planted)
    for place in range(k):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(images[place], cmap="gray_r", interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(f"{given[place]} → {suggested[place]}", fontsize=12, pad=5)
        if planted is not None:
            _mark(axes, planted[place])
    return figure


def _line(
    axes: Axes, values: Sequence[float], *, color: str, linestyle: str, label: str, zorder: float
) -> None:
    """Draw values over 1, 2, ...; a single one as a dot."""
    (line,) = axes.plot(np.arange(1, len(values) + 1), values, color=color, label=label)
    line.set(
        linestyle=linestyle, linewidth=2, zorder=zorder, marker="o" if len(values) == 1 else ""
    )
    axes.set_xlim(0.5, len(values) + 0.5)


def _dress(axes: Axes, title: str, unit: str) -> None:
    """Give axes a title, the legend between title and frame, per cent, and no clutter."""
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=28)
    axes.set_xlabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        *axes.get_legend_handles_labels(),
        loc="lower left",
        bbox_to_anchor=(0, 1.01),
        ncols=4,
        frameon=False,
        borderaxespad=0,
        fontsize=10,
        handlelength=2,
        columnspacing=1.2,
    )


def _head(figure: Figure, planted: Sequence[bool] | None) -> None:
    """Say above the grid what it shows and what the marks mean."""
    inch = 1 / figure.get_figheight()
    figure.text(
        *(0.03, 1 - 0.3 * inch, "Most suspicious labels: given → suggested"),
        fontsize=13,
        fontweight="bold",
        va="center",
    )
    if planted is not None:
        y = 1 - 0.6 * inch
        figure.text(0.03, y, "✓ made wrong on purpose", color=GREEN, fontsize=11, va="center")
        figure.text(
            0.97, y, "✗ not planted", color=VERMILLION, fontsize=11, va="center", ha="right"
        )


def _mark(axes: Axes, planted: bool) -> None:
    """Frame an image, and put the mark on the frame's corner."""
    colour, style, mark = (GREEN, "-", "✓") if planted else (VERMILLION, (0, (3, 2)), "✗")
    for spine in axes.spines.values():
        spine.set(color=colour, linestyle=style, linewidth=2.5)
    axes.annotate(
        *(mark, (1, 1)),
        xycoords="axes fraction",
        xytext=(-2, 5),
        textcoords="offset points",
        color=colour,
        fontsize=14,
        ha="right",
    )
