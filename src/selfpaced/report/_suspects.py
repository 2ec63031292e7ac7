"""The labels under suspicion as a grid of images."""

from collections.abc import Sequence

from selfpaced._errors import require
from selfpaced.report._drawing import Floats, Numbers, as_floats
from selfpaced.report._theme import LIGHT, Axes, Figure, LinearSegmentedColormap, Theme

COLUMNS = 5


def plot_suspects(
    images: Numbers,
    given: Sequence[int],
    suggested: Sequence[int],
    planted: Sequence[bool] | None = None,
    *,
    theme: Theme = LIGHT,
) -> list[Axes]:
    """Draw suspects in a grid, five a row, each with its given and its suggested label.

    Args:
        images: Grey values, higher is nearer to the ink, shape (k, height, width), most
            suspicious first.
        given: The labels under suspicion, k of them.
        suggested: What the model says instead, k of them.
        planted: Where it is known, whether the label was made wrong on purpose, k of them: a solid
            frame and a tick; a dashed frame and a cross where it was not.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        One axes per image, all on one new figure.

    Raises:
        ValueError: When the lengths differ, the images are no images, or there are none.

    >>> import numpy as np
    >>> len(plot_suspects(np.zeros((2, 8, 8)), [3, 1], [8, 7], [True, False]))
    2
    """
    pictures = as_floats(images)
    k = len(pictures) if pictures.ndim else 0
    lengths = {len(given), len(suggested), k if planted is None else len(planted)}
    require(k > 0, "There is no suspect to draw; got 0 images.")
    require(
        pictures.ndim == 3,
        f"images must be grey, shape (k, height, width); got shape {pictures.shape}.",
    )
    require(lengths == {k}, f"Each of the {k} images needs a label of each kind; got {lengths}.")
    figure = _sheet(k, theme)
    _head(figure, theme, legend=planted is not None)
    every = []
    for place, picture in enumerate(pictures):
        axes = figure.add_subplot(-(-k // COLUMNS), min(k, COLUMNS), place + 1)
        _show(axes, picture, f"{given[place]} → {suggested[place]}", theme)
        if planted is not None:
            _mark(axes, bool(planted[place]), theme)
        every.append(axes)
    return every


def _sheet(k: int, theme: Theme) -> Figure:
    """Return a figure with room for a grid of k images and a head."""
    rows, columns = -(-k // COLUMNS), min(k, COLUMNS)
    size = (max(1.75 * columns, 5), 2.05 * rows + 0.9)
    figure = Figure(figsize=size, dpi=150, facecolor=theme.background)
    inch = 1 / figure.get_figheight()
    figure.subplots_adjust(left=0.03, right=0.97, bottom=0.2 * inch, top=1 - 1.1 * inch, hspace=0.3)
    return figure


def _show(axes: Axes, picture: Floats, title: str, theme: Theme) -> None:
    """Show one image in ink on the theme's paper."""
    ink = LinearSegmentedColormap.from_list("ink", [theme.background, theme.ink])
    axes.set_facecolor(theme.background)
    axes.imshow(picture, cmap=ink, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=12, pad=5, color=theme.ink)
    for spine in axes.spines.values():
        spine.set_color(theme.muted)


def _head(figure: Figure, theme: Theme, *, legend: bool) -> None:
    """Say above the grid what it shows and what the marks mean."""
    inch = 1 / figure.get_figheight()
    title = "Most suspicious labels: given → suggested"
    figure.text(
        *(0.03, 1 - 0.3 * inch, title),
        fontsize=13,
        fontweight="bold",
        va="center",
        color=theme.ink,
    )
    if legend:
        y, wide = 1 - 0.6 * inch, 1 / figure.get_figwidth()
        for x, planted, says in (
            (0.03, True, "made wrong on purpose"),
            (0.6, False, "not planted"),
        ):
            colour, _, mark = _look(planted, theme)
            figure.text(x, y, mark, color=colour, fontsize=12, va="center")
            figure.text(x + 0.2 * wide, y, says, color=theme.ink, fontsize=11, va="center")


def _look(planted: bool, theme: Theme) -> tuple[str, str | tuple[int, tuple[int, int]], str]:
    """Return the colour, the frame's dash and the mark."""
    return (theme.colours[2], "-", "✓") if planted else (theme.colours[1], (0, (3, 2)), "✗")


def _mark(axes: Axes, planted: bool, theme: Theme) -> None:
    """Frame an image, and put the mark on the frame's corner."""
    colour, dash, mark = _look(planted, theme)
    for spine in axes.spines.values():
        spine.set(color=colour, linestyle=dash, linewidth=2.5)
    axes.annotate(
        *(mark, (1, 1)),
        xycoords="axes fraction",
        xytext=(-2, 5),
        textcoords="offset points",
        color=colour,
        fontsize=14,
        ha="right",
    )
