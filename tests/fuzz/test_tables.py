"""Odd tables: each is read, or refused in one line that names the file."""

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

import selfpaced.audit._features.encoding  # noqa: F401 - slow to import, and a case has a deadline
from selfpaced.audit import Options, Source, read
from selfpaced.audit._prepare import prepare

# Cells that readers take for something else than text.
CELLS = st.one_of(
    st.sampled_from(
        [
            *(
                "1",
                "-2.5",
                "1e308",
                "1e999",
                "9" * 40,
                "007",
                "0x1F",
                "1,5",
                "1.234,5",
                "$3",
                "(4)",
            ),
            *("", " ", "NA", "nan", "NaN", "null", "inf", "-inf", "true", "FALSE", "-", "?"),
            *("2024-01-31", "31.12.2024", "24:00", "[1, 2]", "[1 2]", "[1, x]", "{}", "a.png"),
            *('"', '""', '"a', 'a"b', '\\"', "a;b", "a,b", "a\tb", "a|b", "#c", "sep=;", "\ufeff"),
            *("a", "b", "A", " a", "ä", "\u4e2d\u6587", "\x00", "\x85", "\u2028", "\r", "\n"),
        ]
    ),
    st.text(max_size=6),
    st.integers().map(str),
    st.floats().map(str),
)
HEADS = st.one_of(
    st.sampled_from(["y", "x", "", " ", "1", '"', "y ", "index"]), st.text(max_size=4)
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-16-le", "cp1252"])
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])
VALUES: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), CELLS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
SUFFIXES = st.sampled_from([".csv", ".tsv", ".txt"])
DAY = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
# Types of Parquet files, and a value of each by a number.
TYPES: tuple[tuple[Any, Callable[[int], Any]], ...] = (
    *((kind, int) for kind in (pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(5, 2))),
    *((kind, str) for kind in (pa.string(), pa.large_string())),
    (pa.dictionary(pa.int8(), pa.string()), str),
    (pa.float16(), np.float16),
    (pa.bool_(), bool),
    (pa.binary(), lambda n: bytes([n])),
    (pa.date32(), lambda n: (DAY + datetime.timedelta(n)).date()),
    (pa.timestamp("ns", "UTC"), lambda n: DAY + datetime.timedelta(n)),
    (pa.duration("s"), lambda n: datetime.timedelta(seconds=n)),
    (pa.time64("us"), datetime.time),
    (pa.list_(pa.int64()), lambda n: [n] * n),
    (pa.list_(pa.float32(), 2), lambda n: [n, n]),
    (pa.struct([("a", pa.int64())]), lambda n: {"a": n}),
    (pa.map_(pa.string(), pa.int8()), lambda n: [("k", n)]),
    (pa.null(), lambda n: None),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the tables; each replaces the one before."""
    yield tmp_path_factory.mktemp("odd")


def require_read_or_refused(path: Path, options: Options) -> None:
    """Read a table and make features of it, or expect an error of one line that names the file."""
    before = path.read_bytes()
    try:
        source = read(path, options)
        assert isinstance(source, Source) and len(source) == len(source.where) > 0
        if options.known:
            assert source.labels.notna().all() and len(source.labels) == len(source)
            assert len(prepare(source).inputs) == len(source)
    except ValueError as error:
        said = str(error)
        assert "\n" not in said and said.endswith((".", "?", "!")), said
        assert type(error).__name__ in ("ValueError", "TooLarge"), repr(error)
    assert path.read_bytes() == before


@st.composite
def delimited(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a text file that is a table, or nearly one."""
    sign, end, width = draw(st.sampled_from(",;\t|")), draw(ENDS), draw(st.integers(1, 4))
    quotes = draw(st.sampled_from(["never", "always", "doubled", "escaped"]))

    def field(text: str) -> str:
        """Write a field."""
        if quotes == "never":
            return text
        inner = text.replace('"', {"always": '"', "doubled": '""', "escaped": '\\"'}[quotes])
        return f'"{inner}"'

    header = draw(st.lists(HEADS, min_size=width, max_size=width))
    cells = [draw(st.lists(CELLS, min_size=1, max_size=4)) for _ in range(width)]
    rows = [[column[n % len(column)] for column in cells] for n in range(draw(st.integers(0, 60)))]
    for place in draw(st.lists(st.integers(0, 60), max_size=2)):
        if place < len(rows):
            rows[place] = draw(st.lists(CELLS, max_size=6))  # a row of another width
    before = draw(st.sampled_from(["", "# made by hand", "sep=;", " ", "title"]))
    lines = [before] * bool(before) + [sign.join(map(field, row)) for row in [header, *rows]]
    text = end.join(lines) + end * draw(st.booleans())
    raw = text.encode(draw(ENCODINGS), errors="replace")
    cut = draw(st.none() | st.integers(0, max(0, len(raw) - 1)))
    return raw if cut is None else raw[:cut] + draw(st.binary(max_size=3)) + raw[cut + 1 :]


@given(raw=delimited(), suffix=SUFFIXES, label=st.sampled_from(["y", "column 1", None]))
@example(raw=b"y,x,\n1,1,1e999\n0,1,8.98846567431158e+307\n1,1,1e999", suffix=".csv", label="y")
def test_an_odd_text_table_is_read_or_refused_in_one_line(
    raw: bytes, suffix: str, label: str | None, folder: Path
) -> None:
    path = folder / f"odd{suffix}"
    path.write_bytes(raw)
    require_read_or_refused(path, Options(label=label, known=label is not None))


@given(raw=st.binary(max_size=200), suffix=SUFFIXES | st.just(".jsonl"))
def test_any_bytes_are_read_or_refused_in_one_line(raw: bytes, suffix: str, folder: Path) -> None:
    path = folder / f"bytes{suffix}"
    path.write_bytes(raw)
    require_read_or_refused(path, Options(known=False))


@given(
    rows=st.lists(st.dictionaries(HEADS, VALUES, max_size=4) | VALUES, min_size=1, max_size=6),
    times=st.integers(1, 12),
    end=ENDS,
    encoding=ENCODINGS,
    known=st.booleans(),
)
def test_odd_json_lines_are_read_or_refused_in_one_line(
    rows: list[Any], times: int, end: str, encoding: str, known: bool, folder: Path
) -> None:
    path = folder / "odd.jsonl"
    text = end.join(json.dumps(row) for _ in range(times) for row in rows)
    path.write_bytes(text.encode(encoding, errors="replace"))
    require_read_or_refused(path, Options(label="y" if known else None, known=known))


@given(
    kinds=st.lists(st.sampled_from(TYPES), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
    rows=st.integers(0, 50),
    gaps=st.booleans(),
    twice=st.booleans(),
)
def test_an_odd_parquet_file_is_read_or_refused_in_one_line(
    kinds: list[Any], seed: int, rows: int, gaps: bool, twice: bool, folder: Path
) -> None:
    numbers = np.random.default_rng(seed).integers(0, 5, (len(kinds), rows)).tolist()
    columns = [
        pa.array([None if gaps and not n else value(n) for n in row], type=kind)
        for (kind, value), row in zip(kinds, numbers, strict=True)
    ]
    names = ["y" if twice else f"c{place}" for place in range(len(kinds))]
    path = folder / "odd.parquet"
    parquet.write_table(
        pa.table([*columns, pa.array(["ab"[n % 2] for n in range(rows)])], [*names, "y"]), path
    )
    require_read_or_refused(path, Options(label="y"))
