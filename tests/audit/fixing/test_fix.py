"""Claims about when a corrected copy is written, and about errors."""

import os
from pathlib import Path

import pandas as pd
import pytest

from selfpaced._errors import require
from selfpaced.audit._fixing.fix import fix

CSV = "id,label\n007,cat\n008,dog\n009\n"


def suspects(suggested: dict[int, str]) -> pd.DataFrame:
    """Suspects from what is suggested by row."""
    return pd.DataFrame({"row": list(suggested), "suggested": list(suggested.values())})


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_the_table_itself_is_never_written(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", CSV)
    (tmp_path / "link.csv").symlink_to(table)
    os.link(table, tmp_path / "hard.csv")
    (tmp_path / "folder").symlink_to(tmp_path)
    same = ["a.csv", "link.csv", "hard.csv", "folder/a.csv"]
    for name in same:
        said = f"{name} is the table itself, which is never changed. Choose another name."
        with pytest.raises(ValueError, match=said):
            fix(table, tmp_path / name, "label", suspects({1: "dog"}), force=True)
    with pytest.raises(ValueError, match="a.csv is the table itself"):
        fix(tmp_path / "link.csv", table, "label", suspects({1: "dog"}), force=True)
    assert table.read_text() == CSV


def test_a_copy_that_exists_is_replaced_only_with_force(tmp_path: Path) -> None:
    table, copy = text(tmp_path / "a.csv", CSV), text(tmp_path / "b.csv", "mine")
    with pytest.raises(
        FileExistsError, match="b.csv exists. Choose another name, or pass force=True"
    ):
        fix(table, copy, "label", suspects({1: "dog"}))
    assert copy.read_text() == "mine"
    fix(table, copy, "label", suspects({1: "dog"}), force=True)
    assert copy.read_text().startswith("id,label,selfpaced_was\n")


def test_an_error_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, copy = text(tmp_path / "a.csv", CSV), text(tmp_path / "b.csv", "mine")
    monkeypatch.setattr(os, "replace", lambda *_: require(False, "no more"))
    with pytest.raises(ValueError, match="no more"):
        fix(table, copy, "label", suspects({1: "dog"}), force=True)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.csv"] and copy.read_text() == "mine"


CHANGED = "Was the file changed since the audit?"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            {"row": [4], "suggested": ["x"]},
            "Row 4 of a.csv does not exist in the table, which has 3 rows",
        ),
        (
            {"row": [0], "suggested": ["x"]},
            "Row 0 of a.csv does not exist in the table, which has 3 rows",
        ),
        ({"row": [3], "suggested": ["x"]}, "Row 3 of a.csv cannot be read."),
        (
            {"row": [1], "suggested": ["dog"], "given": ["cow"]},
            "Row 1 of a.csv has the label 'cat', and had 'cow' in the audit.",
        ),
    ],
)
def test_a_table_that_changed_since_the_audit_is_an_error(
    wanted: dict[str, list[object]], said: str, tmp_path: Path
) -> None:
    table, copy = text(tmp_path / "a.csv", CSV), tmp_path / "b.csv"
    with pytest.raises(ValueError, match=f"{said}.*{CHANGED.removesuffix('?')}"):
        fix(table, copy, "label", pd.DataFrame(wanted))
    assert not copy.exists()


def test_an_unknown_label_column_is_an_error(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", CSV)
    with pytest.raises(ValueError, match="label must be one of id, .* Did you mean 'label'?"):
        fix(table, tmp_path / "b.csv", "labl", suspects({1: "dog"}))


def test_a_table_that_was_corrected_before_is_an_error(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", "is,selfpaced_was\nx,\ny,x\n")
    said = "a.csv has a column selfpaced_was from an earlier correction. Remove or rename it."
    with pytest.raises(ValueError, match=said):
        fix(table, tmp_path / "b.csv", "is", suspects({1: "y"}))
    with pytest.raises(ValueError, match=said):
        fix(table, tmp_path / "b.csv", "is", suspects({1: "y"}), force=True)
    left = fix(table, tmp_path / "b.csv", "is", suspects({1: "y"}), drop=True, force=True)
    assert len(left) == 1


def test_an_empty_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a.csv is empty. Is it the right file?"):
        fix(text(tmp_path / "a.csv", "\n\n"), tmp_path / "b.csv", "is", suspects({1: "y"}))


@pytest.mark.parametrize(
    ("table", "copy", "said"),
    [
        (
            "a.xls",
            "b.xls",
            "fix reads .csv, .tsv, .txt, .jsonl, .ndjson, .parquet, .xlsx, .xlsm; got a.xls.",
        ),
        ("a.csv", "b.parquet", "copy of a.csv must be a .csv file; got b.parquet."),
        ("a.csv.gz", "b.csv", "copy of a.csv.gz must be a .csv.gz file; got b.csv."),
    ],
)
def test_another_format_is_an_error(table: str, copy: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        fix(text(tmp_path / table, CSV), tmp_path / copy, "label", suspects({1: "dog"}))


def test_suspects_without_rows_or_with_equal_rows_are_errors(tmp_path: Path) -> None:
    table, copy = text(tmp_path / "a.csv", CSV), tmp_path / "b.csv"
    with pytest.raises(ValueError, match=r"columns row and suggested; missing: \['row'\]"):
        fix(table, copy, "label", pd.DataFrame({"suggested": ["x"]}))
    with pytest.raises(
        ValueError, match=r"fix needs each row at most once; got \[1\] more than once."
    ):
        fix(table, copy, "label", pd.DataFrame({"row": [1, 1], "suggested": ["x", "y"]}))


def test_no_suspects_is_a_copy_with_an_empty_column(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", "a,b\n1,2\n")
    assert len(fix(table, tmp_path / "b.csv", "b", suspects({}))) == 0
    assert (tmp_path / "b.csv").read_text() == "a,b,selfpaced_was\n1,2,\n"


def test_a_copy_that_loses_a_class_or_gets_a_new_one_is_written_only_with_force(
    tmp_path: Path,
) -> None:
    table, copy = text(tmp_path / "a.csv", f"{CSV}010,dog\n"), tmp_path / "b.csv"
    with pytest.raises(ValueError, match="no row left of the class 'cat' .1 row.. Keep the given"):
        fix(table, copy, "label", suspects({1: "dog"}))
    with pytest.raises(
        ValueError, match="a label becomes 'dgo' for row 2, .* did you mean 'dog'. Correct"
    ):
        fix(table, copy, "label", suspects({2: "dgo"}))
    assert not copy.exists()
    changes = fix(table, copy, "label", suspects({1: "dgo"}), force=True)
    assert changes.by_class() == {"cat": {"dgo": 1}}
    assert copy.read_text().splitlines()[1] == "007,dgo,cat"
    fix(table, copy, "label", suspects({1: "dgo"}), force=True, numeric=True)
    fix(table, tmp_path / "c.csv", "label", suspects({1: "dgo"}), numeric=True)
    assert copy.read_bytes() == (tmp_path / "c.csv").read_bytes()


def test_what_changes_is_counted_in_every_format(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["x"] * 5, "is": ["a", "a", "b", "b", "b"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for kind in ("csv", "parquet", "jsonl"):
        copy = tmp_path / f"b.{kind}"
        changes = fix(tmp_path / f"a.{kind}", copy, "is", suspects({1: "b", 4: "a"}))
        assert [tuple(each) for each in changes.classes] == [
            ("a", 2, {"b": 1}, 2),
            ("b", 3, {"a": 1}, 3),
        ]
