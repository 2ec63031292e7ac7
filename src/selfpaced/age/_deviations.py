"""``Deviations``: the age for regressions, which leaves out large residuals."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from selfpaced._errors import require, require_positive_int
from selfpaced._evidence import of_residuals
from selfpaced.age._quantile import cut
from selfpaced.chain import Age, Population

MEDIAN = 0.6744897501960817  # median of the absolute value of a standard normal


@dataclass(frozen=True)
class Deviations(Age):
    """Keep residuals of up to some standard deviations, for the losses of a regression.

    The losses of right and of wrong targets form one long tail, not the two humps that ``Auto``
    looks for. But the residual of a wrong target that the model has not learned is large compared
    with the usual one. The standard deviation is estimated from the median of the absolute
    residuals, which hardly changes while fewer than half of the targets are wrong. It shrinks as
    the model learns the kept samples, so that more and more wrong targets lie beyond the limit. Of
    normal residuals the default leaves out 3 in 1,000.

    If the errors of right targets are skewed or have long tails (delays, prices), some of them lie
    beyond the limit too. Train on the logarithm of such a target, or set a higher limit.

    Args:
        limit: Residuals of up to this many standard deviations are kept; above 0.
        power: The loss is the absolute residual to this power, times any constant: 2 for squared
            errors, 1 for absolute errors.
        warmup: Number of steps that keep everything; 1 or more.

    Raises:
        TypeError: For a warmup that is not an int.
        ValueError: For settings out of range, and for negative difficulties.

    References:
        Leys, Ley, Klein, Bernard, Licata, *Detecting outliers: Do not use standard deviation around
        the mean, use absolute deviation around the median*, J. Experimental Social Psychology 2013.

    >>> import math
    >>> import torch
    >>> from selfpaced.chain import Population
    >>> residual = torch.tensor([-1.0, 0.5, 0.1, -0.7, 9.0])
    >>> age = Deviations()(2, Population(residual**2, None, {}), torch.tensor(math.inf))
    >>> residual**2 < age
    tensor([ True,  True,  True,  True, False])
    """

    limit: float = 3.0
    power: float = 2.0
    warmup: int = 2
    needs_cut = True

    def __post_init__(self) -> None:
        """Check the settings."""
        require_positive_int("warmup", self.warmup, "Deviations")
        for name, value in (("limit", self.limit), ("power", self.power)):
            require(
                0 < value < math.inf, f"Deviations: {name} must be a number above 0; got {value}."
            )

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape (); infinite to keep all samples.

        All samples are also kept if half of the residuals are 0.
        """
        age = math.inf
        if population is not None:
            _require_sizes(population.difficulty)
            if step >= self.warmup:
                usual = cut(population.difficulty, 0.5, population.counts())
                age = usual * (self.limit / MEDIAN) ** self.power or math.inf
        return torch.tensor(age, dtype=torch.float64).float().to(previous.device)

    def evidence(self, loss: Tensor, classes: int | None) -> float:
        """Return how much the losses of a step count as residuals: one over their median."""
        return of_residuals(loss)


def _require_sizes(difficulty: Tensor) -> None:
    """Raise unless all difficulties are 0 or more, as sizes of residuals are."""
    if len(difficulty):
        lowest = float(difficulty.min())
        require(
            lowest >= 0,
            f"Deviations reads difficulties as sizes of residuals and needs 0 or more; got "
            f"{lowest:g}. Use age=Quantile(pacing) for other losses.",
        )
