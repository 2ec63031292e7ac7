"""Who may write to a folder: a run, if nothing of others would be replaced."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from selfpaced._errors import require
from selfpaced._files import PARTIAL
from selfpaced.audit._folder.files import CHECKPOINT, FILES, MARKS_OF_A_RUN
from selfpaced.audit._folder.lock import LOCK, locked
from selfpaced.audit._folder.staging import complete, remove_partial


@contextmanager
def claimed(folder: Path, *, force: bool, resume: bool) -> Iterator[None]:
    """Create the folder of a run and hold its lock within the block.

    What a run that was killed left half written is removed; a switch to its result that had begun
    is completed.

    Args:
        folder: The folder; it may exist. Missing parents are created.
        force: The folder may hold an earlier run; ``staged`` replaces its files and no others.
        resume: The folder may hold a run, which will be continued.

    Raises:
        FileExistsError: For a folder that is not empty, without ``force`` or ``resume``; with
            ``force``, for a folder that holds files with the names of a run but no run.
        NotADirectoryError: If the path is a file.
        BlockingIOError: If another process writes to the folder.
        ValueError: For ``force`` and ``resume`` together.
        OSError: For a folder that cannot be written to.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as parent:
    ...     with claimed(Path(parent, "run"), force=False, resume=False):
    ...         os.listdir(parent)
    ['run']
    """
    require(not (force and resume), "Choose force=True or resume=True; got both.")
    new = not (force or resume)
    if folder.is_file():
        raise NotADirectoryError(
            f"{folder} is a file, and a run writes to a folder. Choose another name."
        )
    if new:
        _require_empty(folder)
    _make(folder)
    with locked(folder):
        if new:
            _require_empty(folder)  # another run may have come and gone
        else:
            complete(folder)
            if force:
                _require_run(folder)
            remove_partial(folder)
        yield


def _require_empty(folder: Path) -> None:
    """Raise for a folder that holds files."""
    if folder.is_dir() and any(path.name != LOCK for path in folder.iterdir()):
        raise FileExistsError(
            f"{folder} exists. Choose another folder, or pass force=True to replace an earlier "
            f"run, or resume=True to go on with it."
        )


def _make(folder: Path) -> None:
    """Create the folder if it does not exist, and check that files can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(prefix=PARTIAL, dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written to: {error.strerror}. Choose another folder."
        ) from error


def _require_run(folder: Path) -> None:
    """Raise if files have the names of a run but there is no run: they would be replaced."""
    present = [name for name in FILES if os.path.lexists(folder / name)]
    if not MARKS_OF_A_RUN <= set(present) and set(present) - {CHECKPOINT}:
        raise FileExistsError(
            f"{folder} holds {', '.join(present)}, but no earlier run. Choose another folder."
        )
