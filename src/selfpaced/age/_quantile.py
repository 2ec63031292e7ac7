"""How old the learner is: the lambda of the papers, always in the unit of the difficulty."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import column_of, require
from selfpaced.chain import Age, Floats, Pacing, Population
from selfpaced.pacing import Ramp


@dataclass(frozen=True)
class Threshold(Age):
    """The age is the pacing's number itself, as in the papers.

    It lives in the unit of the loss, so it has to be chosen for the loss at hand: an untrained
    classifier of C classes has a cross-entropy near ln C and a threshold of 0.1 keeps nothing.

    Args:
        pacing: Step to age, for example ``Geometric(0.1, 1.35)``.

    Raises:
        TypeError: For a pacing that cannot be called.

    >>> import torch
    >>> from selfpaced.pacing import Geometric
    >>> Threshold(Geometric(1.0, 2.0))(3, None, torch.tensor(0.0))
    tensor(8.)
    """

    pacing: Pacing

    def __post_init__(self) -> None:
        """Check that the pacing is one."""
        require_pacing(self.pacing, "Threshold")

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age, float32, shape ()."""
        age = torch.tensor(float(self.pacing(step)), dtype=torch.float64)
        return age.float().to(previous.device)  # beyond float32 it is infinite


@dataclass(frozen=True)
class Quantile(Age):
    """The age at which a given share of the seen samples is kept.

    With k = ceil(share * n) samples to keep, the age is the (k + 1)-th smallest difficulty
    (infinite for k = n), so that ``Hard``, which keeps d < age, keeps k. Samples tied at the cut
    are admitted in index order by ``settle``, for step-time weights; within a batch the cut is by
    value. Where samples have a mass, shares are of mass: a sample is kept when what is easier
    does not fill the share.

    Args:
        pacing: Step to share, from 0 to 1.
        by: Name of a column of groups (int64 from 0): the share is taken in each group. A group of
            which nothing was seen keeps all.

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
        """Check that the pacing is one."""
        require_pacing(self.pacing, "Quantile")

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
        age = torch.full_like(previous, math.inf)
        for label in range(len(age)):
            of = (group == label).nonzero().squeeze(1)
            mass = None if population.mass is None else population.mass[of]
            age[label] = cut(population.difficulty[of], share, mass)
        return age

    def settle(self, weight: Tensor, step: int, population: Population, age: Tensor) -> Tensor:
        """Admit samples tied at the age, in index order, until the share is full.

        Args:
            weight: 0 or 1 by ``difficulty < age``, shape (n,).
            step: The step that the age was made for.
            population: What it was made from.
            age: What it was, per sample, shape (n,), or shape ().

        Returns:
            Weights of 0 or 1, shape (n,): exactly k of them 1.
        """
        group = torch.zeros_like(weight) if self.by is None else self._group(population)
        tied = population.difficulty == age
        mass = torch.ones_like(weight) if population.mass is None else population.mass
        settled = weight.clone()
        for label in group[tied].unique():
            inside = group == label
            filled = (mass.double() * weight)[inside].sum()
            room = self._share(step) * mass[inside].double().sum() - filled
            at = (tied & inside).nonzero().squeeze(1)
            before = mass[at].double().cumsum(0) - mass[at]
            settled[at] = (before < room - SLACK).to(weight.dtype)
        return settled

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return the losses of what is kept: the same share in every search."""
        return float(weight @ loss)

    def _share(self, step: int) -> float:
        share = float(self.pacing(step))
        require(
            0 <= share <= 1,
            f"Quantile: the pacing must give a share from 0 to 1; got {share} at step {step}. "
            f"Use Threshold for an age in difficulty units.",
        )
        return share

    def _group(self, population: Population) -> Tensor:
        return column_of(population.columns, str(self.by), "Quantile")


TO_ALL = Ramp(0.5, 1.0, steps=8)


@dataclass(frozen=True)
class EachView(Quantile):
    """In each view the loss that a share of its samples does not reach, for any weighting.

    A ``Quantile`` by view which does not ask for a weighting that cuts: with ``Logistic`` the share
    is that of the samples of about half a weight or more. By default all count in the end.

    >>> EachView().by
    'view'
    """

    pacing: Pacing = TO_ALL
    by: str | None = "view"
    needs_cut = False


def require_pacing(pacing: object, owner: str) -> None:
    """Raise for a pacing that is no function of the step."""
    if not callable(pacing) or isinstance(pacing, type):
        raise TypeError(
            f"{owner} takes a pacing, a function of the step; got {pacing!r}. "
            f"Use {owner}(Constant(0.5)) for a fixed number."
        )


SLACK = 1e-6  # of a sample: 0.6 * 5 is 3, whatever floats make of it


def cut(difficulty: Tensor, share: float, mass: Tensor | None = None) -> float:
    """Return the difficulty at which to stop to keep this share: the easiest one left out.

    Args:
        difficulty: Shape (n,); lower is easier.
        share: From 0 to 1, of the number of samples, or of their mass where given.
        mass: What each sample counts, shape (n,).

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


def _cut_by_mass(difficulty: Tensor, share: float, mass: Tensor) -> float:
    """The first sample, from easy to hard, before which the share is full."""
    order = torch.argsort(difficulty, stable=True)
    filled = mass[order].double().cumsum(0)
    if not len(order):
        return math.inf
    before = filled - mass[order]
    fits = int((before < share * filled[-1] - SLACK).sum())
    left_out = bool((mass[order[fits:]] > 0).any())
    return float(difficulty[order[fits]]) if left_out else math.inf
