"""Lightning trains what a plain loop trains, to the bit: resumed, with workers, on two ranks."""

import csv
import re
import warnings
from collections.abc import Callable
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytorch_lightning
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities import CombinedLoader
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, TensorDataset
from torchdata.stateful_dataloader import StatefulDataLoader

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.lightning import PaceCallback
from selfpaced.pacing import Constant, Recorded
from selfpaced.tracking import scalars

IGNORED = [
    # Advice of Lightning.
    "ignore:The '.*' does not have many workers",
    "ignore:.*is smaller than the logging interval",
    "ignore:You defined a `validation_step` but have no",
    # Advice of Lightning on checkpoints.
    "ignore:Be aware that when using `ckpt_path`",
    "ignore:You're resuming from a checkpoint that ended before",
    "ignore:Checkpoint directory .* exists and is not empty",
    # Deprecated names that Lightning and torchdata use.
    "ignore:.*LeafSpec.* is deprecated:FutureWarning",
    "ignore:'set_vital' is deprecated",
]
pytestmark = [pytest.mark.filterwarnings(warning) for warning in IGNORED]
N = 60
SIZE = 8  # samples in a batch, of all ranks together
EPOCHS = 3
STEPS = -(-N // SIZE)  # batches in an epoch
WORLD = 2  # ranks
Batch = list[Tensor]


def data() -> tuple[Tensor, Tensor]:
    """Rows of three features; the first decides the class, and every fifth label is wrong."""
    x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    y[::5] = 1 - y[::5]
    return x, y


class Net(LightningModule):
    """A user's module, with the pacer as a submodule or outside of it."""

    def __init__(self, pacer: Pacer, *, inside: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layer = nn.Linear(3, 2)
        self.beside = [pacer]  # a list keeps it from being a submodule
        if inside:
            self.pacer = pacer
        self.seen: list[list[int]] = []

    def loss(self, batch: Batch) -> Tensor:
        index, x, y = batch
        result: Tensor = self.beside[0](F.cross_entropy(self.layer(x), y, reduction="none"), index)
        return result

    def training_step(self, batch: Batch, _: int) -> Tensor:
        self.seen.append(batch[0].tolist())
        return self.loss(batch)

    def validation_step(self, batch: Batch, _: int) -> None:
        self.log("val_loss", self.loss(batch))

    test_step = validation_step

    def predict_step(self, batch: Batch, _: int) -> Tensor:
        return self.loss(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.layer.parameters(), lr=0.05)


class Training:
    """All objects of a run."""

    def __init__(
        self,
        loader: type[DataLoader[Any]] = DataLoader,
        *,
        inside: bool = False,
        length: Any = "dataset",
        kept: tuple[float, ...] = (1.0, 0.8, 0.5),
        world: int = 1,
        **settings: Any,
    ) -> None:
        self.pacer = Pacer(N, age=Quantile(Recorded(kept)))
        self.sampler = PacedSampler(self.pacer, length=length)
        self.dataset = Indexed(TensorDataset(*data()))
        size = SIZE // world
        self.loader = loader(self.dataset, batch_size=size, sampler=self.sampler, **settings)
        self.net = Net(self.pacer, inside=inside)
        self.callback = PaceCallback(self.pacer, self.sampler)
        self.ranks: dict[str, Any] = {}
        if world > 1:
            self.ranks = {"devices": world, "strategy": "ddp", "use_distributed_sampler": False}

    def fit(self, folder: Path, *more: Callback, ckpt: Path | None = None, **settings: Any) -> Any:
        settings = self.ranks | settings
        trainer = quiet(folder, callbacks=[self.callback, *more], **settings)
        val = DataLoader(self.dataset, batch_size=30) if settings.get("limit_val_batches") else None
        trainer.fit(self.net, self.loader, val, ckpt_path=ckpt)
        return trainer

    def loop(self, epochs: int = EPOCHS) -> None:
        """Train in a plain loop, without Lightning."""
        optimizer = self.net.configure_optimizers()
        for _ in range(epochs):
            for batch in self.loader:
                optimizer.zero_grad()
                self.net.training_step(batch, 0).backward()
                optimizer.step()
            self.pacer.step()


def quiet(folder: Path, **settings: Any) -> Trainer:
    silent: dict[str, Any] = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
    }
    ours = {"accelerator": "cpu", "devices": 1, "max_epochs": EPOCHS, "default_root_dir": folder}
    checkpoints = any(isinstance(c, ModelCheckpoint) for c in settings.get("callbacks", []))
    return Trainer(**(silent | ours | {"enable_checkpointing": checkpoints} | settings))


def same(one: Training, other: Training) -> None:
    """Assert that weights, memory and history are equal to the bit."""
    for ours, theirs in zip(one.net.layer.parameters(), other.net.layer.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    packed = [training.pacer.ledger.packed.nan_to_num(-1) for training in (one, other)]
    assert torch.equal(*packed)
    assert torch.equal(one.pacer.weight, other.pacer.weight)
    assert one.pacer.history == other.pacer.history


@pytest.fixture(scope="module")
def loop() -> Training:
    training = Training()
    training.loop()
    return training


# --- training ------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("workers", [0, 2])
def test_it_trains_what_a_plain_loop_trains(
    tmp_path: Path, loop: Training, workers: int, inside: bool
) -> None:
    training = Training(num_workers=workers, inside=inside)
    training.fit(tmp_path)
    assert training.net.seen == loop.net.seen  # with workers, too
    same(training, loop)


def test_workers_that_persist_draw_each_order_after_the_step(
    tmp_path: Path, loop: Training
) -> None:
    training = Training(num_workers=1, persistent_workers=True)
    training.fit(tmp_path)
    same(training, loop)


def test_with_all_weights_one_it_trains_as_lightning_without_it(tmp_path: Path) -> None:
    class Plain(Net):
        def loss(self, batch: Batch) -> Tensor:
            return F.cross_entropy(self.layer(batch[1]), batch[2])

    weights = []
    for age in (Quantile(Constant(1.0)), None, "without"):
        pacer = Pacer(N, age=None if isinstance(age, str) else age)
        net = (Plain if isinstance(age, str) else Net)(pacer)
        callbacks = [] if isinstance(age, str) else [PaceCallback(pacer)]
        generator = torch.Generator().manual_seed(1)
        dataset = Indexed(TensorDataset(*data()))
        loader = DataLoader(dataset, batch_size=SIZE, shuffle=True, generator=generator)
        quiet(tmp_path, callbacks=callbacks).fit(net, loader)
        assert pacer.steps == (0 if isinstance(age, str) else EPOCHS)
        weights.append(net.layer.weight)
    for ours in weights[:2]:
        torch.testing.assert_close(ours, weights[2])


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path: Path) -> None:
    small, large = (Training(kept=(0.8,)) for _ in range(2))
    small.loader = DataLoader(small.dataset, batch_size=10, sampler=small.sampler)
    large.loader = DataLoader(large.dataset, batch_size=20, sampler=large.sampler)
    small.fit(tmp_path, accumulate_grad_batches=2)
    large.fit(tmp_path)
    assert small.pacer.steps == large.pacer.steps == EPOCHS
    torch.testing.assert_close(small.net.layer.weight, large.net.layer.weight)
    torch.testing.assert_close(small.pacer.ledger.packed, large.pacer.ledger.packed)


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_in_bf16_the_memory_stays_float32(tmp_path: Path, precision: str, inside: bool) -> None:
    training = Training(inside=inside)
    training.fit(tmp_path, precision=precision)
    assert training.pacer.steps == EPOCHS
    assert training.pacer.ledger.packed.dtype == training.pacer.weight.dtype == torch.float32
    assert training.pacer.current_age.dtype == torch.float32
    assert 0.4 < float((training.pacer.weight > 0).float().mean()) < 0.6


def test_a_compiled_module_trains(tmp_path: Path) -> None:
    training = Training(inside=True)
    compiled: Any = torch.compile(training.net, backend="eager")
    quiet(tmp_path, callbacks=[training.callback], max_epochs=1).fit(compiled, training.loader)
    assert training.pacer.steps == 1 and not training.pacer.ledger.loss.isnan().any()


def test_a_run_of_one_batch_steps_once(tmp_path: Path) -> None:
    training = Training()
    training.fit(tmp_path, fast_dev_run=True)
    assert training.pacer.steps == 1 and training.pacer.history[0]["seen"] == SIZE


def test_an_epoch_may_be_a_part_of_the_loader(tmp_path: Path) -> None:
    training = Training()
    training.fit(tmp_path, limit_train_batches=3)
    assert [len(batch) for batch in training.net.seen] == [SIZE] * 3 * EPOCHS
    assert training.pacer.steps == EPOCHS


def test_max_steps_within_an_epoch_ends_the_epoch(tmp_path: Path) -> None:
    training = Training()
    training.fit(tmp_path, max_epochs=-1, max_steps=STEPS + 3)
    assert training.pacer.steps == 2
    assert len(training.pacer.suspects(N)) == N


def test_a_module_may_end_an_epoch(tmp_path: Path) -> None:
    class Impatient(Net):
        def on_train_batch_start(self, batch: Batch, batch_idx: int) -> int | None:
            return -1 if batch_idx == 2 else None

    training = Training()
    training.net = Impatient(training.pacer)
    training.fit(tmp_path)
    assert len(training.net.seen) == 2 * EPOCHS
    assert training.pacer.steps == EPOCHS


def test_an_epoch_without_an_observed_loss_raises(tmp_path: Path) -> None:
    training = Training()
    training.net.beside = [Pacer(N)]  # the callback has another pacer
    with pytest.raises(ValueError, match="Pacer.step: nothing was observed since the last step."):
        training.fit(tmp_path)


# --- evaluation --------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_validation_and_test_do_not_change_the_memory(
    tmp_path: Path, loop: Training, inside: bool
) -> None:
    training = Training(inside=inside)
    keep = ModelCheckpoint(tmp_path, save_top_k=-1, filename="{epoch}")
    trainer = training.fit(tmp_path, keep, limit_val_batches=2, val_check_interval=3)
    same(training, loop)  # despite a sanity check and validations within each epoch
    val = DataLoader(training.dataset, batch_size=30)
    trainer.validate(training.net, val, verbose=False)
    trainer.test(training.net, val, verbose=False)
    trainer.predict(training.net, val)
    same(training, loop)
    assert training.pacer.training


