"""Arrays and images as a network learns from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer

from selfpaced._errors import require
from selfpaced.audit._reading.words import count
from selfpaced.chain import Floats

COLUMNS = 64  # at a time, so that little is held twice


@dataclass(frozen=True, eq=False)
class Scale:
    """Subtracts and divides, column by column.

    Args:
        middle: What becomes 0, shape (columns,).
        unit: What becomes 1, shape (columns,).
    """

    middle: Floats
    unit: Floats

    def apply(self, rows: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write scaled rows, shape (n, columns), to ``out``."""
        for start in range(0, rows.shape[1], COLUMNS):
            part = slice(start, start + COLUMNS)
            out[:, part] = (rows[:, part] - self.middle[part]) / self.unit[part]


def standard(rows: NDArray[Any]) -> Scale:
    """Return the scale of mean 0 and deviation 1; a constant column becomes 0.

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
    """Leaves images as they are.

    Args:
        shape: Of an image: (channels, height, width).
    """

    shape: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """None: pixels have no names."""
        return []

    def transform(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return images, uint8, shape (n, channels, height, width)."""
        require_shape(rows, self.shape, " Pass --side.")
        return rows


@dataclass(eq=False)
class Numbers:
    """Brings numbers to mean 0 and deviation 1.

    Args:
        shape: Of a row.
        scale: Of each column; one for all numbers of rows that have more than one axis.
        imputer: Fills gaps with the median and says where they were; None for more axes.
    """

    shape: tuple[int, ...]
    scale: Scale
    imputer: Any

    @property
    def names(self) -> list[str]:
        """None: the columns of an array have no names."""
        return []

    def transform(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return float32, shape (n, width), or (n, ...) for rows of more axes."""
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
    """Learn how to scale the rows of an array, and scale them.

    Raises:
        ValueError: For gaps in rows of more than one axis.
    """
    imputer, notes = None, tuple[str, ...]()
    bad = int((~np.isfinite(rows)).sum())
    if rows.ndim > 2 or not bad:
        flat = _whole(rows)
    else:
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        flat = imputer.fit_transform(_with_gaps(rows))
        notes = (
            f"{count(bad, 'number')} missing or infinite: filled with the median of the column and "
            f"marked.",
        )
    numbers = Numbers(rows.shape[1:], standard(flat), imputer)
    return numbers, numbers.transform(rows), notes


def require_shape(rows: NDArray[Any], shape: tuple[int, ...], do: str = "") -> None:
    """Raise for samples of another shape than those learnt from."""
    got = tuple(rows.shape[1:])
    require(
        got == shape,
        f"The model learnt from samples of shape {shape}; got {got}. Give the same shape.{do}",
    )


def _with_gaps(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return float64 with NaN for what is infinite."""
    return np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)


def _whole(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows without gaps, those of more axes as one column; raise for gaps."""
    bad = int((~np.isfinite(rows)).sum())
    require(
        bad == 0,
        f"{count(bad, 'number')} of rows of shape {rows.shape[1:]} missing or infinite. Fill them "
        f"in: gaps are filled here only in rows of one axis, where the first rows had some too.",
    )
    return rows.reshape(-1, 1) if rows.ndim > 2 else rows
