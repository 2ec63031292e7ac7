"""Loops of Accelerate with a pacer: one process and two, and resumed runs."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import DataLoaderConfiguration
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant, Recorded

pytestmark = pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata's
Place = tuple[int, int]  # number of finished epochs, and of batches of the current epoch
N = 100
EPOCHS = 4
MIDDLE = (1, 4)
END = (2, 0)


class Training:
    """A user's program, which registers what a checkpoint has."""

    def __init__(self, *, stateful: bool = False, revisit: float = 0.1, batch: int = 8) -> None:
        config = DataLoaderConfiguration(use_stateful_dataloader=stateful, split_batches=batch > 8)
        self.accelerator = Accelerator(cpu=True, dataloader_config=config)
        x, y = data()
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        self.pacer = Pacer(N, age=Quantile(Recorded((1.0, 0.9, 0.7))))
        self.sampler = PacedSampler(self.pacer, revisit=revisit, num_replicas=1, rank=0)
        loader = DataLoader(Indexed(TensorDataset(x, y)), batch, sampler=self.sampler)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        prepared = self.accelerator.prepare(model, optimizer, loader)
        self.model, self.optimizer, self.loader = prepared
        pacer = self.pacer  # all ranks make their state, and the main process writes its own
        saved = SimpleNamespace(
            state_dict=pacer.gathered_state_dict, load_state_dict=pacer.load_state_dict
        )
        self.accelerator.register_for_checkpointing(saved, self)
        self.done = 0  # batches of the current epoch
        self.epochs: list[int] = []
        self.visited: list[list[int]] = []

    def state_dict(self) -> dict[str, int]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.done = state["done"]

    def run(self, *, skip: bool = True, save: Path | None = None, at: Place = MIDDLE) -> None:
        """Train to the end, or to a place, save there and stop."""
        while self.pacer.steps < EPOCHS:
            self.loader.set_epoch(self.pacer.steps)
            batches = self.loader
            if self.done and skip:
                batches = self.accelerator.skip_first_batches(self.loader, self.done)
            self.visited.append([])
            for index, x, y in batches:
                self.train_on(index, x, y)
                self.visited[-1] += index.tolist()
                self.done += 1
                if save and (self.pacer.steps, self.done) == at:
                    self.accelerator.save_state(str(save))
                    return
            self.epochs.append(self.sampler.epoch)
            self.pacer.step()
            self.done = 0
            if save and (self.pacer.steps, 0) == at:
                self.accelerator.save_state(str(save))
                return

    def train_on(self, index: Tensor, x: Tensor, y: Tensor) -> None:
        loss = self.pacer(F.cross_entropy(self.model(x), y, reduction="none"), index)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.optimizer.step()

    def result(self) -> dict[str, Any]:
        return {
            "model": [parameter.detach().clone() for parameter in self.model.parameters()],
            "packed": self.pacer.ledger.packed.clone(),
            "history": list(self.pacer.history),
            "visited": self.visited,
            "epochs": self.epochs,
        }


def data() -> tuple[Tensor, Tensor]:
    """Rows of three features; the first decides the class, and every fifth label is wrong."""
    x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    y[::5] = 1 - y[::5]
    return x, y


def whole() -> dict[str, Any]:
    training = Training()
    training.run()
    return training.result()


def resumed(folder: Path, at: Place, *, stateful: bool = False) -> dict[str, Any]:
    """A run that was stopped at a place, and resumed in new objects."""
    first = Training(stateful=stateful)
    first.run(save=folder, at=at)
    second = Training(stateful=stateful)
    second.accelerator.load_state(str(folder))
    second.run(skip=not stateful)
    return second.result() | {"before": first.visited}


def same_steps() -> dict[str, Any]:
    """A run whose steps have the same 20 samples in one process and in two."""
    training = Training(revisit=1.0, batch=20)
    training.run()
    return training.result()


def padded() -> Tensor:
    """The ledger of an epoch without training, whose last batches are padded with samples."""
    training = Training()
    for index, x, y in training.loader:
        training.pacer(F.cross_entropy(training.model(x), y, reduction="none"), index)
    training.pacer.step()
    return training.pacer.ledger.packed


def accumulated(shares: list[list[int]]) -> Tensor:
    """The gradient of a step of 8 samples in two uneven parts on this rank."""
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    torch.manual_seed(0)
    model = accelerator.prepare(nn.Linear(3, 2))
    pacer = Pacer(N, age=Threshold(Constant(0.7)), difficulty=Loss())
    x, y = data()
    denominator = 8 / (accelerator.num_processes * accelerator.gradient_accumulation_steps)
    for places in shares:
        index = torch.tensor(places)
        with accelerator.accumulate(model):
            loss = F.cross_entropy(model(x[index]), y[index], reduction="none")
            accelerator.backward(pacer(loss, index, denominator=denominator))
    gradient = accelerator.unwrap_model(model).weight.grad
    assert isinstance(gradient, Tensor)
    return gradient.clone()


def rank_main(rank: int, folder: Path) -> dict[str, Any]:
    parts = [[[0, 1, 2], [3]], [[4, 5], [6, 7]]]
    return {
        "whole": whole(),
        "middle": resumed(folder / "middle", MIDDLE),
        "end": resumed(folder / "end", END),
        "stateful": resumed(folder / "stateful", MIDDLE, stateful=True),
        "same": same_steps(),
        "padded": padded(),
        "gradient": accumulated(parts[rank]),
        "file": torch.load(folder / "middle" / "custom_checkpoint_0.pkl"),
    }


