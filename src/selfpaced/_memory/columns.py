"""Columns of the ledger: values written into rows, rows gathered, and what the rows stand for."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from selfpaced._errors import values_can_be_read


def place(
    pairs: Sequence[tuple[Tensor, Tensor]], index: Tensor, valid: Tensor | None = None
) -> None:
    """Copy values into the rows of a batch, in place.

    Args:
        pairs: Columns of shape (n, ...) and their new values, shape (B, ...).
        index: Rows, int64, shape (B,); in range.
        valid: Places to write, bool, shape (B,); None for all.

    >>> column = torch.zeros(3)
    >>> index, valid = torch.tensor([1, 2, 1]), torch.tensor([True, True, False])
    >>> place([(column, torch.tensor([5.0, 6.0, 7.0]))], index, valid)
    >>> column
    tensor([0., 5., 6.])
    """
    if valid is not None:  # the others write what is there, before any valid place of their row
        order = valid.to(torch.int8).argsort(stable=True)
        index, valid = index[order], valid[order]
        pairs = [(column, _chosen(valid, new[order], column[index])) for column, new in pairs]
    if not values_can_be_read(index):
        index, last = _last_of_each(index)
        pairs = [(column, new[last]) for column, new in pairs]
    for column, new in pairs:
        column.index_copy_(0, index, new)


def _chosen(valid: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Return the new values where valid, else the old ones."""
    return torch.where(valid.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def _last_of_each(index: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index sorted, and for each place the last place of its row.

    On the CPU a copy by index goes in order and needs no help; an accelerator does not promise
    an order, but equal values in any order are equal. Shapes stay fixed: no wait for the device.
    """
    order = torch.argsort(index, stable=True)
    ordered = index[order]
    return ordered, order[torch.searchsorted(ordered, ordered, right=True) - 1]


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
