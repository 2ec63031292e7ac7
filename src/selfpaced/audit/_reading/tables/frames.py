"""A table as it is in the file, before columns are chosen from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._reading.tables.numbers import Numbers, tell_marks, tell_odd
from selfpaced.audit._reading.words import are, at, count, listed

# The largest share of rows that cannot be read; a file with more of them is refused.
MOST_UNREAD = 0.1


class Odd(NamedTuple):
    """A column of numbers with other cells: its texts as they stand in the file, and a note."""

    texts: pd.Series
    note: str


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
        odd: Columns of numbers of which some cells are not numbers.
        words: Columns with words for gaps, such as NA, as they stand in the file.
        vectors: Columns of lists of equally many numbers, float64, shape (n, d); NaN for a gap.
        fingerprints: Of every row of the file, also of those that could not be read; see
            ``fingerprints.py``. None for a table of several files.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    unread: int
    opaque: tuple[str, ...]
    notes: tuple[str, ...]
    lines: NDArray[np.int64] | None = None
    odd: dict[str, Odd] = field(default_factory=dict)
    words: dict[str, pd.Series] = field(default_factory=dict)
    vectors: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    fingerprints: NDArray[np.uint64] | None = None


def table_of(
    arrow: pa.Table,
    rows: NDArray[np.int64],
    unread: int = 0,
    notes: tuple[str, ...] = (),
    lines: NDArray[np.int64] | None = None,
    numbers: Mapping[str, Numbers] = MappingProxyType({}),
    words: Mapping[str, pa.ChunkedArray] = MappingProxyType({}),
) -> Table:
    """Return an Arrow table as a Table; integers with gaps stay integers, dates become times.

    Args:
        arrow: The columns.
        rows: The number of each row in the file.
        unread: See ``Table``.
        notes: See ``Table``.
        lines: See ``Table``.
        numbers: Columns of text that are numbers.
        words: Columns of text with words for gaps.
    """
    columns, opaque, vectors = {}, [], {}
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        columns[name] = numbers[name].values if name in numbers else column
        vector = _vector(column)
        if vector is not None:
            vectors[name] = vector
        elif pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            opaque.append(name)
    frame = _frame(columns, len(rows))
    odd = {
        name: Odd(_series(arrow[name]), tell_odd(name, found, rows))
        for name, found in numbers.items()
        if len(found.rows)
    }
    notes += tell_marks(numbers)
    spelt = {name: _series(column) for name, column in words.items() if name not in numbers}
    return Table(frame, rows, unread, tuple(opaque), notes, lines, odd, spelt, vectors)


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


def _vector(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return a column of lists of equally many numbers, shape (n, d); None for another column."""
    types, kind = pa.types, column.type
    of_lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not of_lists:
        return None
    value = kind.value_type
    if not (types.is_floating(value) or types.is_integer(value)):
        return None
    lengths = pc.unique(pc.list_value_length(column).drop_null()).to_pylist()
    if len(lengths) != 1 or lengths[0] < 2:
        return None
    given = column.is_valid().to_numpy()
    values = pc.list_flatten(column.filter(column.is_valid())).cast(pa.float64())
    vector = np.full((len(column), lengths[0]), np.nan)
    vector[given] = values.to_numpy().reshape(-1, lengths[0])
    return vector


def _frame(columns: Mapping[str, pa.ChunkedArray], n: int) -> pd.DataFrame:
    """Return Arrow columns as a frame of n rows; see ``_series``.

    Columns that need no care are converted together, as each conversion takes its time.
    """
    usual = (pa.int64(), pa.float64())
    plain = {
        name: column
        for name, column in columns.items()
        if column.type in usual and not (column.null_count and column.type == pa.int64())
    }
    frame: pd.DataFrame = pa.table(plain).to_pandas()
    others = {name: _series(column) for name, column in columns.items() if name not in plain}
    if not others:
        return frame
    rest = pd.DataFrame(others, index=pd.RangeIndex(n))
    return pd.concat([frame, rest], axis=1)[list(columns)] if plain else rest


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
        gaps = pd.UInt64Dtype() if types.is_uint64(column.type) else pd.Int64Dtype()
    elif column.null_count and types.is_boolean(column.type):
        gaps = pd.BooleanDtype()
    series: pd.Series = column.to_pandas(types_mapper=lambda _: gaps)
    return series
