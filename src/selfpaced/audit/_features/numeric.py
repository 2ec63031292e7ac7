"""Arrays and images as features that a model learns from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._learning.inputs import Inputs
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
        constant = np.ptp(block, axis=0) == 0  # the mean of equal large numbers is another number
        middle[part] = np.where(constant, rows[0, part], block.mean(0) * size)
        unit[part] = np.where(constant, 1.0, block.std(0) * size)
    return Scale(middle, unit)


def together(rows: NDArray[Any]) -> Scale:
    """Return the scale that gives mean 0, and deviation 1 to the column that differs most.

    >>> together(np.array([[0.0, 0.0], [4.0, 2.0]])).unit.tolist()
    [2.0, 2.0]
    """
    each = standard(rows)
    largest = float(rows.std(axis=0, dtype=np.float64).max(initial=0.0)) or 1.0
    return Scale(each.middle, np.full(rows.shape[1], largest))


@dataclass(frozen=True, eq=False)
class Gaps:
    """Fills gaps (NaN), and appends features that say where they were.

    Args:
        filling: The value for the gaps of each column, shape (columns,).
        marked: The positions of the columns that get a further feature: 1 at a gap, 0 elsewhere.
    """

    filling: Floats
    marked: NDArray[np.int64]

    def fill(self, rows: Floats) -> Floats:
        """Return rows of shape (n, columns) without gaps, shape (n, columns + len(marked))."""
        gaps = np.isnan(rows)
        return np.hstack([np.where(gaps, self.filling, rows), gaps[:, self.marked]])


def learn_gaps(rows: Floats) -> Gaps:
    """Learn the median of each column, 0 for one without any number, and which have gaps.

    >>> learn_gaps(np.array([[1.0, 5.0], [np.nan, 5.0], [3.0, 5.0]])).fill(np.array([[np.nan, 7]]))
    array([[2., 7., 1.]])
    """
    gaps, filling = np.isnan(rows), np.zeros(rows.shape[1])
    known, some = ~gaps.all(0), gaps.any(0)
    # Halves, since the median of two numbers near the largest float is half of their sum.
    filling[~some] = 2 * np.median(rows[:, ~some] / 2, axis=0)  # much faster than nanmedian
    filling[known & some] = 2 * np.nanmedian(rows[:, known & some] / 2, axis=0)
    return Gaps(filling, np.flatnonzero(some))


@dataclass(eq=False)
class Pixels:
    """Returns images as they are.

    Args:
        shape: The shape of an image: (channels, height, width).
        depth: Bits per pixel before they became 8.
    """

    shape: tuple[int, ...]
    depth: int = 8

    @property
    def names(self) -> list[str]:
        """An empty list: pixels have no names."""
        return []

    def transform(self, rows: NDArray[np.uint8]) -> Inputs:
        """Return images, uint8, shape (n, channels, height, width)."""
        channels, height, width = self.shape
        do = f"Convert the images to {width} x {height} pixels and {count(channels, 'channel')}."
        require_shape(rows, self.shape, do)
        return Inputs(rows)


@dataclass(eq=False)
class Numbers:
    """Scales numbers to mean 0 and standard deviation 1.

    Args:
        shape: The shape of a row.
        scale: The scale of each column; of all numbers together for rows of several dimensions.
        gaps: Fills gaps with the median and adds features that say where they were; None if there
            were no gaps, and for rows of several dimensions.
    """

    shape: tuple[int, ...]
    scale: Scale
    gaps: Gaps | None

    @property
    def names(self) -> list[str]:
        """An empty list: the columns of an array have no names."""
        return []

    def transform(self, rows: NDArray[Any]) -> Inputs:
        """Return float32, shape (n, width), or the shape of rows of several dimensions."""
        return Inputs(self.scaled(rows))

    def scaled(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the scaled rows; see ``transform``."""
        require_shape(rows, self.shape)
        flat = _whole(rows) if self.gaps is None else self.gaps.fill(_with_gaps(rows))
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
    gaps, notes = None, tuple[str, ...]()
    bad = int((~np.isfinite(rows)).sum())
    if rows.ndim > 2 or not bad:
        flat = _whole(rows)
    else:
        with_gaps = _with_gaps(rows)
        gaps = learn_gaps(with_gaps)
        flat = gaps.fill(with_gaps)
        notes = (
            f"{count(bad, 'number')} {are(bad)} missing or infinite, and replaced by the median of "
            f"the column; a further feature says where.",
        )
    numbers = Numbers(rows.shape[1:], standard(flat), gaps)
    return numbers, numbers.scaled(rows), notes


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
