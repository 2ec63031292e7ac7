"""Pictures of an audit: the training, and what is suspect."""

from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from selfpaced.audit._result import Audit
from selfpaced.report import DARK, LIGHT, Theme, plot_kept_share, plot_loss_bands, plot_suspects
from selfpaced.report._drawing import draw_line, over_whole_numbers
from selfpaced.report._theme import (
    Axes,
    Figure,
    LinearSegmentedColormap,
    MaxNLocator,
    PercentFormatter,
    dress,
    new_figure,
)

PICTURED = 25


def draw(
    found: Audit,
    folder: Path,
    images: NDArray[Any] | None,
    *,
    dark: bool = False,
    losses: NDArray[Any] | None = None,
) -> None:
    """Write ``curves.png`` and ``suspects.png`` into a folder.

    Args:
        found: What the audit found, of n samples.
        folder: Exists and can be written to.
        images: Of the samples, shape (n, height, width), (n, channels, height, width) or
            (n, height, width, channels) with 1 or 3 channels: the suspects are shown. None for
            other data: their probabilities and the classes are.
        dark: Draw on dark paper.
        losses: Of each epoch, shape (epochs, n): their spread is drawn, of suspects and of all
            others. None draws means from the history.

    Raises:
        ValueError: For images of another shape.
        OSError: When a file cannot be written.
    """
    theme = DARK if dark else LIGHT
    _save(_curves(found, losses, theme), folder / "curves.png")
    shown = found.suspects.head(PICTURED)
    if images is None or shown.empty:
        _save(panels(found, theme), folder / "suspects.png")
    else:
        _save(_grid(shown, images, theme), folder / "suspects.png")


def _save(figure: Figure, path: Path) -> None:
    """Write a figure; letters that the font lacks are boxes."""
    with catch_warnings():
        filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, metadata={"Software": None})  # the same bytes in every version


def _curves(found: Audit, losses: NDArray[Any] | None, theme: Theme) -> Figure:
    """Draw what was kept, and the loss."""
    figure = new_figure(theme, 10, 4.2)
    left, right = figure.subplots(1, 2)
    plot_kept_share(found.history["kept_share"], ax=left, theme=theme)
    left.set_xlabel("epoch")
    if losses is None:
        _draw_means(right, found.history, theme)
        return figure
    wrong = np.zeros(len(found.table), dtype=bool)
    wrong[found.suspects.index] = True
    plot_loss_bands(losses, wrong, ax=right, theme=theme)
    texts = dict(zip(("right labels", "wrong labels"), ("all others", "suspects"), strict=True))
    legend = right.get_legend()
    for text in legend.get_texts() if legend is not None else []:
        text.set_text(texts[text.get_text()])
    return figure


def _draw_means(axes: Axes, history: pd.DataFrame, theme: Theme) -> None:
    """Draw the mean and the median: a few samples that are not learned keep the mean high."""
    axes.set_facecolor(theme.background)
    x = np.arange(1, len(history) + 1, dtype=np.float64)
    names = {"mean_loss": "mean loss", "median_difficulty": "median difficulty"}
    for place, (column, label) in enumerate(names.items()):
        values = history[column].to_numpy(np.float64)
        draw_line(axes, x, values, place, label=label, theme=theme, few=1)
    axes.set_ylim(bottom=0)
    over_whole_numbers(axes, 1, len(history))
    dress(axes, theme, title="Loss of all samples", x="epoch", y="loss")


