import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from selfpaced import Population
from selfpaced.age import Quantile
from selfpaced.pacing import Constant
from selfpaced.testing import check_age


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
