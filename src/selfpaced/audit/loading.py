"""Batches of an audit: with their indices, in a seeded order."""

from typing import Any

import torch
from scipy import sparse
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from selfpaced.sampling import Indexed


class Rows(Dataset[Any]):
    """Rows and labels in memory; an index may be a list of many."""

    def __init__(self, rows: Any, labels: Tensor) -> None:
        """Keep float32 rows, dense or sparse, and int64 labels, shape (n,)."""
        self.rows, self.labels = rows, labels

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    def __getitem__(self, indices: Any) -> tuple[Tensor, Tensor]:
        """Return rows and their labels."""
        picked = self.rows[indices]
        dense = picked.toarray() if sparse.issparse(picked) else picked
        return torch.from_numpy(dense), self.labels[indices]


def loader(dataset: Indexed, batch_size: int, workers: int, seed: int) -> DataLoader[Any]:
    """Return batches in random order; those of tensors in memory are one indexing each."""
    generator = torch.Generator().manual_seed(seed)
    alone = len(dataset) % batch_size == 1  # a batch of one has no variance
    batches = BatchSampler(RandomSampler(dataset, generator=generator), batch_size, alone)
    if isinstance(dataset.dataset, Rows | TensorDataset):
        return DataLoader(dataset, None, sampler=batches, num_workers=workers, generator=generator)
    return DataLoader(dataset, batch_sampler=batches, num_workers=workers, generator=generator)
