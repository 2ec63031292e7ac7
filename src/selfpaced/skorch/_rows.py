"""Training data of skorch: batches with the places of their samples, and the rows of X."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.utils import data_from_dataset
from torch import Tensor
from torch.utils.data import Subset

from selfpaced._errors import require
from selfpaced._memory.given import values_of
from selfpaced._sampling.indexed import Indexed, labels_beside

Places = NDArray[np.int64]


class PlacedBatch(NamedTuple):
    """A batch for the net's steps, and the places of its samples in the training data."""

    places: Tensor
    batch: Any


class Numbered(Indexed):
    """A dataset of pairs: the place of an item, and the item, whatever it is."""

    def __init__(self, dataset: Any) -> None:
        """Keep the dataset as it is, also with the indices of an ``Indexed``."""
        super().__init__(dataset)
        self.dataset = dataset

    def __getitem__(self, place: Any) -> Any:
        """Return a place and its item."""
        return place, self.dataset[place]

    def __getitems__(self, places: Sequence[int]) -> list[Any]:
        """Return many pairs, fetched in one call if the dataset has ``__getitems__``."""
        fetch = getattr(self.dataset, "__getitems__", None)
        items = fetch(places) if fetch else [self.dataset[place] for place in places]
        return list(zip(places, items, strict=True))


@dataclass(frozen=True)
class PlacedCollate:
    """Collates items as the user's loader does (``InOrder``), and keeps their places."""

    collate: Callable[[list[Any]], Any]

    def __call__(self, pairs: list[tuple[int, Any]]) -> PlacedBatch:
        """Return the batch with its places, int64, shape (B,)."""
        return PlacedBatch(
            torch.tensor([place for place, _ in pairs]), self.collate([item for _, item in pairs])
        )


def rows_of(dataset: Any, whole: Any) -> tuple[Places, int]:
    """Return the rows of the whole dataset that a part of it has, and the size of the whole.

    A training dataset that is no part of the whole (a ``train_split`` may return one) counts as a
    whole of its own.
    """
    if dataset is whole or not isinstance(dataset, Subset):
        return np.arange(len(Indexed(dataset))), len(dataset)
    rows, n_rows = rows_of(dataset.dataset, whole)
    return rows[np.asarray(dataset.indices)], n_rows


def targets_of(train: Any, y: Any, rows: Places) -> NDArray[Any] | None:
    """Return the targets of the training samples, shape (n, ...); None if they are not known."""
    if y is None:
        rows = np.arange(len(rows))
        try:
            y = data_from_dataset(train)[1]
        except AttributeError:
            y = labels_beside(train, lambda item: item[1])
    return None if y is None else np.asarray(y.cpu() if isinstance(y, Tensor) else y)[rows]


def mark_of(targets: NDArray[Any] | None) -> int:
    """Return a checksum of the targets, by which other targets are noticed; 0 without targets."""
    if targets is None:
        return 0
    plain = targets.dtype.kind not in "OUS"
    return zlib.crc32(targets.tobytes() if plain else repr(targets.tolist()).encode())


def codes(labels: NDArray[Any]) -> Tensor:
    """Return labels of any kind as class codes from 0, int64, shape (n,)."""
    return torch.from_numpy(np.unique(labels, return_inverse=True)[1])


def column_of_rows(name: str, column: Any, rows: Places, n_rows: int) -> Tensor:
    """Return the values of a column at the training rows; the column has one per row of X."""
    whole = values_of(name, column)
    require(
        whole.shape == (n_rows,),
        f"SelfPacedMixin: column {name!r} of pacer__columns must have one value per row of X, "
        f"shape ({n_rows},); got shape {tuple(whole.shape)}.",
    )
    return whole[torch.from_numpy(rows)]
