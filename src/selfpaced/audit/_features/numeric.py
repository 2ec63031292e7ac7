"""Arrays and images as features that a model learns from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer

from selfpaced._errors import require
from selfpaced.audit._reading.words import are, count
from selfpaced.chain import Floats

# The number of columns that are scaled at a time, so that copies stay small.
COLUMNS = 64


@dataclass(frozen=True, eq=False)
class Scale:
    """Shifts and scales each column: (value - middle) / unit.

    Args:
        middle: The value that becomes 0, shape (columns,).
        unit: The difference that becomes 1, shape (columns,).
    """

    middle: Floats
    unit: Floats

    def apply(self, rows: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write the scaled rows to ``out``; both have shape (n, columns)."""
        for start in range(0, rows.shape[1], COLUMNS):
            part = slice(start, start + COLUMNS)
            out[:, part] = (rows[:, part] - self.middle[part]) / self.unit[part]


def standard(rows: NDArray[Any]) -> Scale:
    """Return the scale that gives mean 0 and standard deviation 1; constant columns become 0.

    >>> rows, out = np.array([[1.0, 5.0], [3.0, 5.0]]), np.empty((2, 2), np.float32)
    >>> standard(rows).apply(rows, out)
    >>> out.tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    middle, unit = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
    for start in range(0, rows.shape[1], COLUMNS):
        part = slice(start, start + COLUMNS)
        block = rows[:, part].astype(np.float64)
        _, exponent = np.frexp(np.abs(block).max(axis=0, initial=0.0))
        size = np.ldexp(1.0, exponent - 1)  # a power of two, so that nothing is rounded
        block /= size  # squares of very large numbers would be infinite
        middle[part], deviation = block.mean(0) * size, block.std(0)
        unit[part] = np.where(np.ptp(block, axis=0) > 0, deviation * size, 1.0)
    return Scale(middle, unit)


@dataclass(eq=False)
class Pixels:
    """Returns images as they are.

    Args:
        shape: The shape of an image: (channels, height, width).
    """

    shape: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """An empty list: pixels have no names."""
        return []

    def transform(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return images, uint8, shape (n, channels, height, width)."""
        channels, height, width = self.shape
        do = f"Convert the images to {width} x {height} pixels and {count(channels, 'channel')}."
        require_shape(rows, self.shape, do)
        return rows


@dataclass(eq=False)
class Numbers:
    """Scales numbers to mean 0 and standard deviation 1.

    Args:
        shape: The shape of a row.
        scale: The scale of each column; of all numbers together for rows of several dimensions.
        imputer: Fills gaps with the median and adds features that say where they were; None if
            there were no gaps, and for rows of several dimensions.
    """

    shape: tuple[int, ...]
    scale: Scale
    imputer: Any

    @property
    def names(self) -> list[str]:
        """An empty list: the columns of an array have no names."""
        return []

    def transform(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return float32, shape (n, width), or the shape of rows of several dimensions."""
        require_shape(rows, self.shape)
        if self.imputer is None:
            flat = _whole(rows)
        else:
            flat = self.imputer.transform(_with_gaps(rows))
        out = np.empty(flat.shape, np.float32)
        self.scale.apply(flat, out)
        return out.reshape(rows.shape) if rows.ndim > 2 else out


def learn_numbers(
    rows: NDArray[Any],
) -> tuple[Numbers, NDArray[np.float32], tuple[str, ...]]:
    """Learn how to scale the rows of an array, and return it, the scaled rows, and notes on gaps.

    Raises:
        ValueError: For gaps in rows of several dimensions.
    """
    imputer, notes = None, tuple[str, ...]()
    bad = int((~np.isfinite(rows)).sum())
    if rows.ndim > 2 or not bad:
        flat = _whole(rows)
    else:
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        flat = imputer.fit_transform(_with_gaps(rows))
        notes = (
            f"{count(bad, 'number')} {are(bad)} missing or infinite, and replaced by the median of "
            f"the column; a further feature says where.",
        )
    numbers = Numbers(rows.shape[1:], standard(flat), imputer)
    return numbers, numbers.transform(rows), notes


def require_shape(
    rows: NDArray[Any], shape: tuple[int, ...], do: str = "Give the same shape."
) -> None:
    """Raise for samples of another shape than those that were learned from.

    Args:
        rows: The samples, shape (n, ...).
        shape: The shape of a sample that was learned from.
        do: What the user can do.
    """
    got = tuple(rows.shape[1:])
    require(
        got == shape,
        f"The model learned from samples of shape {shape}; got {got}. {do}",
    )


def _with_gaps(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rows as float64, with NaN for infinite numbers."""
    return np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)


def _whole(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the rows, those of several dimensions as one column; raise for gaps."""
    bad = int((~np.isfinite(rows)).sum())
    require(
        bad == 0,
        f"{count(bad, 'number')} in rows of shape {rows.shape[1:]} {are(bad)} missing or infinite. "
        f"Replace them: gaps are filled only in rows of one dimension, and only if the rows that "
        f"the model learned from had gaps.",
    )
    return rows.reshape(-1, 1) if rows.ndim > 2 else rows
