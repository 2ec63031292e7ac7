"""suspects.csv: the names of its columns, and the rows to change as a person left them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from selfpaced._errors import require
from selfpaced._text import from_spreadsheet
from selfpaced.audit._reading.content import encoding_of
from selfpaced.audit._reading.tables.dialect import long_fields
from selfpaced.audit._reading.words import at, listed

# The columns of suspects.csv that are ours, in their order; the first is one of row, index, file.
OURS = (
    *("row", "index", "file", "line", "fix"),
    *("probability", "given", "suggested", "confidence"),
    *("decision", "new_label"),
)
# Those that a user may add.
ADDED = ("decision", "new_label")
# The prefix of a column of ours whose name the user has.
PREFIX = "selfpaced_"
# The columns from which a table is corrected, besides the place.
NEEDED = ("fix", "given", "suggested")
# The values of the column fix: whether the label of the row is changed.
YES, NO = "yes", "no"
# Separators of columns with which spreadsheets save a table.
SAVED_WITH = (",", ";", "\t")
# The largest number of rows that an error names.
MOST_ROWS = 5
# A whole number, as a spreadsheet may write it.
WHOLE = re.compile(r"[0-9]+([.,]0{0,2})?")


def our_names(own: Iterable[str], ours: Iterable[str] = OURS) -> dict[str, str]:
    """Return the names that our columns have beside those of the user, which keep their names.

    Args:
        own: The names of the user's columns.
        ours: The names of ours, where nobody else has them.

    >>> names = our_names(["text", "row", "fix", "selfpaced_fix"])
    >>> names["line"], names["row"], names["fix"]
    ('line', 'selfpaced_row', 'selfpaced_selfpaced_fix')
    """
    taken, names = set(own), {}
    for name in ours:
        names[name] = name
        while names[name] in taken:
            names[name] = PREFIX + names[name]
    return names


def read_chosen(path: Path, names: Mapping[str, str], place: str = "row") -> pd.DataFrame:
    """Read suspects.csv as a spreadsheet saved it, and return the samples to change.

    Args:
        path: The file.
        names: The names of our columns, as ``our_names`` returns them.
        place: The column of the places: "row", "file" or "index".

    Returns:
        The columns ``place``, ``given`` and ``suggested`` of the samples with yes in the column
        ``fix``.

    The columns are separated by commas, semicolons or tabs; the text is UTF-8 or UTF-16. Lines
    whose cells are all empty are skipped. The apostrophe before text that would be a formula is
    taken off; see ``spreadsheet_cell``. No other column is looked at.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file that cannot be read, for a missing column, and for a cell that does
            not hold what it must.
    """
    table = _table(path, names, place)
    rows = _places(path, table[names[place]], place)
    fix = _fix(path, table[names["fix"]], [f"{place} {row}" for row in rows])
    ours = {"place": rows, "given": table[names["given"]], "suggested": table[names["suggested"]]}
    made = pd.DataFrame(ours)[fix == YES].reset_index(drop=True)
    for name in ("suggested", "given"):
        bare = made["place"][made[name].str.strip() == ""]
        require(
            bare.empty,
            f"{path} has no {name} label for {at(place, bare)}. Write it into the column "
            f"{names[name]}, or set {names['fix']} to no.",
        )
    return made


def _table(path: Path, names: Mapping[str, str], place: str) -> pd.DataFrame:
    """Read our columns of the file as text, without blank lines."""
    needed = [names[name] for name in (place, *NEEDED)]
    text = text_of_table(path)
    header, lines = max(
        (_records(text, separator) for separator in SAVED_WITH),
        key=lambda read: len(set(needed) & set(read[0])),
    )
    _require_columns(path, header, names, place)
    ragged = [number for number, line in lines if any(line[len(header) :])]
    require(
        not ragged,
        f"{path} cannot be read: line {listed(ragged, MOST_ROWS)} has more cells than the header. "
        f"Save it as CSV again, with values that contain commas, semicolons or tabs in quotes.",
    )
    filled = [line + [""] * (len(header) - len(line)) for _, line in lines]
    columns = {name: header.index(name) for name in needed}
    cells = {
        name: [from_spreadsheet(line[column]) for line in filled]
        for name, column in columns.items()
    }
    return pd.DataFrame(cells, dtype=str)


def text_of_table(path: Path) -> str:
    """Read the text of the file."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path}. Restore it, or audit again.")
    raw = path.read_bytes()
    form = encoding_of(raw)
    try:
        return raw.decode("ascii" if form == "latin-1" else form)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} cannot be read: it is neither UTF-8 nor UTF-16 text. Save it as CSV in UTF-8."
        ) from error


def _records(text: str, separator: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, and all records after it, each with the line on which it starts."""
    records, line = [], 1
    with long_fields():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        for record in reader:
            records.append((line, record))
            line = reader.line_num + 1
    whole = [each for each in records if any(cell.strip() for cell in each[1])]
    return (whole[0][1], whole[1:]) if whole else ([], [])


def _require_columns(path: Path, header: list[str], names: Mapping[str, str], place: str) -> None:
    """Raise unless the header has each of our columns once."""
    fix, others = names["fix"], [names[name] for name in (place, "given", "suggested")]
    missing = [name for name in others if name not in header]
    require(
        not missing,
        f"{path} needs the columns {listed(others)}; missing: {listed(missing)}. Restore them, and "
        f"save it as CSV with commas, semicolons or tabs.",
    )
    require(
        fix in header,
        f"{path} has no column {fix}, which says for each row whether to change its label. Restore "
        f"it, with yes or no in each row, or audit again.",
    )
    twice = [name for name in (fix, *others) if header.count(name) > 1]
    require(
        not twice,
        f"{path} needs each column once; {listed(twice)} appears more than once. Remove the copy.",
    )


def _places(path: Path, cells: pd.Series, place: str) -> pd.Series:
    """Return the cells as places, or raise for one that is none or appears twice."""
    rows = cells if place == "file" else cells.map(as_row)
    others = cells[rows == ""].str.strip().tolist()
    require(
        not others,
        f"{path} needs a whole number in the column {cells.name}; got {others[:MOST_ROWS]}. "
        f"Correct or delete those lines.",
    )
    twice = [row for row, times in Counter(rows).items() if times > 1]
    require(
        not twice,
        f"{path} lists {place} {listed(twice, MOST_ROWS)} more than once. Keep one line of each "
        f"{place}.",
    )
    return rows


def as_row(cell: str) -> str:
    """Return a cell as the number of a row, as text; "" if it is none.

    A spreadsheet may write 7 as 7.0 or 7,0.

    >>> as_row("7,0"), as_row(" 07"), as_row("7.5")
    ('7', '7', '')
    """
    text = cell.strip()
    return str(int(re.split("[.,]", text)[0])) if WHOLE.fullmatch(text) else ""


def _fix(path: Path, cells: pd.Series, where: list[str]) -> pd.Series:
    """Return the cells of the column fix in lower case, or raise unless each is yes or no."""
    fix = cells.str.strip().str.lower()
    wrong = ~fix.isin([YES, NO])
    each = zip(cells, where, wrong, strict=True)
    named = [f"{cell!r} for {place}" for cell, place, is_wrong in each if is_wrong]
    require(
        not named,
        f"{path} needs yes or no in the column {cells.name}; got {listed(named, MOST_ROWS)}. Write "
        f"yes where the label is to be changed, and no where it is right.",
    )
    return fix
