"""Two gloo processes under Lightning: one order, one memory, and a run that goes on to the bit."""

import os
import warnings
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchdata.stateful_dataloader import StatefulDataLoader

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.lightning import PaceCallback
from selfpaced.pacing import Recorded

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
N, WORLD, SIZE, EPOCHS = 48, 2, 8, 3  # a batch of all ranks together has SIZE
STEPS = N // SIZE
STOPS = {"beside, plain": 3, "inside, stateful": STEPS + 2, "inside, plain": STEPS}


class Net(LightningModule):
    def __init__(self, pacer: Pacer, *, inside: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 2)
        self.beside = [pacer]
        if inside:
            self.pacer = pacer
        self.seen: list[list[int]] = []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        index, x, y = batch
        self.seen.append(index.tolist())
        loss: Tensor = self.beside[0](F.cross_entropy(self.layer(x), y, reduction="none"), index)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.layer.parameters(), lr=0.5)


class Training:
    def __init__(self, kind: str, folder: Path, world: int, **settings: Any) -> None:
        x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
        y = (x[:, 0] > 0).long()
        y[::5] = 1 - y[::5]
        self.pacer = Pacer(N, age=Quantile(Recorded((1.0, 0.8, 0.5))))
        self.sampler = PacedSampler(self.pacer, length=settings.pop("length", "dataset"))
        self.net = Net(self.pacer, inside="inside" in kind)
        loader = StatefulDataLoader if "stateful" in kind else DataLoader
        dataset = Indexed(TensorDataset(x, y))
        self.loader = loader(dataset, batch_size=SIZE // world, sampler=self.sampler)
        known = settings.pop("known", True)
        callback = PaceCallback(self.pacer, self.sampler if known else None)
        callbacks = [callback, *settings.pop("callbacks", [])]
        silent: dict[str, Any] = {
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "logger": False,
        }
        ours: dict[str, Any] = {"accelerator": "cpu", "devices": world, "max_epochs": EPOCHS}
        many = {"strategy": "ddp", "use_distributed_sampler": False} if world > 1 else {}
        ours |= {"default_root_dir": folder, "callbacks": callbacks, **many}
        keeps = any(isinstance(callback, ModelCheckpoint) for callback in callbacks)
        self.trainer = Trainer(**(silent | ours | {"enable_checkpointing": keeps} | settings))

    def result(self) -> dict[str, Any]:
        return {
            "layer": [parameter.detach().clone() for parameter in self.net.layer.parameters()],
            "packed": self.pacer.ledger.packed.nan_to_num(-1),
            "history": list(self.pacer.history),
            "seen": self.net.seen,
        }


def whole(kind: str, folder: Path) -> dict[str, Any]:
    """Train with a checkpoint of each step."""
    every = ModelCheckpoint(folder / kind, save_top_k=-1, every_n_train_steps=1, filename="{step}")
    training = Training(kind, folder, WORLD, callbacks=[every])
    training.trainer.fit(training.net, training.loader)
    return training.result()


def again(kind: str, folder: Path) -> dict[str, Any]:
    """Go on from the middle."""
    training = Training(kind, folder, WORLD)
    ckpt = folder / kind / f"step={STOPS[kind]}.ckpt"
    training.trainer.fit(training.net, training.loader, ckpt_path=ckpt)
    return training.result()


def logged(folder: Path) -> dict[str, Any]:
    """What each rank knows to stop by; rank 0 writes."""
    stop = EarlyStopping("spl/frac_selected", mode="min", patience=9, stopping_threshold=0.6)
    training = Training(
        "beside, plain", folder, WORLD, callbacks=[stop], logger=CSVLogger(folder, "", "")
    )
    training.trainer.fit(training.net, training.loader)
    return {"steps": training.pacer.steps, "metrics": (folder / "metrics.csv").exists()}


def wrapped(folder: Path, *, known: bool) -> str:
    """Lightning shards what shards itself."""
    wraps = {"use_distributed_sampler": True}
    training = Training("beside, plain", folder, WORLD, known=known, **wraps)
    try:
        training.trainer.fit(training.net, training.loader)
    except ValueError as error:
        return str(error)
    return "nothing was raised"


def half(folder: Path, world: int) -> dict[str, Any]:
    """An epoch visits no sample twice: of two visits each world remembers another one."""
    training = Training("beside, plain", folder, world, length=N // 2, max_epochs=6)
    training.trainer.fit(training.net, training.loader)
    return training.result()


def without_sampler(folder: Path) -> dict[str, Any]:
    """Lightning's own DistributedSampler."""
    wraps = {"use_distributed_sampler": True}
    training = Training("beside, plain", folder, WORLD, known=False, **wraps)
    loader = DataLoader(training.loader.dataset, batch_size=SIZE // WORLD, shuffle=True)
    training.trainer.fit(training.net, loader)
    return training.result()


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), LOCAL_RANK=str(rank))
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # Lightning's advice
    here = Path(folder)
    saved: dict[str, Any] = {"half": half(here, WORLD)}
    for kind in STOPS:
        saved[kind] = {"whole": whole(kind, here), "again": again(kind, here)}
    saved["logged"] = logged(here)
    saved["wrapped"] = {str(known): wrapped(here, known=known) for known in (True, False)}
    saved["without"] = without_sampler(here)
    torch.save(saved, here / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(spawn: Spawn) -> list[dict[str, Any]]:
    return spawn(rank_main, WORLD)


@pytest.mark.filterwarnings("ignore:The '.*' does not have many workers")  # Lightning's advice
@pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")  # Lightning's
def test_two_processes_remember_what_one_does(ranks: list[dict[str, Any]], tmp_path: Path) -> None:
    one = half(tmp_path, 1)
    for rank in ranks:
        torch.testing.assert_close(rank["half"]["packed"], one["packed"])
        torch.testing.assert_close(rank["half"]["layer"], one["layer"])
        shares = [[row["kept_share"] for row in run["history"]] for run in (rank["half"], one)]
        assert shares[0] == shares[1] and shares[0][-1] == 0.5
    both = zip(*(rank["half"]["seen"] for rank in ranks), strict=True)
    assert [sorted(a + b) for a, b in both] == [sorted(batch) for batch in one["seen"]]


@pytest.mark.parametrize("kind", STOPS)
@pytest.mark.parametrize("rank", range(WORLD))
def test_two_processes_go_on_to_the_bit(ranks: list[dict[str, Any]], kind: str, rank: int) -> None:
    first, second = ranks[rank][kind]["whole"], ranks[rank][kind]["again"]
    assert second["seen"] == first["seen"][STOPS[kind] :]
    assert second["history"] == first["history"]
    assert torch.equal(second["packed"], first["packed"])
    assert all(map(torch.equal, second["layer"], first["layer"]))


@pytest.mark.parametrize("kind", STOPS)
def test_after_the_training_the_ranks_agree_to_the_bit(
    ranks: list[dict[str, Any]], kind: str
) -> None:
    first, second = (rank[kind]["whole"] for rank in ranks)
    assert torch.equal(first["packed"], second["packed"])
    assert first["history"] == second["history"]


def test_a_number_stops_all_ranks_and_is_written(ranks: list[dict[str, Any]]) -> None:
    assert [rank["logged"]["steps"] for rank in ranks] == [2, 2]
    assert ranks[0]["logged"]["metrics"]


@pytest.mark.parametrize("known", ["True", "False"])
def test_a_sampler_that_lightning_wrapped_is_told(ranks: list[dict[str, Any]], known: str) -> None:
    for rank in ranks:
        assert r"Set Trainer(use_distributed_sampler=False)." in rank["wrapped"][known]


def test_lightnings_own_sampler_shares_the_data_out(ranks: list[dict[str, Any]]) -> None:
    first, second = (rank["without"] for rank in ranks)
    assert torch.equal(first["packed"], second["packed"])
    assert first["history"][-1]["seen"] == N
    epoch = chain.from_iterable(first["seen"][:STEPS] + second["seen"][:STEPS])
    assert sorted(epoch) == list(range(N))
