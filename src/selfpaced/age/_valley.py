"""The valley between two humps of losses, in a density estimated from a histogram."""

import math
from typing import NamedTuple

import numpy as np
from torch import Tensor

from selfpaced._evidence import LARGEST_LOSS, SMALLEST_LOSS
from selfpaced.chain import Floats, Population

SHIFT = 15  # number of low bits of a float32 that a bin ignores: 256 bins per power of 2
FIRST = 2.0**-24  # smaller difficulties count as this
LAST = 2.0**16 * (1 - 2.0**-9)  # larger difficulties count as this
BINS = 40 * 256  # number of bins: 40 powers of 2 lie between FIRST and LAST
OFFSET = (127 - 24) * 256  # index of the bin of FIRST: the exponent of a float32 counts from -127
COARSE = 8  # a bin of a group is as wide as this many bins
CHUNK = 2**22  # number of samples that are counted at a time
FLAT = 0.98  # a point whose gap is at least this fraction of the largest gap is as good a cut
SMALLEST = 0.02  # the smaller hump holds at least this share of the samples,
CHANCE = 0.5  # and at least this over the root of their number; less is noise of the density
POINTS = 256  # number of points at which the density is estimated
FINE = 512  # number of bins of the samples that the density is estimated from
TAIL = 0.005  # share of the samples in each tail that counts as lying at its edge
NARROWEST = 1e-9  # with a smaller bandwidth the samples have a single value
# The lower edges of the bins, and the upper edge of the last bin.
LOWEST: Floats = (
    ((np.arange(BINS + 1, dtype=np.int32) + OFFSET) << SHIFT).view(np.float32).astype(np.float64)
)


def histogram(
    population: Population, group: Tensor | None = None, groups: int | None = None
) -> Floats:
    """Count difficulties in bins of equal relative width: 0.4 %, or 3 % in each group.

    Non-negative float32 numbers have the same order as their bits read as integers; the upper bits
    are the bin. Memory grows with the number of groups, not with the number of samples.

    Args:
        population: Difficulties of 0 or more; each counts as its mass times its expansion.
        group: Labels from 0, int64, shape (n,); None without groups.
        groups: Number of groups; None without groups.

    Returns:
        Counts, shape (BINS,) without groups, else (groups, BINS / COARSE).
    """
    bins, rows = (BINS, 1) if groups is None else (BINS // COARSE, groups)
    counts, each = np.zeros(rows * bins), population.counts()
    for start in range(0, len(population.difficulty), CHUNK):
        part = slice(start, start + CHUNK)
        values = population.difficulty[part].float().clamp(FIRST, LAST).cpu().numpy()
        at = (values.view(np.int32) >> SHIFT) - OFFSET
        if group is not None:
            at = at // COARSE + bins * group[part].cpu().numpy()
        weights = None if each is None else each[part].double().cpu().numpy()
        counts += np.bincount(at, weights, minlength=len(counts))
    return counts if groups is None else counts.reshape(groups, bins)


def quantile(counts: Floats, lowest: Floats, share: float) -> Floats:
    """Return the difficulty below which this share lies, to the width of a bin; infinite for all.

    Args:
        counts: Count of each bin, shape (bins,) or (groups, bins).
        lowest: The lower edges of the bins, ascending, and the upper edge of the last one.
        share: From 0 to 1.

    Returns:
        The upper edge of the first bin at which the share is reached, shape () or (groups,).
    """
    filled = np.cumsum(counts, axis=-1)
    first = (filled < share * filled[..., -1:]).sum(-1, keepdims=True)
    reached = np.take_along_axis(filled, first, -1) >= filled[..., -1:]
    return np.where(reached, np.inf, lowest[first + 1]).squeeze(-1)


def logit(loss: Floats) -> Floats:
    """Return ln((1 - p) / p) for p = e^-loss; below 0 where p is above one half."""
    loss = np.clip(loss, SMALLEST_LOSS, LARGEST_LOSS)
    return np.asarray(loss + np.log(-np.expm1(-loss)), dtype=np.float64)


class _Density(NamedTuple):
    """An estimated density: ascending points, and its height at each of them."""

    grid: Floats
    height: Floats


def valley(x: Floats, weights: Floats, depth: float, near: bool = True) -> float | None:
    """Return the point between two humps, or None if there is only one hump.

    Args:
        x: Logits of the label's probability, ascending, shape (n,).
        weights: How often each logit occurs, shape (n,).
        depth: The density in a valley is below this fraction of the lower hump.
        near: Return the edge of a flat valley on the side of the right labels, not its deepest
            point.

    Returns:
        A logit of at most 0, so that a label likelier than all others together is never cut off.
    """
    total = weights.sum()
    density = _smooth(x, weights / total, total)
    if density is None or x[0] >= 0:
        return None
    grid, f = density
    low_side, high_side = np.maximum.accumulate(f), np.maximum.accumulate(f[::-1])[::-1]
    rim = np.minimum(low_side, high_side)
    gap = np.where(grid <= 0, rim - f, 0.0)
    j = int(np.argmax(gap))
    above = np.clip(f - f[j], 0.0, None) * (grid[1] - grid[0])
    smaller = min(above[:j].sum(), above[j:].sum())
    if f[j] >= depth * rim[j] or smaller <= max(SMALLEST, CHANCE / math.sqrt(total)):
        return None
    while near and gap[j + 1] >= FLAT * gap.max():
        j += 1
    return float(grid[j])


def _smooth(x: Floats, weights: Floats, n: float) -> _Density | None:
    """Estimate the density with Silverman's bandwidth; None if there is a single value."""
    filled = np.cumsum(weights)
    low, q1, q3, high = (
        x[min(int(np.searchsorted(filled, q)), len(x) - 1)] for q in (TAIL, 0.25, 0.75, 1 - TAIL)
    )
    mean = float(weights @ x)
    deviation = math.sqrt(max(float(weights @ (x - mean) ** 2), 0.0))
    spread = min(deviation, (q3 - q1) / 1.34) if q3 > q1 else deviation
    h = 0.9 * spread * n**-0.2
    if h < NARROWEST:
        return None
    edges = np.linspace(low - 3 * h, high + 3 * h, FINE + 1)
    counts = np.histogram(np.clip(x, low, high), edges, weights=weights)[0]
    centres = (edges[1:] + edges[:-1]) / 2
    grid = np.linspace(low - h, high + h, POINTS)
    kernel = np.exp(-(((grid[:, None] - centres) / h) ** 2) / 2) / (h * math.sqrt(2 * math.pi))
    return _Density(grid, kernel @ counts)
