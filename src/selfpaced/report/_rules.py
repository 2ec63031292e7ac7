"""Pictures of weightings, of their latent losses, and of pacings, as curves."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from selfpaced._errors import require, require_positive_int
from selfpaced.chain import Pacing, Weighting
from selfpaced.report._drawing import (
    FEW_POINTS,
    Floats,
    draw_infinities,
    draw_line,
    over_whole_numbers,
)
from selfpaced.report._theme import LIGHT, Axes, Theme, choose_axes, dress, require_strokes

# The number of difficulties, evenly spaced, at which a rule is drawn.
POINTS = 401


def plot_weightings(
    rules: Sequence[Weighting], age: float = 1.0, *, ax: Axes | None = None, theme: Theme = LIGHT
) -> Axes:
    """Draw the weight v over the difficulty, one line per rule.

    A line covers the difficulties that its rule takes.

    Args:
        rules: At most 8 rules; the legend shows their ``repr``.
        age: A finite age in the unit of the difficulty, inside the domain of every rule
            (``Logarithmic`` needs an age between 0 and 1).
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no rule, for more than 8 rules, and for an age that a rule does not take.

    >>> from selfpaced.weighting import Hard, Linear
    >>> [line.get_label() for line in plot_weightings([Hard(), Linear()]).lines][:2]
    ['Hard()', 'Linear()']
    """
    x = _difficulties(rules, age, theme)
    curves = [_curve(rule, x, age, latent=False) for rule in rules]
    axes = choose_axes(ax, theme, height=4 + 0.1 * len(rules))
    _draw(axes, rules, x, curves, theme)
    _mark_age(axes, age, theme)
    dress(axes, theme, title=f"Weight at age {age:g}", x="difficulty", y="weight v")
    return axes


def plot_latent_losses(
    rules: Sequence[Weighting], age: float = 1.0, *, ax: Axes | None = None, theme: Theme = LIGHT
) -> Axes:
    """Draw the latent loss F(d; age), the integral of the weight, and F = d of plain training.

    Args:
        rules: At most 8 rules; the legend shows their ``repr``.
        age: A finite age in the unit of the difficulty, inside the domain of every rule
            (``Logarithmic`` needs an age between 0 and 1).
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved. The first line is F = d.

    Raises:
        ValueError: For no rule, for more than 8 rules, and for an age that a rule does not take.

    >>> from selfpaced.weighting import Hard
    >>> [line.get_label() for line in plot_latent_losses([Hard()]).lines][:2]
    ['plain training: F = d', 'Hard()']
    """
    x = _difficulties(rules, age, theme)
    curves = [_curve(rule, x, age, latent=True) for rule in rules]
    axes = choose_axes(ax, theme, height=4 + 0.1 * len(rules))
    axes.plot(x, x, color=theme.muted, linewidth=1, label="plain training: F = d", zorder=2)
    _draw(axes, rules, x, curves, theme)
    _mark_age(axes, age, theme)
    dress(axes, theme, title=f"Latent loss at age {age:g}", x="difficulty d", y="latent loss F")
    return axes


def plot_pacings(
    pacings: Sequence[Pacing], steps: int, *, ax: Axes | None = None, theme: Theme = LIGHT
) -> Axes:
    """Draw the value of each pacing at the steps 0, 1, ..., steps.

    Up to 30 steps, a mark shows each step.

    Args:
        pacings: At most 8 pacings; the legend shows their ``repr``. Infinite values lie on the top
            edge, which then has the label "keeps all".
        steps: The last step, 1 or more.
        ax: The axes to draw on; None makes a new figure.
        theme: ``LIGHT`` or ``DARK``.

    Returns:
        The axes; ``axes.figure`` can be saved.

    Raises:
        ValueError: For no pacing, for more than 8 pacings, and for a last step below 1.
        TypeError: For a last step that is not an int.

    >>> from selfpaced.pacing import Ramp
    >>> plot_pacings([Ramp(0.5, 1.0, steps=2)], 3).lines[0].get_ydata().tolist()
    [0.5, 0.75, 1.0, 1.0]
    """
    require_strokes(pacings, "pacings", theme)
    require_positive_int("steps", steps, "plot_pacings")
    x = np.arange(steps + 1, dtype=np.float64)
    lines = [np.array([pacing(step) for step in range(steps + 1)]) for pacing in pacings]
    axes = choose_axes(ax, theme, height=4 + 0.2 * len(pacings))
    for place, (pacing, values) in enumerate(zip(pacings, lines, strict=True)):
        draw_line(axes, x, values, place, label=repr(pacing), theme=theme, few=FEW_POINTS + 1)
    draw_infinities(axes, x, lines, theme)
    over_whole_numbers(axes, 0, steps)
    dress(axes, theme, title="Pacing", x="step", y="value")
    return axes


def _difficulties(rules: Sequence[Weighting], age: float, theme: Theme) -> Floats:
    """Return difficulties on both sides of the age; negative ones only if every rule takes them."""
    require_strokes(rules, "rules", theme)
    require(
        math.isfinite(age),
        f"age must be a finite number; got {age}. Choose an age in the unit of the difficulty; "
        f"at an infinite age every weight is 1.",
    )
    around = (1 if all(rule.cuts for rule in rules) else 2) * (abs(age) or 1.0)
    lowest = min(age, 0.0) - around
    low = max(lowest, min(rule.difficulty_domain.low for rule in rules))
    if any(rule.difficulty_domain.low >= 0 for rule in rules):
        low = max(low, 0.0)
    x = np.linspace(low, max(age, 0.0) + around, POINTS)
    edge = [np.nextafter(age, -math.inf), age] if low < age else []
    return np.union1d(x, edge)


def _curve(rule: Weighting, x: Floats, age: float, *, latent: bool) -> Floats:
    """Return v, or F if latent, at each difficulty; NaN where the rule does not take it."""
    inside = np.array([value in rule.difficulty_domain for value in x.tolist()])
    d = torch.from_numpy(x[inside])
    curve = np.full_like(x, np.nan)
    curve[inside] = (rule.latent_loss(d, age) if latent else rule(d, age)).numpy()
    return curve


def _draw(
    axes: Axes, rules: Sequence[Weighting], x: Floats, curves: list[Floats], theme: Theme
) -> None:
    """Draw one line per rule, over the whole width of the axes."""
    for place, (rule, curve) in enumerate(zip(rules, curves, strict=True)):
        draw_line(axes, x, curve, place, label=repr(rule), theme=theme)
    axes.set_xlim(float(x[0]), float(x[-1]))


def _mark_age(axes: Axes, age: float, theme: Theme) -> None:
    """Draw a thin vertical line at the age, labelled "age" above the other lines."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.09 * (high - low))
    axes.axvline(age, color=theme.muted, linewidth=0.8, zorder=1.9)
    axes.annotate(
        "age",
        (age, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(4, -3),
        textcoords="offset points",
        color=theme.muted,
        fontsize=9,
        va="top",
        bbox={"facecolor": theme.background, "edgecolor": "none", "pad": 1},
        zorder=1.8,
    )