def _grid(shown: pd.DataFrame, images: NDArray[Any], theme: Theme) -> Figure:
    """Show the first suspects, each with its given and its suggested label."""
    pictures = _to_01(images[shown.index.to_numpy()])
    grey = pictures if pictures.ndim == 3 else pictures.mean(-1)
    given, suggested = ([short(label) for label in shown[name]] for name in ("label", "suggested"))
    every = plot_suspects(grey, given, suggested, theme=theme)  # type: ignore[arg-type]  # it writes any label
    longest = max(len(axes.get_title()) for axes in every)
    photographs = float(np.median(grey)) > 0.2  # else ink on an empty ground
    for axes, picture in zip(every, pictures, strict=True):
        axes.title.set_fontsize(min(12.0, 205 / longest))
        shade = axes.images[0]
        if photographs or picture.ndim == 3:
            shade.set(data=picture, cmap="gray", clim=(0, 1))
    figure = every[0].figure.canvas.figure
    figure.subplots_adjust(top=1 - 0.85 / figure.get_figheight())  # there is no legend
    return figure


def _to_01(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return grey images (k, height, width) or coloured ones with the channels last, in 0 to 1."""
    pictures = images.astype(np.float64)
    if pictures.ndim == 4 and pictures.shape[1] in (1, 3):
        pictures = np.moveaxis(pictures, 1, -1)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim not in (3, 4) or (pictures.ndim == 4 and pictures.shape[-1] != 3):
        raise ValueError(
            f"draw expects images (n, height, width), with 1 or 3 channels or none; got "
            f"{images.shape[1:]} each."
        )
    low, high = pictures.min(), pictures.max()
    return (pictures - low) / (high - low) if high > low else np.zeros_like(pictures)


CLASSES = 12  # that are told apart
LONG = 12  # characters of a class's name
SURE, LIST, RIGHT = 0.9, 0.5, 0.1  # probabilities of a wrong label


def panels(found: Audit, theme: Theme) -> Figure:
    """Return a figure of how sure the result is, and what is mistaken for what.

    Args:
        found: What the audit found.
        theme: The colours.
    """
    figure = new_figure(theme, 11, 4.8)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_facecolor(theme.background)
    _draw_probabilities(left, found, theme)
    if found.numeric:
        _draw_numbers(right, found, theme)
    else:
        _draw_confusion(right, found, theme)
    return figure


def _draw_probabilities(axes: Axes, found: Audit, theme: Theme) -> None:
    """Draw the probabilities in falling order, down to where labels are right."""
    p = np.sort(found.table["probability"].dropna().to_numpy(np.float64))[::-1]
    sure, right = int((p > SURE).sum()), int((p < RIGHT).sum())
    doubtful = len(p) - sure - right
    rank, steps = np.arange(len(p) + 1), np.append(p, p[-1:])
    parts = (
        (0, sure, theme.colours[1], f"almost surely wrong: {sure:,}"),
        (sure, sure + doubtful, theme.muted, f"doubtful: {doubtful:,}"),
        (sure + doubtful, len(p), theme.colours[0], f"right: {right:,}"),
    )
    for start, end, colour, label in parts:
        part = slice(start, end + 1)
        axes.fill_between(rank[part], steps[part], step="post", color=colour, lw=0, label=label)
    axes.set_xlim(0, min(len(p), max(20, round(1.25 * (sure + doubtful)))))
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _draw_cut(axes, theme)
    k, what = len(found.suspects), "numbers" if found.numeric else "labels"
    title = f"{k:,} of {len(p):,} {what} {'is' if k == 1 else 'are'} probably wrong"
    dress(
        axes, theme, title=title, x=f"{what}, most suspicious first", y="probability of a mistake"
    )


def _draw_cut(axes: Axes, theme: Theme) -> None:
    """Mark what a label needs to be on the list of suspects."""
    axes.axhline(LIST, color=theme.ink, linestyle="--", linewidth=1.2)
    axes.annotate(
        *("suspects", (1, LIST)),
        xycoords=axes.get_yaxis_transform(),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=theme.ink,
        fontsize=9,
    )


def _draw_confusion(axes: Axes, found: Audit, theme: Theme) -> None:
    """Draw a table of the suspects: the class that was meant, and the label given."""
    if found.suspects.empty:
        _say_nothing(axes, theme)
        return
    counts = _confusion(found)
    cells, names = counts.to_numpy(), [short(name) for name in counts.index]
    heat = LinearSegmentedColormap.from_list("heat", [theme.background, theme.colours[1]])
    axes.imshow(_coloured(cells, heat, theme), aspect="auto")
    size = 11 if len(names) <= 6 else 8
    for row, column in np.argwhere(cells > 0):
        where = {"ha": "center", "va": "center"}
        axes.text(column, row, f"{cells[row, column]:,}", where, fontsize=size, color=theme.ink)
    meant, given = np.unravel_index(cells.argmax(), cells.shape)
    title = f"Most often {names[meant]} was labelled {names[given]}"
    dress(axes, theme, title=title, x="label given", y="class that was meant")
    _name_cells(axes, names, theme)


def _coloured(cells: NDArray[Any], heat: LinearSegmentedColormap, theme: Theme) -> NDArray[Any]:
    """Return a colour per cell, shape (k, k, 4); those of the right labels are grey."""
    picture = np.asarray(heat(0.75 * cells / cells.max()))
    picture[np.diag_indices(len(cells))] = to_rgba(theme.grid, 0.6)
    return picture


def _name_cells(axes: Axes, names: list[str], theme: Theme) -> None:
    """Name the rows and columns, and part them by thin lines."""
    places, size = range(len(names)), 10 if len(names) <= 6 else 8
    tilt = 45 if max(map(len, names)) * len(names) > 50 else 0
    axes.set_xticks(places, names, size=size, rotation=tilt, ha="right" if tilt else "center")
    axes.set_yticks(places, names, size=size)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for place in places[1:]:
        axes.axhline(place - 0.5, color=theme.background, linewidth=2)
        axes.axvline(place - 0.5, color=theme.background, linewidth=2)


def _confusion(found: Audit) -> pd.DataFrame:
    """Count the suspects by meant (rows) and given class, of the classes most involved."""
    meant, given = (found.suspects[name].astype(object) for name in ("suggested", "label"))
    involved = set(pd.concat([meant, given]).value_counts().index[:CLASSES])
    classes = pd.DataFrame() if found.confusion is None else found.confusion
    order = [name for name in classes.index if name in involved]
    return pd.crosstab(meant, given).reindex(index=order, columns=order, fill_value=0)


def _draw_numbers(axes: Axes, found: Audit, theme: Theme) -> None:
    """Draw the numbers given against those suggested, the suspects on top."""
    suspects = found.suspects
    rest = found.table.drop(index=suspects.index)
    many = len(rest) > 500
    for table, place, size, label in (
        (rest, 0, 8 if many else 22, "all others"),
        (suspects, 1, 34, "suspects"),
    ):
        axes.scatter(
            *(table["suggested"], table["label"]),
            s=size,
            alpha=0.35 if many and place == 0 else 0.9,
            color=theme.colours[place],
            marker="o" if place == 0 else "X",
            linewidths=0,
            label=f"{label}: {len(table):,}",
            rasterized=True,
        )
    axes.xaxis.set_major_locator(MaxNLocator(5))
    low, high = (float(bound) for bound in found.table["label"].agg(["min", "max"]))
    axes.axline((low, low), (high, high), color=theme.ink, linewidth=1, linestyle="--", zorder=1)
    far = "1 number lies" if len(suspects) == 1 else f"{len(suspects):,} numbers lie"
    title = f"{far} far from what was expected"
    dress(axes, theme, title=title, x="number that the model expects", y="number given")


def _say_nothing(axes: Axes, theme: Theme) -> None:
    """Say that there is no suspect."""
    axes.text(0.5, 0.5, "No label is under suspicion.", ha="center", color=theme.ink, fontsize=12)
    axes.set_axis_off()


def short(label: object) -> str:
    r"""Return a label short enough for a picture, with no dollar read as a formula.

    >>> short("Personenkraftwagen"), short("$5")
    ('Personenkra…', '\\$5')
    """
    text = " ".join(str(label).split())
    return (text if len(text) <= LONG else text[: LONG - 1] + "…").replace("$", r"\$")
