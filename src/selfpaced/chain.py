"""The chain that computes weights: its five protocols, and the data that they pass on.

::

    loss --difficulty--> d      step --pacing--> p --age--> lambda      weighting(d, lambda) --> v

``Difficulty``, ``Pacing``, ``Age``, ``Weighting`` and ``Coupling`` define what ``Pacer`` expects of
each part. The modules of the same names have the parts of the library. To write your own, subclass
the protocol (``weighting.Rule`` for a weighting); members that have a default here need not be
written. ``docs/extend.md`` has an example of each; ``selfpaced.testing`` checks all but couplings.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._evidence import of_likelihoods

__all__ = [
    "Age",
    "Coupling",
    "Difficulty",
    "Floats",
    "Interval",
    "Number",
    "Pacing",
    "Population",
    "Rows",
    "Weighting",
]

Floats = NDArray[np.float64]  # a NumPy array of float64
Number = Tensor | float  # an age: one number, a tensor of shape (), or one number per sample


@dataclass(slots=True)
class Rows:
    """Rows of the ledger for some samples, as they were before the current loss.

    Args:
        index: Dataset indices, int64, shape (B,).
        memory: Last result of ``Difficulty.fold``, float32, shape (B,); 0 before the first visit.
        visits: Number of earlier steps in which the sample was seen, float32, shape (B,).
        columns: The user's per-sample constants, each of shape (B,).
        doubt: What a classifier that did not see a label says of it, from about -1, that it is
            right, to 1, that it is wrong; float32, shape (B,), 0 before the first step. None
            without features.
    """

    index: Tensor
    memory: Tensor
    visits: Tensor
    columns: Mapping[str, Tensor]
    doubt: Tensor | None = None


class Population(NamedTuple):
    """The samples seen so far, in index order, from which an age is computed.

    Args:
        difficulty: float32, shape (n,); lower is easier.
        mass: How much each sample counts in a share, float32, shape (n,), mean 1; None for 1 each.
        columns: The user's per-sample constants of these samples, each of shape (n,).
        expansion: How many samples each one stands for, float32, shape (n,); None for 1 each. A
            sampler visits only some of the samples that are left out; those it visits stand for
            all of them.
        probes: How many of the steps so far were probes (``Age.probing``).
        before: The difficulty before the last step, float32, shape (n,); NaN for a sample that the
            step did not visit, or visited first. None where samples are not remembered one by one.
        visits: Mean number of steps at which a sample was visited; None if that is unknown.
        held_out: Whether the difficulty is also of a classifier that did not see the labels.
    """

    difficulty: Tensor
    mass: Tensor | None
    columns: Mapping[str, Tensor]
    expansion: Tensor | None = None
    probes: int = 0
    before: Tensor | None = None
    visits: float | None = None
    held_out: bool = False

    def counts(self) -> Tensor | None:
        """Return how much each sample counts, mass times expansion; None for 1 each."""
        if self.mass is None or self.expansion is None:
            return self.expansion if self.mass is None else self.mass
        return self.mass * self.expansion


@dataclass(frozen=True)
class Interval:
    """The numbers from low to high; an open end is excluded.

    >>> 1.0 in Interval(0, 1), 1.0 in Interval(0, 1, open_high=True)
    (True, False)
    """

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        """Return whether the value lies inside; NaN never does."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        """Return the mathematical notation, such as [0, 1)."""
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


class Pacing(Protocol):
    """A schedule: any callable from an integer step to a number."""

    def __call__(self, step: int) -> float:
        """Return the value at the step, counted from 0."""
        ...


class Difficulty(Protocol):
    """A score per sample; lower is easier.

    ``fold`` computes the new memory of a sample from its loss; calling computes the difficulty from
    the memory. These are two functions so that a shift of a smoothed loss is not smoothed again.
    """

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that it reads; ``Pacer`` raises if one is missing."""
        return ()

    @property
    def labels(self) -> str | None:
        """Name of the column of class labels that features are to predict; None: it needs none.

        A pacer then takes ``features`` with every batch, and the rows have a ``doubt``.
        """
        return None

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,); by default the loss itself."""
        return loss

    def judged(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return what a loss says about its label, shape (B,); by default the loss itself.

        Suspects are ranked by the mean of it.
        """
        return loss

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        ...


