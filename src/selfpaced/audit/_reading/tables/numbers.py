"""Numbers in text, as people write them: with thousands, currencies, percent signs and gaps."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfpaced.audit._reading.words import are, at, count, listed

# The largest share of the cells of a column of numbers that are not numbers.
MOST_ODD = 0.1
# A code such as 007, 0x1F or 19 digits and more; a number would lose its zeros or digits.
CODE = r"^[+-]?(0[0-9xX]|[0-9]{19})"
# A truth value.
BOOL = r"(?i)^(true|false)$"
# An infinite number.
SPECIAL = r"(?i)^[+-]?inf(inity)?$"
# Signs and codes of currencies, before or after a number.
CURRENCY = r"(?:[$€£¥₹₽₩₪₺฿]|USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD)"
# A number with a decimal point and commas between thousands, and one with these exchanged.
POINT = r"(?:[0-9]{1,3}(?:[,  ][0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
COMMA = r"(?:[0-9]{1,3}(?:[.  ][0-9]{3})+|[0-9]+)?(?:,[0-9]*)?(?:[eE][+-]?[0-9]+)?"
# The sign that may stand between thousands, by the sign before decimals.
OTHER = {".": ",", ",": "."}
# The minus sign of typesetters, which is no hyphen.
MINUS = "\N{MINUS SIGN}"
# What cells may have beside their digits, as notes call it.
COMMAS, THOUSANDS, MONEY, PERCENT = (
    "decimal commas",
    "separators of thousands",
    "currencies",
    "percent signs",
)


class Numbers(NamedTuple):
    """A column of numbers.

    Args:
        values: int64, float64 or bool, with a gap for each cell that is not a number.
        odd: The texts that are not numbers, most frequent first.
        rows: The rows of these cells, from 0.
        marks: What cells have beside their digits: COMMAS, THOUSANDS, MONEY or PERCENT.
    """

    values: pa.ChunkedArray
    odd: tuple[str, ...]
    rows: NDArray[np.int64]
    marks: tuple[str, ...]


def numbers_in(column: pa.ChunkedArray, decimal: str = ".") -> Numbers | None:
    """Return a column of text as numbers or truth values; None if it is neither.

    Up to a tenth of its cells may be other text, such as "-" or "unknown": they become gaps.

    Args:
        column: Text, with gaps.
        decimal: The sign before decimals, for cells such as "1,234" and "1.234".

    >>> found = numbers_in(pa.chunked_array([["$1,163.74", "2.50", *["3"] * 8, "-"]]))
    >>> found.values[0].as_py(), found.values[10].as_py(), found.odd, found.rows.tolist()
    (1163.74, None, ('-',), [10])
    """
    text = pc.utf8_trim_whitespace(column)
    if column.null_count == len(column):
        return plain(column.cast(pa.float64()))
    if pc.any(pc.match_substring_regex(text, CODE)).as_py():
        return None
    if pc.all(pc.match_substring_regex(text, BOOL)).as_py():
        return plain(text.cast(pa.bool_()))
    digits = pc.sum(pc.match_substring_regex(text, "[0-9]")).as_py() or 0
    if digits < (1 - MOST_ODD) * (len(text) - text.null_count) and not _are_special(text):
        return None
    points = decimal == "," and pc.any(pc.match_substring(text, ".")).as_py()
    numbers = None if points else _cast(text)
    return _marked(text, decimal) if numbers is None else plain(numbers)


def _are_special(text: pa.ChunkedArray) -> bool:
    """Say whether a cell is infinite: such cells have no digits, and are numbers."""
    return bool(pc.any(pc.match_substring_regex(text, SPECIAL)).as_py())


def decimal_sign(columns: Iterable[pa.ChunkedArray], usual: str) -> str:
    """Return the sign before the decimals of a file, "." or ",".

    Cells such as 2.5 or 1.234,50 tell; 1.234 does not, as it may be a thousand and more.

    Args:
        columns: Columns of text.
        usual: The sign where no cell tells.

    >>> decimal_sign([pa.chunked_array([["1.234", "2,5"]])], ".")
    ','
    """
    votes = dict.fromkeys(OTHER, 0)
    for column in columns:
        for sign in votes:
            told = (
                rf"^[-+(]?{CURRENCY}?\s*[0-9.,]*{re.escape(sign)}(?:[0-9]{{1,2}}|[0-9]{{4,}})\D*$"
            )
            votes[sign] += pc.sum(pc.match_substring_regex(column, told)).as_py() or 0
    return max((usual, OTHER[usual]), key=lambda sign: votes[sign])


def tell_marks(found: Mapping[str, Numbers]) -> tuple[str, ...]:
    """Return notes on columns of numbers whose cells have more than digits."""
    notes = []
    for mark in (COMMAS, THOUSANDS, MONEY, PERCENT):
        names = [name for name, numbers in found.items() if mark in numbers.marks]
        if names:
            notes.append(f"{count(len(names), 'column')} of numbers with {mark}: {listed(names)}.")
    return tuple(notes)


def tell_odd(name: str, numbers: Numbers, rows: NDArray[np.int64]) -> str:
    """Return a note on the cells of a column that are not numbers.

    Args:
        name: The column.
        numbers: Its numbers; at least one cell is none.
        rows: The number of each row in the file.
    """
    n = len(numbers.rows)
    gaps = "a number and counts as a gap" if n == 1 else "numbers and count as gaps"
    texts, where = listed(map(repr, numbers.odd)), at("row", rows[numbers.rows])
    return f"Column {name!r}: {count(n, 'cell')} {are(n)} not {gaps}: {texts} ({where})."


def plain(values: pa.ChunkedArray) -> Numbers:
    """Return numbers of which every cell is one.

    >>> plain(pa.chunked_array([[1, 2]])).odd
    ()
    """
    return Numbers(values, (), np.empty(0, np.int64), ())


def _cast(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return integers, or floats; None if a cell is neither."""
    for kind in (pa.int64(), pa.float64()):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _marked(text: pa.ChunkedArray, decimal: str) -> Numbers | None:
    """Return numbers of which some cells have marks or are no numbers; None for other text."""
    text = pc.replace_substring(text, MINUS, "-")
    fits = {
        sign: _fits(text, POINT if sign == "." else COMMA) for sign in (decimal, OTHER[decimal])
    }
    sign = max(fits, key=lambda each: pc.sum(fits[each]).as_py() or 0)  # a tie is of ``decimal``
    known, given = pc.sum(fits[sign]).as_py() or 0, len(text) - text.null_count
    if not known or given - known > MOST_ODD * given:
        return None
    inside = pc.if_else(fits[sign], text, None)
    bare = pc.replace_substring_regex(inside, r"^\((.*)\)$", r"-\1")  # of accountants: -5 as (5)
    bare = pc.replace_substring_regex(bare, rf"{CURRENCY}|[%+  \s]|{re.escape(OTHER[sign])}", "")
    values = _cast(pc.replace_substring(bare, ",", ".") if sign == "," else bare)
    if values is None:
        return None
    odd = pc.filter(text, pc.and_(pc.invert(fits[sign]), text.is_valid()))
    rows = np.flatnonzero(values.is_null().to_numpy() & text.is_valid().to_numpy())
    counted = sorted(odd.value_counts().to_pylist(), key=lambda each: -each["counts"])
    return Numbers(values, tuple(each["values"] for each in counted), rows, _marks(inside, sign))


def _marks(text: pa.ChunkedArray, sign: str) -> tuple[str, ...]:
    """Return what cells have beside their digits, with this sign before decimals."""
    patterns = {
        COMMAS: "," if sign == "," else "^$",
        THOUSANDS: rf"[0-9][{re.escape(OTHER[sign])}  ][0-9]{{3}}",
        MONEY: CURRENCY,
        PERCENT: "%",
    }
    return tuple(
        mark
        for mark, pattern in patterns.items()
        if pc.any(pc.match_substring_regex(text, pattern)).as_py()
    )


def _fits(text: pa.ChunkedArray, number: str) -> pa.ChunkedArray:
    """Return whether each cell is a number with at least one digit; a gap is none."""
    start = rf"(?:[+-]?{CURRENCY}?\s*|{CURRENCY}\s*[+-]?)"
    body = rf"{number}\s*(?:{CURRENCY}|%)?"
    whole = rf"^(?:{start}{body}|\({CURRENCY}?\s*{body}\))$"
    both = pc.and_(pc.match_substring_regex(text, whole), pc.match_substring_regex(text, "[0-9]"))
    return both.fill_null(False)
