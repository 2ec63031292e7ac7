"""Merge the memories of all ranks into one, the same on every rank, once a step.

The owner of a sample is the lowest rank that has a value for it; all ranks get the owner's value.
"""

import zlib
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.dynamics import SEEN, Dynamics
from selfpaced._ranks import extremes, total, world_size

SHARDS = (
    "Does each rank number the samples of its own shard from 0? Number them before the dataset is "
    'split, as with dataset.add_column("index", range(len(dataset))), and make the pacer with the '
    "length and the columns of the whole dataset."
)
NEARLY = 1.1  # fewer samples than this many times those of a rank: all ranks saw the same
FEW = 20  # fewer samples than this can be the same on all ranks by chance

if TYPE_CHECKING:
    from selfpaced._memory.ledger import Ledger

VISITS = 1  # the column of ``Ledger.packed``


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
    _require_parts(int(ledger.waiting.sum()), int((owner < world_size()).sum()), owner.device)
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
    columns = _checksum(ledger)
    low, high = extremes([ledger.n_samples, classes, columns], ledger.packed.device)
    require(
        low[0] == high[0],
        f"The ranks disagree on n_samples: from {low[0]} to {high[0]}. Make every pacer as "
        f"Pacer(len(dataset)) of the same dataset.",
    )
    require(
        low[2] == high[2],
        f"The ranks disagree on the values of {' and '.join(map(repr, ledger.columns))}. {SHARDS}",
    )
    require(
        low[1] == high[1] or low[1] == -1,
        f"The ranks observe probabilities of {low[1]} and of {high[1]} classes. Call "
        f"observe with the same classes on all ranks.",
    )
    if ledger.dynamics is None and high[1] >= 0:
        ledger.dynamics = Dynamics(ledger.n_samples, high[1], ledger.packed.device)


def _checksum(ledger: "Ledger") -> int:
    """Return a checksum of the columns; 0 without columns, and after the first step."""
    if not ledger.columns or bool((ledger.packed[:, VISITS] >= 1).any()):
        return 0
    columns = (ledger.columns[name].cpu().numpy().tobytes() for name in sorted(ledger.columns))
    return zlib.crc32(b"".join(columns))


def _require_parts(here: int, seen: int, device: torch.device) -> None:
    """Raise on all ranks if they have seen the same indices, not parts of them.

    Args:
        here: Number of samples seen on this rank.
        seen: Number of samples seen on any rank.
        device: The device of the ledger.
    """
    visits = total(here, device)
    require(
        seen <= FEW or seen * world_size() > NEARLY * visits,
        f"All {world_size()} ranks have seen the same {seen} indices, or nearly. {SHARDS} If every "
        f"rank shall read the whole dataset, give each its part with a DistributedSampler.",
    )


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
