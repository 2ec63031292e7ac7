"""A difficulty that says how far the pass rate of a prompt is from a band.

The loss of a prompt is 1 - pass rate: 0 where all its completions are right.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.age import Threshold
from selfpaced.chain import Difficulty, Rows
from selfpaced.difficulty import Smoothed
from selfpaced.pacing import Constant

# Tolerance for rounding in float32: a pass rate of 1/5 is inside a band from 0.2.
SLACK = 1e-6


@dataclass(frozen=True)
class Band(Difficulty):
    r"""The distance of a prompt's pass rate from a band; inside the band, edges included, below 0.

    .. math:: d = \max(low - p, p - high)

    The age ``Threshold(Constant(0.0))``, which ``pacer(n)`` sets, keeps the prompts inside the
    band. An age of 0.1 also keeps prompts within 0.1 of the band, and ``Quantile(Constant(0.5))``
    keeps the half of the prompts that is nearest to its middle.

    Args:
        low: The lowest pass rate inside the band, from 0.
        high: The highest pass rate inside the band, up to 1.
        of: The difficulty that combines the losses 1 - p of a prompt's visits into one number.

    Raises:
        ValueError: Unless 0 <= low <= high <= 1.

    >>> import torch
    >>> from selfpaced.chain import Rows
    >>> rows = Rows(torch.arange(3), torch.zeros(3), torch.ones(3), {})
    >>> Band(0.25, 0.75)(torch.tensor([1.0, 0.5, 0.0]), rows)  # never, half, always solved
    tensor([ 0.2500, -0.2500,  0.2500])
    """

    low: float = 0.2
    high: float = 0.8
    of: Difficulty = field(default_factory=lambda: Smoothed(0.5))

    def __post_init__(self) -> None:
        """Check the edges."""
        require(
            0 <= self.low <= self.high <= 1,
            f"Band: pass rates must be 0 <= low <= high <= 1; got {self.low} and {self.high}.",
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the inner difficulty reads."""
        return self.of.reads

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,)."""
        return self.of.fold(loss, rows)

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the distance of the remembered pass rate from the band, shape (B,)."""
        rate = 1 - self.of(memory, rows)
        return torch.maximum(self.low - rate, rate - self.high) - SLACK

    def pacer(self, n_samples: int) -> Pacer:
        """Return a pacer that keeps the prompts inside the band."""
        return Pacer(n_samples, difficulty=self, age=Threshold(Constant(0.0)))
