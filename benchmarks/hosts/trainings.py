"""The same training in every host, without and with the default pacer; used by ``compare``.

One function per host takes a job and whether to use a pacer. It returns class scores of images and
the processor seconds of the host's training. Networks, optimisers, batches and numbers of epochs
are equal; every host shuffles in its own way.
"""

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
from transformers import Trainer, TrainingArguments

from benchmarks.shared.images import BATCH, LEARNING_RATE, network
from selfpaced import Indexed, Pacer
from selfpaced.lightning import PaceCallback
from selfpaced.sklearn import SelfPacedClassifier
from selfpaced.skorch import SelfPacedNetClassifier
from selfpaced.transformers import SelfPacedTrainer

Scores = Callable[[Tensor], Tensor]
Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


class Trained(NamedTuple):
    """Result of a training: a function from images (n, 784) to class scores, and its seconds."""

    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Job:
    """Data and settings of one training.

    Args:
        images: Images, float32, shape (n, 784).
        labels: Labels, int64, shape (n,); some are wrong.
        epochs: Number of epochs.
        seed: Seed of the initial weights and the orders.
        setting: Name of the network: "fashion" is the CNN, "fashion-mlp" the MLP.
    """

    images: Tensor
    labels: Tensor
    epochs: int
    seed: int
    setting: str

    def network(self) -> nn.Module:
        """Make the network, with the same weights for every host."""
        torch.manual_seed(self.seed)
        return network(self.setting)

    def loader(self) -> DataLoader[Any]:
        """Make a loader of indices, images and labels, used without and with a pacer."""
        generator = torch.Generator().manual_seed(self.seed)
        dataset = Indexed(TensorDataset(self.images, self.labels))
        return DataLoader(dataset, BATCH, shuffle=True, generator=generator)

    def pacer(self) -> Pacer:
        """Make the default pacer."""
        return Pacer(len(self.labels), columns={"group": self.labels})


def loop(job: Job, paced: bool) -> Trained:
    """Train in a plain loop of PyTorch."""
    model = job.network()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    return Trained(model, looped(job, paced, model, optimizer, job.loader(), Tensor.backward))


def accelerate(job: Job, paced: bool) -> Trained:
    """Train in a loop with Accelerate."""
    accelerator, own = Accelerator(cpu=True), job.network()
    optimizer = torch.optim.Adam(own.parameters(), lr=LEARNING_RATE)
    model, optimizer, batches = accelerator.prepare(own, optimizer, job.loader())
    seconds = looped(job, paced, model, optimizer, batches, accelerator.backward)
    return Trained(accelerator.unwrap_model(model), seconds)


def looped(
    job: Job,
    paced: bool,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: DataLoader[Any],
    backward: Callable[[Tensor], None],
) -> float:
    """Train in a loop; return its processor seconds."""
    pacer, start = job.pacer(), time.process_time()
    for _ in range(job.epochs):
        for index, x, y in batches:
            if paced:
                loss = pacer(F.cross_entropy(model(x), y, reduction="none"), index)
            else:
                loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            backward(loss)
            optimizer.step()
        if paced:
            pacer.step()
    return time.process_time() - start


class Module(pl.LightningModule):
    """The network as a module of Lightning."""

    def __init__(self, model: nn.Module, pacer: Pacer | None) -> None:
        """Keep the network, and the pacer if there is one."""
        super().__init__()
        self.model, self.pacer = model, pacer

    def training_step(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the loss of a batch."""
        index, x, y = batch
        if self.pacer is None:
            return F.cross_entropy(self.model(x), y)
        loss: Tensor = self.pacer(F.cross_entropy(self.model(x), y, reduction="none"), index)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)


def lightning(job: Job, paced: bool) -> Trained:
    """Train in Lightning."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    pacer = job.pacer() if paced else None
    module = Module(job.network(), pacer)
    trainer = pl.Trainer(
        max_epochs=job.epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=None if pacer is None else [PaceCallback(pacer)],
    )
    batches, start = job.loader(), time.process_time()
    with warnings.catch_warnings(action="ignore"):  # Lightning warns of few workers and few batches
        trainer.fit(module, batches)
    return Trained(module.model, time.process_time() - start)


class Classifier(nn.Module):
    """The network as a model of Transformers, which computes its own loss from labels."""

    def __init__(self, model: nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the logits, and the loss if labels are given."""
        logits = self.model(images)
        if labels is None:
            return {"logits": logits}
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


class Items(Dataset[dict[str, Any]]):
    """Images in the form that Transformers expects: one dict each."""

    def __init__(self, job: Job) -> None:
        """Keep the data of the job."""
        self.images, self.labels = job.images, job.labels.tolist()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, place: int) -> dict[str, Any]:
        """Return one image with its label."""
        return {"images": self.images[place], "labels": self.labels[place]}


def transformers(job: Job, paced: bool) -> Trained:
    """Train with the Trainer of Transformers."""
    model = Classifier(job.network())
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=job.epochs,
            per_device_train_batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="constant",
            optim="adamw_torch",
            max_grad_norm=0.0,
            seed=job.seed,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        kind = SelfPacedTrainer if paced else Trainer
        trainer = kind(model, arguments, train_dataset=Items(job))
        start = time.process_time()
        trainer.train()
    return Trained(model.model, time.process_time() - start)


def skorch(job: Job, paced: bool) -> Trained:
    """Train with skorch."""
    kind = SelfPacedNetClassifier if paced else NeuralNetClassifier
    net = kind(
        job.network(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        max_epochs=job.epochs,
        batch_size=BATCH,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    torch.manual_seed(job.seed)
    start = time.process_time()
    net.fit(job.images, job.labels)
    return Trained(net.module_, time.process_time() - start)


class Timed(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """A logistic regression that adds up the seconds of all its fits and predictions."""

    seconds = 0.0

    def fit(self, X: Floats, y: Labels, sample_weight: Floats | None = None) -> "Timed":
        """Fit, and add the seconds."""
        with counting():
            super().fit(X, y, sample_weight)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        """Predict, and add the seconds."""
        with counting():
            return np.asarray(super().predict_proba(X))


@contextmanager
def counting() -> Iterator[None]:
    """Add the seconds of a block to ``Timed.seconds``."""
    start = time.process_time()
    yield
    Timed.seconds += time.process_time() - start


def sklearn(job: Job, paced: bool) -> Trained:
    """Fit a logistic regression; with a pacer it is fitted and scored ten times."""
    model: Any = LogisticRegression(max_iter=300)
    model = SelfPacedClassifier(model) if paced else model
    start = time.process_time()
    model.fit(job.images.numpy(), job.labels.numpy())
    seconds = time.process_time() - start
    return Trained(lambda images: torch.from_numpy(model.predict_proba(images.numpy())), seconds)


def search_and_its_fits(job: Job) -> tuple[float, float]:
    """Return the seconds inside the estimator and of the whole self-paced fit in scikit-learn."""
    Timed.seconds, start = 0.0, time.process_time()
    SelfPacedClassifier(Timed(max_iter=300)).fit(job.images.numpy(), job.labels.numpy())
    return Timed.seconds, time.process_time() - start


# The function of every host, by name.
HOSTS: dict[str, Callable[[Job, bool], Trained]] = {
    made.__name__: made for made in (loop, accelerate, lightning, transformers, skorch, sklearn)
}
