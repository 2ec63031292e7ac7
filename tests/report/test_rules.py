"""Claims about the pictures of weightings, latent losses and pacings."""

import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selfpaced import pacing
from selfpaced.chain import Weighting
from selfpaced.report import DARK, plot_latent_losses, plot_pacings, plot_weightings
from selfpaced.weighting import (
    L1L2,
    Cauchy,
    Hard,
    Huber,
    Linear,
    Logarithmic,
    Logistic,
    Mixture,
    Mixture2,
    Polynomial,
    SuperLoss,
    Welsch,
)

CUTTING: list[Weighting] = [*(Hard(), Linear(), Logarithmic(), Mixture(), Mixture2(), Polynomial())]
SMOOTH: list[Weighting] = [Logistic(), Welsch(), Cauchy(), Huber(), L1L2(), SuperLoss()]
SETS = pytest.mark.parametrize(("rules", "age"), [(CUTTING, 0.5), (SMOOTH, 1.5)])


def points(axes: Axes, line: int) -> tuple[torch.Tensor, np.ndarray]:
    drawn = axes.lines[line]
    return torch.as_tensor(np.asarray(drawn.get_xdata())), np.asarray(drawn.get_ydata())


@SETS
def test_a_line_holds_the_weights_of_its_rule(rules: list[Weighting], age: float) -> None:
    axes = plot_weightings(rules, age)
    for line, rule in enumerate(rules):
        x, y = points(axes, line)
        np.testing.assert_array_equal(y, rule(x, age).numpy())
        assert axes.lines[line].get_label() == repr(rule)
        assert x.min() == 0
        assert x.max() >= 2 * age


@SETS
def test_a_line_holds_the_latent_losses_of_its_rule_and_the_first_is_plain(
    rules: list[Weighting], age: float
) -> None:
    axes = plot_latent_losses(rules, age, theme=DARK)
    x, y = points(axes, 0)
    np.testing.assert_array_equal(y, x.numpy())
    for line, rule in enumerate(rules, start=1):
        x, y = points(axes, line)
        np.testing.assert_array_equal(y, rule.latent_loss(x, age).numpy())


def test_the_age_is_marked_and_hard_drops_to_0_exactly_there() -> None:
    axes = plot_weightings([Hard()], 0.3)
    x, y = points(axes, 0)
    assert x[np.flatnonzero(y == 0)[0]] == 0.3
    assert np.asarray(axes.lines[-1].get_xdata()).tolist() == [0.3, 0.3]
    assert [text.get_text() for text in axes.texts] == ["age"]


def test_negative_difficulties_are_drawn_only_if_all_rules_take_them() -> None:
    alone, _ = points(plot_weightings([Hard()], -1.0), 0)
    assert (float(alone.min()), float(alone.max())) == (-2.0, 1.0)
    together, _ = points(plot_weightings([Hard(), Logistic()], -1.0), 0)
    assert together.min() == 0


def test_age_0_can_be_drawn() -> None:
    assert plot_weightings([Linear()], 0.0).get_xlim() == (0, 1)
    assert plot_latent_losses([Hard()], 0.0).get_xlim() == (-1, 1)


def test_a_rule_refuses_an_age_outside_its_domain_before_anything_is_drawn() -> None:
    given = Figure().add_subplot()
    with pytest.raises(ValueError, match=r"Logarithmic takes an age in \[0, 1\)"):
        plot_weightings([Hard(), Logarithmic()], 1.0, ax=given)
    with pytest.raises(ValueError, match=r"Linear takes an age in \[0, inf\]"):
        plot_latent_losses([Linear()], -1.0, ax=given)
    assert not given.lines


@pytest.mark.parametrize("age", [math.inf, math.nan])
def test_an_age_that_is_not_finite_is_refused(age: float) -> None:
    with pytest.raises(ValueError, match="age must be a finite number; got"):
        plot_weightings([Hard()], age)


def test_no_rules_and_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="There are no rules to draw; got 0"):
        plot_weightings([])
    with pytest.raises(ValueError, match="At most 8 rules can be told apart"):
        plot_latent_losses([Hard()] * 9)


def test_a_pacing_is_drawn_at_every_step() -> None:
    ramp = pacing.Ramp(0.5, 1.0, steps=4, shape=pacing.Root())
    axes = plot_pacings([ramp, pacing.Constant(0.7)], 6)
    x, y = points(axes, 0)
    assert x.tolist() == list(range(7))
    assert y.tolist() == [ramp(step) for step in range(7)]
    assert [line.get_label() for line in axes.lines] == [repr(ramp), "Constant(value=0.7)"]


def test_few_steps_are_marked_and_many_are_not() -> None:
    assert plot_pacings([pacing.Constant(0.5)], 5).lines[0].get_marker() == "o"
    assert plot_pacings([pacing.Constant(0.5)], 500).lines[0].get_marker() in ("", "None")


def test_an_infinite_pacing_lies_on_the_top_edge() -> None:
    axes = plot_pacings([pacing.Constant(0.5), pacing.Constant(math.inf)], 2)
    assert np.isnan(points(axes, 1)[1]).all()
    assert points(axes, 2)[1].tolist() == [0.98] * 3
    assert axes.lines[2].get_color() == axes.lines[1].get_color()
    assert [text.get_text() for text in axes.texts] == ["keeps all"]


def test_pacings_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ValueError, match="There are no pacings to draw; got 0"):
        plot_pacings([], 5)
    with pytest.raises(ValueError, match="At most 8 pacings can be told apart"):
        plot_pacings([pacing.Constant(0.5)] * 9, 5)
    with pytest.raises(ValueError, match="plot_pacings: steps must be a positive int; got 0"):
        plot_pacings([pacing.Constant(0.5)], 0)


def test_axes_that_are_passed_are_returned() -> None:
    given = Figure().add_subplot()
    assert plot_weightings([Hard()], ax=given) is given
    assert plot_latent_losses([Hard()], ax=given) is given
    assert plot_pacings([pacing.Constant(0.5)], 3, ax=given) is given
