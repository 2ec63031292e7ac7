"""Cells of text as numbers, truth values, vectors and gaps."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfpaced.audit._reading.tables.frames import Table, table_of
from selfpaced.audit._reading.tables.numbers import Numbers, numbers_in
from selfpaced.audit._reading.tables.wide import Test, obvious_numbers, sign_of, some

# Words for a gap.
GAPS = (
    *("NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NULL", "null", "NaN", "nan"),
    *("-NaN", "-nan", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
)


def text_table(
    table: pa.Table,
    rows: NDArray[np.int64],
    decimal: str = ".",
    *,
    unread: int = 0,
    notes: tuple[str, ...] = (),
    lines: NDArray[np.int64] | None = None,
) -> Table:
    """Return columns of text as a table, in which those of numbers are numbers.

    Args:
        table: The columns; null is a gap.
        rows: See ``Table``, as for the following.
        decimal: The sign before decimals where no cell of the file tells it.
        unread: Number of rows that could not be read.
        notes: What was noticed.
        lines: The line on which each row starts.
    """
    bare, words = without_gaps(table)
    bare = _with_vectors(bare)
    texts = [column for column in bare.columns if pa.types.is_string(column.type)]
    numbers = typed(bare, sign_of(texts, decimal))
    return table_of(bare, rows, unread, notes, lines, numbers, words)


def typed(table: pa.Table, decimal: str) -> dict[str, Numbers]:
    """Return the columns that are numbers or truth values."""
    texts = {
        name: column
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pa.types.is_string(column.type)
    }
    known = obvious_numbers([*texts.values()]) if decimal == "." else {}
    found = {
        name: known[place] if place in known else numbers_in(column, decimal)
        for place, (name, column) in enumerate(texts.items())
    }
    return {name: numbers for name, numbers in found.items() if numbers is not None}


def without_gaps(table: pa.Table) -> tuple[pa.Table, dict[str, pa.ChunkedArray]]:
    """Return a table with gaps for words such as NA, and the columns that have such words."""
    gaps, columns, words = pa.array(GAPS), table.columns, {}

    def is_gap(cells: pa.Array) -> pa.Array:
        """Return whether each cell is a word for a gap."""
        return pc.is_in(pc.utf8_trim_whitespace(cells), gaps)

    for place in _with_some(table, is_gap):
        column = columns[place]
        words[table.column_names[place]] = column
        columns[place] = pc.if_else(is_gap(column), pa.scalar(None, pa.string()), column)
    return pa.table(columns, names=table.column_names), words


def _with_some(table: pa.Table, test: Test) -> list[int]:
    """Return the places of the columns of text in which a cell passes a test."""
    kinds = table.schema.types
    places = [place for place, kind in enumerate(kinds) if pa.types.is_string(kind)]
    found = some([table.column(place) for place in places], test)
    return [place for place, passed in zip(places, found, strict=True) if passed]


def _with_vectors(table: pa.Table) -> pa.Table:
    """Return a table in which texts such as "[0.5, 2]" or "[0.5 2.]" are lists of numbers."""
    for place in _with_some(table, lambda cells: pc.match_substring(cells, "[")):
        name, column = table.column_names[place], table.column(place)
        if pc.all(_has_form(column)).as_py():
            try:
                lists = [text and _numbers_of(text) for text in column.to_pylist()]
            except ValueError:  # it has other words
                continue
            table = table.set_column(place, name, pa.chunked_array([pa.array(lists)]))
    return table


def _numbers_of(text: str) -> NDArray[np.float64]:
    """Return the numbers of a text such as "[0.5, 2]"."""
    return np.array(re.split(r"[,\s]+", text.strip()[1:-1].strip()), float)


def _has_form(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return whether each cell is in square brackets, with two numbers or more; a gap is null."""
    return pc.match_substring_regex(column, r"^\s*\[\s*[-+.0-9eEna]+[,\s]+[-+.0-9eEna,\s]+\]\s*$")
