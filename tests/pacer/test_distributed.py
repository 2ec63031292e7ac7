"""Two gloo processes with the pacer inside a DDP-wrapped module, against one process."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from selfpaced import Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
N, WORLD = 12, 2


class Trained(nn.Module):
    """A model that computes its own loss: the pacer sits inside what DDP wraps."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Linear(3, 2)
        with torch.no_grad():
            self.model.weight.copy_(torch.arange(6.0).reshape(2, 3) / 10)
            self.model.bias.zero_()
        self.pacer = Pacer(N, age=Quantile(Constant(0.5)))
        self.register_buffer("seen", torch.zeros(1))  # DDP broadcasts buffers

    def forward(self, x: Tensor, y: Tensor, index: Tensor) -> Tensor:
        loss: Tensor = self.pacer(F.cross_entropy(self.model(x), y, reduction="none"), index)
        return loss


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N, 3, generator=generator), torch.arange(N) % 2


def gradient_where_one_rank_keeps_no_sample(rank: int) -> Tensor:
    """Train on one batch whose easy samples all lie on rank 0."""
    trained = Trained()
    trained.pacer = Pacer(N, age=Threshold(Constant(0.7)), difficulty=Loss())
    wrapped = DistributedDataParallel(trained)
    index = easy_and_hard()[rank]
    x, y = data()
    wrapped(x[index], y[index], index).backward()
    gradient = trained.model.weight.grad
    assert gradient is not None
    return gradient


def easy_and_hard() -> tuple[Tensor, Tensor]:
    """Three samples below a loss of 0.7, and three above."""
    x, y = data()
    loss = F.cross_entropy(Trained().model(x), y, reduction="none")
    return (loss < 0.7).nonzero().squeeze(1)[:3], (loss >= 0.7).nonzero().squeeze(1)[:3]


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=WORLD)
    wrapped = DistributedDataParallel(Trained())
    x, y = data()
    saved: dict[str, Any] = {}
    pacer = wrapped.module.pacer
    for _ in range(2):
        for index in torch.arange(N)[rank::WORLD].split(3):
            wrapped(x[index], y[index], index).backward()
        saved["before"] = pacer.ledger.waiting.clone()
        pacer.step()
    index = torch.tensor([5])
    pacer.observe(torch.tensor([7.0 + rank]), index, torch.tensor([[1.0 + rank, 0.0]]), y[index])
    pacer.step()
    assert pacer.ledger.dynamics is not None
    saved |= {"packed": pacer.ledger.packed, "weight": pacer.weight, "age": pacer.current_age}
    saved |= {"history": list(pacer.history), "margin": pacer.ledger.dynamics.margin[5]}
    saved["gradient"] = gradient_where_one_rank_keeps_no_sample(rank)
    torch.save(saved, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


def one_process() -> Pacer:
    trained = Trained()
    x, y = data()
    for _ in range(2):
        for index in torch.arange(N).split(3):
            trained(x[index], y[index], index)
        trained.pacer.step()
    trained.pacer.observe(torch.tensor([7.0]), torch.tensor([5]))
    trained.pacer.step()
    return trained.pacer


@pytest.fixture(scope="module")
def ranks(spawn: Spawn) -> list[dict[str, Any]]:
    return spawn(rank_main, WORLD)


def test_until_the_step_each_rank_has_its_own_rows(ranks: list[dict[str, Any]]) -> None:
    for rank, saved in enumerate(ranks):
        assert saved["before"].nonzero().squeeze(1).tolist() == list(range(rank, N, WORLD))


def test_after_the_step_all_ranks_have_what_one_process_has(ranks: list[dict[str, Any]]) -> None:
    alone = one_process()
    for saved in ranks:
        torch.testing.assert_close(saved["packed"], alone.ledger.packed)
        assert torch.equal(saved["weight"], alone.weight)
        torch.testing.assert_close(saved["age"], alone.current_age)


def test_ranks_agree_bit_for_bit(ranks: list[dict[str, Any]]) -> None:
    first, second = ranks
    assert torch.equal(first["packed"], second["packed"])
    assert first["history"] == second["history"]


def test_of_two_visits_within_a_step_the_lowest_rank_wins(ranks: list[dict[str, Any]]) -> None:
    for saved in ranks:
        assert float(saved["packed"][5, 0]) == 7.0
        assert abs(float(saved["margin"])) == 1.0


def test_a_rank_that_keeps_no_sample_neither_hangs_nor_changes_the_gradient(
    ranks: list[dict[str, Any]],
) -> None:
    (x, y), (easy, hard) = data(), easy_and_hard()
    alone = Trained().model
    total = F.cross_entropy(alone(x[easy]), y[easy], reduction="sum")
    (total / (len(easy) + len(hard))).backward()  # the mean of both ranks' batches
    for saved in ranks:
        torch.testing.assert_close(saved["gradient"], alone.weight.grad)