def test_a_pacer_outside_the_module_follows_its_mode_and_device(
    tmp_path: Path, loop: Training
) -> None:
    training = Training()
    training.pacer.eval()
    training.fit(tmp_path)
    same(training, loop)
    training.callback.setup(quiet(tmp_path), training.net.to("meta"), "fit")
    assert training.pacer.weight.device.type == training.pacer.ledger.device.type == "meta"


def test_a_test_of_an_earlier_checkpoint_does_not_change_a_pacer_outside_the_module(
    tmp_path: Path,
) -> None:
    training = Training()
    keep = ModelCheckpoint(tmp_path, save_top_k=-1, filename="{epoch}")
    trainer = training.fit(tmp_path, keep)
    val = DataLoader(training.dataset, batch_size=30)
    trainer.test(training.net, val, ckpt_path=str(tmp_path / "epoch=0.ckpt"), verbose=False)
    assert training.pacer.steps == EPOCHS


def test_the_validation_loss_is_a_plain_mean(tmp_path: Path) -> None:
    training = Training(kept=(0.1,))
    trainer = training.fit(tmp_path, limit_val_batches=2, num_sanity_val_steps=0)
    x, y = data()
    expected = F.cross_entropy(training.net.layer(x), y).detach()
    assert float(trainer.callback_metrics["val_loss"]) == pytest.approx(float(expected))


