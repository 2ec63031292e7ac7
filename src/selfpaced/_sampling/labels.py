"""The labels that a dataset keeps beside its items, so that they need not be loaded to be known."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Subset

NAMES = ("targets", "labels", "label")  # as datasets of images have them


def labels_beside(
    dataset: Any,
    label_of: Callable[[Any], object],
) -> NDArray[Any] | None:
    """Return one label per sample, shape (n,), of a dataset's attribute "targets" or "labels".

    They count where there are as many as items, and the first one is the first item's. A part of a
    dataset (``Subset``) has its part of them.

    Args:
        dataset: Map-style.
        label_of: Returns the label of an item.

    >>> class Digits(list):
    ...     targets = [7, 3]
    >>> labels_beside(Digits([("seven", 7), ("three", 3)]), lambda item: item[1])
    array([7, 3])
    """
    if isinstance(dataset, Subset):
        whole = labels_beside(dataset.dataset, label_of)
        return None if whole is None else whole[np.asarray(dataset.indices)]
    kept = next((k for name in NAMES if (k := getattr(dataset, name, None)) is not None), None)
    if not isinstance(kept, list | tuple | np.ndarray | Tensor) or not len(kept):
        return None
    values = np.asarray(kept)
    fits = values.shape == (len(dataset),)
    return values if fits and values[0] == label_of(dataset[0]) else None
