"""The lock of a folder: one process at a time writes to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

# The file that is locked while a run writes to its folder; it holds the number of the process.
LOCK = ".lock"


@contextmanager
def locked(folder: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a folder within the block.

    The operating system gives up the lock of a process that ends, however it ends. The file is
    removed at the end of the block; one that a killed process left locks nothing.

    Args:
        folder: A folder that exists.
        wait: For how many seconds to wait for another process.

    Raises:
        BlockingIOError: If another process holds the lock; the error names it.
        OSError: If the folder cannot be written to, or the lock file is a link.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as run:
    ...     with locked(Path(run)):
    ...         os.listdir(run)
    ...     os.listdir(run)
    ['.lock']
    []
    """
    path = folder / LOCK
    lock = FileLock(path, timeout=wait)
    try:
        lock.acquire()
    except Timeout as error:
        raise BlockingIOError(
            f"{folder} is in use: {_holder(path)} writes to it. Wait until it has ended, or choose "
            f"another folder."
        ) from error
    try:
        with suppress(OSError):  # Windows keeps others from writing to a locked file
            path.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        with suppress(OSError):  # Windows removes it itself
            path.unlink()
        lock.release()


def _holder(path: Path) -> str:
    """Return which process holds the lock."""
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        number = ""
    return f"process {number}" if number.isdecimal() else "another process"
