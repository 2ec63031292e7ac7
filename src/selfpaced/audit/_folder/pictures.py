"""Pictures of an audit: the training, and what is suspect."""

from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced.audit._folder.panels import panels, short
from selfpaced.audit._result import Audit
from selfpaced.report import DARK, LIGHT, Theme, plot_kept_share, plot_loss_bands, plot_suspects
from selfpaced.report._drawing import draw_line, over_whole_numbers
from selfpaced.report._theme import Axes, Figure, dress, new_figure

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
