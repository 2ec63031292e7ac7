"""Claims about files that were once read wrongly without a word."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._reading.tables import parsing
from selfpaced.audit._reading.tables.delimited import read_delimited

KIND = Options(label="kind")


def text(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_row_with_a_value_after_the_last_separator_is_told(tmp_path: Path) -> None:
    rows = [f"foo bar {place},{'ab'[place % 2]}," for place in range(150)]
    path = text(tmp_path / "a.csv", "text,kind", *rows, *["really, good,a"] * 3)
    source = read(path, KIND)
    assert len(source) == 150 and set(source.labels) == {"a", "b"}
    told = "3 rows could not be read and are left out (lines 152, 153, 154): expected nothing after"
    assert any(note.startswith(told) for note in source.notes)


def test_inches_in_fields_do_not_hide_that_a_row_has_two_lines(tmp_path: Path) -> None:
    rows = ['10",plain,10",a', '10","two\nlines 10",10",b'] * 10
    table = read_delimited(text(tmp_path / "a.csv", "width,said,height,kind", *rows))
    assert len(table.frame) == 20 and table.frame["kind"].tolist() == ["a", "b"] * 10
    assert table.frame["said"].tolist()[1] == "two\nlines 10"
    assert table.lines is not None and table.lines.tolist()[:4] == [2, 3, 5, 6]


def test_a_large_file_with_another_separator_keeps_its_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "LARGE", 0)
    monkeypatch.setattr(parsing, "HEAD", 20)
    path = text(tmp_path / "a.csv", "sep=:", "a:b", *["17:1"] * 20, "007:1", *["17:1"] * 20)
    assert read_delimited(path).frame["a"].tolist()[20] == "007"


def test_a_large_file_with_stray_quotes_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "LARGE", 0)
    monkeypatch.setattr(parsing, "HEAD", 20)
    path = text(tmp_path / "a.tsv", "a\tb", *['"text\t1.5'] * 20)
    assert read_delimited(path).frame["b"].tolist() == [1.5] * 20


def test_lines_of_comment_before_mac_line_ends_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"# made\ra,b\r1,2\r3,4\r")
    assert read_delimited(tmp_path / "a.csv").frame.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_a_tab_may_be_the_named_separator(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "sep=\t", "a\tb", "1\t2")
    assert list(read_delimited(path).frame) == ["a", "b"]


@pytest.mark.parametrize("odd", ["3)", "(5", "--3", "$-", "+-2"])
def test_a_malformed_number_is_a_gap_and_told(tmp_path: Path, odd: str) -> None:
    path = text(tmp_path / "a.csv", "n,b", *[f"{place},1" for place in range(20)], f"{odd},1")
    table = read_delimited(path)
    assert table.frame["n"].isna().to_numpy().nonzero()[0].tolist() == [20]
    assert f"{odd!r} (row 21)" in table.odd["n"].note


def test_a_wrong_size_in_a_workbook_hides_nothing(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    for row in (["a", "b", "kind"], *([place, place, "xy"[place % 2]] for place in range(10))):
        made.active.append(row)
    made.save(tmp_path / "a.xlsx")
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.xlsx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'ref="A1:C11"', b'ref="A1:B4"')
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    assert b'ref="A1:B4"' in parts[sheet]
    assert len(read(tmp_path / "b.xlsx", KIND)) == 10


def test_words_for_gaps_other_than_na_are_no_classes(tmp_path: Path) -> None:
    labels = ["yes", "no", "N/A", "", "null"] * 4
    rows = [f"{place / 8},{label}" for place, label in enumerate(labels)]
    assert set(read(text(tmp_path / "a.csv", "n,kind", *rows), KIND).labels) == {"yes", "no"}


def test_tables_of_other_columns_are_no_shards(tmp_path: Path) -> None:
    for place, name in enumerate("aA"):
        table = pd.DataFrame({name: [1, 2], "kind": ["x", "y"]})
        table.to_parquet(tmp_path / f"part{place}.parquet")
    with pytest.raises(ValueError, match="do not have the same columns: part1.parquet"):
        read(tmp_path, KIND)


@pytest.mark.parametrize(
    ("name", "sep", "cells", "numbers"),
    [
        ("a.tsv", "\t", ["900", "1,234", "12,500"], [900, 1234, 12500]),  # nothing else tells
        ("a.tsv", "\t", ["900", "1,234", "2.5"], [900, 1234, 2.5]),
        ("a.csv", ";", ["900", "1.234", "12.500"], [900, 1234, 12500]),
        ("a.csv", ";", ["900", "1.234", "2.5"], [900, 1.234, 2.5]),
        ("a.csv", ";", ["900", "1.234", "1.234,50"], [900, 1234, 1234.5]),
        ("a.csv", ",", ["900", "1.234", "12.500"], [900, 1.234, 12.5]),
    ],
)
def test_the_sign_before_decimals_is_that_of_the_file(
    tmp_path: Path, name: str, sep: str, cells: list[str], numbers: list[float]
) -> None:
    path = text(tmp_path / name, f"n{sep}b", *[f"{cell}{sep}x" for cell in cells])
    assert read_delimited(path).frame["n"].tolist() == numbers
