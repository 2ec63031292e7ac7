"""The vocabulary: what passes along the chain, and what each of its five parts must do.

::

    loss --difficulty--> d      step --pacing--> p --age--> lambda      weighting(d, lambda) --> v

``Difficulty``, ``Pacing``, ``Age``, ``Weighting`` and ``Coupling`` say what ``Pacer`` asks of each
part. The members that the library has are in the modules of the same names. To write one of your
own, subclass the protocol (``weighting.Rule`` for a weighting): what has a default here need not be
written again. ``docs/extend.md`` has an example of each, and ``selfpaced.testing`` checks them.
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

Floats = NDArray[np.float64]
Number = Tensor | float


@dataclass(slots=True)
class Rows:
    """The ledger's rows of some samples, as they were before the loss at hand.

    Args:
        index: Dataset indices, int64, shape (B,).
        memory: What the difficulty kept, float32, shape (B,); 0 before the first visit.
        visits: Number of earlier steps in which the sample was seen, float32, shape (B,).
        columns: The user's per-sample constants, each of shape (B,).
    """

    index: Tensor
    memory: Tensor
    visits: Tensor
    columns: Mapping[str, Tensor]


class Population(NamedTuple):
    """What an age is decided on: the samples seen so far, in index order.

    Args:
        difficulty: float32, shape (n,); lower is easier.
        mass: What each sample counts in a share, float32, shape (n,), of mean 1; None for 1 each.
        columns: The user's per-sample constants of these samples, each of shape (n,).
        expansion: How many samples each one stands for, float32, shape (n,); None for 1 each. A
            sampler visits few of the samples that are left out: the visited ones stand for all of
            them.
    """

    difficulty: Tensor
    mass: Tensor | None
    columns: Mapping[str, Tensor]
    expansion: Tensor | None = None

    def counts(self) -> Tensor | None:
        """Return what each sample counts: its mass times its expansion; None for 1 each."""
        if self.mass is None or self.expansion is None:
            return self.expansion if self.mass is None else self.mass
        return self.mass * self.expansion


@dataclass(frozen=True)
class Interval:
    """Numbers from low to high; an open end does not belong to it.

    >>> 1.0 in Interval(0, 1), 1.0 in Interval(0, 1, open_high=True)
    (True, False)
    """

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        """Say whether the value lies inside; NaN lies nowhere."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        """Write it as mathematics does."""
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


class Pacing(Protocol):
    """A schedule: any callable from an integer step to a number."""

    def __call__(self, step: int) -> float:
        """Return the value at the step, counted from 0."""
        ...


class Difficulty(Protocol):
    """A score per sample; lower is easier.

    Two functions, so that a shift of a smoothed loss is not smoothed again: ``fold`` makes the
    new memory of a loss, calling makes the difficulty of a memory.
    """

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that it reads; a pacer without them is refused."""
        return ()

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,); by default the loss itself."""
        return loss

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty that this memory means, shape (B,)."""
        ...


class Age(Protocol):
    """Decides the age of the coming step, the lambda of the papers.

    Only ``__call__`` has to be written. The other members tell the pacer, the latent search and the
    hosts what is special about an age; their defaults say "nothing".
    """

    @property
    def by(self) -> str | None:
        """The column of groups that each get an age of their own; None for one age."""
        return None

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that it cannot do without; by default those of the groups."""
        return () if self.by is None else (self.by,)

    @property
    def needs_cut(self) -> bool:
        """Whether the age only makes sense with a weighting that reaches 0."""
        return False

    @property
    def steady(self) -> bool:
        """Whether the age is a function of the losses alone: a later step changes nothing."""
        return False

    @property
    def judges_from(self) -> int | None:
        """The step from which the losses, read as -ln p, tell wrong labels; None for never."""
        return None

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age of the coming step; a pure function of its arguments.

        Args:
            step: Index of the coming step, from 0.
            population: The samples seen so far; None before there is data.
            previous: The age so far, shape () or (groups,); infinite where all were kept.

        Returns:
            float32, the shape of ``previous``; infinite to keep all.
        """
        ...

    def first(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Return the age before any step, float32, shape () or (groups,).

        >>> from selfpaced.age import Threshold
        >>> from selfpaced.pacing import Geometric
        >>> Threshold(Geometric(1.0, 2.0)).first({})
        tensor(1.)
        """
        nothing = torch.full((), math.inf, dtype=torch.float32)
        if self.by is not None and self.by in columns:
            nothing = nothing.repeat(int(columns[self.by].max()) + 1)
        return self(0, None, nothing)

    def within(self, steps: int) -> Self:
        """Return the age for a run of so many steps: without what would not be over by its end."""
        return self

    def probing(self, age: Tensor) -> bool:
        """Say whether this age was an experiment, whose losses say nothing about labels."""
        return False

    def evidence(self, loss: Tensor, classes: int | None) -> float:
        """Return how much the losses of a step count in the ranking of suspects.

        Args:
            loss: The losses of the step, float32, shape (n,).
            classes: The number of classes, where it is known.

        Returns:
            A finite number of 0 or more; by default that of losses which are -ln p.
        """
        return of_likelihoods(loss, classes)

    def settle(self, weight: Tensor, step: int, population: Population, age: Tensor) -> Tensor:
        """Decide which of the samples that are tied at the age are kept.

        Args:
            weight: 0 or 1 by ``difficulty < age``, shape (n,).
            step: The step that the age was made for.
            population: What it was made from.
            age: What it was, per sample, shape (n,), or shape ().

        Returns:
            Weights of 0 or 1, shape (n,); by default those given, which leave out all ties.
        """
        return weight

    def of(self, X: Floats, clusters: int) -> Self:
        """Return the age with what it needs to know of X, shape (n, d), and the clusters in it."""
        return self

    def cost(self, loss: Floats, weight: Floats, relaxed: float) -> float:
        """Return the number by which searches from several starts are compared; lower is better.

        Args:
            loss: Losses at the end of a search, shape (n,).
            weight: The weights v of its last fit, shape (n,).
            relaxed: The relaxed objective at its end; the default.
        """
        return relaxed


class Weighting(Protocol):
    """A rule from difficulty and age to the weight v that minimises v d + g(v; age).

    An infinite age keeps every finite difficulty with weight 1, whatever the rule. The penalty is
    meant up to a constant: ours may differ from the paper's by g(0).

    Attributes:
        cuts: v reaches 0 at a finite difficulty.
        binary: v is 0 or 1.
        difficulty_domain: What difficulties it takes.
        age_domain: What ages it takes, beside infinity.
        range: Where v lies.
        direction: -1 when v falls with difficulty (easy first), +1 when it rises.
        scale_free: rule(k d; k age) = rule(d; age).
        grows_with_age: v never falls as the age grows, infinity apart.
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
        """Names of the columns that it reads; a pacer without them is refused."""
        return ()

    def __call__(
        self, difficulty: Tensor, population: Population, weighting: Weighting, age: Tensor
    ) -> Tensor:
        """Return the shifted difficulty, shape (n,)."""
        ...
