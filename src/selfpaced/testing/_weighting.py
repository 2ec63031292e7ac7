"""What every weighting promises."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from selfpaced.chain import Weighting
from selfpaced.testing._checks import check_settings, expect

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_weighting(rule: Weighting, ages: Sequence[float] = (0.3, 0.7)) -> None:
    """Check that a weighting is what it says: the minimiser of v d + g(v; age).

    Args:
        rule: The weighting.
        ages: Ages in its domain, not 0, ascending.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.weighting import Linear
    >>> check_weighting(Linear())
    """
    check_settings(rule)
    for age in ages:
        check_shape(rule, age)
        check_minimiser(rule, age)
        check_integral(rule, age)
        check_minimum(rule, age)
        check_dtypes(rule, age)
        check_gradients(rule, age)
        check_inputs(rule, age)
    check_growth(rule, ages)
    check_scale(rule, ages)
    check_refusals(rule, ages[0])


def check_minimiser(rule: Weighting, age: float) -> None:
    """Compare v with all weights on a fine grid: none makes v d + g(v) smaller."""
    d = _difficulties(age)
    grid = torch.linspace(rule.range.low, rule.range.high, 10_001, dtype=torch.float64)
    penalty = rule.penalty(grid, age)
    expect(not bool(penalty.isnan().any()), f"{rule!r}: the penalty is NaN")
    best = (grid * d[:, None] + penalty).amin(dim=1)
    gap = float((_objective(rule, d, age) - best).max())
    expect(gap <= 1e-9, f"{rule!r} at age {age} is no minimiser: {gap:.2g} above")


def check_integral(rule: Weighting, age: float) -> None:
    """Compare F with the integral of v from 0."""
    d = torch.linspace(0, 4 * abs(age), 40_001, dtype=torch.float64)
    latent = rule.latent_loss(d, age)
    expect(abs(float(latent[0])) <= 1e-12, f"{rule!r} at age {age}: F(0) is not 0")
    worst = float((latent[1:] - torch.cumulative_trapezoid(rule(d, age), d)).abs().max())
    expect(worst <= 1e-4 * abs(age), f"{rule!r} at age {age}: F is not the integral of v")


def check_minimum(rule: Weighting, age: float) -> None:
    """Compare F with the minimum of v d + g(v), less g(v(0))."""
    d = _difficulties(age)
    objective = _objective(rule, d, age)
    worst = float((rule.latent_loss(d, age) - (objective - objective[0])).abs().max())
    expect(worst <= 1e-9, f"{rule!r} at age {age}: F is not the minimum of v d + g")


def check_shape(rule: Weighting, age: float) -> None:
    """Look at v over the difficulty: range, direction, both ends, and the flags about them."""
    v = rule(_difficulties(age), age)
    inside = bool(((v >= rule.range.low) & (v <= rule.range.high + 1e-12)).all())
    expect(inside, f"{rule!r} at age {age} leaves its range {rule.range}")
    one_way = bool((v.diff() * rule.direction >= -1e-12).all())
    expect(one_way, f"{rule!r} at age {age} is not monotone in the difficulty")
    full = rule.direction > 0 or rule.range.high != 1 or float(v[0]) == 1
    expect(full, f"{rule!r} at age {age}: v(0) is not 1")
    far, infinite = rule(torch.tensor([10 * abs(age), math.inf], dtype=torch.float64), age).tolist()
    expect((far == 0) == rule.cuts, f"{rule!r} at age {age}: cuts={rule.cuts} is not true")
    expect(rule.direction > 0 or infinite == 0, f"{rule!r} keeps an infinite difficulty")
    binary = bool(((v == 0) | (v == 1)).all())
    expect(binary == rule.binary, f"{rule!r}: binary={rule.binary} is not true")


def check_dtypes(rule: Weighting, age: float) -> None:
    """Keep dtype and shape, and make no NaN of edge cases."""
    around = [math.nextafter(age, -math.inf), age, math.nextafter(age, math.inf)]
    edges = [0.0, 1e-30, 1e-7, *(max(x, 0.0) for x in around), 1e4, math.inf]
    zero = [0.0] if 0.0 in rule.age_domain else []
    for dtype in DTYPES:
        d, v = torch.tensor(edges, dtype=dtype), torch.tensor([0.0, 0.5, 1.0], dtype=dtype)
        ages: list[Tensor | float] = [age, torch.tensor(age), torch.full((len(d),), age)]
        for at in [*ages, *zero, math.inf]:
            weight, latent = rule(d, at), rule.latent_loss(d, at)
            _expect_like(rule, weight, d, "v")
            _expect_like(rule, latent, d, "F")
            expect(bool(weight.isfinite().all()), f"{rule!r}: v is infinite in {dtype}")
            _expect_like(rule, rule(d[:0], age), d[:0], "v of an empty batch")
        for number in (age, *zero, math.inf):
            _expect_like(rule, rule.penalty(v, number), v, "the penalty")
        everything = bool((rule(d[:-1], math.inf) == 1).all())
        expect(everything, f"{rule!r}: an infinite age must keep everything")


def check_gradients(rule: Weighting, age: float) -> None:
    """Let no gradient through v; the gradient of F is v, also where its branches meet."""
    d = _difficulties(age).requires_grad_()
    expect(not rule(d, age).requires_grad, f"{rule!r}: a gradient flows through v")
    (slope,) = torch.autograd.grad(rule.latent_loss(d, age).sum(), d)
    worst = float((slope - rule(d, age)).abs().max())
    expect(worst <= 1e-6, f"{rule!r} at age {age}: the gradient of F is not v")


def check_inputs(rule: Weighting, age: float) -> None:
    """Leave the difficulty and the age alone, and give the same twice."""
    d, at = _difficulties(age), torch.tensor(age, dtype=torch.float64)
    v = rule(d, at)
    expect(torch.equal(rule(d.clone(), at), v), f"{rule!r} is not pure")
    unchanged = torch.equal(d, _difficulties(age)) and float(at) == age
    expect(unchanged, f"{rule!r} writes to its inputs")


def check_growth(rule: Weighting, ages: Sequence[float]) -> None:
    """Never fall as the age grows, or say so."""
    d = _difficulties(max(ages))
    grid = torch.linspace(min(ages), max(ages), 20, dtype=torch.float64).tolist()
    growth = torch.stack([rule(d, age) for age in grid]).diff(dim=0)
    grows = bool((growth >= -1e-12).all())
    expect(grows or not rule.grows_with_age, f"{rule!r} falls as the age grows")


def check_scale(rule: Weighting, ages: Sequence[float]) -> None:
    """Depend on the ratio of difficulty and age only, or say so."""
    for k in (0.01, 1000.0) if rule.scale_free else ():
        for age in ages:
            d = _difficulties(age)
            d = d[(d - age).abs() > 1e-9]  # where rounding may decide on which side it lies
            same = torch.allclose(rule(k * d, k * age), rule(d, age), rtol=0, atol=1e-6)
            expect(same, f"{rule!r} is not free of scale")


def check_refusals(rule: Weighting, age: float) -> None:
    """Raise ``ValueError`` for what lies outside the domains that the class states."""
    fine, low = torch.tensor([0.1]), rule.difficulty_domain.low
    for bad in (low - 1, math.nan) if math.isfinite(low) else ():
        d = torch.tensor([0.1, bad])
        _expect_refusal(rule, f"the difficulty {bad}", partial(rule, d, age))
        _expect_refusal(rule, f"the difficulty {bad}", partial(rule.latent_loss, d, age))
    ends = (rule.age_domain.low - 1, rule.age_domain.high + 1)
    for bad in (end for end in ends if math.isfinite(end)):
        _expect_refusal(rule, f"the age {bad}", partial(rule, fine, bad))
        _expect_refusal(rule, f"the age {bad}", partial(rule.latent_loss, fine, bad))


def _difficulties(age: float) -> Tensor:
    """Difficulties from 0 to four times the age, the age and simple shares of it among them."""
    return abs(age) * torch.arange(0, 4.01, 0.0125, dtype=torch.float64)


def _objective(rule: Weighting, d: Tensor, age: float) -> Tensor:
    v = rule(d, age)
    return v * d + rule.penalty(v, age)


def _expect_like(rule: Weighting, value: Tensor, like: Tensor, name: str) -> None:
    expect(value.dtype == like.dtype, f"{rule!r}: {name} changes {like.dtype}")
    expect(value.shape == like.shape, f"{rule!r}: {name} changes the shape")
    expect(not bool(value.isnan().any()), f"{rule!r}: {name} is NaN in {like.dtype}")


def _expect_refusal(rule: Weighting, what: str, call: Callable[[], Tensor]) -> None:
    try:
        call()
    except ValueError:
        return
    raise AssertionError(f"{rule!r} takes {what}, outside its domain")
