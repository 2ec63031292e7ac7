"""The results of ``selfpaced demo digits``: numbers with intervals, and sentences about them."""

import math
from typing import NamedTuple

from torch import Tensor

from selfpaced._demo.digits import Comparison
from selfpaced._errors import require

# The quantile of the standard normal distribution for a 95 % interval.
Z = 1.959964


class Estimate(NamedTuple):
    """A number, and the lower and upper ends of its 95 % interval."""

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
    require(
        0 <= hits <= n and n >= 1,
        f"wilson needs 0 <= hits <= n and n >= 1; got {hits} of {n}.",
    )
    share, z2 = hits / n, Z**2 / n
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def difference(right: Tensor, other: Tensor) -> Estimate:
    """Return the accuracy of one model minus that of another on the same images.

    Args:
        right: Which images the first model predicts correctly, bool, shape (n,).
        other: Which images the second model predicts correctly, bool, shape (n,).

    Returns:
        The difference of the accuracies, with the interval for paired proportions.

    >>> import torch
    >>> difference(torch.tensor([True, True]), torch.tensor([True, True]))
    Estimate(value=0.0, low=0.0, high=0.0)
    """
    gains = right.double() - other.double()
    mean = gains.mean().item()
    half = Z * gains.var(correction=0).div(len(gains)).sqrt().item()
    return Estimate(mean, mean - half, mean + half)


def precision(comparison: Comparison) -> Estimate:
    """Return the share of the first 100 suspects whose label was made wrong on purpose."""
    hits = comparison.planted[comparison.suspects]
    return wilson(int(hits.sum()), len(hits))


def found(comparison: Comparison) -> str:
    """Return a sentence: the share of the first suspects that were made wrong, and by chance."""
    by_chance = comparison.planted.double().mean().item()
    if by_chance == 0:
        return "No label was made wrong on purpose, so the suspects cannot be checked."
    share, n = precision(comparison), len(comparison.suspects)
    return (
        f"Of the first {n} suspects {share.value:.0%} were made wrong on purpose (95% interval "
        f"{share.low:.0%} to {share.high:.0%}; by chance {by_chance:.0%})."
    )


def sentence(comparison: Comparison) -> str:
    """Return a sentence that compares self-paced with plain training, whichever is better."""
    paced, plain, clean = (
        run.right for run in (comparison.paced, comparison.plain, comparison.clean)
    )
    gain, to_clean = difference(paced, plain), difference(paced, clean)
    result = f"Self-paced ended {against(gain.value)} plain training"
    if gain.low <= 0 <= gain.high and gain.value != 0:
        result += ", which is not a significant difference"
    return (
        f"{result} (95% interval {gain.low * 100:+.1f} to {gain.high * 100:+.1f}, {len(plain):,} "
        f"test images, one seed) and {against(to_clean.value)} training on clean labels."
    )


def against(gain: float) -> str:
    """Return a difference of accuracies in percentage points, as in "1.0 points above"."""
    if round(gain * 100, 1) == 0:
        return "level with"
    return f"{abs(gain) * 100:.1f} points {'above' if gain > 0 else 'below'}"
