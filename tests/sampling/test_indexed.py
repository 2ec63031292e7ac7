import copy
import pickle
from collections import UserDict, namedtuple
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    Subset,
    TensorDataset,
    random_split,
)

from selfpaced import Indexed
from selfpaced._sampling.indexed import labels_beside


class Batched(Dataset[Any]):
    """A dataset that fetches whole batches and counts how often."""

    classes = ("cat", "dog")

    def __init__(self) -> None:
        self.calls = 0

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[float, int]:
        return (index / 10, index % 2)

    def __getitems__(self, indices: list[int]) -> list[tuple[float, int]]:
        self.calls += 1
        return [self[i] for i in indices]


class Words(Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict[str, int]:
        return {"label": index * 2}


def test_a_loader_yields_the_index_of_each_sample() -> None:
    data = TensorDataset(torch.arange(10) * 1.5)
    for index, x in DataLoader(Indexed(data), batch_size=4, shuffle=True):
        assert index.dtype == torch.int64
        assert torch.equal(x, index * 1.5)


def test_dicts_get_a_key() -> None:
    batch = next(iter(DataLoader(Indexed(Words()), batch_size=4)))
    assert batch["index"].tolist() == [0, 1, 2, 3]
    assert batch["label"].tolist() == [0, 2, 4, 6]


def test_a_negative_index_names_the_sample_it_means() -> None:
    assert Indexed(Batched())[-1] == (9, 0.9, 1)


@pytest.mark.parametrize("index", [-11, [3, -11]])
def test_an_index_before_the_first_sample_is_refused(index: int | list[int]) -> None:
    with pytest.raises(IndexError, match="index -11 is out of range for 10 samples"):
        Indexed(TensorDataset(torch.arange(10)))[index]


@pytest.mark.parametrize("index", [[], slice(0, 2), torch.tensor([True, False]), [0.5]])
def test_an_index_that_is_not_a_list_of_ints_is_refused(index: Any) -> None:
    with pytest.raises(TypeError, match="takes an int, or a list of one or more ints; got"):
        Indexed(TensorDataset(torch.arange(2)))[index]


def test_an_index_may_be_a_tensor_or_an_array() -> None:
    data = Indexed(TensorDataset(torch.arange(10)))
    assert data[torch.tensor(3)] == (3, torch.tensor(3))
    assert data[np.array([2, 4])][0].tolist() == [2, 4]


def test_a_list_of_indices_is_one_indexing_of_the_dataset() -> None:
    data = Indexed(TensorDataset(torch.arange(10) * 1.5, torch.arange(10) % 2))
    for indices in ([7, 0, -1], torch.tensor([7, 0, -1])):
        index, x, y = data[indices]
        assert index.tolist() == [7, 0, 9] and index.dtype == torch.int64
        assert torch.equal(x, index * 1.5) and torch.equal(y, index % 2)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_may_leave_collating_out(workers: int) -> None:
    data = Indexed(TensorDataset(torch.arange(10) * 1.5))
    order = BatchSampler(SequentialSampler(data), batch_size=4, drop_last=False)
    loader = DataLoader(data, sampler=order, batch_size=None, num_workers=workers)
    collated = DataLoader(data, batch_size=4)
    assert str(list(loader)) == str(list(collated))


def test_a_batch_is_fetched_in_one_call() -> None:
    data = Batched()
    index, _, _ = next(iter(DataLoader(Indexed(data), batch_size=5)))
    assert data.calls == 1
    assert index.tolist() == [0, 1, 2, 3, 4]


def test_a_dataset_without_batched_fetch_does_not_get_one() -> None:
    assert not hasattr(Indexed(Words()), "__getitems__")


def test_attributes_of_the_dataset_are_available() -> None:
    assert Indexed(Batched()).classes == ("cat", "dog")
    with pytest.raises(AttributeError, match="no_such"):
        _ = Indexed(Batched()).no_such


@pytest.mark.parametrize("method", [copy.copy, copy.deepcopy])
def test_copies_do_not_recurse(method: Any) -> None:
    assert method(Indexed(Batched()))[3] == (3, 0.3, 1)


def test_pickling_does_not_recurse() -> None:
    assert pickle.loads(pickle.dumps(Indexed(Words())))[1] == {"label": 2, "index": 1}


def test_spawned_workers_yield_the_same_as_none() -> None:
    data = Indexed(TensorDataset(torch.arange(6.0)))
    alone = list(DataLoader(data, batch_size=2))
    spawned = list(DataLoader(data, batch_size=2, num_workers=1, multiprocessing_context="spawn"))
    assert str(alone) == str(spawned)


def test_an_iterable_dataset_is_refused() -> None:
    class Stream(IterableDataset[int]):
        def __iter__(self) -> Iterator[int]:
            return iter(())

    with pytest.raises(TypeError, match=r"got Stream.*use Pacer\(\) without n_samples"):
        Indexed(Stream())


def test_an_index_key_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match='the key "index", which the items have already'):
        Indexed([{"index": 5}])[0]


