"""The age that finds the kept share by itself: a valley between right and wrong labels."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced.errors import require, require_positive_int
from selfpaced.rows import Population

Floats = NDArray[np.float64]

SHIFT = 15  # bits of a float32 that a bin ignores: 256 bins from one power of 2 to the next
FIRST, LAST = 2.0**-24, 2.0**16 * (1 - 2.0**-9)  # what is beyond counts as this
BINS = 40 * 256
OFFSET = (127 - 24) * 256  # of the bin of FIRST: a float32's exponent counts from -127
COARSE = 8  # bins of a group are as wide as this many
CHUNK = 2**22
LOWEST: Floats = (
    ((np.arange(BINS + 1, dtype=np.int32) + OFFSET) << SHIFT).view(np.float32).astype(np.float64)
)


@dataclass(frozen=True)
class Auto:
    """Keep everything, look for a valley between right and wrong labels, and cut there.

    For losses that are -ln p of the label (cross-entropy). On the logit scale the losses of right
    and of wrong labels make two humps; the valley between them is the cut, and no noise rate has
    to be known. The first ``warmup`` steps keep everything. Where a valley shows, the age goes to
    it. Where none does, the next ``probe`` steps keep only a small share: wrong labels that are
    left out then run away from right ones that are merely hard, and a valley shows if there is
    one. Without a valley after that everything is kept.

    Of the samples left out, those visited since the last step stand for all of them: the losses of
    the others are of an older model.

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
        TypeError: For a warmup that is not an int.
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
        require(
            type(self.probe) is int and self.probe >= 0,
            f"Auto: probe must be an int of 0 or more; got {self.probe!r}.",
        )
        for name, value in (("start", self.start), ("depth", self.depth)):
            require(0 < value < 1, f"Auto: {name} must lie between 0 and 1; got {value}.")
        require(0 <= self.floor <= 1, f"Auto: floor must be from 0 to 1; got {self.floor}.")

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age of the coming step; a pure function of its arguments.

        Args:
            step: Index of the coming step, from 0.
            population: The samples seen so far; None before data.
            previous: The age so far, shape () or (groups,): only its shape is read.

        Returns:
            float32, shape () or (groups,), infinite to keep all. There are as many groups as
            ``previous`` has, or the largest label + 1 for a ``previous`` of shape ().
        """
        if population is None:
            return torch.full_like(previous, math.inf)
        require_losses(population.difficulty)
        if self.by in population.columns and previous.ndim == 0:
            groups = int(population.columns[self.by].max()) + 1 if len(population.difficulty) else 0
            previous = previous.expand(groups)
        share, age = self._target(step, population)
        ages = torch.full_like(previous, age, dtype=torch.float32)
        if previous.ndim and math.isfinite(age):
            floors = self._floors(share, population, len(previous))
            return torch.maximum(ages, torch.from_numpy(floors).to(ages))
        return ages

    def cut(self, population: Population) -> float | None:
        """Return the difficulty at the valley, or None: one hump, nothing looks wrong."""
        require_losses(population.difficulty)
        return self._valley(histogram(population))

    def _target(self, step: int, population: Population) -> tuple[float, float]:
        """Return the share to keep and the age that keeps it."""
        if step < self.warmup:
            return 1.0, math.inf
        counts = histogram(population)
        found = self._valley(counts)
        if found is not None:
            return float(counts[LOWEST[:-1] < found].sum() / counts.sum()), found
        if step < self.warmup + self.probe:
            return self.start, quantile(counts, LOWEST, self.start)
        return 1.0, math.inf

    def _valley(self, counts: Floats) -> float | None:
        seen = np.flatnonzero(counts)[::-1]
        if not len(seen):
            return None
        middle = (LOWEST[seen] + LOWEST[seen + 1]) / 2
        at = valley(-logit(middle), counts[seen], self.depth)
        return None if at is None else float(np.logaddexp(0.0, -at))

    def _floors(self, share: float, population: Population, groups: int) -> Floats:
        """Return the age that keeps the floor of each class, shape (groups,); 0 for one unseen."""
        labels, rows = population.columns[self.by].unique(return_inverse=True)
        counts = histogram(population, rows, len(labels))
        floors = np.zeros(groups)
        for label, row in zip(labels.tolist(), counts, strict=True):
            if row.any():
                floors[label] = quantile(row, LOWEST[::COARSE], self.floor * share)
        return floors


def require_losses(difficulty: Tensor) -> None:
    """Raise unless all difficulties are 0 or more: a logit needs -ln p."""
    if len(difficulty):
        lowest = float(difficulty.min())
        require(
            lowest >= 0,
            f"Auto reads difficulties as -ln p and needs 0 or more; got {lowest:g}. "
            f"Use age=Quantile(pacing) for other losses.",
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
    counts = np.zeros(rows * bins)
    for start in range(0, len(population.difficulty), CHUNK):
        part = slice(start, start + CHUNK)
        values = population.difficulty[part].float().clamp(FIRST, LAST).cpu().numpy()
        at = (values.view(np.int32) >> SHIFT) - OFFSET
        if group is not None:
            at = at // COARSE + bins * group[part].cpu().numpy()
        counts += np.bincount(at, _counted(population, part), minlength=len(counts))
    return counts if groups is None else counts.reshape(groups, bins)


def _counted(population: Population, part: slice) -> Floats | None:
    """Return what these samples count in a histogram, shape (n,); None for 1 each."""
    factors = [f for f in (population.mass, population.expansion) if f is not None]
    if not factors:
        return None
    return np.asarray(torch.stack([f[part].double() for f in factors]).prod(0).cpu().numpy())


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
