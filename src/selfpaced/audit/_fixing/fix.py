"""A corrected copy of a table; the table itself is never changed."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from selfpaced._errors import require
from selfpaced._files import replacing, require_free
from selfpaced.audit._fixing.changes import Changes, Wanted
from selfpaced.audit._fixing.corrected_copy import copy_delimited, copy_lines, copy_parquet
from selfpaced.audit._fixing.workbook_copy import copy_workbook
from selfpaced.audit._reading.kinds import suffix_of

# Writes a copy of the first path to the second, and returns what it changes.
Copy = Callable[[Path, Path, Wanted], Changes]

# The formats of tables that can be copied, by suffix; the first five also with .gz.
FORMATS: dict[str, Copy] = {
    ".csv": copy_delimited,
    ".tsv": copy_delimited,
    ".txt": copy_delimited,
    ".jsonl": copy_lines,
    ".ndjson": copy_lines,
    ".parquet": copy_parquet,
    ".xlsx": copy_workbook,
    ".xlsm": copy_workbook,
}


def fix(  # noqa: PLR0913  # the parts of ``Wanted``
    path: Path,
    corrected: Path,
    label: str,
    suspects: pd.DataFrame,
    *,
    drop: bool = False,
    force: bool = False,
    numeric: bool = False,
    sheet: str | None = None,
    audited: Mapping[int, int] | None = None,
    origin: str = "suspects.csv",
) -> Changes:
    r"""Write a copy of a table in which the suspects have their suggested labels.

    All other cells and the order of the rows stay the same. A new column ``selfpaced_was`` holds
    the former label of each changed row; in JSON Lines, only changed rows have it. A row that
    cannot be read, such as one with too many fields, is copied as it is.

    Args:
        path: The table: ``.csv``, ``.tsv``, ``.txt``, ``.jsonl`` or ``.ndjson``, these with
            ``.gz`` too, ``.parquet``, or a workbook (``.xlsx``), whose charts are not copied.
        corrected: The file for the copy, in the same format.
        label: The column of the labels.
        suspects: A frame with the columns ``row`` and ``suggested``. If it has ``given``, these
            labels must be those of the table. Row 1 is the first row after the header. Rows that
            cannot be read are counted; blank lines are counted in JSON Lines only.
        drop: Leave out the suspects instead, and add no column.
        force: Replace ``corrected`` if it exists. Also write a copy in which a class has no row
            left, or that has a new class; without ``force``, these are errors.
        numeric: Whether the labels are numbers (a regression), of which any may come and go.
        sheet: The sheet of a workbook; None for the first one with rows.
        audited: The fingerprint of each row of the audit, by its number, as ``moved.places`` takes
            them: rows that have moved since are found by it. None if none has moved.
        origin: What says which labels change, for errors.

    Returns:
        Which rows were changed or left out, counted by class.

    Raises:
        ValueError: For another format, if ``corrected`` is the table itself, and for rows that the
            audit did not judge, or that are changed or gone since. Without ``force``, if a class
            would lose all its rows, and for a suggested label that no row has.
        FileNotFoundError: If the folder of ``corrected`` does not exist.
        FileExistsError: If ``corrected`` exists, without ``force``.

    >>> from tempfile import TemporaryDirectory
    >>> suspects = pd.DataFrame({"row": [2], "suggested": ["cat"]})
    >>> with TemporaryDirectory() as folder:
    ...     table, copy = Path(folder, "a.csv"), Path(folder, "b.csv")
    ...     _ = table.write_text("id,is\n007,cat\n008,dog\n009,dog\n")
    ...     fix(table, copy, "is", suspects).by_class(), copy.read_text()
    ({'dog': {'cat': 1}}, 'id,is,selfpaced_was\n007,cat,\n008,cat,dog\n009,dog,\n')
    """
    require_target(path, corrected, force=force)
    write = FORMATS[suffix_of(path)]
    suggested, given = _by_row(suspects)
    settings = (drop, numeric, force, sheet, audited, origin)
    wanted = Wanted(path.name, label, suggested, given, *settings)
    with replacing(corrected) as made:
        return write(path, made, wanted)


def require_target(path: Path, corrected: Path, *, force: bool = False) -> None:
    """Raise unless ``fix`` can write a copy of the table to this file.

    Args:
        path: The table.
        corrected: The file for the copy.
        force: Whether the copy may exist and is replaced.

    Raises:
        ValueError: For another format, and if ``corrected`` is the table itself.
        FileNotFoundError: If the folder of ``corrected`` does not exist.
        FileExistsError: If ``corrected`` exists, without ``force``.
    """
    _require_format(path, corrected)
    same = corrected.exists() and os.path.samefile(path, corrected)
    require(
        not same and corrected.resolve() != path.resolve(),
        f"{corrected} is the table itself, which is never changed. Choose another name.",
    )
    require_free(corrected, force=force)


def _require_format(path: Path, corrected: Path) -> None:
    """Raise unless the format can be copied, and the copy has the same format."""
    form = suffix_of(path)
    require(form in FORMATS, f"fix reads {', '.join(FORMATS)}; got {path.name}.")
    packed = ".gz" if path.suffix.lower() == ".gz" else ""
    require(
        corrected.name.lower().endswith(form + packed),
        f"The corrected copy of {path.name} must be a {form}{packed} file; got {corrected.name}.",
    )


def _by_row(suspects: pd.DataFrame) -> tuple[dict[int, object], dict[int, object]]:
    """Return the suggested and the given labels by row, or raise if a column is missing."""
    missing = {"row", "suggested"} - set(suspects.columns)
    require(
        not missing,
        f"fix needs suspects with the columns row and suggested; missing: {sorted(missing)}.",
    )
    rows = [int(row) for row in suspects["row"]]
    twice = sorted(row for row, times in Counter(rows).items() if times > 1)
    require(not twice, f"fix needs each row at most once; got {twice} more than once.")
    given = dict(zip(rows, suspects["given"], strict=True)) if "given" in suspects else {}
    return dict(zip(rows, suspects["suggested"], strict=True)), given
