"""Claims about the numbers by which rows are found again."""

import csv
import datetime
import decimal
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfpaced.audit import Options, read
from selfpaced.audit._reading.tables.dialect import Dialect
from selfpaced.audit._reading.tables.fingerprints import of_cells, of_columns, of_delimited

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=4)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=6))
def test_lines_without_quotes_need_no_parser(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["a", "b"], *rows])
    data = text.getvalue()
    fast = of_delimited(data.encode(), Dialect(one_line=True))
    slow = of_delimited(data.encode(), Dialect())
    assert fast.tolist() == slow.tolist() == of_cells(rows).tolist()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_quotes_make_no_difference(end: str) -> None:
    plain = of_delimited(b"a,b\n1,x\n2,y\n", Dialect(one_line=True))
    other = f'a,b{end}"1","x"{end}2,"y"{end}'.encode()
    assert of_delimited(other, Dialect()).tolist() == plain.tolist()
    bare = f"a,b{end}1,x{end}2,y{end}".encode()
    assert of_delimited(bare, Dialect(one_line=True)).tolist() == plain.tolist()


def test_rows_of_every_type_that_parquet_has_differ_and_repeat() -> None:
    moment = datetime.datetime(2024, 1, 31, 12)
    columns: dict[str, list[object]] = {
        "int": [1, 2, None, 1],
        "float": [0.5, 1.5, None, 0.5],
        "text": ["é", "b", None, "é"],
        "bytes": [b"\0", b"\1", None, b"\0"],
        "bool": [True, False, None, True],
        "list": [[1.0, 2.0], [], None, [1.0, 2.0]],
        "record": [{"a": 1}, {"a": 2}, None, {"a": 1}],
        "date": [moment.date(), datetime.date(1, 1, 1), None, moment.date()],
        "moment": [moment, datetime.datetime(9999, 1, 1), None, moment],
        "span": [datetime.timedelta(1), datetime.timedelta(2), None, datetime.timedelta(1)],
        "decimal": [decimal.Decimal("1.50"), decimal.Decimal("2.50"), None, decimal.Decimal("1.5")],
    }
    coded = pa.array(["x", "y", None, "x"]).dictionary_encode()
    for name, column in [*columns.items(), ("coded", coded)]:
        found = of_columns(pa.table({name: column}))
        assert found[0] == found[3] and len({*found.tolist()}) == 3, name
    whole = of_columns(pa.table(columns))
    assert whole[0] == whole[3] and len({*whole.tolist()}) == 3


def test_every_row_of_a_file_has_one_also_without_a_label(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("n,kind\n1,cat\n2,\n3,dog\n\n3,dog\n4,cat,more\n" + "5,dog\n6,cat\n" * 9)
    source = read(table, Options(label="kind"))
    prints = source.fingerprints
    assert prints is not None and len(prints) == 23 and prints.dtype == np.uint64
    assert source.where.tolist()[:4] == [1, 3, 4, 6]
    assert prints[2] == prints[3] and len({*prints.tolist()}) == 6


def test_data_that_is_no_table_has_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.eye(4, dtype=np.float32), y=np.array([0, 1, 0, 1]))
    assert read(tmp_path / "a.npz").fingerprints is None
