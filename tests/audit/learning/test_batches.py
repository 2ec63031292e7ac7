"""Claims about the batches of an audit."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from selfpaced import Indexed
from selfpaced.audit._learning.batches import Batches, Rows, loader, spread

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
def test_a_batch_read_by_one_indexing_equals_one_read_item_by_item(
    dataset: Dataset[object], workers: int
) -> None:
    at_once = list(loader(Indexed(dataset), Batches(5, 2, seed=3), workers))
    by_item = list(loader(Indexed(Pairs()), Batches(5, 2, seed=3), 0))
    assert len(at_once) == len(by_item) == 2  # the batch of one is left out
    for batch, expected in zip(at_once, by_item, strict=True):
        for part, other in zip(batch, expected, strict=True):
            torch.testing.assert_close(part, other, rtol=0, atol=0)


def test_a_last_batch_of_two_is_kept() -> None:
    assert [len(batch) for batch in Batches(5, 3, seed=0)] == [3, 2]


def test_images_of_bytes_are_divided_by_255() -> None:
    x, _ = Rows(np.array([[0, 51, 255]], np.uint8), torch.zeros(1))[[0]]
    torch.testing.assert_close(x, torch.tensor([[0.0, 0.2, 1.0]]))


def test_several_processes_share_the_batches_of_a_single_one() -> None:
    whole = [sorted(batch) for batch in Batches(11, 4, seed=1)]
    parts = [list(Batches(11, 4, seed=1, process=p, processes=2)) for p in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == whole
    assert [len(batch) for batch in whole] == [4, 4, 3]
    assert [Batches(11, 4, seed=1).rows(place) for place in range(3)] == [4, 4, 3]


def test_a_last_batch_with_fewer_rows_than_processes_is_left_out() -> None:
    batches = Batches(6, 4, seed=0, process=2, processes=3)
    assert [len(batch) for batch in batches] == [1] and len(batches) == 1


def test_an_epoch_continues_where_it_was_stopped() -> None:
    batches = Batches(9, 2, seed=0)
    before = batches.generator.get_state()
    whole = list(batches)
    batches.generator.set_state(before)
    batches.start = 3
    assert list(batches) == whole[3:]
    assert list(batches) != whole[3:], "the next epoch has another order and all its batches"


FOLD = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1])


def folded(process: int = 0, processes: int = 1, fold: Tensor = FOLD, size: int = 4) -> Batches:
    return Batches(len(fold), size, seed=1, process=process, processes=processes, fold=fold)


def test_a_batch_has_rows_of_one_fold_and_an_epoch_all_rows() -> None:
    batches = list(folded())  # 6, 6 and 5 rows; the batch of one of the last fold is left out
    assert [len(set(FOLD[batch].tolist())) for batch in batches] == [1] * 5
    assert sorted(map(len, batches)) == [2, 2, 4, 4, 4] and len(folded()) == 5
    rows = [row for batch in list(folded(size=5)) for row in batch]
    assert len(rows) == len(set(rows)) == 15
    whole = [row for batch in list(folded(size=6)) for row in batch]
    assert sorted(whole) == list(range(17))


def test_the_folds_come_in_another_order_each_epoch_and_not_one_after_another() -> None:
    fold = torch.arange(300) % 3
    batches = folded(fold=fold, size=10)
    epochs = [[int(fold[batch[0]]) for batch in batches] for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    for order in epochs:
        assert sorted(order) == [0] * 10 + [1] * 10 + [2] * 10
        assert sum(one != other for one, other in pairwise(order)) > 10


def test_several_processes_share_the_batches_of_folds() -> None:
    whole = [sorted(batch) for batch in folded()]
    parts = [list(folded(process, 2)) for process in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == whole
    batches = folded(1, 2)
    assert [batches.rows(number) for number, _ in enumerate(batches)] == list(map(len, whole))


def test_an_epoch_with_folds_continues_where_it_was_stopped() -> None:
    batches = folded()
    before = batches.generator.get_state()
    whole = list(batches)
    batches.generator.set_state(before)
    batches.start = 2
    assert list(batches) == whole[2:]
    assert [batches.rows(number) for number in range(5)] == list(map(len, whole))


def test_a_fold_without_rows_has_no_batch() -> None:
    fold = torch.tensor([0, 0, 0, 2, 2, 2])
    assert len(folded(fold=fold)) == 2
    assert sorted(sorted(batch) for batch in folded(fold=fold)) == [[0, 1, 2], [3, 4, 5]]


def test_one_fold_of_all_rows_is_no_fold() -> None:
    fold = torch.zeros(11, dtype=torch.int64)
    assert list(folded(fold=fold)) == list(Batches(11, 4, seed=1))


@pytest.mark.parametrize("folds", [2, 3, 5])
@pytest.mark.parametrize("sizes", [[40, 41, 42], [1, 1, 1, 90], [3]], ids=str)
def test_labels_and_rows_are_spread_evenly(sizes: list[int], folds: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    fold = spread(labels, folds, seed=4)
    assert fold.dtype == np.int64 and fold.shape == labels.shape
    for group in [fold, *(fold[labels == label] for label in range(len(sizes)))]:
        counts = np.bincount(group, minlength=folds)
        assert len(counts) == folds and counts.max() - counts.min() <= 1


def test_the_seed_decides_the_folds() -> None:
    labels = np.arange(100) % 3
    assert (spread(labels, 5, seed=1) == spread(labels, 5, seed=1)).all()
    assert (spread(labels, 5, seed=1) != spread(labels, 5, seed=2)).any()
    assert (spread(labels, 5, seed=2**63 - 1) < 5).all()


def test_rows_that_follow_each_other_are_in_folds_by_chance() -> None:
    fold = spread(np.zeros(3000), 3, seed=0)
    assert abs((fold[1:] == fold[:-1]).mean() - 1 / 3) < 0.03


def test_numbers_are_spread_over_the_folds_from_low_to_high() -> None:
    numbers = np.random.default_rng(0).normal(size=100)
    fold = spread(numbers, 5, seed=0)
    in_order = fold[np.argsort(numbers)].reshape(20, 5)
    assert (np.sort(in_order, axis=1) == np.arange(5)).all()


def test_rows_of_a_group_are_in_one_fold() -> None:
    groups = np.random.default_rng(0).integers(0, 60, 200)
    labels = groups % 3
    fold = spread(labels, 5, 0, groups)
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1
    assert set(fold.tolist()) == set(range(5))
    alone = np.arange(200)
    assert (spread(labels, 5, 0, alone) == spread(labels, 5, 0)).all()


@pytest.mark.parametrize("seed", range(5))
def test_folds_of_uneven_groups_have_nearly_as_many_rows(seed: int) -> None:
    sizes = np.array([60, 50, 40, 30, 20] + [1] * 100)
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(105), sizes))
    rows = np.bincount(spread(np.zeros(300, np.int64), 5, seed, groups))
    assert sorted(rows.tolist()) == [40, 50, 60, 70, 80]
