import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from selfpaced.report import plots
from selfpaced.report.plots import GREEN, VERMILLION, plot_curves, plot_suspects

IMAGES = np.zeros((25, 8, 8), np.float32)
RUNS = {"plain": [0.5, 0.6], "self-paced": [0.5, 0.7], "trained on clean labels": [0.6, 0.8]}


def shown(figure: Figure) -> list[Text]:
    """Every text that a figure shows; ticks outside the limits exist but are not drawn."""
    figure.draw_without_rendering()
    texts = [*figure.texts]
    for axes in figure.axes:
        legend = axes.get_legend()
        (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        ticks = [text for text in axes.get_xticklabels() if left <= text.get_position()[0] <= right]
        ticks += [text for text in axes.get_yticklabels() if low <= text.get_position()[1] <= high]
        texts += [axes.title, *axes.texts, *ticks]
        texts += [axes.xaxis.label, *(legend.get_texts() if legend is not None else [])]
        texts += [child for child in axes.get_children() if isinstance(child, Text)]
    unique = {id(text): text for text in texts if text.get_text() and text.get_visible()}
    return list(unique.values())


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown(figure)]
    return [
        (first, second)
        for place, (first, box) in enumerate(boxes)
        for second, other in boxes[place + 1 :]
        if box.overlaps(other)
    ]


def outside(figure: Figure) -> list[str]:
    box = figure.bbox
    return [
        text.get_text()
        for text in shown(figure)
        if not (
            box.x0 <= text.get_window_extent().x0
            and text.get_window_extent().x1 <= box.x1
            and box.y0 <= text.get_window_extent().y0
            and text.get_window_extent().y1 <= box.y1
        )
    ]


def test_curves_show_every_run_and_the_true_share() -> None:
    left, right = plot_curves(RUNS, [1.0, 0.7], 0.6).axes
    assert [line.get_label() for line in left.lines] == list(RUNS)
    assert list(np.asarray(left.lines[1].get_ydata())) == [0.5, 0.7]
    assert list(np.asarray(right.lines[0].get_xdata())) == [1, 2]
    assert right.lines[1].get_label() == "labels that are right: 60%"


def test_the_lines_differ_without_colour() -> None:
    left = plot_curves(RUNS, [1.0]).axes[0]
    assert len({str(line.get_linestyle()) for line in left.lines}) == 3
    assert len({str(line.get_color()) for line in left.lines}) == 3


def test_an_unknown_share_draws_no_reference() -> None:
    assert len(plot_curves(RUNS, [1.0, 0.7]).axes[1].lines) == 1


def test_more_runs_than_line_styles_are_refused() -> None:
    with pytest.raises(ValueError, match="At most 4 runs can be drawn; got 5"):
        plot_curves({str(run): [0.5] for run in range(5)}, [1.0])


def test_a_suspect_shows_both_labels() -> None:
    figure = plot_suspects(IMAGES[:2], [3, 1], [8, 7])
    assert [axes.get_title() for axes in figure.axes] == ["3 → 8", "1 → 7"]
    assert not any(axes.texts for axes in figure.axes)


def test_planted_and_not_planted_differ_in_colour_and_in_mark() -> None:
    planted, other = plot_suspects(IMAGES[:2], [3, 1], [8, 7], [True, False]).axes
    assert (planted.texts[0].get_text(), other.texts[0].get_text()) == ("✓", "✗")
    assert (planted.texts[0].get_color(), other.texts[0].get_color()) == (GREEN, VERMILLION)
    assert planted.spines["top"].get_linestyle() != other.spines["top"].get_linestyle()


@pytest.mark.parametrize("k", [1, 2, 5, 7, 25])
def test_no_text_of_the_suspects_overlaps_or_is_cut(k: int) -> None:
    figure = plot_suspects(IMAGES[:k], [3] * k, [8] * k, [True] * k)
    assert len(figure.axes) == k
    assert overlaps(figure) == []
    assert outside(figure) == []


@pytest.mark.parametrize("epochs", [1, 2, 30, 200])
def test_no_text_of_the_curves_overlaps_or_is_cut(epochs: int) -> None:
    runs = {name: np.linspace(0.1, 0.95, epochs).tolist() for name in RUNS}
    figure = plot_curves(runs, [0.6] * epochs, 0.6)
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_a_step_is_a_whole_number_on_the_axis() -> None:
    figure = plot_curves(RUNS, [1.0, 0.7])
    ticks = figure.axes[1].get_xticks()
    assert all(float(tick).is_integer() for tick in ticks)
    assert all(before < after for before, after in pairwise(ticks))


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="no suspect to draw"):
        plot_suspects(IMAGES[:0], [], [])


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="Each of the 2 images needs a label"):
        plot_suspects(IMAGES[:2], [3], [8, 7])


def test_figures_are_saved_without_pyplot(tmp_path: Path) -> None:
    plot_suspects(IMAGES[:3], [1, 2, 3], [4, 5, 6]).savefig(tmp_path / "suspects.png")
    assert (tmp_path / "suspects.png").stat().st_size > 0
    assert "pyplot" not in Path(str(plots.__file__)).read_text()


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.axes", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "selfpaced.report.plots")
    with pytest.raises(ModuleNotFoundError, match=r'pip install "selfpaced\[report\]"'):
        import_module("selfpaced.report.plots")