# --- numbers -----------------------------------------------------------------------------------


def test_the_numbers_of_each_step_are_logged_once(tmp_path: Path) -> None:
    training = Training()
    training.fit(tmp_path, logger=CSVLogger(tmp_path, "", ""), log_every_n_steps=1)
    with (tmp_path / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["spl/frac_selected"]]
    shares = [float(row["spl/frac_selected"]) for row in rows]
    assert shares == pytest.approx([row["kept_share"] for row in training.pacer.history])
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    assert {name for name in rows[-1] if rows[-1][name]} >= set(scalars(training.pacer))


def test_the_numbers_of_classes_are_logged_too(tmp_path: Path) -> None:
    training = Training()
    training.net.beside[0] = training.pacer = Pacer(
        N, age=Quantile(Constant(0.8)), columns={"group": data()[1]}
    )
    training.callback = PaceCallback(training.pacer)
    training.loader = DataLoader(training.dataset, batch_size=SIZE)
    training.fit(tmp_path, logger=CSVLogger(tmp_path, "", ""), log_every_n_steps=1)
    with (tmp_path / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["spl/class_0/frac_selected"]]
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    last = scalars(training.pacer)
    for name in ("spl/class_0/frac_selected", "spl/class_1/frac_selected"):
        assert float(rows[-1][name]) == pytest.approx(last[name])


