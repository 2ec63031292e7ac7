"""The columns of a table that a model learns from."""

import difflib
from collections.abc import Iterable, Sequence

import pandas as pd
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.source import Options
from selfpaced.audit._reading.words import are, count, listed

# The number of rows from which a column with a different value in each row looks like an id.
LEAST_ROWS = 20
# The largest number of characters of an id.
LONGEST_ID = 64
# The largest number of names that an error or a note lists.
MOST_NAMES = 30
# The start of a date, such as 2024-01-31; a column of dates does not look like an id.
DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(\D|$)"


def require_column(option: str, name: str, columns: Iterable[str]) -> None:
    """Raise unless the column exists; the error suggests the most similar name.

    Args:
        option: The setting that names the column, or the reason for it: the start of the error.
        name: The column.
        columns: All columns of the table.

    Raises:
        ValueError: If the column does not exist.
    """
    known = list(columns)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"{option}: no column {name!r}.{hint} The columns are {listed(known, MOST_NAMES)}."
    )


def choose_columns(
    frame: pd.DataFrame, opaque: Sequence[str], options: Options
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the columns to learn from, and notes on the columns that are left out.

    Args:
        frame: All columns except that of the labels.
        opaque: Columns of lists, records or bytes.
        options: The columns to ignore, and those to use although they look like ids.

    Raises:
        ValueError: For a column that does not exist, and if no column is left.
    """
    for option, names in (("ignore=...", options.ignore), ("use=...", options.use)):
        for name in names:
            require_column(option, name, frame.columns)
    both = sorted(set(options.ignore) & set(options.use))
    require(not both, f"ignore=... and use=... both name {listed(both)}. Leave out one.")
    asked = [name for name in frame.columns if name not in options.ignore]
    left = [name for name in asked if name not in opaque]
    notes = _left_out([name for name in asked if name in opaque], "of lists, records or bytes")
    if options.known:
        left, more = _informative(frame[left], options.use)
        notes += more
    require(
        bool(left),
        f"No column is left to learn from. The columns are {listed(frame.columns, MOST_NAMES)}. "
        f"To learn from one that looks like an id, pass use=... with its name.",
    )
    return frame[left], notes


def _informative(frame: pd.DataFrame, use: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns that a model can learn from, and notes on the others.

    The others have no value, a single value, or look like ids.
    """
    different = {name: frame[name].nunique() for name in frame.columns}
    empty = [name for name, n in different.items() if n == 0]
    constant = [name for name, n in different.items() if n == 1 and frame[name].notna().all()]
    ids = [
        name
        for name, n in different.items()
        if name not in use and n == len(frame) >= LEAST_ROWS and _looks_like_id(frame[name])
    ]
    notes = _left_out(empty, "without any value")
    notes += _left_out(constant, "with a single value")
    notes += tuple(
        f"{note} To learn from one, pass use=... with its name."
        for note in _left_out(ids, "with a different value in every row, like an id,")
    )
    gone = {*empty, *constant, *ids}
    return [name for name in frame.columns if name not in gone], notes


def _looks_like_id(column: pd.Series) -> bool:
    """Say whether a column of different values looks like an id.

    Ids are whole numbers, or short text without spaces that is not a date.
    """
    if types.is_integer_dtype(column.dtype):
        return True
    if not (types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)):
        return False
    text = column.astype(str).str
    plain = bool((text.len() <= LONGEST_ID).all()) and not text.contains(r"\s").any()
    return plain and not bool(text.match(DATE).all())


def _left_out(names: Sequence[str], how: str) -> tuple[str, ...]:
    """Return a note on columns that are left out; none for no columns."""
    if not names:
        return ()
    verb = are(len(names))
    return (f"{count(len(names), 'column')} {how} {verb} left out: {listed(names, MOST_NAMES)}.",)
