"""Duplicates: samples that occur twice, or nearly so, with equal or different labels."""

from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced.audit._reading.words import count

# The least share of different samples, and of equal labels among pairs of equal samples, for which
# these are copies.
LEAST_OWN, LEAST_AGREEMENT = 0.2, 0.98
# Columns of numbers are very many from this number on, if they also are more than a hundredth of
# the rows: to hash a column takes as long as a digest of so many rows.
MANY, COLUMNS_PER_ROW = 64, 100


def repeats(
    hashes: NDArray[np.uint64], near: NDArray[np.int64], labels: pd.Series, where: pd.Series
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Find samples that are equal in all features, or nearly so.

    Args:
        hashes: The hash of each sample, shape (n,).
        near: A number for each sample, equal for those that are equal or nearly so, shape (n,).
        labels: Shape (n,).
        where: The place of each sample, shape (n,); its name becomes that of a column.

    Returns:
        The conflicts, which are equal or nearly equal samples with different labels, and notes.
        Columns of the conflicts: the place, "label", "group", numbered from 1 in the order of the
        file, and "alike": whether all samples of the group are "equal" or "nearly" so.

    >>> rows, where = pd.DataFrame({"a": [1, 2, 1]}), pd.Series([1, 2, 3], name="row")
    >>> hashes = hashes_of(rows)
    >>> found, notes = repeats(hashes, pd.factorize(hashes)[0], pd.Series(["x", "y", "z"]), where)
    >>> found.to_numpy().tolist()
    [[1, 'x', 1, 'equal'], [3, 'z', 1, 'equal']]
    """
    table = pd.DataFrame({where.name: where, "label": labels, "group": near, "hash": hashes})
    again = int(table.duplicated(["hash", "label"]).sum())
    groups = table.groupby("group")
    found = table[groups["label"].transform("nunique") > 1]
    equal = found.groupby("group")["hash"].transform("nunique") == 1
    found = found.assign(alike=np.where(equal, "equal", "nearly"))
    found = found.assign(group=pd.factorize(found["group"])[0] + 1).drop(columns="hash")
    found = found.sort_values("group", kind="stable").reset_index(drop=True)
    notes = []
    if again:
        repeat = "repeats" if again == 1 else "repeat"
        notes.append(
            f"{count(again, 'sample')} {repeat} an earlier sample in all features and the label; "
            f"all are kept."
        )
    for alike, how in (("equal", "equal in all features"), ("nearly", "nearly equal")):
        some = found[found["alike"] == alike]
        if len(some):
            n = count(some["group"].nunique(), "group")
            notes.append(
                f"{count(len(some), 'sample')} in {n} are {how} but have different labels."
            )
    return found, tuple(notes)


def copies(
    hashes: NDArray[np.uint64] | NDArray[np.int64], labels: pd.Series | NDArray[Any]
) -> NDArray[np.int64] | None:
    """Return a number for each sample, equal for samples that are copies of each other.

    Samples that are equal in all features, or nearly so, are copies if their labels are equal, too,
    and most samples have features of their own. Else they were labelled one by one, or have few
    features with few values, and each tells something about the others.

    Args:
        hashes: The hash of each sample, or another number that equal samples share, shape (n,).
        labels: Shape (n,).

    Returns:
        int64, shape (n,); None without copies.

    >>> hashes = hashes_of(np.array([[1.0], [2.0], [1.0]]))
    >>> copies(hashes, np.array(["x", "y", "x"])), copies(hashes, np.array(["x", "y", "z"]))
    (array([0, 1, 0]), None)
    """
    group, firsts = pd.factorize(hashes)
    n = len(group)
    if len(firsts) == n or len(firsts) < LEAST_OWN * n:
        return None
    code = pd.factorize(np.asarray(labels))[0]
    same = np.unique(np.stack([group, code]), axis=1, return_counts=True)[1]
    equal, every = pairs(same), pairs(np.bincount(group))
    return group.astype(np.int64) if equal >= LEAST_AGREEMENT * every else None


def pairs(sizes: NDArray[np.int64] | pd.Series) -> int:
    """Return the number of pairs inside groups of these sizes."""
    return int((sizes * (sizes - 1) // 2).sum())


def no_conflicts(where: pd.Series) -> pd.DataFrame:
    """Return an empty frame of conflicts."""
    return pd.DataFrame(
        {where.name: where[:0], "label": [], "group": np.zeros(0, np.int64), "alike": []}
    )


def hashes_of(features: pd.DataFrame | NDArray[Any]) -> NDArray[np.uint64]:
    """Return a hash of 64 bits per sample; equal samples have equal hashes."""
    if isinstance(features, pd.DataFrame):
        return np.asarray(pd.util.hash_pandas_object(_narrow(features), index=False), np.uint64)
    return _digests(features)


def _narrow(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which very many columns of numbers are one column of their digests.

    Pandas takes its time for each column, and a digest for each row.
    """
    for kind in (np.dtype(np.float64), np.dtype(np.int64)):
        chosen = (frame.dtypes == kind).to_numpy()
        if chosen.sum() > max(MANY, len(frame) / COLUMNS_PER_ROW):
            numbers = frame.loc[:, chosen].to_numpy(kind) + kind.type(0)  # so that -0.0 is 0.0
            rest = frame.loc[:, ~chosen]
            frame = pd.concat([rest, pd.Series(_digests(numbers), frame.index)], axis=1)
    return frame


def _digests(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a digest of 64 bits per row."""
    digests = b"".join(
        blake2b(np.ascontiguousarray(row).data, digest_size=8).digest() for row in rows
    )
    return np.frombuffer(digests, np.uint64)
