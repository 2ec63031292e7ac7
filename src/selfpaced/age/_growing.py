"""The founding paper's age: half of the hard samples first, then a factor more each step."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from selfpaced._errors import require, require_finite
from selfpaced.chain import Age, Population

NOTHING = 1e-3  # of the largest difficulty: rests of a solver's precision, which count as 0


@dataclass(frozen=True)
class Growing(Age):
    """The first age takes a share of the samples in, and each step multiplies it.

    The paper's 1 / K, with K0 such that the first fit takes more than half of the samples, and K
    divided by mu at every step. The share is taken of the samples that have a difficulty: where
    most have none, half of all would be an age of 0, which no factor lets grow. Keeps all before
    there is data, and where nothing is difficult.

    Args:
        factor: Multiplies the age at each step, the paper's mu; above 1.
        start: The first age, the paper's 1 / K0, in the unit of the difficulty; above 0. None for
            the share.
        share: Of the samples whose difficulty is over a thousandth of the largest, how many the
            first age takes in, rounded up; above 0, at most 1.

    Raises:
        ValueError: For settings out of these ranges, and for negative difficulties: a factor
            lets no negative age grow.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import torch
    >>> from selfpaced.chain import Population
    >>> population = Population(torch.tensor([0.0, 0.0, 1.0, 2.0, 3.0, 4.0]), None, {})
    >>> first = Growing()(1, population, torch.tensor(torch.inf))
    >>> first, Growing()(2, population, first)
    (tensor(3.), tensor(3.9000))
    """

    factor: float = 1.3
    start: float | None = None
    share: float = 0.5

    def __post_init__(self) -> None:
        """Check that the age can grow."""
        require_finite("factor", self.factor, "Growing")
        require(
            self.factor > 1,
            f"Growing: factor must be above 1; got {self.factor}. The paper uses 1.3.",
        )
        require(
            self.start is None or 0 < self.start < math.inf,
            f"Growing: start must be a finite age above 0, or None; got {self.start}.",
        )
        require(
            0 < self.share <= 1,
            f"Growing: share must be above 0 and at most 1; got {self.share}.",
        )

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape (): infinite before data, then the first, then more."""
        if population is None:
            return torch.full_like(previous, math.inf)
        _require_positive(population.difficulty)
        if previous.isinf():
            return torch.full_like(previous, self.start or self._first(population))
        return (previous * self.factor).clamp(max=torch.finfo(torch.float32).max)

    def _first(self, population: Population) -> float:
        """Return the least difficulty over those of the share, ties included."""
        d, counts = population.difficulty.double(), population.counts()
        mass = torch.ones_like(d) if counts is None else counts.double()
        order = d.argsort()
        d, mass = d[order], mass[order] * (d[order] > NOTHING * d.max())
        filled = mass.cumsum(0)
        last = d[filled >= self.share * filled[-1] * (1 - 1e-9)][0]
        above = d[d > last]
        return float(above[0]) if len(above) else math.inf


def _require_positive(difficulty: Tensor) -> None:
    """Raise for negative difficulties."""
    low = float(difficulty.min())
    require(
        low >= 0,
        f"Growing takes difficulties of 0 or more; got {low:g}: no factor lets a negative age "
        f"grow. Use Quantile(Ramp(0.5, 1.0, steps=10)) for log-likelihoods.",
    )
