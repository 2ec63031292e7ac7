"""Claims about the pictures of runs over time."""

import math
from io import BytesIO
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from selfpaced.report import (
    DARK,
    LIGHT,
    Theme,
    plot_accuracies,
    plot_ages,
    plot_curves,
    plot_kept_share,
    plot_searches,
)

RUNS = {"plain": [0.5, 0.6], "self-paced": [0.5, 0.7], "trained on clean labels": [0.6, 0.8]}
INF = math.inf


def data(axes: Axes, line: int = 0) -> tuple[list[float], list[float]]:
    drawn = axes.lines[line]
    return np.asarray(drawn.get_xdata()).tolist(), np.asarray(drawn.get_ydata()).tolist()


def labels(axes: Axes) -> list[str]:
    return [str(line.get_label()) for line in axes.lines]


def boxes(axes: Axes) -> list[tuple[str, Bbox]]:
    """Return the name and box of every text, without the ticks outside the limits."""
    figure = axes.figure.canvas.figure
    figure.draw_without_rendering()
    hidden = {
        id(tick)
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in axis.get_ticklabels()
        if not low <= tick.get_position()[axis is axes.yaxis] <= high
    }
    texts = {id(text): text for text in figure.findobj(Text) if text.get_visible()}
    return [
        (text.get_text(), text.get_window_extent())
        for key, text in texts.items()
        if isinstance(text, Text) and text.get_text() and key not in hidden
    ]


def flaws(axes: Axes) -> list[str]:
    """Return the texts that overlap or leave the figure."""
    every, page = boxes(axes), axes.figure.canvas.figure.bbox
    pairs = combinations(every, 2)
    over = [f"{one} on {other}" for (one, box), (other, second) in pairs if box.overlaps(second)]
    fits = {name: page.count_contains(box.corners()) == 4 for name, box in every}
    return over + [f"{name} is cut" for name, inside in fits.items() if not inside]


def pixels(axes: Axes) -> np.ndarray:
    file = BytesIO()
    axes.figure.canvas.figure.savefig(file, format="rgba", dpi=50)
    return np.frombuffer(file.getvalue(), np.uint8).reshape(-1, 4)


def test_accuracies_show_every_run_over_epochs_from_1() -> None:
    axes = plot_accuracies(RUNS)
    assert labels(axes) == list(RUNS)
    assert data(axes, 1) == ([1, 2], [0.5, 0.7])
    assert (axes.get_title("left"), axes.get_xlabel()) == ("Test accuracy", "epoch")


def test_runs_differ_without_colour() -> None:
    axes = plot_accuracies({str(run): [0.5, 0.6] for run in range(8)})
    assert len({str(line._dash_pattern) for line in axes.lines}) == 8  # type: ignore[attr-defined]  # get_linestyle says "--" for all


def test_lists_arrays_and_tensors_give_the_same_line() -> None:
    values = [0.25, 0.5]
    tensor = torch.tensor(values, dtype=torch.bfloat16, requires_grad=True)
    axes = plot_accuracies({"list": values, "array": np.array(values), "tensor": tensor})
    assert [data(axes, line)[1] for line in range(3)] == [values] * 3


def test_a_single_epoch_is_a_dot() -> None:
    assert plot_accuracies({"plain": [0.5]}).lines[0].get_marker() == "o"
    assert plot_accuracies({"plain": [0.5, 0.6]}).lines[0].get_marker() in ("", "None")


def test_runs_may_differ_in_length() -> None:
    assert plot_accuracies({"short": [0.5], "long": [0.5] * 9}).get_xlim() == (0.5, 9.5)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_axes_that_are_passed_are_drawn_on_and_returned(theme: Theme) -> None:
    given = Figure().add_subplot()
    assert plot_accuracies(RUNS, ax=given, theme=theme) is given
    assert plot_kept_share([1.0], ax=given, theme=theme) is given
    assert plot_ages([1.0], ax=given, theme=theme) is given
    assert given.lines[0].get_color() == theme.colours[0]


def test_the_themes_give_different_pixels() -> None:
    light, dark = (pixels(plot_accuracies(RUNS, theme=theme)) for theme in (LIGHT, DARK))
    assert light[0, :3].tolist() == [255, 255, 255]
    assert dark[0, :3].tolist() == [0x14, 0x17, 0x1C]
    assert (light != dark).any(1).mean() > 0.9


def test_accuracies_in_per_cent_are_refused() -> None:
    with pytest.raises(ValueError, match=r"accuracies\['a'\] must hold shares from 0 to 1; got"):
        plot_accuracies({"a": [51.0, 93.0]})


def test_no_runs_and_no_epochs_are_refused() -> None:
    with pytest.raises(ValueError, match="There are no runs to draw; got 0"):
        plot_accuracies({})
    with pytest.raises(ValueError, match=r"accuracies\['a'\] must hold at least one number"):
        plot_accuracies({"a": []})


def test_more_runs_than_strokes_are_refused_before_drawing() -> None:
    given = Figure().add_subplot()
    with pytest.raises(ValueError, match="At most 8 runs can be told apart in one picture; got 9"):
        plot_accuracies({str(run): [0.5] for run in range(9)}, ax=given)
    assert not given.lines


def test_a_table_is_not_accepted_as_a_row() -> None:
    with pytest.raises(ValueError, match=r"kept_share must be one row .* got shape \(1, 2\)"):
        plot_kept_share([[1.0, 0.5]])


