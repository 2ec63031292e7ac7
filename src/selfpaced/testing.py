"""Conformance checks that anyone can run on a class of their own.

Each check raises ``AssertionError`` and says which promise is broken. Our own members are found
by discovery and run through the same checks.
"""

import math
import pickle
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

import selfpaced.age
import selfpaced.coupling
import selfpaced.difficulty
import selfpaced.pacing
import selfpaced.weighting
from selfpaced.age import Age
from selfpaced.pacing import Pacing
from selfpaced.rows import Difficulty, Population, Rows
from selfpaced.weighting import Weighting

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_weighting(rule: Weighting, ages: Sequence[float] = (0.3, 0.7)) -> None:
    """Check that a weighting is what it says: the minimiser of v d + g(v; age).

    Args:
        rule: The weighting.
        ages: Ages in its domain, ascending.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.weighting import Linear
    >>> check_weighting(Linear())
    """
    check_settings(rule)
    for age in ages:
        d = torch.linspace(0, 4 * max(ages), 200, dtype=torch.float64)
        _check_minimises(rule, d, age)
        _check_latent_loss(rule, d, age)
        _check_shape_over_difficulty(rule, d, age)
        _check_dtypes(rule, age)
        _check_gradients(rule, d, age)
    _check_ages(rule, ages)


def check_pacing(pacing: Pacing, start: float, stop: float | None = None, steps: int = 20) -> None:
    """Check a schedule: a pure, monotone function of an integer step.

    Args:
        pacing: The schedule.
        start: What it is at step 0.
        stop: What it is at ``steps`` and later; None where it never ends.
        steps: How far to look.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.pacing import Ramp
    >>> check_pacing(Ramp(0.3, 1.0, steps=10), start=0.3, stop=1.0)
    """
    check_settings(pacing)
    values = [pacing(step) for step in range(steps + 1)]
    expect(all(type(v) is float for v in values), f"{pacing!r} must return floats")
    expect(math.isclose(values[0], start, rel_tol=1e-3, abs_tol=1e-3), f"{pacing!r} starts wrong")
    if stop is not None:
        expect(pacing(steps) == stop == pacing(10 * steps), f"{pacing!r} does not end at {stop}")
    rises = [b - a for a, b in pairwise(values)]
    expect(all(r >= 0 for r in rises) or all(r <= 0 for r in rises), f"{pacing!r} turns round")
    backwards = [pacing(step) for step in reversed(range(steps + 1))]
    expect(backwards[::-1] == values, f"{pacing!r} depends on more than the step")
    for bad in (0.5, -1):
        _expect_refusal(pacing, bad)


def check_difficulty(rule: Difficulty, columns: Sequence[str] = ()) -> None:
    """Check a difficulty: finite scores per sample, pure, with its inputs left alone.

    Args:
        rule: The difficulty.
        columns: The ledger columns that it reads.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.difficulty import Smoothed
    >>> check_difficulty(Smoothed())
    """
    check_settings(rule)
    n = 6
    loss = torch.tensor([0.0, 1e-30, 0.5, 2.0, 1e4, 1e30])
    visits = torch.tensor([0.0, 1.0, 2.0, 3.0, 10.0, 1000.0])
    memory = torch.where(visits > 0, torch.linspace(0, 5, n), 0.0)
    rows = Rows(torch.arange(n), memory, visits, {c: torch.linspace(0, 1, n) for c in columns})
    before = [t.clone() for t in (loss, memory, visits)]
    folded = rule.fold(loss, rows)
    score = rule(folded, rows)
    for name, value in (("fold", folded), ("the score", score)):
        expect(
            value.shape == (n,) and value.dtype == torch.float32, f"{rule!r}: {name} is not (B,)"
        )
        expect(bool(value.isfinite().all()), f"{rule!r}: {name} is not finite")
    expect(torch.equal(rule(rule.fold(loss, rows), rows), score), f"{rule!r} is not pure")
    after = (loss, memory, visits)
    unchanged = all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    expect(unchanged, f"{rule!r} writes to its inputs")
    picked = torch.tensor([3, 1])
    some = _at(rows, picked)
    alone = rule(rule.fold(loss[picked], some), some)
    expect(torch.equal(alone, score[picked]), f"{rule!r}: a sample's score depends on its batch")
    empty = _at(rows, picked[:0])
    expect(rule(rule.fold(loss[:0], empty), empty).shape == (0,), f"{rule!r} fails when empty")