def test_tensorboard_has_the_numbers_too(tmp_path: Path) -> None:
    board = import_module("tensorboard.backend.event_processing.event_accumulator")  # has no types
    training = Training()
    training.fit(tmp_path, logger=TensorBoardLogger(tmp_path, "", ""))
    events = board.EventAccumulator(str(tmp_path)).Reload()
    shares = [event.value for event in events.Scalars("spl/frac_selected")]
    assert shares == pytest.approx([row["kept_share"] for row in training.pacer.history])


def test_a_training_cut_short_logs_its_last_step(tmp_path: Path) -> None:
    training = Training()
    training.fit(tmp_path, logger=CSVLogger(tmp_path, "", ""), max_epochs=-1, max_steps=3)
    with (tmp_path / "metrics.csv").open() as file:
        [row] = csv.DictReader(file)
    share = training.pacer.history[0]["kept_share"]
    assert float(row["spl/frac_selected"]) == pytest.approx(share)


def test_a_number_can_stop_the_training(tmp_path: Path) -> None:
    training = Training()
    stop = EarlyStopping("spl/frac_selected", patience=100, stopping_threshold=0.6, mode="min")
    stop._check_on_train_epoch_end = True
    training.fit(tmp_path, stop, max_epochs=10)
    assert training.pacer.steps == 2


# --- resumed runs ------------------------------------------------------------------------------


class Kind(NamedTuple):
    loader: type[DataLoader[Any]]
    workers: int
    inside: bool


