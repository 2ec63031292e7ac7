"""Claims about suspects.csv: the names of its columns, and what a spreadsheet makes of it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfpaced.audit._fixing.suspects_file import OURS, PREFIX, our_names, read_chosen

NAMES = {name: name for name in OURS}
CSV = '''row,line,fix,probability,given,suggested,text
7,8,yes,0.9876,gut,schön,"Zoë, the ""first"""
3,4,no,0.4000,gut,schön,"two
lines"
12,13,yes,0.9000,schön,gut,
'''


def saved(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "suspects.csv"
    path.write_bytes(text.encode(encoding))
    return path


def rows(path: Path, names: dict[str, str] = NAMES) -> list[list[object]]:
    table = read_chosen(path, names)
    assert list(table.columns) == ["place", "given", "suggested"]
    return [[int(place), *labels] for place, *labels in table.to_numpy().tolist()]


def saved_with(separator: str, end: str = "\n") -> str:
    """The table as a spreadsheet saves it with another separator."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    writer.writerows(csv.reader(io.StringIO(CSV)))
    return text.getvalue()


RIGHT = [[7, "gut", "schön"], [12, "schön", "gut"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_it_is_read_as_spreadsheets_save_it(
    tmp_path: Path, encoding: str, separator: str, end: str
) -> None:
    assert rows(saved(tmp_path, saved_with(separator, end), encoding)) == RIGHT


def test_decimal_commas_blank_lines_and_more_empty_cells_do_no_harm(tmp_path: Path) -> None:
    text = (
        "row;fix;probability;given;suggested;;\r\n7,0;YES;0,9876;a;b;;\r\n;;;;;;\r\n\r\n"
        "8.0; No ;0,1;a;b\r\n9;no\r\n ; ;\r\n"
    )
    assert rows(saved(tmp_path, text)) == [[7, "a", "b"]]


def test_an_apostrophe_before_a_formula_is_taken_off(tmp_path: Path) -> None:
    text = "row,fix,given,suggested\n1,yes,'=1+1,'@b\n2,yes,'tis,''=1\n3,yes,'-1,-1\n"
    expected = [[1, "=1+1", "@b"], [2, "'tis", "'=1"], [3, "'-1", "-1"]]
    assert rows(saved(tmp_path, text)) == expected


def test_columns_may_be_moved(tmp_path: Path) -> None:
    text = "text,suggested,fix,given,row\nx,b,yes,a,7\n"
    assert rows(saved(tmp_path, text)) == [[7, "a", "b"]]


def test_no_rows_are_no_changes(tmp_path: Path) -> None:
    assert rows(saved(tmp_path, "row,fix,given,suggested\n")) == []
    assert rows(saved(tmp_path, "row,fix,given,suggested\n1,no,a,b\n")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "row,given,suggested\n1,a,b\n",
            "suspects.csv has no column fix, which says for each row whether to change its label. "
            "Restore it, with yes or no in each row, or audit again.",
        ),
        (
            "fix|row|given\nyes|1|a\n",
            "suspects.csv needs the columns row, given, suggested; missing: row, given, suggested. "
            "Restore them, and save it as CSV with commas, semicolons or tabs.",
        ),
        ("", "suspects.csv needs the columns row, given, suggested; missing: row, given, suggest"),
        ("fix,row,given\nyes,1,a\n", "missing: suggested. Restore them"),
        (
            "fix,row,given,suggested,fix\nyes,1,a,b,no\n",
            "suspects.csv needs each column once; fix appears more than once. Remove the copy.",
        ),
        (
            "row,fix,given,suggested\n1,yes,a,b\n2,yes,a,b,c\n",
            "suspects.csv cannot be read: line 3 has more cells than the header. Save it as CSV "
            "again, with values that contain commas, semicolons or tabs in quotes.",
        ),
        (
            "row,fix,given,suggested\nfirst,yes,a,b\n,no,a,b\n",
            "suspects.csv needs a whole number in the column row; got ['first', '']. Correct or "
            "delete those lines.",
        ),
        (
            "row;fix;given;suggested\n1,000;yes;a;b\n12.000;no;a;b\n",
            "suspects.csv needs a whole number in the column row; got ['1,000', '12.000']. Correct "
            "or delete those lines.",
        ),
        (
            "row,fix,given,suggested\n7,yes,a,b\n7.0,no,a,b\n",
            "suspects.csv lists row 7 more than once. Keep one line of each row.",
        ),
        (
            "row,fix,given,suggested\n7,,a,b\n8,yes,a,b\n9,y,a,b\n",
            "suspects.csv needs yes or no in the column fix; got '' for row 7, 'y' for row 9. "
            "Write yes where the label is to be changed, and no where it is right.",
        ),
        (
            "row,fix,given,suggested\n7,yes,a,\n8,no,a,\n9,yes,a, \n",
            "suspects.csv has no suggested label for rows 7, 9. Write it into the column "
            "suggested, or set fix to no.",
        ),
        (
            "row,fix,given,suggested\n7,yes,,b\n",
            "suspects.csv has no given label for row 7. Write it into the column given, or set fix "
            "to no.",
        ),
    ],
)
def test_what_cannot_be_understood_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        read_chosen(saved(tmp_path, text), NAMES)
    assert said in str(error.value)


def test_the_first_five_rows_are_named(tmp_path: Path) -> None:
    lines = "".join(f"{row},maybe,a,b\n" for row in range(1, 9))
    with pytest.raises(ValueError, match="'maybe' for row 5, .... Write yes where"):
        read_chosen(saved(tmp_path, f"row,fix,given,suggested\n{lines}"), NAMES)


def test_a_file_that_is_missing_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no .*suspects.csv. Restore it, or audit"):
        read_chosen(tmp_path / "suspects.csv", NAMES)
    said = "is neither UTF-8 nor UTF-16 text. Save it as CSV in UTF-8."
    for encoding in ("latin-1", "cp1252"):
        with pytest.raises(ValueError, match=said):
            read_chosen(saved(tmp_path, CSV, encoding), NAMES)
    (tmp_path / "suspects.csv").write_bytes(b"\xff\xfea")  # half of a character of UTF-16
    with pytest.raises(ValueError, match=said):
        read_chosen(tmp_path / "suspects.csv", NAMES)


def test_our_columns_are_found_by_their_prefix(tmp_path: Path) -> None:
    names = our_names(["row", "fix", "suggested"])
    text = (
        "selfpaced_row,selfpaced_fix,given,selfpaced_suggested,row,fix,suggested\n"
        "7,yes,a,b,1,no,c\n"
    )
    assert rows(saved(tmp_path, text), names) == [[7, "a", "b"]]
    with pytest.raises(ValueError, match="has no column selfpaced_fix, which says"):
        read_chosen(saved(tmp_path, text.replace("selfpaced_fix", "x")), names)


NAME = st.one_of(
    st.text(max_size=3),
    st.builds(lambda times, name: PREFIX * times + name, st.integers(0, 3), st.sampled_from(OURS)),
)


@given(st.lists(NAME, unique=True))
def test_our_columns_never_have_the_name_of_a_column_of_the_user(own: list[str]) -> None:
    names = our_names(own)
    assert list(names) == list(OURS) and len(set(names.values())) == len(OURS)
    assert not set(names.values()) & set(own)
    assert all(names[name] == name for name in set(OURS) - set(own))


def test_places_may_be_files_and_indices(tmp_path: Path) -> None:
    text = "file,fix,given,suggested\ncat/1.png,yes,cat,dog\n'=1.png,yes,cat,dog\n"
    found = read_chosen(saved(tmp_path, text), NAMES, "file")
    assert found["place"].tolist() == ["cat/1.png", "=1.png"]
    text = "index,fix,given,suggested\n0.0,yes,3,8\n"
    assert read_chosen(saved(tmp_path, text), NAMES, "index")["place"].tolist() == ["0"]
