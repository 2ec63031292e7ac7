import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from selfpaced.chain import Interval
from selfpaced.testing import _weighting as checks
from selfpaced.testing import check_weighting
from selfpaced.weighting import Hard, Linear, Logarithmic, Logistic, Polynomial, Welsch
from selfpaced.weighting._rule import ANY

Number = Tensor | float


@dataclass(frozen=True)
class WrongPrecedence(Polynomial):
    """CurBench's polynomial: (1 - l / a) ** 1.0 / (t - 1.0) is the linear weight over t - 1."""

    def v(self, r: Tensor) -> Tensor:
        return (1 - r).clamp(min=0) ** 1.0 / (self.t - 1.0)


def test_the_wrong_polynomial_of_curbench_fails() -> None:
    check_weighting(Polynomial(t=3))
    with pytest.raises(AssertionError, match=r"v\(0\) is not 1"):
        check_weighting(WrongPrecedence(t=3))
    with pytest.raises(AssertionError, match="is no minimiser: 0"):
        checks.check_minimiser(WrongPrecedence(t=3), 0.3)


@dataclass(frozen=True)
class Planted(Linear):
    """The linear rule, for one mistake at a time."""

    def plain(self, difficulty: Tensor, age: Number) -> Tensor:
        return super().__call__(difficulty, age)


class WrongPenalty(Planted):
    def h(self, v: Tensor) -> Tensor:
        return v.square() - v


class NanPenalty(Planted):
    def h(self, v: Tensor) -> Tensor:
        return v.log() * v


class WrongLatent(Planted):
    def G(self, r: Tensor) -> Tensor:
        return r.clamp(max=1)


class RaisedLatent(Planted):
    def G(self, r: Tensor) -> Tensor:
        return super().G(r) + 1


class SaysItNeverCuts(Planted):
    cuts: ClassVar[bool] = False


class SaysItIsBinary(Planted):
    binary: ClassVar[bool] = True


class SaysItIsSoft(Hard):
    binary: ClassVar[bool] = False


class SaysItCuts(Welsch):
    cuts: ClassVar[bool] = True


class NarrowRange(Planted):
    range: ClassVar[Interval] = Interval(0.0, 0.5)


class HardFirst(Planted):
    direction: ClassVar[int] = 1


class Half(Planted):
    def v(self, r: Tensor) -> Tensor:
        return super().v(r) / 2


