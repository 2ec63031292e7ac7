"""The labels: which are missing, and whether they are classes or numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.labels.codes import are_codes
from selfpaced.audit._reading.tables.numbers import numbers_in, tell_odd
from selfpaced.audit._reading.words import MOST_ITEMS, at, count, listed

# Whole numbers with at most this many different values are classes.
MOST_CLASSES = 20
# Signs between the classes of a label that names several.
SIGNS = (";", "|", ",", "/")
# The least share of such labels, and of their parts that are labels of their own.
MANY, MOST_EQUAL = 0.05, 0.95
# Whole numbers may be codes of classes if each occurs this many times in the mean.
LEAST_REPEATED = 5
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


def decide(
    labels: pd.Series,
    where: pd.Series,
    numeric: bool | None,
    features: "pd.DataFrame | NDArray[Any]",
    *,
    exact: bool = False,
) -> Labels:
    """Leave out missing labels, and decide whether the others are classes or numbers.

    Args:
        labels: The labels, shape (n,). Missing values, blank text and infinite numbers are missing
            labels.
        where: The place of each sample, shape (n,).
        numeric: Whether they are numbers; None decides by their values, and for whole numbers by
            the features.
        features: The features of all samples: a table, or an array of shape (n, ...).
        exact: Whether labels that differ in case or blanks only are different classes.

    Raises:
        ValueError: If all labels are missing, all are equal, all classes have a single sample, or
            labels that should be numbers are not.
    """
    labels, written = _written(plain(labels), where, numeric)
    kept = labels.notna().to_numpy()
    name = _name(labels)
    require(bool(kept.any()), f"{name}: every label is missing. Is it the right column?")
    values = labels[kept].reset_index(drop=True)
    notes = written + _missing(where[~kept])
    chosen, coded = _are_numbers(values, features[kept]) if numeric is None else (numeric, ())
    values = _numbers(values, where[kept], name) if chosen else _classes(values)
    if not chosen:
        _require_single(values, name)
    if not (chosen or exact):
        values, joined = join_variants(values)
        notes += joined
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
    return Labels(values, kept, chosen, notes + (() if chosen else coded + _single(values, name)))


def plain(labels: pd.Series) -> pd.Series:
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


def _written(
    labels: pd.Series, where: pd.Series, numeric: bool | None
) -> tuple[pd.Series, tuple[str, ...]]:
    """Return labels of text as numbers, if they are those of a regression, and a note."""
    of_numbers = types.is_numeric_dtype(labels.dtype) or types.is_bool_dtype(labels.dtype)
    if of_numbers or numeric is False:
        return labels, ()
    found = numbers_in(pa.chunked_array([pa.array(labels, pa.string(), from_pandas=True)]))
    if found is None or not len(found.rows):
        return labels, ()
    numbers = pd.Series(found.values.to_numpy(), name=labels.name)
    if not (numeric or _many(numbers.dropna())):
        return labels, ()
    return numbers, (tell_odd(str(labels.name), found, where.to_numpy()),)


def _are_numbers(
    values: pd.Series, features: "pd.DataFrame | NDArray[Any]"
) -> tuple[bool, tuple[str, ...]]:
    """Say whether labels are numbers: they have fractions, or very many different values.

    Returns:
        Whether they are, and a note on whole numbers that are codes of classes.
    """
    if types.is_bool_dtype(values.dtype) or not types.is_numeric_dtype(values.dtype):
        return False, ()
    numbers, different = values.to_numpy(np.float64), values.nunique()
    if not _many(values):
        return False, ()
    whole = bool((numbers == np.rint(numbers)).all())
    if whole and different * LEAST_REPEATED <= len(numbers) and are_codes(numbers, features):
        return False, (
            f"The labels are {different:,} whole numbers whose order tells nothing about the "
            f"samples, and are learned as classes. Pass numeric=True for a regression.",
        )
    return True, ()


def _many(values: pd.Series) -> bool:
    """Say whether numbers have fractions, or very many different values."""
    numbers = values.to_numpy(np.float64)
    if (numbers != np.rint(numbers)).any():
        return True
    return len(np.unique(numbers)) > max(MOST_CLASSES, MOST_SHARE * len(numbers))


def _require_single(values: pd.Series, name: str) -> None:
    """Raise for labels that name several classes each, such as "billing;slow"."""
    if types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype):
        return
    sizes = values.value_counts()
    for sign in SIGNS:
        several = [label for label in sizes.index if sign in label]
        share = sizes[several].sum() / len(values)
        if share < MANY:
            continue
        alone = {label.strip() for label in sizes.index if sign not in label}
        parts = [part.strip() in alone for label in several for part in label.split(sign)]
        if alone and np.mean(parts) >= MOST_EQUAL:
            raise ValueError(
                f"{name}: labels such as {several[0]!r} name several classes "
                f"({listed(sorted(alone))}), and an audit needs one label per row. Make a column "
                f"of yes and no for each class, and audit each of them."
            )


def spelt(label: str) -> str:
    """Return a label without what does not count: case, and blanks around and between words.

    >>> spelt(" Great  Dane")
    'great dane'
    """
    return " ".join(label.casefold().split())


def join_variants(labels: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    """Give labels that differ in case or blanks only the most frequent spelling of them.

    Args:
        labels: Classes, none missing.

    Returns:
        The labels, and a note on the spellings that were joined.

    >>> labels, notes = join_variants(pd.Series(["dog", "Dog ", "dog", "cat"]))
    >>> labels.tolist(), notes[0][:60]
    (['dog', 'dog', 'dog', 'cat'], "Labels that differ in case or blanks are one class: dog ('do")
    """
    if types.is_numeric_dtype(labels.dtype) or types.is_bool_dtype(labels.dtype):
        return labels, ()
    sizes = labels.value_counts()
    spellings: dict[str, list[str]] = {}
    for spelling in sorted(sizes.index, key=lambda each: (-sizes[each], each)):
        spellings.setdefault(spelt(spelling), []).append(spelling)
    joined = {found[0].strip(): found for found in spellings.values() if len(found) > 1}
    if not joined:
        return labels, ()
    told = [
        f"{name} ({', '.join(f'{each!r} {sizes[each]:,}' for each in found)})"
        for name, found in joined.items()
    ]
    note = (
        f"Labels that differ in case or blanks are one class: {', '.join(told[:MOST_ITEMS])}"
        f"{', ...' if len(told) > MOST_ITEMS else ''}. Pass exact=True to keep them apart."
    )
    return labels.replace({each: name for name, found in joined.items() for each in found}), (note,)


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
    if types.is_integer_dtype(values.dtype):
        unsigned = types.is_unsigned_integer_dtype(values.dtype) and values.max() >= 2**63
        return values.astype(np.uint64 if unsigned else np.int64)
    numbers = values.to_numpy(np.float64)
    whole = bool((numbers == np.rint(numbers)).all() and (np.abs(numbers) < 2**53).all())
    return values.astype(np.int64 if whole else np.float64)


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
