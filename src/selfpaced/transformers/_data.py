"""The train set: an index in each item and batch, its labels, and the default pacer for them."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import IterableDataset
from transformers.utils.import_utils import is_datasets_available

from selfpaced._errors import require
from selfpaced._pacer.checks import about_tags
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.indexed import Indexed, labels_beside
from selfpaced.age import Deviations
from selfpaced.transformers._losses import NUMBERS, TAGS

if is_datasets_available():
    import datasets

# Key of the index in items and batches.
INDEX = "index"
# Keys under which the host's data collators look for the label of an item.
LABELS = ("labels", "label", "label_ids")


def numbered(dataset: Any) -> Any:  # noqa: ANN401 - any dataset that the host takes
    """Return the dataset with an index in each item.

    A ``datasets.Dataset`` gets a column, which ``map``, ``filter`` and ``shuffle`` keep. If it
    makes its items with a function of the user, it is wrapped in ``Indexed``, as any other dataset.

    Raises:
        TypeError: For a stream.
        ValueError: For a dataset that has a column "index" already.
    """
    streams = isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__")
    if streams or not hasattr(dataset, "__getitem__"):
        raise TypeError(
            f"A self-paced trainer needs a train_dataset with __len__ and __getitem__; got "
            f"{type(dataset).__name__}. A stream has no indices to remember losses by: load it "
            f"as a whole, as a datasets.Dataset."
        )
    require(
        INDEX not in (getattr(dataset, "column_names", None) or []),
        f'The train_dataset has a column "{INDEX}" already, where the trainer keeps each '
        f"sample's index. Rename it.",
    )
    if is_table(dataset) and dataset.format["type"] != "custom":
        return dataset.add_column(INDEX, np.arange(len(dataset)))
    return Numbered(dataset)


class Numbered(Indexed):
    """The trainer's own ``Indexed``: another one is of other samples."""


def require_index(dataset: Any) -> None:  # noqa: ANN401 - as above
    """Raise for a dataset that came in place of the numbered one, and is no part of it."""
    part = dataset
    while not isinstance(part, Numbered) and hasattr(part, "dataset"):
        part = part.dataset  # a Subset of it, or another wrapper
    require(
        isinstance(part, Numbered) or INDEX in (getattr(part, "column_names", None) or []),
        f"The train_dataset was replaced after the trainer was made: a {type(dataset).__name__} of "
        f"{len(dataset)} samples that have no index. Make a new trainer for it. A part of "
        f"trainer.train_dataset can be put in its place (select, filter, shuffle; torch's Subset).",
    )


def is_table(dataset: object) -> bool:
    """Say whether a dataset is a ``datasets.Dataset`` of Hugging Face."""
    return is_datasets_available() and isinstance(dataset, datasets.Dataset)


def in_place(dataset: Any, n: int) -> bool:  # noqa: ANN401 - as above
    """Say whether item i still is sample i, for all n samples."""
    if not is_table(dataset):
        return len(dataset) == n
    index = dataset.with_format("numpy", columns=[INDEX])[:][INDEX]
    return bool(np.array_equal(index, np.arange(n)))


@dataclass(frozen=True)
class Numbering:
    """A data collator that takes the index out of the items, and puts it into the batch.

    Args:
        collate: The collator of the user or the host, ``InOrder``.
    """

    collate: Callable[[list[Any]], Mapping[str, Any]]

    def __call__(self, items: list[Any]) -> dict[str, Any]:
        """Return the batch with "index", int64, shape (B,)."""
        index, bare = zip(*map(_split, items), strict=True)
        return {**self.collate(list(bare)), INDEX: torch.tensor(index, dtype=torch.int64)}


def _split(item: Any) -> tuple[int, Any]:  # noqa: ANN401 - any item
    """Return the index of an item, and the item as its dataset made it."""
    if isinstance(item, dict):  # made for this batch by Indexed or by a table: it may be changed
        return int(item.pop(INDEX)), item
    index, *rest = item
    return int(index), rest[0] if len(rest) == 1 else tuple(rest)


