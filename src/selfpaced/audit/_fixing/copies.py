"""Copies of a table, record by record, with some of the labels changed."""

import csv
import gzip
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from selfpaced._errors import choose, require
from selfpaced.audit._reading.content import encoding_of, unpack
from selfpaced.audit._reading.delimited import names_of, separator_of
from selfpaced.audit._reading.lines import object_of

WAS = "selfpaced_was"
MOST = 2**31 - 1  # characters of a field: what a C long holds everywhere


@dataclass(frozen=True)
class Wanted:
    """What is to change.

    Args:
        name: Of the table, for errors.
        label: The column with the labels.
        suggested: The new label by row, from 1.
        given: The label by row, as the audit saw it; may be empty.
        drop: Leave those rows out instead.
    """

    name: str
    label: str
    suggested: Mapping[int, object]
    given: Mapping[int, object]
    drop: bool

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise for a table without the labels, or with the column that is to be added."""
        choose("label", self.label, tuple(columns))
        require(
            self.drop or WAS not in columns,
            f"{self.name} has a column {WAS}, of an earlier correction. Remove or rename it.",
        )

    def changes(self, labels: Sequence[object]) -> dict[int, object]:
        """Return the new labels by position from 0, spelled as the table spells its labels.

        Args:
            labels: Of all records; None for one that cannot be read.

        Raises:
            ValueError: For a table that is not the one of the audit.
        """
        n, spelled = len(labels), Spelling(labels)
        for row in self.suggested:
            was = labels[row - 1] if 1 <= row <= n else None
            problem = "cannot be read" if was is None else ""
            if not 1 <= row <= n:
                problem = f"is outside the table, which has {n} rows"
            elif was is not None and row in self.given and key(was) != key(self.given[row]):
                problem = f"is labelled {was!r}, no longer {self.given[row]!r}"
            require(
                not problem,
                f"Row {row} of {self.name} {problem}. Was the file changed since the audit?",
            )
        return {row - 1: spelled(suggested) for row, suggested in self.suggested.items()}


class Record(NamedTuple):
    """A record as it stands in the file, and what it says."""

    raw: str
    fields: list[str]


def copy_delimited(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy a table of text; see ``fixing.fix``. Blank lines stay."""
    text, form = _decoded(path)
    separator, records = _records(path, text)
    names = names_of(records[0].fields)
    wanted.check_columns(names)
    column, rows = names.index(wanted.label), [record for record in records[1:] if record.fields]
    whole = [row.fields if len(row.fields) == len(names) else None for row in rows]
    changes = wanted.changes([None if fields is None else fields[column] for fields in whole])
    new = {id(rows[place]): str(label) for place, label in changes.items()}
    made = [records[0].raw if wanted.drop else _longer(records[0].raw, WAS, separator)]
    for record in records[1:]:
        label = new.get(id(record))
        if label is None:
            blank = wanted.drop or not record.fields
            made.append(record.raw if blank else _longer(record.raw, "", separator))
        elif not wanted.drop:
            made.append(_relabelled(record, column, label, separator))
    _write(target, "".join(made), form, packed=path.suffix.lower() == ".gz")
    return len(changes)


