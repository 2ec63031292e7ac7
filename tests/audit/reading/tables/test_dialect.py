"""Claims about how text files are written as tables."""

import re
from pathlib import Path

import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._fixing.fix import fix
from selfpaced.audit._reading.tables.dialect import Dialect, dialect_of

ROWS = ["2.5,1,cat", "7.5,2,dog", "2.0,3,cat", "7.1,4,dog"]
TABLE = "\n".join(["ears,age,kind", *ROWS]) + "\n"


def semicolons(text: str) -> str:
    return text.replace(",", ";")


BROKEN: list[tuple[str, str, str]] = [
    ("sep=;\n" + semicolons(TABLE), "pets.csv names its separator: ';'.", "a sep line"),
    ('"sep=;"\n' + semicolons(TABLE), "names its separator", "a sep line in quotes"),
    ("# of 2024\n# by us\n" + TABLE, "2 lines of comment left out (lines 1, 2).", "comments"),
    ("# May 5, 2024, by us\n" + TABLE, "1 line of comment left out (line 1).", "a comment, commas"),
    ("\n\n# of 2024\n\n" + TABLE, "1 line of comment left out (line 3).", "blanks and a comment"),
    (semicolons(TABLE), "The columns are separated by semicolons.", "semicolons"),
    (TABLE.replace(",", "\t"), "The columns are separated by tabs.", "tabs"),
    (
        "\n".join(["ears,age,kind", *(row + "," for row in ROWS)]),
        "Each row ends in one more separator.",
        "trailing separators",
    ),
    (
        "\n".join(["ears,age,kind", *(f"r{k},{row}" for k, row in enumerate(ROWS))]),
        "The header lacks a name for the first column, as R writes it.",
        "row names",
    ),
]


@pytest.mark.parametrize(("text", "note", "name"), BROKEN, ids=[each[2] for each in BROKEN])
def test_unusual_tables_are_read_and_told(text: str, note: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "pets.csv"
    path.write_text(text)
    source = read(path, Options(label="kind"))
    assert source.labels.tolist() == ["cat", "dog", "cat", "dog"]
    assert source.features["ears"].tolist() == [2.5, 7.5, 2.0, 7.1]
    assert any(note in each for each in source.notes)
    lines = text.splitlines()
    assert source.lines is not None
    found = ["cat" if "cat" in lines[line - 1] else "dog" for line in source.lines]
    assert found == source.labels.tolist()


@pytest.mark.parametrize(("text", "note", "name"), BROKEN, ids=[each[2] for each in BROKEN])
def test_unusual_tables_are_corrected_where_the_label_is(
    text: str, note: str, name: str, tmp_path: Path
) -> None:
    path, copy = tmp_path / "pets.csv", tmp_path / "new.csv"
    path.write_text(text)
    suspects = pd.DataFrame({"row": [2], "given": ["dog"], "suggested": ["cat"]})
    assert fix(path, copy, "kind", suspects).by_class() == {"dog": {"cat": 1}}
    again = read(copy, Options(label="kind"))
    assert again.labels.tolist() == ["cat", "cat", "cat", "dog"]
    assert again.features["ears"].tolist() == [2.5, 7.5, 2.0, 7.1]
    assert "selfpaced_was" in copy.read_text()


def test_quotes_may_be_escaped(tmp_path: Path) -> None:
    rows = [rf'"a \"b, c\" {k}",{"cat" if k % 2 else "dog"}' for k in range(9)]
    path = tmp_path / "pets.csv"
    path.write_text("\n".join(["text,kind", *rows]))
    source = read(path, Options(label="kind"))
    assert source.features["text"].tolist() == [f'a "b, c" {k}' for k in range(9)]
    assert any("Quotation marks inside fields are written as" in each for each in source.notes)


def test_stray_quotes_do_not_swallow_rows(tmp_path: Path) -> None:
    rows = [f"word {k}\t{'cat' if k % 2 else 'dog'}" for k in range(40)]
    rows[3], rows[30] = f'"{rows[3]}', rows[30].replace("\t", '"\t')
    path = tmp_path / "pets.tsv"
    path.write_text("\n".join(["text\tkind", *rows]))
    source = read(path, Options(label="kind"))
    assert len(source) == 40 and source.features["text"][3] == '"word 3'
    assert any("out of place" in each for each in source.notes)


def test_texts_of_several_lines_stay_one_row(tmp_path: Path) -> None:
    rows = [f'"a, b\nc {k}, d",{"cat" if k % 2 else "dog"}' for k in range(4)]
    path = tmp_path / "pets.csv"
    path.write_text("\n".join(["text,kind", *rows]))
    source = read(path, Options(label="kind"))
    assert len(source) == 4 and source.lines is not None and source.lines.tolist() == [2, 4, 6, 8]


def test_a_header_may_begin_with_a_hash() -> None:
    assert dialect_of(Path("a.csv"), b"#id,kind\n1,cat\n2,dog\n")[0] == Dialect()
    assert dialect_of(Path("a.csv"), b"#made, by us\n#\nid,kind\n1,cat\n")[0].skipped == 2


def test_a_header_with_the_usual_separator_in_a_name_is_no_reason_to_split_it() -> None:
    text = b"weight, kg;b;kind\n1;2;cat\n3;4;dog\n"
    assert dialect_of(Path("a.csv"), text)[0].separator == ";"
    assert dialect_of(Path("a.csv"), b"kind\ncat\ndog\n") == (Dialect(), ())


def test_comments_alone_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# made by hand\n\n")
    said = "a.csv has lines of comment, but no header. Is it the right file?"
    with pytest.raises(ValueError, match=re.escape(said)):
        read(tmp_path / "a.csv", Options(label="y"))
