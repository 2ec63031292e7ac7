"""A corrected copy of the user's table; the table itself is never touched."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from selfpaced._errors import require
from selfpaced._files import replacing
from selfpaced.audit._fixing.copies import Wanted, copy_delimited, copy_lines, copy_parquet
from selfpaced.audit._reading.kinds import suffix_of

Copy = Callable[[Path, Path, Wanted], int]

FORMATS: dict[str, Copy] = {
    ".csv": copy_delimited,
    ".tsv": copy_delimited,
    ".txt": copy_delimited,
    ".jsonl": copy_lines,
    ".ndjson": copy_lines,
    ".parquet": copy_parquet,
}


def fix(
    path: Path,
    corrected: Path,
    label: str,
    suspects: pd.DataFrame,
    *,
    drop: bool = False,
    force: bool = False,
) -> int:
    r"""Write a copy of a table in which the suspects have the label that was suggested.

    All other cells come back as they read, in the same order. A column ``selfpaced_was`` holds the
    former label of each changed row (in JSON lines only the changed ones have it). A record that
    cannot be read, such as one with too many fields, is copied as it is.

    Args:
        path: The table: ``.csv``, ``.tsv``, ``.txt``, ``.jsonl`` or ``.ndjson``, these with
            ``.gz`` too, or ``.parquet``.
        corrected: The copy, of the same format.
        label: The column with the labels.
        suspects: Columns ``row`` and ``suggested``; with ``given``, the labels are compared with
            those of the audit. Row 1 is the first after the header, and rows that cannot be read
            count: in JSON lines every line does, elsewhere blank lines do not.
        drop: Leave those rows out instead, and add no column.
        force: Replace ``corrected`` where it exists.

    Returns:
        How many rows were changed or left out.

    Raises:
        ValueError: For another format, for ``corrected`` that is the table itself, and for a table
            that is not the one of the audit.
        FileExistsError: Where ``corrected`` exists, without ``force``.

    >>> from tempfile import TemporaryDirectory
    >>> suspects = pd.DataFrame({"row": [2], "suggested": ["cat"]})
    >>> with TemporaryDirectory() as folder:
    ...     table, copy = Path(folder, "a.csv"), Path(folder, "b.csv")
    ...     _ = table.write_text("id,is\n007,cat\n008,dog\n")
    ...     fix(table, copy, "is", suspects), copy.read_text()
    (1, 'id,is,selfpaced_was\n007,cat,\n008,cat,dog\n')
    """
    require_target(path, corrected, force=force)
    write = FORMATS[suffix_of(path)]
    wanted = _wanted(label, suspects, path.name, drop=drop)
    with replacing(corrected) as made:
        return write(path, made, wanted)


def require_target(path: Path, corrected: Path, *, force: bool = False) -> None:
    """Raise unless ``fix`` can copy a table of this format to there.

    Args:
        path: The table.
        corrected: The copy.
        force: It may exist.

    Raises:
        ValueError: For another format, and for ``corrected`` that is the table itself.
        FileNotFoundError: When there is no folder for it.
        FileExistsError: Where it exists, without ``force``.
    """
    _require_format(path, corrected)
    exists = corrected.exists()
    same = exists and os.path.samefile(path, corrected)
    require(
        not same and corrected.resolve() != path.resolve(),
        f"{corrected} is the table itself, which stays as it is. Choose another name.",
    )
    if exists and not force:
        raise FileExistsError(f"{corrected} exists. Choose another name, or pass --force.")
    if not corrected.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {corrected.parent} for {corrected.name}.")


def _require_format(path: Path, corrected: Path) -> None:
    """Raise unless tables of this format are copied, and the copy is of the same."""
    form, said = suffix_of(path), ", ".join(FORMATS)
    require(form in FORMATS, f"fix reads {said}; got {path.name}.")
    packed = ".gz" if path.suffix.lower() == ".gz" else ""
    require(
        corrected.name.lower().endswith(form + packed),
        f"The corrected copy of {path.name} is a {form}{packed} file too; got {corrected.name}.",
    )


def _wanted(label: str, suspects: pd.DataFrame, name: str, *, drop: bool) -> Wanted:
    """Return what is to change, or raise for suspects without rows."""
    missing = {"row", "suggested"} - set(suspects.columns)
    require(
        not missing,
        f"fix needs suspects with the columns row and suggested; missing: {sorted(missing)}.",
    )
    rows = [int(row) for row in suspects["row"]]
    twice = sorted(row for row, times in Counter(rows).items() if times > 1)
    require(not twice, f"fix needs each row once; got {twice} more often.")
    given = dict(zip(rows, suspects["given"], strict=True)) if "given" in suspects else {}
    return Wanted(name, label, dict(zip(rows, suspects["suggested"], strict=True)), given, drop)