def test_a_tensor_dataset_is_read_a_batch_at_a_time() -> None:
    data = Indexed(TensorDataset(torch.arange(6.0).reshape(3, 2), torch.tensor([7, 8, 9])))
    index, x, y = data.__getitems__([2, 0])[1]
    assert (index, x.tolist(), int(y)) == (0, [0.0, 1.0], 7)
    assert [item[0] for item in data.__getitems__([0, -1])] == [0, 2]
    with pytest.raises(IndexError, match="index -4 is out of range for 3 samples"):
        data.__getitems__([0, -4])
    with pytest.raises(IndexError):
        data.__getitems__([3])


def test_any_mapping_is_an_item_with_an_index() -> None:
    item = UserDict(text="a")
    assert Indexed([item])[0] == {"text": "a", "index": 0}
    assert dict(item) == {"text": "a"}


A = TensorDataset(torch.arange(3) * 1.5)
B = TensorDataset(torch.arange(3, 7) * 1.5)
WHOLE: Any = ConcatDataset([A, B])


@pytest.mark.parametrize(
    "nested",
    [
        lambda: Indexed(Indexed(WHOLE)),
        lambda: ConcatDataset([Indexed(A), Indexed(B)]),
        lambda: ConcatDataset([Indexed(A), B]),
        lambda: Subset(ConcatDataset([Indexed(A), Indexed(B)]), range(7)),
        lambda: ConcatDataset([Subset(Indexed(WHOLE), range(3)), Subset(WHOLE, range(3, 7))]),
    ],
)
def test_an_item_has_one_index_its_place_in_the_outer_dataset(nested: Callable[[], Any]) -> None:
    inner = nested()
    before = str([inner[i] for i in range(7)])
    data = Indexed(inner)
    assert len(data) == 7
    assert [item[0] for item in map(data.__getitem__, range(7))] == list(range(7))
    for index, x in DataLoader(data, batch_size=3):
        assert torch.equal(x, index * 1.5)
    assert str([inner[i] for i in range(7)]) == before  # the user's dataset is not changed


def test_the_parts_of_a_split_have_their_own_indices() -> None:
    split: Any = random_split(Indexed(WHOLE), [5, 2], generator=torch.Generator().manual_seed(0))
    for part in split:
        data = Indexed(part)
        index, x = next(iter(DataLoader(data, batch_size=9)))
        assert index.tolist() == list(range(len(part)))
        assert torch.equal(x, torch.tensor(part.indices) * 1.5)


def test_a_dataset_without_indices_is_kept_as_it_is() -> None:
    assert Indexed(WHOLE).dataset is WHOLE
    part: Any = Subset(WHOLE, [1])
    assert Indexed(part).dataset is part


class Item(NamedTuple):
    x: float
    y: int


Pair = namedtuple("Pair", ["a", "b"])


class Records(Dataset[Item]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> Item:
        return Item(place / 2, place % 2)


@pytest.mark.parametrize("context", [None, "fork", "spawn"])
def test_a_named_tuple_keeps_its_names_and_gets_an_index(context: str | None) -> None:
    workers = {} if context is None else {"num_workers": 1, "multiprocessing_context": context}
    [batch] = DataLoader(Indexed(Records()), batch_size=4, **workers)  # type: ignore[arg-type]  # a str
    assert batch.index.tolist() == [0, 1, 2, 3] and batch.y.tolist() == [0, 1, 0, 1]
    index, x, y = batch
    assert torch.equal(x, index / 2) and torch.equal(y, index % 2)


def test_a_named_tuple_with_an_index_survives_pickling_and_copying() -> None:
    item = Indexed([Pair(5, 6)])[0]
    for again in (pickle.loads(pickle.dumps(item)), copy.deepcopy(item), copy.copy(item)):
        assert again == (0, 5, 6) and (again.index, again.a, again.b) == (0, 5, 6)


def test_a_field_index_is_not_overwritten() -> None:
    Placed = namedtuple("Placed", ["index", "x"])
    with pytest.raises(ValueError, match='the field "index", which Placed has already'):
        Indexed([Placed(0, 1)])[0]


class Kept(list[tuple[str, int]]):
    """Items, with attributes that may be their labels."""

    def __init__(self, **beside: Any) -> None:
        super().__init__([("a", 2), ("b", 0), ("c", 1)])
        vars(self).update(beside)


def second(item: tuple[str, int]) -> int:
    return item[1]


@pytest.mark.parametrize("name", ["targets", "labels", "label"])
@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_labels_are_read_from_the_attributes_of_a_dataset(name: str, kind: Any) -> None:
    found = labels_beside(Kept(**{name: kind([2, 0, 1])}), second)
    assert found is not None and found.tolist() == [2, 0, 1]


def test_a_subset_has_the_labels_of_its_samples() -> None:
    part: Subset[Any] = Subset(Subset(Kept(targets=[2, 0, 1]), [2, 0]), [1])  # type: ignore[arg-type]  # a list is one
    found = labels_beside(part, second)
    assert found is not None and found.tolist() == [2]


@pytest.mark.parametrize("kept", [None, [], [2, 0], [1, 0, 1], "abc", [[2], [0], [1]]])
def test_attributes_that_are_not_the_labels_are_ignored(kept: Any) -> None:
    assert labels_beside(Kept(targets=kept), second) is None
    assert labels_beside(TensorDataset(torch.ones(2)), second) is None
