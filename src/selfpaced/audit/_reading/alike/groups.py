"""Groups: samples that must be left out together, as one of them tells the label of another."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from selfpaced.audit._reading.alike.duplicates import pairs
from selfpaced.audit._reading.words import count

# A column may name groups if it has at least this many values, each with this many rows in the
# mean.
LEAST_GROUPS, LEAST_ROWS, MOST_ROWS = 20, 2, 50
# From this share of the samples on, a group leaves few others to learn from.
LARGEST = 1 / 3
# Rows of one value must have equal labels in this many more of all pairs than other rows.
LEAST_AGREEMENT = 0.2


def together(*numbers: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """Return a number for each sample, equal for samples that share a number in any argument.

    Args:
        numbers: A number for each sample, shape (n,); None for none.

    >>> together(np.array([0, 1, 1, 2]), None, np.array([5, 5, 6, 7])).tolist()
    [0, 0, 0, 1]
    """
    given = [np.unique(each, return_inverse=True)[1] for each in numbers if each is not None]
    if len(given) < 2:
        return given[0] if given else None
    n, starts = len(given[0]), np.cumsum([0, *(each.max() + 1 for each in given)])
    rows = np.tile(np.arange(n), len(given))
    columns = np.concatenate([each + start for each, start in zip(given, starts, strict=False)])
    links = sparse.csr_array((np.ones(len(rows)), (rows, n + columns)), shape=(n + starts[-1],) * 2)
    return np.asarray(connected_components(links, directed=False)[1][:n], np.int64)


def tell_largest(group: pd.Series) -> tuple[str, ...]:
    """Return a note on a group that has many of the samples, as they all are left out together."""
    counts = group.value_counts()
    share = counts.iloc[0] / len(group) if len(counts) else 0.0
    if share <= LARGEST:
        return ()
    return (
        f"{share:.0%} of the samples are of one group, {counts.index[0]!r}: they are judged by "
        f"models that learned only the other {1 - share:.0%}.",
    )


def suggest_groups(frame: pd.DataFrame, labels: pd.Series) -> tuple[str, ...]:
    """Return a note on the first column whose values may name groups, such as patients.

    Args:
        frame: The columns to learn from, n rows.
        labels: Their labels, n values.
    """
    for name, kind in frame.dtypes.items():
        if types.is_float_dtype(kind):
            continue
        n = frame[name].nunique()
        if n >= LEAST_GROUPS and _names_groups(frame[name], labels, n):
            return (
                f"Column {name!r} has {count(n, 'value')}, and rows with the same one often have "
                f"the same label. If they belong together, such as rows of a patient, pass "
                f"group={str(name)!r}: they are then judged together.",
            )
    return ()


def _names_groups(column: pd.Series, labels: pd.Series, n: int) -> bool:
    """Say whether rows of one value are few, and have equal labels more often than others."""
    table = pd.DataFrame({"value": column, "label": labels}).dropna()
    if not LEAST_ROWS <= len(table) / n <= MOST_ROWS:
        return False
    inside = pairs(table.value_counts()) / max(pairs(table["value"].value_counts()), 1)
    all_pairs = pairs(table["label"].value_counts()) / max(pairs(pd.Series([len(table)])), 1)
    return bool(inside - all_pairs >= LEAST_AGREEMENT)
