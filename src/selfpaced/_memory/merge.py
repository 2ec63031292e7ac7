"""Merge the memories of all ranks into one, the same on every rank, once a step.

The owner of a sample is the lowest rank that has a value for it; all ranks get the owner's value.
"""

from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.dynamics import SEEN, Dynamics
from selfpaced._ranks import extremes, world_size

if TYPE_CHECKING:
    from selfpaced._memory.ledger import Ledger


def merge_ranks(ledger: "Ledger") -> dict[str, Tensor]:
    """Give every rank the waiting losses of all ranks; the lowest rank wins, bit for bit.

    This takes two all-reduces of 4 bytes a sample, and nothing with one rank. Between steps the
    ranks send nothing.

    Returns:
        The rank that each waiting visit came from, or the number of ranks for none, int32,
        shape (n_samples,): under "loss", and "dynamics" if there are logits. Empty with one
        rank.
    """
    if world_size() == 1:
        return {}
    _agree(ledger)
    owner = _owner_of(ledger.waiting)
    loss = _from_owner(ledger.loss, owner)
    seen = (owner < world_size()).nonzero().squeeze(1)
    ledger.write(seen, loss[seen], ledger.rows(seen))
    owners = {"loss": owner}
    if ledger.dynamics is not None:
        waiting = ledger.dynamics.waiting
        owners["dynamics"] = _owner_of(waiting[:, SEEN] > 0)
        waiting.copy_(_from_owner(waiting, owners["dynamics"]))
    return owners


def _agree(ledger: "Ledger") -> None:
    """Raise on all ranks if sizes differ; make dynamics on all ranks if one has them."""
    classes = -1 if ledger.dynamics is None else ledger.dynamics.probability.shape[1]
    low, high = extremes([ledger.n_samples, classes], ledger.packed.device)
    require(
        low[0] == high[0],
        f"The ranks disagree on n_samples: from {low[0]} to {high[0]}. Make every pacer as "
        f"Pacer(len(dataset)) of the same dataset.",
    )
    require(
        low[1] == high[1] or low[1] == -1,
        f"The ranks observe probabilities of {low[1]} and of {high[1]} classes. Call "
        f"observe with the same classes on all ranks.",
    )
    if ledger.dynamics is None and high[1] >= 0:
        ledger.dynamics = Dynamics(ledger.n_samples, high[1], ledger.packed.device)


def _owner_of(waiting: Tensor) -> Tensor:
    """Return the lowest rank on which each sample waits, int32; ``world_size()`` for none."""
    owner = torch.where(waiting, dist.get_rank(), dist.get_world_size()).to(torch.int32)
    dist.all_reduce(owner, op=dist.ReduceOp.MIN)
    return owner


def _from_owner(column: Tensor, owner: Tensor) -> Tensor:
    """Return the owner's value of each sample, bit for bit: the other ranks add 0."""
    mine = (owner == dist.get_rank()).reshape(-1, *[1] * (column.ndim - 1))
    value = torch.where(mine, column, torch.zeros_like(column))
    dist.all_reduce(value, op=dist.ReduceOp.SUM)
    return value
