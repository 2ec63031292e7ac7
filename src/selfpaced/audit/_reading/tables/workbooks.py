"""Workbooks of spreadsheets (.xlsx): a sheet is read as a table."""

import datetime
import zipfile
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from selfpaced._errors import require
from selfpaced.audit._reading.content import FEWER
from selfpaced.audit._reading.memory import LITTLE, TooLarge, free_memory, require_memory, size
from selfpaced.audit._reading.progress import pacer
from selfpaced.audit._reading.tables.cells import text_table
from selfpaced.audit._reading.tables.fingerprints import of_sheet
from selfpaced.audit._reading.tables.frames import Table, require_names
from selfpaced.audit._reading.words import listed

# The largest number of rows of a sheet in a spreadsheet.
MOST_ROWS = 1 << 20
# The numbers of bytes that a cell, and a byte of its text, need at the peak.
BYTES_PER_CELL, BYTES_PER_BYTE = 100, 4
# The end of the name of the part of a workbook that holds the texts of all cells.
TEXTS = "sharedStrings.xml"
# What the readers of workbooks raise for a file that is damaged.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, SyntaxError, NotImplementedError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError),
)


class Row(NamedTuple):
    """A row of a sheet: its number, from 1, and its cells; None for an empty one."""

    number: int
    cells: list[str | None]


def read_workbook(path: Path, sheet: str | None = None) -> Table:
    """Read a sheet of a workbook; its first row with a value is the header.

    Cells are read as in a text file: of a formula, the value that the spreadsheet saved.

    Args:
        path: The workbook.
        sheet: The name of the sheet; None for the first one with rows.

    Raises:
        ValueError: For a file that is no workbook, a sheet that does not exist, and a sheet without
            rows or with two columns of one name.
        ModuleNotFoundError: Without openpyxl.
    """
    chosen = choose_sheet(path, sheet)
    return _table(path, chosen)


class Sheet(NamedTuple):
    """A sheet of a workbook.

    Args:
        name: Its name.
        rows: Its rows with a value; the first one is the header.
        notes: A note on other sheets with rows, if none was asked for.
    """

    name: str
    rows: list[Row]
    notes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the columns; one without a name is called by its number, from 1."""
        header = self.rows[0].cells
        width = max(len(row.cells) for row in self.rows)
        header = header + [None] * (width - len(header))
        return [(name or "").strip() or f"column {place}" for place, name in enumerate(header, 1)]


def choose_sheet(path: Path, sheet: str | None) -> Sheet:
    """Return the sheet of this name, or the first one with rows; see ``read_workbook``."""
    sheets = _sheets(path)
    require(
        sheet is None or sheet in sheets,
        f"sheet=...: {path} has no sheet {sheet!r}; its sheets are {listed(sheets)}.",
    )
    filled = [name for name, rows in sheets.items() if len(rows) > 1]
    require(
        sheet in filled or (sheet is None and bool(filled)),
        f"{path} has no sheet with a header and rows. Is it the right file?"
        if sheet is None
        else f"{path}: sheet {sheet!r} has no header and rows. Is it the right one?",
    )
    name = sheet or filled[0]
    others = [other for other in filled if other != name]
    notes: tuple[str, ...] = ()
    if sheet is None and others:
        notes = (f"Sheet {name!r} is read; pass sheet=... for another one: {listed(others)}.",)
    return Sheet(name, sheets[name], notes)


def _sheets(path: Path) -> dict[str, list[Row]]:
    """Return the rows with a value of each sheet, each with its number from 1."""
    try:
        import openpyxl
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Reading {path.name} needs openpyxl: pip install openpyxl, or save the sheet as CSV."
        ) from error
    try:
        _require_room(path)
        with path.open("rb") as raw:  # openpyxl does not close what it cannot read
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True)
            with closing(book):
                return {sheet.title: _rows(path, sheet) for sheet in book.worksheets}
    except TooLarge:
        raise
    except DAMAGED as error:
        said = " ".join(str(error).split()).removesuffix(".")
        raise ValueError(f"{path} is no workbook, or damaged: {said}. Save it again.") from error


def _require_room(path: Path) -> None:
    """Raise if the texts that all cells share, which are read at once, do not fit into memory."""
    with zipfile.ZipFile(path) as parts:
        unpacked = sum(part.file_size for part in parts.infolist() if part.filename.endswith(TEXTS))
    require_memory(f"{path}: its texts need", unpacked * BYTES_PER_BYTE, FEWER)


def _rows(path: Path, sheet: Any) -> list[Row]:
    """Return the rows of a sheet that have a value; raise if they are too many."""
    sheet.reset_dimensions()  # some programs save wrong ones
    found, needed = [], 0
    tell, free = pacer(lambda done: f"row {done:,} of sheet {sheet.title!r}"), free_memory()
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > MOST_ROWS:
            raise TooLarge(
                f"{path}: sheet {sheet.title!r} has more than {MOST_ROWS:,} rows, the most that a "
                f"spreadsheet has. Save it as CSV."
            )
        tell(number)
        cells = [_text(cell) for cell in row]
        texts = [text for text in cells if text is not None]
        if texts:
            found.append(Row(number, cells))
            needed += BYTES_PER_CELL * len(cells) + BYTES_PER_BYTE * sum(map(len, texts))
        if needed > max(free, LITTLE):
            raise TooLarge(
                f"{path}: the first {number:,} rows of sheet {sheet.title!r} need all free memory, "
                f"{size(free)}. {FEWER}"
            )
    return found


def _table(path: Path, sheet: Sheet) -> Table:
    """Return a sheet as a table; columns without a name and without values are left out."""
    names, body = sheet.names, sheet.rows[1:]
    header = {(name or "").strip() for name in sheet.rows[0].cells}
    cells = [row.cells + [None] * (len(names) - len(row.cells)) for row in body]
    columns = dict(zip(names, map(list, zip(*cells, strict=True)), strict=True))
    require_names(path, names)
    named = {
        name: pa.chunked_array([pa.array(column, pa.string())])
        for name, column in columns.items()
        if name in header or any(text is not None for text in column)
    }
    lines = np.array([row.number for row in body], np.int64)
    places = np.arange(1, len(body) + 1)
    read = text_table(pa.table(named), places, notes=sheet.notes, lines=lines)
    return replace(read, fingerprints=of_sheet(row.cells for row in body))


def _text(cell: Any) -> str | None:
    """Return the value of a cell as a text file has it; None for an empty cell."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date | datetime.datetime | datetime.time):
        return cell.isoformat()
    return str(cell)
