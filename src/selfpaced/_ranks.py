"""One value per sample from several ranks: the lowest rank that has one wins, bit for bit."""

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Return the number of ranks: 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank_here() -> int:
    """Return this process's rank: 0 without a process group."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def extremes(values: list[int], device: torch.device) -> tuple[list[int], list[int]]:
    """Return the least and the greatest of each value over the ranks."""
    both = torch.tensor([*values, *(-value for value in values)], device=device)
    dist.all_reduce(both, op=dist.ReduceOp.MAX)
    found: list[int] = both.tolist()
    return [-value for value in found[len(values) :]], found[: len(values)]


def from_all(bad: Tensor) -> Tensor:
    """Return the number of bad samples of all ranks, and the lowest rank's first; shape (2,)."""
    if world_size() == 1:
        return bad
    each = [torch.empty_like(bad) for _ in range(world_size())]
    dist.all_gather(each, bad)
    counts, indices = torch.stack(each).unbind(1)
    return torch.stack([counts.sum(), indices[(counts > 0).int().argmax()]])


def owner_of(waiting: Tensor) -> Tensor:
    """Return the lowest rank at which each sample waits, int32; the world's size for none."""
    owner = torch.where(waiting, dist.get_rank(), dist.get_world_size()).to(torch.int32)
    dist.all_reduce(owner, op=dist.ReduceOp.MIN)
    return owner


def from_owner(column: Tensor, owner: Tensor) -> Tensor:
    """Return each sample's value at its owner, bit for bit: the other ranks add 0."""
    mine = (owner == dist.get_rank()).reshape(-1, *[1] * (column.ndim - 1))
    value = torch.where(mine, column, torch.zeros_like(column))
    dist.all_reduce(value, op=dist.ReduceOp.SUM)
    return value
