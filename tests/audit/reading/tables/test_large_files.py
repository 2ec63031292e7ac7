"""Claims about the columns of large files, which are converted while they are parsed."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfpaced.audit._reading.tables import parsing
from selfpaced.audit._reading.tables.delimited import read_delimited
from selfpaced.audit._reading.tables.frames import Table

CELLS = st.sampled_from(["1", "-2", "0.5", "1e3", "", "NA", " 7 ", "x", "true", "007", "-", "inf"])


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Table, Table]:
    """Read a file as a small one and as a large one."""
    small = read_delimited(path)
    with monkeypatch.context() as patch:
        patch.setattr(parsing, "LARGE", 0)
        patch.setattr(parsing, "HEAD", 20)
        return small, read_delimited(path)


def require_same(one: Table, two: Table) -> None:
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.rows.tolist() == two.rows.tolist()
    assert one.notes == two.notes and one.unread == two.unread
    assert {name: odd.note for name, odd in one.odd.items()} == {
        name: odd.note for name, odd in two.odd.items()
    }
    assert {name: words.tolist() for name, words in one.words.items() if words is not None} == {
        name: words.tolist() for name, words in two.words.items()
    }


HEAD = "1,2.5,3,red\n" * 20


@pytest.mark.parametrize(
    "late",
    [
        "2,3.5,4,blue",
        "2.5,3,4,blue",  # whole numbers turn out to have fractions
        "-,3,4,blue",  # a cell that is no number
        "unknown,$5,4,blue",
        "007,3,4,blue",  # a code: the column is text
        "12345678901234567890,3,4,blue",
        ",,,",
        "NA,nan,NULL,NA",
        '2,3,4,"a, ""b"""',
        '2,3,4,"two\nlines"',
        "2,3,4,5,6",  # too many fields
        "inf,-inf,3,blue",
        "true,1,2,3",
    ],
)
def test_a_large_file_is_read_as_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"a,b,c,d\n{HEAD}{late}\n{HEAD}")
    require_same(*both(path, monkeypatch))


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=12, max_size=30))
def test_any_large_file_is_read_as_a_small_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    path = tmp_path_factory.mktemp("large") / "a.csv"
    lines = [",".join(row) for row in rows if any(row)]
    path.write_text("\n".join(["a,b,c", "1,2,3", "1,2,3", "1,2,3", *lines]) + "\n")
    with pytest.MonkeyPatch.context() as monkeypatch:
        require_same(*both(path, monkeypatch))
