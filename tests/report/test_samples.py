"""Claims about the pictures of the samples of a run."""

import numpy as np
import pytest
import torch
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.figure import Figure

from selfpaced.report import DARK, LIGHT, plot_cartography, plot_loss_bands

RNG = np.random.default_rng(0)
LOSSES = RNG.gamma(2.0, 1.0, (6, 200))
WRONG = np.arange(200) % 4 == 0
CONFIDENCE = RNG.random(900)
VARIABILITY = np.sqrt(CONFIDENCE * (1 - CONFIDENCE)) * RNG.random(900)


def edges(band: FillBetweenPolyCollection, epoch: float) -> list[float]:
    vertices = np.asarray(band.get_paths()[0].vertices)
    return sorted({float(y) for x, y in vertices if x == epoch})


def test_the_lines_are_medians_and_the_bands_end_at_quantiles() -> None:
    axes = plot_loss_bands(LOSSES, WRONG)
    bands = [b for b in axes.collections if isinstance(b, FillBetweenPolyCollection)]
    for place, members in enumerate((~WRONG, WRONG)):
        low, *inner, high = np.quantile(LOSSES[:, members], (0.1, 0.25, 0.5, 0.75, 0.9), axis=1)
        np.testing.assert_allclose(np.asarray(axes.lines[place].get_ydata()), inner[1])
        for epoch in range(6):
            assert edges(bands[2 * place], epoch + 1) == pytest.approx([low[epoch], high[epoch]])
            middle = [inner[0][epoch], inner[2][epoch]]
            assert edges(bands[2 * place + 1], epoch + 1) == pytest.approx(middle)
    assert [line.get_label() for line in axes.lines] == ["right labels", "wrong labels"]
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()


def test_without_wrong_all_samples_are_drawn_together() -> None:
    axes = plot_loss_bands(torch.from_numpy(LOSSES))
    assert [line.get_label() for line in axes.lines] == ["all labels"]
    np.testing.assert_allclose(np.asarray(axes.lines[0].get_ydata()), np.median(LOSSES, axis=1))
    assert len(plot_loss_bands(LOSSES, np.zeros(200, bool)).lines) == 1


def test_missing_losses_are_left_out_and_an_epoch_without_any_is_a_gap() -> None:
    losses = [[1.0, np.nan, 3.0], [np.nan] * 3, [4.0, 5.0, np.nan]]
    median = np.asarray(plot_loss_bands(losses).lines[0].get_ydata())
    np.testing.assert_array_equal(median, [2.0, np.nan, 4.5])


def test_a_single_epoch_shows_its_bands() -> None:
    axes = plot_loss_bands(LOSSES[:1])
    widths = np.asarray(axes.collections[0].get_paths()[0].vertices)[:, 0]
    assert widths.max() > widths.min()
    assert axes.lines[0].get_marker() == "o"


@pytest.mark.parametrize("shape", [(5,), (0, 3), (2, 3, 4)])
def test_losses_that_are_not_a_table_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"losses must have the shape \(epochs, n\)"):
        plot_loss_bands(np.zeros(shape))


def test_losses_without_a_number_or_infinite_are_refused() -> None:
    with pytest.raises(ValueError, match="losses must hold a number; got nan only"):
        plot_loss_bands([[np.nan]])
    with pytest.raises(ValueError, match="losses must be finite or nan; got 1 infinite"):
        plot_loss_bands([[1.0, np.inf]])


def test_a_mask_of_another_length_is_refused_before_drawing() -> None:
    given = Figure().add_subplot()
    with pytest.raises(ValueError, match="wrong must hold one value for each of the 200 samples"):
        plot_loss_bands(LOSSES, [True] * 3, ax=given)
    assert not given.lines


def dots(axes: object) -> list[PathCollection]:
    return [c for c in getattr(axes, "collections", []) if isinstance(c, PathCollection)]


def test_the_map_has_variability_across_and_confidence_up() -> None:
    axes = plot_cartography(CONFIDENCE, VARIABILITY)
    (cloud,) = dots(axes)
    np.testing.assert_array_equal(cloud.get_offsets(), np.c_[VARIABILITY, CONFIDENCE])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("variability", "confidence")
    assert cloud.get_rasterized()


