"""JSON Lines: an object a line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from selfpaced.audit._reading.content import read_text
from selfpaced.audit._reading.frames import Table, table_of, tell_unread

SURROGATE = b"\\ud"  # begins one in JSON; a pair of them is a letter


def read_lines(path: Path) -> Table:
    """Read JSON Lines; a row is a line, from 1, and a key that an object lacks is missing.

    Raises:
        ValueError: When the file is empty or no text, or when more than a tenth of its lines are
            no JSON object.
    """
    data, notes = read_text(path)
    records, rows, bad = [], [], []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        record = object_of(line)
        if record is None:
            bad.append(number)
        else:
            records.append(record)
            rows.append(number)
    do = "Save the file as JSON Lines, an object a line."
    unread = tell_unread(path, bad, len(records), "expected a JSON object", do)
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = [_column([record.get(name) for record in records]) for name in names]
    table = pa.table(columns, names=names)
    return table_of(table, np.array(rows, np.int64), len(bad), notes + unread)


def object_of(line: str | bytes) -> dict[str, Any] | None:
    """Return the object of a line, None where there is none, or half a letter (a surrogate)."""
    try:
        record = json.loads(line)
        if SURROGATE in (line.encode() if isinstance(line, str) else line).lower():
            json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _column(values: list[Any]) -> pa.ChunkedArray:
    """Return a column of one type; values of several become text."""
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        column = pa.array([value if value is None else _text(value) for value in values])
    return pa.chunked_array([column])


def _text(value: Any) -> str:
    """Return a value as text: strings as they are, others as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
