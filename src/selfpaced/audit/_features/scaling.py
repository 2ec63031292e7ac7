"""Numbers brought to one scale, as those that a model learnt from were."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
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
