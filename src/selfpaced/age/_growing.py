"""``Growing``: the age of Kumar, Packer and Koller (2010), which grows by a factor each step."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from selfpaced._errors import require, require_finite
from selfpaced.chain import Age, Population

# Difficulties up to this fraction of the largest count as 0: a solver does not reach 0 exactly.
NEGLIGIBLE = 1e-3
ROUNDING = 1e-9  # relative tolerance for rounding errors in the sum of masses


@dataclass(frozen=True)
class Growing(Age):
    """The first age keeps a share of the hard samples; each later step multiplies the age.

    This is the paper's 1 / K, with K0 such that the first fit takes more than half of the samples,
    and K divided by mu at every step. The share is taken of the samples with a difficulty above 0:
    if most are at 0, half of all samples would give an age of 0, which cannot grow. All samples are
    kept before there is data and if all difficulties are 0.

    Args:
        factor: Multiplies the age at each step, the paper's mu; above 1.
        start: The first age, the paper's 1 / K0, in the unit of the difficulty; above 0. None to
            use the share.
        share: The share that the first age keeps of the samples whose difficulty is over a
            thousandth of the largest, rounded up; above 0, at most 1.

    Raises:
        ValueError: For settings out of these ranges, and for negative difficulties: a negative age
            cannot grow by a factor.

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
        """Return the age, float32, shape (): infinite before data, then growing by the factor."""
        if population is None:
            return torch.full_like(previous, math.inf)
        _require_positive(population.difficulty)
        if previous.isinf():
            return torch.full_like(previous, self.start or self._first(population))
        return (previous * self.factor).clamp(max=torch.finfo(torch.float32).max)

    def _first(self, population: Population) -> float:
        """Return the smallest difficulty above that of the last sample in the share."""
        d, counts = population.difficulty.double(), population.counts()
        mass = torch.ones_like(d) if counts is None else counts.double()
        order = d.argsort()
        d, mass = d[order], mass[order] * (d[order] > NEGLIGIBLE * d.max())
        filled = mass.cumsum(0)
        last = d[filled >= self.share * filled[-1] * (1 - ROUNDING)][0]
        above = d[d > last]
        return float(above[0]) if len(above) else math.inf


def _require_positive(difficulty: Tensor) -> None:
    """Raise for negative difficulties."""
    low = float(difficulty.min())
    require(
        low >= 0,
        f"Growing takes difficulties of 0 or more; got {low:g}. A negative age cannot grow by a "
        f"factor. Use Quantile(Ramp(0.5, 1.0, steps=10)) for log-likelihoods.",
    )
