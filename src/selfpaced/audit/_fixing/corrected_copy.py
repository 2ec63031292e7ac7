"""Copies of a table, row by row, in which some labels are changed."""

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

# The column of a corrected copy that holds the former labels.
WAS = "selfpaced_was"
# The largest number of characters of a field: the largest C long on all platforms.
LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True)
class Wanted:
    """The changes to make in a table.

    Args:
        name: The name of the table, for errors.
        label: The column of the labels.
        suggested: The new label of each row to change, by its number, from 1.
        given: The labels of the audit by row; rows may be missing.
        drop: Leave out the rows instead.
    """

    name: str
    label: str
    suggested: Mapping[int, object]
    given: Mapping[int, object]
    drop: bool

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise for a table without the column of labels, or with the column to be added."""
        choose("label", self.label, tuple(columns))
        require(
            self.drop or WAS not in columns,
            f"{self.name} has a column {WAS} from an earlier correction. Remove or rename it.",
        )

    def changes(self, labels: Sequence[object]) -> dict[int, object]:
        """Return the new labels by the position of their row, from 0, spelled as in the table.

        Args:
            labels: The labels of all rows; None for a row that cannot be read.

        Raises:
            ValueError: For a table that has changed since the audit.
        """
        n, spelled = len(labels), Spelling(labels)
        for row in self.suggested:
            was = labels[row - 1] if 1 <= row <= n else None
            problem = "cannot be read" if was is None else ""
            if not 1 <= row <= n:
                problem = f"does not exist in the table, which has {n} rows"
            elif was is not None and row in self.given and key(was) != key(self.given[row]):
                problem = f"has the label {was!r}, and had {self.given[row]!r} in the audit"
            require(
                not problem,
                f"Row {row} of {self.name} {problem}. Was the file changed since the audit?",
            )
        return {row - 1: spelled(suggested) for row, suggested in self.suggested.items()}


class Record(NamedTuple):
    """A row of a text file: its text with all line ends, and its fields."""

    raw: str
    fields: list[str]


def copy_delimited(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy a CSV, TSV or other text table; see ``fix.fix``. Blank lines are kept."""
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
    """Copy a JSON Lines file; see ``fix.fix``. Only changed lines are written again."""
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
    """Raise for a Parquet file whose labels have a type that ``fix`` does not write."""
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
        f"fix does not write labels of type {kind}: {label} of {path.name}. Convert the column to "
        f"text and audit again.",
    )


def copy_parquet(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy a Parquet file with its types and its schema; see ``fix.fix``."""
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
    """Return the separator, and the records from the header on, with their text."""
    body = text.lstrip("\r\n")
    separator = separator_of(path, body.split("\n", 1)[0])
    lines, records = [text[: len(text) - len(body)]], []

    def remembered() -> Iterator[str]:
        """Yield the lines, and keep them for the text of the record."""
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
    """Let csv read fields of any length, and restore the limit, which is that of the process."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _longer(raw: str, text: str, delimiter: str) -> str:
    """Return the text of a record with one more field."""
    body = raw.rstrip("\r\n")
    return body + delimiter + text + raw[len(body) :]


def _relabelled(record: Record, column: int, label: str, delimiter: str) -> str:
    """Return the text of a record with a new label, and the former label in one more field."""
    fields, end = [*record.fields, record.fields[column]], len(record.raw.rstrip("\r\n"))
    fields[column] = label
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
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


class Spelling:
    """Spells a label as the table does: 7 becomes "007" if the table has "007".

    Args:
        labels: The labels of the table; None for a row that cannot be read.

    >>> spelled = Spelling(["007", "true", None, "Cat"])
    >>> spelled(7), spelled(True), spelled("Cat"), spelled("dog")
    ('007', 'true', 'Cat', 'dog')
    """

    def __init__(self, labels: Sequence[object]) -> None:
        """Store the spellings of the labels."""
        there = [label for label in labels if label is not None]
        self._same = {str(label): label for label in there}
        self._like = {key(label): label for label in reversed(there)}
        self._text = all(isinstance(label, str) for label in there)

    def __call__(self, label: object) -> object:
        """Return the label as the table spells it; a new label gets the type of the others."""
        known = self._same.get(str(label), self._like.get(key(label)))
        if known is not None:
            return known
        return str(label) if self._text else key(label)


def key(label: object) -> float | str:
    """Return a value that is equal for all spellings of a label.

    >>> key("007"), key(7), key(" True")
    (7.0, 7.0, 'true')
    """
    text = str(label).strip()
    try:
        number = float(text)
    except ValueError:
        return text.casefold()
    return number if math.isfinite(number) else text.casefold()
