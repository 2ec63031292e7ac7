"""The batches of an audit: their indices, their seeded order, and their split over processes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from selfpaced._sampling.indexed import Indexed


class Rows(Dataset[Any]):
    """A dataset of rows and labels in memory; an index may be a list of indices.

    Args:
        rows: float32, dense or sparse, or uint8, whose values are divided by 255.
        labels: Shape (n,).
    """

    def __init__(self, rows: Any, labels: Tensor) -> None:
        """Keep both."""
        self.rows, self.labels = rows, labels

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    def __getitem__(self, indices: Any) -> tuple[Tensor, Tensor]:
        """Return the rows as float32, and their labels."""
        picked = self.rows[indices]
        dense = picked.toarray() if sparse.issparse(picked) else picked
        if dense.dtype == np.uint8:
            dense = dense.astype(np.float32) / 255
        return torch.from_numpy(dense), self.labels[indices]


class Batches:
    """The batches of an epoch, in a new random order each epoch; only the rows of this process.

    All processes draw the same order. The last batch is left out if it has a single row, which has
    no variance, or fewer rows than there are processes.

    Args:
        n: Number of samples.
        size: Rows per batch, counted over all processes.
        seed: Seed of the order.
        process: Number of this process, from 0.
        processes: Number of processes that share a batch.

    Attributes:
        start: Number of batches to skip in the next epoch, to continue a run that was stopped.
        generator: Draws the order; its state before an epoch determines the order of that epoch.

    >>> [sorted(batch) for batch in Batches(4, 4, seed=0)]
    [[0, 1, 2, 3]]
    """

    def __init__(
        self, n: int, size: int, seed: int, *, process: int = 0, processes: int = 1
    ) -> None:
        """Start before the first epoch."""
        self.n, self.size, self.process, self.processes = n, size, process, processes
        self.generator = torch.Generator().manual_seed(seed)
        self.start = 0
        rest = n % size
        order = RandomSampler(range(n), generator=self.generator)
        self._batches = BatchSampler(order, size, drop_last=0 < rest < max(2, processes))

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the indices of each batch."""
        start, self.start = self.start, 0
        for number, batch in enumerate(self._batches):
            if number >= start:
                yield batch[self.process :: self.processes]

    def rows(self, number: int) -> int:
        """Return the number of rows of a batch of the epoch, counted over all processes."""
        return min(self.size, self.n - number * self.size)


def loader(dataset: Indexed, batches: Batches, workers: int) -> DataLoader[Any]:
    """Return a loader of these batches; a batch of data in memory is read by one indexing."""
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
