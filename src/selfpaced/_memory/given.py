"""Columns as users have them: tensors, arrays, lists, and columns of data frames."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import NUMBERED


def values_of(name: str, column: object) -> Tensor:
    """Return the values of a column, by position; integers and booleans as int64.

    Args:
        name: For the message.
        column: A tensor, an array, a list, or a column of pandas, polars or datasets. The index of
            a pandas Series does not count.

    Raises:
        TypeError: For values that are not numbers.

    >>> values_of("group", [True, False])
    tensor([1, 0])
    """
    if not isinstance(column, Tensor | np.ndarray) and not hasattr(column, "__array__"):
        column = _whole(column)
    if not isinstance(column, Tensor):
        column = torch.from_numpy(_numbers(name, np.asarray(column)))
    whole = not (column.is_floating_point() or column.is_complex())
    return column.long() if whole else column


def _whole(column: object) -> object:
    """Return a column read at once: one of datasets reads an item at a time otherwise."""
    try:
        return column[:]  # type: ignore[index]  # one that has no items is returned as it is
    except (TypeError, KeyError):
        return column


def _numbers(name: str, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return an array of numbers; raise ``TypeError`` for any other.

    An array of objects is one of numbers if all of its objects are.
    """
    if values.dtype.kind == "O":
        values = np.array(values.tolist())
    if values.dtype.kind not in "biuf":
        kind = "strings" if values.dtype.kind in "US" else values.dtype
        raise TypeError(
            f"column {name!r} must hold numbers; got {kind} such as "
            f"{str(values.ravel()[:2].tolist())[:60]}. For labels: {NUMBERED}"
        )
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
