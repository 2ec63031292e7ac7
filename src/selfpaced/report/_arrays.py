"""Plain arrays from whatever the caller has: lists, numpy arrays or tensors."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from selfpaced._errors import require

Numbers = ArrayLike | Tensor
Floats = NDArray[np.float64]


def as_array(values: Numbers) -> NDArray[np.generic]:
    """Return the values off the graph and off the accelerator, in their own dtype if it exists.

    >>> as_array([1, 2]).dtype.kind
    'i'
    """
    if not isinstance(values, Tensor):
        return np.asarray(values)
    held = values.detach().cpu()
    narrow = held.dtype == torch.bfloat16  # unknown to numpy
    return np.asarray((held.float() if narrow else held).numpy())


def as_floats(values: Numbers) -> NDArray[np.float64]:
    """Return a float64 copy of the values.

    >>> as_floats([1, 2]).tolist()
    [1.0, 2.0]
    """
    return as_array(values).astype(np.float64)


def as_row(values: Numbers, name: str, length: int | None = None) -> NDArray[np.float64]:
    """Return the values as one float64 row of a known length.

    Args:
        values: Shape (n,).
        name: What they are, for the error.
        length: The n expected; any of at least 1 by default.

    Raises:
        ValueError: For another shape, or for nothing.

    >>> as_row([True, False], "marks").tolist()
    [1.0, 0.0]
    """
    row = as_floats(values)
    require(
        row.ndim == 1,
        f"{name} must be one row of numbers, shape (n,); got shape {row.shape}. Flatten it.",
    )
    require(len(row) > 0, f"{name} must hold at least one number; got none.")
    require(
        length is None or len(row) == length,
        f"{name} must hold one value for each of the {length}; got {len(row)}.",
    )
    return row
