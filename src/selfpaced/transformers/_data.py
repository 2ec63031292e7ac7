"""A train set whose items carry their index, past any data collator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset
from transformers.utils.import_utils import is_datasets_available

from selfpaced._errors import require
from selfpaced._sampling.indexed import Indexed

if is_datasets_available():
    import datasets

INDEX = "index"


def without_index(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch as the user's collator made it."""
    return {key: value for key, value in inputs.items() if key != INDEX}


def is_table(dataset: object) -> bool:
    """Say whether a dataset is one of Hugging Face's, in columns."""
    return is_datasets_available() and isinstance(dataset, datasets.Dataset)


def numbered(dataset: Any) -> Any:  # noqa: ANN401 - any dataset that the host takes
    """Return the dataset with an index in each item.

    A table gets a column, which lives through ``map``, ``filter`` and ``shuffle``; one that makes
    its items by itself, and any other dataset, is wrapped in ``Indexed``.

    Raises:
        TypeError: For a stream.
        ValueError: For a dataset that has a column "index" already.
    """
    streams = isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__")
    if streams or not hasattr(dataset, "__getitem__"):
        raise TypeError(
            f"A self-paced trainer needs a train_dataset with __len__ and __getitem__; got "
            f"{type(dataset).__name__}. A stream has no indices to remember losses by: load it "
            f"whole, as a datasets.Dataset."
        )
    require(
        INDEX not in (getattr(dataset, "column_names", None) or []),
        f'The train_dataset has a column "{INDEX}" already, where the trainer keeps each '
        f"sample's place. Rename it.",
    )
    if is_table(dataset) and dataset.format["type"] != "custom":
        return dataset.add_column(INDEX, np.arange(len(dataset)))
    return Indexed(dataset)


def in_place(dataset: Any, n: int) -> bool:  # noqa: ANN401 - as above
    """Say whether item i still is sample i, for all n."""
    if not is_table(dataset):
        return len(dataset) == n
    index = dataset.with_format("numpy", columns=[INDEX])[:][INDEX]
    return bool(np.array_equal(index, np.arange(n)))


@dataclass(frozen=True)
class Numbering:
    """Take the index out of the items, let a data collator make the batch, and put it in.

    The collator must keep the order of the items.

    Args:
        collate: The user's or the host's.
    """

    collate: Callable[[list[Any]], Mapping[str, Any]]

    def __call__(self, items: list[Any]) -> dict[str, Any]:
        """Return the batch with "index", int64, shape (B,)."""
        index, bare = zip(*map(_split, items), strict=True)
        return {**self.collate(list(bare)), INDEX: torch.tensor(index, dtype=torch.int64)}


def _split(item: Any) -> tuple[int, Any]:  # noqa: ANN401 - any item
    """Return the index of an item, and the item as its dataset made it."""
    if isinstance(item, dict):  # made by Indexed or by a table for this batch
        return int(item.pop(INDEX)), item
    index, *rest = item
    return int(index), rest[0] if len(rest) == 1 else tuple(rest)
