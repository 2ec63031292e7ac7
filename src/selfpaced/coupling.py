"""Couplings: regularisers that tie samples together, each as a shift of the difficulty.

A coupling looks at all seen samples at once, so it needs ``Pacer(decide="step")``. The pointwise
weighting of the shifted difficulty is then the exact minimiser of the coupled objective.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from selfpaced._errors import column_of, require, require_finite
from selfpaced.chain import Coupling, Population, Weighting

__all__ = ["CurriculumRegion", "RandomOrder", "RankInGroup"]

LARGEST_MULTIPLIER = 1e30  # the search for a multiplier stops doubling here
HALVINGS = 60  # bisection steps for the multiplier, down to the last bits of a float64


@dataclass(frozen=True)
class RankInGroup(Coupling):
    r"""Self-paced learning with diversity (SPLD): easy samples, from many groups.

    .. math:: g(v) = -\lambda \sum_i v_i - \gamma \sum_b \lVert v^{(b)} \rVert_2

    is minimised by keeping the sample of rank i in its group (1 is the easiest) exactly when
    :math:`d < \lambda + \gamma / (\sqrt{i} + \sqrt{i - 1})`: ``Hard`` on a shifted difficulty.

    Args:
        strength: The gamma of the paper, in difficulty units; 0 is plain self-paced learning.
        by: Name of the column that holds the group of each sample: class, cluster, video.

    Raises:
        ValueError: For a negative strength, a missing column, or a weighting that is not binary.

    References:
        Jiang et al., *Self-Paced Learning with Diversity*, NIPS 2014; the penalty is eq. 13 of
        `A Survey on Curriculum Learning <https://arxiv.org/abs/2010.13166>`_.

    >>> from selfpaced.weighting import Hard
    >>> population = Population(torch.tensor([0.1, 0.2, 1.0]), None,
    ...                         {"group": torch.tensor([0, 0, 1])})
    >>> RankInGroup(0.5)(population.difficulty, population, Hard(), torch.tensor(1.0))
    tensor([-0.4000, -0.0071,  0.5000])
    """

    strength: float
    by: str = "group"

    @property
    def reads(self) -> tuple[str, ...]:
        """Name of the column of groups."""
        return (self.by,)

    def __post_init__(self) -> None:
        """Check the strength."""
        require_finite("strength", self.strength, "RankInGroup")
        require(
            self.strength >= 0,
            f"RankInGroup: strength must be 0 or more; got {self.strength}. Use 0 for none.",
        )

    def __call__(
        self, difficulty: Tensor, population: Population, weighting: Weighting, age: Tensor
    ) -> Tensor:
        """Return the shifted difficulty, shape (n,)."""
        require(
            weighting.binary,
            f"RankInGroup needs a binary weighting; got {weighting!r}. Use weighting=Hard().",
        )
        group = column_of(population.columns, self.by, "RankInGroup")
        order = torch.argsort(difficulty, stable=True)
        order = order[torch.argsort(group[order], stable=True)]
        sizes = torch.unique_consecutive(group[order], return_counts=True)[1]
        starts = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
        rank = torch.empty_like(difficulty)
        rank[order] = (torch.arange(len(order), device=order.device) - starts + 1).to(rank.dtype)
        return difficulty - self.strength / (rank.sqrt() + (rank - 1).sqrt())


@dataclass(frozen=True)
class CurriculumRegion(Coupling):
    r"""Self-paced curriculum learning (SPCL): v lies in a linear region :math:`a^T v \le c`.

    The constants a rank the samples by prior knowledge: a small a comes first. By duality the
    weights are those of the difficulty :math:`d + \mu a`, with the smallest multiplier
    :math:`\mu \ge 0` that meets the limit; it is found by bisection. An infinite age keeps
    everything, whatever the limit: use an age that stays finite.

    Args:
        by: Name of the column that holds a, each 0 or more.
        limit: The c, as a share of sum(a); above 0. A limit of 1 never binds.

    Raises:
        ValueError: For a limit not above 0, a missing column, a negative constant, or a binary
            weighting (no multiplier can separate samples that reach weight 0 together).

    References:
        Jiang et al., *Self-Paced Curriculum Learning*, AAAI 2015; the region is eq. 14 of
        `A Survey on Curriculum Learning <https://arxiv.org/abs/2010.13166>`_, the dual solution
        our own.

    >>> from selfpaced.weighting import Linear
    >>> population = Population(torch.zeros(2), None, {"prior": torch.tensor([1.0, 3.0])})
    >>> shifted = CurriculumRegion("prior", limit=0.5)(
    ...     population.difficulty, population, Linear(), torch.tensor(1.0))
    >>> round(float((population.columns["prior"] * Linear()(shifted, 1.0)).sum()), 4)
    2.0
    """

    by: str
    limit: float

    @property
    def reads(self) -> tuple[str, ...]:
        """Name of the column of constants."""
        return (self.by,)

    def __post_init__(self) -> None:
        """Check the limit."""
        require_finite("limit", self.limit, "CurriculumRegion")
        require(
            self.limit > 0,
            f"CurriculumRegion: limit is a share of the sum of the column and must be above 0; "
            f"got {self.limit}.",
        )

    def __call__(
        self, difficulty: Tensor, population: Population, weighting: Weighting, age: Tensor
    ) -> Tensor:
        """Return the shifted difficulty, shape (n,)."""
        require(
            not weighting.binary,
            f"CurriculumRegion needs a soft weighting; got {weighting!r}. Use Linear().",
        )
        a = column_of(population.columns, self.by, "CurriculumRegion").double()
        require(
            bool((a >= 0).all()),
            f"CurriculumRegion: the column {self.by!r} must be 0 or more; got {float(a.min())}.",
        )
        exact, bound = difficulty.double(), self.limit * float(a.sum())

        def used(multiplier: float) -> float:
            """Return a^T v at this multiplier."""
            return float((a * weighting(exact + multiplier * a, age)).sum())

        return (exact + _smallest_multiplier(used, bound) * a).to(difficulty.dtype)


def _smallest_multiplier(used: Callable[[float], float], bound: float) -> float:
    """Return the smallest multiplier at which a^T v is within the bound, by bisection."""
    if used(0.0) <= bound:
        return 0.0
    high = 1.0
    while used(high) > bound and high < LARGEST_MULTIPLIER:
        high *= 2
    low = 0.0 if high == 1.0 else high / 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if used(middle) > bound else (low, middle)
    return high


@dataclass(frozen=True)
class RandomOrder(Coupling):
    """The random-order control for ``decide="step"``: keeps as many samples, chosen at random.

    Each sample is judged by the difficulty of another one, so that the size of the selection need
    not be known. Samples with different ages are permuted separately.

    Args:
        seed: Seed of the permutation.

    >>> difficulty = torch.tensor([0.1, 0.2, 0.3])
    >>> population = Population(difficulty, None, {})
    >>> RandomOrder(1)(difficulty, population, None, torch.tensor(0.0)).sort().values
    tensor([0.1000, 0.2000, 0.3000])
    """

    seed: int = 0

    def __call__(
        self,
        difficulty: Tensor,
        population: Population,
        weighting: Weighting | None,
        age: Tensor,
    ) -> Tensor:
        """Return the difficulties in another order, shape (n,)."""
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(difficulty), generator=generator, device="cpu")
        order = order.to(difficulty.device)
        if not age.ndim:
            return difficulty[order]
        own = torch.argsort(age, stable=True)  # permute among the samples of each age
        drawn = order[torch.argsort(age[order], stable=True)]
        return torch.empty_like(difficulty).index_copy_(0, own, difficulty[drawn])