class KeepsTheInfinite(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return torch.where(difficulty.isinf(), 1.0, self.plain(difficulty, age))


class OtherDtype(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return self.plain(difficulty, age).double()


class OtherLatentDtype(Planted):
    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        return super().latent_loss(difficulty, age).double()


class OtherShape(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return self.plain(difficulty, age).reshape(-1, 1)


class NeverEmpty(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return self.plain(difficulty, age) if len(difficulty) else difficulty.new_zeros(1)


class NanWeight(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return torch.where(difficulty == 1e4, math.nan, self.plain(difficulty, age))


class InfiniteWeight(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return torch.where(difficulty == 1e4, math.inf, self.plain(difficulty, age))


class NanPenaltyAtTheEnds(Planted):
    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        return self.h(weight) * age


class ForgetsInfinity(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        forgotten = isinstance(age, float) and age == math.inf
        return self.plain(difficulty, 1.0 if forgotten else age)


class Leaky(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return (1 - difficulty / age).clamp(min=0)


class WrongGradient(Planted):
    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        nothing = (difficulty - difficulty.detach()).nan_to_num()  # 0, with the slope 1
        return super().latent_loss(difficulty.detach(), age) + nothing


class Random(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return torch.rand_like(difficulty)


class WritesDifficulty(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        v = self.plain(difficulty, age)
        difficulty.detach()[-1:] = 7.0
        return v


class WritesAge(Planted):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return torch.zeros_like(difficulty) if float(torch.as_tensor(age).mul_(2)) else difficulty


class SaysItGrows(Logarithmic):
    grows_with_age: ClassVar[bool] = True


class SaysItHasNoScale(Logistic):
    scale_free: ClassVar[bool] = True


class TakesNegatives(Hard):
    difficulty_domain: ClassVar[Interval] = Interval(0.0, math.inf)


class TakesAnyAge(Hard):
    age_domain: ClassVar[Interval] = Interval(0.0, math.inf)


class TakesLargeAges(Hard):
    age_domain: ClassVar[Interval] = Interval(-math.inf, 1.0)


Check = Callable[..., None]
FAILS: list[tuple[type[Hard] | type[Linear] | type[Welsch], Check, str]] = [
    (WrongPenalty, checks.check_minimiser, "is no minimiser"),
    (NanPenalty, checks.check_minimiser, "the penalty is NaN"),
    (WrongLatent, checks.check_minimum, "F is not the minimum"),
    (WrongLatent, checks.check_integral, "F is not the integral"),
    (RaisedLatent, checks.check_integral, r"F\(0\) is not 0"),
    (SaysItNeverCuts, checks.check_shape, "cuts=False is not true"),
    (SaysItCuts, checks.check_shape, "cuts=True is not true"),
    (SaysItIsBinary, checks.check_shape, "binary=True is not true"),
    (SaysItIsSoft, checks.check_shape, "binary=False is not true"),
    (NarrowRange, checks.check_shape, "leaves its range"),
    (HardFirst, checks.check_shape, "not monotone in the difficulty"),
    (Half, checks.check_shape, r"v\(0\) is not 1"),
    (KeepsTheInfinite, checks.check_shape, "keeps an infinite difficulty"),
    (OtherDtype, checks.check_dtypes, r"v changes torch\.float16"),
    (OtherLatentDtype, checks.check_dtypes, r"F changes torch\.float16"),
    (OtherShape, checks.check_dtypes, "v changes the shape"),
    (NeverEmpty, checks.check_dtypes, "v of an empty batch changes the shape"),
    (NanWeight, checks.check_dtypes, r"v is NaN in torch\.float16"),
    (InfiniteWeight, checks.check_dtypes, r"v is infinite in torch\.float16"),
    (NanPenaltyAtTheEnds, checks.check_dtypes, r"the penalty is NaN in torch\.float16"),
    (ForgetsInfinity, checks.check_dtypes, "must keep everything"),
    (Leaky, checks.check_gradients, "a gradient flows through v"),
    (WrongGradient, checks.check_gradients, "the gradient of F is not v"),
    (Random, checks.check_inputs, "is not pure"),
    (WritesDifficulty, checks.check_inputs, "writes to its inputs"),
    (WritesAge, checks.check_inputs, "writes to its inputs"),
    (TakesNegatives, checks.check_refusals, r"takes the difficulty -1\.0"),
    (TakesAnyAge, checks.check_refusals, r"takes the age -1\.0"),
    (TakesLargeAges, checks.check_refusals, r"takes the age 2\.0"),
]


@pytest.mark.parametrize(("kind", "check", "message"), FAILS)
def test_planted_weightings_fail(
    kind: type[Hard] | type[Linear] | type[Welsch], check: Check, message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        check(kind(), 0.3)
    with pytest.raises(AssertionError):
        check_weighting(kind())


PLACES = [
    (
        NanWeight,
        r"v is NaN in torch\.float16; got nan \(torch\.float16\) at difficulty 10000 "
        r"\(torch\.float16\) and age 0\.3$",
    ),
    (
        InfiniteWeight,
        r"v is infinite in torch\.float16; got inf \(torch\.float16\) at difficulty 10000 ",
    ),
    (
        NanPenaltyAtTheEnds,
        r"the penalty is NaN in torch\.float16; got nan \(torch\.float16\) at weight 0 "
        r"\(torch\.float16\) and age inf$",
    ),
    (
        ForgetsInfinity,
        r"keep everything; got 0\.\d+ \(torch\.float16\) at difficulty 0\.\d+ .* age inf",
    ),
]


@pytest.mark.parametrize(("kind", "message"), PLACES)
def test_a_failure_names_the_value_the_dtype_the_difficulty_and_the_age(
    kind: type[Linear], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        checks.check_dtypes(kind(), 0.3)


def test_a_failure_of_the_shape_names_the_first_difficulty_that_breaks_it() -> None:
    message = r"leaves its range \[0, 0\.5\]; got 1 \(torch\.float64\) at difficulty 0 .* age 0\.3$"
    with pytest.raises(AssertionError, match=message):
        checks.check_shape(NarrowRange(), 0.3)


def test_a_weight_that_falls_as_the_age_grows_fails_unless_it_says_so() -> None:
    check_weighting(Logarithmic(), ages=(0.7, 0.95))
    with pytest.raises(AssertionError, match="falls as the age grows"):
        check_weighting(SaysItGrows(), ages=(0.7, 0.95))


def test_a_rule_with_a_scale_fails_unless_it_says_so() -> None:
    with pytest.raises(AssertionError, match="is not free of scale"):
        check_weighting(SaysItHasNoScale())


def test_hard_takes_any_difficulty_and_so_need_not_refuse_one() -> None:
    assert Hard.difficulty_domain == ANY
    checks.check_refusals(Hard(), 0.3)
