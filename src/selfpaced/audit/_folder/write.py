"""What a run leaves behind: the files of its folder, and a corrected copy of a table."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced._files import write_parquet, write_text
from selfpaced.audit._fixing.fix import fix
from selfpaced.audit._folder.files import require_no_result, staged
from selfpaced.audit._folder.model import read_config, save
from selfpaced.audit._folder.pictures import draw
from selfpaced.audit._folder.summary import summary
from selfpaced.audit._folder.tables import csv_text, ledger_table, suspects_table
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._plan import Plan, command, from_json, to_json
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._result import Audit


@dataclass(frozen=True, eq=False)
class Written:
    """What was written.

    Args:
        suspects: The table of suspects, most suspicious first.
        own: How many of its last columns are the user's.
        files: Names in the folder.
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
        folder: Exists; a checkpoint and what an earlier run wrote there is replaced.
        plan: What was asked for.
        prepared: The samples.
        found: What the training found.
        trained: The model.
        losses: Of each epoch, shape (epochs, n), for a picture; None for means.
        dark: Draw on dark paper.

    Raises:
        OSError: When the disk is full; nothing in the folder has changed then.
    """
    source = prepared.source
    suspects = suspects_table(found, source.where, source.own)
    told = to_json(plan) | {
        "settings": asdict(plan.settings(len(source))),
        "samples": len(source),
    }
    with staged(folder) as stage:
        save(trained, told, stage)
        write_text(csv_text(suspects), stage / "suspects.csv")
        if len(source.conflicts):
            write_text(csv_text(source.conflicts), stage / "conflicts.csv")
        write_parquet(ledger_table(found, source.where), stage / "ledger.parquet")
        write_parquet(found.history, stage / "history.parquet")
        images = prepared.rows if source.kind == "images" else None
        draw(found, stage, images, dark=dark, losses=losses)
        files = tuple(sorted([*(path.name for path in stage.iterdir()), "summary.md"]))
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
        write_text(page, stage / "summary.md")
    return Written(suspects, source.own.shape[1], files)


def fix_from(
    folder: Path,
    corrected: Path,
    *,
    data: Path | None = None,
    drop: bool = False,
    force: bool = False,
) -> int:
    """Write a corrected copy of the table that a run audited, by its ``suspects.csv``.

    Lines that were deleted there, because the label is right after all, are not changed.

    Args:
        folder: Of the run.
        corrected: The copy, of the same format as the table.
        data: The table, where it is not at the place it was audited at.
        drop: Leave the suspects out in place of giving them the suggested label.
        force: Replace ``corrected`` where it exists.

    Returns:
        How many rows were changed or left out.

    Raises:
        FileNotFoundError: For a folder without a run, and when the table is not there.
        FileExistsError: Where ``corrected`` exists, without ``force``.
        ValueError: For suspects that cannot be read, and for a table that cannot be fixed.
    """
    plan, path = _plan(folder), folder / "suspects.csv"
    table = plan.path if data is None else data
    if not table.exists():
        raise FileNotFoundError(
            f"There is no {table}, which the run in {folder} audited. Say where it is with --data."
        )
    require_no_result(corrected, folder)
    suspects = _suspects(path)
    label = plan.options.label
    require(
        label is not None, f"{table} has no column of labels. Correct the labels where they are."
    )
    return fix(table, corrected, str(label), suspects, drop=drop, force=force)


def _suspects(path: Path) -> pd.DataFrame:
    """Read suspects.csv, also as a spreadsheet saved it, with blank lines for deleted ones."""
    try:
        with catch_warnings():
            simplefilter("error", pd.errors.ParserWarning)  # a line with a field too many
            told = pd.read_csv(
                path, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig"
            ).fillna("")  # of lines that are cut short
    except (ValueError, FileNotFoundError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    missing = {"row", "given", "suggested"} - set(told.columns)
    require(
        not missing,
        f"{path} needs the columns row, given and suggested; missing: {sorted(missing)}. Save it "
        f"as CSV with commas.",
    )
    told = told[(told != "").any(axis=1)]
    whole = told["row"].str.fullmatch(r"[0-9]+(\.0*)?")
    require(
        bool(whole.all()),
        f"{path} needs a whole number in the column row; got {told['row'][~whole].tolist()[:5]}. "
        f"Mend or delete those lines.",
    )
    bare = told["row"][told["suggested"].str.strip() == ""].tolist()
    require(
        not bare,
        f"{path} suggests no label for row {', '.join(bare[:5])}. Mend or delete such lines.",
    )
    return told.assign(row=told["row"].astype(float).astype(int))


def _plan(folder: Path) -> Plan:
    """Return the plan of a run that is over."""
    told = read_config(folder)["run"]
    try:
        return from_json(told)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder}: its config.json says nothing of a table: {error}.") from error
