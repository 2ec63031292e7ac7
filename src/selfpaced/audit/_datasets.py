"""An audit of a torch dataset with a model of one's own."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from selfpaced._sampling.indexed import Indexed
from selfpaced.audit._learning.aims import Classes, require_classes
from selfpaced.audit._learning.training import (
    BATCH,
    EPOCHS,
    LEARNING_RATE,
    Settings,
    Training,
    Watch,
)
from selfpaced.audit._result import Audit, result


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
    >>> found = audit(data, nn.Linear(2, 2), epochs=20, batch_size=16, learning_rate=0.05)
    >>> int(found.table.index[0])
    7
    """
    settings = Settings(epochs, batch_size, learning_rate, workers, seed)
    indexed = Indexed(dataset)
    labels = _labels_of(indexed) if labels is None else torch.as_tensor(labels)
    n_classes = require_classes(labels, len(indexed))
    training = Training(indexed, copy.deepcopy(model), labels, Classes(n_classes), settings)
    training.run(watch)
    return result(training.model, training.pacer, labels.cpu(), range(n_classes))


def _labels_of(dataset: Indexed) -> Tensor:
    """Return the labels of a dataset of (input, label), int64."""
    return torch.tensor([int(dataset.dataset[place][1]) for place in range(len(dataset))])
