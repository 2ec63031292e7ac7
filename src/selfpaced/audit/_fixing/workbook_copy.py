"""Copies of a workbook in which some labels are changed."""

from copy import copy
from pathlib import Path
from typing import Any

from selfpaced._errors import require
from selfpaced.audit._fixing.changes import WAS, Changes, Wanted
from selfpaced.audit._reading.tables.fingerprints import of_sheet
from selfpaced.audit._reading.tables.workbooks import choose_sheet


def copy_workbook(path: Path, target: Path, wanted: Wanted) -> Changes:
    """Copy a workbook; see ``fix.fix``.

    Other sheets, formulas and formats stay. Charts are lost, as openpyxl does not read them.
    """
    import openpyxl

    sheet = choose_sheet(path, wanted.sheet)
    names, (header, *rows) = sheet.names, sheet.rows
    wanted.check_columns(names)
    column = names.index(wanted.label)
    labels = [row.cells[column] if column < len(row.cells) else None for row in rows]
    changes = wanted.found(of_sheet(row.cells for row in rows)).changes(labels)
    book = openpyxl.load_workbook(path, keep_vba=path.suffix.lower() == ".xlsm")
    cells = book[sheet.name]
    if wanted.drop:
        _drop(path, cells, [rows[place].number for place in changes.new])
    else:
        cells.cell(header.number, len(names) + 1, WAS)
    for place in changes.new if not wanted.drop else ():
        number = rows[place].number
        cell = cells.cell(number, column + 1)
        cells.cell(number, len(names) + 1, cell.value)
        cell.value = _like(cell.value, str(changes.new[place]))
    book.save(target)
    return changes


def _drop(path: Path, cells: Any, numbers: list[int]) -> None:
    """Delete rows of a sheet, or raise where others would then point to the wrong rows."""
    formulas = any(cell.data_type == "f" for row in cells.iter_rows() for cell in row)
    require(
        not formulas and not cells.merged_cells.ranges,
        f"{path.name} has formulas or merged cells, which would point to other rows if some were "
        f"left out. Leave out drop=True, and filter by the column {WAS}.",
    )
    gone, target = set(numbers), min(numbers, default=1)
    for number in range(target, cells.max_row + 1):
        if number in gone:
            continue
        for column in range(1, cells.max_column + 1):
            before, after = cells.cell(number, column), cells.cell(target, column)
            after.value = before.value
            after._style = copy(before._style)
        target += 1
    cells.delete_rows(target, len(gone))


def _like(before: Any, label: str) -> Any:
    """Return a label as a number, if the one before is a number and it can be one."""
    if isinstance(before, bool) or not isinstance(before, int | float):
        return label
    try:
        number = float(label)
    except ValueError:
        return label
    return int(number) if number.is_integer() else number
