"""Write all files of a run, and a corrected copy of the table that a run audited."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced._files import write_parquet, write_text
from selfpaced.audit._fixing.fix import fix
from selfpaced.audit._folder.files import (
    CONFIG,
    CONFLICTS,
    HISTORY,
    LEDGER,
    SUMMARY,
    SUSPECTS,
    require_no_result,
    staged,
)
from selfpaced.audit._folder.model import read_config, save
from selfpaced.audit._folder.pictures import draw
from selfpaced.audit._folder.summary import summary
from selfpaced.audit._folder.tables import csv_text, ledger_table, suspects_table
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._plan import Plan, command, from_json, to_json
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._result import Audit

# The largest number of rows that an error message lists.
MOST_ROWS = 5


@dataclass(frozen=True, eq=False)
class Written:
    """What was written into the folder of a run.

    Args:
        suspects: The table of suspects, most suspicious first.
        own: How many of its last columns are the user's.
        files: Names of the files in the folder.
    """

    suspects: pd.DataFrame
    own: int
    files: tuple[str, ...]


def write(
    folder: Path,
    plan: Plan,
    prepared: Prepared,
    found: Audit,
    trained: Trained,
    *,
    losses: NDArray[Any] | None = None,
    dark: bool = False,
) -> Written:
    """Write all files of a run, or none.

    Args:
        folder: A folder that exists; the checkpoint and the files of an earlier run are replaced.
        plan: The settings of the run.
        prepared: The samples.
        found: The result of the training.
        trained: The model.
        losses: Losses after each epoch, shape (epochs, n), for the picture of the training; None
            draws means.
        dark: Draw the pictures on a dark background.

    Raises:
        OSError: If the disk is full; the folder does not change then.
    """
    source = prepared.source
    suspects = suspects_table(found, source.where, source.own)
    run = to_json(plan) | {
        "settings": asdict(plan.settings(len(source))),
        "samples": len(source),
    }
    with staged(folder) as stage:
        save(trained, run, stage)
        write_text(csv_text(suspects), stage / SUSPECTS)
        if len(source.conflicts):
            write_text(csv_text(source.conflicts), stage / CONFLICTS)
        write_parquet(ledger_table(found, source.where), stage / LEDGER)
        write_parquet(found.history, stage / HISTORY)
        images = prepared.rows if source.kind == "images" else None
        draw(found, stage, images, dark=dark, losses=losses)
        files = tuple(sorted([*(path.name for path in stage.iterdir()), SUMMARY]))
        page = summary(
            found,
            name=source.path.name or str(source.path),
            where=source.where,
            own=source.own,
            notes=prepared.notes,
            conflicts=source.conflicts,
            command=command(plan, folder),
            files=files,
        )
        write_text(page, stage / SUMMARY)
    return Written(suspects, source.own.shape[1], files)


def fix_from(
    folder: Path,
    corrected: Path,
    *,
    data: Path | None = None,
    drop: bool = False,
    force: bool = False,
) -> int:
    """Write a corrected copy of the table that a run audited, from its ``suspects.csv``.

    A sample whose line was deleted from ``suspects.csv``, because its label is right, keeps its
    label.

    Args:
        folder: The folder of the run.
        corrected: The path of the copy, in the same format as the table.
        data: The path of the table, if it was moved after the audit.
        drop: Leave the suspects out instead of giving them the suggested label.
        force: Replace ``corrected`` if it exists.

    Returns:
        Number of rows that were changed or left out.

    Raises:
        FileNotFoundError: For a folder without a run, and if the table does not exist.
        FileExistsError: If ``corrected`` exists, without ``force``.
        ValueError: For suspects that cannot be read, and for a table that cannot be corrected.
    """
    plan, path = _plan(folder), folder / SUSPECTS
    table = plan.path if data is None else data
    if not table.exists():
        raise FileNotFoundError(
            f"There is no {table}, which the run in {folder} audited. Pass data=... with its path."
        )
    require_no_result(corrected, folder)
    suspects = _suspects(path)
    label = plan.options.label
    require(
        label is not None, f"{table} has no column of labels. Correct the labels where they are."
    )
    return fix(table, corrected, str(label), suspects, drop=drop, force=force)


def _suspects(path: Path) -> pd.DataFrame:
    """Read suspects.csv, also if a spreadsheet saved it and left blank lines for deleted rows."""
    try:
        with catch_warnings():
            simplefilter("error", pd.errors.ParserWarning)  # for a line with too many fields
            lines = pd.read_csv(
                path, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig"
            ).fillna("")  # a line with too few fields
    except (ValueError, FileNotFoundError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    missing = {"row", "given", "suggested"} - set(lines.columns)
    require(
        not missing,
        f"{path} needs the columns row, given and suggested; missing: {sorted(missing)}. Save it "
        f"as CSV with commas.",
    )
    lines = lines[(lines != "").any(axis=1)]
    whole = lines["row"].str.fullmatch(r"[0-9]+(\.0*)?")
    others = lines["row"][~whole].tolist()
    require(
        not others,
        f"{path} needs a whole number in the column row; got {others[:MOST_ROWS]}. Correct or "
        f"delete those lines.",
    )
    bare = lines["row"][lines["suggested"].str.strip() == ""].tolist()
    require(
        not bare,
        f"{path} suggests no label for row {', '.join(bare[:MOST_ROWS])}. Correct or delete such "
        f"lines.",
    )
    return lines.assign(row=lines["row"].astype(float).astype(int))


def _plan(folder: Path) -> Plan:
    """Return the plan of a finished run."""
    saved = read_config(folder)["run"]
    try:
        return from_json(saved)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / CONFIG} does not say which table was audited: {error}. Audit again."
        ) from error
