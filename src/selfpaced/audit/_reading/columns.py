"""The columns of a table to learn from."""

import difflib
from collections.abc import Iterable, Sequence

import pandas as pd
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.source import Options
from selfpaced.audit._reading.words import are, count, listed

ROWS, SHORT = 20, 64  # rows from which on a column can look like an id; letters of a short text
DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(\D|$)"


def require_column(option: str, name: str, columns: Iterable[str]) -> None:
    """Raise unless there is such a column, naming the nearest."""
    known = list(columns)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{option}: no column {name!r}.{hint} The columns are {listed(known, 30)}.")


def choose_columns(
    frame: pd.DataFrame, opaque: Sequence[str], options: Options
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the columns to learn from, and notes on those left out.

    Args:
        frame: All columns but the label's.
        opaque: Columns of lists, records or bytes.
        options: Which to ignore, and which to use whatever they look like.

    Raises:
        ValueError: For an unknown name, and when no column is left.
    """
    for option, names in (("--ignore", options.ignore), ("--use", options.use)):
        for name in names:
            require_column(option, name, frame.columns)
    both = sorted(set(options.ignore) & set(options.use))
    require(not both, f"--ignore and --use both name {listed(both)}. Drop one.")
    asked = [name for name in frame.columns if name not in options.ignore]
    left = [name for name in asked if name not in opaque]
    notes = _left_out([name for name in asked if name in opaque], "of lists, records or bytes")
    if options.known:
        left, told = _worth(frame[left], options.use)
        notes += told
    require(
        bool(left),
        f"No column is left to learn from. The columns are {listed(frame.columns, 30)}; pass "
        f"--use NAME for one that looks like an id.",
    )
    return frame[left], notes


def _worth(frame: pd.DataFrame, use: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of columns that can teach something, and notes on the others."""
    different = {name: frame[name].nunique() for name in frame.columns}
    empty = [name for name, n in different.items() if n == 0]
    constant = [name for name, n in different.items() if n == 1 and frame[name].notna().all()]
    ids = [
        name
        for name, n in different.items()
        if name not in use and n == len(frame) >= ROWS and _looks_like_id(frame[name])
    ]
    notes = _left_out(empty, "without any value")
    notes += _left_out(constant, "with a single value")
    if ids:
        notes += tuple(
            said.removesuffix(".") + "; pass --use NAME to learn from it."
            for said in _left_out(ids, "with a different value in every row, like an id's,")
        )
    gone = {*empty, *constant, *ids}
    return [name for name in frame.columns if name not in gone], notes


def _looks_like_id(column: pd.Series) -> bool:
    """Say whether different values are whole numbers, or short text without spaces or dates."""
    if types.is_integer_dtype(column.dtype):
        return True
    if not (types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)):
        return False
    text = column.astype(str).str
    plain = bool((text.len() <= SHORT).all()) and not text.contains(r"\s").any()
    return plain and not bool(text.match(DATE).all())


def _left_out(names: Sequence[str], how: str) -> tuple[str, ...]:
    """Return a note on columns that are not learnt from."""
    if not names:
        return ()
    verb = are(len(names))
    return (f"{count(len(names), 'column')} {how} {verb} left out: {listed(names, 30)}.",)
