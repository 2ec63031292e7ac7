"""A table as it is in the file, before columns are chosen from it."""

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

# The largest share of rows that cannot be read; a file with more of them is refused.
MOST_UNREAD = 0.1


@dataclass(frozen=True, eq=False)
class Table:
    """All columns of a table.

    Args:
        frame: The columns, n rows.
        rows: The number of each row in the file, from 1, shape (n,).
        unread: Number of rows that could not be read.
        opaque: Columns of lists, records or bytes.
        notes: What was left out or converted, one sentence each.
        lines: The line of the file on which each row starts, from 1, shape (n,); None for a file
            that is not text.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    unread: int
    opaque: tuple[str, ...]
    notes: tuple[str, ...]
    lines: NDArray[np.int64] | None = None


def table_of(
    arrow: pa.Table,
    rows: NDArray[np.int64],
    unread: int = 0,
    notes: tuple[str, ...] = (),
    lines: NDArray[np.int64] | None = None,
) -> Table:
    """Return an Arrow table as a Table; integers with gaps stay integers, dates become times."""
    columns, opaque = {}, []
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        columns[name] = _series(column)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            opaque.append(name)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
    return Table(frame, rows, unread, tuple(opaque), notes, lines)


def require_names(path: Path, names: Sequence[str]) -> None:
    """Raise if two columns have the same name."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    require(
        not twice,
        f"{path}: every column needs a name of its own; {listed(map(repr, twice))} appears more "
        f"than once. Rename one.",
    )


def require_rows(path: Path, read: int) -> None:
    """Raise for a table without rows."""
    require(read > 0, f"{path} has a header but no rows. Is it the right file?")


def tell_unread(
    path: Path, lines: Sequence[int], read: int, reason: str, do: str
) -> tuple[str, ...]:
    """Return a note on rows that could not be read, or raise if they are too many.

    Args:
        path: The file.
        lines: The lines of these rows.
        read: Number of rows that were read.
        reason: Why they could not be read.
        do: What the user can do.
    """
    if not lines:
        return ()
    bad = len(lines)
    require(
        bad <= MOST_UNREAD * (bad + read),
        f"{path}: {count(bad, 'row')} of {bad + read:,} could not be read ({at('line', lines)}): "
        f"{reason}. {do}",
    )
    left_out = f"{count(bad, 'row')} could not be read and {are(bad)} left out"
    return (f"{left_out} ({at('line', lines)}): {reason}.",)


def _series(column: pa.ChunkedArray) -> pd.Series:
    """Return an Arrow column as a pandas series."""
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
