"""Values into rows: of an index that stands twice the last valid place wins, on any device."""

from collections.abc import Sequence

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
