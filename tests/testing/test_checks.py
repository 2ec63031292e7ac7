import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from selfpaced.age import Quantile
from selfpaced.chain import Population, Rows
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant, Ramp
from selfpaced.testing import check_age, check_difficulty, check_pacing, check_settings
from selfpaced.weighting import Linear


@dataclass(frozen=True)
class NanAge(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.full_like(previous, math.nan)


@dataclass(frozen=True)
class NanBeforeData(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.full_like(previous, 1.0 if population else math.nan)


@dataclass(frozen=True)
class Grows(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.ones(2)


@dataclass(frozen=True)
class Double(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return previous.double()


@dataclass(frozen=True)
class Random(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.rand_like(previous)


@dataclass(frozen=True)
class Weighs(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        heavy = population is not None and population.mass is not None
        return torch.full_like(previous, 2.0 if heavy else 1.0)


@dataclass(frozen=True)
class WritesAge(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return previous.fill_(2.0).clone()


@dataclass(frozen=True)
class WritesPopulation(Quantile):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        if population is not None:
            population.difficulty.copy_(population.difficulty.sort().values.flip(0) + 1)
        return torch.ones_like(previous)


@pytest.mark.parametrize("by", [None, "group"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Grows, "shape of the age changes"),
        (Double, "must be float32"),
        (NanAge, "the age is NaN"),
        (NanBeforeData, "the age is NaN"),
        (WritesAge, "writes to the previous age"),
        (WritesPopulation, "writes to the population"),
        (Random, "is not pure"),
        (Weighs, "equal masses change the age"),
    ],
)
def test_planted_ages_fail(kind: type[Quantile], message: str, by: str | None) -> None:
    with pytest.raises(AssertionError, match=message):
        check_age(kind(Constant(0.5), by))


@dataclass(frozen=True)
class Batchwise(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory - memory.sum()


@dataclass(frozen=True)
class Infinite(Loss):
    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        return loss / 0.0


@dataclass(frozen=True)
class RandomScore(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return torch.rand_like(memory)


@dataclass(frozen=True)
class WritesLoss(Loss):
    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        return loss.mul_(0.0).clone()


@dataclass(frozen=True)
class WritesColumns(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        rows.columns["prior"].fill_(7.0)
        return memory


@dataclass(frozen=True)
class DoubleScore(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory.double()


@dataclass(frozen=True)
class Pooled(Loss):
    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        return loss.sum()


@dataclass(frozen=True)
class NeverEmpty(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory if len(memory) else torch.zeros(1)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Pooled(), r"the memory is not of shape \(B,\)"),
        (DoubleScore(), "the score is not float32"),
        (Infinite(), "the memory is not finite"),
        (RandomScore(), "is not pure"),
        (WritesLoss(), "writes to its inputs"),
        (WritesColumns(), "writes to its inputs"),
        (Batchwise(), "depends on its batch"),
        (NeverEmpty(), r"the score is not of shape \(B,\)"),
    ],
    ids=lambda x: type(x).__name__,
)
def test_planted_difficulties_fail(rule: Loss, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_difficulty(rule, columns=["prior"])


@dataclass(frozen=True)
class AlwaysSquareRoot:
    """CurBench's root-p, with the exponent 0.5 for every p."""

    p: float = 3.0

    def __call__(self, progress: float, start: float, stop: float) -> float:
        low, high = start**self.p, stop**self.p
        return float((low + (high - low) * progress) ** 0.5)


def test_the_wrong_root_of_curbench_fails() -> None:
    with pytest.raises(AssertionError, match="starts wrong"):
        check_pacing(Ramp(0.3, 1.0, 10, AlwaysSquareRoot()), 0.3, 1.0)


@dataclass(frozen=True)
class Jumpy:
    def __call__(self, step: int) -> float:
        return float(step % 3)


@dataclass(frozen=True)
class TakesHalves:
    def __call__(self, step: int) -> float:
        return float(step)


@dataclass(frozen=True)
class TakesNegatives:
    def __call__(self, step: int) -> float:
        if isinstance(step, float):
            raise TypeError("no")
        return float(step)


@dataclass(frozen=True)
class Whole:
    def __call__(self, step: int) -> float:
        return 1


@dataclass(frozen=True)
class NeverANumber:
    def __call__(self, step: int) -> float:
        return math.nan


@dataclass(frozen=True)
class Explodes:
    def __call__(self, step: int) -> float:
        return 1.0 if step < 5 else math.inf


@dataclass(frozen=True)
class Counts:
    calls: list[int]

    def __call__(self, step: int) -> float:
        self.calls.append(step)
        return float(len(self.calls))


def test_planted_schedules_fail() -> None:
    with pytest.raises(AssertionError, match="must return floats"):
        check_pacing(Whole(), 1.0)
    with pytest.raises(AssertionError, match="is NaN"):
        check_pacing(NeverANumber(), 1.0)
    with pytest.raises(AssertionError, match="starts wrong"):
        check_pacing(Constant(1.0), 1.001)
    with pytest.raises(AssertionError, match=r"does not end at 2\.0"):
        check_pacing(Constant(1.0), 1.0, 2.0)
    with pytest.raises(AssertionError, match="turns round"):
        check_pacing(Jumpy(), 0.0)
    with pytest.raises(AssertionError, match="becomes infinite within 20 steps"):
        check_pacing(Explodes(), 1.0)
    with pytest.raises(AssertionError, match="depends on more than the step"):
        check_pacing(Counts([]), 1.0)
    with pytest.raises(AssertionError, match=r"takes 0\.5 as a step"):
        check_pacing(TakesHalves(), 0.0)
    with pytest.raises(AssertionError, match="takes -1 as a step"):
        check_pacing(TakesNegatives(), 0.0)


def test_an_infinite_constant_conforms() -> None:
    check_pacing(Constant(math.inf), math.inf, math.inf)


@dataclass(frozen=True)
class Holds:
    inner: object
    limit: float = math.inf


class OtherRepr(Holds):
    def __repr__(self) -> str:
        return "OtherRepr(1)"


class Unspeakable(Holds):
    def __repr__(self) -> str:
        return "<unspeakable>"


class Forgetful(Holds):
    def __getstate__(self) -> dict[str, object]:
        return {"inner": None}


def test_settings_inside_settings_and_infinite_ones_conform() -> None:
    check_settings(Holds(Holds(Linear(), 1.0)))


def test_planted_settings_fail() -> None:
    with pytest.raises(AssertionError, match="cannot be pickled"):
        check_settings(Holds(lambda: None))
    with pytest.raises(AssertionError, match="does not survive pickling"):
        check_settings(Forgetful(1))
    with pytest.raises(AssertionError, match="is another object"):
        check_settings(OtherRepr(2))
    with pytest.raises(AssertionError, match="eval of <unspeakable> fails"):
        check_settings(Unspeakable(1))
