import numpy as np
import pytest
import torch
from scipy import sparse
from torch.utils.data import Dataset, TensorDataset

from selfpaced import Indexed
from selfpaced.audit.loading import Rows, loader

X = np.arange(10, dtype=np.float32).reshape(5, 2)
Y = torch.tensor([0, 1, 0, 1, 1])


class Pairs(Dataset[tuple[torch.Tensor, int]]):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(X[index]), int(Y[index])


DATASETS = [TensorDataset(torch.from_numpy(X), Y), Rows(X, Y), Rows(sparse.csr_array(X), Y)]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("workers", [0, 1])
def test_batches_read_at_once_are_those_of_item_by_item(
    dataset: Dataset[object], workers: int
) -> None:
    at_once = list(loader(Indexed(dataset), 2, workers, seed=3))
    one_by_one = list(loader(Indexed(Pairs()), 2, 0, seed=3))
    assert len(at_once) == len(one_by_one) == 2  # the batch of one is left out
    for ours, theirs in zip(at_once, one_by_one, strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other, rtol=0, atol=0)


def test_a_last_batch_of_two_is_kept() -> None:
    assert [len(index) for index, *_ in loader(Indexed(Pairs()), 3, 0, seed=0)] == [3, 2]
