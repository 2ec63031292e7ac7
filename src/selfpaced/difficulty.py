"""Difficulties: how hard each sample is, from its losses; lower is easier."""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced._errors import column_of, number, require, require_finite
from selfpaced._evidence import log_odds
from selfpaced.chain import Difficulty, Rows

__all__ = ["LeaveOneOut", "Loss", "RandomOrder", "Reversed", "Shifted", "Smoothed"]

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


class _Adjusted(Difficulty):
    """A difficulty that adjusts another one, ``of``, with the memory of the other one."""

    of: Difficulty

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that the other difficulty reads."""
        return self.of.reads

    @property
    def labels(self) -> str | None:
        """Name of the column of class labels that features are to predict, if the other has one."""
        return self.of.labels

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,)."""
        return self.of.fold(loss, rows)

    def judged(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return what the other difficulty reads from a loss about its label, shape (B,)."""
        return self.of.judged(loss, rows)


@dataclass(frozen=True)
class LeaveOneOut(_Adjusted):
    r"""Another difficulty and the verdict of a classifier that did not see the label.

    A network that learns wrong labels by heart makes their losses small. So at each step of the
    pacer a ridge regression predicts the labels from the features of the samples, once without each
    sample. The odds that a label is wrong by both are multiplied:

    .. math:: d = \ln(1 + (e^f - 1) \, e^{\kappa \cdot \text{doubt}})

    where f is the other difficulty (a loss -ln p, so that :math:`e^f - 1` are the odds of the other
    classes), and doubt is the largest prediction for another class minus that for the label.

    Give the pacer ``features`` with every batch: the activations of the last hidden layer, or those
    of several layers side by side (``torch.cat([h1, h2], 1)``). It helps networks that learn labels
    by heart. Where they do not, as a small convolutional network in a few epochs, it changes which
    mistakes are made rather than their number.

    At each step it takes the time of two products of the features with themselves, and in between
    4 bytes of memory for each feature of each sample; more than 512 are projected on 512. Features
    of several layers should be of like size.

    Args:
        by: Name of the column of class labels, int64 from 0.
        sharpness: How much the doubt counts, the kappa of the formula; above 0.
        of: The other difficulty, in the unit of -ln p; 0 or more.

    Raises:
        ValueError: For a sharpness that is not above 0.

    >>> rows = Rows(torch.tensor([0, 1]), torch.zeros(2), torch.zeros(2), {},
    ...             doubt=torch.tensor([-0.5, 0.5]))
    >>> LeaveOneOut()(torch.tensor([0.7, 0.7]), rows)
    tensor([0.0068, 5.0203])
    """

    by: str = "group"
    sharpness: float = 10.0
    of: Difficulty = field(default_factory=Smoothed)

    def __post_init__(self) -> None:
        """Check the sharpness."""
        require_finite("sharpness", self.sharpness, "LeaveOneOut")
        require(
            self.sharpness > 0,
            f"LeaveOneOut: sharpness must be above 0; got {self.sharpness}. Use 10, or the other "
            f"difficulty alone.",
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the column of labels and of those that the other difficulty reads."""
        return (self.by, *self.of.reads)

    @property
    def labels(self) -> str | None:
        """Name of the column of class labels that features are to predict."""
        return self.by

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        return self._both(self.of(memory, rows), rows)

    def judged(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return what a loss and the doubt say about a label together, shape (B,)."""
        return self._both(self.of.judged(loss, rows), rows)

    def _both(self, f: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty from the other one and the doubt, shape (B,)."""
        if rows.doubt is None:
            return f
        # A negative number is no -ln p: it stays, so that the age that reads it can say so.
        return torch.where(f < 0, f, F.softplus(log_odds(f) + self.sharpness * rows.doubt))


@dataclass(frozen=True)
class Shifted(_Adjusted):
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

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty for this memory, shape (B,)."""
        column = column_of(rows.columns, self.column, "Shifted")
        return self.of(memory, rows) + self.scale * column.float()


@dataclass(frozen=True)
class Reversed(_Adjusted):
    """Hard first: the negative of another difficulty.

    The age is then in the unit of the negative loss; ``Quantile`` needs no change.

    Args:
        of: The difficulty to reverse.

    >>> rows = Rows(torch.tensor([0]), torch.tensor([1.0]), torch.ones(1), {})
    >>> Reversed()(torch.tensor([1.5]), rows)
    tensor([-1.5000])
    """

    of: Difficulty = field(default_factory=Smoothed)

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
