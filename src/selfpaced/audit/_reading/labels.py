"""Labels: which are missing, and whether they are classes or numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.words import at, count, listed

CLASSES_AT_MOST, SHARE_AT_MOST = 20, 0.05  # different whole numbers that still are classes


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels that are there.

    Args:
        values: k of them.
        kept: Which samples have one, shape (n,), k are True.
        numeric: Whether they are numbers to regress on.
        notes: What was decided, and what is missing.
    """

    values: pd.Series
    kept: NDArray[np.bool]
    numeric: bool
    notes: tuple[str, ...]


def decide(labels: pd.Series, where: pd.Series, numeric: bool | None) -> Labels:
    """Leave out missing labels, and decide what the others are.

    Args:
        labels: With gaps, shape (n,). Blank text and infinite numbers are gaps too.
        where: Where they lie.
        numeric: What the user says they are; None decides.

    Raises:
        ValueError: When none is left, all are the same or all are different classes, or when
            they are no numbers but should be.
    """
    labels = _plain(labels)
    kept = labels.notna().to_numpy()
    name = _called(labels)
    require(bool(kept.any()), f"{name}: every label is missing. Is it the right column?")
    values = labels[kept].reset_index(drop=True)
    notes = _missing(where[~kept])
    chosen = _are_numbers(values) if numeric is None else numeric
    values = _numbers(values, where[kept], name) if chosen else _classes(values)
    different = values.nunique()
    require(
        different > 1,
        f"{name}: all labels are {values.iloc[0]}; two classes or more are needed. Is it the "
        f"right column?",
    )
    if chosen and numeric is None:
        notes += (
            f"The labels are numbers, {different:,} different ones, and are learnt as such; pass "
            f"--classes to take them for classes.",
        )
    return Labels(values, kept, chosen, notes if chosen else notes + _single(values, name))


def _plain(labels: pd.Series) -> pd.Series:
    """Return labels in which all that is missing is NaN."""
    if types.is_float_dtype(labels.dtype):
        return labels.replace([np.inf, -np.inf], np.nan)
    if types.is_numeric_dtype(labels.dtype) or types.is_bool_dtype(labels.dtype):
        return labels
    text = labels.astype(str)
    return text.mask(labels.isna() | (text.str.strip() == ""))


def _called(labels: pd.Series) -> str:
    """Return how messages call the labels."""
    return f"Column {labels.name!r}" if labels.name is not None else "The labels"


def _missing(where: pd.Series) -> tuple[str, ...]:
    """Return a note on samples without a label."""
    if where.empty:
        return ()
    verb = "has no label and is" if len(where) == 1 else "have no label and are"
    return (f"{count(len(where), 'sample')} {verb} left out ({at(str(where.name), where)}).",)


def _are_numbers(values: pd.Series) -> bool:
    """Say whether labels are numbers to regress on: fractions, or very many different ones."""
    if types.is_bool_dtype(values.dtype) or not types.is_numeric_dtype(values.dtype):
        return False
    numbers = values.to_numpy(np.float64)
    if (numbers != np.rint(numbers)).any():
        return True
    return len(np.unique(numbers)) > max(CLASSES_AT_MOST, SHARE_AT_MOST * len(numbers))


def _numbers(values: pd.Series, where: pd.Series, name: str) -> pd.Series:
    """Return labels as float64, or raise for one that is no number."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    bad = ~np.isfinite(numbers.to_numpy())
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{name}: labels to regress on must be numbers; got {values.iloc[first]!r} "
            f"({where.name} {where.iloc[first]}). Mend them, or pass --classes."
        )
    return numbers


def _classes(values: pd.Series) -> pd.Series:
    """Return classes; whole numbers as such."""
    if types.is_bool_dtype(values.dtype):
        return values.astype(bool)
    if not types.is_numeric_dtype(values.dtype):
        return values
    numbers = values.to_numpy(np.float64)
    whole = bool((numbers == np.rint(numbers)).all() and (np.abs(numbers) < 2**53).all())
    return values.astype(np.int64 if whole or types.is_integer_dtype(values.dtype) else np.float64)


def _single(values: pd.Series, name: str) -> tuple[str, ...]:
    """Return a note on classes of one sample; raise when there are no others."""
    sizes = values.value_counts(sort=False)
    single = sizes.index[sizes == 1]
    require(
        len(single) < len(sizes),
        f"{name}: no two samples have the same label, so they are no classes. Is it the right "
        f"column?",
    )
    if not len(single):
        return ()
    verb = "class has" if len(single) == 1 else "classes have"
    return (
        f"{len(single):,} {verb} a single sample, from which none is learnt: {listed(single)}.",
    )
