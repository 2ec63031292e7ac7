"""Claims about workbooks."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from selfpaced.audit import Options, read

KIND = Options(label="kind")
ROWS: list[list[Any]] = [
    ["price", "born", "kind"],
    *(
        [f"1,{place}63.74" if place else "-", date(2020, 1, 1 + place), "cat"]
        for place in range(10)
    ),
    [None, None, None],
    *([place + 0.5, datetime(2021, 1, 1 + place, 12), "dog"] for place in range(5)),
]


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_a_sheet_is_read_as_a_text_file_is(tmp_path: Path) -> None:
    source = read(book(tmp_path / "pets.xlsx", pets=ROWS), KIND)
    features = pd.DataFrame(source.features)
    assert features["price"].tolist()[1:3] == [1163.74, 1263.74]
    assert features["price"].isna().tolist() == [True] + [False] * 14
    assert source.features["born"].tolist()[::10] == ["2020-01-01", "2021-01-01T12:00:00"]
    assert source.labels.tolist() == ["cat"] * 10 + ["dog"] * 5
    assert source.where.tolist() == list(range(1, 16))
    assert source.lines is not None and source.lines.tolist() == [*range(2, 12), *range(13, 18)]
    assert any("'-' (row 1)" in note for note in source.notes)


def test_another_sheet_is_told_and_can_be_chosen(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", empty=[], pets=ROWS, more=[["a", "kind"], [1, "x"], [2, "y"]])
    assert "Sheet 'pets' is read; pass sheet=... for another one: more." in read(path, KIND).notes
    with pytest.raises(ValueError, match="no two samples have the same label"):
        read(path, Options(label="kind", sheet="more"))
    with pytest.raises(ValueError, match=r"^sheet=...: .*a.xlsx has no sheet 'Pets'; its sheets"):
        read(path, Options(label="kind", sheet="Pets"))


def test_columns_without_a_name_are_kept_if_they_have_values(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["a", None, None, "kind"],
        *([place, place, None, "xy"[place % 2]] for place in range(8)),
    ]
    source = read(book(tmp_path / "a.xlsx", one=rows), KIND)
    assert list(source.own) == ["a", "column 2", "kind"]


def test_wrong_workbooks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no sheet with a header and rows"):
        read(book(tmp_path / "a.xlsx", one=[["a", "kind"]]), KIND)
    with pytest.raises(ValueError, match="every column needs a name of its own; 'a' appears more"):
        read(book(tmp_path / "b.xlsx", one=[["a", "a"], [1, 2]]), KIND)
    (tmp_path / "c.xlsx").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ValueError, match="is no workbook, or damaged: .* Save it again"):
        read(tmp_path / "c.xlsx", KIND)


def test_what_pandas_writes_is_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1.5, 2.0, None, 4.0], "b": [1, 2, 3, 4], "kind": ["x", "y"] * 2})
    table.to_excel(tmp_path / "a.xlsx", index=False)
    source = read(tmp_path / "a.xlsx", KIND)
    assert source.own["b"].tolist() == [1, 2, 3, 4] and source.own["a"].isna().sum() == 1
