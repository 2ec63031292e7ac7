"""The picture of suspects that are images: a grid with their labels."""

from collections.abc import Sequence

from selfpaced._errors import require
from selfpaced.report._drawing import Floats, Numbers, as_floats
from selfpaced.report._theme import DPI, LIGHT, Axes, Figure, LinearSegmentedColormap, Theme

# The number of images in a row of the grid.
COLUMNS = 5


def plot_suspects(
    images: Numbers,
    given: Sequence[int],
    suggested: Sequence[int],
    planted: Sequence[bool] | None = None,
    *,
    theme: Theme = LIGHT,
) -> list[Axes]:
    """Draw suspects in a grid, five per row, each with its given and its suggested label.

    Args:
        images: Grey values, shape (k, height, width), most suspicious first; higher values are
            drawn nearer to the theme's ink.
        given: The given labels, k of them.
        suggested: The labels that the model suggests, k of them.
        planted: Whether each label was made wrong on purpose, k of them, if it is known. Such an
            image has a solid frame and a tick, any other a dashed frame and a cross.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        One axes per image, all on one new figure.

    Raises:
        ValueError: For lengths that differ, for images of another shape, and for no image.

    >>> import numpy as np
    >>> len(plot_suspects(np.zeros((2, 8, 8)), [3, 1], [8, 7], [True, False]))
    2
    """
    pictures = as_floats(images)
    k = len(pictures) if pictures.ndim else 0
    lengths = {len(given), len(suggested), k if planted is None else len(planted)}
    require(k > 0, "plot_suspects needs at least one image; got 0.")
    require(
        pictures.ndim == 3,
        f"images must be grey, shape (k, height, width); got shape {pictures.shape}.",
    )
    require(
        lengths == {k},
        f"Each of the {k} images needs one label in given and suggested, and in planted if it is "
        f"passed; got lengths {sorted(lengths)}.",
    )
    figure = _sheet(k, theme)
    _head(figure, theme, legend=planted is not None)
    cells = []
    for place, picture in enumerate(pictures):
        axes = figure.add_subplot(-(-k // COLUMNS), min(k, COLUMNS), place + 1)
        _show(axes, picture, f"{given[place]} → {suggested[place]}", theme)
        if planted is not None:
            _mark(axes, bool(planted[place]), theme)
        cells.append(axes)
    return cells


def _sheet(k: int, theme: Theme) -> Figure:
    """Return a figure with room for a grid of k images and a heading."""
    rows, columns = -(-k // COLUMNS), min(k, COLUMNS)
    size = (max(1.75 * columns, 5), 2.05 * rows + 0.9)
    figure = Figure(figsize=size, dpi=DPI, facecolor=theme.background)
    inch = 1 / figure.get_figheight()
    figure.subplots_adjust(left=0.03, right=0.97, bottom=0.2 * inch, top=1 - 1.1 * inch, hspace=0.3)
    return figure


def _show(axes: Axes, picture: Floats, title: str, theme: Theme) -> None:
    """Draw one image in the colours of the theme, from its background to its ink."""
    ink = LinearSegmentedColormap.from_list("ink", [theme.background, theme.ink])
    axes.set_facecolor(theme.background)
    axes.imshow(picture, cmap=ink, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=12, pad=5, color=theme.ink)
    for spine in axes.spines.values():
        spine.set_color(theme.muted)


def _head(figure: Figure, theme: Theme, *, legend: bool) -> None:
    """Write the title above the grid, and a legend of the marks if it is wanted."""
    inch = 1 / figure.get_figheight()
    figure.text(
        0.03,
        1 - 0.3 * inch,
        "Most suspicious labels: given → suggested",
        fontsize=13,
        fontweight="bold",
        va="center",
        color=theme.ink,
    )
    if legend:
        y, wide = 1 - 0.6 * inch, 1 / figure.get_figwidth()
        for x, planted, words in (
            (0.03, True, "made wrong on purpose"),
            (0.6, False, "not made wrong"),
        ):
            colour, _, mark = _look(planted, theme)
            figure.text(x, y, mark, color=colour, fontsize=12, va="center")
            figure.text(x + 0.2 * wide, y, words, color=theme.ink, fontsize=11, va="center")


def _look(planted: bool, theme: Theme) -> tuple[str, str | tuple[int, tuple[int, int]], str]:
    """Return the colour, the dash of the frame and the mark of an image."""
    return (theme.colours[2], "-", "✓") if planted else (theme.colours[1], (0, (3, 2)), "✗")


def _mark(axes: Axes, planted: bool, theme: Theme) -> None:
    """Draw a frame around an image, and the mark at its upper right corner."""
    colour, dash, mark = _look(planted, theme)
    for spine in axes.spines.values():
        spine.set(color=colour, linestyle=dash, linewidth=2.5)
    axes.annotate(
        mark,
        (1, 1),
        xycoords="axes fraction",
        xytext=(-2, 5),
        textcoords="offset points",
        color=colour,
        fontsize=14,
        ha="right",
    )
