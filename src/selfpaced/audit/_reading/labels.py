"""The labels: which are missing, and whether they are classes or numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.words import at, count, listed

# Whole numbers with at most this many different values are classes.
MOST_CLASSES = 20
# So are whole numbers whose different values are at most this share of the samples.
MOST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of the samples that have one.

    Args:
        values: The labels, shape (k,).
        kept: Whether a sample has a label, shape (n,); k are True.
        numeric: Whether the labels are numbers (a regression).
        notes: Whether they are numbers, and which are missing.
    """

    values: pd.Series
    kept: NDArray[np.bool]
    numeric: bool
    notes: tuple[str, ...]


def decide(labels: pd.Series, where: pd.Series, numeric: bool | None) -> Labels:
    """Leave out missing labels, and decide whether the others are classes or numbers.

    Args:
        labels: The labels, shape (n,). Missing values, blank text and infinite numbers are missing
            labels.
        where: The place of each sample, shape (n,).
        numeric: Whether they are numbers; None decides by their values.

    Raises:
        ValueError: If all labels are missing, all are equal, all classes have a single sample, or
            labels that should be numbers are not.
    """
    labels = _plain(labels)
    kept = labels.notna().to_numpy()
    name = _name(labels)
    require(bool(kept.any()), f"{name}: every label is missing. Is it the right column?")
    values = labels[kept].reset_index(drop=True)
    notes = _missing(where[~kept])
    chosen = _are_numbers(values) if numeric is None else numeric
    values = _numbers(values, where[kept], name) if chosen else _classes(values)
    different = values.nunique()
    require(
        different > 1,
        f"{name}: all labels are {values.iloc[0]}; at least two classes are needed. Is it the "
        f"right column?",
    )
    if chosen and numeric is None:
        notes += (
            f"The labels are numbers with {different:,} different values, and are learned as a "
            f"regression. Pass numeric=False to treat them as classes.",
        )
    return Labels(values, kept, chosen, notes if chosen else notes + _single(values, name))


def _plain(labels: pd.Series) -> pd.Series:
    """Return the labels with NaN for each missing one."""
    if types.is_float_dtype(labels.dtype):
        return labels.replace([np.inf, -np.inf], np.nan)
    if types.is_numeric_dtype(labels.dtype) or types.is_bool_dtype(labels.dtype):
        return labels
    text = labels.astype(str)
    return text.mask(labels.isna() | (text.str.strip() == ""))


def _name(labels: pd.Series) -> str:
    """Return the name of the labels in messages."""
    return f"Column {labels.name!r}" if labels.name is not None else "The labels"


def _missing(where: pd.Series) -> tuple[str, ...]:
    """Return a note on samples without a label."""
    if where.empty:
        return ()
    verb = "has no label and is" if len(where) == 1 else "have no label and are"
    return (f"{count(len(where), 'sample')} {verb} left out ({at(str(where.name), where)}).",)


def _are_numbers(values: pd.Series) -> bool:
    """Say whether labels are numbers: they have fractions, or very many different values."""
    if types.is_bool_dtype(values.dtype) or not types.is_numeric_dtype(values.dtype):
        return False
    numbers = values.to_numpy(np.float64)
    if (numbers != np.rint(numbers)).any():
        return True
    return len(np.unique(numbers)) > max(MOST_CLASSES, MOST_SHARE * len(numbers))


def _numbers(values: pd.Series, where: pd.Series, name: str) -> pd.Series:
    """Return the labels as float64, or raise for a label that is not a number."""
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    bad = ~np.isfinite(numbers.to_numpy())
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{name}: the labels of a regression must be numbers; got {values.iloc[first]!r} "
            f"({where.name} {where.iloc[first]}). Correct it, or pass numeric=False for classes."
        )
    return numbers


def _classes(values: pd.Series) -> pd.Series:
    """Return classes; numbers without fractions become int64."""
    if types.is_bool_dtype(values.dtype):
        return values.astype(bool)
    if not types.is_numeric_dtype(values.dtype):
        return values
    numbers = values.to_numpy(np.float64)
    whole = bool((numbers == np.rint(numbers)).all() and (np.abs(numbers) < 2**53).all())
    return values.astype(np.int64 if whole or types.is_integer_dtype(values.dtype) else np.float64)


def _single(values: pd.Series, name: str) -> tuple[str, ...]:
    """Return a note on classes of a single sample; raise if all classes are such."""
    sizes = values.value_counts(sort=False)
    single = sizes.index[sizes == 1]
    require(
        len(single) < len(sizes),
        f"{name}: no two samples have the same label, so the labels are not classes. Is it the "
        f"right column?",
    )
    if not len(single):
        return ()
    verb = "class has" if len(single) == 1 else "classes have"
    return (f"{len(single):,} {verb} a single sample, too few to learn from: {listed(single)}.",)
