"""Tables in text files: CSV, TSV and other separators."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._reading.content import read_text
from selfpaced.audit._reading.tables.cells import text_table
from selfpaced.audit._reading.tables.dialect import (
    HEAD_BYTES,
    NEWLINE,
    SEPARATORS,
    Dialect,
    dialect_of,
    long_fields,
)
from selfpaced.audit._reading.tables.fingerprints import of_delimited
from selfpaced.audit._reading.tables.frames import (
    Table,
    require_names,
    require_rows,
    tell_unread,
)
from selfpaced.audit._reading.tables.parsing import parse, parse_typed
from selfpaced.audit._reading.words import count, listed


def read_delimited(path: Path) -> Table:
    """Read a table from a text file whose first row is the header.

    A column becomes numbers, or true and false, if all but a few of its values are. Codes such as
    007 stay text.

    Raises:
        ValueError: For a file that is empty or not text, has no rows or two columns of one name,
            and if more than a tenth of its rows have another number of columns than the header.
    """
    whole, notes = read_text(path)
    dialect, told = dialect_of(path, whole)
    data = _after(whole, dialect.skipped)
    names, unnamed = _names(data, dialect)
    require_names(path, names)
    table, bad = parse_typed(path, data, dialect, names)
    lines = _lines(data, dialect)
    if len(lines) != len(table) + len(bad):  # a row has several lines after all
        dialect = replace(dialect, one_line=False)
        table, bad = parse(path, data, dialect, names)
        lines = _lines(data, dialect)
    require(
        len(lines) == len(table) + len(bad),
        f"{path}: quotation marks are out of place, so that rows cannot be told apart. Save it as "
        f"CSV again.",
    )
    require_rows(path, len(table) + len(bad))
    gone = [row.number - 2 for row in bad]
    reason = ""
    if bad:
        got = listed(sorted({row.actual_columns for row in bad}))
        reason = f"expected {count(bad[0].expected_columns, 'column')}, got {got}"
    if dialect.trailing:
        table, longer = _without_trailing(table)
        gone = sorted([*gone, *np.delete(np.arange(len(lines)), gone)[longer].tolist()])
        reason = reason or f"expected nothing after the last of {len(names) - 1} columns"
    signs = SEPARATORS.get(dialect.separator, repr(dialect.separator))
    do = f"Are the columns separated by {signs}, and values with them in quotes?"
    unread = tell_unread(path, lines[gone].tolist(), len(table), reason, do)
    rows = np.delete(np.arange(1, len(lines) + 1), gone)
    read = text_table(
        table,
        rows,
        "," if dialect.separator == ";" else ".",
        unread=len(gone),
        notes=notes + told + unnamed + unread,
        lines=np.delete(lines, gone),
    )
    return replace(read, fingerprints=of_delimited(data, dialect))


def _without_trailing(table: pa.Table) -> tuple[pa.Table, NDArray[np.bool]]:
    """Return the rows with nothing after the last separator, and which have something there."""
    last = table.column(table.num_columns - 1).cast(pa.string())
    longer = pc.not_equal(pc.utf8_trim_whitespace(last), "").fill_null(False)
    kept = table.filter(pc.invert(longer)).drop_columns(table.column_names[-1])
    return kept, longer.to_numpy()


def _after(whole: bytes, skipped: int) -> bytes:
    """Return a text without its first lines."""
    lines = whole[:HEAD_BYTES].splitlines(keepends=True) if skipped else []
    return whole[sum(map(len, lines[:skipped])) :]


def _names(data: bytes, dialect: Dialect) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of the columns, and a note on columns without a name."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    with long_fields():
        header = next(row for row in dialect.reader(text) if row)
    names = dialect.names(header)
    named = {given.strip() for given in header}
    new = [name for name in names if name not in named]
    new = new[: len(new) - dialect.trailing]
    if not new:
        return names, ()
    return names, (f"{count(len(new), 'column')} without a name: {listed(new)}.",)


def _lines(data: bytes, dialect: Dialect) -> NDArray[np.int64]:
    """Return the line of the file on which each row starts.

    A row may be of several lines, or a line blank.

    Args:
        data: The text from the header on.
        dialect: How it is written.
    """
    if dialect.one_line or not dialect.quoted:
        return _line_starts(data)[1:] + dialect.skipped
    starts, line = [], dialect.skipped + 1
    with long_fields(), io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="") as text:
        reader = dialect.reader(text)
        for fields in reader:
            if fields:
                starts.append(line)
            line = dialect.skipped + reader.line_num + 1
    return np.array(starts[1:], np.int64)


def _line_starts(data: bytes) -> NDArray[np.int64]:
    """Return the number of each line that is not blank, from 1."""
    ends = np.flatnonzero(np.frombuffer(data.replace(b"\r\n", b"\n"), np.uint8) == NEWLINE)
    return np.flatnonzero(np.diff(ends, prepend=-1) > 1) + 1
