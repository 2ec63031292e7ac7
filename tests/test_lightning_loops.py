"""Several pacers, streams, tuners and loops of the user's own, in Lightning."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.tuner.tuning import Tuner
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.lightning import PaceCallback
from selfpaced.pacing import Recorded

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{warning}")
    for warning in (
        "The '.*' does not have many workers",
        "Be aware that when using `ckpt_path`",
        ".*is smaller than the logging interval",
        "You defined a `validation_step` but have no",
        "You're resuming from a checkpoint that ended before",
        ".*LeafSpec.* is deprecated:FutureWarning",
        "'set_vital' is deprecated",
        ".*batch_size. from an ambiguous collection",
        ".*val_dataloader.*workers",
    )
]
N = 48
GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(N, 3, generator=GENERATOR)
Y = (X[:, 0] > 0).long()
Z = torch.where(torch.arange(N) % 4 == 0, 1 - Y, Y)  # other labels, a quarter of them wrong
Batch = list[Tensor]


class Heads(LightningModule):
    """Two heads, each with labels and a pacer of its own."""

    def __init__(self, *pacers: Pacer, inside: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.heads = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])
        self.lr, self.batch_size = 0.05, 8
        self.sampler: PacedSampler | None = None
        self.beside = list(pacers)
        if inside:
            self.pacers = nn.ModuleList(pacers)

    def shared_step(self, batch: Batch) -> Tensor:
        index, x, *labels = batch
        losses = [
            pacer(F.cross_entropy(head(x), y, reduction="none"), index)
            for pacer, head, y in zip(self.beside, self.heads, labels, strict=False)
        ]
        return torch.stack(losses).sum()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        return self.shared_step(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.heads.parameters(), self.lr)

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Indexed(TensorDataset(X, Y, Z)), self.batch_size, sampler=self.sampler)


def paced(*kept: float) -> Pacer:
    return Pacer(N, age=Quantile(Recorded((1.0, 1.0, *kept))))  # two steps keep everything


def trainer(folder: Path, *callbacks: Callback, **settings: Any) -> Trainer:
    silent: dict[str, Any] = {"enable_progress_bar": False, "enable_model_summary": False}
    saves = any(isinstance(part, ModelCheckpoint) for part in callbacks)
    ours = {"accelerator": "cpu", "max_epochs": 3, "logger": False, "enable_checkpointing": saves}
    ours |= {"default_root_dir": folder, "callbacks": list(callbacks)}
    return Trainer(**(silent | ours | settings))


def loop(module: Heads, epochs: int = 3) -> None:
    """Train in a plain loop, without Lightning."""
    optimizer = module.configure_optimizers()
    for _ in range(epochs):
        for batch in module.train_dataloader():
            optimizer.zero_grad()
            module.shared_step(batch).backward()
            optimizer.step()
        for pacer in module.beside:
            pacer.step()


def same(one: Heads, other: Heads) -> None:
    for ours, theirs in zip(one.heads.parameters(), other.heads.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    for mine, its in zip(one.beside, other.beside, strict=True):
        assert torch.equal(mine.ledger.packed.nan_to_num(-1), its.ledger.packed.nan_to_num(-1))
        assert mine.history == its.history


# --- several pacers ----------------------------------------------------------------------------


def two(*, inside: bool = False) -> tuple[Heads, list[Callback]]:
    """A module with two pacers, of which the first has a sampler, and a callback for each."""
    first, second = paced(0.75, 0.5), paced(0.5, 0.25)
    module = Heads(first, second, inside=inside)
    module.sampler = PacedSampler(first, length="dataset")
    return module, [
        PaceCallback(first, module.sampler, name="digit"),
        PaceCallback(second, name="colour"),
    ]


@pytest.mark.filterwarnings("ignore:.*is not resumable")
@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
def test_two_pacers_train_as_in_a_plain_loop_and_resume_to_the_bit(
    tmp_path: Path, inside: bool
) -> None:
    expected, _ = two()
    loop(expected)
    whole, callbacks = two(inside=inside)
    every = ModelCheckpoint(tmp_path, save_top_k=-1, every_n_train_steps=2, filename="{step}")
    trainer(tmp_path, *callbacks, every).fit(whole)
    same(whole, expected)
    for step in (6, 10):  # the end and the middle of an epoch
        again, callbacks = two(inside=inside)
        fit = trainer(tmp_path, *reversed(callbacks))
        fit.fit(again, ckpt_path=tmp_path / f"step={step}.ckpt")
        same(again, expected)


def test_each_pacer_is_logged_under_its_name(tmp_path: Path) -> None:
    module, callbacks = two()
    logger = CSVLogger(tmp_path, "", "")
    trainer(tmp_path, *callbacks, logger=logger, log_every_n_steps=1).fit(module)
    last = rows(tmp_path, "spl/digit/frac_selected")[-1]
    for name, pacer in zip(("digit", "colour"), module.beside, strict=True):
        share = pacer.history[-1]["kept_share"]
        assert float(last[f"spl/{name}/frac_selected"]) == pytest.approx(share)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return [row for row in csv.DictReader(file) if row.get(name)]


def test_two_callbacks_without_names_are_refused_by_lightning(tmp_path: Path) -> None:
    with pytest.raises(
        RuntimeError, match="more than one stateful callback of type `PaceCallback`"
    ):
        trainer(tmp_path, PaceCallback(Pacer(N)), PaceCallback(Pacer(N)))


def test_a_sampler_that_no_callback_was_given_is_still_refused(tmp_path: Path) -> None:
    module, _ = two()
    callbacks = [PaceCallback(pacer, name=str(i)) for i, pacer in enumerate(module.beside)]
    with pytest.raises(ValueError, match=r"Give it: PaceCallback\(pacer, sampler\)."):
        trainer(tmp_path, *callbacks).fit(module)


# --- streams -----------------------------------------------------------------------------------


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    """Samples without an index, endless or a number of them."""

    def __init__(self, n: int | None = None) -> None:
        self.n = n

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        place = 0
        while self.n is None or place < self.n:
            yield X[place % N], Y[place % N]
            place += 1


class Reader(Heads):
    """Trains on a stream."""

    stream = Stream()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        x, y = batch
        loss: Tensor = self.beside[0](F.cross_entropy(self.heads[0](x), y, reduction="none"))
        return loss

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.stream, self.batch_size)


def reader(n: int | None = None) -> Reader:
    module = Reader(Pacer(age=Quantile(Recorded((1.0, 1.0, 0.8, 0.5)))))
    module.stream = Stream(n)
    return module


def test_every_steps_within_an_endless_epoch_and_logs_each_step(tmp_path: Path) -> None:
    module = reader()
    logger = CSVLogger(tmp_path, "", "")
    callback = PaceCallback(module.beside[0], every=20)
    fit = trainer(tmp_path, callback, logger=logger, max_epochs=-1, max_steps=65)
    fit.fit(module)
    assert [row["seen"] for row in module.beside[0].history] == [160, 320, 480]
    logged = rows(tmp_path, "spl/frac_selected")[:3]
    assert [int(row["step"]) for row in logged] == [20, 40, 60]
    assert [float(row["spl/frac_selected"]) for row in logged] == pytest.approx([1.0, 0.8, 0.5])


def test_every_counts_on_over_epochs_and_checkpoints(tmp_path: Path) -> None:
    whole = reader(64)  # 8 batches an epoch
    every = ModelCheckpoint(tmp_path, save_top_k=-1, every_n_train_steps=8, filename="{step}")
    trainer(tmp_path, PaceCallback(whole.beside[0], every=12), every).fit(whole)
    assert whole.beside[0].steps == 2
    again = reader(64)
    fit = trainer(tmp_path, PaceCallback(again.beside[0], every=12))
    fit.fit(again, ckpt_path=tmp_path / "step=8.ckpt")
    same(again, whole)


def test_a_stream_that_fills_the_memory_before_a_step_warns_once(tmp_path: Path) -> None:
    module = reader()
    module.batch_size = 250
    with pytest.warns(UserWarning) as caught:
        trainer(tmp_path, PaceCallback(module.beside[0]), max_epochs=-1, max_steps=150).fit(module)
    ours = [str(w.message) for w in caught if "PaceCallback" in str(w.message)]
    assert len(ours) == 1
    assert "50 batches of a loader without a length have passed without an end" in ours[0]
    assert "has stepped 0 times" in ours[0] and "PaceCallback(pacer, every=100)" in ours[0]


@pytest.mark.parametrize(
    ("every", "message"),
    [
        (None, "the training ended in its first epoch. The pacer has stepped 1 times."),
        (50, "the training ended before 50 batches. The pacer has stepped 0 times."),
    ],
)
def test_a_training_that_ends_before_the_second_step_warns(
    tmp_path: Path, every: int | None, message: str
) -> None:
    module = reader()
    callback = PaceCallback(module.beside[0], every=every)
    with pytest.warns(UserWarning, match=message):
        trainer(tmp_path, callback, max_epochs=-1, max_steps=10).fit(module)


def test_epochs_of_a_stream_that_ends_do_not_warn(tmp_path: Path) -> None:
    module = reader(64)
    trainer(tmp_path, PaceCallback(module.beside[0])).fit(module)
    assert module.beside[0].steps == 3


# --- tuners ------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*")  # advice of Lightning's tuners
@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("tune", [Tuner.lr_find, Tuner.scale_batch_size])
def test_a_tuner_leaves_nothing_in_the_memory(
    tmp_path: Path, tune: Callable[..., Any], inside: bool
) -> None:
    module = Shared(paced(0.75, 0.5), inside=inside)
    fit = trainer(tmp_path, PaceCallback(module.beside[0]))
    tune(Tuner(fit), module, **({"max_trials": 2} if tune is Tuner.scale_batch_size else {}))
    pacer = module.beside[0]
    assert pacer.steps == 0 and pacer.ledger.loss.isnan().all()
    module.lr, module.batch_size = 0.05, 8
    fit = trainer(tmp_path, PaceCallback(pacer))
    fit.fit(module)
    assert [row["kept_share"] for row in pacer.history] == [1.0, 0.75, 0.5]


# --- loops of the user's own -------------------------------------------------------------------


class Shared(Heads):
    """One step for training and evaluation, as many modules have."""

    def validation_step(self, batch: Batch, _: int) -> None:
        x, y = batch[1], batch[2]
        expected = F.cross_entropy(self.heads[0](x), y)
        torch.testing.assert_close(self.shared_step(batch), expected)
        assert not any(pacer.training for pacer in self.beside)

    test_step = validation_step

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(Indexed(TensorDataset(X, Y)), 16)

    test_dataloader = val_dataloader


class Manual(Shared):
    """Optimizes by hand."""

    def __init__(self, *pacers: Pacer, inside: bool = False) -> None:
        super().__init__(*pacers, inside=inside)
        self.automatic_optimization = False

    def training_step(self, batch: Batch, _: int) -> None:  # type: ignore[override]  # by hand
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(self.shared_step(batch))
        optimizer.step()


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("kind", [Shared, Manual])
@pytest.mark.parametrize(
    "settings", [{}, {"val_check_interval": 2}, {"reload_dataloaders_every_n_epochs": 1}]
)
def test_a_shared_step_is_paced_in_training_and_plain_in_evaluation(
    tmp_path: Path, kind: type[Heads], settings: dict[str, Any], inside: bool
) -> None:
    expected, module = Heads(paced(0.75, 0.5)), kind(paced(0.75, 0.5), inside=inside)
    loop(expected)
    fit = trainer(tmp_path, PaceCallback(module.beside[0]), **settings)
    fit.fit(module)
    same(module, expected)
    fit.validate(module, verbose=False)
    fit.test(module, verbose=False)
    same(module, expected)


@pytest.mark.filterwarnings("ignore:The samples from index .* on were never seen")
def test_epochs_of_a_few_batches_step_each(tmp_path: Path) -> None:
    for settings, seen in (({"limit_train_batches": 0.5}, 24), ({"overfit_batches": 2}, 16)):
        module = Heads(paced(0.75, 0.5))
        trainer(tmp_path, PaceCallback(module.beside[0]), **settings).fit(module)
        assert [row["seen"] for row in module.beside[0].history] == [seen] * 3


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda p: PaceCallback(cast(Any, [p, p])),
            TypeError,
            r"expects one Pacer; got a list.*name=\"...\"",
        ),
        (lambda p: PaceCallback(p, every=0), ValueError, "every must be a positive int; got 0"),
        (
            lambda p: PaceCallback(p, every=cast(Any, 1.5)),
            TypeError,
            "every must be a positive int; got 1.5",
        ),
        (
            lambda p: PaceCallback(p, PacedSampler(p, length="dataset"), every=5),
            ValueError,
            "draws an order for each epoch, so the pacer steps at its end. Leave every out",
        ),
        (
            lambda p: PaceCallback(p, name=cast(Any, 3)),
            TypeError,
            "name must be a str or None; got 3",
        ),
        (lambda p: PaceCallback(p, name="a/b"), ValueError, "and have no \"/\"; got 'a/b'"),
        (lambda p: PaceCallback(p, name=""), ValueError, "name must not be empty"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    make: Callable[[Any], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(Pacer(N))
