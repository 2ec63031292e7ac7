"""The tables of a run: the suspects, and all samples."""

import csv
from collections.abc import Collection
from typing import Literal

import numpy as np
import pandas as pd

from selfpaced._errors import require
from selfpaced.audit._result import Audit

# The prefix of a user's column whose name is already a column of the table.
OWN_PREFIX = "own_"
# The number of digits after the decimal point, by column; other columns keep all digits.
DIGITS = {"probability": 4, "confidence": 4}


def suspects_table(found: Audit, where: pd.Series, own: pd.DataFrame) -> pd.DataFrame:
    """Return the suspects, most suspicious first, with the user's own columns.

    Args:
        found: The result of an audit of n samples.
        where: The place of each sample, in the order of the file, shape (n,). Its name, such as
            ``row`` or ``file``, becomes the name of the first column.
        own: The user's columns in the same order, n rows. A column whose name is already used gets
            the prefix ``own_``.

    Returns:
        A row per suspect: its place, ``probability`` that the label is wrong, ``given`` and
        ``suggested`` label, ``confidence`` if there is one, then the user's columns.

    Raises:
        ValueError: For ``where`` or ``own`` of another length.
    """
    suspects = found.suspects
    for name, column in (("where", where), ("own", own)):
        _require_length(name, len(column), found)
    ours = {
        str(where.name): where.iloc[suspects.index],
        "probability": suspects["probability"],
        "given": suspects["label"],
        "suggested": suspects["suggested"],
    }
    if "confidence" in suspects and bool(found.table["confidence"].notna().any()):
        ours["confidence"] = suspects["confidence"]
    left = pd.DataFrame({name: column.array for name, column in ours.items()})
    right = own.iloc[suspects.index].reset_index(drop=True)
    right.columns = pd.Index(_own_names([str(name) for name in own.columns], set(ours)))
    return pd.concat([left, right], axis=1)


def ledger_table(found: Audit, where: pd.Series) -> pd.DataFrame:
    """Return all samples in the order of the file, with everything that the run recorded.

    Args:
        found: The result of an audit of n samples.
        where: The place of each sample, as in ``suspects_table``.

    Returns:
        A row per sample: its place, ``given``, ``probability``, ``suggested``, ``confidence``,
        ``loss`` (higher is more suspect), ``weight`` (0 if left out), ``visits``; if logits were
        observed, also ``margin`` (lower is more suspect), ``correct`` and ``forgotten``.

    Raises:
        ValueError: For ``where`` of another length.
    """
    _require_length("where", len(where), found)
    table, ledger = found.table.sort_index(), found.pacer.ledger
    judged = ("probability", "suggested", "confidence", "loss")
    columns = {str(where.name): where.array, "given": table["label"].array}
    columns |= {name: table[name].array for name in judged if name in table}
    tensors = {"weight": found.pacer.weight, "visits": ledger.visits}
    dynamics = ledger.dynamics
    if dynamics is not None:
        tensors["margin"] = dynamics.margin
        tensors |= {"correct": dynamics.correct, "forgotten": dynamics.forgotten}
    numbers = {name: column.cpu().numpy() for name, column in tensors.items()}
    return pd.DataFrame(columns | numbers)


def csv_text(table: pd.DataFrame) -> str:
    r"""Return a table as CSV; equal tables give equal bytes.

    Probabilities have four digits after the point. Other numbers keep all digits that are needed
    to read back the same value.

    >>> csv_text(pd.DataFrame({"row": [7], "probability": [0.98765], "price": [0.1]}))
    'row,probability,price\n7,0.9877,0.1\n'
    """
    shown = table.copy()
    for name, digits in DIGITS.items():
        if name in shown:
            shown[name] = [_fixed_point(value, digits) for value in shown[name]]
    text = shown.select_dtypes(["object", "string"])
    carriage_return = any("\r" in str(value) for name in text for value in text[name])
    # QUOTE_MINIMAL does not quote a value whose only special character is \r.
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if carriage_return else csv.QUOTE_MINIMAL
    return shown.to_csv(index=False, lineterminator="\n", quoting=quoting)


def _own_names(names: list[str], ours: Collection[str]) -> list[str]:
    """Return the user's names; one that is already used gets the prefix, repeatedly if needed."""
    taken = set(ours) | (set(names) - set(ours))
    new = []
    for name in names:
        free = name
        if name in ours:
            while free in taken:
                free = OWN_PREFIX + free
            taken.add(free)
        new.append(free)
    return new


def _fixed_point(value: float, digits: int) -> str:
    """Return a number with a fixed number of digits after the point; an empty text for NaN."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def _require_length(name: str, length: int, found: Audit) -> None:
    """Raise unless there is a row for each sample."""
    n = len(found.table)
    require(length == n, f"{name} needs a row for each of the {n} samples; got {length}.")
