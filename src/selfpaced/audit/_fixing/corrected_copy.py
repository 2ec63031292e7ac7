"""Copies of a table, row by row, in which some labels are changed."""

import gzip
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from selfpaced._errors import require
from selfpaced.audit._fixing.changes import WAS, Changes, Wanted
from selfpaced.audit._reading.content import encoding_of, unpack
from selfpaced.audit._reading.tables.dialect import Dialect, dialect_of, long_fields
from selfpaced.audit._reading.tables.fingerprints import of_cells, of_columns, of_lines
from selfpaced.audit._reading.tables.lines import object_of


class Record(NamedTuple):
    """A row of a text file: its text with all line ends, and its fields."""

    raw: str
    fields: list[str]


def copy_delimited(path: Path, target: Path, wanted: Wanted) -> Changes:
    """Copy a CSV, TSV or other text table; see ``fix.fix``. Blank lines are kept."""
    text, form = _decoded(path)
    before, dialect, records = _records(path, text)
    names = dialect.names(records[0].fields)
    wanted.check_columns(names)
    column, rows = names.index(wanted.label), [record for record in records[1:] if record.fields]
    whole = [row.fields if len(row.fields) == len(names) else None for row in rows]
    changes = wanted.found(of_cells(row.fields for row in rows)).changes(
        [None if fields is None else dialect.value(fields[column]) for fields in whole]
    )
    new = {id(rows[place]): str(label) for place, label in changes.new.items()}
    made = [before, records[0].raw if wanted.drop else _longer(records[0].raw, WAS, dialect)]
    for record in records[1:]:
        label = new.get(id(record))
        if label is None:
            blank = wanted.drop or not record.fields
            made.append(record.raw if blank else _longer(record.raw, "", dialect, row=True))
        elif not wanted.drop:
            made.append(_relabelled(record, column, label, dialect))
    _write(target, "".join(made), form, packed=path.suffix.lower() == ".gz")
    return changes


def copy_lines(path: Path, target: Path, wanted: Wanted) -> Changes:
    """Copy a JSON Lines file; see ``fix.fix``. Only changed lines are written again."""
    text, form = _decoded(path)
    lines = list(io.StringIO(text, newline=""))  # a line may end in CR alone, as in ``read_lines``
    rows = [object_of(line) or {} for line in lines]
    wanted.check_columns(list(dict.fromkeys(name for row in rows for name in row)))
    changes = wanted.found(of_lines(lines)).changes([row.get(wanted.label) for row in rows])
    made = []
    for place, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if place not in changes.new:
            made.append(line)
        elif not wanted.drop:
            changed = row | {wanted.label: changes.new[place], WAS: row[wanted.label]}
            end = line[len(line.rstrip("\r\n")) :]
            made.append(json.dumps(changed, ensure_ascii=line.isascii()) + end)
    _write(target, "".join(made), form, packed=path.suffix.lower() == ".gz")
    return changes


def require_labels(path: Path, label: str) -> None:
    """Raise for a Parquet file whose labels have a type that ``fix`` does not write."""
    with path.open("rb") as raw:  # Arrow would take the path as UTF-8, whatever the locale is
        kind = parquet.read_schema(raw).field(label).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    known = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
    )
    require(
        any(of(kind) for of in known),
        f"fix does not write labels of type {kind}: {label} of {path.name}. Convert the column to "
        f"text and audit again.",
    )


def copy_parquet(path: Path, target: Path, wanted: Wanted) -> Changes:
    """Copy a Parquet file with its types and its schema; see ``fix.fix``."""
    with path.open("rb") as raw, parquet.ParquetFile(raw) as file:  # as above
        table = file.read()
    wanted.check_columns(table.column_names)
    require_labels(path, wanted.label)
    labels = table.column(wanted.label).to_pylist()
    changes = wanted.found(of_columns(table)).changes(labels)
    if wanted.drop:
        table = table.filter(pa.array([place not in changes.new for place in range(len(labels))]))
    else:
        field = table.schema.field(wanted.label)
        new = [changes.new.get(place, label) for place, label in enumerate(labels)]
        was = [label if place in changes.new else None for place, label in enumerate(labels)]
        column = _typed(new, field.type)
        place = table.column_names.index(wanted.label)
        table = table.set_column(place, field.with_type(column.type), column)
        table = table.append_column(WAS, pa.array(was, type=field.type))
    with target.open("wb") as made:
        parquet.write_table(table, made)
    return changes


def _records(path: Path, text: str) -> tuple[str, Dialect, list[Record]]:
    """Return the text before the header, the dialect, and the records from the header on."""
    require(bool(text.strip()), f"{path.name} is empty. Is it the right file?")
    ended = text if text.endswith("\n") else text + "\n"  # as an audit reads it
    dialect, _ = dialect_of(path, ended.encode())
    source = io.StringIO(text, newline="")
    before = "".join(islice(source, dialect.skipped))
    lines, records = [], []

    def remembered() -> Iterator[str]:
        """Yield the lines, and keep them for the text of the record."""
        for line in source:
            lines.append(line)
            yield line

    with long_fields():
        for fields in dialect.reader(remembered()):
            records.append(Record("".join(lines), fields))
            lines.clear()
    return before, dialect, records


def _longer(raw: str, text: str, dialect: Dialect, *, row: bool = False) -> str:
    """Return the text of the header or of a row with one more field."""
    body = raw.rstrip("\r\n")
    separator = "" if row and dialect.trailing else dialect.separator
    return body + separator + text + raw[len(body) :]


def _relabelled(record: Record, column: int, label: str, dialect: Dialect) -> str:
    """Return the text of a record with a new label, and the former label in one more field."""
    fields, end = [*record.fields], len(record.raw.rstrip("\r\n"))
    if dialect.trailing:
        fields.pop()  # the field after the last separator is the one that becomes longer
    fields = [*fields, fields[column]]
    fields[column] = label
    text = io.StringIO()
    dialect.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n") + record.raw[end:]


def _typed(values: list[object], kind: Any) -> Any:
    """Return an Arrow array of this type if it can hold the values, else of a type that can."""
    broken = any(isinstance(value, float) and not value.is_integer() for value in values)
    if broken and pa.types.is_integer(kind):  # Arrow would cut off the fractions
        return pa.array(values)
    try:
        return pa.array(values, type=kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values)


def _decoded(path: Path) -> tuple[str, str]:
    """Return the unpacked text of a file and its encoding, as an audit reads them."""
    raw = unpack(path)
    form = encoding_of(raw)
    return raw.decode(form), form


def _write(path: Path, text: str, form: str, *, packed: bool) -> None:
    """Write a text in an encoding; gzip it if ``packed``."""
    raw = text.encode(form)
    path.write_bytes(gzip.compress(raw, mtime=0) if packed else raw)
