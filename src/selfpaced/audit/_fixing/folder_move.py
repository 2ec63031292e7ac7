"""Move files of a folder to the subfolders of their new classes, and back.

The names are written to a manifest in the folder of the run before the first file moves, so that a
move that was interrupted can be completed or undone.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from selfpaced._errors import require
from selfpaced._files import sync_folder, write_text
from selfpaced.audit._reading.words import are, count, listed

# The name of the manifest in the folder of a run.
MANIFEST = "moved.jsonl"
# The version of the manifest.
VERSION = 1


class Moved(NamedTuple):
    """The moves of a manifest.

    Args:
        folder: The folder of the data.
        to: The new name of each file by its former one, relative to the folder.
    """

    folder: Path
    to: dict[str, str]


def move(run: Path, folder: Path, to: Mapping[str, str]) -> None:
    """Move files within a folder; the caller holds the lock of the run.

    Args:
        run: The folder of the run, for the manifest.
        folder: The folder of the data.
        to: The new name of each file by its name, relative to the folder.

    Raises:
        FileExistsError: If there is a manifest of an earlier move.
        OSError: If a file cannot be moved; the manifest says what is to be done.
    """
    require_unmoved(run)
    unnamed = [name for name in to if not (folder / name).exists()]
    require(
        not unnamed,
        f"The names of {listed(unnamed)} are no text, and cannot be written to a manifest. Rename "
        f"the files, or write a corrected copy.",
    )
    head = {
        "version": VERSION,
        "folder": str(folder.resolve()),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    lines = [json.dumps(each) for each in (head, *({"from": a, "to": b} for a, b in to.items()))]
    write_text("\n".join(lines) + "\n", run / MANIFEST)
    complete(Moved(folder, dict(to)))


def complete(moved: Moved) -> None:
    """Move the files that are still where they were."""
    for before, after in moved.to.items():
        if (moved.folder / before).exists():
            _rename(moved.folder / before, moved.folder / after)


def undo(run: Path) -> int:
    """Move the files of a manifest back, and remove it; the caller holds the lock of the run.

    Returns:
        How many files were moved back.

    Raises:
        FileNotFoundError: Without a manifest.
        ValueError: For a manifest that is damaged, and for files that are gone, or whose former
            name is taken: nothing is moved then.
    """
    moved = read_manifest(run)
    back = {a: b for a, b in moved.to.items() if (moved.folder / b).exists()}
    taken = [a for a in back if (moved.folder / a).exists()]
    gone = [b for a, b in moved.to.items() if a not in back and not (moved.folder / a).exists()]
    require(
        not taken,
        f"{moved.folder} has other files now where {listed(taken)} {are(len(taken))} to go back. "
        f"Move them away.",
    )
    require(
        not gone,
        f"{moved.folder} does not have {listed(gone)} any more. Restore the "
        f"{count(len(gone), 'file')}.",
    )
    for before, after in back.items():
        _rename(moved.folder / after, moved.folder / before)
        parent = (moved.folder / after).parent
        if parent != moved.folder and not any(parent.iterdir()):
            parent.rmdir()
    (run / MANIFEST).unlink()
    return len(back)


def read_manifest(run: Path) -> Moved:
    """Read the manifest of a run; raises as ``undo`` does."""
    path = run / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path}: no files of this run were moved.")
    try:
        head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        known = isinstance(head, dict) and head["version"] == VERSION
        to = {str(line["from"]): str(line["to"]) for line in lines}
        folder = Path(head["folder"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. Restore it.") from error
    inside = all(_is_inside(name) for pair in to.items() for name in pair)
    require(known and inside, f"{path} is not a manifest that this version reads. Restore it.")
    return Moved(folder, to)


def require_unmoved(run: Path) -> None:
    """Raise if files of a run were moved before."""
    if (run / MANIFEST).exists():
        raise FileExistsError(
            f"Files of the run in {run} were moved before: see {MANIFEST}. Pass undo=True to move "
            f"them back first."
        )


def _is_inside(name: str) -> bool:
    """Say whether a name of a manifest stays in the folder."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _rename(before: Path, after: Path) -> None:
    """Move a file; an existing one is never replaced."""
    after.parent.mkdir(parents=True, exist_ok=True)
    if after.exists():
        raise FileExistsError(f"{after} exists: {before} is not moved there. Move it away.")
    os.rename(before, after)
    sync_folder(after.parent)
