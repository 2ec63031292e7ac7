"""Corrected copies of a folder with a subfolder for each class: of images, or of texts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from secrets import token_hex
from shutil import copy2, rmtree

from selfpaced._errors import require
from selfpaced._files import PARTIAL, sync_folder
from selfpaced.audit._fixing.changes import Changes, Wanted
from selfpaced.audit._reading.folder_kinds import IMAGES, TEXTS, walk
from selfpaced.audit._reading.words import are, listed, printable


@dataclass(frozen=True)
class Moves:
    """Where the files of a folder go.

    Args:
        changes: The changes, counted by class.
        to: The new name of each file that changes, by its name; both relative to the folder.
        out: The names of files that are left out.
        renamed: The files whose name without the class changes, too: the new class has a file of
            their name.
    """

    changes: Changes
    to: Mapping[str, str]
    out: frozenset[str]
    renamed: tuple[str, ...]


def moves_of(folder: Path, wanted: Mapping[str, tuple[str, str]], settings: Wanted) -> Moves:
    """Return where the files of a folder go.

    Args:
        folder: The folder of the data.
        wanted: The given and the new label of each file that changes, by its name.
        settings: Whether files are left out, and what is allowed; its rows are not read.

    Raises:
        ValueError: For a file that is gone, for a label that cannot be the name of a folder, and as
            ``Wanted.changes`` does.
    """
    files = {printable(file.relative_to(folder).as_posix()): file for file in walk(folder)}
    gone = [name for name in wanted if name not in files]
    require(
        not gone,
        f"{folder} has changed since the audit: {listed(gone)} {are(len(gone))} not in it any "
        f"more. Restore the files, or audit again.",
    )
    sampled = [name for name, file in files.items() if _is_sample(name, file)]
    rows = {name: number for number, name in enumerate(sampled, 1)}
    given = {rows[name]: labels[0] for name, labels in wanted.items()}
    new = {rows[name]: labels[1] for name, labels in wanted.items()}
    for label in new.values():
        _require_name(label)
    settings = Wanted(
        folder.name, "", new, given, settings.drop, force=settings.force, origin=settings.origin
    )
    changes = settings.changes([name.split("/")[0] for name in sampled])
    changed = [(sampled[place], str(label)) for place, label in changes.new.items()]
    if settings.drop:
        return Moves(changes, {}, frozenset(name for name, _ in changed), ())
    to, renamed = _free_names(changed, set(files))
    return Moves(changes, to, frozenset(), renamed)


def _is_sample(name: str, file: Path) -> bool:
    """Say whether an audit reads a file: an image or a text in a subfolder, not hidden."""
    parts = name.split("/")
    hidden = any(part.startswith(".") for part in parts)
    return len(parts) > 1 and not hidden and file.suffix.lower() in (*IMAGES, *TEXTS)


def _require_name(label: str) -> None:
    """Raise for a label that cannot be the name of a folder."""
    bad = not label.strip() or label in (".", "..") or bool({"/", "\\", "\0"} & set(label))
    require(
        not bad and not label.startswith("."),
        f"The label {label!r:.60} cannot be the name of a folder. Choose another label.",
    )


def _free_names(
    changed: list[tuple[str, str]], taken: set[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the new names of files; one that is taken gets the former class, and a number."""
    taken, to, renamed = set(taken), {}, []
    for name, label in changed:
        given, _, rest = name.partition("/")
        wanted = new = PurePosixPath(label, rest).as_posix()
        number = 1
        while new in taken:
            more = f"-from-{given}" + (f"-{number}" if number > 1 else "")
            path = PurePosixPath(wanted)
            new = path.with_name(f"{path.stem}{more}{path.suffix}").as_posix()
            number += 1
        if new != wanted:
            renamed.append(new)
        taken.add(new)
        to[name] = new
    return to, tuple(renamed)


def copy_folder(folder: Path, corrected: Path, moves: Moves) -> None:
    """Copy a folder with some of its files in other subfolders; the copy appears when it is whole.

    Files that no audit reads are copied as they are.

    Args:
        folder: The folder of the data; it is not changed.
        corrected: The folder for the copy; it does not exist, or is empty.
        moves: Where files go.

    Raises:
        OSError: If a file cannot be copied; nothing is left then.
    """
    stage = corrected.with_name(f"{PARTIAL}{token_hex(8)}-{corrected.name}")
    try:
        for file in walk(folder):
            name = printable(file.relative_to(folder).as_posix())
            if name in moves.out:
                continue
            inside = moves.to[name] if name in moves.to else file.relative_to(folder).as_posix()
            target = stage / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            copy2(file, target)
        if corrected.is_dir():
            corrected.rmdir()
        os.replace(stage, corrected)
        sync_folder(corrected.parent)
    finally:
        rmtree(stage, ignore_errors=True)


def require_folder(folder: Path, corrected: Path) -> None:
    """Raise unless a corrected copy of a folder can be written to another one.

    Raises:
        FileExistsError: If it exists and is not empty.
        FileNotFoundError: If the folder that is to hold it does not exist.
        ValueError: If one of them is inside the other.
    """
    here, there = folder.resolve(), corrected.resolve()
    require(
        not (there.is_relative_to(here) or here.is_relative_to(there)),
        f"{corrected} and the data in {folder} are inside each other. Choose another folder.",
    )
    if corrected.exists() and (not corrected.is_dir() or any(corrected.iterdir())):
        raise FileExistsError(
            f"{corrected} exists, and a folder of data is never replaced. Choose another name."
        )
    if not corrected.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {corrected.parent} for {corrected.name}. Make it first."
        )
