"""A table as it was in the file, before anything is chosen from it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._reading.words import are, at, count, listed

BAD_SHARE = 0.1  # of rows that cannot be read, above which the file is not read


@dataclass(frozen=True, eq=False)
class Table:
    """All columns of a table.

    Args:
        frame: n rows.
        rows: Where they lie in the file, from 1, shape (n,).
        unread: Rows that could not be read.
        opaque: Columns of lists, records or bytes.
        notes: What was left out or converted.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    unread: int
    opaque: tuple[str, ...]
    notes: tuple[str, ...]


def table_of(
    arrow: pa.Table, rows: NDArray[np.int64], unread: int = 0, notes: tuple[str, ...] = ()
) -> Table:
    """Return a table from Arrow's; whole numbers with gaps stay whole, dates become times."""
    columns, opaque = {}, []
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        columns[name] = _series(column)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            opaque.append(name)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
    return Table(frame, rows, unread, tuple(opaque), notes)


def require_names(path: Path, names: Sequence[str]) -> None:
    """Raise unless all column names differ."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    require(
        not twice,
        f"{path}: every column needs a name of its own; {listed(map(repr, twice))} stands there "
        f"more than once. Rename one.",
    )


def require_rows(path: Path, read: int) -> None:
    """Raise for a table without rows."""
    require(read > 0, f"{path} has a header but no rows. Is it the right file?")


def tell_unread(
    path: Path, lines: Sequence[int], read: int, reason: str, do: str
) -> tuple[str, ...]:
    """Return a note on rows that could not be read, or raise when they are too many."""
    if not lines:
        return ()
    bad = len(lines)
    require(
        bad <= BAD_SHARE * (bad + read),
        f"{path}: {count(bad, 'row')} of {bad + read:,} could not be read ({at('line', lines)}): "
        f"{reason}. {do}",
    )
    gone = are(bad)
    said = f"{count(bad, 'row')} could not be read and {gone} left out ({at('line', lines)})"
    return (f"{said}: {reason}.",)


def _series(column: pa.ChunkedArray) -> pd.Series:
    """Return one column for pandas."""
    kind, types = column.type, pa.types
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    elif types.is_decimal(kind) or types.is_null(kind) or types.is_float16(kind):
        column = column.cast(pa.float64())
    elif types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    elif types.is_duration(kind):
        column = column.cast(pa.int64())
    elif types.is_time(kind) or types.is_large_string(kind):
        column = column.cast(pa.string())
    gaps: pd.api.extensions.ExtensionDtype | None = None
    if column.null_count and types.is_integer(column.type):
        gaps = pd.Int64Dtype()
    elif column.null_count and types.is_boolean(column.type):
        gaps = pd.BooleanDtype()
    series: pd.Series = column.to_pandas(types_mapper=lambda _: gaps)
    return series
