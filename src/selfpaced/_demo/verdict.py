"""What a comparison shows, with its uncertainty, in numbers and in one honest sentence."""

import math
from typing import NamedTuple

from torch import Tensor

from selfpaced._demo.digits import Comparison
from selfpaced._errors import require

Z = 1.959964  # the normal quantile of a 95 % interval


class Estimate(NamedTuple):
    """A number and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(hits: int, n: int) -> Estimate:
    """Return the share of hits with Wilson's interval, which stays within [0, 1].

    Raises:
        ValueError: Unless ``0 <= hits <= n`` and ``n >= 1``.

    References:
        Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*, 1927.

    >>> [round(number, 3) for number in wilson(90, 100)]
    [0.9, 0.826, 0.945]
    """
    require(0 <= hits <= n and n >= 1, f"A share needs 0 <= hits <= n, n >= 1; got {hits} of {n}.")
    share, z2 = hits / n, Z**2 / n
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def difference(right: Tensor, other: Tensor) -> Estimate:
    """Return by how much ``right`` is right more often than ``other`` on the same images.

    Args:
        right: Where one model was right, bool, shape (n,).
        other: The same for the other model.

    Returns:
        The difference of the shares with the interval of paired proportions.

    >>> import torch
    >>> difference(torch.tensor([True, True]), torch.tensor([True, True]))
    Estimate(value=0.0, low=0.0, high=0.0)
    """
    gains = right.double() - other.double()
    mean = gains.mean().item()
    half = Z * gains.var(correction=0).div(len(gains)).sqrt().item()
    return Estimate(mean, mean - half, mean + half)


def precision(comparison: Comparison) -> Estimate:
    """Return the share of the first 100 suspects whose labels were made wrong."""
    hits = comparison.planted[comparison.suspects]
    return wilson(int(hits.sum()), len(hits))


def found(comparison: Comparison) -> str:
    """Say how many of the first suspects were made wrong, and how many chance would give."""
    by_chance = comparison.planted.double().mean().item()
    if by_chance == 0:
        return "No label was made wrong on purpose, so the suspects cannot be checked."
    share, n = precision(comparison), len(comparison.suspects)
    return (
        f"Of the first {n} suspects {share.value:.0%} were made wrong on purpose (95% interval "
        f"{share.low:.0%} to {share.high:.0%}; by chance {by_chance:.0%})."
    )


def sentence(comparison: Comparison) -> str:
    """Say how self-paced ended against plain training, whichever way it went."""
    paced, plain, clean = (
        run.right for run in (comparison.paced, comparison.plain, comparison.clean)
    )
    gain, to_clean = difference(paced, plain), difference(paced, clean)
    said = f"Self-paced ended {against(gain.value)} plain training"
    if gain.low <= 0 <= gain.high and gain.value != 0:
        said = f"Self-paced cannot be told apart from plain here: it ended {against(gain.value)} it"
    return (
        f"{said} (95% interval {gain.low * 100:+.1f} to {gain.high * 100:+.1f}, {len(plain):,} "
        f"test images, one seed) and {against(to_clean.value)} training on clean labels."
    )


def against(gain: float) -> str:
    """Say a difference of shares in points, up to the preposition."""
    if round(gain * 100, 1) == 0:
        return "level with"
    return f"{abs(gain) * 100:.1f} points {'above' if gain > 0 else 'below'}"
