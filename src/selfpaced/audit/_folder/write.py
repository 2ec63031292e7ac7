"""Write all files of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from selfpaced._files import write_parquet, write_text
from selfpaced.audit._cases.write import write_shown
from selfpaced.audit._fixing.suspects_file import ADDED, OURS, our_names
from selfpaced.audit._folder.files import (
    ANNOTATORS,
    CONFLICTS,
    CONSENSUS,
    HISTORY,
    SUMMARY,
    SUSPECTS,
)
from selfpaced.audit._folder.model import NOTHING, save
from selfpaced.audit._folder.pictures import draw
from selfpaced.audit._folder.staging import staged
from selfpaced.audit._folder.summary import about_places, summary
from selfpaced.audit._folder.tables import csv_text, suspects_table
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._plan import Plan, command, to_json
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
    columns = {ours: names[ours] for ours in OURS if names[ours] in suspects or ours in ADDED}
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
