"""Two gloo processes: one order for both, and a run that resumes bit for bit."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.pacing import Recorded

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
N, WORLD, BATCHES, FEW = 120, 2, 30, 11
STOPS = (3, 8, 15, 22)  # an epoch has 8 batches at first


class Training:
    """The program of a user who wraps the model and keeps the pacer beside it."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(N, 3, generator=generator)
        self.y = (self.x[:, 0] > 0).long()
        self.y[::5] = 1 - self.y[::5]
        torch.manual_seed(0)
        self.model = nn.Linear(3, 2)
        self.wrapped = DistributedDataParallel(self.model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.05)
        self.pacer = Pacer(N, age=Quantile(Recorded((1.0, 0.9, 0.7))))
        self.sampler = PacedSampler(self.pacer, thin=0.3)
        self.parts: tuple[Any, ...] = (self.model, self.optimizer, self.pacer, self.sampler)
        self.seen: list[int] = []

    def run(self, batches: int, workers: int) -> None:
        data = Indexed(TensorDataset(self.x, self.y))
        loader = DataLoader(data, batch_size=8, sampler=self.sampler, num_workers=workers)
        self.done = self.sampler.state_dict()["position"]
        while True:
            for index, x, y in loader:
                loss = self.pacer(F.cross_entropy(self.wrapped(x), y, reduction="none"), index)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.seen += index.tolist()
                batches, self.done = batches - 1, self.done + len(index)
                if batches == 0:
                    return
            self.pacer.step()
            self.done = 0

    def result(self) -> dict[str, Any]:
        return {
            "model": [parameter.detach().clone() for parameter in self.model.parameters()],
            "ledger": self.pacer.ledger.packed.clone(),
            "history": list(self.pacer.history),
            "seen": self.seen,
        }


def stopped(stop: int, end: int, workers: int) -> Training:
    first = Training()
    first.run(stop, workers)
    states = [part.state_dict() for part in first.parts[:2]]
    states.append(first.pacer.gathered_state_dict())
    states.append(first.sampler.state_dict(position=first.done))
    second = Training()
    for part, state in zip(second.parts, states, strict=True):
        part.load_state_dict(state)
    second.seen = first.seen
    second.run(end - stop, workers)
    return second


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    limit = timedelta(seconds=60)
    dist.init_process_group("gloo", rank=rank, world_size=WORLD, timeout=limit)
    whole = Training()
    whole.run(BATCHES, workers=0)
    saved = {f"{BATCHES}": whole.result()}
    for stop in STOPS:
        saved[f"{stop} of {BATCHES}"] = stopped(stop, BATCHES, workers=0).result()
    few = Training()  # workers are slow to start, once in each epoch
    few.run(FEW, workers=0)
    saved[f"{FEW}"] = few.result()
    saved[f"{STOPS[0]} of {FEW}"] = stopped(STOPS[0], FEW, workers=1).result()
    torch.save(saved, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(spawn: Spawn) -> list[dict[str, Any]]:
    return spawn(rank_main, WORLD)


@pytest.mark.parametrize(("stop", "end"), [*((stop, BATCHES) for stop in STOPS), (STOPS[0], FEW)])
@pytest.mark.parametrize("rank", range(WORLD))
def test_a_run_of_two_ranks_resumes_bit_for_bit(
    ranks: list[dict[str, Any]], rank: int, stop: int, end: int
) -> None:
    whole, again = ranks[rank][f"{end}"], ranks[rank][f"{stop} of {end}"]
    assert again["seen"] == whole["seen"]
    for ours, theirs in zip(again["model"], whole["model"], strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(again["ledger"].nan_to_num(-1), whole["ledger"].nan_to_num(-1))
    assert again["history"] == whole["history"]


def test_the_ranks_share_each_epoch(ranks: list[dict[str, Any]]) -> None:
    first, second = (set(rank[f"{BATCHES}"]["seen"][:60]) for rank in ranks)
    assert not first & second and len(first | second) == N
    assert ranks[0][f"{BATCHES}"]["history"] == ranks[1][f"{BATCHES}"]["history"]
