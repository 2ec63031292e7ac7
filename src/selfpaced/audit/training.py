"""An audit of a torch dataset: one self-paced training that watches every label."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced.audit.loading import loader
from selfpaced.audit.result import Audit, result
from selfpaced.errors import require, require_positive_int, require_seed
from selfpaced.pacer import Pacer
from selfpaced.sampling import Indexed

Watch = Callable[[int, int, float], None]  # after each epoch: how many, of how many, kept share
BATCH, LEARNING_RATE, EPOCHS = 128, 1e-3, 30


def audit(
    dataset: Any,
    model: nn.Module,
    labels: Tensor | None = None,
    *,
    epochs: int = EPOCHS,
    batch_size: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    workers: int = 0,
    seed: int = 0,
    watch: Watch | None = None,
) -> Audit:
    """Train a classifier self-paced and say which labels are probably wrong.

    Args:
        dataset: Map-style; items are (input, label), the label an int from 0.
        model: Maps a batch of inputs to logits (B, C). It is copied; yours stays as it is. The
            training runs where it is.
        labels: All labels, int64, shape (n,), in place of those in the items; None reads them from
            the dataset, item by item.
        epochs: How often every sample is visited.
        batch_size: Samples a batch.
        learning_rate: Adam's.
        workers: Processes that load data.
        seed: Of the order of the samples and of dropout; the model's initial weights are yours.
        watch: Called after each epoch with its number, ``epochs`` and the kept share.

    Returns:
        The result, with a row per sample.

    Raises:
        ValueError: For settings out of range, and for labels that are no classes.
        TypeError: For a dataset without indices.

    >>> _ = torch.manual_seed(0)
    >>> x = torch.cat([torch.randn(60, 2) - 4, torch.randn(60, 2) + 4])
    >>> y = torch.arange(120) // 60
    >>> y[7] = 1
    >>> data = torch.utils.data.TensorDataset(x, y)
    >>> found = audit(data, nn.Linear(2, 2), epochs=40, batch_size=16, learning_rate=0.01)
    >>> int(found.table.index[0])
    7
    """
    settings = Settings(epochs, batch_size, learning_rate, workers, seed)
    indexed = Indexed(dataset)
    labels = labels_of(indexed) if labels is None else torch.as_tensor(labels)
    n_classes = require_classes(labels, len(indexed))
    learner, pacer = train(indexed, copy.deepcopy(model), labels, settings, watch)
    return result(learner, pacer, labels.cpu(), range(n_classes))


@dataclass(frozen=True)
class Settings:
    """How to train; see ``audit``."""

    epochs: int = EPOCHS
    batch_size: int = BATCH
    learning_rate: float = LEARNING_RATE
    workers: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("epochs", "batch_size"):
            require_positive_int(name, getattr(self, name), "audit")
        require(
            self.learning_rate > 0,
            f"audit: learning_rate must be above 0; got {self.learning_rate}.",
        )
        require_seed(self.seed, "audit")


def train(
    dataset: Indexed, model: nn.Module, labels: Tensor, settings: Settings, watch: Watch | None
) -> tuple[nn.Module, Pacer]:
    """Train the model in place, and return it with the memory of the run."""
    where = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    pacer = Pacer(len(labels), columns={"group": labels}).to(where)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=settings.learning_rate)
    batches = loader(dataset, settings.batch_size, settings.workers, settings.seed)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        for epoch in range(settings.epochs):
            for index, x, _ in batches:
                update(
                    model, optimizer, pacer, index.to(where), x.to(where), labels[index].to(where)
                )
            pacer.step()
            if watch is not None:
                watch(epoch + 1, settings.epochs, float((pacer.weight > 0).float().mean()))
    return model, pacer


def update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    pacer: Pacer,
    index: Tensor,
    x: Tensor,
    y: Tensor,
) -> None:
    """Take one step, and remember what the logits say."""
    logits = model(x)
    if logits.ndim != 2 or logits.shape[1] <= int(y.max()):
        raise ValueError(
            f"audit expects logits for every class, at least {int(y.max()) + 1}; the model gives "
            f"{tuple(logits.shape)}."
        )
    loss = F.cross_entropy(logits, y, reduction="none")
    total = pacer(loss, index, logits=logits, target=y, probabilities=True)
    optimizer.zero_grad()
    total.backward()
    optimizer.step()


def labels_of(dataset: Indexed) -> Tensor:
    """Return the labels of a dataset of (input, label), int64."""
    return torch.tensor([int(dataset.dataset[place][1]) for place in range(len(dataset))])


def require_classes(labels: Tensor, n: int) -> int:
    """Return the number of classes, or raise for labels that are none."""
    require(
        labels.shape == (n,) and labels.dtype == torch.int64,
        f"audit expects one int64 label per sample, shape ({n},); got {labels.dtype} of shape "
        f"{tuple(labels.shape)}.",
    )
    require(
        int(labels.min()) >= 0,
        f"audit expects labels from 0; got {int(labels.min())}. Number the classes.",
    )
    classes = len(labels.unique())
    require(classes > 1, "audit needs two classes or more; all labels are the same.")
    return int(labels.max()) + 1
