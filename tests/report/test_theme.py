"""Claims about the themes, the axes and the legend of all pictures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import selfpaced
from selfpaced import report
from selfpaced.report import DARK, LIGHT, Theme
from selfpaced.report._theme import choose_axes, dress, require_strokes

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
SOURCE = str(Path(selfpaced.__file__).parents[1])


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot((0.2126, 0.7152, 0.0722), parts))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_contrast_21() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)


@THEMES
def test_text_stands_out_by_4_5(theme: Theme) -> None:
    for colour in (theme.ink, theme.muted):
        assert contrast(colour, theme.background) >= 4.5


@THEMES
def test_lines_stand_out_by_3(theme: Theme) -> None:
    for colour in theme.colours:
        assert contrast(colour, theme.background) >= 3, colour


@THEMES
def test_every_stroke_differs_in_dash_and_in_mark(theme: Theme) -> None:
    strokes = [theme.stroke(place) for place in range(len(theme.dashes))]
    assert len({dash for _, dash, _ in strokes}) == len(strokes)
    assert len({mark for _, _, mark in strokes}) == len(strokes)
    assert len({(colour, dash) for colour, dash, _ in strokes}) == len(strokes)


def test_a_stroke_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match="A picture can have at most 8 lines; got 9. Draw fewer."):
        LIGHT.stroke(8)


def test_no_lines_and_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="There are no runs to draw; got 0. Give at least one."):
        require_strokes([], "runs", LIGHT)
    with pytest.raises(ValueError, match="At most 8 runs can be told apart in one picture; got 9"):
        require_strokes(range(9), "runs", LIGHT)


def test_axes_that_are_passed_are_returned_and_their_figure_keeps_its_colour() -> None:
    figure = Figure(facecolor="#FF0000")
    given = figure.add_subplot()
    assert choose_axes(given, DARK) is given
    assert to_rgb(given.get_facecolor()) == to_rgb(DARK.background)
    assert to_rgb(figure.get_facecolor()) == to_rgb("#FF0000")


@THEMES
def test_dressed_axes_have_the_colours_of_the_theme(theme: Theme) -> None:
    axes = choose_axes(None, theme)
    axes.plot([0, 1], label="a line")
    dress(axes, theme, title="Title", x="across", y="up")
    legend = axes.get_legend()
    assert legend is not None
    assert axes.get_title("left") == "Title"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("across", "up")
    assert axes.xaxis.label.get_color() == axes.yaxis.label.get_color() == theme.ink
    assert np.allclose(legend.get_texts()[0].get_color(), (*to_rgb(theme.ink), 1))
    assert axes.get_xticklabels()[0].get_color() == theme.muted
    assert not axes.spines["top"].get_visible()


def test_without_labels_there_is_no_legend() -> None:
    axes = choose_axes(None, LIGHT)
    axes.plot([0, 1])
    dress(axes, LIGHT, title="Title", x="across")
    assert axes.get_legend() is None


@pytest.mark.parametrize("labels", [3, 8])
@pytest.mark.parametrize("length", [3, 60])
def test_the_legend_lies_between_title_and_frame(labels: int, length: int) -> None:
    axes = choose_axes(None, LIGHT)
    for label in range(labels):
        axes.plot([0, 1], label=f"{label}" + "x" * length)
    dress(axes, LIGHT, title="Title", x="across")
    axes.figure.canvas.figure.draw_without_rendering()
    legend = axes.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    title = next(text for text in axes.get_children() if getattr(text, "_text", "") == "Title")
    assert axes.bbox.y1 <= box.y0
    assert box.y1 <= title.get_window_extent().y0
    assert box.x1 <= axes.figure.bbox.x1


def test_a_legend_of_one_column_fits_axes_without_a_grid() -> None:
    axes = Figure(figsize=(4, 4)).add_axes((0.1, 0.1, 0.8, 0.5))
    for label in ("short", "x" * 50):
        axes.plot([0, 1], label=label)
    dress(axes, LIGHT, title="Title", x="across")
    legend = axes.get_legend()
    assert legend is not None
    assert legend._ncols == 1  # type: ignore[attr-defined]  # matplotlib tells it nowhere else


def test_every_public_name_exists() -> None:
    assert [name for name in report.__all__ if not hasattr(report, name)] == []


def python(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": SOURCE})


@pytest.mark.parametrize("module", ["report", "report._runs", "report._suspects", "report._theme"])
def test_without_matplotlib_the_extra_is_named(module: str) -> None:
    result = python(f"import sys; sys.modules['matplotlib'] = None; import selfpaced.{module}")
    assert result.returncode == 1
    says = 'ModuleNotFoundError: The pictures need matplotlib: pip install "selfpaced[report]"'
    assert result.stderr.splitlines()[-1] == says


def test_the_pictures_do_not_import_pyplot_and_selfpaced_does_not_import_the_pictures() -> None:
    result = python(
        "import sys, selfpaced; early = 'selfpaced.report' in sys.modules; "
        "import selfpaced.report; print(early, 'matplotlib.pyplot' in sys.modules)"
    )
    assert result.stdout.strip() == "False False", result.stderr
