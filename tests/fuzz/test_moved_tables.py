"""Tables whose rows were moved, copied, changed or removed between an audit and its correction."""

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfpaced.audit import Options, read
from selfpaced.audit._fixing.fix import fix
from selfpaced.audit._fixing.moved import audited_rows

NAMES = ["id", "text", "kind"]
Row = tuple[str, str, str]
Records = list[dict[Any, Any]]

rows_of_tables = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "007", "2.5"]),
        st.sampled_from(["good", "bad, slow", 'a "quote"', "naïve", "two\nlines", "x"]),
        st.sampled_from(["cat", "dog", "cow"]),
    ),
    min_size=4,
    max_size=12,
)
places = st.integers(0, 11)
moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["insert", "copy", "remove", "change"]), places, places),
        st.just(("reverse", 0, 0)),
        st.just(("sort", 0, 0)),
    ),
    max_size=4,
)


def moved(rows: list[Row], steps: list[tuple[str, int, int]]) -> list[Row]:
    """Return the rows after some edits; a changed row has a text that no other row has."""
    rows = list(rows)
    for number, (step, one, other) in enumerate(steps):
        place = one % len(rows) if rows else 0
        if step == "insert":
            rows.insert(place, ("9", f"new {number}", "dog"))
        elif step == "copy" and rows:
            rows.insert(other % len(rows), rows[place])
        elif step == "remove" and len(rows) > 1:
            del rows[place]
        elif step == "change" and rows:
            rows[place] = (rows[place][0], f"changed {number}", rows[place][2])
        elif step == "reverse":
            rows.reverse()
        elif step == "sort":
            rows.sort(key=lambda row: row[2])
    return rows


def write_csv(rows: list[Row], path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([NAMES, *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def read_csv(path: Path) -> Records:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_lines(rows: list[Row], path: Path) -> None:
    frame = pd.DataFrame(rows, columns=NAMES)
    frame.to_json(path, orient="records", lines=True, force_ascii=False)


def read_lines(path: Path) -> Records:
    return pd.read_json(path, lines=True, dtype=False).to_dict("records")


def write_parquet(rows: list[Row], path: Path) -> None:
    pd.DataFrame(rows, columns=NAMES).to_parquet(path)


def read_parquet(path: Path) -> Records:
    return pd.read_parquet(path).to_dict("records")


def write_workbook(rows: list[Row], path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (NAMES, *rows):
        book.active.append(row)
    book.save(path)


def read_workbook(path: Path) -> Records:
    header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


FORMATS: dict[str, tuple[Callable[..., None], Callable[..., Records]]] = {
    "csv": (write_csv, read_csv),
    "jsonl": (write_lines, read_lines),
    "parquet": (write_parquet, read_parquet),
    "xlsx": (write_workbook, read_workbook),
}


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=settings().max_examples // 8)
@given(rows=rows_of_tables, steps=moves, chosen=st.sets(places, min_size=1, max_size=4))
def test_no_cell_of_a_moved_table_is_changed_but_labels_of_suspects(
    form: str,
    rows: list[Row],
    steps: list[tuple[str, int, int]],
    chosen: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("moved")
    table, copy = folder / f"a.{form}", folder / f"b.{form}"
    write, read_back = FORMATS[form]
    write([("0", "first", "cat"), ("0", "second", "dog"), *rows], table)
    source = read(table, Options(label="kind"))
    listed = sorted({place % len(rows) + 3 for place in chosen})
    suspects = pd.DataFrame({"row": listed, "suggested": [f"was {row}" for row in listed]})
    audited = audited_rows(source.where, source.fingerprints)
    now = [("0", "first", "cat"), *moved(rows, steps), ("0", "second", "dog")]
    write(now, table)
    before = table.read_bytes()
    texts = {row: (*rows[row - 3][:2], rows[row - 3][2]) for row in listed}
    try:
        changes = fix(table, copy, "kind", suspects, force=True, audited=audited)
    except ValueError as error:
        gone = Counter(rows)
        assert "has changed since the audit" in str(error)
        assert any(Counter(now)[texts[row]] != gone[texts[row]] for row in listed)
        assert not copy.exists() and table.read_bytes() == before
        return
    told = read_back(copy)
    assert table.read_bytes() == before and len(changes) == len(listed)
    assert [(str(r["id"]), str(r["text"])) for r in told] == [row[:2] for row in now]
    made = Counter(
        (now[place], r["kind"]) for place, r in enumerate(told) if r["kind"] != now[place][2]
    )
    assert made == Counter((texts[row], f"was {row}") for row in listed)
