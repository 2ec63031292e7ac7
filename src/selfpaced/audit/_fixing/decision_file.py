"""Files in which a person has written decisions: tables with the column decision or new_label."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from selfpaced._errors import require
from selfpaced._text import from_spreadsheet
from selfpaced.audit._fixing.decided import Choice, Choices, changed
from selfpaced.audit._fixing.suspects_file import as_row, text_of_table
from selfpaced.audit._reading.kinds import suffix_of
from selfpaced.audit._reading.tables.dialect import long_fields
from selfpaced.audit._reading.words import at, listed

# The columns of a person: what was decided, and the new label.
DECISION, NEW = "decision", "new_label"
# What can be in the column decision.
KEEP, ACCEPT, CHANGE, UNSURE = WORDS = ("keep", "accept", "change", "unsure")
# Separators of columns; the one that gives the most of our columns is taken.
SEPARATORS = (",", ";", "\t", "|")
# The formats that are read, by suffix.
READ = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".jsonl", ".ndjson")
# The column of the name of the reviewer, in a table that selfpaced exported.
REVIEWER = "reviewer"
# The largest number of places that an error names.
MOST_NAMED = 5


class Line(NamedTuple):
    """A line of a file of decisions: a place, what was decided, the new label, and by whom."""

    place: str
    decision: str
    label: str | None
    by: str = ""


class Sheet(NamedTuple):
    """A table of texts: the names of its columns, and its rows without empty ones."""

    names: list[str]
    rows: list[list[str]]


def read_sheet(path: Path, wanted: Iterable[str] = ()) -> Sheet:
    """Read a table of any of the formats that spreadsheets and programs save.

    Args:
        path: CSV, TSV or text with any usual separator, JSON Lines, or a workbook.
        wanted: Names of columns; the separator that gives the most of them is taken.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file that cannot be read.
    """
    kind = suffix_of(path)
    require(
        kind in READ,
        f"{path.name} is no table of decisions: {', '.join(READ)} are read. Decisions of Label "
        f"Studio are imported first.",
    )
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path}. Check the name.")
    if kind in (".xlsx", ".xlsm"):
        from selfpaced.audit._reading.tables.workbooks import choose_sheet  # openpyxl comes with it

        sheet = choose_sheet(path, None)
        width = len(sheet.names)
        rows = [[from_spreadsheet(cell or "") for cell in row.cells] for row in sheet.rows[1:]]
        return Sheet(sheet.names, [row + [""] * (width - len(row)) for row in rows])
    if kind in (".jsonl", ".ndjson"):
        return _of_lines(path)
    return _delimited(path, set(wanted))


def _delimited(path: Path, wanted: set[str]) -> Sheet:
    """Read a text table with the separator that gives the most of the wanted columns."""
    text, best = text_of_table(path), Sheet([], [])
    for separator in SEPARATORS:
        with long_fields():
            records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        records = [record for record in records if any(cell.strip() for cell in record)]
        names = records[0] if records else []
        if not best.names or len(wanted & set(names)) > len(wanted & set(best.names)):
            best = Sheet(names, records[1:])
    ragged = [row for row in best.rows if len(row) > len(best.names)]
    require(
        not ragged,
        f"{path} cannot be read: {len(ragged):,} of its lines have more cells than the header. "
        f"Save it again, with values that contain separators in quotes.",
    )
    width = len(best.names)
    cells = [[from_spreadsheet(cell) for cell in row] for row in best.rows]
    return Sheet(best.names, [row + [""] * (width - len(row)) for row in cells])


def _of_lines(path: Path) -> Sheet:
    """Read JSON Lines; a missing value is an empty text."""
    rows = []
    for number, line in enumerate(text_of_table(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: line {number} is no JSON: {error}. Correct it.") from error
        require(isinstance(row, dict), f"{path}: line {number} is no JSON object. Correct it.")
        rows.append({str(name): "" if each is None else str(each) for name, each in row.items()})
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Sheet(names, [[row.get(name, "") for name in names] for row in rows])


def has_decisions(sheet: Sheet, names: Mapping[str, str]) -> bool:
    """Say whether a table has a decision or a new label in some row."""
    columns = [sheet.names.index(names[n]) for n in (DECISION, NEW) if names[n] in sheet.names]
    return any(row[column].strip() for row in sheet.rows for column in columns)


def lines_of(path: Path, sheet: Sheet, names: Mapping[str, str], place: str) -> list[Line]:
    """Return the decisions of a table, without rows that have none.

    Args:
        path: The file, for errors.
        sheet: The table.
        names: The names of our columns, as ``our_names`` returns them.
        place: The column of the places: "row", "file" or "index".

    Raises:
        ValueError: For a missing column, a place that appears twice, a word that is no decision,
            and a decision that contradicts the new label.
    """
    needed = names[place]
    require(
        needed in sheet.names,
        f"{path} has no column {needed}, which says what each decision is about; it has "
        f"{listed(sheet.names)}. Restore it.",
    )
    require(
        bool({names[DECISION], names[NEW]} & set(sheet.names)),
        f"{path} has no column {names[DECISION]} or {names[NEW]}. Add one: {names[DECISION]} says "
        f"{', '.join(WORDS)}, and {names[NEW]} has the new label.",
    )
    found = []
    for row in sheet.rows:
        cells = {name: cell for name, cell in zip(sheet.names, row, strict=True)}
        where = as_row(cells[needed]) if place != "file" else cells[needed]
        require(
            bool(where),
            f"{path} needs a whole number in the column {needed}; got {cells[needed]!r:.40}. "
            f"Correct or delete that line.",
        )
        word, label = (cells.get(names[name], "").strip() for name in (DECISION, NEW))
        if word or label:
            line = _line(path, f"{place} {where}", str(where), word.lower(), label)
            found.append(line._replace(by=cells.get(REVIEWER, "").strip()))
    twice = [each for each, times in Counter(line.place for line in found).items() if times > 1]
    require(
        not twice,
        f"{path} decides more than once about {at(place, twice)}. Keep one line of each.",
    )
    return found


def _line(path: Path, what: str, place: str, word: str, label: str) -> Line:
    """Return a decision, or raise for one that does not exist or contradicts itself."""
    require(
        word in (*WORDS, ""),
        f"{path} says {word!r} about {what}; a decision is one of {', '.join(WORDS)}.",
    )
    require(
        not label or word in (CHANGE, ""),
        f"{path} says {word!r} about {what}, and gives the new label {label!r}. Leave one of them "
        f"out.",
    )
    require(
        bool(label) or word != CHANGE,
        f"{path} says {CHANGE!r} about {what}, and gives no new label. Write it into {NEW}.",
    )
    return Line(place, word or CHANGE, label or None)


def from_file(
    path: Path,
    lines: Iterable[Line],
    given: Mapping[str, str],
    suggested: Mapping[str, str],
    place: str,
) -> Choices:
    """Return the labels to change by the decisions of a file.

    Args:
        path: The file.
        lines: Its decisions.
        given: The label of each sample that the audit judged, by its place.
        suggested: The suggested label of each.
        place: What a place is called.

    Raises:
        ValueError: For decisions about samples that the audit did not judge.
    """
    lines = list(lines)
    strange = [line.place for line in lines if line.place not in given]
    require(
        not strange,
        f"{path} decides about {at(place, strange[:MOST_NAMED])}, which the audit did not judge. "
        f"Remove the decision.",
    )
    changes = []
    for line in lines:
        if line.decision in (ACCEPT, CHANGE):
            label = suggested[line.place] if line.label is None else line.label
            changes.append(Choice(line.place, given[line.place], label, line.by))
    words = [line.decision for line in lines]
    different = changed(changes)
    kept = words.count(KEEP) + len(changes) - len(different)
    return Choices(path.name, different, kept, words.count(UNSURE))
