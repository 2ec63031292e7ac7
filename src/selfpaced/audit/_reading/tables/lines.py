"""JSON Lines: text with one JSON object per line."""

import json
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from selfpaced._errors import require
from selfpaced.audit._reading.content import read_text
from selfpaced.audit._reading.memory import require_memory
from selfpaced.audit._reading.progress import steps
from selfpaced.audit._reading.tables.cells import typed
from selfpaced.audit._reading.tables.fingerprints import of_lines
from selfpaced.audit._reading.tables.frames import Table, table_of, tell_unread
from selfpaced.audit._reading.words import count

# The start of a surrogate in JSON: half of a character, which needs a second one after it.
SURROGATE = b"\\ud"
# The largest number of lists and objects inside of each other.
MOST_DEPTH = 64
# What a line should be, for an error.
EXPECTED = "expected a JSON object"
# With more keys than this, the objects must have this share of them in the mean.
MANY_KEYS, LEAST_FILLED = 5_000, 0.01
# The number of bytes that a cell needs at the peak, and the rows that a column needs in addition.
BYTES_PER_CELL, ROWS_PER_COLUMN = 32, 200


def read_lines(path: Path) -> Table:
    """Read JSON Lines; the row of an object is the number of its line, from 1.

    A key that an object does not have becomes a missing value. A column of text that is all numbers
    becomes numbers, as in a CSV file.

    Raises:
        ValueError: For a file that is empty or not text, and if more than a tenth of its lines are
            not JSON objects.
    """
    data, notes = read_text(path)
    records, rows, bad = [], [], []
    lines = data.splitlines()  # a line ends in LF, CR and LF, or CR alone
    for number, line in enumerate(steps(lines, len(lines), "line"), 1):
        if not line.strip():
            continue
        record = object_of(line)
        if record is None:
            bad.append(number)
        else:
            records.append(record)
            rows.append(number)
    do = f"Save the file as JSON Lines, one object per line, nested at most {MOST_DEPTH} deep."
    unread = tell_unread(path, bad, len(records), EXPECTED, do)
    names = list(dict.fromkeys(key for record in records for key in record))
    filled = sum(map(len, records))
    require(
        len(names) <= MANY_KEYS or filled >= LEAST_FILLED * len(names) * len(records),
        f"{path}: its objects have {len(names):,} different keys, and each of them few. Give each "
        f"object the same keys, and write values that are keys as values.",
    )
    require_memory(
        f"{path}: {count(len(names), 'column')} of {count(len(records), 'row')} need",
        len(names) * (len(records) + ROWS_PER_COLUMN) * BYTES_PER_CELL,
        "Do objects have other objects' values as keys? Give each object the same keys.",
    )
    columns = [_column([record.get(name) for record in records]) for name in names]
    table = pa.table(columns, names=names)
    places = np.array(rows, np.int64)
    read = table_of(table, places, len(bad), notes + unread, places, typed(table, "."))
    return replace(read, fingerprints=of_lines(lines))


def object_of(line: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line; None if it is not one, or has half of a surrogate pair."""
    try:
        record = json.loads(line)
        if SURROGATE in (line.encode() if isinstance(line, str) else line).lower():
            json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _is_flat(record) else None


def _is_flat(record: dict[str, Any]) -> bool:
    """Say whether lists and objects inside of an object are nested at most MOST_DEPTH deep."""
    inside: list[Any] = [record]
    for _ in range(MOST_DEPTH):
        values = chain.from_iterable(
            each.values() if isinstance(each, dict) else each for each in inside
        )
        inside = [value for value in values if isinstance(value, dict | list)]
        if not inside:
            return True
    return False


def _column(values: list[Any]) -> pa.ChunkedArray:
    """Return a column of one type; values of different types become text."""
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        column = pa.array([value if value is None else _text(value) for value in values])
    return pa.chunked_array([column])


def _text(value: Any) -> str:
    """Return a value as text: a string as it is, another value as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
