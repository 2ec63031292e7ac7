"""The random-order control of a search: as many units at every step, in no order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from selfpaced.weighting import Hard
from selfpaced.weighting.rule import Number


@dataclass(frozen=True)
class Shuffled(Hard):
    """``Hard``, whose weights go to other units, always the same ones.

    Args:
        seed: Of the order.
    """

    seed: int = 0

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return as many weights of 1 as are below the age, shape (n,)."""
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(difficulty), generator=generator)
        return super().__call__(difficulty, age)[order]
