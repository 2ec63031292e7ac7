"""Whether whole numbers are codes of classes or quantities: does their order mean anything?"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

# The largest number of samples, and of features of each column, that are looked at.
MOST_SAMPLES, MOST_FEATURES = 5_000, 64
# The number of random orders that the numbers are compared with.
ORDERS = 200
# What at most this share of the random orders reaches is not by chance.
CHANCE = 0.02


def are_codes(numbers: NDArray[np.float64], features: "pd.DataFrame | NDArray[Any]") -> bool:
    """Say whether whole numbers are codes: they tell samples apart, but their order tells nothing.

    The features are averaged over the samples of each number. Where the numbers are quantities,
    the averages change smoothly from one number to the next; where they are codes, any other order
    of them is as smooth. Both tests are permutation tests.

    Args:
        numbers: Shape (n,), with repetitions.
        features: Of the same samples: a table, or an array of shape (n, ...).

    >>> draw = np.random.default_rng(0)
    >>> numbers = np.repeat(np.arange(30.0), 10)
    >>> amounts = numbers[:, None] + draw.normal(size=(300, 1))
    >>> are_codes(numbers, amounts), are_codes(draw.permutation(30)[numbers.astype(int)], amounts)
    (False, True)
    """
    some = slice(None, None, max(1, len(numbers) // MOST_SAMPLES))
    rows = _rows(features.iloc[some] if isinstance(features, pd.DataFrame) else features[some])
    place = np.unique(numbers[some], return_inverse=True)[1]
    draw, means = np.random.default_rng(0), _means(rows, place)
    between, steps = _between(means, place), _steps(means)
    by_chance = [_between(_means(draw.permutation(rows), place), place) for _ in range(ORDERS)]
    as_smooth = [_steps(draw.permutation(means)) for _ in range(ORDERS)]
    told_apart = np.mean(np.array(by_chance) >= between) <= CHANCE
    return bool(told_apart and np.mean(np.array(as_smooth) <= steps) > CHANCE)


def _means(rows: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the rows of each number."""
    columns = [np.bincount(place, column) for column in rows.T]
    return np.asarray(np.stack(columns, axis=1) / np.bincount(place)[:, None])


def _between(means: NDArray[np.float64], place: NDArray[np.int64]) -> float:
    """Return the sum of squares between the numbers; the mean of all rows is 0."""
    return float((np.bincount(place)[:, None] * means**2).sum())


def _steps(means: NDArray[np.float64]) -> float:
    """Return the sum of squared steps from each row to the next."""
    return float((np.diff(means, axis=0) ** 2).sum())


def _rows(features: "pd.DataFrame | NDArray[Any]") -> NDArray[np.float64]:
    """Return features as numbers of mean 0 and standard deviation 1, shape (n, d); d >= 1."""
    if isinstance(features, pd.DataFrame):
        blocks = [_column(features[name]) for name in features.columns[:MOST_FEATURES]]
        rows = np.hstack(blocks) if blocks else np.empty((len(features), 0))
    else:
        rows = np.asarray(features, np.float64).reshape(len(features), -1)
        rows = rows[:, :: max(1, rows.shape[1] // MOST_FEATURES)]
    rows = np.where(np.isfinite(rows), rows, np.nan)
    known = ~np.isnan(rows).all(0)
    rows = rows[:, known]
    rows = np.nan_to_num(rows - np.nanmean(rows, axis=0)) if rows.size else rows
    spread = rows.std(0)
    rows = rows[:, spread > 0] / spread[spread > 0]
    return np.asarray(rows if rows.shape[1] else np.zeros((len(features), 1)), np.float64)


def _column(column: pd.Series) -> NDArray[np.float64]:
    """Return a column of numbers, or the counts of the words of each text by their hashes."""
    if types.is_numeric_dtype(column.dtype):
        return np.asarray(column.astype("Float64").to_numpy(np.float64, na_value=np.nan)[:, None])
    words = column.astype(str).str.lower().str.split().explode()
    row = pd.factorize(words.index)[0]
    bucket = pd.util.hash_array(words.fillna("").to_numpy(object)) % MOST_FEATURES
    counts = np.zeros((len(column), MOST_FEATURES))
    np.add.at(counts, (row, bucket.astype(np.int64)), 1.0)
    return counts
