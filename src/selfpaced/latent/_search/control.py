"""The random-order control of a search: as many units at every step, in no order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from selfpaced.weighting import Hard


@dataclass(frozen=True)
class Scattered(Hard):
    """As many samples as ``Hard`` would keep, others: each is judged by another one's loss.

    Args:
        seed: Another seed is another permutation.
    """

    seed: int = 0

    def __call__(self, difficulty: Tensor, age: Tensor | float) -> Tensor:
        """Return v, shape of the difficulty."""
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(difficulty), generator=generator, device="cpu")
        return super().__call__(difficulty, age)[order]