def test_thirds_of_the_correct_epochs_differ_in_colour_and_mark() -> None:
    correctness = [0.0, 0.3, 1 / 3, 0.5, 2 / 3, 0.7, 1.0]
    axes = plot_cartography([0.5] * 7, [0.1] * 7, correctness)
    clouds = dots(axes)
    assert [len(np.asarray(cloud.get_offsets())) for cloud in clouds] == [2, 3, 2]
    assert len({str(np.asarray(cloud.get_facecolor())[0]) for cloud in clouds}) == 3
    assert len({len(cloud.get_paths()[0]) for cloud in clouds}) == 3
    assert "over 2/3" in str(clouds[0].get_label())


def test_the_legend_shows_full_colours() -> None:
    legend = plot_cartography(CONFIDENCE, VARIABILITY, CONFIDENCE, [0]).get_legend()
    assert legend is not None
    assert [handle.get_alpha() for handle in legend.legend_handles if handle] == [1, 1, 1, None]


def test_marked_samples_have_a_ring() -> None:
    axes = plot_cartography(CONFIDENCE, VARIABILITY, marked=torch.tensor([3, 5]), theme=DARK)
    ring = dots(axes)[-1]
    np.testing.assert_array_equal(
        ring.get_offsets(), np.c_[VARIABILITY[[3, 5]], CONFIDENCE[[3, 5]]]
    )
    assert np.asarray(ring.get_facecolor()).size == 0
    assert ring.get_label() == "marked: 2"


def test_the_regions_are_named_where_no_point_can_lie() -> None:
    axes = plot_cartography(CONFIDENCE, VARIABILITY)
    axes.figure.canvas.figure.draw_without_rendering()
    names = [text.get_text() for text in axes.texts]
    assert names == ["easy to learn", "ambiguous", "hard to learn"]
    for text in axes.texts:
        box = text.get_window_extent().transformed(axes.transData.inverted())
        for mean in (box.y0, box.y1):
            assert box.x0 > np.sqrt(mean * (1 - mean))
        assert text.get_color() == LIGHT.muted


def test_samples_that_were_not_seen_are_left_out() -> None:
    (cloud,) = dots(plot_cartography([0.5, np.nan], [0.1, np.nan]))
    there = np.ma.masked_invalid(np.ma.filled(cloud.get_offsets(), np.nan))
    assert np.ma.count(there[:, 0]) == 1


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence must lie in \[0, 1\]; got \[1.5\]"):
        plot_cartography([1.5], [0.1])
    with pytest.raises(ValueError, match=r"variability must lie in \[0, 1\]; got \[-0.1\]"):
        plot_cartography([0.5], [-0.1])
    with pytest.raises(ValueError, match=r"correctness must lie in \[0, 1\]; got \[3.0\]"):
        plot_cartography([0.5], [0.1], [3])
    with pytest.raises(ValueError, match="every sample with a confidence; 1 are nan"):
        plot_cartography([0.5, np.nan], [0.1, np.nan], [np.nan, np.nan])


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="variability must hold one value for each of the 2"):
        plot_cartography([0.5, 0.6], [0.1])
    with pytest.raises(ValueError, match="correctness must hold one value for each of the 2"):
        plot_cartography([0.5, 0.6], [0.1, 0.1], [1.0])


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="confidence must hold at least one number"):
        plot_cartography([], [])
    with pytest.raises(ValueError, match="confidence and variability hold NaN only"):
        plot_cartography([np.nan], [np.nan])


@pytest.mark.parametrize("marked", [[2], [-1]])
def test_marks_out_of_range_are_refused(marked: list[int]) -> None:
    with pytest.raises(ValueError, match="marked must hold indices from 0 to 1; got"):
        plot_cartography([0.5, 0.6], [0.1, 0.1], marked=marked)


def test_marks_that_are_not_indices_are_refused() -> None:
    with pytest.raises(ValueError, match="marked must hold indices"):
        plot_cartography([0.5, 0.6], [0.1, 0.1], marked=[0.5])
    with pytest.raises(ValueError, match="marked must hold indices"):
        plot_cartography([0.5, 0.6], [0.1, 0.1], marked=[True, False])


def test_axes_that_are_passed_are_returned() -> None:
    given = Figure().add_subplot()
    assert plot_loss_bands(LOSSES, ax=given) is given
    assert plot_cartography(CONFIDENCE, VARIABILITY, ax=given) is given