def copy_lines(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy JSON lines; see ``fixing.fix``. Only the changed lines are written anew."""
    text, form = _decoded(path)
    lines = list(io.StringIO(text, newline="\n"))
    rows = [object_of(line) or {} for line in lines]
    wanted.check_columns(list(dict.fromkeys(name for row in rows for name in row)))
    changes = wanted.changes([row.get(wanted.label) for row in rows])
    made = []
    for place, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if place not in changes:
            made.append(line)
        elif not wanted.drop:
            changed = row | {wanted.label: changes[place], WAS: row[wanted.label]}
            end = line[len(line.rstrip("\r\n")) :]
            made.append(json.dumps(changed, ensure_ascii=line.isascii()) + end)
    _write(target, "".join(made), form, packed=path.suffix.lower() == ".gz")
    return len(changes)


def require_labels(path: Path, label: str) -> None:
    """Raise for a Parquet file whose labels are of a type that ``fix`` does not write."""
    kind = parquet.read_schema(path).field(label).type
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
        f"fix does not write labels of type {kind}: {label} of {path.name}. Turn the column into "
        f"text and audit that.",
    )


def copy_parquet(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy a Parquet file with its types and what else its schema says; see ``fixing.fix``."""
    with parquet.ParquetFile(path) as file:
        table = file.read()
    wanted.check_columns(table.column_names)
    require_labels(path, wanted.label)
    labels = table.column(wanted.label).to_pylist()
    changes = wanted.changes(labels)
    if wanted.drop:
        table = table.filter(pa.array([place not in changes for place in range(len(labels))]))
    else:
        field = table.schema.field(wanted.label)
        new = [changes.get(place, label) for place, label in enumerate(labels)]
        was = [label if place in changes else None for place, label in enumerate(labels)]
        column = _typed(new, field.type)
        place = table.column_names.index(wanted.label)
        table = table.set_column(place, field.with_type(column.type), column)
        table = table.append_column(WAS, pa.array(was, type=field.type))
    parquet.write_table(table, target)
    return len(changes)


def _records(path: Path, text: str) -> tuple[str, list[Record]]:
    """Return the separator, and the records from the header on with the lines they stand on."""
    body = text.lstrip("\r\n")
    separator = separator_of(path, body.split("\n", 1)[0])
    lines, records = [text[: len(text) - len(body)]], []

    def remembered() -> Iterator[str]:
        for line in io.StringIO(body, newline=""):
            lines.append(line)
            yield line

    with _long_fields():
        for fields in csv.reader(remembered(), delimiter=separator):
            records.append(Record("".join(lines), fields))
            lines.clear()
    require(bool(records), f"{path.name} is empty. Is it the right file?")
    return separator, records


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let csv read texts of any length; its limit belongs to the whole process."""
    before = csv.field_size_limit(MOST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _longer(raw: str, text: str, delimiter: str) -> str:
    """Return a record with one more field."""
    body = raw.rstrip("\r\n")
    return body + delimiter + text + raw[len(body) :]


def _relabelled(record: Record, column: int, label: str, delimiter: str) -> str:
    """Return a record with a new label, and the former one in one more field."""
    fields, end = [*record.fields, record.fields[column]], len(record.raw.rstrip("\r\n"))
    fields[column] = label
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
    return text.getvalue().removesuffix("\r\n") + record.raw[end:]


def _typed(values: list[object], kind: Any) -> Any:
    """Return an Arrow array of the type where it can hold the values, else of one that can."""
    broken = any(isinstance(value, float) and not value.is_integer() for value in values)
    if broken and pa.types.is_integer(kind):  # Arrow would cut the fractions off
        return pa.array(values)
    try:
        return pa.array(values, type=kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values)


def _decoded(path: Path) -> tuple[str, str]:
    """Return the text of a file, unpacked, and how it is written: as an audit reads it."""
    raw = unpack(path)
    form = encoding_of(raw)
    return raw.decode(form), form


def _write(path: Path, text: str, form: str, *, packed: bool) -> None:
    """Write a text as the table is written."""
    raw = text.encode(form)
    path.write_bytes(gzip.compress(raw, mtime=0) if packed else raw)


class Spelling:
    """Writes a label as the table does: 7 is "007" where the table says so.

    Args:
        labels: All that stand in the table; None for one that cannot be read.

    >>> spelled = Spelling(["007", "true", None, "Cat"])
    >>> spelled(7), spelled(True), spelled("Cat"), spelled("dog")
    ('007', 'true', 'Cat', 'dog')
    """

    def __init__(self, labels: Sequence[object]) -> None:
        """Look at the labels."""
        there = [label for label in labels if label is not None]
        self._same = {str(label): label for label in there}
        self._like = {key(label): label for label in reversed(there)}
        self._text = all(isinstance(label, str) for label in there)

    def __call__(self, label: object) -> object:
        """Return the label as it stands in the table; one that is new there in the same type."""
        known = self._same.get(str(label), self._like.get(key(label)))
        if known is not None:
            return known
        return str(label) if self._text else key(label)


def key(label: object) -> float | str:
    """Return what all spellings of a label have in common.

    >>> key("007"), key(7), key(" True")
    (7.0, 7.0, 'true')
    """
    text = str(label).strip()
    try:
        number = float(text)
    except ValueError:
        return text.casefold()
    return number if math.isfinite(number) else text.casefold()
