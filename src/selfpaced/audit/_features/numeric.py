"""Arrays and images as a network learns from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer

from selfpaced._errors import require
from selfpaced.audit._features.scaling import Scale, standard
from selfpaced.audit._reading.words import count


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
