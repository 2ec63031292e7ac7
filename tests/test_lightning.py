"""Lightning trains what a loop trains, to the bit: whole or stopped, with and without workers."""

import csv
import difflib
import re
import runpy
import subprocess
import sys
from importlib import import_module
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

pytestmark = [
    pytest.mark.filterwarnings("ignore:The '.*' does not have many workers"),  # Lightning's advice
    pytest.mark.filterwarnings("ignore:.*is smaller than the logging interval"),  # likewise
    pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no"),  # likewise
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`"),  # ModelCheckpoint
    pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint that ended before"),  # its
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),  # Lightning's
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated"),  # torchdata's
    pytest.mark.filterwarnings(
        "ignore:Checkpoint directory .* exists and is not empty"
    ),  # a folder
]
EXAMPLES = Path(__file__).parents[1] / "examples"
N, SIZE, EPOCHS = 60, 8, 3
STEPS = -(-N // SIZE)
Batch = list[Tensor]


def data() -> tuple[Tensor, Tensor]:
    x = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    y[::5] = 1 - y[::5]
    return x, y


class Net(LightningModule):
    """A user's module: the pacer a submodule, or beside it."""

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
    """All the objects of a run, made anew."""

    def __init__(
        self,
        loader: type[DataLoader[Any]] = DataLoader,
        *,
        inside: bool = False,
        length: Any = "dataset",
        kept: tuple[float, ...] = (1.0, 0.8, 0.5),
        **settings: Any,
    ) -> None:
        self.pacer = Pacer(N, age=Quantile(Recorded(kept)))
        self.sampler = PacedSampler(self.pacer, length=length)
        self.dataset = Indexed(TensorDataset(*data()))
        self.loader = loader(self.dataset, batch_size=SIZE, sampler=self.sampler, **settings)
        self.net = Net(self.pacer, inside=inside)
        self.callback = PaceCallback(self.pacer, self.sampler)

    def fit(self, folder: Path, *more: Callback, ckpt: Path | None = None, **settings: Any) -> Any:
        trainer = quiet(folder, callbacks=[self.callback, *more], **settings)
        val = DataLoader(self.dataset, batch_size=30) if settings.get("limit_val_batches") else None
        trainer.fit(self.net, self.loader, val, ckpt_path=ckpt)
        return trainer

    def loop(self, epochs: int = EPOCHS) -> None:
        """The same without Lightning."""
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
    """Equal to the bit: weights, memory, history."""
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


# --- the whole training ------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "inside"])
@pytest.mark.parametrize("workers", [0, 2])
def test_it_trains_what_a_plain_loop_trains(
    tmp_path: Path, loop: Training, workers: int, inside: bool
) -> None:
    training = Training(num_workers=workers, inside=inside)
    training.fit(tmp_path)
    assert training.net.seen == loop.net.seen  # with workers, too, the first epoch is in its order
    same(training, loop)


def test_workers_that_persist_draw_each_order_after_the_step(
    tmp_path: Path, loop: Training
) -> None:
    training = Training(num_workers=1, persistent_workers=True)
    training.fit(tmp_path)
    same(training, loop)


def test_all_ones_train_what_lightning_trains_without(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "inside"])
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


def test_max_steps_within_an_epoch_end_it_with_the_training(tmp_path: Path) -> None:
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


def test_an_epoch_in_which_nothing_was_met_is_told(tmp_path: Path) -> None:
    training = Training()
    training.net.beside = [Pacer(N)]  # the callback has another
    with pytest.raises(ValueError, match="Pacer.step: nothing was observed since the last step."):
        training.fit(tmp_path)


# --- rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "inside"])
def test_validation_and_test_leave_the_memory_as_it_is(
    tmp_path: Path, loop: Training, inside: bool
) -> None:
    training = Training(inside=inside)
    keep = ModelCheckpoint(tmp_path, save_top_k=-1, filename="{epoch}")
    trainer = training.fit(tmp_path, keep, limit_val_batches=2, val_check_interval=3)
    same(training, loop)  # with a sanity check and validations in the middle of each epoch
    val = DataLoader(training.dataset, batch_size=30)
    trainer.validate(training.net, val, verbose=False)
    trainer.test(training.net, val, verbose=False)
    trainer.predict(training.net, val)
    same(training, loop)
    assert training.pacer.training


def test_a_pacer_beside_the_module_trains_and_moves_with_it(tmp_path: Path, loop: Training) -> None:
    training = Training()
    training.pacer.eval()
    training.fit(tmp_path)
    same(training, loop)
    training.callback.setup(quiet(tmp_path), training.net.to("meta"), "fit")
    assert training.pacer.weight.device.type == training.pacer.ledger.device.type == "meta"


def test_a_test_of_an_earlier_checkpoint_leaves_a_pacer_beside_the_module_as_it_is(
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


def test_the_numbers_of_classes_are_logged_beside_them(tmp_path: Path) -> None:
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


def test_tensorboard_has_them_too(tmp_path: Path) -> None:
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


# --- stop and go on ----------------------------------------------------------------------------


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
def test_a_run_goes_on_from_any_batch_to_the_bit(
    tmp_path: Path, stopped: dict[str, Path], loop: Training, name: str, stop: int
) -> None:
    kind = KINDS[name]
    training = Training(kind.loader, num_workers=kind.workers, inside=kind.inside)
    training.fit(tmp_path, ckpt=stopped[name] / f"step={stop}.ckpt")
    assert training.net.seen == loop.net.seen[stop:]
    same(training, loop)


@pytest.mark.parametrize("at_end", [True, False], ids=["epoch end", "validation end"])
@pytest.mark.parametrize("loader", [DataLoader, StatefulDataLoader])
def test_a_run_goes_on_from_the_end_of_an_epoch_to_the_bit(
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


def test_a_run_goes_on_with_more_steps_where_max_steps_ended_it(
    tmp_path: Path, loop: Training
) -> None:
    for steps, ckpt in ((STEPS + 3, None), (3 * STEPS, tmp_path / "last.ckpt")):
        training = Training()
        last = ModelCheckpoint(tmp_path, filename="last", every_n_train_steps=STEPS + 3)
        training.fit(tmp_path, last, ckpt=ckpt, max_steps=steps)
    assert training.net.seen == loop.net.seen[STEPS + 3 :]
    same(training, loop)


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "inside"])
def test_a_checkpoint_holds_the_pacer_once(tmp_path: Path, inside: bool) -> None:
    training = Training(inside=inside)
    training.fit(tmp_path, ModelCheckpoint(tmp_path, filename="last"), max_epochs=1)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert ("pacer" in saved["callbacks"]["PaceCallback"]) is not inside
    assert ("pacer._extra_state" in saved["state_dict"]) is inside
    if inside:
        net = Net.load_from_checkpoint(tmp_path / "last.ckpt", pacer=Pacer(N), inside=True)
        assert torch.equal(net.pacer.suspects(9), training.pacer.suspects(9))


@pytest.mark.filterwarnings("ignore:.*shuffl")
def test_without_a_paced_sampler_lightning_warns_of_going_on_in_the_middle(tmp_path: Path) -> None:
    def fit(ckpt: Path | None = None) -> None:
        pacer = Pacer(N)
        every = ModelCheckpoint(tmp_path, save_top_k=-1, every_n_train_steps=3, filename="{step}")
        loader = DataLoader(Indexed(TensorDataset(*data())), batch_size=SIZE, shuffle=True)
        trainer = quiet(tmp_path, callbacks=[PaceCallback(pacer), every])
        trainer.fit(Net(pacer), loader, ckpt_path=ckpt)

    fit()
    with pytest.warns(UserWarning, match="your dataloader is not resumable"):
        fit(tmp_path / "step=3.ckpt")


def test_a_state_from_within_an_epoch_wants_the_sampler_that_it_had() -> None:
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


# --- the number of batches ---------------------------------------------------------------------


def test_a_sampler_that_goes_round_within_an_epoch_is_refused(tmp_path: Path) -> None:
    training = Training(length="dataset")
    longer = DataLoader(TensorDataset(torch.zeros(10 * N, 1)), batch_size=8)
    loaders = CombinedLoader({"a": training.loader, "b": longer}, "max_size_cycle")
    with pytest.raises(ValueError, match=r"makes it go round again within the epoch.*min_size"):
        quiet(tmp_path, callbacks=[training.callback]).fit(training.net, loaders)


def test_epochs_of_changing_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='Use length="dataset" or an int.'):
        Training(length="selected").fit(tmp_path)


def test_a_length_of_an_int_makes_as_many_batches_for_schedules_and_validation(
    tmp_path: Path,
) -> None:
    training = Training(length=30)
    trainer = training.fit(tmp_path, limit_val_batches=1, val_check_interval=0.5)
    assert trainer.global_step == trainer.estimated_stepping_batches == 4 * EPOCHS
    assert trainer.fit_loop.epoch_loop.val_loop.batch_progress.total.ready == 2
    seen = [row["seen"] for row in training.pacer.history]
    assert seen[0] == 30 and seen[-1] in range(31, N)


@pytest.mark.parametrize("name", ["stateful, two workers", "plain, no workers"])
def test_loaders_may_be_made_anew_each_epoch(tmp_path: Path, loop: Training, name: str) -> None:
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


# --- what does not fit together ----------------------------------------------------------------


def test_a_loader_with_a_sampler_that_the_callback_does_not_know_is_told(tmp_path: Path) -> None:
    training = Training()
    training.callback = PaceCallback(training.pacer)
    with pytest.raises(ValueError, match=r"Give it: PaceCallback\(pacer, sampler\)."):
        training.fit(tmp_path)


def test_a_loader_without_the_sampler_is_told(tmp_path: Path) -> None:
    training = Training()
    training.loader = DataLoader(training.dataset, batch_size=SIZE)
    with pytest.raises(ValueError, match="given, and none from another; got 0 with a PacedSampler"):
        training.fit(tmp_path)


def test_ranks_that_would_train_on_the_same_samples_are_told(tmp_path: Path) -> None:
    training = Training()
    training.sampler.num_replicas, training.sampler.rank = 2, 0
    with pytest.raises(ValueError, match="num_replicas=2.* in a training of 1 processes"):
        training.fit(tmp_path)


def test_a_batch_sampler_of_unknown_size_is_told(tmp_path: Path) -> None:
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


def test_settings_that_are_none_are_told() -> None:
    pacer = Pacer(N)
    with pytest.raises(TypeError, match="PaceCallback expects a Pacer; got int."):
        PaceCallback(5)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match="PaceCallback expects a PacedSampler; got list."):
        PaceCallback(pacer, [])  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ValueError, match="the sampler is of another pacer."):
        PaceCallback(pacer, PacedSampler(Pacer(N)))


def test_the_old_package_takes_the_callback_too(tmp_path: Path, loop: Training) -> None:
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


def test_eight_lines_make_the_example_better(capsys: pytest.CaptureFixture[str]) -> None:
    plain, paced = (EXAMPLES / f"lightning_{kind}.py" for kind in ("plain", "paced"))
    lines = difflib.ndiff(plain.read_text().splitlines(), paced.read_text().splitlines())
    assert len([line for line in lines if line.startswith("+ ") and line.strip("+ ")]) <= 8
    with torch.random.fork_rng():
        for example in (plain, paced):
            runpy.run_path(str(example))
    said = capsys.readouterr().out
    without, within = map(float, re.findall(r"([0-9.]+)% of the test", said))
    assert within > without + 5
    assert float(re.findall(r"([0-9]+)% of the first", said)[0]) >= 95


def test_without_lightning_the_error_names_the_extra() -> None:
    program = "import sys; sys.modules['lightning'] = None; import selfpaced.lightning"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert 'pip install "selfpaced[lightning]"' in result.stderr
