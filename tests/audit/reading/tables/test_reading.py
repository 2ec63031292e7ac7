"""Claims about tables: what is read, noted and refused."""

import csv
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfpaced.audit import Options, Source, read

Write = Callable[..., Path]
PETS = "ears,legs,kind\n2.5,4,cat\n7.5,4,dog\n2.0,3,cat\n"
KIND = Options(label="kind")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes to a file of a name."""

    def to_file(content: str | bytes, name: str = "pets.csv") -> Path:
        raw = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return to_file


def notes_of(source: Source) -> str:
    return " | ".join(source.notes)


def many(n: int = 40) -> pd.DataFrame:
    """Rows with an id of each kind, and columns that only resemble one."""
    days = pd.date_range("2024-01-01", periods=n).strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "number": range(n),
            "code": [f"k-{i}" for i in range(n)],
            "price": np.arange(n) + 0.5,
            "day": days,
            "said": [f"it broke on day {i}" for i in range(n)],
            "size": np.arange(n) % 7,
            "kind": ["cat", "dog"] * (n // 2),
        }
    )


def saved(frame: pd.DataFrame, write: Write) -> Path:
    return write(frame.to_csv(index=False))


@pytest.mark.parametrize(
    ("name", "separator"),
    [("pets.csv", ","), ("pets.csv.gz", ","), ("p.tsv", "\t"), ("p.TXT", "|")],
)
def test_text_tables_are_read(write: Write, name: str, separator: str) -> None:
    source = read(write(PETS.replace(",", separator), name), KIND)
    assert (source.kind, len(source), source.numeric) == ("table", 3, False)
    assert isinstance(source.features, pd.DataFrame)
    assert source.features.to_dict("list") == {"ears": [2.5, 7.5, 2.0], "legs": [4, 4, 3]}
    assert source.labels.tolist() == ["cat", "dog", "cat"]
    assert (source.where.name, source.where.tolist()) == ("row", [1, 2, 3])
    assert list(source.own.columns) == ["ears", "legs", "kind"]
    assert (
        list(source.conflicts.columns) == ["row", "label", "group", "alike"]
        and source.conflicts.empty
    )


def test_parquet_and_json_lines_are_read_alike(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ears": [2.5, 7.5, 2.0], "legs": [4, None, 3], "kind": ["a", "b", "a"]})
    frame["legs"] = frame["legs"].astype("Int64")
    frame.to_parquet(tmp_path / "pets.parquet")
    frame.to_json(tmp_path / "pets.jsonl", orient="records", lines=True)
    for name in ("pets.parquet", "pets.jsonl"):
        source = read(tmp_path / name, KIND)
        pd.testing.assert_frame_equal(source.own, frame)


@pytest.mark.parametrize(
    ("separator", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_another_separator_is_found_and_noted(write: Write, separator: str, word: str) -> None:
    source = read(write(PETS.replace(",", separator)), KIND)
    assert notes_of(source).startswith(f"The columns are separated by {word}.")


def test_decimal_commas_are_read_and_noted(write: Write) -> None:
    source = read(write("ears;kind\n2,5;cat\n7,5;dog\n1;cat\n"), KIND)
    assert source.own["ears"].tolist() == [2.5, 7.5, 1.0]
    assert "1 column of numbers with decimal commas: ears." in notes_of(source)


def test_rows_that_do_not_match_the_header_are_left_out_and_noted(write: Write) -> None:
    rows = [f"{i},{i % 7},{'cat' if i % 2 else 'dog'}" for i in range(30)]
    rows[3], rows[10] = "1,2,3,cat", "1"
    rows[5] = '5,"two\nlines",dog'
    source = read(write("\n".join(["ears,legs,kind", *rows])), KIND)
    assert source.notes[0] == (
        "2 rows could not be read and are left out (lines 5, 13): expected 3 columns, got 1, 4."
    )
    assert source.where.tolist() == [row for row in range(1, 31) if row not in (4, 11)]


def test_lines_are_counted_past_blank_ones_and_a_header_of_two(write: Write) -> None:
    rows = [f"{i % 3},{i % 7},{'cat' if i % 2 else 'dog'}" for i in range(30)]
    source = read(write("\n".join(["", "", '"ears\n(cm)",legs,kind', *rows, "", "1"])), KIND)
    assert len(source) == 30 and list(source.features) == ["ears\n(cm)", "legs"]
    assert "left out (line 36): expected 3 columns, got 1." in source.notes[0]


def test_each_row_knows_the_line_on_which_it_starts(write: Write) -> None:
    rows = [f"{i % 3},{i % 7},{'cat' if i % 2 else 'dog'}" for i in range(30)]
    rows[3] = '3,"two\nlines",dog'  # lines 8 and 9
    rows[5:7] = ["", "too,many,fields,here", "6,6,", "8,8,cat"]  # of which two are left out
    source = read(write("\n".join(["", '"ears\n(cm)",legs,kind', *rows])), KIND)
    assert source.where.tolist()[:8] == [1, 2, 3, 4, 5, 8, 9, 10]
    assert source.lines is not None
    assert source.lines.tolist()[:8] == [4, 5, 6, 7, 9, 13, 14, 15]
    assert len(source.lines) == len(source)


CELL = st.text(st.sampled_from('ab ";\r\n\xe9\u2028'), max_size=5)


@given(
    st.lists(st.tuples(CELL, st.sampled_from(["cat", "dog"])), min_size=2, max_size=9),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_the_line_of_a_row_is_that_of_its_text(
    rows: list[tuple[str, str]], end: str, encoding: str
) -> None:
    table, starts = io.StringIO(newline=""), []
    writer = csv.writer(table, delimiter=";", lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["kind", "text"])
    for at, (text, kind) in enumerate(rows):
        before = table.getvalue()
        starts.append(len(io.StringIO(before, newline=None).readlines()) + 1)
        writer.writerow([kind, f"{at}{text}"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(table.getvalue().encode(encoding))
        lines = read(path, Options(label="kind", known=False)).lines
    assert lines is not None and lines.tolist() == starts


def test_lines_follow_the_samples_that_have_a_label(write: Write) -> None:
    text = '{"a": 1, "kind": "x"}\n\n{"a": 2}\nnone\n' + '{"a": 3, "kind": "y"}\n' * 20
    source = read(write(text + '{"a": 4, "kind": "x"}', "pets.jsonl"), KIND)
    assert source.lines is not None and source.lines.tolist() == [1, *range(5, 26)]
    assert source.where.tolist() == source.lines.tolist()


def test_a_text_of_any_length_has_a_line(write: Write) -> None:
    source = read(write(f"a,kind\n{'x' * 200_000},cat\nz,dog\ny,cat\n"), KIND)
    assert source.lines is not None and source.lines.tolist() == [2, 3, 4]


def test_a_parquet_file_has_no_lines(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2, 1], "kind": ["x", "y", "x"]}).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", KIND).lines is None


def test_too_many_rows_that_do_not_match_the_header_are_refused(write: Write) -> None:
    said = r"1 row of 4 could not be read \(line 5\): expected 3 columns, got 2\. Are the columns"
    with pytest.raises(ValueError, match=said):
        read(write(PETS + "1,2\n"), KIND)


def test_lines_that_are_not_objects_are_left_out_and_noted(write: Write) -> None:
    lines = [f'{{"ears": {i % 5}, "kind": "{"cat" if i % 2 else "dog"}"}}' for i in range(20)]
    lines[4], lines[7] = "[1]", '{"ears": 1, "ki'
    source = read(write("\n".join(lines), "pets.jsonl"), KIND)
    assert source.notes[0] == (
        "2 rows could not be read and are left out (lines 5, 8): expected a JSON object."
    )
    assert source.where.tolist()[3:7] == [4, 6, 7, 9]


def test_json_that_is_not_json_lines_is_refused(write: Write) -> None:
    with pytest.raises(ValueError, match="Save the file as JSON Lines, one object per line"):
        read(write('[{"ears": 1}]', "pets.jsonl"), KIND)


def test_values_of_several_types_become_text_and_lists_are_left_out(write: Write) -> None:
    lines = '{"a": 1, "b": [1], "kind": "x"}\n{"a": "u", "kind": "y"}\n\n{"a": 2, "kind": "x"}\n'
    source = read(write(lines, "pets.jsonl"), KIND)
    assert source.own["a"].tolist() == ["1", "u", "2"]
    assert list(source.features) == ["a"]
    assert "1 column of lists, records or bytes is left out: b." in notes_of(source)
    assert source.where.tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ("größe,kind\n1,ä\n2,b\n".encode("latin-1"), "is not UTF-8 text and was read as latin-1"),
        ("größe,kind\n1,ä\n2,b\n3,b".encode("utf-16"), "The file is UTF-16 text."),
        ("\ufeffgröße,kind\n1,ä\n2,b\n".encode(), ""),
    ],
)
def test_other_encodings_are_read_and_noted(write: Write, raw: bytes, note: str) -> None:
    source = read(write(raw + b"3,b\n" if b"\0" not in raw else raw), KIND)
    assert list(source.features) == ["größe"] and source.labels[0] == "ä"
    assert note in notes_of(source)


def test_codes_keep_their_zeros_and_long_numbers_their_digits(write: Write) -> None:
    source = read(write("zip,long,n,kind\n01,1234567890123456789012,7,a\n20,1,8,b\n3,,,b\n"), KIND)
    assert source.own["zip"].tolist() == ["01", "20", "3"]
    assert source.own["long"].iloc[0] == "1234567890123456789012"
    assert source.own["n"].dtype == "Int64" and source.own["n"].tolist()[:2] == [7, 8]


def test_a_column_without_a_name_gets_its_place(write: Write) -> None:
    source = read(write(",ears,kind\n0,1,a\n1,5,b\n2,2,a\n"), KIND)
    assert list(source.own.columns) == ["column 1", "ears", "kind"]
    assert "1 column without a name: column 1." in notes_of(source)


def test_an_open_quotation_mark_is_noted(write: Write) -> None:
    source = read(write(PETS + '1,4,"cat\n'), KIND)
    assert 'Quotation marks " are out of place, and are read as text.' in notes_of(source)
    source = read(write(PETS + '1,"4, 5","cat" a\n"1",2,dog\n'), KIND)
    assert 'A quotation mark " is not closed' in notes_of(source)


def test_ids_are_left_out_and_noted_and_used_if_asked(write: Write) -> None:
    path = saved(many(), write)
    source = read(path, KIND)
    assert list(source.features) == ["price", "day", "said", "size"]
    assert notes_of(source) == (
        "2 columns with a different value in every row, like an id, are left out: number, code. "
        "To learn from one, pass use=... with its name."
    )
    assert list(source.own.columns) == list(many().columns)
    used = read(path, Options(label="kind", use=("code",), ignore=("day",)))
    assert list(used.features) == ["code", "price", "said", "size"]


def test_few_rows_have_no_ids(write: Write) -> None:
    assert "number" in read(saved(many(18), write), KIND).features


def test_constant_and_empty_columns_are_left_out_and_noted(write: Write) -> None:
    source = read(write("a,b,c,d,kind\n1,,5,7,x\n2,,5,,y\n4,,5,7,x\n"), KIND)
    assert list(source.features) == ["a", "d"]
    assert "1 column without any value is left out: b." in notes_of(source)
    assert "1 column with a single value is left out: c." in notes_of(source)


def test_new_rows_need_no_label_and_keep_all_columns(write: Write) -> None:
    path = saved(many().assign(same=1), write)
    source = read(path, Options(label="kind", known=False))
    assert len(source) == 40 and source.labels.empty and source.conflicts.empty
    assert list(source.features) == ["number", "code", "price", "day", "said", "size", "same"]
    assert len(read(saved(many().drop(columns="kind"), write), Options(known=False))) == 40


REFUSED = [
    ("", "pets.csv", KIND, r"pets\.csv is empty\. Is it the right file"),
    ("\n\n", "pets.csv", KIND, r"pets\.csv is empty"),
    ("a,kind\n", "pets.csv", KIND, "has a header but no rows"),
    ("a,a,kind\n1,2,x\n", "pets.csv", KIND, "'a' appears more than once. Rename one"),
    (
        b"a\0b,kind\n1,2\n",
        "pets.csv",
        KIND,
        "is not text: it contains zero bytes. Save the table as",
    ),
    (PETS, "pets.csv", Options(), "Pass label=... with one of ears, legs, kind"),
    (PETS, "pets.csv", Options(label="kint"), "label=...: no column 'kint'. Did you mean 'kind'?"),
    (PETS, "pets.csv", Options("kind", ignore=("eras",)), "ignore=...: no column 'eras'. Did you"),
    (
        PETS,
        "pets.csv",
        Options("kind", use=("leg",)),
        "use=...: no column 'leg'. Did you mean 'legs'",
    ),
    (
        PETS,
        "pets.csv",
        Options("kind", use=("legs",), ignore=("legs",)),
        "ignore=... and use=... both name legs",
    ),
    (PETS, "pets.csv", Options("kind", ignore=("ears", "legs")), "No column is left to learn from"),
    (b"PAR1 and more", "pets.parquet", KIND, r"pets\.parquet is damaged: .* Write it again"),
]


@pytest.mark.parametrize(("content", "name", "options", "said"), REFUSED)
def test_tables_that_cannot_be_read_are_errors(
    write: Write, content: str | bytes, name: str, options: Options, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        read(write(content, name), options)
    assert "\n" not in str(raised.value)


def test_a_damaged_csv_gz_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pets.csv.gz").write_bytes(gzip.compress(PETS.encode())[:-9])
    with pytest.raises(ValueError, match="is truncated or not a gzip file"):
        read(tmp_path / "pets.csv.gz", KIND)
