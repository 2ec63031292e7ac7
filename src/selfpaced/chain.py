"""What the parts of the chain see of the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


@dataclass(slots=True)
class Rows:
    """The ledger's rows of some samples, as they were before the loss at hand.

    Args:
        index: Dataset indices, int64, shape (B,).
        memory: What the difficulty kept, float32, shape (B,); 0 without a visit.
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
            sampler visits few of those left out: the visited ones stand for all of them.
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


def expand(left_out: Tensor, visited: Tensor) -> Tensor | None:
    """Return how many samples each one stands for, float32, shape (n,); None for 1 each.

    A difficulty that is not looked at stays what it was while the model moves on, so that the
    stale ones of many left-out samples would hide where those are by now.

    Args:
        left_out: Who was left out, bool, shape (n,).
        visited: Who was visited since, bool, shape (n,).

    >>> expand(torch.tensor([False, True, True]), torch.tensor([True, True, False]))
    tensor([1., 2., 0.])
    """
    fresh = left_out & visited
    out, seen = int(left_out.sum()), int(fresh.sum())
    if seen in (0, out):
        return None
    return torch.where(left_out, fresh.float() * (out / seen), 1.0)


class Gathered(Mapping[str, Tensor]):
    """Columns at some indices, gathered when somebody reads them: most batches read none."""

    def __init__(self, columns: Mapping[str, Tensor], index: Tensor) -> None:
        """Remember where to look."""
        self._columns, self._index = columns, index

    def __getitem__(self, name: str) -> Tensor:
        """Gather one column, shape (B,)."""
        return self._columns[name].index_select(0, self._index)

    def __contains__(self, name: object) -> bool:
        """Say whether there is such a column; nothing is gathered."""
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)


class Difficulty(Protocol):
    """A score per sample; lower is easier.

    Two functions, so that a shift of a smoothed loss is not smoothed again: ``fold`` makes the
    new memory of a loss, calling makes the difficulty of a memory.
    """

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the memory after this loss, shape (B,)."""
        ...

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty that this memory means, shape (B,)."""
        ...


def column_of(columns: Mapping[str, Tensor], name: str, owner: str) -> Tensor:
    """Return a column that a strategy reads, or raise and say how to give it."""
    if name not in columns:
        raise ValueError(
            f"{owner} reads the column {name!r}; the pacer has {sorted(columns)}. "
            f"Pass columns={{{name!r}: values}} to Pacer."
        )
    return columns[name]
