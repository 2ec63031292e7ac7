"""The searches by which the latent SVMs of ``digits`` and ``motifs`` are trained."""

from collections.abc import Sequence

import numpy as np

from selfpaced.age import Growing, Quantile
from selfpaced.latent import Search, Stop
from selfpaced.pacing import Ramp
from selfpaced.weighting import RandomOrder

PAPER = Stop(min_outer=2, patience=1)  # The stopping rule of the paper.
FIXED = Stop(0.0, min_outer=3, patience=3)  # Stops when nothing changes any more.
SHARE = Quantile(Ramp(0.3, 1.0, steps=20))  # Keeps a share of the samples, from 30 % to all.
# The searches by the name of the way.
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
# Name of the way that `as_many` makes: it gets as many inner solves as "self-paced" needed.
AS_MANY = "CCCP, as many solves"


def as_many(solves: int) -> Search:
    """Return CCCP that stops after the given number of inner solves."""
    return Search(age=None, stop=Stop(0.0, min_outer=solves, patience=1, max_outer=solves))


def means(rows: Sequence[object]) -> list[float]:
    """Return mean objective, training error, test error, inner solves and seconds."""
    names = ("objective", "train", "test", "solves", "seconds")
    return [float(np.mean([getattr(row, name) for row in rows])) for name in names]
