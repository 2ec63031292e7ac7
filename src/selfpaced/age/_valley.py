"""The valley between two humps of losses: histograms of any number of samples, and a density."""

import math
from typing import NamedTuple

import numpy as np
from torch import Tensor

from selfpaced.chain import Floats, Population

SHIFT = 15  # bits of a float32 that a bin ignores: 256 bins from one power of 2 to the next
FIRST, LAST = 2.0**-24, 2.0**16 * (1 - 2.0**-9)  # what is beyond counts as this
BINS = 40 * 256
OFFSET = (127 - 24) * 256  # of the bin of FIRST: a float32's exponent counts from -127
COARSE = 8  # bins of a group are as wide as this many
CHUNK = 2**22
FLAT = 0.98  # a point whose gap is this part of the deepest one is as good a cut as that
SMALLEST = 0.02  # a valley parts at least this share of the samples from the rest,
CHANCE = 0.5  # and at least this much over the root of their number: less is noise of the density
LOWEST: Floats = (
    ((np.arange(BINS + 1, dtype=np.int32) + OFFSET) << SHIFT).view(np.float32).astype(np.float64)
)


def histogram(
    population: Population, group: Tensor | None = None, groups: int | None = None
) -> Floats:
    """Count difficulties in bins of equal relative width, .4 %, or 3 % in each group.

    The bits of a float32 of 0 or more, read as an integer, are in its order: the upper ones are
    the bin. Memory grows with the number of groups, not with that of samples.

    Args:
        population: Difficulties of 0 or more; a mass, an expansion count as that many samples.
        group: Labels from 0, int64, shape (n,).
        groups: Number of labels.

    Returns:
        Shape (BINS,) without groups, else (groups, BINS / COARSE).
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


def quantile(counts: Floats, lowest: Floats, share: float) -> float:
    """Return the difficulty below which this share lies, to a bin's width; infinite for all.

    Args:
        counts: What is in each bin, shape (bins,).
        lowest: The lower edges of the bins, ascending, and the upper edge of the last one.
        share: From 0 to 1.

    Returns:
        The upper edge of the first bin up to which the share is full.
    """
    filled = np.cumsum(counts)
    first = int(np.searchsorted(filled, share * filled[-1]))
    return math.inf if filled[first] >= filled[-1] else float(lowest[first + 1])


def logit(loss: Floats) -> Floats:
    """Return ln((1 - p) / p) for p = e^-loss: below 0 where the label is the likelier answer."""
    loss = np.clip(loss, 1e-7, 700.0)
    return np.asarray(loss + np.log(-np.expm1(-loss)), dtype=np.float64)


class _Density(NamedTuple):
    grid: Floats
    height: Floats


def valley(x: Floats, weights: Floats, depth: float, near: bool = True) -> float | None:
    """Return where two humps part, or None for one hump.

    Args:
        x: Logits of the label's probability, ascending, shape (n,).
        weights: How often each occurs, shape (n,).
        depth: How deep, of the lower hump, a valley has to be below.
        near: The edge of a flat valley that is nearer to the right labels; else its deepest point.

    Returns:
        A logit of at most 0: a label that is likelier than all others together is never cut.
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
    """Estimate the density on 256 points with Silverman's bandwidth; None for a single value."""
    filled = np.cumsum(weights)
    low, q1, q3, high = (
        x[min(int(np.searchsorted(filled, q)), len(x) - 1)] for q in (0.005, 0.25, 0.75, 0.995)
    )
    mean = float(weights @ x)
    deviation = math.sqrt(max(float(weights @ (x - mean) ** 2), 0.0))
    spread = min(deviation, (q3 - q1) / 1.34) if q3 > q1 else deviation
    h = 0.9 * spread * n**-0.2
    if h < 1e-9:
        return None
    edges = np.linspace(low - 3 * h, high + 3 * h, 513)
    counts = np.histogram(np.clip(x, low, high), edges, weights=weights)[0]
    centres = (edges[1:] + edges[:-1]) / 2
    grid = np.linspace(low - h, high + h, 256)
    kernel = np.exp(-(((grid[:, None] - centres) / h) ** 2) / 2) / (h * math.sqrt(2 * math.pi))
    return _Density(grid, kernel @ counts)
