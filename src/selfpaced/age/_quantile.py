"""Ages that follow a pacing: ``Threshold``, ``Quantile`` and ``EachView``."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import column_of, require
from selfpaced.chain import Age, Floats, Pacing, Population
from selfpaced.pacing import Ramp

SLACK = 1e-6  # of a sample: rounding errors of share * n must not add a sample (0.6 * 5 is 3)
TO_ALL = Ramp(0.5, 1.0, steps=8)  # the default pacing of ``EachView``


@dataclass(frozen=True)
class Threshold(Age):
    """The age is the number of the pacing itself, as in the papers.

    It is in the unit of the loss and has to be chosen for it: an untrained classifier of C classes
    has a cross-entropy near ln C, and a threshold of 0.1 keeps nothing.

    Args:
        pacing: From step to age, for example ``Geometric(0.1, 1.35)``.

    Raises:
        TypeError: For a pacing that cannot be called.

    >>> import torch
    >>> from selfpaced.pacing import Geometric
    >>> Threshold(Geometric(1.0, 2.0))(3, None, torch.tensor(0.0))
    tensor(8.)
    """

    pacing: Pacing

    def __post_init__(self) -> None:
        """Check that the pacing can be called."""
        _require_pacing(self.pacing, "Threshold")

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape ()."""
        age = torch.tensor(float(self.pacing(step)), dtype=torch.float64)
        return age.float().to(previous.device)  # infinite beyond the range of float32


@dataclass(frozen=True)
class Quantile(Age):
    """The age at which a given share of the seen samples is kept.

    With k = ceil(share * n) samples to keep, the age is the (k + 1)-th smallest difficulty
    (infinite for k = n), so that ``Hard``, which keeps d < age, keeps k. For weights decided at a
    step, ``settle`` admits samples tied at the cut in index order. Within a batch each difficulty
    is only compared with the age. If samples have a mass, the share is of mass: a sample is kept if
    the easier ones do not fill the share.

    Args:
        pacing: From step to share, from 0 to 1.
        by: Name of a column of groups (int64 from 0): the share is taken in each group. A group
            without seen samples keeps all.

    Raises:
        TypeError: For a pacing that cannot be called.
        ValueError: For a share outside 0 to 1, or a missing column.

    >>> import torch
    >>> from selfpaced.chain import Population
    >>> from selfpaced.pacing import Constant
    >>> population = Population(torch.tensor([0.1, 0.4, 0.2, 0.3]), None, {})
    >>> Quantile(Constant(0.5))(0, population, torch.tensor(0.0))
    tensor(0.3000)
    """

    pacing: Pacing
    by: str | None = None
    needs_cut = True

    def __post_init__(self) -> None:
        """Check that the pacing can be called."""
        _require_pacing(self.pacing, "Quantile")

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape () or (groups,)."""
        share = self._share(step)
        if population is None:
            return torch.full_like(previous, math.inf)
        if self.by is None:
            limit = cut(population.difficulty, share, population.mass)
            return torch.full((), limit, dtype=torch.float32, device=previous.device)
        group = self._group(population)
        require(
            previous.ndim == 1,
            f"Quantile(by={self.by!r}) decides an age per group; got a previous age of shape (). "
            f"Start from age.first(columns).",
        )
        return cut_by_group(population.difficulty, group, len(previous), share, population.mass)

    def settle(self, weight: Tensor, step: int, population: Population, age: Tensor) -> Tensor:
        """Admit samples tied at the age, in index order, until the share is full.

        Args:
            weight: 1 where ``difficulty < age``, else 0, shape (n,).
            step: The step for which the age was computed.
            population: The samples from which it was computed.
            age: The age, shape (), or one per sample, shape (n,).

        Returns:
            Weights of 0 or 1, shape (n,): exactly k of them 1.
        """
        group = torch.zeros_like(weight).long() if self.by is None else self._group(population)
        mass = torch.ones_like(weight) if population.mass is None else population.mass
        mass, none = mass.double(), torch.zeros(int(group.max()) + 1, dtype=torch.float64)
        total = none.to(mass.device).index_add(0, group, mass)
        filled = torch.zeros_like(total).index_add(0, group, mass * weight)
        room = self._share(step) * total - filled
        tied = (population.difficulty == age).nonzero().squeeze(1)
        tied = tied[group[tied].argsort(stable=True)]  # by group, in index order within a group
        easier = _before_in_group(mass[tied], group[tied])
        fits = easier < room[group[tied]] - SLACK
        return weight.index_copy(0, tied, fits.to(weight.dtype))

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return the sum of the kept losses; every search keeps the same share."""
        return float(weight @ loss)

    def _share(self, step: int) -> float:
        """Return the share at a step; raise if it is not from 0 to 1."""
        share = float(self.pacing(step))
        require(
            0 <= share <= 1,
            f"Quantile: the pacing must give a share from 0 to 1; got {share} at step {step}. "
            f"Use Threshold for an age in difficulty units.",
        )
        return share

    def _group(self, population: Population) -> Tensor:
        """Return the column of groups; raise if it is missing."""
        return column_of(population.columns, str(self.by), "Quantile")


