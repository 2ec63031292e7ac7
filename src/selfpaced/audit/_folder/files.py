"""The folder of a run: claimed before it begins, and filled at once when it is over."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, TemporaryFile

from selfpaced._errors import require
from selfpaced._files import PARTIAL, sync

FILES = {
    "summary.md": "this page",
    "suspects.csv": "the labels that are probably wrong, most suspicious first",
    "suspects.png": "a picture of them",
    "conflicts.csv": "samples that stand there more than once, with different labels",
    "curves.png": "the training: what was kept, and the loss",
    "ledger.parquet": "every sample, in the order of the file, with all that is known of it",
    "history.parquet": "every epoch",
    "model.safetensors": "the weights of the trained model",
    "model.joblib": "the trained model",
    "config.json": "what was asked for, and how that model is built",
    "features.joblib": "how a row becomes the numbers that the model reads",
    "checkpoint.pt": "the training itself, to go on with",
}  # all that a run writes, and what it is
LAST = "summary.md"  # is written last: where it is, all is
OURS = {"ledger.parquet", "config.json"}  # no other program writes both
FULL = errno.ENOSPC, errno.EDQUOT


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder whose files move into ``folder`` when the block ends well.

    They replace all that an earlier run wrote there, and the checkpoint. When the block raises, the
    temporary folder is removed and nothing in ``folder`` has changed.

    Args:
        folder: Exists and can be written to.

    Raises:
        OSError: When the disk is full, in one line; the advice is to go on with ``--resume``.
        IsADirectoryError: Where a folder stands in the place of a file.

    >>> with TemporaryDirectory() as run:
    ...     with staged(Path(run)) as stage:
    ...         _ = (stage / "summary.md").write_text("All is well.")
    ...     os.listdir(run)
    ['summary.md']
    """
    try:
        with TemporaryDirectory(prefix=PARTIAL, dir=folder) as stage:
            yield Path(stage)
            _publish(Path(stage), folder)
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise OSError(
            f"The disk is full: nothing of the results was written to {folder}. Free some space "
            f"and go on with --resume."
        ) from error


def claim(folder: Path, *, force: bool, resume: bool) -> None:
    """Make the folder of a run, or raise for one that holds something.

    Args:
        folder: May exist; its parents need not.
        force: An earlier run may be there; ``staged`` replaces what it wrote, and nothing else.
        resume: A run may be there, to go on with.

    Raises:
        FileExistsError: For a folder that is not empty, without ``force`` or ``resume``; with
            ``force`` for one that holds files of our names but no run.
        NotADirectoryError: For a file.
        ValueError: For ``force`` and ``resume`` together.
        OSError: For a folder that cannot be written to.

    >>> with TemporaryDirectory() as parent:
    ...     claim(Path(parent, "run"), force=False, resume=False)
    ...     os.listdir(parent)
    ['run']
    """
    require(not (force and resume), "Choose --force or --resume; got both.")
    if folder.is_file():
        raise NotADirectoryError(
            f"{folder} is a file, and a run writes to a folder. Choose another name."
        )
    if not (force or resume) and folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder} exists. Choose another folder, or pass --force to replace what an earlier "
            f"run wrote, or --resume to go on with it."
        )
    _make(folder)
    if force:
        _require_run(folder)
    if force or resume:
        _remove_partial(folder)


def require_no_result(path: Path, folder: Path) -> None:
    """Raise for a file that a run in this folder would write, or has written.

    >>> require_no_result(Path("run/reviews.csv"), Path("run"))
    >>> require_no_result(Path("run/suspects.csv"), Path("run"))
    Traceback (most recent call last):
    ValueError: run/suspects.csv is a file of the run itself. Choose another name or folder.
    """
    inside = path.resolve().parent == folder.resolve()
    require(
        not (inside and path.name in FILES),
        f"{path} is a file of the run itself. Choose another name or folder.",
    )


def _make(folder: Path) -> None:
    """Make the folder where there is none, and try to write to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(prefix=PARTIAL, dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written to: {error.strerror}. Choose another folder."
        ) from error


def _require_run(folder: Path) -> None:
    """Raise where the names are ours and the files are not."""
    there = [name for name in FILES if os.path.lexists(folder / name)]
    if not OURS <= set(there) and set(there) - {"checkpoint.pt"}:
        raise FileExistsError(
            f"{folder} holds {', '.join(there)}, but no earlier run. Choose another folder."
        )


def _remove_partial(folder: Path) -> None:
    """Remove what a run that was killed left half written."""
    for path in folder.glob(f"{PARTIAL}*"):
        if path.is_dir() and not path.is_symlink():
            rmtree(path)
        else:
            path.unlink()


def _publish(stage: Path, folder: Path) -> None:
    """Move all files, once every one of them is on the disk, and remove those of before."""
    made = sorted(stage.iterdir(), key=lambda path: (path.name == LAST, path.name))
    for path in made:
        if (folder / path.name).is_dir():
            raise IsADirectoryError(
                f"{folder / path.name} is a folder, and a run writes a file of that name. "
                f"Move it away and go on with --resume."
            )
        path.chmod(folder.stat().st_mode & 0o666)  # safetensors hides its file from others
        sync(path)
    if any(path.name == LAST for path in made):
        (folder / LAST).unlink(missing_ok=True)
    for path in made:
        os.replace(path, folder / path.name)
    for name in set(FILES) - {path.name for path in made}:
        if os.path.lexists(folder / name) and not (folder / name).is_dir():
            (folder / name).unlink()


def disk_is_full(error: BaseException | None) -> bool:
    """Say whether an error, or one that led to it, came of a full disk or a used-up quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if "No space left on device" in str(error):  # as safetensors says it
            return True
        error = error.__cause__ or error.__context__
    return False
