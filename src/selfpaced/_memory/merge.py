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
from selfpaced._memory.features import Features
from selfpaced._ranks import extremes, totals, world_size

SHARDS = (
    "Does each rank number the samples of its own shard from 0? Number them before the dataset is "
    'split, as with dataset.add_column("index", range(len(dataset))), and make the pacer with the '
    "length and the columns of the whole dataset."
)
NEARLY = 1.1  # if all have seen at most this many times what one has, they saw the same indices
FEW = 100  # so few samples can be the same on all ranks, as of a last batch that was filled up

if TYPE_CHECKING:
    from selfpaced._memory.ledger import Ledger


def merge_ranks(ledger: "Ledger", check: bool) -> dict[str, Tensor]:
    """Give every rank the waiting losses of all ranks; the lowest rank wins, bit for bit.

    This takes two all-reduces of 4 bytes a sample, and nothing with one rank. Between steps the
    ranks send nothing.

    Args:
        ledger: The ledger of this rank.
        check: Raise if the ranks number other samples alike.

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
    if check:
        _require_one_numbering(ledger, loss, int((owner < world_size()).sum()))
    seen = (owner < world_size()).nonzero().squeeze(1)
    ledger.write(seen, loss[seen])
    owners = {"loss": owner}
    if ledger.dynamics is not None:
        waiting = ledger.dynamics.waiting
        owners["dynamics"] = _owner_of(waiting[:, SEEN] > 0)
        waiting.copy_(_from_owner(waiting, owners["dynamics"]))
    return owners


def share_doubt(features: Features, owner: Tensor) -> None:
    """Give every rank the doubt about each sample that its owner computed, in place."""
    computed = _from_owner(features.doubt, owner)
    features.doubt = torch.where(owner < world_size(), computed, features.doubt)


def gather_features(ledger: "Ledger", owner: Tensor) -> None:
    """Give every rank the features of the waiting samples of all ranks."""
    if ledger.features is not None:
        ledger.features.rows = _from_owner(ledger.features.rows, owner)


def _agree(ledger: "Ledger") -> None:
    """Raise on all ranks if sizes differ; make dynamics on all ranks if one has them."""
    classes = -1 if ledger.dynamics is None else ledger.dynamics.probability.shape[1]
    columns = _checksum(ledger)
    width = -1 if ledger.features is None else ledger.features.width
    low, high = extremes([ledger.n_samples, classes, columns, width], ledger.device)
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
        ledger.dynamics = Dynamics(ledger.n_samples, high[1], ledger.device)
    require(
        low[3] == high[3] or low[3] == -1,
        f"The ranks have kept {low[3]} and {high[3]} features of each sample. Give the same layers "
        f"on all ranks.",
    )
    if ledger.features is None and high[3] >= 0:
        ledger.features = Features(ledger.n_samples, high[3], ledger.device)


def _checksum(ledger: "Ledger") -> int:
    """Return a checksum of the columns; 0 without columns, and after the first step."""
    if not ledger.columns or bool((ledger.visits > ledger.waiting.long()).any()):
        return 0
    columns = (ledger.columns[name].cpu().numpy().tobytes() for name in sorted(ledger.columns))
    return zlib.crc32(b"".join(columns))


def _require_one_numbering(ledger: "Ledger", loss: Tensor, seen: int) -> None:
    """Raise on all ranks if they have seen the same indices, but other samples.

    The losses of one sample are equal on ranks that work on the same batches, or score a dataset
    with the same model.

    Args:
        ledger: The ledger of this rank, before the merge.
        loss: The losses of the owners, shape (n_samples,).
        seen: Number of samples seen on any rank.
    """
    waiting = ledger.waiting
    differs = waiting & (ledger.loss != loss)
    visits, other = totals([int(waiting.sum()), int(differs.sum())], loss.device)
    alike = seen > FEW and seen * world_size() <= NEARLY * visits
    require(
        not alike or 2 * other < visits - seen,
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
