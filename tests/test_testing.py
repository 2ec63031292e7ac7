"""A check that cannot fail is no check: each one meets a planted mistake here."""

import math
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from selfpaced import testing
from selfpaced.age import Quantile
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant, Ramp
from selfpaced.rows import Population, Rows
from selfpaced.weighting import Hard, Interval, Linear, Polynomial, Welsch


@dataclass(frozen=True)
class WrongPrecedence(Polynomial):
    """CurBench's polynomial: (1 - l / a) ** 1.0 / (t - 1.0) is the linear weight over t - 1."""

    def v(self, r: Tensor) -> Tensor:
        return (1 - r).clamp(min=0) ** 1.0 / (self.t - 1.0)


@dataclass(frozen=True)
class AlwaysSquareRoot:
    """CurBench's root-p, with the exponent 0.5 for every p."""

    p: float = 3.0

    def __call__(self, progress: float, start: float, stop: float) -> float:
        low, high = start**self.p, stop**self.p
        return float((low + (high - low) * progress) ** 0.5)


def test_the_wrong_polynomial_of_curbench_fails() -> None:
    testing.check_weighting(Polynomial(t=3))
    with pytest.raises(AssertionError, match="is no minimiser: 0"):
        testing.check_weighting(WrongPrecedence(t=3))


def test_the_wrong_root_of_curbench_fails() -> None:
    with pytest.raises(AssertionError, match="starts wrong"):
        testing.check_pacing(Ramp(0.3, 1.0, 10, AlwaysSquareRoot()), 0.3, 1.0)


@dataclass(frozen=True)
class WrongLatent(Linear):
    def G(self, r: Tensor) -> Tensor:
        return r.clamp(max=1)


@dataclass(frozen=True)
class NotFlat(Linear):
    cuts: ClassVar[bool] = False


@dataclass(frozen=True)
class SaysItIsSoft(Hard):
    binary: ClassVar[bool] = False


@dataclass(frozen=True)
class NarrowRange(Linear):
    range: ClassVar[Interval] = Interval(0.0, 0.5)


@dataclass(frozen=True)
class OtherDtype(Linear):
    def __call__(self, difficulty: Tensor, age: Tensor | float) -> Tensor:
        return super().__call__(difficulty, age).double()


@dataclass(frozen=True)
class Leaky(Linear):
    def __call__(self, difficulty: Tensor, age: Tensor | float) -> Tensor:
        r = difficulty / age
        return torch.where(r.isfinite(), 1 - r, 0.0).clamp(min=0).to(difficulty.dtype)


@dataclass(frozen=True)
class SquaredScale(Welsch):
    """The age as the paper's lambda: not in the unit of the difficulty."""

    def __call__(self, difficulty: Tensor, age: Tensor | float) -> Tensor:
        return super().__call__(difficulty, torch.as_tensor(age).double() ** 2)

    def penalty(self, weight: Tensor, age: Tensor | float) -> Tensor:
        return super().penalty(weight, torch.as_tensor(age).double() ** 2)

    def latent_loss(self, difficulty: Tensor, age: Tensor | float) -> Tensor:
        return super().latent_loss(difficulty, torch.as_tensor(age).double() ** 2)


class NoRepr(Linear):
    def __repr__(self) -> str:
        return "Hard()"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (WrongLatent(), "F is not the minimum"),
        (NotFlat(), "cuts=False is not true"),
        (SaysItIsSoft(), "binary=False is not true"),
        (NarrowRange(), "no minimiser|leaves its range"),
        (OtherDtype(), "changes torch.float16 or shape"),
        (Leaky(), "a gradient flows through v"),
        (SquaredScale(), "not free of scale"),
        (NoRepr(), "is another object"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_planted_weightings_fail(rule: Linear, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        testing.check_weighting(rule)


@dataclass(frozen=True)
class Jumpy:
    def __call__(self, step: int) -> float:
        return float(step % 3)


@dataclass(frozen=True)
class TakesAnything:
    def __call__(self, step: int) -> float:
        return float(step)


@dataclass(frozen=True)
class Whole:
    def __call__(self, step: int) -> float:
        return 1


def test_planted_schedules_fail() -> None:
    with pytest.raises(AssertionError, match="turns round"):
        testing.check_pacing(Jumpy(), 0.0)
    with pytest.raises(AssertionError, match="takes 0.5 as a step"):
        testing.check_pacing(TakesAnything(), 0.0)
    with pytest.raises(AssertionError, match="must return floats"):
        testing.check_pacing(Whole(), 1.0)
    with pytest.raises(AssertionError, match="does not end at 2.0"):
        testing.check_pacing(Constant(1.0), 1.0, 2.0)
    with pytest.raises(AssertionError, match="starts wrong"):
        testing.check_pacing(Constant(1.0), 2.0)


@dataclass(frozen=True)
class Batchwise(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory - memory.mean()


@dataclass(frozen=True)
class Infinite(Loss):
    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        return loss / 0.0


@dataclass(frozen=True)
class Writes(Loss):
    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        loss.mul_(0.0)
        return loss.clone()


@dataclass(frozen=True)
class Pairs(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory.double()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Batchwise(), "depends on its batch"),
        (Infinite(), "not finite"),
        (Writes(), "writes to its inputs"),
        (Pairs(), r"is not \(B,\)"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_planted_difficulties_fail(rule: Loss, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        testing.check_difficulty(rule)


@dataclass(frozen=True)
class NanAge(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.full_like(previous, math.nan)


@dataclass(frozen=True)
class Grows(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.ones(2)


@dataclass(frozen=True)
class WritesAge(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        previous.fill_(2.0)
        return torch.tensor(1.0)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (NanAge(Constant(0.5)), "the age is NaN"),
        (Grows(Constant(0.5)), "shape of the age changes"),
        (WritesAge(Constant(0.5)), "writes to the previous age"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_planted_ages_fail(rule: Quantile, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        testing.check_age(rule)
