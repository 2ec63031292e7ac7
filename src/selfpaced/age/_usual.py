"""``Usual``: the age for squared distances in any number of dimensions."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import column_of, require
from selfpaced.chain import Age, Floats, Population

NORMAL = 1.4826  # standard deviation of a normal over its median absolute deviation
PASSES = 50  # largest number of times that the median and the deviation are estimated


@dataclass(frozen=True)
class Usual(Age):
    """The age lies some standard deviations above the median, in cube roots of the losses.

    The cube root of a chi-square is nearly normal, whatever its degrees of freedom, and so are
    those of squared distances to centres. Median and median absolute deviation are estimated again
    from the samples within the limit, until no more are left out. Of the losses of normal samples
    the default leaves out 1 in 100.

    Args:
        limit: Losses of up to this many standard deviations above the median are kept; above 0.
        by: Name of a column of groups that each have an age, such as the views; None for one age.

    Raises:
        ValueError: For a limit that is not above 0, and for negative losses.

    References:
        Wilson, Hilferty, *The Distribution of Chi-Square*, PNAS 1931.

    >>> import torch
    >>> from selfpaced.chain import Population
    >>> loss = torch.tensor([1.0, 1.2, 0.8, 0.9, 1.1, 40.0])
    >>> loss < Usual(by=None)(1, Population(loss, None, {}), torch.tensor(torch.inf))
    tensor([ True,  True,  True,  True,  True, False])
    """

    limit: float = 2.5
    by: str | None = "view"
    steady = True

    def __post_init__(self) -> None:
        """Check the limit."""
        require(
            0 < self.limit < math.inf, f"Usual: limit must be a number above 0; got {self.limit}."
        )

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape () or (groups,); infinite to keep all."""
        if population is None:
            return torch.full_like(previous, math.inf)
        loss = population.difficulty
        low = float(loss.min())
        require(low >= 0, f"Usual takes losses of 0 or more, squared distances; got {low:g}.")
        if self.by is None:
            return torch.tensor(usual(loss.double().numpy(), self.limit)).float()
        group = column_of(population.columns, self.by, "Usual")
        each = [loss[group == label].double().numpy() for label in range(len(previous))]
        return torch.tensor([usual(part, self.limit) for part in each]).float()


def usual(squared: Floats, limit: float) -> float:
    """Return the loss beyond which samples are left out; infinite for none, or without losses."""
    if not len(squared):
        return math.inf
    root, end = np.cbrt(squared), math.inf
    for _ in range(PASSES):
        inside = root[root < end]
        middle = np.median(inside)
        spread = NORMAL * float(np.median(np.abs(inside - middle)))
        if not spread or middle + limit * spread >= end:
            break
        end = float(middle + limit * spread)
    return end**3
