"""Duplicates: samples that occur twice, with the same label or with different ones."""

from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced.audit._reading.words import count


def repeats(
    features: pd.DataFrame | NDArray[Any], labels: pd.Series, where: pd.Series
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Find samples that are equal in all features.

    Args:
        features: Shape (n, ...).
        labels: Shape (n,).
        where: The place of each sample, shape (n,); its name becomes that of a column.

    Returns:
        The conflicts, which are equal samples with different labels, and notes. Columns of the
        conflicts: the place, "label", and "group", numbered from 1 in the order of the file.

    >>> rows, where = pd.DataFrame({"a": [1, 2, 1]}), pd.Series([1, 2, 3], name="row")
    >>> found, notes = repeats(rows, pd.Series(["x", "y", "z"]), where)
    >>> found.to_numpy().tolist()
    [[1, 'x', 1], [3, 'z', 1]]
    """
    table = pd.DataFrame({where.name: where, "label": labels, "group": _hash(features)})
    again = int(table.duplicated(["group", "label"]).sum())
    differ = table.groupby("group")["label"].transform("nunique") > 1
    found = table[differ]
    found = found.assign(group=pd.factorize(found["group"])[0] + 1)
    found = found.sort_values("group", kind="stable").reset_index(drop=True)
    notes = []
    if again:
        repeat = "repeats" if again == 1 else "repeat"
        notes.append(
            f"{count(again, 'sample')} {repeat} an earlier sample in all features and the label; "
            f"all are kept."
        )
    if len(found):
        groups = count(int(found["group"].max()), "group")
        notes.append(
            f"{count(len(found), 'sample')} in {groups} are equal in all features but have "
            f"different labels."
        )
    return found, tuple(notes)


def no_conflicts(where: pd.Series) -> pd.DataFrame:
    """Return an empty frame of conflicts."""
    return pd.DataFrame({where.name: where[:0], "label": [], "group": np.zeros(0, np.int64)})


def _hash(features: pd.DataFrame | NDArray[Any]) -> NDArray[np.uint64]:
    """Return a hash of 64 bits per sample; equal samples have equal hashes."""
    if isinstance(features, pd.DataFrame):
        return np.asarray(pd.util.hash_pandas_object(features, index=False), np.uint64)
    digests = b"".join(
        blake2b(np.ascontiguousarray(row).data, digest_size=8).digest() for row in features
    )
    return np.frombuffer(digests, np.uint64)
