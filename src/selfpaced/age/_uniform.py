"""A uniform background behind a density: the volume it has, and the likeliest share of it."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

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
