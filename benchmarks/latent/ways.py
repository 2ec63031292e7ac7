"""How the latent SVMs of the benchmarks are trained, and the means of their rows."""

from collections.abc import Sequence

import numpy as np

from selfpaced.age import Growing, Quantile
from selfpaced.latent import Search, Stop
from selfpaced.pacing import Ramp
from selfpaced.weighting import RandomOrder

PAPER = Stop(min_outer=2, patience=1)
FIXED = Stop(0.0, min_outer=3, patience=3)  # until nothing changes any more
SHARE = Quantile(Ramp(0.3, 1.0, steps=20))
WAYS = {
    "CCCP": Search(age=None, stop=PAPER),
    "self-paced": Search(stop=PAPER),
    "self-paced, mu = 1.1": Search(age=Growing(1.1), stop=PAPER),
    "random order": Search(weighting=RandomOrder(), stop=PAPER),
    "CCCP to a fixed point": Search(age=None, stop=FIXED),
    "self-paced, mu = 1.1, to a fixed point": Search(age=Growing(1.1), stop=FIXED),
    "self-paced, mu = 1.03, to a fixed point": Search(age=Growing(1.03), stop=FIXED),
    "self-paced, a share, to a fixed point": Search(age=SHARE, stop=FIXED),
    "random order, a share, to a fixed point": Search(
        age=SHARE, weighting=RandomOrder(), stop=FIXED
    ),
    "random order, mu = 1.03, to a fixed point": Search(
        age=Growing(1.03), weighting=RandomOrder(), stop=FIXED
    ),
}
AS_MANY = "CCCP, as many solves"


def as_many(solves: int) -> Search:
    """Return CCCP that may spend so many inner solves."""
    return Search(age=None, stop=Stop(0.0, min_outer=solves, patience=1, max_outer=solves))


def means(rows: Sequence[object]) -> list[float]:
    """Return mean objective, training error, test error, inner solves and seconds."""
    names = ("objective", "train", "test", "solves", "seconds")
    return [float(np.mean([getattr(row, name) for row in rows])) for name in names]
