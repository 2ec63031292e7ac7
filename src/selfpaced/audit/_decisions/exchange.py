"""Take the samples of a run to another program, and the decisions back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from selfpaced._errors import require
from selfpaced._files import require_free, write_text
from selfpaced._page.content import Case, Gallery
from selfpaced.audit._cases.file import read_gallery
from selfpaced.audit._decisions.label_studio import Answer, answers, as_text, interface, tasks
from selfpaced.audit._decisions.store import Action, Decision, Decisions
from selfpaced.audit._fixing.decision_file import (
    KEEP,
    REVIEWER,
    UNSURE,
    Sheet,
    lines_of,
    read_sheet,
)
from selfpaced.audit._fixing.spelling import key
from selfpaced.audit._fixing.suspects_file import OURS
from selfpaced.audit._folder.config import read_config
from selfpaced.audit._folder.files import CASES, require_no_result
from selfpaced.audit._folder.seal import unbroken
from selfpaced.audit._folder.tables import csv_text

# The formats of files, by suffix: of Label Studio, and of tables.
LABEL_STUDIO, LINES, TABLE = ".json", ".jsonl", ".csv"
# The end of the name of the labelling interface beside a file for Label Studio.
INTERFACE = ".interface.xml"
# The column of an exported table for the sample.
SAMPLE = "sample"


class Opened(NamedTuple):
    """A run whose decisions are exchanged.

    Args:
        gallery: Its samples.
        decisions: Its decisions.
        names: The names of our columns in its files.
        place: The column of the places.
        cases: Its samples by their places.
    """

    gallery: Gallery
    decisions: Decisions
    names: Mapping[str, str]
    place: str
    cases: Mapping[str, Case]


class Imported(NamedTuple):
    """What was imported: the number of decisions, by whom, and how many samples were skipped."""

    decisions: int
    people: tuple[str, ...]
    skipped: int


def export_to(folder: Path, path: Path, *, force: bool = False) -> list[Path]:
    """Write the samples of a run, and what was decided so far, for another program.

    Args:
        folder: The folder of the run.
        path: The file: .json for Label Studio, beside which its labelling interface is written;
            .jsonl or .csv for other programs.
        force: Replace files that exist.

    Returns:
        The files.

    Raises:
        FileNotFoundError: For a folder without a run.
        FileExistsError: For a file that exists, without ``force``.
        ValueError: For another format.
    """
    opened = _open(folder)
    form = path.suffix.lower()
    require(
        form in (LABEL_STUDIO, LINES, TABLE),
        f"{path.name} has no known format: .json is for Label Studio, .jsonl and .csv for others.",
    )
    require_no_result(path, folder)
    written = {path: _text_of(opened, form)}
    if form == LABEL_STUDIO:
        written[path.with_name(path.name + INTERFACE)] = interface(opened.gallery)
    for file in written:
        require_free(file, force=force)
    for file, text in written.items():
        write_text(text, file)
    return list(written)


def _open(folder: Path) -> Opened:
    """Open a run."""
    config = read_config(folder)
    with unbroken(folder, config, (CASES,)):
        gallery = read_gallery(folder)
    names = {ours: ours for ours in OURS} | (config["run"].get("columns") or {})
    cases = {case.sample.place: case for case in gallery.cases}
    return Opened(gallery, Decisions(folder, config), names, gallery.place, cases)


def _text_of(opened: Opened, form: str) -> str:
    """Return the samples in a format."""
    if form == LABEL_STUDIO:
        told = tasks(opened.gallery, opened.decisions.run)
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    rows = _rows(opened)
    if form == TABLE:
        return csv_text(pd.DataFrame(rows))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _rows(opened: Opened) -> list[dict[str, Any]]:
    """Return a row for each sample, and for each decision about it."""
    latest, rows = opened.decisions.latest(), []
    for case in opened.gallery.cases:
        decided: Sequence[Decision | None] = [*latest.get(case.sample.place, {}).values()] or [None]
        rows += [_row(opened, case, each) for each in decided]
    return rows


def _row(opened: Opened, case: Case, decision: Decision | None) -> dict[str, Any]:
    """Return a sample and a decision about it."""
    names = opened.names
    return {
        names[opened.place]: case.sample.place,
        names["given"]: case.given,
        names["suggested"]: case.suggested,
        names["probability"]: round(case.probability or 0, 4),
        names["decision"]: "" if decision is None else decision.action,
        names["new_label"]: "" if decision is None else decision.label or "",
        REVIEWER: "" if decision is None else decision.by,
        SAMPLE: as_text(case),
    }


def import_from(
    folder: Path, path: Path, reviewer: str | None = None, *, force: bool = False
) -> Imported:
    """Add the decisions of a file to those of a run: all of them, or none.

    Args:
        folder: The folder of the run.
        path: An export of Label Studio (.json), or a table with the column decision or new_label
            (.csv, .tsv, .txt, .xlsx or .jsonl).
        reviewer: The name of the person who decided; None for the names in the file.
        force: Allow labels that are no class of the run.

    Raises:
        FileNotFoundError: For a folder without a run, and without the file.
        ValueError: For a file that cannot be read, for decisions about samples that the run does
            not list, and for labels that are no class, without ``force``.
    """
    opened = _open(folder)
    skipped = 0
    if path.suffix.lower() == LABEL_STUDIO:
        given, skipped = _answers(path, opened.decisions.run, reviewer)
        made = [
            _labelled(opened, each.place, each.label, each.by, each.at or "", path.name)
            for each in given
        ]
    else:
        made = _of_table(opened, path, reviewer)
    _require_known(opened, path, made, force=force)
    require(bool(made), f"{path} holds no decision.")
    opened.decisions.add_all(made)
    return Imported(len(made), tuple(sorted({each.by for each in made})), skipped)


def _answers(path: Path, run: str, reviewer: str | None) -> tuple[list[Answer], int]:
    """Return the labels of an export of Label Studio, and how many tasks were skipped there."""
    exported = _json(path)
    try:
        return answers(exported, run, reviewer)
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            f"{path} is no export of Label Studio that can be read ({error}). Export it again as "
            f"JSON or JSON_MIN."
        ) from error


def _json(path: Path) -> object:
    """Read a JSON file."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path}. Check the name.")
    try:
        told: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}. Export it again.") from error
    return told


