"""Ranks: how many processes there are, which one this is, and small values from all of them."""

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
    """Return the minimum and the maximum of each value over all ranks."""
    both = torch.tensor([*values, *(-value for value in values)], device=device)
    dist.all_reduce(both, op=dist.ReduceOp.MAX)
    found: list[int] = both.tolist()
    return [-value for value in found[len(values) :]], found[: len(values)]


def from_all(bad: Tensor) -> Tensor:
    """Return the number of bad samples on all ranks and the first bad index, shape (2,).

    Args:
        bad: The same for this rank, int64, shape (2,). The index comes from the lowest rank that
            has bad samples.
    """
    if world_size() == 1:
        return bad
    each = [torch.empty_like(bad) for _ in range(world_size())]
    dist.all_gather(each, bad)
    counts, indices = torch.stack(each).unbind(1)
    return torch.stack([counts.sum(), indices[(counts > 0).int().argmax()]])


def totals(values: list[int], device: torch.device) -> list[int]:
    """Return the sum of each value over all ranks; all ranks have to call this."""
    if world_size() == 1:
        return values
    summed = torch.tensor(values, device=device)
    dist.all_reduce(summed)
    found: list[int] = summed.tolist()
    return found


def summed(values: Tensor) -> Tensor:
    """Return the sum of a tensor over all ranks; all ranks have to call this."""
    if world_size() > 1:
        values = values.clone()
        dist.all_reduce(values)
    return values


def largest(labels: Tensor) -> int:
    """Return the largest label on any rank; -1 if there is none. All ranks have to call this."""
    own = torch.cat([labels, labels.new_tensor([-1])]).max()
    if world_size() > 1:
        dist.all_reduce(own, op=dist.ReduceOp.MAX)
    return int(own)
