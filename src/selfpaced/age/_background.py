"""Ages that leave out samples which a uniform background explains better; no share is given.

Outliers are assumed uniform over the volume V of the data. With an unknown share e of outliers, a
sample is an outlier if e / V exceeds (1 - e) p(x), that is, if its loss -ln p(x) exceeds

    age = ln V + ln((1 - e) / e)

where e is the maximum-likelihood share for the losses.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Age, Floats, Population

MOST = 0.5  # largest share of the samples that can be outliers
HALVINGS = 20  # bisection steps for the share of outliers
MOST_STEPS = 100  # largest number of EM steps
FIRST_SHARE = 0.1  # the share of outliers from which EM starts
TOLERANCE = 1e-4  # EM stops when variance and share change by less than this, relatively
FAR = 1e15  # a sample counts as at most this many times likelier under the background
LARGEST_EXPONENT = 700.0  # exp of this is still finite in float64
FLAT = 1e-12  # a side of a box below this fraction of the longest one has no extent


@dataclass(frozen=True)
class Background(Age):
    """The age beyond which a uniform background is the likelier source; for losses in nats.

    The losses are -ln p(x) of a density that is fitted, such as a mixture. On data without
    outliers the estimated share is near 0 and almost nothing is left out. At most half of the
    samples are left out.

    Args:
        log_volume: ln V, the logarithm of the volume of the data; None to let the estimator compute
            it from X.

    Raises:
        ValueError: For a volume that is not finite, or not known.

    References:
        Banfield, Raftery, *Model-Based Gaussian and Non-Gaussian Clustering*, Biometrics 1993: the
        uniform background as one more component of a mixture.

    >>> import torch
    >>> from selfpaced.chain import Population
    >>> loss = torch.tensor([0.0, 1.0, 2.0, 9.0], dtype=torch.float64)
    >>> age = Background(log_volume=5.0)(1, Population(loss, None, {}), torch.tensor(torch.inf))
    >>> loss < age
    tensor([ True,  True,  True, False])
    """

    log_volume: float | None = None
    steady = True

    def __post_init__(self) -> None:
        """Check the volume."""
        _require_volume(self.log_volume, "Background")

    def of(self, X: Floats, clusters: int) -> Self:
        """Return this age with the volume of X, shape (n, d), unless a volume was given."""
        known = self.log_volume is not None
        return self if known else replace(self, log_volume=log_volume(X))

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape (); infinite before data."""
        if population is None:
            return torch.full_like(previous, math.inf)
        loss = population.difficulty.double()
        age = self._volume() + odds(self.share(loss.numpy()))
        return _at_least_half(age, loss.numpy())

    def share(self, loss: Floats) -> float:
        """Return the maximum-likelihood share of outliers, from 1 / n to a half."""
        return likeliest(loss - self._volume())

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return the negative log-likelihood of the mixture with its background."""
        e = self.share(loss)
        both = np.logaddexp(math.log1p(-e) - loss, math.log(e) - self._volume())
        return -float(both.sum())

    def _volume(self) -> float:
        """Return ln V; raise if it is not known."""
        return _require_known(self.log_volume, "Background")


@dataclass(frozen=True)
class Spheres(Age):
    """``Background`` for squared distances to the nearest of K centres, as in k-means.

    The density is that of round, equally frequent clusters of one size, which k-means assumes. The
    size is estimated together with the share, from all distances.

    Args:
        log_volume: ln V, the logarithm of the volume of the data; None to let the estimator compute
            it from X.
        dims: Number of columns of X; None as above.
        clusters: K; None as above.

    Raises:
        ValueError: For a volume that is not finite, or settings that are not known.

    >>> import torch
    >>> from selfpaced.chain import Population
    >>> loss = torch.tensor([0.1, 0.2, 0.1, 0.3, 8.0], dtype=torch.float64)
    >>> age = Spheres(log_volume=3.0, dims=2, clusters=1)
    >>> loss < age(1, Population(loss, None, {}), torch.tensor(torch.inf))
    tensor([ True,  True,  True,  True, False])
    """

    log_volume: float | None = None
    dims: int | None = None
    clusters: int | None = None
    steady = True

    def __post_init__(self) -> None:
        """Check the volume."""
        _require_volume(self.log_volume, "Spheres")

    def of(self, X: Floats, clusters: int) -> Self:
        """Return this age with the settings that were not given taken from X, shape (n, d)."""
        volume = log_volume(X) if self.log_volume is None else self.log_volume
        return replace(
            self,
            log_volume=volume,
            dims=self.dims or X.shape[1],
            clusters=self.clusters or clusters,
        )

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape (); infinite before data and where distances are 0."""
        if population is None:
            return torch.full_like(previous, math.inf)
        squared = population.difficulty.double()
        variance, e = self.fitted(squared.numpy())
        if not variance:
            return torch.full_like(previous, math.inf)
        background = _require_known(self.log_volume, "Spheres") + odds(e)
        age = 2 * variance * (background - self._peak(variance))
        return _at_least_half(age, squared.numpy())

    def fitted(self, squared: Floats) -> tuple[float, float]:
        """Return the variance of the clusters in each dimension, and the share of outliers."""
        volume = _require_known(self.log_volume, "Spheres")
        clusters = _require_known(self.clusters, "Spheres")
        return sized(squared, self._dims(), volume - math.log(clusters))

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return the negative log-likelihood of round clusters with their background."""
        squared = loss
        variance, e = self.fitted(squared)
        if not variance:
            return -math.inf
        volume = _require_known(self.log_volume, "Spheres")
        inside = math.log1p(-e) - self._nats(squared, variance)
        return -float(np.logaddexp(inside, math.log(e) - volume).sum())

    def _nats(self, squared: Floats, variance: float) -> Floats:
        """Return -ln of the density at these squared distances."""
        return self._peak(variance) + squared / (2 * variance)

    def _peak(self, variance: float) -> float:
        """Return -ln of the density at a centre."""
        clusters = _require_known(self.clusters, "Spheres")
        return math.log(clusters) + peak(variance, self._dims())

    def _dims(self) -> float:
        """Return the number of dimensions; raise if it is not known."""
        return _require_known(self.dims, "Spheres")


def _require_volume(volume: float | None, owner: str) -> None:
    """Raise unless ln V is finite or None."""
    require(
        volume is None or math.isfinite(volume),
        f"{owner}: log_volume must be a finite number, or None; got {volume}.",
    )


def _require_known(value: float | None, owner: str) -> float:
    """Return a setting; raise if it is None."""
    require(
        value is not None,
        f"{owner} does not know the data yet. Outside of an estimator call {owner}().of(X, K).",
    )
    return float(value or 0.0)


def log_volume(X: Floats) -> float:
    """Return ln of the volume of the samples: that of the smaller of two bounding boxes.

    One box is aligned with the columns, the other with the principal components. A direction in
    which the samples do not differ is not counted.

    >>> round(log_volume(np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0], [2.0, 3.0]])), 4) == round(
    ...     math.log(6), 4)
    True
    """
    away = X - X.mean(axis=0)
    directions = np.linalg.svd(away, full_matrices=False)[2]
    sides = np.ptp(away, axis=0), np.ptp(away @ directions.T, axis=0)
    least = FLAT * max(float(sides[0].max(initial=0.0)), np.finfo(np.float64).tiny)
    return min(float(np.log(side[side > least]).sum()) for side in sides)


def likeliest(excess: Floats) -> float:
    """Return the share e, from 1 / n to a half, that maximises sum ln(1 - e + e exp(excess)).

    Args:
        excess: How many nats likelier each sample is under the background, shape (n,).
    """
    gain = np.expm1(np.minimum(excess, math.log(FAR)))
    low, high = 1 / max(len(gain), 2), MOST
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        if float((gain / (1 + middle * gain)).sum()) > 0:
            low = middle
        else:
            high = middle
    return low


def sized(distance: Floats, d: float, volume: float) -> tuple[float, float]:
    """Return the variance and the share of outliers, by EM.

    Args:
        distance: Squared distances, shape (n,).
        d: Number of dimensions.
        volume: ln (V / K).
    """
    variance = float(np.median(distance)) / (d * (1 - 2 / (9 * d)) ** 3)  # a chi-square's median
    e, least = FIRST_SHARE, 1 / max(len(distance), 2)
    for _ in range(MOST_STEPS if variance > 0 else 0):
        nats = peak(variance, d) + distance / (2 * variance)
        kept = 1 / (1 + np.exp(np.minimum(nats - volume - odds(e), LARGEST_EXPONENT)))
        before = variance, e
        variance = float(kept @ distance / (d * kept.sum()))
        e = min(max(1 - float(kept.mean()), least), MOST)
        if np.allclose(before, (variance, e), rtol=TOLERANCE, atol=0):
            break
    return variance, e


def peak(variance: float, d: float) -> float:
    """Return -ln of the density of a round Gaussian at its centre."""
    return d / 2 * math.log(2 * math.pi * variance)


def _at_least_half(age: float, loss: Floats) -> Tensor:
    """Return the age, raised if needed so that at least half of the samples are kept."""
    half = math.ceil((1 - MOST) * len(loss))
    least = np.nextafter(np.float32(np.partition(loss, half - 1)[half - 1]), np.float32(np.inf))
    return torch.tensor(max(age, float(least)), dtype=torch.float64).float()


def odds(share: float) -> float:
    """Return ln((1 - e) / e)."""
    return math.log1p(-share) - math.log(share)
