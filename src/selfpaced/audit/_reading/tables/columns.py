"""The columns of a table that a model learns from."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.source import Options
from selfpaced.audit._reading.words import UNSPACED, are, count, listed

# The number of rows from which a column with a different value in each row looks like an id.
LEAST_ROWS = 20
# The largest number of characters of an id.
LONGEST_ID = 64
# The largest number of names that an error or a note lists.
MOST_NAMES = 30
# A column says the same as the labels if this share of the samples agrees, in both directions.
SAME = 0.99
# Numbers say the same as those of a regression if they correlate as much; those with at most this
# many values may be classes.
LINEAR, MOST_CODES = 1 - 1e-6, 20
# The number of columns whose values are sorted at a time.
BLOCK = 64
# What an id does not have: blanks, and letters of scripts that are written without blanks.
SPOKEN = rf"[\s{UNSPACED}]"
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
    frame: pd.DataFrame,
    opaque: Sequence[str],
    options: Options,
    labels: pd.Series | None = None,
    vectors: Mapping[str, NDArray[np.float64]] = MappingProxyType({}),
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the columns to learn from, and notes on the columns that are left out.

    Args:
        frame: All columns except that of the labels.
        opaque: Columns of lists, records or bytes.
        options: The columns to ignore, and those to use although they look like ids.
        labels: The labels: a column that says the same is left out. None for new samples.
        vectors: Columns of vectors, shape (n, d): each becomes d columns.

    Raises:
        ValueError: For a column that does not exist, and if no column is left.
    """
    for option, names in (("ignore=...", options.ignore), ("use=...", options.use)):
        for name in names if options.known else ():  # new samples may lack them
            require_column(option, name, frame.columns)
    both = sorted(set(options.ignore) & set(options.use))
    require(not both, f"ignore=... and use=... both name {listed(both)}. Leave out one.")
    asked = [name for name in frame.columns if name not in options.ignore]
    left = [name for name in asked if name not in opaque and name not in vectors]
    wide = {name: vector for name, vector in vectors.items() if name in asked}
    notes = _left_out([name for name in asked if name in opaque], "of lists, records or bytes")
    if options.known:
        different = _different(frame[left])
        left, more = _informative(frame[left], options.use, different)
        notes += more
    if labels is not None:
        most = 2 * labels.nunique()
        free = [name for name in left if name not in options.use]
        same = [name for name in free if different[name] <= most and _says(frame[name], labels)]
        numbers = types.is_numeric_dtype(labels.dtype)
        multiples = [name for name in free if numbers and _is_multiple(frame[name], labels)]
        same += multiples if wide or set(left) - {*same, *multiples} else []
        left = [name for name in left if name not in same]
        notes += _to_use(
            _left_out(same, f"that {'says' if len(same) == 1 else 'say'} the same as the label")
        )
    require(
        bool(left or wide),
        f"No column is left to learn from. The columns are {listed(frame.columns, MOST_NAMES)}. "
        f"To learn from one that looks like an id, pass use=... with its name.",
    )
    if not wide:
        return frame[left], notes
    parts = [frame[left], *(_columns(name, vector) for name, vector in wide.items())]
    return pd.concat(parts, axis=1), notes + tuple(
        f"Column {name!r} holds vectors of {vector.shape[1]:,} numbers."
        for name, vector in wide.items()
    )


def _different(frame: pd.DataFrame) -> dict[str, int]:
    """Return the number of different values of each column.

    Columns of numbers without gaps are sorted together, as pandas takes its time for each.
    """
    found: dict[str, int] = {}
    for kind in (np.dtype(np.float64), np.dtype(np.int64)):
        chosen = (frame.dtypes == kind).to_numpy()
        names, rows = list(frame.columns[chosen]), frame.loc[:, chosen].to_numpy(kind)
        for start in range(0, len(names), BLOCK):
            part = names[start : start + BLOCK]
            ordered = np.sort(rows[:, start : start + BLOCK], axis=0)
            new = ordered[1:] != ordered[:-1]
            first = np.ones((min(1, len(ordered)), len(part)), bool)
            counts = (np.concatenate([first, new]) & ~np.isnan(ordered)).sum(0)
            found |= dict(zip(part, counts.tolist(), strict=True))
    return {
        name: found[name] if name in found else int(frame[name].nunique()) for name in frame.columns
    }


def _informative(
    frame: pd.DataFrame, use: Sequence[str], different: Mapping[str, int]
) -> tuple[list[str], tuple[str, ...]]:
    """Return the columns that a model can learn from, and notes on the others.

    The others have no value, a single value, or look like ids.

    Args:
        frame: The columns.
        use: Columns that are no ids.
        different: The number of different values by column.
    """
    empty = [name for name, n in different.items() if n == 0]
    constant = [name for name, n in different.items() if n == 1 and frame[name].notna().all()]
    kinds = frame.dtypes
    ids = [
        name
        for name, n in different.items()
        if n == len(frame) >= LEAST_ROWS
        and name not in use
        and not types.is_float_dtype(kinds[name])
        and _looks_like_id(frame[name])
    ]
    notes = _left_out(empty, "without any value")
    notes += _left_out(constant, "with a single value")
    notes += _to_use(_left_out(ids, "with a different value in every row, like an id,"))
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
    plain = bool((text.len() <= LONGEST_ID).all()) and not text.contains(SPOKEN).any()
    return plain and not bool(text.match(DATE).all())


def _columns(name: str, vector: NDArray[np.float64]) -> pd.DataFrame:
    """Return a column of vectors as columns of numbers."""
    names = [f"{name}[{place}]" for place in range(vector.shape[1])]
    return pd.DataFrame(vector, columns=names)


def _says(column: pd.Series, labels: pd.Series) -> bool:
    """Say whether a column is another spelling of the labels: each value has its own label.

    A few samples may differ.
    """
    pairs = pd.DataFrame({"value": column, "label": labels}).dropna()
    classes = pairs["label"].nunique()
    if not 1 < pairs["value"].nunique() <= 2 * classes or len(pairs) <= 2 * classes:
        return False
    counts = pairs.value_counts()
    agree = [counts.groupby(level=each).max().sum() for each in ("value", "label")]
    return bool(min(agree) >= SAME * len(column))


def _is_multiple(column: pd.Series, labels: pd.Series) -> bool:
    """Say whether a column has the numbers of a regression in another unit."""
    numbers = types.is_numeric_dtype(column.dtype) and types.is_numeric_dtype(labels.dtype)
    if not numbers or types.is_bool_dtype(column.dtype) or types.is_bool_dtype(labels.dtype):
        return False
    pairs = pd.DataFrame({"value": column, "label": labels}).astype("Float64")
    pairs = pairs.astype(np.float64).replace([np.inf, -np.inf], np.nan).dropna()
    if len(pairs) < LEAST_ROWS or pairs.nunique().min() <= MOST_CODES:
        return False
    return bool(abs(np.corrcoef(pairs["value"], pairs["label"])[0, 1]) >= LINEAR)


def _to_use(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Return notes on columns that are left out, with what to do to learn from them."""
    return tuple(f"{note} To learn from one, pass use=... with its name." for note in notes)


def _left_out(names: Sequence[str], how: str) -> tuple[str, ...]:
    """Return a note on columns that are left out; none for no columns."""
    if not names:
        return ()
    verb = are(len(names))
    return (f"{count(len(names), 'column')} {how} {verb} left out: {listed(names, MOST_NAMES)}.",)
