"""Write files whole or not at all, and read and write tables as Parquet."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from selfpaced._errors import require

if TYPE_CHECKING:
    import pandas

MAGIC = b"PAR1"  # the bytes that begin and end every Parquet file
# Errors of file systems that write names at once, and cannot be asked to.
UNFLUSHED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)
PARTIAL = ".partial-"  # prefix of the name of a file that is not complete yet


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; the file written there replaces ``path``.

    At the end of the block the file and its folder are flushed to the disk, and it is renamed in
    one step. If the block raises, the temporary file is removed, and an existing file at ``path``
    stays as it was. The temporary file is a new one with a name that nobody can guess.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder, "a.txt")) as made:
    ...         _ = made.write_text("whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    made = path.with_name(f"{PARTIAL}{token_hex(8)}-{path.name}")
    os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield made
        sync(made)
        os.replace(made, path)
        sync_folder(path.parent)
    finally:
        made.unlink(missing_ok=True)


def require_free(path: Path, *, force: bool) -> None:
    """Raise for a file that exists, without ``force``, and for one whose folder does not exist."""
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists. Choose another name, or pass force=True.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for {path.name}. Make it first.")


def sync(path: Path) -> None:
    """Flush a file to the disk, and wait for it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Flush the names of the files in a folder to the disk, where the file system can do that."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in UNFLUSHED:
            raise
    finally:
        os.close(folder)


def write_text(text: str, path: Path) -> None:
    r"""Write a text file in UTF-8, whole or not at all.

    Bytes of a file name that are no text, which Python keeps as half a character, become \udcff.

    Raises:
        OSError: If it cannot be written; an existing file stays as it was.
    """
    with replacing(path) as made:
        made.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def write_parquet(frame: "pandas.DataFrame", path: Path) -> None:
    """Write a table as a Parquet file, whole or not at all.

    Raises:
        ModuleNotFoundError: Without pandas or pyarrow; the message names the extra to install.
        OSError: If it cannot be written; an existing file stays as it was.
    """
    _require_parquet("write_parquet")
    with replacing(path) as made:
        with made.open("wb") as file:  # Arrow takes paths as UTF-8, whatever the locale is
            frame.to_parquet(file, engine="pyarrow")


def read_parquet(path: Path) -> "pandas.DataFrame":
    """Read a table that ``write_parquet`` wrote; lists come back as arrays.

    Raises:
        ModuleNotFoundError: Without pandas or pyarrow; the message names the extra to install.
        ValueError: For a file that is not Parquet, is cut short or is damaged.
        OSError: If it cannot be read.
    """
    _require_parquet("read_parquet")
    _check_magic(path)
    import pandas

    try:
        with path.open("rb") as file:  # as above
            return pandas.read_parquet(file, engine="pyarrow")
    except (ValueError, OSError) as damaged:
        said = str(damaged).splitlines()[0]
        raise ValueError(f"{path} is a damaged Parquet file: {said}") from damaged


def _require_parquet(owner: str) -> None:
    """Raise unless pandas and pyarrow are installed."""
    try:
        import_module("pandas")
        import_module("pyarrow")
    except ModuleNotFoundError as missing:
        message = f'{owner} needs pandas and pyarrow: pip install "selfpaced[audit]"'
        raise ModuleNotFoundError(message, name=missing.name) from missing


def _check_magic(path: Path) -> None:
    """Raise for a file that is not Parquet or that is cut short."""
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(-min(path.stat().st_size, len(MAGIC)), os.SEEK_END)
        end = file.read()
    require(start != b"", f"{path} is not a Parquet file: it is empty.")
    require(start.startswith(MAGIC), f"{path} is not a Parquet file; it begins with {start!r}.")
    require(
        end == MAGIC,
        f"{path} is a Parquet file that is cut short. Write it again, or copy the whole file.",
    )
