"""The switch from one result in a folder to the next, as a whole or not at all.

The files of a result are written into a temporary folder. When all are on the disk, it is renamed
to ``READY``: from this moment on the new result counts. Then the files of the earlier result that
the new one lacks are removed, the folder is renamed to ``MOVING``, and its files replace those of
the earlier result. A process that is killed before the first rename leaves the earlier result, and
after it a switch that ``settle`` completes, whoever opens the folder next.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from selfpaced._files import PARTIAL, sync, sync_folder
from selfpaced.audit._folder.files import CONFIG, FILES, SUMMARY, disk_is_full
from selfpaced.audit._folder.lock import locked

# A complete result, before the files of the earlier one that it lacks are removed, and after.
READY, MOVING = ".selfpaced-ready", ".selfpaced-moving"
# For how many seconds a reader waits for a process that switches.
SWITCHING = 10.0


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; its files move into ``folder`` if the block raises no error.

    They replace everything that an earlier run wrote there, including the checkpoint. If the block
    raises, the temporary folder is removed and ``folder`` does not change.

    Args:
        folder: A folder that exists and can be written to; the caller holds its lock.

    Raises:
        OSError: If the disk is full; the run can then be continued from its checkpoint.
        IsADirectoryError: If a folder has the name of a file of the run.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as run:
    ...     with staged(Path(run)) as stage:
    ...         _ = (stage / "summary.md").write_text("All is well.")
    ...     os.listdir(run)
    ['summary.md']
    """
    stage = Path(mkdtemp(prefix=PARTIAL, dir=folder))
    try:
        yield stage
        _publish(stage, folder)
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise OSError(
            f"The disk is full: nothing of the results was written to {folder}. Free some space "
            f"and go on with resume=True."
        ) from error
    finally:
        rmtree(stage, ignore_errors=True)


def settle(folder: Path) -> None:
    """Complete a switch that was interrupted; nothing happens if there was none.

    Raises:
        BlockingIOError: If another process is switching for more than ten seconds.
        OSError: If the folder cannot be written to.
    """
    if _switching(folder):
        with locked(folder, SWITCHING):
            complete(folder)


def complete(folder: Path) -> None:
    """Do what is left of a switch; the caller holds the lock of the folder.

    Each step can be repeated. config.json is moved first: a reader that finds it unchanged has read
    files of one result. The summary is moved last: where it exists, all files do.
    """
    ready, moving = folder / READY, folder / MOVING
    if _is_folder(ready):
        for name in set(FILES) - set(os.listdir(ready)):
            if os.path.lexists(folder / name) and not (folder / name).is_dir():
                (folder / name).unlink()
        (folder / SUMMARY).unlink(missing_ok=True)
        os.replace(ready, moving)
    if _is_folder(moving):
        for name in sorted(os.listdir(moving), key=lambda name: (name != CONFIG, name == SUMMARY)):
            os.replace(moving / name, folder / name)
        moving.rmdir()
        sync_folder(folder)


def remove_partial(folder: Path) -> None:
    """Remove what a killed run left half written; the caller holds the lock of the folder.

    Files that others write here, such as predictions, have no name of a file of a run.
    """
    for path in folder.glob(f"{PARTIAL}*"):
        if _is_folder(path):
            rmtree(path)
        elif path.is_symlink() or path.name.endswith(tuple(FILES)):
            path.unlink()


def _publish(stage: Path, folder: Path) -> None:
    """Begin and complete the switch to the files of a temporary folder."""
    for path in stage.iterdir():
        if (folder / path.name).is_dir():
            raise IsADirectoryError(
                f"{folder / path.name} is a folder, and a run writes a file of that name. "
                f"Move it away and go on with resume=True."
            )
        path.chmod(folder.stat().st_mode & 0o666)  # safetensors lets only the owner read its file
        sync(path)
    sync_folder(stage)
    os.replace(stage, folder / READY)
    sync_folder(folder)
    complete(folder)


def _switching(folder: Path) -> bool:
    """Say whether a switch has begun and is not complete."""
    return _is_folder(folder / READY) or _is_folder(folder / MOVING)


def _is_folder(path: Path) -> bool:
    """Say whether a path is a folder, and not a link to one."""
    return path.is_dir() and not path.is_symlink()
