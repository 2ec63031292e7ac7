"""``Ring``: the last losses of a run without indices."""

from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from selfpaced._memory.columns import lasting
from selfpaced._memory.ledger import MEMORY, VISITS, Ledger
from selfpaced._ranks import rank_here, world_size
from selfpaced._saved import Saved
from selfpaced.chain import Difficulty, Population, Rows

PLACES = 10_000  # number of losses that a run without indices keeps
FARTHEST = 2**53  # a position beyond it is damage


class Ring(Ledger):
    """The last losses of a run without indices, in places that are written in turn.

    >>> ring = Ring(4)
    >>> ring.next(3), ring.next(3)
    (tensor([0, 1, 2]), tensor([3, 0, 1]))
    """

    _more: ClassVar[frozenset[str]] = frozenset({"position"})

    def __init__(self, n_samples: int = PLACES) -> None:
        """Make an empty ring."""
        super().__init__(n_samples)
        with lasting():
            self.position = torch.zeros((), dtype=torch.int64)

    def next(self, n: int) -> Tensor:
        """Return the next n places, int64, shape (n,), and advance; the ranks alternate."""
        places = self.position + torch.arange(n, device=self.position.device)
        self.position += n
        return (places * world_size() + rank_here()) % self.n_samples

    def rows(self, index: Tensor) -> Rows:
        """Return rows without memory or visits, since a place of the ring is not a sample."""
        zeros = torch.zeros(len(index), dtype=torch.float32, device=index.device)
        return Rows(index, zeros, zeros, {})

    def merge(self, check: bool = True) -> dict[str, Tensor]:
        """Give every rank the waiting losses; the ranks share places, which are no samples."""
        return super().merge(check=False)

    def before(self, difficulty: Difficulty) -> None:
        """Return None: places are not samples, so nothing is known of an earlier step."""

    def population(self, difficulty: Difficulty) -> tuple[Tensor, Population]:
        """Return the filled places and the difficulties of the losses there."""
        filled = (self.committed[:, VISITS] > 0).nonzero().squeeze(1)
        rows = self.rows(filled)
        return filled, Population(difficulty(self.committed[filled, MEMORY], rows), None, {})

    def to(self, device: torch.device) -> Self:
        """Move the ring; dtypes stay."""
        super().to(device)
        with lasting():
            self.position = self.position.to(device)
        return self

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the rows and of the position."""
        return {**super().state_dict(), "position": self.position.to("cpu", copy=True)}

    def _read_more(self, saved: Saved) -> None:
        """Take the position from a state."""
        self.position = saved.tensor("position", torch.int64, (), low=0, high=FARTHEST).clone()

    def _take(self, read: Self) -> None:
        """Take the rows and the position of a ring that ``_read`` returned."""
        super()._take(read)
        self.position.copy_(read.position)
