"""suspects.csv: the names of its columns, and the rows to change as a person left them."""

import csv
import io
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
)
# The prefix of a column of ours whose name the user has.
PREFIX = "selfpaced_"
# The columns from which a table is corrected.
NEEDED = ("row", "fix", "given", "suggested")
# The values of the column fix: whether the label of the row is changed.
YES, NO = "yes", "no"
# Separators of columns with which spreadsheets save a table.
SAVED_WITH = (",", ";", "\t")
# The largest number of rows that an error names.
MOST_ROWS = 5


def our_names(own: Iterable[str]) -> dict[str, str]:
    """Return the names that our columns have in suspects.csv, where the user's keep their names.

    >>> names = our_names(["text", "row", "fix", "selfpaced_fix"])
    >>> names["line"], names["row"], names["fix"]
    ('line', 'selfpaced_row', 'selfpaced_selfpaced_fix')
    """
    taken, names = set(own), {}
    for name in OURS:
        names[name] = name
        while names[name] in taken:
            names[name] = PREFIX + names[name]
    return names


def chosen(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows to change: columns ``row``, ``given`` and ``suggested``.

    Args:
        table: A table with the columns of suspects.csv.
        names: The names of our columns, as ``our_names`` returns them.
    """
    ours = table[[names[name] for name in NEEDED]].set_axis(list(NEEDED), axis=1)
    return ours[ours["fix"] == YES].drop(columns="fix").reset_index(drop=True)


def read_chosen(path: Path, names: Mapping[str, str]) -> pd.DataFrame:
    """Read suspects.csv as a spreadsheet saved it, and return the rows to change; see ``chosen``.

    The columns are separated by commas, semicolons or tabs; the text is UTF-8 or UTF-16. Lines
    whose cells are all empty are skipped. The apostrophe before text that would be a formula is
    taken off; see ``spreadsheet_cell``. No other column is looked at.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file that cannot be read, for a missing column, and for a cell that does
            not hold what it must.
    """
    table = _table(path, names)
    rows = _rows(path, table[names["row"]])
    fix = _fix(path, table[names["fix"]], rows)
    made = chosen(table.assign(**{names["row"]: rows, names["fix"]: fix}), names)
    for name in ("suggested", "given"):
        bare = made["row"][made[name].str.strip() == ""]
        require(
            bare.empty,
            f"{path} has no {name} label for {at('row', bare)}. Write it into the column "
            f"{names[name]}, or set {names['fix']} to no.",
        )
    return made


def _table(path: Path, names: Mapping[str, str]) -> pd.DataFrame:
    """Read our columns of the file as text, without blank lines."""
    text = _text(path)
    header, lines = max(
        (_records(text, separator) for separator in SAVED_WITH),
        key=lambda read: len({names[name] for name in NEEDED} & set(read[0])),
    )
    _require_columns(path, header, names)
    ragged = [number for number, line in lines if any(line[len(header) :])]
    require(
        not ragged,
        f"{path} cannot be read: line {listed(ragged, MOST_ROWS)} has more cells than the header. "
        f"Save it as CSV again, with values that contain commas, semicolons or tabs in quotes.",
    )
    filled = [line + [""] * (len(header) - len(line)) for _, line in lines]
    places = {names[name]: header.index(names[name]) for name in NEEDED}
    cells = {
        name: [from_spreadsheet(line[place]) for line in filled] for name, place in places.items()
    }
    return pd.DataFrame(cells, dtype=str)


def _text(path: Path) -> str:
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


def _require_columns(path: Path, header: list[str], names: Mapping[str, str]) -> None:
    """Raise unless the header has each of our columns once."""
    fix, others = names["fix"], [names[name] for name in NEEDED if name != "fix"]
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


def _rows(path: Path, cells: pd.Series) -> pd.Series:
    """Return the cells as numbers of rows, or raise; a spreadsheet may write 7 as 7.0 or 7,0."""
    cells = cells.str.strip()
    others = cells[~cells.str.fullmatch(r"[0-9]+([.,]0{0,2})?")].tolist()
    require(
        not others,
        f"{path} needs a whole number in the column {cells.name}; got {others[:MOST_ROWS]}. "
        f"Correct or delete those lines.",
    )
    numbers = cells.str.replace(r"[.,].*", "", regex=True).astype(int)
    twice = [row for row, times in Counter(numbers).items() if times > 1]
    require(
        not twice,
        f"{path} lists row {listed(twice, MOST_ROWS)} more than once. Keep one line of each row.",
    )
    return numbers


def _fix(path: Path, cells: pd.Series, rows: pd.Series) -> pd.Series:
    """Return the cells of the column fix in lower case, or raise unless each is yes or no."""
    fix = cells.str.strip().str.lower()
    wrong = ~fix.isin([YES, NO])
    named = [f"{cell!r} for row {row}" for cell, row in zip(cells[wrong], rows[wrong], strict=True)]
    require(
        not named,
        f"{path} needs yes or no in the column {cells.name}; got {listed(named, MOST_ROWS)}. Write "
        f"yes where the label is to be changed, and no where it is right.",
    )
    return fix
