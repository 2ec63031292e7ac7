"""Claims about ranks that do not have parts of one dataset: they raise on all ranks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from selfpaced import Pacer

RunRanks = Callable[[Callable[[int, Path], dict[str, Any]]], list[dict[str, Any]]]
N = 240


def error_of(pacer: Pacer, index: torch.Tensor, loss: torch.Tensor | None = None) -> str:
    pacer(torch.rand(len(index)) + 0.1 if loss is None else loss, index)
    try:
        pacer.step()
    except ValueError as error:
        return str(error)
    return ""


def errors(rank: int, folder: Path) -> dict[str, Any]:
    """Step with indices of shards, with parts, and with columns of shards."""
    dist.init_process_group("gloo")
    half = torch.arange(N // 2)
    torch.manual_seed(rank)
    few = torch.arange(10)  # may be a test, or a dataset of a few samples
    order = torch.randperm(N, generator=torch.Generator().manual_seed(rank))
    labels = {"group": (torch.arange(N) + rank) % 2}
    return {
        "shards": error_of(Pacer(N // 2), half),
        "parts": error_of(Pacer(N), 2 * half + rank),
        "whole": error_of(Pacer(N), order),
        "drawn": error_of(Pacer(N), torch.randint(N, (N // 2,), generator=torch.manual_seed(rank))),
        "scored": error_of(Pacer(N), torch.arange(N), torch.arange(N) / N),
        "few": error_of(Pacer(N), few),
        "labels": error_of(Pacer(N, columns=labels), 2 * half + rank),
    }


def test_ranks_with_the_indices_of_shards_raise_on_all_ranks(run_ranks: RunRanks) -> None:
    for told in run_ranks(errors):
        assert "All 2 ranks have seen the same 120 indices, or nearly" in told["shards"]
        assert 'dataset.add_column("index", range(len(dataset)))' in told["shards"]
        assert "give each its part with a DistributedSampler" in told["whole"]
        assert "The ranks disagree on the values of 'group'" in told["labels"]
        assert told["parts"] == told["drawn"] == told["few"] == told["scored"] == ""