@pytest.fixture(scope="module")
def ranks(run_ranks: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_ranks(rank_main)
    return found


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Reset Accelerate's state, which belongs to the process, before and after each test."""
    before = dict(os.environ)
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    yield
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    os.environ.clear()
    os.environ.update(before)


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for mine, theirs in zip(one["model"], other["model"], strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(one["packed"], other["packed"])
    assert one["history"] == other["history"]


def test_two_processes_have_the_ledger_of_one(ranks: list[dict[str, Any]]) -> None:
    own = same_steps()
    for saved in ranks:
        torch.testing.assert_close(saved["same"]["packed"], own["packed"])
        torch.testing.assert_close(saved["same"]["model"], own["model"])
    shares = [set(saved["same"]["visited"][0]) for saved in ranks]
    assert not shares[0] & shares[1] and len(shares[0] | shares[1]) == N


def test_padded_batches_do_not_change_the_ledger(ranks: list[dict[str, Any]]) -> None:
    own = padded()
    for saved in ranks:
        torch.testing.assert_close(saved["padded"], own)
    assert len(ranks[0]["whole"]["visited"][0]) == 56  # 50 samples per rank, in batches of 8


def test_epochs_are_counted_by_the_loader(ranks: list[dict[str, Any]]) -> None:
    for saved in (*ranks, {"whole": whole()}):
        assert saved["whole"]["epochs"] == [0, 1, 2, 3]
    training = Training()
    seen = []
    for _ in range(3):  # without set_epoch
        seen.append([index.tolist() for index, *_ in training.loader])
        training.pacer.observe(torch.ones(N), torch.arange(N))
        training.pacer.step()
    assert training.sampler.epoch == 2 and seen[0] != seen[1] != seen[2]


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("at", [MIDDLE, END], ids=["middle", "end"])
def test_a_stopped_run_resumes_exactly(tmp_path: Path, at: Place, stateful: bool) -> None:
    assert_same(resumed(tmp_path, at, stateful=stateful), whole())


@pytest.mark.parametrize("kind", ["middle", "end", "stateful"])
def test_two_processes_resume_exactly(ranks: list[dict[str, Any]], kind: str) -> None:
    for saved in ranks:
        assert_same(saved[kind], saved["whole"])
    assert ranks[0][kind]["history"] == ranks[1][kind]["history"]


def test_the_checkpoint_has_the_losses_of_all_processes(ranks: list[dict[str, Any]]) -> None:
    packed = ranks[0]["file"]["_extra_state"][0]["ledger"]["packed"]
    waiting = set((packed[:, 1].frac() > 0).nonzero().squeeze(1).tolist())
    seen = [set(saved["middle"]["before"][-1]) for saved in ranks]
    assert waiting == seen[0] | seen[1] and waiting != seen[0]


def test_with_a_stateful_loader_no_batch_must_be_skipped(tmp_path: Path) -> None:
    right = resumed(tmp_path, MIDDLE, stateful=True)
    second = Training(stateful=True)
    second.accelerator.load_state(str(tmp_path))
    second.run(skip=True)  # skips twice, which cuts the next epoch short
    assert right["visited"][1:] == whole()["visited"][2:]
    assert len(second.visited[1]) < len(right["visited"][1])


def test_uneven_parts_of_a_step_have_the_gradient_of_the_step(ranks: list[dict[str, Any]]) -> None:
    x, y = data()
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    loss = F.cross_entropy(model(x[:8]), y[:8], reduction="none")
    pacer = Pacer(N, age=Threshold(Constant(0.7)), difficulty=Loss())
    pacer(loss, torch.arange(8)).backward()
    assert 0 < (loss < 0.7).sum() < 8
    torch.testing.assert_close(accumulated([[0, 1, 2, 3, 4, 5], [6, 7]]), model.weight.grad)
    for saved in ranks:
        torch.testing.assert_close(saved["gradient"], model.weight.grad)


def test_mixed_precision_keeps_the_ledger_exact() -> None:
    accelerator = Accelerator(cpu=True, mixed_precision="bf16")
    torch.manual_seed(0)
    model = accelerator.prepare(nn.Linear(3, 2))
    pacer = Pacer(N)
    x, y = data()
    exact = F.cross_entropy(F.linear(x, model.weight, model.bias), y, reduction="none")
    loss = F.cross_entropy(model(x), y, reduction="none")
    assert not torch.equal(loss, exact)
    torch.testing.assert_close(loss, exact, rtol=0.02, atol=0.02)
    accelerator.backward(pacer(loss, torch.arange(N)))
    assert pacer.ledger.packed.dtype == pacer.weight.dtype == torch.float32
    torch.testing.assert_close(pacer.ledger.loss, loss.detach().float(), rtol=0, atol=0)


def test_in_two_processes_a_few_lines_make_the_example_better(
    run_example: Callable[..., str], added_lines: Callable[[str, str], list[str]]
) -> None:
    names = ("accelerate_plain.py", "accelerate_paced.py")
    assert len([line for line in added_lines(*names) if line]) <= 8
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    printed = run_example(names[0]), run_example(names[1], *launch)
    shares = [list(map(float, re.findall(r"([0-9.]+)%", text))) for text in printed]
    (plain,), (accuracy, mislabeled) = shares
    assert accuracy > plain + 5 and mislabeled >= 95
