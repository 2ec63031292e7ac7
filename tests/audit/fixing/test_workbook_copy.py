"""Claims about the corrected copy of a workbook."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._fixing.fix import fix
from selfpaced.audit._fixing.moved import audited_rows


def book(path: Path) -> Path:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "pets"
    for row in (["price", "kind"], [1.5, 0], [None, None], [2.5, 1], ["=A2+1", 0], [3.5, 1]):
        sheet.append(row)
    sheet["A2"].number_format = "0.00"
    made.create_sheet("more").append(["other"])
    made.save(path)
    return path


def suspects(suggested: dict[int, object]) -> pd.DataFrame:
    return pd.DataFrame({"row": list(suggested), "suggested": list(suggested.values())})


def values(path: Path) -> list[list[object]]:
    return [list(row) for row in openpyxl.load_workbook(path)["pets"].iter_rows(values_only=True)]


def test_only_the_labels_of_suspects_change(tmp_path: Path) -> None:
    table, copy = book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    assert fix(table, copy, "kind", suspects({3: 1})).by_class() == {"0": {"1": 1}}
    assert values(copy) == [
        ["price", "kind", "selfpaced_was"],
        [1.5, 0, None],
        [None, None, None],
        [2.5, 1, None],
        ["=A2+1", 1, 0],
        [3.5, 1, None],
    ]
    made = openpyxl.load_workbook(copy)
    assert made.sheetnames == ["pets", "more"] and made["pets"]["A2"].number_format == "0.00"


def test_rows_can_be_left_out_where_no_formula_points_to_others(tmp_path: Path) -> None:
    table, copy = book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    with pytest.raises(ValueError, match="a.xlsx has formulas or merged cells, which would point"):
        fix(table, copy, "kind", suspects({2: 0, 3: 1}), drop=True)
    made = openpyxl.load_workbook(table)
    made["pets"]["A5"] = 7.5
    made["pets"]["A6"].number_format = "0.0"
    made.save(table)
    fix(table, copy, "kind", suspects({1: 1, 3: 1}), drop=True, force=True)
    assert values(copy) == [["price", "kind"], [None, None], [2.5, 1], [3.5, 1]]
    assert openpyxl.load_workbook(copy)["pets"]["A4"].number_format == "0.0"


def test_a_column_of_an_earlier_correction_is_refused(tmp_path: Path) -> None:
    table, copy = book(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    fix(table, copy, "kind", suspects({3: 1}))
    with pytest.raises(ValueError, match="has a column selfpaced_was from an earlier correction"):
        fix(copy, tmp_path / "c.xlsx", "kind", suspects({3: 0}))
    with pytest.raises(ValueError, match=r"The corrected copy of a.xlsx must be a .xlsx file"):
        fix(table, tmp_path / "c.csv", "kind", suspects({3: 1}))
    with pytest.raises(ValueError, match="sheet 'more' has no header and rows"):
        fix(table, tmp_path / "d.xlsx", "kind", suspects({3: 1}), sheet="more")


def test_empty_cells_beside_the_table_make_no_difference(tmp_path: Path) -> None:
    table = book(tmp_path / "a.xlsx")
    source = read(table, Options(label="kind"))
    audited = audited_rows(source.where, source.fingerprints)
    made = openpyxl.load_workbook(table)
    made["pets"]["F4"].fill = openpyxl.styles.PatternFill("solid", fgColor="FFFF00")
    made.save(table)
    fix(table, tmp_path / "b.xlsx", "kind", suspects({1: 1}), audited=audited, force=True)
    assert values(tmp_path / "b.xlsx")[1][:2] == [1.5, 1]
