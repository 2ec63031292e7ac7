"""Claims about numbers in text, as people write them."""

import numpy as np
import pyarrow as pa
import pytest

from selfpaced.audit._reading.tables.numbers import (
    COMMAS,
    MONEY,
    PERCENT,
    THOUSANDS,
    numbers_in,
    tell_marks,
    tell_odd,
)
from selfpaced.audit._reading.tables.numbers import Numbers as Found


def found(*cells: str | None, decimal: str = ".") -> Found | None:
    return numbers_in(pa.chunked_array([pa.array(cells, pa.string())]), decimal)


WRITTEN: list[tuple[tuple[str, ...], list[float], tuple[str, ...]]] = [
    (("1", " 2 ", "-3"), [1, 2, -3], ()),
    (("1e5", "2.5E-3"), [1e5, 0.0025], ()),
    (("1,163.74", "20"), [1163.74, 20], (THOUSANDS,)),
    (("1 163", "22"), [1163, 22], (THOUSANDS,)),
    (("$5", "€ 7.5", "12 USD", "-$3", "$-4"), [5, 7.5, 12, -3, -4], (MONEY,)),
    (("5%", "7.5 %", "8"), [5, 7.5, 8], (PERCENT,)),
    (("(5)", "(1,000)", "7"), [-5, -1000, 7], (THOUSANDS,)),
    (("\N{MINUS SIGN}5", "+6"), [-5, 6], ()),
    (("1,5", "2,75"), [1.5, 2.75], (COMMAS,)),
    (("1.163,74", "2,5"), [1163.74, 2.5], (COMMAS, THOUSANDS)),
]


@pytest.mark.parametrize(("cells", "values", "marks"), WRITTEN, ids=lambda each: None)
def test_numbers_are_read_as_people_write_them(
    cells: tuple[str, ...], values: list[float], marks: tuple[str, ...]
) -> None:
    read = found(*cells)
    assert read is not None and read.values.to_pylist() == values
    assert read.marks == marks and read.odd == () and len(read.rows) == 0


def test_the_sign_before_decimals_decides_where_both_are_possible() -> None:
    thousands, decimals = found("1,234", "5,678"), found("1,234", "5,678", decimal=",")
    assert thousands is not None and thousands.values.to_pylist() == [1234, 5678]
    assert decimals is not None and decimals.values.to_pylist() == [1.234, 5.678]
    assert (thousands.marks, decimals.marks) == ((THOUSANDS,), (COMMAS,))


@pytest.mark.parametrize("odd", ["-", "?", "<0.01", "unknown", "n.d.", "12A", "$", "1.2.3"])
def test_a_few_other_cells_are_gaps(odd: str) -> None:
    read = found(*["1.5"] * 9, odd, None, *["2"] * 9)
    assert read is not None and read.odd == (odd,) and read.rows.tolist() == [9]
    assert read.values.to_pylist() == [*[1.5] * 9, None, None, *[2.0] * 9]
    assert found(*["1.5"] * 8, odd) is None  # more than a tenth


def test_the_most_frequent_odd_cells_come_first() -> None:
    read = found(*["1"] * 27, "-", "?", "?")
    assert read is not None and read.odd == ("?", "-") and read.rows.tolist() == [27, 28, 29]


@pytest.mark.parametrize(
    "cells",
    [
        ("007", "3"),
        ("0x1F", "3"),
        ("1234567890123456789", "3"),
        ("a", "b"),
        ("2024-01-02", "2024-01-03"),
        ("192.168.100.200", "10.0.0.1"),
        ("12:30", "11:15"),
        ("", "."),
        ("%", "$"),
        ("1,2,3", "4,5,6"),
    ],
)
def test_codes_dates_and_words_are_no_numbers(cells: tuple[str, ...]) -> None:
    assert found(*cells) is None


def test_truth_values_and_empty_columns_have_types_of_their_own() -> None:
    truth, empty = found("true", "False"), found(None, None)
    assert truth is not None and truth.values.to_pylist() == [True, False]
    assert empty is not None and empty.values.type == pa.float64()


def test_notes_name_the_columns_the_cells_and_the_rows() -> None:
    read = found(*["$1,000"] * 40, "-", "?", "-")
    assert read is not None
    rows = np.arange(1, 44) * 2
    assert tell_marks({"cost": read, "other": read}) == (
        "2 columns of numbers with separators of thousands: cost, other.",
        "2 columns of numbers with currencies: cost, other.",
    )
    assert tell_odd("cost", read, rows) == (
        "Column 'cost': 3 cells are not numbers and count as gaps: '-', '?' (rows 82, 84, 86)."
    )
    one = found(*["1"] * 10, "-")
    assert one is not None and tell_odd("a", one, rows) == (
        "Column 'a': 1 cell is not a number and counts as a gap: '-' (row 22)."
    )