def without_index(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the batch as the user's collator made it."""
    return {key: value for key, value in inputs.items() if key != INDEX}


def default_pacer(dataset: Any, model: nn.Module | None) -> Pacer:  # noqa: ANN401 - any dataset
    """Return a pacer for the labels of a dataset.

    It protects each class where labels are classes, and has the age of a regression where they are
    numbers.

    Args:
        dataset: As the host takes it.
        model: If its config says regression or has one label, labels are numbers of any type.

    Warns:
        UserWarning: For classes that cannot be read without loading all items, and for tags.
    """
    n, labels = len(dataset), labels_of(dataset)
    config = getattr(model, "config", None)
    problem = getattr(config, "problem_type", None)
    if (
        problem == NUMBERS
        or getattr(config, "num_labels", 0) == 1
        or (labels is not None and labels.is_floating_point())
    ):
        return Pacer(n, age=Deviations())
    if labels is not None:
        return Pacer(n, columns={"group": labels.long()} if int(labels.min()) >= 0 else None)
    first = dataset[0] if n else None
    if _are_tags(first, problem):
        warnings.warn(about_tags("labels", "pacer=Pacer(n, age={})"), stacklevel=3)
    if _label_of(first).dtype.kind in "biu":
        warnings.warn(
            f"The labels of a {type(dataset).__name__} are not known without loading its items, so "
            f'no class is protected. Give pacer=Pacer(n, columns={{"group": labels}}), or give the '
            f"dataset an attribute labels that holds them.",
            stacklevel=3,
        )
    return Pacer(n)


def _are_tags(item: object, problem: str | None) -> bool:
    """Say whether an item's labels are tags: several numbers, and not those of a regression.

    Measured where 20 to 30 % of the samples have wrong tags: neither the mean, nor the sum, nor the
    maximum of a sample's losses has a valley that Auto can rely on. With the last two it may leave
    out samples with rare tags.
    """
    label = _labels_in(item)
    return (
        problem in (None, TAGS)
        and label.ndim == 1
        and len(label) > 1
        and (problem == TAGS or label.dtype.kind == "f")
    )


def labels_of(dataset: Any) -> Tensor | None:  # noqa: ANN401 - as above
    """Return one number per sample, shape (n,), if no item must be loaded for it; else None.

    The labels are read from a column of a table, from dicts in memory, or from an attribute
    "targets" or "labels" of the dataset whose first value is the label of the first item.
    """
    if is_table(dataset):
        values = _column(dataset)
    elif isinstance(dataset, list | tuple):
        values = np.asarray([_label_of(item) for item in dataset] if _has_one(dataset) else [])
    else:
        kept = labels_beside(dataset, _label_of)
        values = np.empty(0) if kept is None else kept
    right = values.shape == (len(dataset),) and values.dtype.kind in "biuf"
    return torch.from_numpy(values.copy()) if right and len(values) else None


def _label_of(item: object) -> NDArray[Any]:
    """Return the one label of an item; an array of text if it has none, or several."""
    label = _labels_in(item)
    return label if label.ndim == 0 else np.asarray("")


def _labels_in(item: object) -> NDArray[Any]:
    """Return the label of an item, or its labels; an array of text if it has none."""
    if not isinstance(item, Mapping):
        return np.asarray("")
    return np.asarray(next((item[name] for name in LABELS if name in item), ""))


def _has_one(items: list[object] | tuple[object, ...]) -> bool:
    """Say whether each item has one label, a number."""
    return all(_label_of(item).dtype.kind in "biuf" for item in items)


def _column(table: Any) -> NDArray[Any]:  # noqa: ANN401 - a datasets.Dataset
    """Return the table's column of plain labels; an empty array where it has none."""
    name = next((name for name in LABELS if name in table.column_names), None)
    plain = datasets.Value, datasets.ClassLabel
    if name is None or not isinstance(table.features[name], plain):
        return np.empty(0)
    return np.asarray(table.with_format("numpy", columns=[name])[:][name])
