"""The neighbours of samples, and the columns in which a sample differs from others of its class."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

# The number of neighbours that are shown, and of those of the same label that are compared with.
NEAREST, ALIKE = 3, 10
# The largest number of samples among which neighbours are looked for.
MOST_ROWS = 200_000
# Distances that are held at once.
BLOCK = 20_000_000
# The largest number of columns that are named, and how far a number differs at least: in widths of
# the middle half of its column.
MOST_COLUMNS, LEAST = 5, 0.5
# How far a row differs in a column, its name, the value, and the usual value.
Difference = tuple[float, str, Any, Any]


class Near(NamedTuple):
    """The neighbours of a sample.

    Args:
        any: Positions of the nearest samples, the nearest first.
        alike: Positions of the nearest samples with the same label.
    """

    any: NDArray[np.int64]
    alike: NDArray[np.int64]


def neighbours(
    rows: NDArray[np.float32], labels: NDArray[np.int64], which: Sequence[int]
) -> Iterator[Near]:
    """Yield the neighbours of some samples, in their order.

    Of more than 200,000 samples, neighbours are looked for among every second, third and so on.

    Args:
        rows: Places of all samples, shape (n, d).
        labels: The label of each, in integers; equal ones if all count as alike.
        which: Positions of the samples.
    """
    pool = np.arange(0, len(rows), max(1, -(-len(rows) // MOST_ROWS)))
    among, size = rows[pool], max(1, BLOCK // max(1, len(pool)))
    of_class = {int(label): np.flatnonzero(labels[pool] == label) for label in labels[[*which]]}
    squares = (among.astype(np.float64) ** 2).sum(1).astype(np.float32)
    for start in range(0, len(which), size):
        part = np.asarray(which[start : start + size])
        far = squares - 2 * rows[part] @ among.T  # less the same number for each row
        far[pool[None, :] == part[:, None]] = np.inf
        for place, distances in zip(part, far, strict=True):
            own = of_class[int(labels[place])]
            alike = own[_least(distances[own], ALIKE)]
            yield Near(pool[_least(distances, NEAREST)], pool[alike])


def _least(distances: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the positions of the k least distances that are finite, in rising order."""
    k = min(k, len(distances))
    some = np.argpartition(distances, k - 1)[:k]
    some = some[np.isfinite(distances[some])]
    return np.asarray(some[np.argsort(distances[some], kind="stable")])


class Columns:
    """The columns of a table, and how far a row differs in each from other rows.

    Args:
        frame: The columns that the model learned from, n rows.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        """Measure the columns of numbers."""
        kinds = zip(frame.columns, frame.dtypes, strict=True)
        self.numbers = [str(name) for name, kind in kinds if types.is_numeric_dtype(kind)]
        self.values = frame[self.numbers].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        self.values[np.isinf(self.values)] = np.nan
        self.widths = np.array([_width(column) for column in self.values.T])
        others = [str(name) for name in frame.columns if name not in set(self.numbers)]
        self.others = {name: frame[name].astype(object).to_numpy() for name in others}

    def different(self, place: int, others: NDArray[np.int64]) -> list[tuple[str, Any, Any]]:
        """Return the columns in which a row differs most: name, value, usual value of the others.

        Args:
            place: Position of the row.
            others: Positions of the rows to compare with.
        """
        if not len(others):
            return []
        found = [*self._far_numbers(place, others), *self._rare_values(place, others)]
        found = [each for each in found if each[0] >= LEAST]
        found.sort(key=lambda each: -each[0])
        return [each[1:] for each in found[:MOST_COLUMNS]]

    def _far_numbers(self, place: int, others: NDArray[np.int64]) -> Iterator[Difference]:
        """Yield how far each number is from the median of the others, in widths."""
        own, rest = self.values[place], self.values[others]
        known = np.isfinite(own) & np.isfinite(rest).any(0) & (self.widths > 0)
        usual = 2 * np.nanmedian(rest[:, known] / 2, axis=0)  # halves: a sum of large numbers
        far = np.abs(own[known] / self.widths[known] - usual / self.widths[known])
        for at, distance, median in zip(np.flatnonzero(known), far, usual, strict=True):
            yield float(distance), self.numbers[at], float(own[at]), float(median)

    def _rare_values(self, place: int, others: NDArray[np.int64]) -> Iterator[Difference]:
        """Yield the share of the others that have another value than the row, by column."""
        for name, column in self.others.items():
            value, rest = column[place], [each for each in column[others] if _is_known(each)]
            if rest and _is_known(value):
                usual, _ = Counter(rest).most_common(1)[0]
                yield sum(each != value for each in rest) / len(rest), name, value, usual


def _width(values: NDArray[np.float64]) -> float:
    """Return the distance between the quartiles, or the standard deviation if that is 0."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.quantile(finite, (0.25, 0.75))
        width = float(high - low) or float(finite.std())
    return width if np.isfinite(width) else 0.0  # numbers near the largest are not compared


def _is_known(value: Any) -> bool:
    """Say whether a value of a column of categories is one, and not missing."""
    return bool(types.is_scalar(value) and not pd.isna(value))
