"""Write all files of a run, and a corrected copy of the table that a run audited."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced._files import read_parquet, write_parquet, write_text
from selfpaced.audit._cases.write import write_shown
from selfpaced.audit._fixing.changes import Changes
from selfpaced.audit._fixing.fix import fix, require_target
from selfpaced.audit._fixing.suspects_file import OURS, our_names, read_chosen
from selfpaced.audit._folder.files import (
    ANNOTATORS,
    CONFIG,
    CONFLICTS,
    CONSENSUS,
    HISTORY,
    LEDGER,
    SUMMARY,
    SUSPECTS,
    require_no_result,
)
from selfpaced.audit._folder.model import NOTHING, read_config, save
from selfpaced.audit._folder.pictures import draw
from selfpaced.audit._folder.seal import unbroken
from selfpaced.audit._folder.staging import staged
from selfpaced.audit._folder.summary import about_places, summary
from selfpaced.audit._folder.tables import csv_text, suspects_table
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._plan import Plan, command, from_json, to_json
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._result import Audit

# The character that a text in UTF-8 begins with, so that spreadsheets read its letters right.
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, eq=False)
class Written:
    """What was written into the folder of a run.

    Args:
        suspects: The table of suspects.csv: the suspects, then doubtful rows, most suspicious
            first.
        names: The names of our columns in it; the others are the user's.
        about: How samples are counted, in a sentence; "" for images, which have names.
        files: Names of the files in the folder.
    """

    suspects: pd.DataFrame
    names: Mapping[str, str]
    about: str
    files: tuple[str, ...]


def write(  # noqa: PLR0913  # each is a part of the folder
    folder: Path,
    plan: Plan,
    prepared: Prepared,
    found: Audit,
    trained: Trained,
    *,
    origin: Mapping[str, str] = NOTHING,
    losses: NDArray[Any] | None = None,
    dark: bool = False,
    top: int | None = None,
    more: Sequence[str] = (),
) -> Written:
    """Write all files of a run, or none.

    Args:
        folder: A folder that exists; the checkpoint and the files of an earlier run are replaced.
        plan: The settings of the run.
        prepared: The samples.
        found: The result of the training.
        trained: The model.
        origin: What the run is made from; see ``origin.py``.
        losses: Losses after each epoch, shape (epochs, n), for the picture of the training; None
            draws means.
        dark: Draw the pictures on a dark background.
        top: The number of rows of suspects.csv, as in ``Audit.doubtful``.
        more: Words of the command line that the command in summary.md repeats, besides the plan.

    Raises:
        OSError: If the disk is full; the folder does not change then.
    """
    source = prepared.source
    suspects = suspects_table(found, source.where, source.own, source.lines, top)
    names = our_names(map(str, source.own.columns))
    columns = {ours: names[ours] for ours in OURS if names[ours] in suspects}
    name = source.path.name or str(source.path)
    with staged(folder) as stage:
        _write_csv(csv_text(suspects, names), stage / SUSPECTS)
        if len(source.conflicts):
            _write_csv(csv_text(source.conflicts), stage / CONFLICTS)
        if found.votes is not None:
            place = pd.DataFrame({str(source.where.name): source.where.array})
            told = pd.concat([place, found.votes.consensus], axis=1)
            _write_csv(csv_text(told), stage / CONSENSUS)
            each = found.votes.annotators.rename_axis("annotator").reset_index()
            _write_csv(csv_text(each), stage / ANNOTATORS)
        parts = (folder, plan, prepared, found, trained)
        write_shown(stage, *parts, losses=losses, top=top, words=more)
        write_parquet(found.history, stage / HISTORY)
        save(trained, _settings(plan, len(source)) | {"columns": columns}, stage, origin)
        images = prepared.inputs.dense if source.kind == "images" else None
        draw(found, stage, images, dark=dark, losses=losses)
        files = tuple(sorted([*(path.name for path in stage.iterdir()), SUMMARY]))
        page = summary(
            found,
            name=name,
            where=source.where,
            own=source.own,
            notes=prepared.notes,
            conflicts=source.conflicts,
            command=command(plan, folder, more),
            files=files,
            top=top,
        )
        write_text(page, stage / SUMMARY)
    return Written(suspects, names, about_places(source.where, name), files)


def _settings(plan: Plan, samples: int) -> dict[str, Any]:
    """Return the settings of a run, as config.json has them."""
    return to_json(plan) | {"settings": asdict(plan.settings(samples)), "samples": samples}


def _write_csv(text: str, path: Path) -> None:
    """Write a CSV file in UTF-8; with letters beyond ASCII, it begins with a byte order mark."""
    write_text(text if text.isascii() else BYTE_ORDER_MARK + text, path)


def fix_from(
    folder: Path,
    corrected: Path,
    *,
    data: Path | None = None,
    drop: bool = False,
    force: bool = False,
) -> Changes:
    """Write a corrected copy of the table that a run audited, from its ``suspects.csv``.

    Only rows of ``suspects.csv`` with ``fix`` = yes are changed. A row with no, and a row whose
    line was deleted, keeps its label.

    Args:
        folder: The folder of the run.
        corrected: The path of the copy, in the same format as the table.
        data: The path of the table, if it was moved after the audit.
        drop: Leave the rows out instead of giving them the suggested label.
        force: Replace ``corrected`` if it exists, and allow a class to lose all its rows, and new
            classes; see ``fix``.

    Returns:
        Which rows were changed or left out, counted by class.

    Raises:
        FileNotFoundError: For a folder without a run or without ``suspects.csv``, and if the table
            does not exist.
        FileExistsError: If ``corrected`` exists, without ``force``.
        ValueError: For suspects that cannot be read, and for a table that cannot be corrected.
    """
    config = read_config(folder)
    plan = _plan(folder, config["run"])
    table = plan.path if data is None else data
    if not table.exists():
        raise FileNotFoundError(
            f"There is no {table}, which the run in {folder} audited. Pass data=... with its path."
        )
    require_no_result(corrected, folder)
    require(
        not plan.options.annotator,
        f"{table} has labels of several annotators, which fix does not change: {CONSENSUS} in "
        f"{folder} has the label of each sample.",
    )
    label, numeric = plan.options.label, config["model"]["names"] is None
    require(
        label is not None, f"{table} has no column of labels. Correct the labels where they are."
    )
    names = {ours: ours for ours in OURS} | (config["run"].get("columns") or {})
    require_target(table, corrected, force=force)
    with unbroken(folder, config, (LEDGER,)):
        rows, audited = read_chosen(folder / SUSPECTS, names), _audited(folder)
    return fix(
        *(table, corrected, str(label), rows),
        drop=drop,
        force=force,
        numeric=numeric,
        sheet=plan.options.sheet,
        audited=audited,
    )


def _audited(folder: Path) -> dict[int, int]:
    """Return the fingerprints of the rows of an audit, by their numbers, from its ledger."""
    ledger, needed = read_parquet(folder / LEDGER), ["row", "fingerprint"]
    require(
        set(needed) <= set(ledger),
        f"{folder / LEDGER} does not say which rows were audited. Audit again.",
    )
    numbers, marks = (ledger[name].astype(np.uint64).tolist() for name in needed)
    return dict(zip(numbers, marks, strict=True))


def _plan(folder: Path, saved: dict[str, Any]) -> Plan:
    """Return the plan in the config.json of a finished run."""
    try:
        return from_json(saved)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / CONFIG} does not say which table was audited: {error}. Audit again."
        ) from error
