from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from selfpaced import Rows
from selfpaced.difficulty import Loss
from selfpaced.testing import check_difficulty


@dataclass(frozen=True)
class Batchwise(Loss):
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory - memory.sum()


@dataclass(frozen=True)
class Infinite(Loss):
    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        return loss / 0.0


@dataclass(frozen=True)
class Random(Loss):
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
class Double(Loss):
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
        (Double(), "the score is not float32"),
        (Infinite(), "the memory is not finite"),
        (Random(), "is not pure"),
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
