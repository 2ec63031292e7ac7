"""Training data of skorch: batches that say where they come from, and which rows of X these are."""

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
from selfpaced._sampling.indexed import Indexed, labels_beside

Places = NDArray[np.int64]


class Placed(NamedTuple):
    """A batch as the net's steps want it, and where in the training data it comes from."""

    places: Tensor
    batch: Any


class Numbered(Indexed):
    """Pairs of a place and an item, whatever the items are."""

    def __getitem__(self, place: Any) -> Any:
        """Return a place and its item."""
        return place, self.dataset[place]

    def __getitems__(self, places: Sequence[int]) -> list[Any]:
        """Return many pairs, fetched in one call where the dataset can."""
        fetch = getattr(self.dataset, "__getitems__", None)
        items = fetch(places) if fetch else [self.dataset[place] for place in places]
        return list(zip(places, items, strict=True))


@dataclass(frozen=True)
class Apart:
    """Collates items as the user's loader does, and their places beside them."""

    collate: Callable[[list[Any]], Any]

    def __call__(self, pairs: list[tuple[int, Any]]) -> Placed:
        """Make a batch."""
        return Placed(
            torch.tensor([place for place, _ in pairs]), self.collate([item for _, item in pairs])
        )


def rows_of(dataset: Any, whole: Any) -> tuple[Places, int]:
    """Return which rows of the whole are in the dataset, and how many the whole has.

    A training dataset that is no part of the whole (a ``train_split`` of the user's) is one itself.
    """
    if dataset is whole or not isinstance(dataset, Subset):
        return np.arange(len(Indexed(dataset))), len(dataset)
    rows, n_rows = rows_of(dataset.dataset, whole)
    return rows[np.asarray(dataset.indices)], n_rows


def targets_of(train: Any, y: Any, rows: Places) -> NDArray[Any] | None:
    """Return the targets of the training samples, shape (n, ...); None where nothing tells them."""
    if y is None:
        rows = np.arange(len(rows))
        try:
            y = data_from_dataset(train)[1]
        except AttributeError:
            y = labels_beside(train, lambda item: item[1])
    return None if y is None else np.asarray(y.cpu() if isinstance(y, Tensor) else y)[rows]


def mark_of(targets: NDArray[Any] | None) -> int:
    """Return a number that tells targets from others; 0 where there are none."""
    if targets is None:
        return 0
    plain = targets.dtype.kind not in "OUS"
    return zlib.crc32(targets.tobytes() if plain else repr(targets.tolist()).encode())


def codes(labels: NDArray[Any]) -> Tensor:
    """Return labels of any kind as numbers from 0."""
    return torch.from_numpy(np.unique(labels, return_inverse=True)[1])


def taken(name: str, column: Any, rows: Places, n_rows: int) -> Tensor:
    """Return the training rows of a column of X's rows."""
    whole = torch.as_tensor(column)
    require(
        whole.shape == (n_rows,),
        f"SelfPacedMixin: column {name!r} of pacer__columns must have one value per row of X, "
        f"shape ({n_rows},); got shape {tuple(whole.shape)}.",
    )
    return whole[torch.from_numpy(rows)]
