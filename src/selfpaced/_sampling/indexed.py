"""``Indexed``: a dataset whose items carry their index; and the labels of a dataset."""

import copy
import operator
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset

from selfpaced._errors import require
from selfpaced._public import public

LABELS = ("targets", "labels", "label")  # attributes in which datasets keep labels, in order


@public("selfpaced")
class Indexed(Dataset[Any]):
    """A dataset whose items carry their index, for any map-style dataset.

    If the dataset takes a list or a tensor of indices (``TensorDataset``, Hugging Face datasets,
    arrays), so does this one. A batch is then read by one indexing, and nothing is collated, with
    ``DataLoader(Indexed(dataset), batch_size=None, sampler=BatchSampler(...))``.

    Index the dataset that is trained on, as a whole: ``Indexed(Subset(...))``, not
    ``Subset(Indexed(...))``, and ``Indexed(ConcatDataset([a, b]))``. The indices of an ``Indexed``
    within a ``Subset`` or ``ConcatDataset`` are left out, so that an item has one index.

    Args:
        dataset: Any object with ``__getitem__`` and ``__len__``. Its other attributes are
            available here too. ``__getitems__``, which reads a batch in one call, is available
            if the dataset has it or is a ``TensorDataset``.

    Returns:
        Item i is ``(i, *item)`` for a tuple or list, ``{**item, "index": i}`` for a dict and
        ``(i, item)`` for anything else. A named tuple gets a first field "index". The default
        collate makes an int64 tensor of the indices.

    Raises:
        IndexError: For an index before the first sample.
        TypeError: For a dataset without length or items, such as an IterableDataset, and for an
            index that is a slice, a mask, or empty.
        ValueError: For items that have a key or a field "index" already.

    >>> import torch
    >>> Indexed([("a", 0), ("b", 1)])[1]
    (1, 'b', 1)
    >>> Indexed([{"text": "a"}])[0]
    {'text': 'a', 'index': 0}
    >>> Indexed("ab")[1]
    (1, 'b')
    >>> Indexed(torch.tensor([0.5, 0.7, 0.9]))[[0, 2]]
    (tensor([0, 2]), tensor([0.5000, 0.9000]))
    """

    def __init__(self, dataset: Any) -> None:
        """Check that the dataset is map-style, and wrap it."""
        countable = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
        if not countable or isinstance(dataset, IterableDataset):
            raise TypeError(
                f"Indexed expects a map-style dataset with __getitem__ and __len__; "
                f"got {type(dataset).__name__}. An iterable dataset has no indices: use Pacer() "
                f"without n_samples, and pacer(loss) without an index."
            )
        self.dataset = without_indices(dataset)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def __getitem__(self, index: int | Sequence[int] | NDArray[np.int64] | Tensor) -> Any:
        """Return the item with its index; a negative one counts from the end."""
        if type(index) is int and index >= 0:  # the usual call of a loader
            return _with_index(index, self.dataset[index])
        if not isinstance(index, int) and getattr(index, "ndim", 1) > 0:
            return self._batch(np.asarray(index))
        place = int(index)  # type: ignore[arg-type]  # it is one number here
        place += len(self) if place < 0 else 0
        self._check(place)
        return _with_index(place, self.dataset[place])

    def _batch(self, places: NDArray[np.int64]) -> Any:
        """Return many items as the dataset returns them, with their indices."""
        if places.dtype != np.int64 or places.ndim != 1 or not places.size:
            raise TypeError(
                f"Indexed takes an int, or a list of one or more ints; got an index of "
                f"{places.dtype} and shape {places.shape}."
            )
        if places.min() < 0:
            places = np.where(places < 0, places + len(self), places)
            self._check(int(places.min()))
        return _with_index(torch.from_numpy(places), self.dataset[places])

    def _check(self, lowest: int) -> None:
        """Raise for an index before the first sample; the dataset raises for one after the last."""
        if lowest < 0:
            n = len(self)
            raise IndexError(f"index {lowest - n} is out of range for {n} samples.")

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the wrapped dataset, or ``__getitems__`` with indices."""
        if name == "dataset" or (name.startswith("__") and name != "__getitems__"):
            raise AttributeError(name)  # before __init__ (copy, pickle), or a protocol of Python
        if name == "__getitems__" and type(self.dataset) is TensorDataset:
            return self._rows
        if name == "__getitems__":
            self.dataset.__getitems__  # noqa: B018 - raises AttributeError where there is none
            return self._getitems
        return getattr(self.dataset, name)

    def _rows(self, indices: Sequence[int]) -> list[Any]:
        """Fetch a batch of a ``TensorDataset``, with one indexing per tensor."""
        index, *parts = self._batch(np.asarray(indices))
        return list(zip(index.tolist(), *(part.unbind() for part in parts), strict=True))

    def _getitems(self, indices: Sequence[int]) -> list[Any]:
        """Fetch a batch in one call of the wrapped dataset."""
        items = self.dataset.__getitems__(list(indices))
        return [_with_index(int(i), item) for i, item in zip(indices, items, strict=True)]


def _with_index(index: int | Tensor, item: Any) -> Any:
    """Add the index to an item: as its first element, or under the key "index"."""
    if isinstance(item, Mapping):
        require(
            "index" not in item,
            'Indexed adds the key "index", which the items have already. Rename the key.',
        )
        return {**item, "index": index}
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return _named(type(item), index, *item)
    if isinstance(item, tuple | list):
        return (index, *item)
    return (index, item)


def _named(kind: Any, *values: object) -> Any:
    """Return a named tuple with the index and the fields of an item of this kind."""
    return _with_field(kind)(*values)


@cache
def _with_field(kind: Any) -> Any:
    """Return a kind of named tuple with "index" before the fields of another kind.

    It is pickled by that other kind, because loader workers could not find it by its name.
    """
    require(
        "index" not in kind._fields,
        f'Indexed adds the field "index", which {kind.__name__} has already. Rename the field.',
    )
    fields: Any = namedtuple(kind.__name__, ("index", *kind._fields))  # type: ignore[misc]  # made
    pickled = {"__reduce__": lambda item: (_named, (kind, *item))}
    return type(kind.__name__, (fields,), {"__slots__": (), **pickled})


def without_indices(dataset: Any) -> Any:
    """Return a dataset without the ``Indexed`` in it, as far as Subset and ConcatDataset show it.

    >>> without_indices(Subset(Indexed("abc"), [2, 0]))[0]
    'c'
    """
    if type(dataset) is Indexed:
        return dataset.dataset
    if isinstance(dataset, Subset):
        inner = without_indices(dataset.dataset)
        return dataset if inner is dataset.dataset else _replaced(dataset, "dataset", inner)
    if isinstance(dataset, ConcatDataset):
        parts = [without_indices(part) for part in dataset.datasets]
        same = all(map(operator.is_, parts, dataset.datasets))
        return dataset if same else _replaced(dataset, "datasets", parts)
    return dataset


def _replaced(dataset: Any, name: str, value: object) -> Any:
    """Return a copy of a dataset with another attribute."""
    made = copy.copy(dataset)
    setattr(made, name, value)
    return made


def labels_beside(
    dataset: Any,
    label_of: Callable[[Any], object],
) -> NDArray[Any] | None:
    """Return the labels that a dataset keeps in an attribute, shape (n,); None if it keeps none.

    They are only used if there is one per item and the first is that of the first item. For a
    ``Subset`` they are the labels of its samples.

    Args:
        dataset: A map-style dataset.
        label_of: Returns the label of an item.

    >>> class Digits(list):
    ...     targets = [7, 3]
    >>> labels_beside(Digits([("seven", 7), ("three", 3)]), lambda item: item[1])
    array([7, 3])
    """
    if isinstance(dataset, Subset):
        whole = labels_beside(dataset.dataset, label_of)
        return None if whole is None else whole[np.asarray(dataset.indices)]
    kept = next((k for name in LABELS if (k := getattr(dataset, name, None)) is not None), None)
    if not isinstance(kept, list | tuple | np.ndarray | Tensor) or not len(kept):
        return None
    values = np.asarray(kept)
    fits = values.shape == (len(dataset),)
    return values if fits and values[0] == label_of(dataset[0]) else None
