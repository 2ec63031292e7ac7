"""Copies of a table, record by record, with some of the labels changed."""

import codecs
import csv
import io
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple

from selfpaced.errors import choose, require

WAS = "selfpaced_was"


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
        n, spelled = len(labels), _Spelling(labels)
        for row in self.suggested:
            was = labels[row - 1] if 1 <= row <= n else None
            problem = "cannot be read" if was is None else ""
            if not 1 <= row <= n:
                problem = f"is outside the table, which has {n} rows"
            elif was is not None and row in self.given and _key(was) != _key(self.given[row]):
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


def copy_csv(path: Path, target: Path, wanted: Wanted, delimiter: str) -> int:
    """Copy a table of separated values; see ``fixing.fix``. Blank lines stay."""
    form = _encoding(path)
    with path.open(encoding=form, errors="surrogateescape", newline="") as file, _long_fields():
        header, *records = list(_records(file, delimiter)) or [Record("", [])]
    wanted.check_columns(header.fields)
    column, n_fields = header.fields.index(wanted.label), len(header.fields)
    rows = [record for record in records if record.fields]
    changes = wanted.changes(
        [row.fields[column] if len(row.fields) == n_fields else None for row in rows]
    )
    new = {id(rows[place]): str(label) for place, label in changes.items()}
    with target.open("w", encoding=form, errors="surrogateescape", newline="") as file:
        file.write(header.raw if wanted.drop else _longer(header.raw, WAS, delimiter))
        for record in records:
            label = new.get(id(record))
            if label is None:
                blank = wanted.drop or not record.fields
                file.write(record.raw if blank else _longer(record.raw, "", delimiter))
            elif not wanted.drop:
                file.write(_relabelled(record, column, label, delimiter))
    return len(changes)


def copy_jsonl(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy JSON lines; see ``fixing.fix``. Only the changed lines are written anew."""
    form = _encoding(path)
    with path.open(encoding=form, errors="surrogateescape", newline="") as file:
        lines = [line for line in file if line.strip()]
    rows = [_parsed(line) for line in lines]
    wanted.check_columns(sorted({name for row in rows for name in row}))
    changes = wanted.changes([row.get(wanted.label) for row in rows])
    with target.open("w", encoding=form, errors="surrogateescape", newline="") as file:
        for place, (line, row) in enumerate(zip(lines, rows, strict=True)):
            if place not in changes:
                file.write(line)
            elif not wanted.drop:
                changed = row | {wanted.label: changes[place], WAS: row[wanted.label]}
                text = json.dumps(changed, ensure_ascii=line.isascii())
                file.write(text + line[len(line.rstrip("\r\n")) :])
    return len(changes)


def copy_parquet(path: Path, target: Path, wanted: Wanted) -> int:
    """Copy a Parquet file with its types and what else its schema says; see ``fixing.fix``."""
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    with parquet.ParquetFile(path) as file:
        table = file.read()
    wanted.check_columns(table.column_names)
    labels = table.column(wanted.label).to_pylist()
    changes = wanted.changes(labels)
    if wanted.drop:
        table = table.filter(arrow.array([place not in changes for place in range(len(labels))]))
    else:
        field = table.schema.field(wanted.label)
        new = [changes.get(place, label) for place, label in enumerate(labels)]
        was = [label if place in changes else None for place, label in enumerate(labels)]
        column = _typed(arrow, new, field.type)
        place = table.column_names.index(wanted.label)
        table = table.set_column(place, field.with_type(column.type), column)
        table = table.append_column(WAS, arrow.array(was, type=field.type))
    parquet.write_table(table, target)
    return len(changes)


class _Spelling:
    """Writes a label as the table does: 7 is "007" where the table says so."""

    def __init__(self, labels: Sequence[object]) -> None:
        there = [label for label in labels if label is not None]
        self._same = {str(label): label for label in there}
        self._like = {_key(label): label for label in reversed(there)}
        self._text = all(isinstance(label, str) for label in there)

    def __call__(self, label: object) -> object:
        """Return the label as it stands in the table; one that is new there in the same type."""
        known = self._same.get(str(label), self._like.get(_key(label)))
        if known is not None:
            return known
        return str(label) if self._text else _key(label)


def _key(label: object) -> float | str:
    """Return what two spellings of a label have in common."""
    text = str(label).strip()
    try:
        number = float(text)
    except ValueError:
        return text.casefold()
    return number if math.isfinite(number) else text.casefold()


def _records(file: IO[str], delimiter: str) -> Iterator[Record]:
    """Read records as csv does, and keep the lines that each stands on."""
    lines: list[str] = []

    def remembered() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line

    for fields in csv.reader(remembered(), delimiter=delimiter):
        yield Record("".join(lines), fields)
        lines.clear()


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let csv read texts of any length; its limit belongs to the whole process."""
    before = csv.field_size_limit(sys.maxsize)
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


def _parsed(line: str) -> dict[str, Any]:
    """Return a line's object; nothing for a line that is none."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _typed(arrow: Any, values: list[object], kind: Any) -> Any:
    """Return an Arrow array of the type where it can hold the values, else of one that can."""
    try:
        return arrow.array(values, type=kind)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError):
        return arrow.array(values)


def _encoding(path: Path) -> str:
    """Return UTF-8, with the mark that some programs put before it."""
    with path.open("rb") as file:
        return "utf-8-sig" if file.read(3) == codecs.BOM_UTF8 else "utf-8"
