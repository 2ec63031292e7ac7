"""What an audit found, as tables of the user's own samples."""

import csv
from collections.abc import Collection
from typing import Literal

import numpy as np
import pandas as pd

from selfpaced._errors import require
from selfpaced.audit._result import Audit

OWN = "own_"
DIGITS = {"probability": 4, "confidence": 4}


def suspects_table(found: Audit, where: pd.Series, own: pd.DataFrame) -> pd.DataFrame:
    """Return the suspects, most suspicious first, with the user's own columns.

    Args:
        found: Of n samples.
        where: Where each sample is found, in the order of the file, shape (n,); its name, such as
            ``row`` or ``file``, is that of the first column.
        own: The user's columns in the same order, n rows. One with a name of ours gets the prefix
            ``own_``.

    Returns:
        A row per suspect: where it is, ``probability`` that the label is wrong, ``given`` and
        ``suggested`` label, ``confidence`` where there is one, then the user's columns.

    Raises:
        ValueError: For ``where`` or ``own`` of another length.
    """
    suspects = found.suspects
    for name, given in (("where", where), ("own", own)):
        _require_length(name, len(given), found)
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
    """Return all samples in the order of the file, with all that the run knows of them.

    Args:
        found: Of n samples.
        where: As in ``suspects_table``.

    Returns:
        A row per sample: where it is, ``given``, ``probability``, ``suggested``, ``confidence``,
        ``loss`` (higher is more suspect), ``weight`` (0 for left out), ``visits``; where logits
        were observed ``margin`` (lower is more suspect), ``correct``, ``forgotten``.

    Raises:
        ValueError: For ``where`` of another length.
    """
    _require_length("where", len(where), found)
    table, ledger = found.table.sort_index(), found.pacer.ledger
    told = ("probability", "suggested", "confidence", "loss")
    columns = {str(where.name): where.array, "given": table["label"].array}
    columns |= {name: table[name].array for name in told if name in table}
    tensors = {"weight": found.pacer.weight, "visits": ledger.visits}
    dynamics = ledger.dynamics
    if dynamics is not None:
        tensors["margin"] = dynamics.margin
        tensors |= {"correct": dynamics.correct, "forgotten": dynamics.forgotten}
    numbers = {name: column.cpu().numpy() for name, column in tensors.items()}
    return pd.DataFrame(columns | numbers)


def csv_text(table: pd.DataFrame) -> str:
    r"""Return a table as CSV, the same bytes for the same table.

    Probabilities have four digits, other numbers as many as it takes to read them back.

    >>> csv_text(pd.DataFrame({"row": [7], "probability": [0.98765], "price": [0.1]}))
    'row,probability,price\n7,0.9877,0.1\n'
    """
    shown = table.copy()
    for name, digits in DIGITS.items():
        if name in shown:
            shown[name] = [_fixed(value, digits) for value in shown[name]]
    text = shown.select_dtypes(["object", "string"])
    lone = any("\r" in str(value) for name in text for value in text[name])
    # The least quoting overlooks a lone \r.
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if lone else csv.QUOTE_MINIMAL
    return shown.to_csv(index=False, lineterminator="\n", quoting=quoting)


def _own_names(names: list[str], ours: Collection[str]) -> list[str]:
    """Return the names, with the prefix as often as it takes to make them unlike ours."""
    taken = set(ours) | (set(names) - set(ours))
    new = []
    for name in names:
        free = name
        if name in ours:
            while free in taken:
                free = OWN + free
            taken.add(free)
        new.append(free)
    return new


def _fixed(value: float, digits: int) -> str:
    """Return a number with so many digits after the point; nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def _require_length(name: str, length: int, found: Audit) -> None:
    """Raise unless there is one for each sample."""
    n = len(found.table)
    require(length == n, f"{name} needs a row for each of the {n} samples; got {length}.")
