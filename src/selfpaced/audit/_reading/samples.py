"""From features and labels to a ``Source``, and samples that are equal."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced.audit._reading.alike.duplicates import copies, hashes_of, no_conflicts, repeats
from selfpaced.audit._reading.alike.groups import together
from selfpaced.audit._reading.alike.near import nearly_equal
from selfpaced.audit._reading.labels.decide import decide
from selfpaced.audit._reading.source import Options, Source

Kind = Literal["table", "images", "array"]
Features = pd.DataFrame | NDArray[Any]
Lines = NDArray[np.int64] | None


def labelled(  # noqa: PLR0913  # each is a part of a Source
    path: Path,
    kind: Kind,
    features: Features,
    labels: pd.Series,
    where: pd.Series,
    *,
    own: pd.DataFrame,
    options: Options,
    notes: tuple[str, ...],
    lines: Lines = None,
    group: pd.Series | None = None,
    depth: int = 8,
    votes: pd.DataFrame | None = None,
) -> Source:
    """Return the samples that have a label, with notes and conflicts; see ``Source``."""
    decided = decide(labels, where, options.numeric, features, exact=options.exact)
    features, where, own = (_kept(each, decided.kept) for each in (features, where, own))
    lines = None if lines is None else _kept(lines, decided.kept)
    hashes = hashes_of(features)
    near = nearly_equal(features, hashes)
    conflicts, told = repeats(hashes, near, decided.values, where)
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
        together(copies(near, decided.values), _numbered(group, decided.kept)),
        depth,
        None if votes is None else _kept(votes, decided.kept),
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


def _numbered(group: pd.Series | None, kept: NDArray[np.bool]) -> NDArray[np.int64] | None:
    """Return the number of the group of each kept sample; one without a group is its own."""
    if group is None:
        return None
    names = group[kept]
    own = pd.Series(np.arange(len(names)), names.index).map("selfpaced {}".format)
    return pd.factorize(names.astype(object).where(names.notna(), own))[0].astype(np.int64)


def no_columns(n: int) -> pd.DataFrame:
    """Return a frame of n rows without columns."""
    return pd.DataFrame(index=pd.RangeIndex(n))


def _kept(values: Any, kept: NDArray[Any]) -> Any:
    """Return the kept samples; if all are kept, without a copy."""
    if kept.all():
        return values
    return values[kept] if not hasattr(values, "iloc") else values[kept].reset_index(drop=True)
