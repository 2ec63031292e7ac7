"""From features and labels to a ``Source``, and samples that are equal."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced.audit._reading.duplicates import copies, hashes_of, no_conflicts, repeats
from selfpaced.audit._reading.labels import decide
from selfpaced.audit._reading.source import Source

Kind = Literal["table", "images", "array"]
Features = pd.DataFrame | NDArray[Any]
Lines = NDArray[np.int64] | None


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
    lines: Lines = None,
) -> Source:
    """Return the samples that have a label, with notes and conflicts; see ``Source``."""
    decided = decide(labels, where, numeric)
    features, where, own = (_kept(each, decided.kept) for each in (features, where, own))
    lines = None if lines is None else _kept(lines, decided.kept)
    hashes = hashes_of(features)
    conflicts, told = repeats(hashes, decided.values, where)
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
        lines,
        copies(hashes, decided.values),
    )


def unlabelled(
    path: Path,
    kind: Kind,
    features: Features,
    where: pd.Series,
    *,
    own: pd.DataFrame,
    notes: tuple[str, ...],
    lines: Lines = None,
) -> Source:
    """Return all samples, without labels; see ``Source``."""
    none, conflicts = pd.Series([], dtype=object), no_conflicts(where)
    return Source(path, kind, features, none, where, own, False, notes, conflicts, lines)


def no_columns(n: int) -> pd.DataFrame:
    """Return a frame of n rows without columns."""
    return pd.DataFrame(index=pd.RangeIndex(n))


def _kept(values: Any, kept: NDArray[Any]) -> Any:
    """Return the kept samples; if all are kept, without a copy."""
    if kept.all():
        return values
    return values[kept] if not hasattr(values, "iloc") else values[kept].reset_index(drop=True)
