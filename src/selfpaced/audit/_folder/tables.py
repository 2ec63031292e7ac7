"""The tables of a run: the suspects, and all samples."""

import csv
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced._text import spreadsheet_cell
from selfpaced.audit._fixing.suspects_file import NO, YES, our_names
from selfpaced.audit._result import Audit

# The number of digits after the decimal point, by column; other columns keep all digits.
DIGITS = {"probability": 4, "confidence": 4}


def suspects_table(
    found: Audit,
    where: pd.Series,
    own: pd.DataFrame,
    lines: NDArray[Any] | None = None,
    top: int | None = None,
) -> pd.DataFrame:
    """Return the suspects, then the doubtful rows, most suspicious first, with the user's columns.

    Args:
        found: The result of an audit of n samples.
        where: The place of each sample, in the order of the file, shape (n,). Its name, such as
            ``row`` or ``file``, becomes the name of the first column.
        own: The user's columns in the same order, n rows. They keep their names: where a column of
            ours would have one of these, ours gets a prefix; see ``our_names``.
        lines: The line of the file on which each sample starts, in the same order, shape (n,).
            None: no column ``line``.
        top: The number of rows, as in ``Audit.doubtful``.

    Returns:
        Rows of ``Audit.doubtful``: its place, ``line``, ``fix`` ("yes" for a suspect, else "no"),
        ``probability`` that the label is wrong, ``given`` and ``suggested`` label, ``confidence``
        if there is one, then the user's columns.

    Raises:
        ValueError: For ``where``, ``own`` or ``lines`` of another length, and ``top`` below 1.
    """
    rows = found.doubtful(top)
    for name, column in (("where", where), ("own", own), ("lines", lines)):
        if column is not None:
            _require_length(name, len(column), found)
    ours: dict[str, Any] = {str(where.name): where.iloc[rows.index].array}
    if lines is not None:
        ours["line"] = lines[rows.index]
    ours["fix"] = [YES if suspect else NO for suspect in rows["suspect"]]
    ours |= {"probability": rows["probability"].array, "given": rows["label"].array}
    ours["suggested"] = rows["suggested"].array
    if "confidence" in rows and bool(found.table["confidence"].notna().any()):
        ours["confidence"] = rows["confidence"].array
    right = own.iloc[rows.index].reset_index(drop=True).rename(columns=str)
    names = our_names(right.columns)
    left = pd.DataFrame({names[name]: column for name, column in ours.items()})
    return pd.concat([left, right], axis=1)


def ledger_table(
    found: Audit,
    where: pd.Series,
    fingerprints: NDArray[np.uint64] | None = None,
    more: Mapping[str, NDArray[Any]] | None = None,
) -> pd.DataFrame:
    """Return all samples in the order of the file, with everything that the run recorded.

    Args:
        found: The result of an audit of n samples.
        where: The place of each sample, as in ``suspects_table``.
        fingerprints: As ``Source`` has them.
        more: Further columns, shape (n,) each.

    Returns:
        A row per sample: its place, ``fingerprint`` if there are some, ``given``, ``suspect``,
        ``probability``, ``suggested``, ``confidence``, ``loss`` (higher is more suspect),
        ``weight`` (0 if left out), ``visits``; if logits were observed, also ``margin`` (lower is
        more suspect), ``correct`` and ``forgotten``; then the further columns.

    Raises:
        ValueError: For ``where`` of another length.
    """
    _require_length("where", len(where), found)
    table, ledger = found.table.sort_index(), found.pacer.ledger
    judged = ("probability", "suggested", "confidence", "loss")
    columns: dict[str, Any] = {str(where.name): where.array}
    if fingerprints is not None:
        columns["fingerprint"] = fingerprints[where.to_numpy(np.int64) - 1]
    columns["given"] = table["label"].array
    columns["suspect"] = table.index.isin(found.suspects.index)
    columns |= {name: table[name].array for name in judged if name in table}
    tensors = {"weight": found.pacer.weight, "visits": ledger.visits}
    dynamics = ledger.dynamics
    if dynamics is not None:
        tensors["margin"] = dynamics.margin
        tensors |= {"correct": dynamics.correct, "forgotten": dynamics.forgotten}
    numbers = {name: column.cpu().numpy() for name, column in tensors.items()}
    return pd.DataFrame(columns | numbers | dict(more or {}))


def csv_text(
    table: pd.DataFrame, names: Mapping[str, str] | None = None, *, spreadsheet: bool = True
) -> str:
    r"""Return a table as CSV; equal tables give equal bytes.

    Probabilities have four digits after the point. Other numbers keep all digits that are needed
    to read back the same value.

    Args:
        table: The table.
        names: The names of our columns in it; None if they have no prefix.
        spreadsheet: Whether people open it in a spreadsheet: an apostrophe then stands before text
            that would be a formula, as ``spreadsheet_cell`` writes it. False for programs.

    >>> csv_text(pd.DataFrame({"row": [7], "probability": [0.98765], "price": [0.1]}))
    'row,probability,price\n7,0.9877,0.1\n'
    >>> csv_text(pd.DataFrame({"note": ["=1+1", "-1"]}))
    "note\n'=1+1\n-1\n"
    """
    shown = table.copy()
    for ours, digits in DIGITS.items():
        name = ours if names is None else names[ours]
        if name in shown:
            shown[name] = [_fixed_point(value, digits) for value in shown[name]]
    if spreadsheet:
        for place in range(shown.shape[1]):
            shown.isetitem(place, _inert(shown.iloc[:, place]).array)
        shown.columns = pd.Index([spreadsheet_cell(str(name)) for name in shown.columns])
    text = shown.select_dtypes(["object", "string", "category"])
    cells = map(str, (*shown.columns, *text.to_numpy(object).flat))
    # QUOTE_MINIMAL does not quote a value whose only special character is \r.
    quoting: Literal[0, 2] = (
        csv.QUOTE_NONNUMERIC if any("\r" in cell for cell in cells) else csv.QUOTE_MINIMAL
    )
    return shown.to_csv(index=False, lineterminator="\n", quoting=quoting)


def _inert(column: pd.Series) -> pd.Series:
    """Return a column whose text is no formula in a spreadsheet; numbers stay numbers."""
    if column.dtype.kind in "biufcmM" and not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    return column.map(lambda cell: spreadsheet_cell(cell) if isinstance(cell, str) else cell)


def _fixed_point(value: float, digits: int) -> str:
    """Return a number with a fixed number of digits after the point; an empty text for NaN."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def _require_length(name: str, length: int, found: Audit) -> None:
    """Raise unless there is a row for each sample."""
    n = len(found.table)
    require(length == n, f"{name} needs a row for each of the {n} samples; got {length}.")
