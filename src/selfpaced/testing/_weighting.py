"""What every weighting promises."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from selfpaced.chain import Number, Weighting
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
    _expect_all(rule, ~penalty.isnan(), "the penalty is NaN", penalty, grid, age, of="weight")
    best = (grid * d[:, None] + penalty).amin(dim=1)
    gap = _objective(rule, d, age) - best
    worst = f"v is no minimiser: {float(gap.max()):.2g} above the least v d + g(v)"
    _expect_all(rule, gap <= 1e-9, worst, rule(d, age), d, age)


def check_integral(rule: Weighting, age: float) -> None:
    """Compare F with the integral of v from 0."""
    d = torch.linspace(0, 4 * abs(age), 40_001, dtype=torch.float64)
    latent = rule.latent_loss(d, age)
    _expect_all(rule, latent[:1].abs() <= 1e-12, "F(0) is not 0", latent, d, age)
    area = torch.cumulative_trapezoid(rule(d, age), d)
    near = (latent[1:] - area).abs() <= 1e-4 * abs(age)
    _expect_all(rule, near, "F is not the integral of v", latent[1:], d[1:], age)


def check_minimum(rule: Weighting, age: float) -> None:
    """Compare F with the minimum of v d + g(v), less g(v(0))."""
    d = _difficulties(age)
    objective, latent = _objective(rule, d, age), rule.latent_loss(d, age)
    near = (latent - (objective - objective[0])).abs() <= 1e-9
    _expect_all(rule, near, "F is not the minimum of v d + g", latent, d, age)


def check_shape(rule: Weighting, age: float) -> None:
    """Look at v over the difficulty: range, direction, both ends, and the flags about them."""
    d = _difficulties(age)
    v = rule(d, age)
    _expect_like(rule, v, d, age, "v")
    inside = (v >= rule.range.low) & (v <= rule.range.high + 1e-12)
    _expect_all(rule, inside, f"v leaves its range {rule.range}", v, d, age)
    one_way = v.diff() * rule.direction >= -1e-12
    _expect_all(rule, one_way, "v is not monotone in the difficulty", v[1:], d[1:], age)
    full = rule.direction > 0 or rule.range.high != 1 or float(v[0]) == 1
    expect(full, f"{rule!r} at age {age}: v(0) is not 1; got {float(v[0]):g}")
    far, infinite = rule(torch.tensor([10 * abs(age), math.inf], dtype=torch.float64), age).tolist()
    expect(
        (far == 0) == rule.cuts,
        f"{rule!r} at age {age}: cuts={rule.cuts} is not true; v is {far:g} at difficulty "
        f"{10 * abs(age):g}",
    )
    expect(
        rule.direction > 0 or infinite == 0,
        f"{rule!r} at age {age} keeps an infinite difficulty; v is {infinite:g}",
    )
    binary = (v == 0) | (v == 1)
    untrue = f"binary={rule.binary} is not true"
    expect(rule.binary or not bool(binary.all()), f"{rule!r} at age {age}: {untrue}")
    _expect_all(rule, binary | (not rule.binary), untrue, v, d, age)


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
            _expect_like(rule, weight, d, at, "v")
            _expect_like(rule, latent, d, at, "F")
            _expect_all(rule, weight.isfinite(), f"v is infinite in {dtype}", weight, d, at)
            _expect_like(rule, rule(d[:0], age), d[:0], age, "v of an empty batch")
        for number in (age, *zero, math.inf):
            _expect_like(rule, rule.penalty(v, number), v, number, "the penalty", of="weight")
        weight = rule(d[:-1], math.inf)
        everything = "an infinite age must keep everything"
        _expect_all(rule, weight == 1, everything, weight, d[:-1], math.inf)


def check_gradients(rule: Weighting, age: float) -> None:
    """Let no gradient through v; the gradient of F is v, also where its branches meet."""
    d = _difficulties(age).requires_grad_()
    v = rule(d, age)
    expect(not v.requires_grad, f"{rule!r} at age {age}: a gradient flows through v")
    (slope,) = torch.autograd.grad(rule.latent_loss(d, age).sum(), d)
    near = (slope - v).abs() <= 1e-6
    _expect_all(rule, near, "the gradient of F is not v", slope, d.detach(), age)


def check_inputs(rule: Weighting, age: float) -> None:
    """Leave the difficulty and the age alone, and give the same twice."""
    d, at = _difficulties(age), torch.tensor(age, dtype=torch.float64)
    v = rule(d, at)
    again = rule(d.clone(), at)
    _expect_all(rule, again == v, "v is not pure: a second call differs", again, d, age)
    unchanged = torch.equal(d, _difficulties(age)) and float(at) == age
    expect(unchanged, f"{rule!r} at age {age} writes to its inputs")


def check_growth(rule: Weighting, ages: Sequence[float]) -> None:
    """Never fall as the age grows, or say so."""
    d = _difficulties(max(ages))
    grid = torch.linspace(min(ages), max(ages), 20, dtype=torch.float64).tolist()
    for age, older in itertools.pairwise(grid) if rule.grows_with_age else ():
        v = rule(d, older)
        rises = v - rule(d, age) >= -1e-12
        _expect_all(rule, rises, f"v falls as the age grows from {age:g}", v, d, older)


def check_scale(rule: Weighting, ages: Sequence[float]) -> None:
    """Depend on the ratio of difficulty and age only, or say so."""
    for k in (0.01, 1000.0) if rule.scale_free else ():
        for age in ages:
            d = _difficulties(age)
            d = d[(d - age).abs() > 1e-9]  # where rounding may decide on which side it lies
            v = rule(k * d, k * age)
            same = (v - rule(d, age)).abs() <= 1e-6
            _expect_all(rule, same, f"v is not free of scale, at {k:g} times", v, d, age)


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


def _expect_all(
    rule: Weighting,
    fine: Tensor,
    promise: str,
    value: Tensor,
    inputs: Tensor,
    age: Number,
    of: str = "difficulty",
) -> None:
    """Raise where a promise is broken, naming the first place: value, dtype, input and age."""
    if bool(fine.all()):
        return
    at = int(fine.logical_not().nonzero()[0, 0])
    its_age = float(age.expand(len(inputs))[at] if isinstance(age, Tensor) else age)
    raise AssertionError(
        f"{rule!r}: {promise}; got {value[at].item():.6g} ({value.dtype}) at {of} "
        f"{inputs[at].item():.6g} ({inputs.dtype}) and age {its_age:g}"
    )


def _expect_like(
    rule: Weighting, value: Tensor, like: Tensor, age: Number, name: str, of: str = "difficulty"
) -> None:
    where = f"at age {age}"
    expect(
        value.dtype == like.dtype,
        f"{rule!r}: {name} changes {like.dtype}; got {value.dtype} {where}",
    )
    expect(
        value.shape == like.shape,
        f"{rule!r}: {name} changes the shape {tuple(like.shape)}; got {tuple(value.shape)} {where}",
    )
    _expect_all(rule, ~value.isnan(), f"{name} is NaN in {like.dtype}", value, like, age, of)


def _expect_refusal(rule: Weighting, what: str, call: Callable[[], Tensor]) -> None:
    try:
        call()
    except ValueError:
        return
    raise AssertionError(f"{rule!r} takes {what}, outside its domain")
