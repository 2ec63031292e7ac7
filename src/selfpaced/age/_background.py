"""Ages that need no share of outliers: what a uniform background explains better is left out.

Outliers may lie anywhere in the space that the data take up, of volume V. With an unknown share e
of them, a sample is an outlier where e / V exceeds (1 - e) p(x): where its loss -ln p(x) exceeds

    age = ln V + ln((1 - e) / e)

and e is the likeliest share, given the losses.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Age, Floats, Population


@dataclass(frozen=True)
class Background(Age):
    """The age beyond which a uniform background is the likelier cause; for losses in nats.

    The losses are -ln p(x) of a density that is fitted, such as a mixture. On data without
    outliers the likeliest share is near 0, and next to nothing is left out. Never leaves out more
    than half.

    Args:
        log_volume: ln V, as ``log_volume(X)`` gives it; None to have the estimator look at X.

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
        """Return this age for the volume of X, shape (n, d), where none is given."""
        known = self.log_volume is not None
        return self if known else replace(self, log_volume=log_volume(X))

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape (); infinite before data."""
        if population is None:
            return torch.full_like(previous, math.inf)
        loss = population.difficulty.double()
        age = self._volume() + odds(self.share(loss.numpy()))
        return but_for_half(age, loss.numpy())

    def share(self, loss: Floats) -> float:
        """Return the likeliest share of outliers, from 1 / n to a half."""
        return likeliest(loss - self._volume())

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return -ln of the likelihood of the mixture with its background."""
        e = self.share(loss)
        both = np.logaddexp(math.log1p(-e) - loss, math.log(e) - self._volume())
        return -float(both.sum())

    def _volume(self) -> float:
        return _require_known(self.log_volume, "Background")


@dataclass(frozen=True)
class Spheres(Age):
    """The same for squared distances to the nearest of K centres, as k-means has them.

    The density is that of equally frequent round clusters of one size, which k-means is made for;
    the size is estimated beside the share, from all distances.

    Args:
        log_volume: ln V, as ``log_volume(X)`` gives it.
        dims: Columns of X.
        clusters: K.

    None has the estimator look at X.

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
        """Return this age for X, shape (n, d), where nothing else is given."""
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
        return but_for_half(age, squared.numpy())

    def fitted(self, squared: Floats) -> tuple[float, float]:
        """Return the variance of the clusters in each dimension, and the share of outliers."""
        volume = _require_known(self.log_volume, "Spheres")
        clusters = _require_known(self.clusters, "Spheres")
        return sized(squared, self._dims(), volume - math.log(clusters))

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return -ln of the likelihood of round clusters with their background."""
        squared = loss
        variance, e = self.fitted(squared)
        if not variance:
            return -math.inf
        volume = _require_known(self.log_volume, "Spheres")
        inside = math.log1p(-e) - self._nats(squared, variance)
        return -float(np.logaddexp(inside, math.log(e) - volume).sum())

    def _nats(self, squared: Floats, variance: float) -> Floats:
        return self._peak(variance) + squared / (2 * variance)

    def _peak(self, variance: float) -> float:
        clusters = _require_known(self.clusters, "Spheres")
        return math.log(clusters) + peak(variance, self._dims())

    def _dims(self) -> float:
        return _require_known(self.dims, "Spheres")


def _require_volume(volume: float | None, owner: str) -> None:
    require(
        volume is None or math.isfinite(volume),
        f"{owner}: log_volume must be a finite number, or None; got {volume}.",
    )


def _require_known(value: float | None, owner: str) -> float:
    require(
        value is not None,
        f"{owner} does not know the data yet. Outside of an estimator use {owner}().of(X, K).",
    )
    return float(value or 0.0)


MOST = 0.5  # of the samples that can be outliers
HALVINGS = 20
MOST_STEPS = 100
FAR = 1e15  # times likelier under the background is as far as any


def log_volume(X: Floats) -> float:
    """Return ln of the volume that the samples take up: of the smaller of two boxes around them.

    One has the directions of the columns, one those of the principal components. A direction in
    which the samples do not differ does not count.

    >>> round(log_volume(np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0], [2.0, 3.0]])), 4) == round(
    ...     math.log(6), 4)
    True
    """
    away = X - X.mean(axis=0)
    directions = np.linalg.svd(away, full_matrices=False)[2]
    sides = np.ptp(away, axis=0), np.ptp(away @ directions.T, axis=0)
    least = 1e-12 * max(float(sides[0].max(initial=0.0)), np.finfo(np.float64).tiny)
    return min(float(np.log(side[side > least]).sum()) for side in sides)


def likeliest(excess: Floats) -> float:
    """Return the share e, from 1 / n to a half, that maximises sum ln(1 - e + e exp(excess)).

    Args:
        excess: By how many nats each sample is likelier under the background, shape (n,).
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
        distance: Squared ones, shape (n,).
        d: Dimensions.
        volume: ln (V / K).
    """
    variance = float(np.median(distance)) / (d * (1 - 2 / (9 * d)) ** 3)  # chi-square's median
    e, least = 0.1, 1 / max(len(distance), 2)
    for _ in range(MOST_STEPS if variance > 0 else 0):
        nats = peak(variance, d) + distance / (2 * variance)
        kept = 1 / (1 + np.exp(np.minimum(nats - volume - odds(e), 700.0)))
        before = variance, e
        variance = float(kept @ distance / (d * kept.sum()))
        e = min(max(1 - float(kept.mean()), least), MOST)
        if np.allclose(before, (variance, e), rtol=1e-4, atol=0):
            break
    return variance, e


def peak(variance: float, d: float) -> float:
    """Return -ln of the density of a round Gaussian at its centre."""
    return d / 2 * math.log(2 * math.pi * variance)


def but_for_half(age: float, loss: Floats) -> Tensor:
    """Return the age, or the next float32 after the loss that half do not exceed."""
    half = math.ceil((1 - MOST) * len(loss))
    least = np.nextafter(np.float32(np.partition(loss, half - 1)[half - 1]), np.float32(np.inf))
    return torch.tensor(max(age, float(least)), dtype=torch.float64).float()


def odds(share: float) -> float:
    """Return ln((1 - e) / e)."""
    return math.log1p(-share) - math.log(share)
