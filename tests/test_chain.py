"""Claims about the expansion of left-out samples, and how an age gets it."""

import torch
from torch import Tensor

from selfpaced import Pacer
from selfpaced._memory.columns import expand
from selfpaced.age import Quantile
from selfpaced.chain import Population
from selfpaced.pacing import Constant


def test_visited_left_out_samples_stand_for_all_left_out_samples() -> None:
    left_out = torch.arange(10) >= 4
    visited = torch.tensor([True] * 4 + [False] * 4 + [True] * 2)
    expansion = expand(left_out, visited)
    assert expansion is not None
    assert expansion.tolist() == [1.0] * 4 + [0.0] * 4 + [3.0] * 2


def test_a_kept_sample_stands_for_itself_visited_or_not() -> None:
    expansion = expand(torch.tensor([False, True, True]), torch.tensor([False, True, False]))
    assert expansion is not None and expansion.tolist() == [1.0, 2.0, 0.0]


def test_each_sample_stands_for_itself_if_all_or_no_left_out_samples_were_visited() -> None:
    left_out = torch.tensor([False, True, True])
    assert expand(left_out, torch.tensor([True, True, True])) is None
    assert expand(left_out, torch.tensor([True, False, False])) is None
    assert expand(torch.zeros(3, dtype=torch.bool), torch.tensor([True, False, True])) is None


shown: list[Population | None] = []


class Watching(Quantile):
    """A quantile that records the populations it gets."""

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        shown.append(population)
        return super().__call__(step, population, previous)


def test_a_pacer_gives_the_age_the_expansion() -> None:
    pacer = Pacer(6, age=Watching(Constant(0.5)))
    pacer.observe(torch.arange(6.0), torch.arange(6))
    pacer.step()
    pacer.observe(torch.tensor([9.0, 9.0, 9.0, 9.0]), torch.tensor([0, 1, 2, 4]))
    pacer.step()
    first, second = shown[-2:]
    assert first is not None and first.expansion is None
    assert second is not None and second.expansion is not None
    assert second.expansion.tolist() == [1.0, 1.0, 1.0, 0.0, 3.0, 0.0]
