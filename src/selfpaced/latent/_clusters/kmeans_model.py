"""K-means as a latent variable model: h are the labels."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class Centres(NamedTuple):
    """Fitted centres.

    Args:
        centres: Shape (K, d).
        squared: Squared distances of the samples to them, shape (n, K).
    """

    centres: Floats
    squared: Floats


@dataclass(frozen=True)
class KMeansModel:
    """Samples X around K centres; the loss is the squared distance to the centre of the label.

    A cluster of which nothing is kept stays where it was; one that never had anything lies at the
    mean of what is kept.

    Args:
        X: float64, shape (n, d).
        clusters: K.
    """

    X: Floats
    clusters: int

    @property
    def tolerance(self) -> float:
        """Return 0: the fit is in closed form."""
        return 0.0

    def __len__(self) -> int:
        """Return n."""
        return len(self.X)

    def impute(self, w: Centres) -> Labels:
        """Return the nearest centre of each sample, shape (n,)."""
        return np.asarray(w.squared.argmin(axis=1))

    def losses(self, w: Centres, h: Labels) -> Floats:
        """Return squared distances to the centres of the labels, shape (n,)."""
        return np.asarray(np.take_along_axis(w.squared, h[:, None], axis=1)[:, 0])

    def fit(self, h: Labels, v: Floats, w0: Centres | None) -> Centres:
        """Return the weighted means of the clusters."""
        member = (h[:, None] == np.arange(self.clusters)) * v[:, None]
        centres = weighted_means(self.X, member, None if w0 is None else w0.centres)
        return Centres(centres, squared_distances(self.X, centres))

    def regulariser(self, w: Centres) -> float:
        """Return 0."""
        return 0.0


def weighted_means(X: Floats, member: Floats, last: Floats | None) -> Floats:
    """Return the mean of each cluster, shape (K, d).

    Args:
        X: Shape (n, d).
        member: How much of each sample counts in each cluster, shape (n, K).
        last: Where clusters lie of which nothing counts, shape (K, d) or (d,); None for the mean of
            all that counts.
    """
    counts, sums = member.sum(axis=0)[:, None], member.T @ X
    if last is None:
        last = sums.sum(axis=0) / counts.sum()
    return np.asarray(np.where(counts > 0, sums / np.where(counts > 0, counts, 1.0), last))


def squared_distances(X: Floats, centres: Floats) -> Floats:
    """Return squared distances, shape (n, K); a centre at a time, which loses no digits."""
    squared = np.empty((len(X), len(centres)))
    for k, centre in enumerate(centres):
        away = X - centre
        squared[:, k] = np.einsum("ij,ij->i", away, away)
    return squared