def _labelled(opened: Opened, place: str, label: str, by: str, at: str, source: str) -> Decision:
    """Return the decision that a label means: to keep it, if it is the given one."""
    case = opened.cases.get(place)
    if case is not None and key(label) == key(case.given):
        return Decision(place, "keep", None, by, at, source)
    return Decision(place, "change", _spelled(opened, label), by, at, source)


def _of_table(opened: Opened, path: Path, reviewer: str | None) -> list[Decision]:
    """Return the decisions of a table, of each reviewer apart."""
    names, cases = opened.names, opened.cases
    wanted = (names[opened.place], names["decision"], names["new_label"])
    sheet, made = read_sheet(path, wanted), []
    for by, part in _by_reviewer(sheet, path, reviewer):
        for line in lines_of(path, part, names, opened.place):
            if line.decision in (KEEP, UNSURE):
                action: Action = "keep" if line.decision == KEEP else "unsure"
                made.append(Decision(line.place, action, None, by, "", path.name))
                continue
            suggested = cases[line.place].suggested if line.place in cases else ""
            label = suggested if line.label is None else line.label
            made.append(_labelled(opened, line.place, label, by, "", path.name))
    return made


def _spelled(opened: Opened, label: str) -> str:
    """Return a label as the run spells it: 1.0 is the class 1."""
    if label in opened.gallery.classes:
        return label
    return next((name for name in opened.gallery.classes if key(name) == key(label)), label)


def _by_reviewer(sheet: Sheet, path: Path, reviewer: str | None) -> list[tuple[str, Sheet]]:
    """Return the rows of each reviewer; without names all are of the file."""
    if reviewer is not None or REVIEWER not in sheet.names:
        return [(reviewer or path.name, sheet)]
    column = sheet.names.index(REVIEWER)
    people: dict[str, list[list[str]]] = {}
    for row in sheet.rows:
        people.setdefault(row[column].strip() or path.name, []).append(row)
    return [(by, Sheet(sheet.names, rows)) for by, rows in people.items()]


def _require_known(opened: Opened, path: Path, made: Sequence[Decision], *, force: bool) -> None:
    """Raise for samples that the run does not list, and for labels that are no class."""
    strange = [each.place for each in made if each.place not in opened.cases]
    if strange:
        more = f", and {len(strange) - 1:,} more" if len(strange) > 1 else ""
        raise ValueError(
            f"{path} decides about {strange[0]!r:.60}{more}, which the run does not list. Is it of "
            f"another run?"
        )
    classes = set(opened.gallery.classes)
    new = [each.label for each in made if each.label is not None and each.label not in classes]
    if classes and new and not force:
        raise ValueError(
            f"{path} gives the label {new[0]!r:.60}, which is no class of the run. Correct it, or "
            f"pass force=True to add the class."
        )
