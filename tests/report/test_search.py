import numpy as np
import pytest
from matplotlib.figure import Figure

from selfpaced.report import DARK, LIGHT, Theme, plot_searches

SEARCHES = {"self-paced": [[9.0, 12.0, 3.0], [9.0, 2.0]], "CCCP": [[9.0, 4.0]]}


def test_every_start_is_a_line_over_fits_from_1() -> None:
    axes = plot_searches(SEARCHES)
    assert [np.asarray(line.get_xdata()).tolist() for line in axes.lines] == [
        [1, 2, 3],
        [1, 2],
        [1, 2],
    ]
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [9.0, 12.0, 3.0]
    assert axes.get_xlim() == (0.5, 3.5)
    assert (axes.get_title("left"), axes.get_xlabel()) == ("Objective with all weights 1", "fits")


def test_starts_of_a_search_look_alike_and_have_one_name() -> None:
    axes = plot_searches(SEARCHES)
    first, second, other = axes.lines
    assert first.get_color() == second.get_color() != other.get_color()
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["self-paced", "CCCP"]


def test_a_mark_shows_where_each_search_ended() -> None:
    assert [line.get_markevery() for line in plot_searches(SEARCHES).lines] == [[2], [1], [1]]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_axes_that_are_given_are_drawn_on_and_come_back(theme: Theme) -> None:
    given = Figure().add_subplot()
    assert plot_searches(SEARCHES, ax=given, theme=theme) is given
    assert given.lines[0].get_color() == theme.colours[0]


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ({}, "There are no searches to draw; got 0"),
        ({"a": []}, r"objectives\['a'\] must hold one row of objectives per start; got none"),
        ({"a": [[]]}, r"objectives\['a'\]\[0\] must hold at least one number; got none"),
        ({str(n): [[1.0]] for n in range(9)}, "At most 8 searches can be told apart .* got 9"),
    ],
)
def test_nothing_to_draw_is_refused(objectives: dict[str, list[list[float]]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_searches(objectives)
