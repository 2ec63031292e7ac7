"""The pictures of a run: the training, and the suspects."""

from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from selfpaced._text import in_picture
from selfpaced.audit._folder.files import CURVES, SUSPECTS_PICTURE
from selfpaced.audit._reliability import Reliability
from selfpaced.audit._result import SUSPECT, Audit
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

# The largest number of images of suspects in the picture.
MOST_IMAGES = 25
# The size of a picture with two panels of the training: width and height in inches.
CURVES_SIZE = (10.0, 4.2)
# The size of a picture of suspects that are not images: width and height in inches.
PANELS_SIZE = (11.0, 4.8)
# Above this median, images count as photographs; below it, as ink on an empty background.
PHOTOGRAPH_MEDIAN = 0.2
# The largest number of classes in the table of confused classes.
MOST_CLASSES = 12
# Up to this number of classes, the table has large letters.
FEW_CLASSES = 6
# The largest number of characters of the name of a class.
NAME_LENGTH = 12
# Above this probability of a label error, a label counts as almost surely wrong.
SURE = 0.9
# Below this probability of a label error, a label counts as right.
RIGHT = 0.1
# Above this number of points, the points of a scatter plot are small and transparent.
MANY_POINTS = 500


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
        found: The result of an audit of n samples.
        folder: A folder that exists and can be written to.
        images: Images of the samples, shape (n, height, width), (n, channels, height, width) or
            (n, height, width, channels) with 1 or 3 channels: ``suspects.png`` shows those of the
            suspects. None for other data: it shows the probabilities and the confused classes.
        dark: Draw on a dark background.
        losses: Losses after each epoch, shape (epochs, n): ``curves.png`` shows their spread, for
            the suspects and for all others. None: it shows means from the history.

    Raises:
        ValueError: For images of another shape.
        OSError: If a file cannot be written.
    """
    theme = DARK if dark else LIGHT
    _save(_curves(found, losses, theme), folder / CURVES)
    shown = found.suspects.head(MOST_IMAGES)
    if images is None or shown.empty:
        _save(panels(found, theme), folder / SUSPECTS_PICTURE)
    else:
        _save(_grid(shown, images, theme), folder / SUSPECTS_PICTURE)


def _save(figure: Figure, path: Path) -> None:
    """Write a figure; characters that the font lacks appear as boxes, without a warning."""
    with catch_warnings():
        filterwarnings("ignore", message="Glyph .* missing from font")
        # Without the version of matplotlib, the bytes do not depend on it.
        figure.savefig(path, metadata={"Software": None})


def _curves(found: Audit, losses: NDArray[Any] | None, theme: Theme) -> Figure:
    """Draw the kept share, and the losses."""
    figure = new_figure(theme, *CURVES_SIZE)
    left, right = figure.subplots(1, 2)
    plot_kept_share(found.history["kept_share"], ax=left, theme=theme)
    left.set_xlabel("epoch")
    if losses is None:
        _draw_means(right, found.history, theme)
        return figure
    suspect = np.zeros(len(found.table), dtype=bool)
    suspect[found.suspects.index] = True
    plot_loss_bands(losses, suspect, ax=right, theme=theme)
    texts = {"right labels": "all others", "wrong labels": "suspects"}
    legend = right.get_legend()
    for text in legend.get_texts() if legend is not None else []:
        text.set_text(texts[text.get_text()])
    return figure


def _draw_means(axes: Axes, history: pd.DataFrame, theme: Theme) -> None:
    """Draw the mean and the median: a few samples with high losses raise only the mean."""
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
    """Draw the images of the first suspects, each with its given and its suggested label."""
    pictures = _to_01(images[shown.index.to_numpy()])
    grey = pictures if pictures.ndim == 3 else pictures.mean(-1)
    given, suggested = ([short(label) for label in shown[name]] for name in ("label", "suggested"))
    cells = plot_suspects(grey, given, suggested, theme=theme)  # type: ignore[arg-type]  # text works too
    longest = max(len(axes.get_title()) for axes in cells)
    photographs = float(np.median(grey)) > PHOTOGRAPH_MEDIAN
    for axes, picture in zip(cells, pictures, strict=True):
        axes.title.set_fontsize(min(12.0, 205 / longest))
        if photographs or picture.ndim == 3:
            axes.images[0].set(data=picture, cmap="gray", clim=(0, 1))
    figure = cells[0].figure.canvas.figure
    figure.subplots_adjust(top=1 - 0.85 / figure.get_figheight())  # no legend: less room on top
    return figure


def _to_01(images: NDArray[Any]) -> NDArray[np.float64]:
    """Return images scaled to 0 to 1: grey (k, height, width), or colour with channels last."""
    pictures = images.astype(np.float64)
    if pictures.ndim == 4 and pictures.shape[1] in (1, 3):
        pictures = np.moveaxis(pictures, 1, -1)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim not in (3, 4) or (pictures.ndim == 4 and pictures.shape[-1] != 3):
        raise ValueError(
            f"draw expects images of shape (height, width), with 1 or 3 channels or none; got "
            f"images of shape {images.shape[1:]}."
        )
    low, high = pictures.min(), pictures.max()
    return (pictures - low) / (high - low) if high > low else np.zeros_like(pictures)


def panels(found: Audit, theme: Theme) -> Figure:
    """Return a figure of the probabilities of label errors, and of the classes confused.

    For numbers, the second panel shows the given numbers over the predicted ones. Where no class
    was learned, the panels show how well labels are predicted instead.

    Args:
        found: The result of an audit.
        theme: The colours.
    """
    figure = new_figure(theme, *PANELS_SIZE)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_facecolor(theme.background)
    if found.reliability is not None and not found.reliability.learned:
        _draw_accuracy(left, found.conclusion[0], found.reliability, theme)
        _draw_recalls(right, found.reliability.classes, theme)
        return figure
    _draw_probabilities(left, found, theme)
    if found.numeric:
        _draw_numbers(right, found, theme)
    else:
        _draw_confusion(right, found, theme)
    return figure


def _draw_probabilities(axes: Axes, found: Audit, theme: Theme) -> None:
    """Draw the probabilities in falling order, from the suspects to the first right labels."""
    p = np.sort(found.table["probability"].dropna().to_numpy(np.float64))[::-1]
    sure, right = int((p > SURE).sum()), int((p < RIGHT).sum())
    doubtful = len(p) - sure - right
    rank, steps = np.arange(len(p) + 1), np.append(p, p[-1:])
    parts = (
        (0, sure, theme.colours[1], f"above {SURE:.0%}: {sure:,}"),
        (sure, sure + doubtful, theme.muted, f"between: {doubtful:,}"),
        (sure + doubtful, len(p), theme.colours[0], f"below {RIGHT:.0%}: {right:,}"),
    )
    for start, end, colour, label in parts:
        part = slice(start, end + 1)
        axes.fill_between(rank[part], steps[part], step="post", color=colour, lw=0, label=label)
    axes.set_xlim(0, min(len(p), max(20, round(1.25 * (sure + doubtful)))))
    axes.set_ylim(0, 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _draw_threshold(axes, theme)
    what = "numbers" if found.numeric else "labels"
    dress(
        axes,
        theme,
        title=found.conclusion[0],
        x=f"{what}, most suspicious first",
        y="probability of a mistake",
    )


def _draw_accuracy(axes: Axes, title: str, known: Reliability, theme: Theme) -> None:
    """Draw the held-out accuracy beside that of the most frequent class."""
    shares = {"models": known.accuracy, "the most\nfrequent class": known.base_accuracy}
    _draw_shares(axes, pd.Series(shares), theme, title=title, x="labels predicted right")


def _draw_recalls(axes: Axes, classes: pd.DataFrame, theme: Theme) -> None:
    """Draw the share of each class that is predicted, for the most frequent classes."""
    recalls = classes.nlargest(MOST_CLASSES, "rows")["recall"].rename(short)
    title = "No class is clearly better than chance"
    _draw_shares(axes, recalls, theme, title=title, x="labels of the class predicted right")


def _draw_shares(axes: Axes, shares: pd.Series, theme: Theme, *, title: str, x: str) -> None:
    """Draw shares as bars, each with its number."""
    bars = axes.barh(range(len(shares)), shares, height=0.5, color=theme.muted)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares], padding=4, color=theme.ink)
    axes.set_yticks(range(len(shares)), shares.index)
    axes.set_ylim(max(len(shares), 3) - 0.5, -0.5)
    axes.set_xlim(0, 1.15)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    dress(axes, theme, title=title, x=x)
    axes.grid(visible=False)


def _draw_threshold(axes: Axes, theme: Theme) -> None:
    """Mark the probability above which a label is a suspect."""
    axes.axhline(SUSPECT, color=theme.ink, linestyle="--", linewidth=1.2)
    axes.annotate(
        "suspects",
        (1, SUSPECT),
        xycoords=axes.get_yaxis_transform(),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=theme.ink,
        fontsize=9,
    )


def _draw_confusion(axes: Axes, found: Audit, theme: Theme) -> None:
    """Draw the number of suspects by the class that was meant and the label given."""
    if found.suspects.empty:
        _draw_no_suspects(axes, theme)
        return
    counts = _confusion(found)
    cells, names = counts.to_numpy(), [short(name) for name in counts.index]
    heat = LinearSegmentedColormap.from_list("heat", [theme.background, theme.colours[1]])
    axes.imshow(_coloured(cells, heat, theme), aspect="auto")
    size = 11 if len(names) <= FEW_CLASSES else 8
    centered = {"ha": "center", "va": "center"}
    for row, column in np.argwhere(cells > 0):
        axes.text(column, row, f"{cells[row, column]:,}", centered, fontsize=size, color=theme.ink)
    meant, given = np.unravel_index(cells.argmax(), cells.shape)
    title = f"Most often {names[meant]} was labelled {names[given]}"
    dress(axes, theme, title=title, x="label given", y="class that was meant")
    _name_cells(axes, names, theme)


def _coloured(cells: NDArray[Any], heat: LinearSegmentedColormap, theme: Theme) -> NDArray[Any]:
    """Return a colour per cell, shape (k, k, 4); the diagonal, of right labels, is grey."""
    picture = np.asarray(heat(0.75 * cells / cells.max()))
    picture[np.diag_indices(len(cells))] = to_rgba(theme.grid, 0.6)
    return picture


def _name_cells(axes: Axes, names: list[str], theme: Theme) -> None:
    """Write the names of the rows and columns, and draw thin lines between them."""
    places, size = range(len(names)), 10 if len(names) <= FEW_CLASSES else 8
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
    """Count the suspects by meant class (rows) and given class, for the most frequent classes."""
    meant, given = (found.suspects[name].astype(object) for name in ("suggested", "label"))
    frequent = set(pd.concat([meant, given]).value_counts().index[:MOST_CLASSES])
    classes = pd.DataFrame() if found.confusion is None else found.confusion
    order = [name for name in classes.index if name in frequent]
    return pd.crosstab(meant, given).reindex(index=order, columns=order, fill_value=0)


def _draw_numbers(axes: Axes, found: Audit, theme: Theme) -> None:
    """Draw the given numbers over the predicted ones, with the suspects on top."""
    suspects = found.suspects
    rest = found.table.drop(index=suspects.index)
    many = len(rest) > MANY_POINTS
    for table, place, size, label in (
        (rest, 0, 8 if many else 22, "all others"),
        (suspects, 1, 34, "suspects"),
    ):
        axes.scatter(
            table["suggested"],
            table["label"],
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
    title = f"{far} far from the prediction"
    dress(axes, theme, title=title, x="number predicted by the model", y="number given")


def _draw_no_suspects(axes: Axes, theme: Theme) -> None:
    """Write that there is no suspect."""
    axes.text(0.5, 0.5, "There are no suspects.", ha="center", color=theme.ink, fontsize=12)
    axes.set_axis_off()


def short(label: object) -> str:
    r"""Return a label as short text; no formula is drawn of it.

    >>> short("Personenkraftwagen"), short("$5")
    ('Personenkra…', '\\$5')
    """
    text = " ".join(str(label).split())
    if len(text) > NAME_LENGTH:
        text = text[: NAME_LENGTH - 1] + "…"
    return in_picture(text)
