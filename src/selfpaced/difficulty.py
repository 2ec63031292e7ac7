"""Difficulties: how hard each sample is, from its losses; lower is easier."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from selfpaced._errors import column_of, number, require, require_finite
from selfpaced.chain import Difficulty, Rows

__all__ = ["Loss", "RandomOrder", "Reversed", "Shifted", "Smoothed"]

# The hash of ``RandomOrder``: odd multipliers of the index, of the seed and in each round.
INDEX_FACTOR = 0x9E3779B97F4A7C1
SEED_FACTOR = 0x632BE59BD9B4E01
ROUND_FACTOR = 0x3F58476D1CE4E5B9
ROUNDS = 2  # how often the bits are mixed


@dataclass(frozen=True)
class Loss(Difficulty):
    """The last loss itself, as in the papers.

    >>> Loss()(torch.tensor([0.5]), Rows(torch.tensor([0]), torch.tensor([9.0]), torch.ones(1), {}))
    tensor([0.5000])
    """

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        return memory


@dataclass(frozen=True)
class Smoothed(Difficulty):
    r"""The exponential moving average of a sample's losses over its visits, bias-corrected.

    .. math:: S_n = S_{n-1} + (f - S_{n-1}) / (1 + \beta + \dots + \beta^{n-1})

    This is the exponential average divided by the sum of its weights: after one visit it is the
    loss; after many visits the weight of the old value is the decay.

    Args:
        decay: Weight of the old value, 0 or more and below 1; 0 is the last loss.

    Raises:
        ValueError: For a decay outside that range.

    >>> rows = Rows(torch.tensor([0]), torch.tensor([1.0]), torch.tensor([1.0]), {})
    >>> Smoothed(0.5).fold(torch.tensor([4.0]), rows)       # (0.5 * 1 + 1 * 4) / 1.5
    tensor([3.])
    """

    decay: float = 0.7

    def __post_init__(self) -> None:
        """Check the decay."""
        require(
            0 <= self.decay < 1,
            f"Smoothed: decay is the weight of the old value and must be 0 or more and below 1; "
            f"got {self.decay}. Use 0.7.",
        )

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,)."""
        kept = torch.pow(number(self.decay, loss), rows.visits)
        # The sum of the weights after n visits, (1 - decay^n) / (1 - decay), with n = visits + 1.
        total, share = 1 / (1 - self.decay), self.decay / (1 - self.decay)
        weights = torch.rsub(kept, number(total, loss), alpha=share)
        return torch.addcdiv(rows.memory, loss - rows.memory, weights)

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        return memory


@dataclass(frozen=True)
class Shifted(Difficulty):
    """Another difficulty plus a constant per sample, such as a prior or an irreducible loss.

    Args:
        column: Name of the ledger column that holds the constants.
        scale: Factor of the column; below 0 if a high value means easier.
        of: The difficulty to shift.

    Raises:
        ValueError: If the ledger has no such column.

    >>> rows = Rows(torch.tensor([0]), torch.tensor([1.0]), torch.ones(1),
    ...             {"prior": torch.tensor([2.0])})
    >>> Shifted("prior", scale=-0.25)(torch.tensor([1.0]), rows)
    tensor([0.5000])
    """

    column: str
    scale: float = 1.0
    of: Difficulty = field(default_factory=Smoothed)

    def __post_init__(self) -> None:
        """Check the scale."""
        require_finite("scale", self.scale, "Shifted")

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the column and of those that the other difficulty reads."""
        return (self.column, *self.of.reads)

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,)."""
        return self.of.fold(loss, rows)

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        column = column_of(rows.columns, self.column, "Shifted")
        return self.of(memory, rows) + self.scale * column.float()


@dataclass(frozen=True)
class Reversed(Difficulty):
    """Hard first: the negative of another difficulty.

    The age is then in the unit of the negative loss; ``Quantile`` needs no change.

    Args:
        of: The difficulty to reverse.

    >>> rows = Rows(torch.tensor([0]), torch.tensor([1.0]), torch.ones(1), {})
    >>> Reversed()(torch.tensor([1.5]), rows)
    tensor([-1.5000])
    """

    of: Difficulty = field(default_factory=Smoothed)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that the other difficulty reads."""
        return self.of.reads

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,)."""
        return self.of.fold(loss, rows)

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        return -self.of(memory, rows)


@dataclass(frozen=True)
class RandomOrder(Difficulty):
    """The random-order control of every comparison: a fixed number in [0, 1) per sample.

    The number is a hash of the sample's index and the seed. It is the same on every rank and
    machine, and needs no memory. ``Quantile`` then keeps a random share, whatever the losses are.

    Args:
        seed: Seed of the order.

    >>> rows = Rows(torch.arange(3), torch.zeros(3), torch.ones(3), {})
    >>> RandomOrder(seed=1)(torch.zeros(3), rows)
    tensor([0.1021, 0.3413, 0.2969])
    """

    seed: int = 0

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the number of each sample, shape (B,)."""
        start = self.seed * SEED_FACTOR % 2**63  # fits an int64 for any seed
        bits = (rows.index + 1) * INDEX_FACTOR + start
        for _ in range(ROUNDS):
            bits = (bits ^ (bits >> 29 & 0x7FFFFFFFF)) * ROUND_FACTOR
        return (bits >> 40 & 0xFFFFFF).float() / 2**24  # 24 bits, as many as a float32 has
