"""Where the rows of an audit are now, in a table that may have changed since."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._reading.words import are, at


def places(
    name: str, rows: Iterable[int], audited: Mapping[int, int], now: NDArray[np.uint64]
) -> dict[int, int]:
    """Return where rows of an audit are now.

    A row is found by its fingerprint, where it was or anywhere else. Rows with the same cells keep
    their order; if there are more or fewer of them than in the audit, only those that are where
    they were are found.

    Args:
        name: The name of the table, for errors.
        rows: The rows to find, by their numbers in the audit, from 1.
        audited: The fingerprints of all rows that the audit judged, by their numbers then, in this
            order.
        now: The fingerprints of all rows of the table, shape (n,).

    Returns:
        The number of each row now, from 1, by its number in the audit.

    Raises:
        ValueError: For rows that the audit did not judge, and for rows that cannot be found.

    >>> audited = {1: 11, 2: 22, 3: 33}
    >>> places("pets.csv", [1, 3], audited, np.array([99, 11, 22, 33], np.uint64))
    {1: 2, 3: 4}
    """
    rows = list(rows)
    strange = [row for row in rows if row not in audited]
    require(
        not strange,
        f"The audit of {name} did not judge {at('row', strange)}. Decide nothing about "
        f"{_it(strange)}.",
    )
    wanted = {audited[row] for row in rows}
    before, after = _by_print(audited.items(), wanted), _by_print(enumerate(now, 1), wanted)
    found = {}
    for row in rows:
        mark = audited[row]
        then, there = before[mark], after.get(mark, [])
        if len(then) == len(there):
            found[row] = there[bisect_left(then, row)]
        elif row <= len(now) and now[row - 1] == mark:
            found[row] = row
    lost = [row for row in rows if row not in found]
    require(
        not lost,
        f"{name} has changed since the audit: {at('row', lost)} of the audit {are(len(lost))} not "
        f"in it any more, or changed. Restore the file, keep the label of {_it(lost)} in "
        f"suspects.csv or in the review, or audit again.",
    )
    return found


def audited_rows(where: pd.Series, fingerprints: NDArray[np.uint64] | None) -> dict[int, int]:
    """Return the fingerprint of each sample of an audit, by the number of its row.

    Args:
        where: The rows of the samples, from 1, shape (n,).
        fingerprints: Of every row of the file; None for other data.
    """
    if fingerprints is None:
        return {}
    numbers = where.to_numpy(np.int64)
    return dict(zip(numbers.tolist(), fingerprints[numbers - 1].tolist(), strict=True))


def _by_print(numbered: Iterable[tuple[int, int]], wanted: set[int]) -> dict[int, list[int]]:
    """Return the rows of each wanted fingerprint, in their order."""
    rows: dict[int, list[int]] = {}
    for row, mark in numbered:
        if mark in wanted:
            rows.setdefault(int(mark), []).append(row)
    return rows


def _it(rows: list[int]) -> str:
    """Return the pronoun for rows."""
    return "it" if len(rows) == 1 else "them"