class Age(Protocol):
    """Computes the age, the lambda of the papers, for the next step.

    Only ``__call__`` has to be written. The other members tell the pacer, the latent search and the
    hosts what is special about an age; by default nothing is.
    """

    @property
    def by(self) -> str | None:
        """Name of the column of groups, if each group has its own age; None for one age."""
        return None

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that it needs; by default the column of groups, if any."""
        return () if self.by is None else (self.by,)

    @property
    def needs_cut(self) -> bool:
        """Whether the age needs a weighting that reaches 0."""
        return False

    @property
    def steady(self) -> bool:
        """Whether the age depends on the losses alone, and not on the step."""
        return False

    @property
    def judges_from(self) -> int | None:
        """The first step whose losses, read as -ln p, tell wrong labels; None for never."""
        return None

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age for the next step; a pure function of its arguments.

        Args:
            step: Index of the next step, from 0.
            population: The samples seen so far; None before there is data.
            previous: The last age, shape () or (groups,); infinite if all samples were kept.

        Returns:
            float32, shape () or (groups,); infinite to keep all samples.
        """
        ...

    def first(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Return the age before any step, float32, shape () or (groups,).

        >>> from selfpaced.age import Threshold
        >>> from selfpaced.pacing import Geometric
        >>> Threshold(Geometric(1.0, 2.0)).first({})
        tensor(1.)
        """
        previous = torch.full((), math.inf, dtype=torch.float32)
        if self.by is not None and self.by in columns:
            previous = previous.repeat(int(columns[self.by].max()) + 1)
        return self(0, None, previous)

    def within(self, steps: int) -> Self:
        """Return the age for a run of this many steps, without phases that would not end in it."""
        return self

    def probing(self, step: int, population: Population | None, previous: Tensor) -> bool:
        """Return whether the next step is a probe, with the arguments of ``__call__``.

        A probe leaves out samples as an experiment. The losses of its steps, and of the step after
        it, are no evidence about labels: a left-out sample is as hard as a mislabeled one.
        """
        return False

    def evidence(self, loss: Tensor, classes: int | None) -> float:
        """Return how much the losses of a step count in the ranking of suspects.

        Args:
            loss: The losses of the step, float32, shape (n,).
            classes: The number of classes, where it is known.

        Returns:
            A finite number of 0 or more; the default is for losses that are -ln p.
        """
        return of_likelihoods(loss, classes)

    def settle(self, weight: Tensor, step: int, population: Population, age: Tensor) -> Tensor:
        """Decide which of the samples whose difficulty equals the age are kept.

        Args:
            weight: 1 where ``difficulty < age``, else 0, shape (n,).
            step: The step for which the age was computed.
            population: The samples from which it was computed.
            age: The age, shape (), or one per sample, shape (n,).

        Returns:
            Weights of 0 or 1, shape (n,); by default ``weight``, which leaves out all ties.
        """
        return weight

    def of(self, X: Floats, clusters: int) -> Self:
        """Return this age adapted to the data X, shape (n, d), and to its number of clusters."""
        return self

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return the cost by which searches from several starts are compared; lower is better.

        Args:
            loss: Losses at the end of a search, shape (n,).
            weight: The weights v of its last fit, shape (n,).
            relaxed: The relaxed objective at the end of the search; returned by default.
        """
        return relaxed


class Weighting(Protocol):
    """A rule from difficulty and age to the weight v that minimises v d + g(v; age).

    At an infinite age every rule gives weight 1 to every finite difficulty. The penalty is defined
    up to a constant: ours may differ from the paper's by g(0).

    Attributes:
        cuts: Whether v reaches 0 at a finite difficulty.
        binary: Whether v is always 0 or 1.
        difficulty_domain: The difficulties that the rule takes.
        age_domain: The ages that the rule takes, besides infinity.
        range: The interval of v.
        direction: -1 if v falls with difficulty (easy first), +1 if it rises.
        scale_free: Whether rule(k d; k age) = rule(d; age).
        grows_with_age: Whether v never falls as a finite age grows.
    """

    cuts: ClassVar[bool]
    binary: ClassVar[bool]
    difficulty_domain: ClassVar[Interval]
    age_domain: ClassVar[Interval]
    range: ClassVar[Interval]
    direction: ClassVar[int]
    scale_free: ClassVar[bool]
    grows_with_age: ClassVar[bool]

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return v, shape and dtype of the difficulty; constant under autograd."""
        ...

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, shape of the weight."""
        ...

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the integral of v from 0 to d; its gradient is v."""
        ...


class Coupling(Protocol):
    """Ties samples together by shifting their difficulties; needs ``Pacer(decide="step")``."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that it reads; ``Pacer`` raises if one is missing."""
        return ()

    def __call__(
        self, difficulty: Tensor, population: Population, weighting: Weighting, age: Tensor
    ) -> Tensor:
        """Return the shifted difficulty, shape (n,)."""
        ...