KINDS = {
    "stateful, no workers": Kind(StatefulDataLoader, 0, True),
    "stateful, two workers": Kind(StatefulDataLoader, 2, False),
    "plain, no workers": Kind(DataLoader, 0, False),
    "plain, two workers": Kind(DataLoader, 2, True),
}
STOPS = (3, STEPS, STEPS + 5, 2 * STEPS)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each kind of loader, with a checkpoint of each step."""
    folders = {}
    for name, kind in KINDS.items():
        folders[name] = tmp_path_factory.mktemp("stopped")
        training = Training(kind.loader, num_workers=kind.workers, inside=kind.inside)
        every = ModelCheckpoint(
            folders[name], save_top_k=-1, every_n_train_steps=1, filename="{step}"
        )
        training.fit(folders[name], every)
    return folders


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("name", KINDS)
def test_a_run_resumes_from_any_batch_to_the_bit(
    tmp_path: Path, stopped: dict[str, Path], loop: Training, name: str, stop: int
) -> None:
    kind = KINDS[name]
    training = Training(kind.loader, num_workers=kind.workers, inside=kind.inside)
    training.fit(tmp_path, ckpt=stopped[name] / f"step={stop}.ckpt")
    assert training.net.seen == loop.net.seen[stop:]
    same(training, loop)


@pytest.mark.parametrize("at_end", [True, False], ids=["epoch end", "validation end"])
@pytest.mark.parametrize("loader", [DataLoader, StatefulDataLoader])
def test_a_run_resumes_from_the_end_of_an_epoch_to_the_bit(
    tmp_path: Path, loop: Training, at_end: bool, loader: type[DataLoader[Any]]
) -> None:
    keep = ModelCheckpoint(
        tmp_path, save_top_k=-1, filename="{epoch}", save_on_train_epoch_end=at_end
    )
    Training(loader, num_workers=1).fit(tmp_path, keep, limit_val_batches=1)
    training = Training(loader, num_workers=1)
    training.fit(tmp_path, ckpt=tmp_path / "epoch=1.ckpt", limit_val_batches=1)
    assert training.net.seen == loop.net.seen[2 * STEPS :]
    same(training, loop)


def test_a_run_that_max_steps_ended_resumes_with_more_steps(tmp_path: Path, loop: Training) -> None:
    for steps, ckpt in ((STEPS + 3, None), (3 * STEPS, tmp_path / "last.ckpt")):
        training = Training()
        last = ModelCheckpoint(tmp_path, filename="last", every_n_train_steps=STEPS + 3)
        training.fit(tmp_path, last, ckpt=ckpt, max_steps=steps)
    assert training.net.seen == loop.net.seen[STEPS + 3 :]
    same(training, loop)


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_a_checkpoint_holds_the_pacer_in_the_callback(tmp_path: Path, inside: bool) -> None:
    training = Training(inside=inside)
    training.fit(tmp_path, ModelCheckpoint(tmp_path, filename="last"), max_epochs=1)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in saved["state_dict"].values())
    net = Net.load_from_checkpoint(tmp_path / "last.ckpt", pacer=Pacer(N), inside=inside)
    pacer = net.beside[0]
    if inside:
        with pytest.raises(ValueError, match="Save the Pacer's own state_dict"):
            pacer.suspects(9)
    pacer.load_state_dict(saved["callbacks"]["PaceCallback"]["pacer"])
    assert torch.equal(pacer.suspects(9), training.pacer.suspects(9))


def test_a_checkpoint_with_the_pacer_in_the_weights_is_still_loaded() -> None:
    training, other = Training(inside=True), Training(inside=True)
    training.pacer.observe(torch.rand(N), torch.arange(N))
    training.pacer.step()
    callback = training.callback.state_dict()
    (state,) = callback.pop("pacer")["_extra_state"]
    other.net.load_state_dict({**training.net.state_dict(), "pacer._extra_state": state})
    other.callback.load_state_dict(callback)
    assert torch.equal(other.pacer.suspects(9), training.pacer.suspects(9))


@pytest.mark.filterwarnings("ignore:.*shuffl")
def test_without_a_paced_sampler_lightning_warns_of_resuming_within_an_epoch(
    tmp_path: Path,
) -> None:
    def fit(ckpt: Path | None = None) -> None:
        pacer = Pacer(N)
        every = ModelCheckpoint(tmp_path, save_top_k=-1, every_n_train_steps=3, filename="{step}")
        loader = DataLoader(Indexed(TensorDataset(*data())), batch_size=SIZE, shuffle=True)
        trainer = quiet(tmp_path, callbacks=[PaceCallback(pacer), every])
        trainer.fit(Net(pacer), loader, ckpt_path=ckpt)

    fit()
    with pytest.warns(UserWarning, match="your dataloader is not resumable"):
        fit(tmp_path / "step=3.ckpt")


def test_a_state_from_within_an_epoch_needs_its_sampler() -> None:
    training = Training()
    training.pacer(torch.ones(SIZE), torch.arange(SIZE))
    state = training.callback.state_dict() | {"batches": 1}
    other = PaceCallback(Pacer(N))
    message = "from the middle of an epoch, saved with a sampler; now there is none."
    with pytest.raises(ValueError, match=message):
        other.load_state_dict(state)
    assert other.pacer.ledger.loss.isnan().all()
    with pytest.raises(ValueError, match="PaceCallback: the state is cut short"):
        other.load_state_dict({"batches": 1})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"sampler": 3}, "PacedSampler: the state must be a dict; got 3"),
        ({"batches": -1}, "PaceCallback: 'batches' of the state must be an int from 0 to"),
        ({"samples": None}, "PaceCallback: 'samples' of the state must be an int from 0 to"),
        ({"version": 2}, "PaceCallback: the state is of version 2, newer than 1"),
    ],
)
def test_a_damaged_part_of_a_state_changes_no_other_part(damage: Any, said: str) -> None:
    training, other = Training(), Training()
    training.pacer(torch.ones(SIZE), torch.arange(SIZE))
    with pytest.raises(ValueError, match=said):
        other.callback.load_state_dict(training.callback.state_dict() | damage)
    assert other.pacer.ledger.loss.isnan().all() and other.callback._batches == 0


# --- the number of batches ---------------------------------------------------------------------


class Thinned(Callback):
    """Notes in which epochs the pacer weighs what thinning left over."""

    def __init__(self) -> None:
        self.found: dict[int, bool] = {}

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int
    ) -> None:
        net: Any = pl_module
        self.found[trainer.current_epoch] = net.beside[0].importance is not None


@pytest.mark.parametrize(("limits", "last"), [({}, False), ({"max_epochs": -1}, True)])
def test_the_sampler_knows_the_number_of_epochs(
    limits: dict[str, Any], last: bool, tmp_path: Path
) -> None:
    training, noted = Training(), Thinned()
    training.sampler.thin = 0.5
    training.fit(tmp_path, noted, max_steps=EPOCHS * len(training.loader), **limits)
    assert noted.found == {0: True, 1: True, 2: last}


def test_a_resumed_training_knows_the_number_of_epochs(tmp_path: Path) -> None:
    first, second, noted = Training(num_workers=1), Training(num_workers=1), Thinned()
    saves = ModelCheckpoint(tmp_path, "{epoch}", save_top_k=-1)
    for training in (first, second):
        training.sampler.thin = 0.5
    first.fit(tmp_path, saves)
    second.fit(tmp_path, noted, ckpt=tmp_path / "epoch=1.ckpt")
    assert noted.found == {2: False}
    same(first, second)


def test_a_sampler_that_starts_again_within_an_epoch_is_refused(tmp_path: Path) -> None:
    training = Training(length="dataset")
    longer = DataLoader(TensorDataset(torch.zeros(10 * N, 1)), batch_size=8)
    loaders = CombinedLoader({"a": training.loader, "b": longer}, "max_size_cycle")
    with pytest.raises(ValueError, match=r"makes it start again within the epoch.*min_size"):
        quiet(tmp_path, callbacks=[training.callback]).fit(training.net, loaders)


def test_epochs_of_changing_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='Use length="dataset" or an int.'):
        Training(length="selected").fit(tmp_path)


def test_an_int_length_sets_the_batches_for_schedules_and_validation(
    tmp_path: Path,
) -> None:
    training = Training(length=30)
    trainer = training.fit(tmp_path, limit_val_batches=1, val_check_interval=0.5)
    assert trainer.global_step == trainer.estimated_stepping_batches == 4 * EPOCHS
    assert trainer.fit_loop.epoch_loop.val_loop.batch_progress.total.ready == 2
    seen = [row["seen"] for row in training.pacer.history]
    assert seen[0] == 30 and seen[-1] in range(31, N)


@pytest.mark.parametrize("name", ["stateful, two workers", "plain, no workers"])
def test_loaders_may_be_made_again_each_epoch(tmp_path: Path, loop: Training, name: str) -> None:
    def made() -> Training:
        return Training(KINDS[name].loader, num_workers=KINDS[name].workers)

    reload: dict[str, Any] = {"reload_dataloaders_every_n_epochs": 1}
    whole = made()
    every = ModelCheckpoint(tmp_path, save_top_k=-1, every_n_train_steps=1, filename="{step}")
    whole.fit(tmp_path, every, **reload)
    same(whole, loop)
    for stop in (3, STEPS, STEPS + 2):
        again = made()
        again.fit(tmp_path, ckpt=tmp_path / f"step={stop}.ckpt", **reload)
        same(again, loop)


# --- refusals ----------------------------------------------------------------------------------


def test_a_loader_with_a_sampler_that_was_not_given_is_refused(tmp_path: Path) -> None:
    training = Training()
    training.callback = PaceCallback(training.pacer)
    with pytest.raises(ValueError, match=r"Give it: PaceCallback\(pacer, sampler\)."):
        training.fit(tmp_path)


def test_a_loader_without_the_sampler_is_refused(tmp_path: Path) -> None:
    training = Training()
    training.loader = DataLoader(training.dataset, batch_size=SIZE)
    with pytest.raises(
        ValueError, match="given, and none from another; got 0 loaders with a PacedSampler"
    ):
        training.fit(tmp_path)


def test_ranks_that_would_train_on_the_same_samples_are_refused(tmp_path: Path) -> None:
    training = Training()
    training.sampler.num_replicas, training.sampler.rank = 2, 0
    with pytest.raises(ValueError, match="num_replicas=2.* in a training with 1 processes"):
        training.fit(tmp_path)


def test_a_batch_sampler_of_unknown_size_is_refused(tmp_path: Path) -> None:
    class Odd:
        def __init__(self, sampler: PacedSampler) -> None:
            self.sampler = sampler

        def __iter__(self) -> Any:
            return iter([[0, 1]])

        def __len__(self) -> int:
            return 1

    training = Training()
    training.loader = DataLoader(training.dataset, batch_sampler=Odd(training.sampler))
    with pytest.raises(TypeError, match="the loader's Odd has no batch_size"):
        training.fit(tmp_path)


def test_whole_batches_may_come_from_the_dataset(tmp_path: Path, loop: Training) -> None:
    training = Training()
    batches = BatchSampler(training.sampler, SIZE, drop_last=False)
    training.loader = DataLoader(training.dataset, batch_size=None, sampler=batches)
    training.fit(tmp_path)
    same(training, loop)
    assert training.callback._batch_size == SIZE


def test_arguments_of_the_wrong_type_are_refused() -> None:
    pacer = Pacer(N)
    with pytest.raises(TypeError, match="PaceCallback expects a Pacer; got int."):
        PaceCallback(5)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match="PaceCallback expects a PacedSampler or None; got list."):
        PaceCallback(pacer, [])  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ValueError, match="the sampler was made for another pacer."):
        PaceCallback(pacer, PacedSampler(Pacer(N)))


def test_the_callback_works_with_pytorch_lightning(tmp_path: Path, loop: Training) -> None:
    class Old(pytorch_lightning.LightningModule):
        def __init__(self, net: Net) -> None:
            super().__init__()
            self.net = net

        def training_step(self, batch: Batch, _: int) -> Tensor:
            return self.net.training_step(batch, 0)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return self.net.configure_optimizers()

    def fit(training: Training, ckpt: Path | None) -> None:
        every = pytorch_lightning.callbacks.ModelCheckpoint(
            tmp_path, save_top_k=-1, every_n_train_steps=3, filename="{step}"
        )
        ours: list[Any] = [training.callback, every]
        silent: dict[str, Any] = {"enable_progress_bar": False, "enable_model_summary": False}
        trainer = pytorch_lightning.Trainer(
            accelerator="cpu", max_epochs=EPOCHS, logger=False, callbacks=ours, **silent
        )
        trainer.fit(Old(training.net), training.loader, ckpt_path=ckpt)

    whole, again = Training(), Training()
    fit(whole, None)
    same(whole, loop)
    fit(again, tmp_path / "step=9.ckpt")
    same(again, loop)


def test_eight_lines_make_the_example_better(
    run_example: Callable[..., str], added_lines: Callable[[str, str], list[str]]
) -> None:
    names = ("lightning_plain.py", "lightning_paced.py")
    assert len([line for line in added_lines(*names) if line]) <= 8
    ignored = ("-W", "ignore:The 'train_dataloader' does not", "-W", "ignore::FutureWarning")
    printed = "".join(run_example(name, *ignored) for name in names)
    without, within = map(float, re.findall(r"([0-9.]+)% of the test", printed))
    assert within > without + 5
    assert float(re.findall(r"([0-9]+)% of the first", printed)[0]) >= 95


def test_without_lightning_the_error_names_the_extra(
    import_error: Callable[[str, str], str],
) -> None:
    error = import_error("selfpaced.lightning", "lightning")
    assert 'pip install "selfpaced[lightning]"' in error


# --- two ranks ---------------------------------------------------------------------------------


RANK_STOPS = {"beside, plain": 3, "inside, stateful": STEPS + 2, "inside, plain": STEPS}


def on_two_ranks(kind: str = "beside, plain", **settings: Any) -> Training:
    loader = StatefulDataLoader if "stateful" in kind else DataLoader
    return Training(loader, inside="inside" in kind, world=WORLD, **settings)


def result(training: Training) -> dict[str, Any]:
    return {
        "layer": [parameter.detach().clone() for parameter in training.net.layer.parameters()],
        "packed": training.pacer.ledger.packed.nan_to_num(-1),
        "history": list(training.pacer.history),
        "seen": training.net.seen,
    }


def whole(kind: str, folder: Path) -> dict[str, Any]:
    """Train with a checkpoint of each step."""
    every = ModelCheckpoint(folder / kind, save_top_k=-1, every_n_train_steps=1, filename="{step}")
    training = on_two_ranks(kind)
    training.fit(folder, every)
    return result(training)


def again(kind: str, folder: Path) -> dict[str, Any]:
    """Resume from one of these checkpoints."""
    training = on_two_ranks(kind)
    training.fit(folder, ckpt=folder / kind / f"step={RANK_STOPS[kind]}.ckpt")
    return result(training)


def logged(folder: Path) -> dict[str, Any]:
    """Stop by a number, which all ranks know and rank 0 writes."""
    stop = EarlyStopping("spl/frac_selected", mode="min", patience=9, stopping_threshold=0.6)
    training = on_two_ranks()
    training.fit(folder, stop, logger=CSVLogger(folder, "", ""))
    return {"steps": training.pacer.steps, "metrics": (folder / "metrics.csv").exists()}


def wrapped(folder: Path, *, known: bool) -> str:
    """The error where Lightning puts its own sampler around a PacedSampler."""
    training = on_two_ranks()
    if not known:
        training.callback = PaceCallback(training.pacer)
    try:
        training.fit(folder, use_distributed_sampler=True)
    except ValueError as error:
        return str(error)
    return "nothing was raised"


def half(folder: Path, world: int) -> dict[str, Any]:
    """Visit half of the samples in an epoch: no sample is visited twice, by any rank."""
    training = Training(length=N // 2, world=world)
    training.fit(folder, max_epochs=6)
    return result(training)


def without_sampler(folder: Path) -> dict[str, Any]:
    """Train with Lightning's own DistributedSampler."""
    training = on_two_ranks()
    training.callback = PaceCallback(training.pacer)
    training.loader = DataLoader(training.dataset, batch_size=SIZE // WORLD, shuffle=True)
    training.fit(folder, use_distributed_sampler=True)
    return result(training)


def rank_main(rank: int, folder: Path) -> dict[str, Any]:
    warnings.simplefilter("ignore")  # advice of Lightning
    saved: dict[str, Any] = {"half": half(folder, WORLD)}
    for kind in RANK_STOPS:
        saved[kind] = {"whole": whole(kind, folder), "again": again(kind, folder)}
    saved["logged"] = logged(folder)
    saved["wrapped"] = {str(known): wrapped(folder, known=known) for known in (True, False)}
    saved["without"] = without_sampler(folder)
    return saved


@pytest.fixture(scope="module")
def ranks(run_ranks: Callable[..., Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_ranks(rank_main)
    return found


def test_two_ranks_remember_what_one_process_does(
    ranks: list[dict[str, Any]], tmp_path: Path
) -> None:
    one = half(tmp_path, 1)
    for rank in ranks:
        torch.testing.assert_close(rank["half"]["packed"], one["packed"])
        torch.testing.assert_close(rank["half"]["layer"], one["layer"])
        shares = [[row["kept_share"] for row in run["history"]] for run in (rank["half"], one)]
        assert shares[0] == shares[1] and shares[0][-1] == 0.5
    both = zip(*(rank["half"]["seen"] for rank in ranks), strict=True)
    assert [sorted(a + b) for a, b in both] == [sorted(batch) for batch in one["seen"]]


@pytest.mark.parametrize("kind", RANK_STOPS)
@pytest.mark.parametrize("rank", range(WORLD))
def test_two_ranks_resume_to_the_bit(ranks: list[dict[str, Any]], kind: str, rank: int) -> None:
    first, second = ranks[rank][kind]["whole"], ranks[rank][kind]["again"]
    assert second["seen"] == first["seen"][RANK_STOPS[kind] :]
    assert second["history"] == first["history"]
    assert torch.equal(second["packed"], first["packed"])
    assert all(map(torch.equal, second["layer"], first["layer"]))


@pytest.mark.parametrize("kind", RANK_STOPS)
def test_after_the_training_two_ranks_agree_to_the_bit(
    ranks: list[dict[str, Any]], kind: str
) -> None:
    first, second = (rank[kind]["whole"] for rank in ranks)
    assert torch.equal(first["packed"], second["packed"])
    assert first["history"] == second["history"]


def test_a_number_stops_all_ranks_and_is_written(ranks: list[dict[str, Any]]) -> None:
    assert [rank["logged"]["steps"] for rank in ranks] == [2, 2]
    assert ranks[0]["logged"]["metrics"]


@pytest.mark.parametrize("known", ["True", "False"])
def test_a_sampler_that_lightning_wrapped_is_refused(
    ranks: list[dict[str, Any]], known: str
) -> None:
    for rank in ranks:
        assert r"Set Trainer(use_distributed_sampler=False)." in rank["wrapped"][known]


def test_lightnings_own_sampler_distributes_the_data(ranks: list[dict[str, Any]]) -> None:
    first, second = (rank["without"] for rank in ranks)
    assert torch.equal(first["packed"], second["packed"])
    assert first["history"][-1]["seen"] == N
    epoch = chain.from_iterable(first["seen"][:STEPS] + second["seen"][:STEPS])
    assert sorted(epoch) == list(range(N))
