"""Columns of the ledger: write values into rows, gather rows, and count what they stand for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from selfpaced._errors import values_can_be_read


@contextmanager
def lasting() -> Iterator[None]:
    """Make ordinary tensors within the block, whatever mode the caller is in.

    What is made under ``torch.inference_mode`` cannot be written to outside of it, and what is made
    on the meta device has no values. The memory outlives both.

    >>> with torch.inference_mode(), torch.device("meta"), lasting():
    ...     made = torch.zeros(2)
    >>> made.is_inference(), made.device
    (False, device(type='cpu'))
    """
    if torch.compiler.is_compiling():  # a compiler knows neither mode
        yield
        return
    on_meta = torch.get_default_device().type == "meta"
    device = torch.device("cpu") if on_meta else nullcontext()
    with torch.inference_mode(False), device:
        yield


def place(
    pairs: Sequence[tuple[Tensor, Tensor]], index: Tensor, valid: Tensor | None = None
) -> None:
    """Copy values into the rows of a batch, in place; of equal indices the last valid place wins.

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
    if valid is not None:  # invalid places go first and write the old value
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
    """Return the sorted index, and for each entry the last place in the batch with that index.

    An accelerator copies by index in no fixed order. If all places of a row write the same value,
    the order does not matter. The CPU copies in order. Shapes are fixed, so that nothing waits for
    the device.
    """
    order = torch.argsort(index, stable=True)
    ordered = index[order]
    return ordered, order[torch.searchsorted(ordered, ordered, right=True) - 1]


class Gathered(Mapping[str, Tensor]):
    """Columns at some indices, gathered on access: most batches read none."""

    def __init__(self, columns: Mapping[str, Tensor], index: Tensor) -> None:
        """Keep the columns and the index; nothing is gathered yet."""
        self._columns, self._index = columns, index

    def __getitem__(self, name: str) -> Tensor:
        """Gather one column, shape (B,)."""
        return self._columns[name].index_select(0, self._index)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a column; nothing is gathered."""
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)


def expand(left_out: Tensor, visited: Tensor) -> Tensor | None:
    """Return how many samples each one stands for, float32, shape (n,); None for 1 each.

    The difficulty of a sample that is not visited becomes stale as the model changes. So the
    visited ones of the left-out samples stand for all of them, and the stale ones count 0.

    Args:
        left_out: Which samples were left out, bool, shape (n,).
        visited: Which samples were visited since then, bool, shape (n,).

    >>> expand(torch.tensor([False, True, True]), torch.tensor([True, True, False]))
    tensor([1., 2., 0.])
    """
    fresh = left_out & visited
    out, seen = int(left_out.sum()), int(fresh.sum())
    if seen in (0, out):
        return None
    return torch.where(left_out, fresh.float() * (out / seen), 1.0)