@dataclass(frozen=True)
class EachView(Quantile):
    """A ``Quantile`` in each view, for any weighting.

    Unlike ``Quantile`` it does not need a weighting that reaches 0: with ``Logistic`` the share is
    that of the samples with a weight of about one half or more. By default the share grows to 1.

    >>> EachView().by
    'view'
    """

    pacing: Pacing = TO_ALL
    by: str | None = "view"
    needs_cut = False


def _require_pacing(pacing: object, owner: str) -> None:
    """Raise unless the pacing can be called and is not a class."""
    if not callable(pacing) or isinstance(pacing, type):
        raise TypeError(
            f"{owner} takes a pacing, a function of the step; got {pacing!r}. "
            f"Use {owner}(Constant(0.5)) for a fixed number."
        )


def cut(difficulty: Tensor, share: float, mass: Tensor | None = None) -> float:
    """Return the age that keeps this share: the smallest difficulty that is left out.

    Args:
        difficulty: Shape (n,); lower is easier.
        share: From 0 to 1, of the number of samples, or of their mass where given.
        mass: How much each sample counts, shape (n,); None for 1 each.

    Returns:
        The (k + 1)-th smallest difficulty, or inf when nothing is left out.

    >>> cut(torch.tensor([3.0, 1.0, 2.0]), share=2 / 3)
    3.0
    """
    n = len(difficulty)
    if mass is not None:
        return _cut_by_mass(difficulty, share, mass)
    k = math.ceil(share * n - SLACK)
    if k >= n:
        return math.inf
    if difficulty.device.type == "cpu":  # numpy's selection is several times faster than kthvalue
        return float(np.partition(difficulty.numpy(), k)[k])
    return float(difficulty.kthvalue(k + 1).values)


def cut_by_group(
    difficulty: Tensor, group: Tensor, groups: int, share: float, mass: Tensor | None = None
) -> Tensor:
    """Return the ``cut`` of each group, float32, shape (groups,); one sort for all of them.

    Args:
        difficulty: Shape (n,); lower is easier.
        group: Labels from 0, int64, shape (n,).
        groups: Number of groups.
        share: From 0 to 1, of the samples or of the mass of each group.
        mass: How much each sample counts, shape (n,); None for 1 each.

    >>> cut_by_group(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0, 2, 0]), 3, share=0.5)
    tensor([3., inf, inf])
    """
    order = difficulty.argsort(stable=True)
    order = order[group[order].argsort(stable=True)]
    size = group.bincount(minlength=groups)
    first = size.cumsum(0) - size  # place of the easiest sample of each group
    if mass is None:
        kept, last = (share * size.double() - SLACK).ceil().long().clamp(min=0), first + size
    else:
        kept, last = _fitting(mass[order].double(), group[order], groups, share)
    place = first + kept
    out = (place < last).nonzero().squeeze(1)
    cuts = torch.full((groups,), math.inf, dtype=torch.float32, device=difficulty.device)
    return cuts.index_copy(0, out, difficulty[order[place[out]]].float())


def _fitting(mass: Tensor, group: Tensor, groups: int, share: float) -> tuple[Tensor, Tensor]:
    """Return for each group how many samples fit into the share, and where its mass ends.

    Args:
        mass: Of the samples by group, then by difficulty, float64, shape (n,).
        group: Their labels, shape (n,).
        groups: Number of groups.
        share: Of the mass of each group.

    Returns:
        Numbers of samples, and places behind the last sample of a mass above 0, shape (groups,).
    """
    total = torch.zeros(groups, dtype=torch.float64, device=mass.device).index_add(0, group, mass)
    fits = _before_in_group(mass, group) < share * total[group] - SLACK
    place = torch.arange(1, len(mass) + 1, device=mass.device) * (mass > 0)
    ends = place.new_zeros(groups).scatter_reduce(0, group, place, "amax")
    return group[fits].bincount(minlength=groups), ends


def _before_in_group(mass: Tensor, group: Tensor) -> Tensor:
    """Return the mass that stands before each sample in its group; groups are ascending."""
    before = mass.cumsum(0) - mass
    return before - before[torch.searchsorted(group, group)]


def _cut_by_mass(difficulty: Tensor, share: float, mass: Tensor) -> float:
    """Return the difficulty of the first sample, from easy to hard, that the share leaves out."""
    order = torch.argsort(difficulty, stable=True)
    filled = mass[order].double().cumsum(0)
    if not len(order):
        return math.inf
    before = filled - mass[order]
    fits = int((before < share * filled[-1] - SLACK).sum())
    left_out = bool((mass[order[fits:]] > 0).any())
    return float(difficulty[order[fits]]) if left_out else math.inf
