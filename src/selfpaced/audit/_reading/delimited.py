"""Tables in text files: CSV, TSV and other separators."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow

from selfpaced.audit._reading.content import read_text
from selfpaced.audit._reading.frames import (
    Table,
    require_names,
    require_rows,
    table_of,
    tell_unread,
)
from selfpaced.audit._reading.kinds import suffix_of
from selfpaced.audit._reading.words import count, listed

# The separators of columns, with their names in notes and errors.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# The largest number of bytes that Arrow reads as one block.
LARGEST_BLOCK = 2**31 - 1
# A code such as 007, 0x1F or 19 digits and more; a number would lose its zeros or digits.
CODE = r"^[+-]?(0[0-9xX]|[0-9]{19})"
# The largest number of characters of a field: the largest C long on all platforms.
LONGEST_FIELD = 2**31 - 1
# A truth value.
BOOL = r"(?i)^(true|false)$"


def read_delimited(path: Path) -> Table:
    """Read a table from a text file whose first row is the header.

    A column becomes numbers, or true and false, if all of its values are. Codes such as 007 stay
    text.

    Raises:
        ValueError: For a file that is empty or not text, has no rows or two columns of one name,
            and if more than a tenth of its rows have another number of columns than the header.
    """
    whole, notes = read_text(path)
    data = whole.lstrip(b"\r\n")
    separator, named = _separator(path, data)
    names, unnamed = _names(data, separator)
    require_names(path, names)
    table, bad = _parse(path, data, separator, names)
    require_rows(path, len(table) + len(bad))
    reason, shapes = "", {(row.expected_columns, row.actual_columns) for row in bad}
    if bad:
        got = listed(sorted({actual for _, actual in shapes}))
        reason = f"expected {count(bad[0].expected_columns, 'column')}, got {got}"
    do = f"Are the columns separated by {SEPARATORS[separator]}, and values with them in quotes?"
    lines, gone = _lines(whole, separator), [row.number - 2 for row in bad]
    unread = tell_unread(path, lines[gone].tolist(), len(table), reason, do)
    typed, commas = _typed(table, separator)
    rows = np.delete(np.arange(1, len(lines) + 1), gone)
    all_notes = notes + named + unnamed + unread + commas + _quotes(data)
    return table_of(typed, rows, len(bad), all_notes, np.delete(lines, gone))


def separator_of(path: Path, header: str) -> str:
    """Return the usual separator of the suffix, or the most frequent one if the header lacks it."""
    usual = "," if suffix_of(path) == ".csv" else "\t"
    return usual if usual in header else max((usual, *SEPARATORS), key=header.count)


def names_of(header: Sequence[str]) -> list[str]:
    """Return the names of the columns; one without a name is called by its number, from 1."""
    return [name.strip() or f"column {place}" for place, name in enumerate(header, 1)]


@contextmanager
def long_fields() -> Iterator[None]:
    """Let csv read fields of any length, and restore the limit, which is that of the process."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _separator(path: Path, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the separator, and a note if it is not the usual one of the suffix."""
    found = separator_of(path, data.split(b"\n", 1)[0].decode())
    usual = separator_of(path, "")
    return found, () if found == usual else (f"The columns are separated by {SEPARATORS[found]}.",)


def _names(data: bytes, separator: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of the columns, and a note on columns without a name."""
    text = io.TextIOWrapper(io.BytesIO(data), newline="")
    header = next(row for row in csv.reader(text, delimiter=separator) if row)
    names = names_of(header)
    new = [name for name, given in zip(names, header, strict=True) if not given.strip()]
    if not new:
        return names, ()
    return names, (f"{count(len(new), 'column')} without a name: {listed(new)}.",)


def _parse(
    path: Path, data: bytes, separator: str, names: list[str]
) -> tuple[pa.Table, list[arrow.InvalidRow]]:
    """Return all values as text, and the rows with another number of columns than the header."""
    bad: list[arrow.InvalidRow] = []

    def leave_out(row: arrow.InvalidRow) -> str:
        """Remember a row, and tell Arrow to skip it."""
        bad.append(row)
        return "skip"

    try:
        table = arrow.read_csv(
            pa.BufferReader(data),
            arrow.ReadOptions(
                use_threads=False,
                block_size=min(len(data) + 1, LARGEST_BLOCK),
                column_names=names,
                skip_rows_after_names=1,
            ),
            arrow.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=leave_out
            ),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a table: {said}. Save it as CSV again.") from error
    return table, bad


def _lines(whole: bytes, separator: str) -> NDArray[np.int64]:
    """Return the line on which each row starts; a row may be of several lines, or a line blank.

    Args:
        whole: The text of the file, with the header.
        separator: The separator of the columns.
    """
    starts, line = [], 1
    with long_fields(), io.TextIOWrapper(io.BytesIO(whole), encoding="utf-8", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        for fields in reader:
            if fields:
                starts.append(line)
            line = reader.line_num + 1
    return np.array(starts[1:], np.int64)


def _typed(table: pa.Table, separator: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Return columns of numbers, of truth values and of text, and a note on decimal commas."""
    columns, commas = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        typed = _number(column)
        if typed is None and separator != ",":
            typed = _number(pc.replace_substring(column, ",", "."))
            commas += [name] * (typed is not None)
        columns.append(column if typed is None else typed)
    notes = (f"Columns whose numbers have a decimal comma: {listed(commas)}.",)
    return pa.table(columns, names=table.column_names), notes if commas else ()


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return the column as integers, floats or truth values; None if it is none of them."""
    trimmed = pc.utf8_trim_whitespace(column)
    if column.null_count == len(column):
        return column.cast(pa.float64())
    if pc.any(pc.match_substring_regex(trimmed, CODE)).as_py():
        return None
    if pc.all(pc.match_substring_regex(trimmed, BOOL)).as_py():
        return trimmed.cast(pa.bool_())
    for kind in (pa.int64(), pa.float64()):
        try:
            return trimmed.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _quotes(data: bytes) -> tuple[str, ...]:
    """Return a note if a quotation mark is not closed."""
    if data.count(b'"') % 2 == 0:
        return ()
    return ('A quotation mark " is not closed: rows after it may be read as one.',)
