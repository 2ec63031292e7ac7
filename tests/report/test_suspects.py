"""Claims about the picture of suspects that are images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from selfpaced.report import DARK, LIGHT, Theme, plot_suspects

IMAGES = np.zeros((25, 8, 8), np.float32)
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def texts(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    every = [*figure.texts]
    for axes in figure.axes:
        every += [axes.title, *axes.texts]
    return [text for text in every if text.get_text()]


def test_a_suspect_shows_both_labels() -> None:
    every = plot_suspects(IMAGES[:2], [3, 1], [8, 7])
    assert [axes.get_title() for axes in every] == ["3 → 8", "1 → 7"]
    assert not any(axes.texts for axes in every)


def test_a_tensor_shows_its_values() -> None:
    images = torch.rand(2, 4, 5)
    for axes, image in zip(plot_suspects(images, [3, 1], [8, 7]), images, strict=True):
        np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), image.numpy())


@THEMES
def test_planted_and_other_labels_differ_in_colour_mark_and_frame(theme: Theme) -> None:
    planted, other = plot_suspects(IMAGES[:2], [3, 1], [8, 7], [True, False], theme=theme)
    assert (planted.texts[0].get_text(), other.texts[0].get_text()) == ("✓", "✗")
    assert planted.texts[0].get_color() == theme.colours[2]
    assert other.texts[0].get_color() == theme.colours[1]
    assert planted.spines["top"].get_linestyle() != other.spines["top"].get_linestyle()


@THEMES
def test_ink_and_paper_are_those_of_the_theme(theme: Theme) -> None:
    (axes,) = plot_suspects(np.eye(2)[None], [3], [8], theme=theme)
    figure = axes.figure.canvas.figure
    ink, paper = axes.images[0].to_rgba(np.array([1.0, 0.0]))[:, :3]
    assert np.allclose(ink, [int(theme.ink[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    assert np.allclose(paper, figure.get_facecolor()[:3])
    assert axes.title.get_color() == figure.texts[0].get_color() == theme.ink


@pytest.mark.parametrize("k", [1, 2, 5, 7, 25])
def test_no_text_of_the_suspects_overlaps_or_is_cut(k: int) -> None:
    every = plot_suspects(IMAGES[:k], [3] * k, [8] * k, [True] * k)
    figure = every[0].figure.canvas.figure
    assert len(figure.axes) == len(every) == k
    boxes = [text.get_window_extent() for text in texts(figure)]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="plot_suspects needs at least one image; got 0"):
        plot_suspects(IMAGES[:0], [], [])


def test_labels_of_another_length_are_refused() -> None:
    said = r"Each of the 2 images needs one label in given and suggested, .* got lengths \[1, 2\]"
    with pytest.raises(ValueError, match=said):
        plot_suspects(IMAGES[:2], [3], [8, 7])
    with pytest.raises(ValueError, match=said):
        plot_suspects(IMAGES[:2], [3, 1], [8, 7], [True])


def test_images_that_are_not_grey_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(k, height, width\); got shape \(2, 64\)"):
        plot_suspects(np.zeros((2, 64)), [3, 1], [8, 7])


def test_suspects_are_saved(tmp_path: Path) -> None:
    every = plot_suspects(IMAGES[:3], [1, 2, 3], [4, 5, 6])
    every[0].figure.canvas.figure.savefig(tmp_path / "suspects.png")
    assert (tmp_path / "suspects.png").stat().st_size > 0
