"""Text files parsed by Arrow; numbers of large files are converted while they are parsed."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow

from selfpaced.audit._reading.tables.cells import GAPS, typed, without_gaps
from selfpaced.audit._reading.tables.dialect import Dialect
from selfpaced.audit._reading.tables.wide import sign_of

# The largest number of bytes that Arrow reads as one block.
LARGEST_BLOCK = 2**31 - 1
# From this number of bytes on, columns are read as numbers if the first bytes say so.
LARGE, HEAD = 1 << 22, 1 << 17
# Numbers of this size may be codes of 19 digits and more.
LONG = 1e18
# The type that is tried next where a cell does not fit; None for text.
WIDER = {pa.int64(): pa.float64(), pa.float64(): None}
# The number of times that a column may turn out to be of another type.
MOST_TRIES = 4
# The position of a column, from 0, in an error of Arrow.
COLUMN = re.compile(r"column #(\d+)")


def parse_typed(
    path: Path, data: bytes, dialect: Dialect, names: list[str]
) -> tuple[pa.Table, list[arrow.InvalidRow]]:
    """Return what ``parse`` does, with the columns of numbers of a large file as numbers.

    Text that is converted while it is parsed takes a fraction of the time. A column whose head is
    all numbers is tried as such; one with other cells, as it turns out, is read as text.
    """
    if len(data) < LARGE or not dialect.quoted or _has_codes(data, dialect.separator):
        return parse(path, data, dialect, names)
    head, _ = parse(path, data[: data.index(b"\n", HEAD) + 1], dialect, names)
    sign = sign_of(head.columns, "," if dialect.separator == ";" else ".")
    if sign == ",":  # Arrow reads decimal points only
        return parse(path, data, dialect, names)
    types = {
        name: numbers.values.type
        for name, numbers in typed(without_gaps(head)[0], sign).items()
        if numbers.values.type in WIDER and not (numbers.marks or numbers.odd)
    }
    for _ in range(MOST_TRIES):
        try:
            table, bad = parse(path, data, dialect, names, types)
            columns = zip(names, table.columns, strict=True)
            long = {name for name, column in columns if name in types and _is_long(column)}
            if not long:
                return table, bad
            types = {name: kind for name, kind in types.items() if name not in long}
        except ValueError as error:
            found = COLUMN.search(str(error))
            if found is None or names[int(found[1])] not in types:
                raise
            name = names[int(found[1])]
            wider = WIDER[types.pop(name)]
            if wider is not None:
                types[name] = wider
    return parse(path, data, dialect, names)


def parse(
    path: Path,
    data: bytes,
    dialect: Dialect,
    names: list[str],
    types: Mapping[str, pa.DataType] = MappingProxyType({}),
) -> tuple[pa.Table, list[arrow.InvalidRow]]:
    """Return all values, and the rows with another number of columns than the header.

    Args:
        path: The file.
        data: The text from the header on.
        dialect: How it is written.
        names: The names of the columns.
        types: The types of columns of numbers; all others are text.
    """
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
                delimiter=dialect.separator,
                quote_char='"' if dialect.quoted else False,
                double_quote=not dialect.escaped,
                escape_char="\\" if dialect.escaped else False,
                newlines_in_values=dialect.quoted and not dialect.one_line,
                invalid_row_handler=leave_out,
            ),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()) | dict(types),
                include_columns=names,
                strings_can_be_null=not types,
                null_values=["", *(GAPS if types else ())],
            ),
        )
    except pa.ArrowInvalid as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a table: {said}. Save it as CSV again.") from error
    if types:
        table = _with_gaps(table)
    return table if dialect.quoted else _unwrapped(table), bad


def _has_codes(data: bytes, separator: str) -> bool:
    """Say whether a field may begin with a zero and a digit, as the code 007 does."""
    raw = np.frombuffer(data, np.uint8)
    zeros = np.flatnonzero(raw == ord("0"))
    zeros = zeros[zeros > 1]
    digit, edge = np.zeros(256, bool), np.zeros(256, bool)
    digit[[*b"0123456789xX"]] = True
    edge[[*separator.encode(), *b'"\r\n ']] = True
    zeros = zeros[digit[raw[zeros + 1]]]
    before, signed = raw[zeros - 1], raw[zeros - 2]
    sign = (before == ord("-")) | (before == ord("+"))
    return bool((edge[before] | (sign & edge[signed])).any())


def _is_long(column: pa.ChunkedArray) -> bool:
    """Say whether a column has numbers that may be codes of many digits."""
    ends = pc.min_max(column).as_py()
    return any(end is not None and abs(end) >= LONG for end in ends.values())


def _with_gaps(table: pa.Table) -> pa.Table:
    """Return a table with gaps for empty texts."""
    empty, columns = pa.scalar(None, pa.string()), []
    for column in table.columns:
        text = pa.types.is_string(column.type)
        columns.append(pc.if_else(pc.equal(column, ""), empty, column) if text else column)
    return pa.table(columns, names=table.column_names)


def _unwrapped(table: pa.Table) -> pa.Table:
    """Return values that are in quotation marks without them; see ``Dialect.value``."""
    columns = [pc.replace_substring_regex(each, r'^"(.*)"$', r"\1") for each in table.columns]
    return pa.table(columns, names=table.column_names)
