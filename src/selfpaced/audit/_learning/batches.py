"""Folds and batches of rows: how they are drawn, in which order, and by which process."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from selfpaced._sampling.indexed import Indexed


def spread(
    labels: NDArray[np.generic],
    folds: int,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return the fold of each row, drawn at random; each label is spread evenly over the folds.

    So are large groups: those of one label are dealt out by size, the largest first.

    Args:
        labels: Shape (n,).
        folds: The number of folds.
        seed: The seed.
        groups: A number for each row, shape (n,): rows with the same number are in one fold. None:
            each row is drawn on its own.

    >>> np.bincount(spread(np.repeat([0, 1], 50), 5, seed=0)).tolist()
    [20, 20, 20, 20, 20]
    """
    if groups is None:
        groups = np.arange(len(labels))
    firsts, place, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )[1:]
    drawn = np.random.default_rng(seed).permutation(len(firsts))
    by_label = drawn[np.lexsort((-sizes[drawn], labels[firsts[drawn]]))]
    fold = np.empty(len(firsts), np.int64)
    fold[by_label] = np.arange(len(firsts)) % folds
    return fold[place]


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
        fold: The fold of each row, int64, shape (n,): a batch then has rows of one fold only. None
            for batches of all rows.

    Attributes:
        start: Number of batches to skip in the next epoch, to continue a run that was stopped.
        generator: Draws the order; its state before an epoch determines the order of that epoch.

    >>> [sorted(batch) for batch in Batches(4, 4, seed=0)]
    [[0, 1, 2, 3]]
    """

    def __init__(
        self,
        n: int,
        size: int,
        seed: int,
        *,
        process: int = 0,
        processes: int = 1,
        fold: Tensor | None = None,
    ) -> None:
        """Start before the first epoch."""
        self.n, self.size, self.process, self.processes = n, size, process, processes
        self.generator = torch.Generator().manual_seed(seed)
        self.start = 0
        rows = [torch.arange(n)] if fold is None else [at for at in _by_fold(fold) if len(at)]
        self._folds = rows
        self._sizes = [len(batch) for part in rows for batch in self._split(part)]

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch."""
        return sum(len(self._split(rows)) for rows in self._folds)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the indices of each batch."""
        start, self.start = self.start, 0
        batches = self._drawn()
        self._sizes = [len(batch) for batch in batches]
        for batch in batches[start:]:
            yield batch[self.process :: self.processes].tolist()

    def rows(self, number: int) -> int:
        """Return the number of rows of a batch of the epoch, counted over all processes."""
        return self._sizes[number]

    def _drawn(self) -> list[Tensor]:
        """Draw the batches of an epoch; those of several folds in random order."""
        batches = []
        for rows in self._folds:
            batches += self._split(rows[torch.randperm(len(rows), generator=self.generator)])
        if len(self._folds) == 1:
            return batches
        order = torch.randperm(len(batches), generator=self.generator).tolist()
        return [batches[place] for place in order]

    def _split(self, rows: Tensor) -> list[Tensor]:
        """Return the rows in batches, without a last one that is too small."""
        batches = list(rows.split(self.size))
        small = len(batches) > 1 and len(batches[-1]) < max(2, self.processes)
        return batches[:-1] if small else batches


def _by_fold(fold: Tensor) -> list[Tensor]:
    """Return the rows of each fold."""
    return [(fold == number).nonzero().squeeze(1) for number in range(int(fold.max()) + 1)]


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