def test_kept_share_shows_the_true_share() -> None:
    axes = plot_kept_share([1.0, 0.7], 0.6)
    assert data(axes) == ([1, 2], [1.0, 0.7])
    assert labels(axes) == ["kept", "labels that are right: 60%"]
    assert data(axes, 1)[1] == [0.6, 0.6]
    assert axes.get_ylim() == (0, 1.03)
    assert len(plot_kept_share([1.0, 0.7]).lines) == 1


def test_shares_outside_0_to_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"kept_share must hold shares from 0 to 1; got \[-0.1\]"):
        plot_kept_share([0.5, -0.1])
    with pytest.raises(ValueError, match="clean_share must hold shares from 0 to 1"):
        plot_kept_share([0.5], 60.0)


def test_curves_are_both_pictures_on_one_figure() -> None:
    left, right = plot_curves(RUNS, [1.0, 0.7], 0.6, theme=DARK)
    assert left.figure is right.figure
    assert labels(left) == list(RUNS)
    assert labels(right) == ["kept", "labels that are right: 60%"]
    assert right.lines[0].get_color() == DARK.colours[0]


@pytest.mark.parametrize("epochs", [1, 2, 30, 200])
def test_no_text_of_the_curves_overlaps_or_is_cut(epochs: int) -> None:
    runs = {name: np.linspace(0.1, 0.95, epochs).tolist() for name in RUNS}
    left, _ = plot_curves(runs, [0.6] * epochs, 0.6)
    assert flaws(left) == []


def test_a_step_is_a_whole_number_on_the_axis() -> None:
    ticks = plot_kept_share([1.0, 0.7]).get_xticks()
    assert all(float(tick).is_integer() for tick in ticks)
    assert all(before < after for before, after in pairwise(ticks))


def test_an_infinite_age_is_a_gap_with_a_mark_on_the_top_edge() -> None:
    axes = plot_ages([INF, 0.5, 1.0, INF])
    line, edge = axes.lines
    np.testing.assert_array_equal(line.get_ydata(), [np.nan, 0.5, 1.0, np.nan])
    np.testing.assert_array_equal(edge.get_ydata(), [0.98, np.nan, np.nan, 0.98])
    assert edge.get_transform().transform((1, 0.98))[1] == axes.transAxes.transform((0, 0.98))[1]
    assert edge.get_color() == line.get_color()
    assert [text.get_text() for text in axes.texts] == ["keeps all"]


def test_there_is_no_tick_beside_the_infinite_ages() -> None:
    axes = plot_ages([INF, 0.5, 1.0])
    assert 1.0 <= max(axes.get_yticks()) < 1.05
    assert axes.get_ylim()[1] > 1.1


def test_finite_ages_need_no_top_edge() -> None:
    axes = plot_ages([0.5, 1.0])
    assert len(axes.lines) == 1
    assert not axes.texts
    assert axes.get_legend() is None


def test_only_infinite_ages_have_no_scale() -> None:
    axes = plot_ages([INF, INF])
    assert list(axes.get_yticks()) == []
    assert [text.get_text() for text in axes.texts] == ["keeps all"]


def test_a_finite_age_between_infinite_ones_is_marked() -> None:
    steps = 100
    ages = [INF] * steps
    ages[40] = 2.0
    line = plot_ages(ages).lines[0]
    assert line.get_marker() == "o"
    assert line.get_markevery() == [40]


def test_each_group_has_its_line_and_a_single_number_holds_for_all() -> None:
    axes = plot_ages([INF, [0.5, 1.0], [0.75, INF]], names=["cats", "dogs"])
    assert labels(axes)[:2] == ["cats", "dogs"]
    np.testing.assert_array_equal(data(axes, 0)[1], [np.nan, 0.5, 0.75])
    np.testing.assert_array_equal(data(axes, 1)[1], [np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(data(axes, 3)[1], [0.96, np.nan, 0.96])
    assert labels(plot_ages(torch.ones(3, 2))) == ["group 0", "group 1"]


def test_ages_of_any_mix_stay_readable() -> None:
    ages: list[float | list[float]] = [INF]
    ages += [[0.1 * step, 0.2 * step, INF] for step in range(1, 40)]
    assert flaws(plot_ages(ages)) == []


def test_groups_that_change_in_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at each step; got shapes \[\(2,\), \(3,\)\]"):
        plot_ages([[1.0, 2.0], [1.0, 2.0, 3.0]])


def test_names_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="one name for each of the 2 groups; got 1"):
        plot_ages([[1.0, 2.0]], names=["cats"])


def test_no_ages_too_many_groups_and_minus_infinity_are_refused() -> None:
    with pytest.raises(ValueError, match="ages must hold one age per step; got none"):
        plot_ages([])
    with pytest.raises(ValueError, match="At most 8 groups can be told apart"):
        plot_ages([[1.0] * 9])
    with pytest.raises(ValueError, match="got -inf"):
        plot_ages([1.0, -INF])


def test_a_picture_is_saved_without_pyplot(tmp_path: Path) -> None:
    plot_ages([INF, 1.0]).figure.canvas.figure.savefig(tmp_path / "ages.pdf")
    assert (tmp_path / "ages.pdf").stat().st_size > 0


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


def test_starts_of_a_search_share_their_look_and_one_label() -> None:
    axes = plot_searches(SEARCHES)
    first, second, other = axes.lines
    assert first.get_color() == second.get_color() != other.get_color()
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["self-paced", "CCCP"]


def test_a_mark_shows_where_each_search_ended() -> None:
    assert [line.get_markevery() for line in plot_searches(SEARCHES).lines] == [[2], [1], [1]]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_searches_are_drawn_on_axes_that_are_passed(theme: Theme) -> None:
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