def _at(rows: Rows, places: Tensor) -> Rows:
    """Pick some rows."""
    columns = {name: column[places] for name, column in rows.columns.items()}
    return Rows(rows.index[places], rows.memory[places], rows.visits[places], columns)


def check_age(rule: Age) -> None:
    """Check an age: float32, pure, never NaN, also for ties, one sample and zeros.

    Args:
        rule: The age.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.age import Quantile
    >>> from selfpaced.pacing import Constant
    >>> check_age(Quantile(Constant(0.5)))
    """
    check_settings(rule)
    generator = torch.Generator().manual_seed(0)
    for d in (torch.rand(500, generator=generator) * 5, torch.zeros(9), torch.tensor([1.0])):
        group = torch.arange(len(d)) % 3
        population = Population(d, None, {"group": group})
        previous = torch.tensor(1.0) if rule.by is None else torch.full((3,), 1.0)
        for step in range(8):
            age = rule(step, population, previous)
            expect(age.shape == previous.shape, f"{rule!r}: the shape of the age changes")
            expect(age.dtype == torch.float32, f"{rule!r}: the age must be float32")
            expect(not bool(age.isnan().any()), f"{rule!r}: the age is NaN")
            again = rule(step, Population(d.clone(), None, {"group": group}), previous)
            expect(torch.equal(age, again), f"{rule!r} is not pure")
            heavy = Population(d, torch.full_like(d, 2.0), {"group": group})
            same = torch.allclose(rule(step, heavy, previous), age, rtol=1e-2)
            expect(same, f"{rule!r}: equal masses change the age")
        expect(bool((previous == 1.0).all()), f"{rule!r} writes to the previous age")


def check_settings(member: object) -> None:
    """Check that a strategy pickles, compares, and that its repr makes it again."""
    expect(pickle.loads(pickle.dumps(member)) == member, f"{member!r} does not survive pickling")
    names = {
        name: value
        for module in (
            selfpaced.weighting,
            selfpaced.difficulty,
            selfpaced.coupling,
            selfpaced.age,
            selfpaced.pacing,
        )
        for name, value in vars(module).items()
    }
    parts = [member, *vars(member).values()]
    names |= {type(part).__name__: type(part) for part in parts} | {"inf": math.inf}
    expect(eval(repr(member), names) == member, f"eval of {member!r} is another object")


def expect(condition: bool, promise: str) -> None:
    """Raise ``AssertionError`` with the broken promise."""
    if not condition:
        raise AssertionError(promise)


def _expect_refusal(pacing: Pacing, step: float) -> None:
    try:
        pacing(step)  # type: ignore[arg-type]  # the mistake that must be refused
    except (TypeError, ValueError):
        return
    raise AssertionError(f"{pacing!r} takes {step} as a step")


def _check_minimises(rule: Weighting, d: Tensor, age: float) -> None:
    """V d + g(v) at v is no more than anywhere on a fine grid."""
    grid = torch.linspace(rule.range.low, rule.range.high, 10_001, dtype=torch.float64)
    penalty = rule.penalty(grid, age)
    expect(not bool(penalty.isnan().any()), f"{rule!r}: the penalty is NaN")
    v = rule(d, age)
    best = torch.stack([(grid * x + penalty).min() for x in d])
    gap = (v * d + rule.penalty(v, age) - best).max()
    expect(float(gap) <= 1e-9, f"{rule!r} at age {age} is no minimiser: {float(gap):.2g} above")
    start = (rule(d[:1] * 0, age) * 0 + rule.penalty(rule(d[:1] * 0, age), age)).item()
    latent = rule.latent_loss(d, age)
    worst = float((latent - (v * d + rule.penalty(v, age) - start)).abs().max())
    expect(worst <= 1e-9, f"{rule!r} at age {age}: F is not the minimum of v d + g")


