"""Claims about the content of the corrected copy of a table."""

import csv
import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from selfpaced.audit import Options, read
from selfpaced.audit._fixing.fix import fix
from selfpaced.audit._fixing.moved import audited_rows

CSV = '''id,text,label,note
007,"a, ""b""",cat,1.0
008,,dog,

009,"two
lines",cat,NA
010,too,many,fields,dog
011,'x',dog,1e3
'''


def suspects(suggested: dict[int, object]) -> pd.DataFrame:
    """Suspects from what is suggested by row."""
    return pd.DataFrame({"row": list(suggested), "suggested": list(suggested.values())})


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_text(content, encoding=encoding, newline="")
    return path


def test_only_the_labels_of_suspects_change(tmp_path: Path) -> None:
    table, copy = text(tmp_path / "a.csv", CSV), tmp_path / "b.csv"
    assert len(fix(table, copy, "label", suspects({5: "cat", 2: "cat"}), force=True)) == 2
    assert copy.read_text() == (
        "id,text,label,note,selfpaced_was\n"
        '007,"a, ""b""",cat,1.0,\n'
        "008,,cat,,dog\n"
        "\n"
        '009,"two\nlines",cat,NA,\n'
        "010,too,many,fields,dog,\n"
        "011,'x',cat,1e3,dog\n"
    )
    assert table.read_text() == CSV


def test_a_record_with_too_many_fields_still_has_too_many(tmp_path: Path) -> None:
    copy = tmp_path / "b.csv"
    fix(text(tmp_path / "a.csv", CSV), copy, "label", suspects({2: "cat"}))
    with copy.open(newline="") as file:
        lengths = [len(row) for row in csv.reader(file) if row]
    assert lengths == [5, 5, 5, 5, 6, 5]


def test_dropped_rows_are_gone_and_nothing_else_changed(tmp_path: Path) -> None:
    copy = tmp_path / "b.csv"
    wanted = suspects({2: "cat", 3: "dog"})
    assert len(fix(text(tmp_path / "a.csv", CSV), copy, "label", wanted, drop=True)) == 2
    left = CSV.replace("008,,dog,\n", "").replace('009,"two\nlines",cat,NA\n', "")
    assert copy.read_text() == left


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_line_ends_stay(encoding: str, end: str, tmp_path: Path) -> None:
    rows = ["is;name", "gut;Zoë", "schön;Ann", "gut;Bob"]
    table = text(tmp_path / "a.csv", end.join(rows), encoding)
    wanted = suspects({1: "schön"}).assign(given=["gut"])
    fix(table, tmp_path / "b.csv", "is", wanted)
    rows = ["is;name;selfpaced_was", "schön;Zoë;gut", "schön;Ann;", "gut;Bob;"]
    assert (tmp_path / "b.csv").read_bytes() == end.join(rows).encode(encoding)


def test_tabs_and_gzip_stay(tmp_path: Path) -> None:
    table, copy = tmp_path / "a.tsv.gz", tmp_path / "b.tsv.gz"
    table.write_bytes(gzip.compress(b"a\tb\n1,5\tx\n2\ty\n"))
    fix(table, copy, "b", suspects({1: "y"}), force=True)
    assert gzip.decompress(copy.read_bytes()) == b"a\tb\tselfpaced_was\n1,5\ty\tx\n2\ty\t\n"


