"""Corrected copies of the data of a run, by the decisions of people or by its suggestions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from selfpaced._errors import require
from selfpaced._files import read_parquet, require_free, write_text
from selfpaced.audit._decisions.store import Decisions, has_decisions
from selfpaced.audit._fixing import Use
from selfpaced.audit._fixing.array_copy import fix_labels, fix_npz
from selfpaced.audit._fixing.changes import WAS, Changes, Wanted
from selfpaced.audit._fixing.decided import Choice, Choices, changed, from_review, from_suggestions
from selfpaced.audit._fixing.decision_file import (
    from_file,
    lines_of,
    read_sheet,
)
from selfpaced.audit._fixing.decision_file import (
    has_decisions as sheet_has_decisions,
)
from selfpaced.audit._fixing.fix import fix, require_target
from selfpaced.audit._fixing.folder_copy import Moves, copy_folder, moves_of, require_folder
from selfpaced.audit._fixing.folder_move import MANIFEST, move, require_unmoved, undo
from selfpaced.audit._fixing.suspects_file import OURS, read_chosen
from selfpaced.audit._folder.config import read_config
from selfpaced.audit._folder.files import CONFIG, CONSENSUS, LEDGER, SUSPECTS, require_no_result
from selfpaced.audit._folder.lock import locked
from selfpaced.audit._folder.seal import FILES, digest, unbroken
from selfpaced.audit._folder.tables import csv_text
from selfpaced.audit._plan import TABLES, Plan, from_json
from selfpaced.audit._reading.idx import pair_of
from selfpaced.audit._reading.kinds import kind_of
from selfpaced.audit._reading.tables.reading import load

# The end of the name of the log beside a corrected copy.
CHANGES = ".changes.csv"
# The kinds of data that are arrays.
ARRAYS = ("npz", "npy", "idx", "pair")
# The kinds of data that are folders with a subfolder for each class.
FOLDERS = ("images", "texts")


@dataclass(frozen=True)
class Fixed:
    """A correction.

    Args:
        changes: Which labels changed, counted by class.
        choices: Where the changes come from.
        corrected: The copy, or the folder in which files were moved.
        log: The file that says what changed, and by whom.
        renamed: Files of a folder that got another name, as theirs was taken.
        column: The column of a table that holds the former labels; "" without.
    """

    changes: Changes
    choices: Choices
    corrected: Path
    log: Path
    renamed: tuple[str, ...] = ()
    column: str = ""


@dataclass(frozen=True)
class Request:
    """What to do with the data of a run.

    Args:
        folder: The folder of the run.
        corrected: The file or folder for the copy; None to move files within their folder.
        data: The data, if they were moved after the audit.
        drop: Leave the samples out instead of giving them the new label.
        force: Replace a corrected file that exists, and allow a class to lose all its samples, and
            new classes.
        use: Where the changes come from. None: the review if there is one, else suspects.csv.
        decisions: A file with decisions, instead.
        reviewer: Of the review, only the decisions of this person.
    """

    folder: Path
    corrected: Path | None = None
    data: Path | None = None
    drop: bool = False
    force: bool = False
    use: Use | None = None
    decisions: Path | None = None
    reviewer: str | None = None


def fix_from(asked: Request) -> Fixed:
    """Write a corrected copy of the data that a run audited, or move files within their folder.

    Args:
        asked: What to do.

    Returns:
        Which labels changed.

    Raises:
        FileNotFoundError: For a folder without a run, for a file of decisions that is missing, and
            if the data do not exist.
        FileExistsError: If the copy exists, without ``force``.
        ValueError: For decisions that cannot be read or contradict each other, for changes of
            samples that the audit did not judge or that have changed since, and for data that
            cannot be corrected.
    """
    config = read_config(asked.folder)
    plan = _plan(asked.folder, config["run"])
    path = plan.path if asked.data is None else asked.data
    require_fixable(asked, plan)
    kind, log = kind_of(path), _log_of(asked)
    with unbroken(asked.folder, config, (LEDGER,)):
        ledger = read_parquet(asked.folder / LEDGER)
        choices = choose_changes(asked, config, ledger)
    if kind in FOLDERS:
        changes, renamed = _fix_folder(asked, path, choices)
    else:
        changes, renamed = _fix_file(asked, plan, path, kind, choices, config, ledger), ()
    write_text(csv_text(choices.log()), log)
    corrected = path if asked.corrected is None else asked.corrected
    column = WAS if kind in TABLES and not asked.drop else ""
    return Fixed(changes, choices, corrected, log, renamed, column)


def undo_moves(folder: Path) -> int:
    """Move the files of a run back to where they were, and return their number.

    Raises:
        FileNotFoundError: For a folder without a run, and if no files were moved.
        ValueError: For files that are gone, or whose former name is taken.
    """
    read_config(folder)
    with locked(folder):
        n = undo(folder)
        (folder / MANIFEST.replace(".jsonl", CHANGES)).unlink(missing_ok=True)
    return n


def choose_changes(asked: Request, config: Mapping[str, Any], ledger: pd.DataFrame) -> Choices:
    """Return the labels to change, from where the user wants them.

    Args:
        asked: What to do.
        config: The config.json of the run.
        ledger: Its ledger.

    Raises:
        ValueError: If there are decisions of a review and suspects.csv was changed, too, and as
            ``from_review``, ``lines_of`` and ``read_chosen`` do.
    """
    place = str(ledger.columns[0])
    given, suggested = (_by_place(ledger, name) for name in ("given", "suggested"))
    names = {ours: ours for ours in OURS} | (config["run"].get("columns") or {})
    if asked.decisions is not None:
        sheet = read_sheet(asked.decisions, (names[place], names["decision"], names["new_label"]))
        lines = lines_of(asked.decisions, sheet, names, place)
        return from_file(asked.decisions, lines, given, suggested, place)
    use = asked.use or _usual(asked.folder, config)
    if use is Use.SUGGESTIONS:
        return from_suggestions(ledger)
    if use is Use.REVIEW:
        latest = Decisions(asked.folder, config).latest() if has_decisions(asked.folder) else {}
        require(bool(latest), f"Nothing about the run in {asked.folder} is decided yet.")
        choices = from_review(latest, given, place, asked.reviewer)
        suspects = set(map(str, ledger.iloc[:, 0][ledger["suspect"].to_numpy(bool)]))
        by = asked.reviewer
        done = {place for place, of_place in latest.items() if by is None or by in of_place}
        return replace(choices, undecided=len(suspects - done))
    path = asked.folder / SUSPECTS
    wanted = (names[place], names["decision"], names["new_label"])
    if path.is_file() and sheet_has_decisions(sheet := read_sheet(path, wanted), names):
        lines = [line._replace(by="") for line in lines_of(path, sheet, names, place)]
        return from_file(path, lines, given, suggested, place)  # the column reviewer is the user's
    rows = read_chosen(path, names, place)
    said = [Choice(*map(str, row)) for row in rows.itertuples(index=False)]
    looked = digest(path) != config[FILES].get(SUSPECTS)
    return Choices(SUSPECTS, changed(said), len(said) - len(changed(said)), looked=looked)


def _usual(folder: Path, config: Mapping[str, Any]) -> Use:
    """Return where changes come from if the user does not say; raise if that is not clear."""
    if not has_decisions(folder) or not Decisions(folder, config).latest():
        return Use.SUSPECTS
    path, written = folder / SUSPECTS, config[FILES].get(SUSPECTS)
    require(
        written is None or (path.is_file() and digest(path) == written),
        f"{folder} has decisions of a review, and {SUSPECTS} was changed after the audit. Pass "
        f'use="review" or use="suspects".',
    )
    return Use.REVIEW


def _by_place(ledger: pd.DataFrame, name: str) -> dict[str, str]:
    """Return a column of a ledger as text, by the places as text."""
    return dict(zip(map(str, ledger.iloc[:, 0]), map(str, ledger[name]), strict=True))


def require_fixable(asked: Request, plan: Plan) -> None:
    """Raise unless what is asked for can be done with the data of a plan; see ``fix_from``."""
    path = plan.path if asked.data is None else asked.data
    require(
        asked.use is None or asked.decisions is None,
        "use=... and decisions=... both say where the changes come from. Leave one of them out.",
    )
    require(
        asked.reviewer is None or (asked.use in (None, Use.REVIEW) and asked.decisions is None),
        "reviewer=... is for the decisions of a review. Leave it out.",
    )
    if not path.exists():
        raise FileNotFoundError(
            f"There is no {path}, which the run in {asked.folder} audited. Pass data=... with its "
            f"path."
        )
    require(
        not plan.options.annotator,
        f"{path} has labels of several annotators, which fix does not change: {CONSENSUS} in "
        f"{asked.folder} has the label of each sample.",
    )
    _require_target(asked, plan, path, kind_of(path))


def _require_target(asked: Request, plan: Plan, path: Path, kind: str) -> None:
    """Raise unless the copy, or the move, and the log can be written."""
    corrected = asked.corrected
    if corrected is None:
        require(
            kind in FOLDERS,
            f"{path} is no folder with a subfolder for each class: its files cannot be moved. Name "
            f"the corrected copy.",
        )
        require(not asked.drop, "drop=True leaves samples out of a copy. Name the corrected copy.")
        require_unmoved(asked.folder)
        return
    require_no_result(corrected, asked.folder)
    require(
        kind != "shards",
        f"{path} is a folder of tables, which fix does not write. Export the decisions, and join "
        f"them with the tables by their rows.",
    )
    if kind in FOLDERS:
        require_folder(path, corrected)
    elif kind in ARRAYS:
        _require_array_file(plan, path, kind, corrected, force=asked.force)
    else:
        require(
            plan.options.label is not None,
            f"{path} has no column of labels. Correct the labels where they are.",
        )
        require_target(path, corrected, force=asked.force)
    require_free(_log_of(asked), force=asked.force)


def _require_array_file(plan: Plan, path: Path, kind: str, corrected: Path, *, force: bool) -> None:
    """Raise unless a corrected copy of an array, or of the file of its labels, can be written."""
    labels = _labels_of(plan, path, kind)
    if kind_of(labels) not in ("npz", "npy", "idx"):  # a table of labels
        require_target(labels, corrected, force=force)
        return
    form = labels.suffix.lower() if labels.suffix.lower() in (".npz", ".npy", ".gz") else ""
    require(
        corrected.name.lower().endswith(form),
        f"The corrected copy of {labels.name} must be a {form} file; got {corrected.name}.",
    )
    require(
        corrected.resolve() not in (path.resolve(), labels.resolve()),
        f"{corrected} is the data itself, which is never changed. Choose another name.",
    )
    require_free(corrected, force=force)


def _labels_of(plan: Plan, path: Path, kind: str) -> Path:
    """Return the file that holds the labels of an array."""
    if kind == "npz":
        return path
    if kind == "pair":
        return pair_of(path, "train")[1]
    return Path(str(plan.options.labels))


def _fix_folder(asked: Request, path: Path, choices: Choices) -> tuple[Changes, tuple[str, ...]]:
    """Copy a folder with files in the subfolders of their new classes, or move the files."""
    wanted = {each.place: (each.given, each.label) for each in choices.changes}
    settings = Wanted(path.name, "", {}, {}, asked.drop, force=asked.force, origin=choices.source)
    moves: Moves = moves_of(path, wanted, settings)
    if asked.corrected is None:
        with locked(asked.folder):
            move(asked.folder, path, moves.to)
    else:
        copy_folder(path, asked.corrected, moves)
    return moves.changes, moves.renamed


def _fix_file(
    asked: Request,
    plan: Plan,
    path: Path,
    kind: str,
    choices: Choices,
    config: Mapping[str, Any],
    ledger: pd.DataFrame,
) -> Changes:
    """Write a corrected copy of a table, of an array, or of the file of its labels."""
    numeric, corrected = config["model"]["names"] is None, Path(str(asked.corrected))
    arrays = kind in ARRAYS
    rows = [int(each.place) + (1 if arrays else 0) for each in choices.changes]
    labels, given = ([getattr(one, n) for one in choices.changes] for n in ("label", "given"))
    file = _labels_of(plan, path, kind) if arrays else path
    if arrays:
        new, old = dict(zip(rows, labels, strict=True)), dict(zip(rows, given, strict=True))
        wanted = Wanted(
            *(file.name, "", new, old, asked.drop, numeric, asked.force), origin=choices.source
        )
        if kind == "npz":
            return fix_npz(path, corrected, wanted)
        if kind_of(file) in ("npy", "idx"):
            return fix_labels(file, corrected, wanted)
    frame = pd.DataFrame({"row": rows, "given": given, "suggested": labels})
    label = plan.options.label
    if label is None:  # a table of labels alone
        label = str(load(file, kind_of(file)).frame.columns[0])
    return fix(
        file,
        corrected,
        label,
        frame,
        drop=asked.drop,
        force=asked.force,
        numeric=numeric,
        sheet=plan.options.sheet,
        audited=None if arrays else _audited(asked.folder, ledger),
        origin=choices.source,
    )


def _audited(folder: Path, ledger: pd.DataFrame) -> dict[int, int]:
    """Return the fingerprints of the rows of an audit, by their numbers, from its ledger."""
    needed = ["row", "fingerprint"]
    require(
        set(needed) <= set(ledger),
        f"{folder / LEDGER} does not say which rows were audited. Audit again.",
    )
    numbers, marks = (ledger[name].astype(np.uint64).tolist() for name in needed)
    return dict(zip(numbers, marks, strict=True))


def _log_of(asked: Request) -> Path:
    """Return the file of the log: beside the copy, or in the folder of the run."""
    if asked.corrected is None:
        return asked.folder / MANIFEST.replace(".jsonl", CHANGES)
    return asked.corrected.with_name(asked.corrected.name + CHANGES)


def _plan(folder: Path, saved: dict[str, Any]) -> Plan:
    """Return the plan in the config.json of a finished run."""
    try:
        return from_json(saved)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / CONFIG} does not say which table was audited: {error}. Audit again."
        ) from error
