"""From features and labels to a ``Source``, and samples that are equal."""

from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced.audit._reading.labels import decide
from selfpaced.audit._reading.source import Source
from selfpaced.audit._reading.words import count

Kind = Literal["table", "images", "array"]
Features = pd.DataFrame | NDArray[Any]


def labelled(
    path: Path,
    kind: Kind,
    features: Features,
    labels: pd.Series,
    where: pd.Series,
    *,
    own: pd.DataFrame,
    numeric: bool | None,
    notes: tuple[str, ...],
) -> Source:
    """Return the samples that have a label, with notes and conflicts; see ``Source``."""
    decided = decide(labels, where, numeric)
    features, where, own = (_kept(each, decided.kept) for each in (features, where, own))
    conflicts, told = repeats(features, decided.values, where)
    return Source(
        path,
        kind,
        features,
        decided.values,
        where,
        own,
        decided.numeric,
        notes + decided.notes + told,
        conflicts,
    )


def unlabelled(
    path: Path,
    kind: Kind,
    features: Features,
    where: pd.Series,
    *,
    own: pd.DataFrame,
    notes: tuple[str, ...],
) -> Source:
    """Return all samples, without labels; see ``Source``."""
    none = pd.Series([], dtype=object)
    return Source(path, kind, features, none, where, own, False, notes, no_conflicts(where))


def no_columns(n: int) -> pd.DataFrame:
    """Return a frame of n rows without columns."""
    return pd.DataFrame(index=pd.RangeIndex(n))


def _kept(values: Any, kept: NDArray[Any]) -> Any:
    """Return the kept samples; if all are kept, without a copy."""
    if kept.all():
        return values
    return values[kept] if not hasattr(values, "iloc") else values[kept].reset_index(drop=True)


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