def test_a_lone_carriage_return_in_a_text_stays_inside(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", 'a,b\n"x\ry",p\nz,q\n')
    fix(table, tmp_path / "b.csv", "b", suspects({1: "q"}), force=True)
    with (tmp_path / "b.csv").open(newline="") as file:
        assert list(csv.reader(file))[1] == ["x\ry", "q", "p"]


def test_a_text_of_any_length_is_copied_and_the_limit_of_csv_stays(tmp_path: Path) -> None:
    limit, long = csv.field_size_limit(), "x" * 200_000
    table = text(tmp_path / "a.csv", f"a,b\n{long},p\nz,q\n")
    fix(table, tmp_path / "b.csv", "b", suspects({1: "q"}), force=True)
    assert (tmp_path / "b.csv").read_text().splitlines()[1] == f"{long},q,p"
    assert csv.field_size_limit() == limit


def test_labels_are_written_as_the_table_writes_them(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", "a,b\nx,01\ny,02\nz,01\n")
    wanted = pd.DataFrame({"row": [3], "suggested": [2], "given": [1]})
    fix(table, tmp_path / "b.csv", "b", wanted)
    assert (tmp_path / "b.csv").read_text().splitlines()[3] == "z,02,01"


def test_numbers_with_a_decimal_comma_keep_it(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", "a;b\nx;1,5\ny;900\nz;2,25\n")
    wanted = pd.DataFrame({"row": [2, 3], "suggested": [3.125, 4.0], "given": [900.0, 2.25]})
    fix(table, tmp_path / "b.csv", "b", wanted, numeric=True)
    lines = (tmp_path / "b.csv").read_text().splitlines()
    assert lines[1:] == ["x;1,5;", "y;3,125;900", "z;4,0;2,25"]


def test_rows_are_those_that_an_audit_reads(tmp_path: Path) -> None:
    rows = ["n,is"] + [f"{n},{'pq'[n % 2]}" for n in range(40)]
    rows[5:5] = ["", "1,2,3", '"1\n2",p', "lone"]
    table = text(tmp_path / "a.csv", "\n".join(rows))
    lines = [json.dumps({"n": n, "is": "pq"[n % 2]}) for n in range(40)]
    lines[5:5] = ["", "no json", "[1]"]
    jsonl = text(tmp_path / "a.jsonl", "\n".join(lines))
    for path in (table, jsonl):
        source, copy = read(path, Options(label="is", use=("n",))), tmp_path / f"b{path.suffix}"
        wanted = pd.DataFrame({"row": source.where, "given": source.labels})
        wanted["suggested"] = ["q" if label == "p" else "p" for label in source.labels]
        assert len(fix(path, copy, "is", wanted)) == len(source) >= 40
        again = read(copy, Options(label="is", use=("n",)))
        assert again.labels.tolist() == wanted["suggested"].tolist()
        assert again.own["n"].tolist() == source.own["n"].tolist()
        assert again.own["selfpaced_was"].tolist() == source.labels.tolist()


JSONL = '{"a": 1.10,"is":"x"}\r\n\r\nno json\r\n{"is": "é", "a": [1, null]}\r\n{"is":"\\u00e9"}'


def test_of_json_lines_only_changed_ones_are_written_again(tmp_path: Path) -> None:
    table, copy = text(tmp_path / "a.jsonl", JSONL), tmp_path / "b.jsonl"
    assert len(fix(table, copy, "is", suspects({4: "x", 5: "x"}), force=True)) == 2
    lines = copy.read_bytes().decode().split("\r\n")
    assert lines[:3] == JSONL.split("\r\n")[:3]
    assert lines[3] == '{"is": "x", "a": [1, null], "selfpaced_was": "é"}'
    assert lines[4] == '{"is": "x", "selfpaced_was": "\\u00e9"}'


def test_the_last_line_may_end_in_a_quotation_mark(tmp_path: Path) -> None:
    table, copy = text(tmp_path / "a.csv", 'a,is\n1,"x"\n2,"y"'), tmp_path / "b.csv"
    fix(table, copy, "is", suspects({1: "y"}), force=True)
    assert copy.read_text() == 'a,is,selfpaced_was\n1,y,x\n2,"y",'


def test_lines_may_end_in_cr_alone(tmp_path: Path) -> None:
    lines = [f'{{"n":{n},"is":"{"xy"[n % 2]}"}}' for n in range(6)]
    table, copy = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    table.write_bytes("\r".join(lines).encode())
    source = read(table, Options(label="is"))
    table.write_bytes("\r".join(["{}", *lines]).encode())
    audited = audited_rows(source.where, source.fingerprints)
    fix(table, copy, "is", suspects({2: "x"}), audited=audited)
    changed = '{"n": 1, "is": "x", "selfpaced_was": "y"}'
    assert copy.read_bytes().decode().split("\r") == ["{}", lines[0], changed, *lines[2:]]


def test_a_line_too_deep_to_be_read_is_copied(tmp_path: Path) -> None:
    deep = '{"a": ' + "[" * 100_000
    table, copy = text(tmp_path / "a.jsonl", f'{deep}\n{{"is": "x"}}\n'), tmp_path / "b.jsonl"
    fix(table, copy, "is", suspects({2: "y"}), force=True)
    assert copy.read_text() == f'{deep}\n{{"is": "y", "selfpaced_was": "x"}}\n'


def test_json_labels_keep_their_type(tmp_path: Path) -> None:
    table = text(tmp_path / "a.jsonl", '{"is": 0}\n{"is": 1}\n')
    fix(table, tmp_path / "b.jsonl", "is", suspects({1: "1"}), force=True)
    first = (tmp_path / "b.jsonl").read_text().splitlines()[0]
    assert first == '{"is": 1, "selfpaced_was": 0}'


def test_dropped_json_lines_are_gone(tmp_path: Path) -> None:
    table, copy = text(tmp_path / "a.jsonl", JSONL), tmp_path / "b.jsonl"
    fix(table, copy, "is", suspects({1: "é"}), drop=True, force=True)
    assert copy.read_bytes().decode() == JSONL.split("\r\n", 1)[1]


def frame() -> pd.DataFrame:
    """A table with types that CSV does not have."""
    return pd.DataFrame(
        {
            "n": pd.array([1, None, 2**60], dtype="Int64"),
            "when": pd.DatetimeIndex(["2020-01-01", "2020-01-02", "NaT"]),
            "is": pd.Categorical(["cat", "dog", "cat"]),
            "list": [[1], [], [2, 3]],
        },
        index=pd.Index(["x", "y", "z"], name="key"),
    )


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "a.parquet")
    copy = tmp_path / "b.parquet"
    assert len(fix(tmp_path / "a.parquet", copy, "is", suspects({3: "dog"}))) == 1
    before, after = (parquet.read_table(tmp_path / f"{name}.parquet") for name in "ab")
    assert after.column_names == [*before.column_names, "selfpaced_was"]
    assert after.drop_columns(["is", "selfpaced_was"]).equals(before.drop_columns(["is"]))
    assert after.schema.field("is").type == before.schema.field("is").type
    assert after["is"].to_pylist() == ["cat", "dog", "dog"]
    assert after["selfpaced_was"].to_pylist() == [None, None, "cat"]
    assert list(pd.read_parquet(copy).index) == ["x", "y", "z"]


def test_dropped_rows_of_a_parquet_file_are_gone(tmp_path: Path) -> None:
    frame().reset_index(drop=True).to_parquet(tmp_path / "a.parquet")
    fix(tmp_path / "a.parquet", tmp_path / "b.parquet", "is", suspects({1: "dog"}), drop=True)
    after = pd.read_parquet(tmp_path / "b.parquet")
    assert after["n"].tolist()[1] == 2**60 and len(after) == 2
    assert list(after.columns) == ["n", "when", "is", "list"]


@pytest.mark.parametrize(
    "labels",
    [
        pa.array([1, 2], pa.timestamp("ms")),
        pa.array([b"cat", b"dog"]),
        pa.array(["1.5", "2.5"]).cast(pa.decimal128(5, 2)),
    ],
)
def test_labels_of_a_type_that_is_not_written_are_an_error(
    labels: pa.Array, tmp_path: Path
) -> None:
    parquet.write_table(pa.table({"y": labels}), tmp_path / "a.parquet")
    said = f"fix does not write labels of type {re.escape(str(labels.type))}: y of a.parquet. Conv"
    with pytest.raises(ValueError, match=said):
        fix(tmp_path / "a.parquet", tmp_path / "b.parquet", "y", suspects({1: "x"}))
    assert not (tmp_path / "b.parquet").exists()


@pytest.mark.parametrize(("suggested", "kind"), [(4.0, pa.int64()), (4.5, pa.float64())])
def test_whole_numbers_stay_whole_where_they_can(
    suggested: float, kind: pa.DataType, tmp_path: Path
) -> None:
    parquet.write_table(pa.table({"y": pa.array([1, 2])}), tmp_path / "a.parquet")
    wanted = pd.DataFrame({"row": [2], "suggested": [suggested]})
    fix(tmp_path / "a.parquet", tmp_path / "b.parquet", "y", wanted, numeric=True)
    after = parquet.read_table(tmp_path / "b.parquet")
    assert after["y"].to_pylist() == [1, suggested] and after.schema.field("y").type == kind
    assert after.schema.field("selfpaced_was").type == pa.int64()


def test_labels_with_marks_are_known_again(tmp_path: Path) -> None:
    table = text(tmp_path / "a.csv", "n,tax\n1,5%\n2,10%\n3,10%\n4,5%\n")
    found = suspects({2: 5}).assign(given=10)
    fix(table, tmp_path / "b.csv", "tax", found)
    assert (tmp_path / "b.csv").read_text().splitlines()[2] == "2,5%,10%"
