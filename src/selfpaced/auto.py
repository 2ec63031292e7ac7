"""The age that finds the kept share by itself: a valley between right and wrong labels."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced.errors import require, require_positive_int
from selfpaced.ledger import Population

Floats = NDArray[np.float64]

SHIFT = 15  # bits of a float32 that a bin ignores: bins are 0.4 % wide
BINS = 2 ** (31 - SHIFT)
CHUNK = 2**22


@dataclass(frozen=True)
class Auto:
    """Keep everything, look for a valley between right and wrong labels, and cut there.

    For losses that are -ln p of the label (cross-entropy). On the logit scale the losses of right
    and of wrong labels make two humps; the valley between them is the cut, and no noise rate has
    to be known. The first ``warmup`` steps keep everything. Where a valley shows, the age goes to
    it. Where none does, the next ``probe`` steps keep only a small share: wrong labels that are
    left out then run away from right ones that are merely hard, and a valley shows if there is
    one. Without a valley after that everything is kept.

    Where the pacer has a column of class labels, no class loses more than the floor says: an easy
    share of each class is always kept. Without it nothing protects a rare or hard class.

    Args:
        warmup: Steps that keep everything; 1 or more.
        probe: Steps at the small share, if no valley shows before; 0 for none.
        start: The small share, between 0 and 1.
        floor: Of the share to be kept, the part that each class keeps of itself; 0 for none.
        depth: A valley is deeper than this part of the lower hump; between 0 and 1.
        by: Name of the column of class labels, where there is one.

    Raises:
        ValueError: For settings outside those ranges, and for negative difficulties.

    >>> loss = torch.cat([torch.full((600,), 0.01), torch.full((400,), 6.0)])
    >>> loss = loss * torch.linspace(0.5, 2, 1000)
    >>> age = Auto()(3, Population(loss, None, {}), torch.tensor(math.inf))
    >>> int((loss < age).sum())
    600
    """

    warmup: int = 2
    probe: int = 3
    start: float = 0.3
    floor: float = 0.7
    depth: float = 0.8
    by: str = "group"
    needs_cut: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        require_positive_int("warmup", self.warmup, "Auto")
        require(self.probe >= 0, f"Auto: probe must be 0 or more; got {self.probe}.")
        for name, value in (("start", self.start), ("depth", self.depth)):
            require(0 < value < 1, f"Auto: {name} must lie between 0 and 1; got {value}.")
        require(0 <= self.floor <= 1, f"Auto: floor must be from 0 to 1; got {self.floor}.")

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape () or (groups,); infinite to keep all."""
        everything = torch.full_like(previous, math.inf)
        if population is None or step < self.warmup:
            return everything
        counts = histogram(population)
        found = self._valley(counts)
        if found is not None:
            share, age = float(counts[VALUES < found].sum() / counts.sum()), found
        elif step < self.warmup + self.probe:
            share, age = self.start, quantile(counts, self.start)
        else:
            return everything
        return torch.maximum(torch.full_like(previous, age), self._floors(share, population, previous))

    def cut(self, population: Population) -> float | None:
        """Return the difficulty at the valley, or None: one hump, nothing looks wrong."""
        return self._valley(histogram(population))

    def _valley(self, counts: Floats) -> float | None:
        seen = np.flatnonzero(counts)
        if not len(seen):
            return None
        x, weights = -logit(VALUES[seen]), counts[seen]
        at = valley(x[::-1], weights[::-1], self.depth)
        return None if at is None else float(np.logaddexp(0.0, -at))

    def _floors(self, share: float, population: Population, previous: Tensor) -> Tensor:
        """Return the age that keeps the floor of each class, shape of the previous age."""
        floors = torch.zeros_like(previous)
        if previous.ndim == 0 or self.by not in population.columns:
            return floors
        group = population.columns[self.by]
        for label in range(len(floors)):
            of = (group == label).nonzero().squeeze(1)
            mass = None if population.mass is None else population.mass[of]
            counts = histogram(Population(population.difficulty[of], mass, {}))
            floors[label] = quantile(counts, self.floor * share)
        return floors


def _values() -> Floats:
    """The difficulty in the middle of each bin."""
    low = np.arange(BINS, dtype=np.uint32) << SHIFT
    with np.errstate(over="ignore"):
        middle = (low + (1 << (SHIFT - 1))).astype(np.uint32).view(np.float32)
    return np.where(np.isfinite(middle), middle, np.finfo(np.float32).max).astype(np.float64)


VALUES = _values()


def histogram(population: Population) -> Floats:
    """Count difficulties of 0 or more in bins of equal relative width, shape (BINS,).

    The bits of a non-negative float32, read as an integer, are in its order: the upper ones are
    the bin. Memory does not grow with the number of samples.
    """
    counts = np.zeros(BINS)
    mass = population.mass
    for start in range(0, len(population.difficulty), CHUNK):
        part = population.difficulty[start : start + CHUNK].float().cpu()
        require(
            bool(part.min() >= 0),
            f"Auto reads difficulties as -ln p and needs 0 or more; got {float(part.min()):g}. "
            f"Use age=Quantile(pacing) for other losses.",
        )
        bins = (part + 0.0).numpy().view(np.int32) >> SHIFT
        weights = None if mass is None else mass[start : start + CHUNK].double().cpu().numpy()
        counts += np.bincount(bins, weights, minlength=BINS)
    return counts


def quantile(counts: Floats, share: float) -> float:
    """Return the difficulty below which this share lies; infinite for all, to a bin's width."""
    filled = np.cumsum(counts)
    if share >= 1 or not filled[-1]:
        return math.inf
    bin_ = int(np.searchsorted(filled, share * filled[-1], side="left"))
    return float(VALUES[min(bin_ + 1, BINS - 1)])


def logit(loss: Floats) -> Floats:
    """Return ln((1 - p) / p) for p = e^-loss: below 0 where the label is the likelier answer."""
    loss = np.clip(loss, 1e-7, 700.0)
    return np.asarray(loss + np.log(-np.expm1(-loss)), dtype=np.float64)


class _Density(NamedTuple):
    grid: Floats
    height: Floats


def valley(x: Floats, weights: Floats, depth: float) -> float | None:
    """Return where two humps part, or None for one hump.

    Args:
        x: Logits of the label's probability, ascending, shape (n,).
        weights: How often each occurs, shape (n,).
        depth: How deep, of the lower hump, a valley has to be below.

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
    j = int(np.argmax(np.where(grid <= 0, rim - f, 0.0)))
    above = np.clip(f - f[j], 0.0, None) * (grid[1] - grid[0])
    smaller = min(above[:j].sum(), above[j:].sum())
    clear = f[j] < depth * rim[j] and smaller > max(0.02, 0.5 / math.sqrt(total))
    return float(grid[j]) if clear else None


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