def _check_latent_loss(rule: Weighting, d: Tensor, age: float) -> None:
    """F(0) = 0 and F' = v, by the trapezoid between neighbours."""
    at_zero = float(rule.latent_loss(d[:1] * 0, age).abs())
    expect(at_zero <= 1e-12, f"{rule!r} at age {age}: F(0) is not 0")
    x = torch.linspace(0, float(d[-1]), 100_001, dtype=torch.float64)
    integral = torch.cumulative_trapezoid(rule(x, age), x)
    worst = float((rule.latent_loss(x[1:], age) - integral).abs().max())
    expect(worst <= 1e-4 * age, f"{rule!r} at age {age}: F is not the integral of v")


def _check_shape_over_difficulty(rule: Weighting, d: Tensor, age: float) -> None:
    """In the range, monotone in its direction, and at 0 from some difficulty on if it cuts."""
    v = rule(d, age)
    inside = bool(((v >= rule.range.low) & (v <= rule.range.high + 1e-12)).all())
    expect(inside, f"{rule!r} at age {age} leaves its range {rule.range}")
    rising = bool((v.diff() * rule.direction >= -1e-12).all())
    expect(rising, f"{rule!r} at age {age} is not monotone in the difficulty")
    far = rule(torch.tensor([10 * age, math.inf], dtype=torch.float64), age)
    expect(bool(far[0] == 0) == rule.cuts, f"{rule!r} at age {age}: cuts={rule.cuts} is not true")
    expect(rule.direction > 0 or float(far[1]) == 0, f"{rule!r} keeps an infinite difficulty")
    steps = bool(((v == 0) | (v == 1)).all())
    expect(steps == rule.binary, f"{rule!r}: binary={rule.binary} is not true")
    expect(rule(d[:0], age).shape == (0,), f"{rule!r} fails on an empty batch")


def _check_dtypes(rule: Weighting, age: float) -> None:
    """Keep dtype and shape, and make no NaN of edge cases."""
    up, down = math.nextafter(age, math.inf), math.nextafter(age, 0.0)
    for dtype in DTYPES:
        d = torch.tensor([0.0, 1e-7, down, age, up, 1e4, math.inf], dtype=dtype)
        for at in (age, torch.tensor(age), torch.full((7,), age), math.inf):
            v = rule(d, at)
            expect(v.dtype == dtype and v.shape == d.shape, f"{rule!r} changes {dtype} or shape")
            expect(bool(v.isfinite().all()), f"{rule!r} is not finite in {dtype}")
        finite = rule(d[:-1], math.inf)
        expect(bool((finite == 1).all()), f"{rule!r}: an infinite age must keep everything")


def _check_gradients(rule: Weighting, d: Tensor, age: float) -> None:
    """No gradient through v; the gradient of F is v."""
    x = d.clone().requires_grad_()
    expect(not rule(x, age).requires_grad, f"{rule!r}: a gradient flows through v")
    (slope,) = torch.autograd.grad(rule.latent_loss(x, age).sum(), x)
    worst = float((slope - rule(d, age)).abs().max())
    expect(worst <= 1e-6, f"{rule!r} at age {age}: the gradient of F is not v")


def _check_ages(rule: Weighting, ages: Sequence[float]) -> None:
    """Monotone in the age and free of scale, or declared not to be."""
    d = torch.linspace(0, 4 * max(ages), 200, dtype=torch.float64)
    grid = torch.linspace(min(ages), max(ages), 20).tolist()
    growth = torch.stack([rule(d, age) for age in grid]).diff(dim=0)
    grows = bool((growth >= -1e-12).all())
    expect(grows or not rule.grows_with_age, f"{rule!r} falls with the age")
    if rule.scale_free:
        for k in (0.01, 1000.0):
            for age in ages:
                same = torch.allclose(rule(k * d, k * age), rule(d, age), atol=1e-9)
                expect(same, f"{rule!r} is not free of scale")
