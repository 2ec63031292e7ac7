"""Batches of an audit: with their indices, in a seeded order, shared out to processes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from selfpaced._sampling.indexed import Indexed


class Rows(Dataset[Any]):
    """Rows and labels in memory; an index may be a list of many.

    Args:
        rows: float32 dense or sparse, or uint8 from 0 to 255, which are brought to 0 to 1.
        labels: Shape (n,).
    """

    def __init__(self, rows: Any, labels: Tensor) -> None:
        """Keep both."""
        self.rows, self.labels = rows, labels

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    def __getitem__(self, indices: Any) -> tuple[Tensor, Tensor]:
        """Return rows, float32, and their labels."""
        picked = self.rows[indices]
        dense = picked.toarray() if sparse.issparse(picked) else picked
        if dense.dtype == np.uint8:
            dense = dense.astype(np.float32) / 255
        return torch.from_numpy(dense), self.labels[indices]


class Batches:
    """The batches of an epoch, in a new random order each; this process's rows of each.

    All processes draw the same order. A last batch of one row, which has no variance, or of fewer
    rows than there are processes is left out.

    Args:
        n: Number of samples.
        size: Rows of a batch, of all processes together.
        seed: Of the order.
        process: This process, from 0.
        processes: How many share a batch.

    Attributes:
        start: Batches of the coming epoch to pass over: where a run was stopped.
        generator: Of the order; its state before an epoch gives that epoch's order.

    >>> [sorted(batch) for batch in Batches(4, 4, seed=0)]
    [[0, 1, 2, 3]]
    """

    def __init__(
        self, n: int, size: int, seed: int, *, process: int = 0, processes: int = 1
    ) -> None:
        """Begin before the first epoch."""
        self.n, self.size, self.process, self.processes = n, size, process, processes
        self.generator = torch.Generator().manual_seed(seed)
        self.start = 0
        short = n % size
        whole = RandomSampler(range(n), generator=self.generator)
        self._all = BatchSampler(whole, size, drop_last=0 < short < max(2, processes))

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch."""
        return len(self._all)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield indices."""
        start, self.start = self.start, 0
        for place, batch in enumerate(self._all):
            if place >= start:
                yield batch[self.process :: self.processes]

    def rows(self, place: int) -> int:
        """Return how many rows a batch of the epoch has, of all processes together."""
        return min(self.size, self.n - place * self.size)


def loader(dataset: Indexed, batches: Batches, workers: int) -> DataLoader[Any]:
    """Return a loader of these batches; those of tensors in memory are one indexing each."""
    generator = batches.generator
    if isinstance(dataset.dataset, Rows | TensorDataset):
        return DataLoader(
            dataset,
            batch_size=None,
            sampler=batches,
            num_workers=workers,
            generator=generator,
        )
    return DataLoader(dataset, batch_sampler=batches, num_workers=workers, generator=generator)
