"""JSON Lines: text with one JSON object per line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from selfpaced.audit._reading.content import read_text
from selfpaced.audit._reading.tables.cells import typed
from selfpaced.audit._reading.tables.fingerprints import of_lines
from selfpaced.audit._reading.tables.frames import Table, table_of, tell_unread

# The start of a surrogate in JSON: half of a character, which needs a second one after it.
SURROGATE = b"\\ud"


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
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = object_of(line)
        if record is None:
            bad.append(number)
        else:
            records.append(record)
            rows.append(number)
    do = "Save the file as JSON Lines, one object per line."
    unread = tell_unread(path, bad, len(records), "expected a JSON object", do)
    names = list(dict.fromkeys(key for record in records for key in record))
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
    return record if isinstance(record, dict) else None


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
