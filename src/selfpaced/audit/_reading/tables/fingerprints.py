"""A number for each row of a file, by which the row is found again after it has moved.

An audit and the correction of its table compute them alike, each from what it reads itself.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from selfpaced.audit._reading.tables.dialect import Dialect, long_fields

# What separates the cells of a row; no text file contains it.
BETWEEN = "\0"

Fingerprints = NDArray[np.uint64]


def of_texts(rows: Iterable[str]) -> Fingerprints:
    """Return the fingerprints of rows of text, shape (n,)."""
    return np.asarray(pd.util.hash_array(np.array([*rows], object), categorize=False), np.uint64)


def of_cells(rows: Iterable[Sequence[str | None]]) -> Fingerprints:
    """Return the fingerprints of rows of cells; None is an empty cell.

    >>> one, other, same = of_cells([["a", "b"], ["ab", None], ["a", "b"]])
    >>> one == same, one == other
    (np.True_, np.False_)
    """
    return of_texts(BETWEEN.join(cell or "" for cell in row) for row in rows)


def of_sheet(rows: Iterable[Sequence[str | None]]) -> Fingerprints:
    """Return the fingerprints of the rows of a sheet; empty cells at the end make no difference.

    >>> one, other = of_sheet([["a", None, None], ["a"]])
    >>> one == other
    np.True_
    """
    return of_texts(BETWEEN.join(cell or "" for cell in row).rstrip(BETWEEN) for row in rows)


def of_delimited(data: bytes, dialect: Dialect) -> Fingerprints:
    r"""Return the fingerprints of the rows of a text file; quotation marks make no difference.

    Args:
        data: The text as UTF-8, from the header on.
        dialect: How it is written.

    >>> same = of_delimited(b'a,b\n1,"x"\n', Dialect()) == of_delimited(b"a,b\n1,x\n", Dialect())
    >>> same.tolist()
    [True]
    """
    with long_fields():
        if dialect.one_line:
            lines = (line.removesuffix("\r") for line in data.decode().split("\n"))
            return of_texts(_joined([line for line in lines if line][1:], dialect))
        rows = dialect.reader(io.StringIO(data.decode(), newline=""))
        return of_cells([fields for fields in rows if fields][1:])


def of_lines(lines: Iterable[bytes | str]) -> Fingerprints:
    """Return the fingerprints of lines; blanks around a line make no difference."""
    return of_texts((each if isinstance(each, str) else each.decode()).strip() for each in lines)


def of_columns(table: pa.Table) -> Fingerprints:
    """Return the fingerprints of the rows of an Arrow table."""
    columns = {str(place): _plain(column) for place, column in enumerate(table.columns)}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(table)))
    return np.asarray(pd.util.hash_pandas_object(frame, index=False, categorize=False), np.uint64)


def _joined(lines: list[str], dialect: Dialect) -> Iterator[str]:
    """Yield the cells of rows that are one line each, as ``of_cells`` joins them.

    Lines without quotation marks need no parser.
    """
    parsed = dialect.reader(line for line in lines if '"' in line)
    for line in lines:
        if '"' in line:
            yield BETWEEN.join(next(parsed))
        else:
            yield line.replace(dialect.separator, BETWEEN)


def _plain(column: pa.ChunkedArray) -> Any:
    """Return a column as values that pandas can hash."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind):
        return np.array([repr(value) for value in column.to_pylist()], object)
    return column.cast(kind).to_pandas()
