"""What the commands share: one voice for errors, one kind of bar."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

RANKS = "RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK"  # as launchers tell it


@contextmanager
def refusing(debug: bool = False, code: int = 2) -> Iterator[None]:
    """Print what the user can mend as one red line on stderr, and exit.

    Other errors are bugs, and keep their traceback.

    Args:
        debug: Raise the error itself.
        code: To exit with.
    """
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        if debug:
            raise
        say_error(_how_to_install(error) or str(error))
        raise typer.Exit(code) from error


def errors_in_one_line() -> AbstractContextManager[None]:
    """Print what the user can mend as one red line, and exit 1."""
    return refusing(code=1)


def say_error(text: str) -> None:
    """Print one red line on stderr; of several processes the first one does."""
    line = " ".join(text.split())
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[red]{escape(line)}[/]", highlight=False, soft_wrap=True)


def say_stopped(text: str, command: str) -> None:
    """Print on stderr that the user stopped it, and the command to go on with."""
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
    stderr.print(f"  {escape(command)}", highlight=False, soft_wrap=True)


def is_main() -> bool:
    """Say whether this is the only process, or the first of those that a launcher started."""
    ranks = (os.environ[name] for name in RANKS if name in os.environ)
    return int(next(ranks, "0")) == 0


def _how_to_install(error: Exception) -> str:
    """Return what to do about a package that is not installed, where the error does not say it."""
    if not isinstance(error, ModuleNotFoundError) or "pip install" in str(error):
        return ""
    return f'{error.name} is needed and not installed: pip install "selfpaced[all]"'


def writable(folder: Path) -> Path:
    """Make the folder, or raise while nothing is lost yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"--output: cannot make the folder {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"--output: {folder} cannot be written to. Choose another folder.")
    return folder


def bars(console: Console) -> Progress:
    """Make a bar per task with its task's ``note``; nothing is drawn where nobody watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one core: in so small a network, threads mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
