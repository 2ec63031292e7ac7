"""What all commands share: errors in one line, progress bars, and the folder for the results."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from selfpaced._cli.flags import in_flags

# Environment variables in which launchers (torchrun, Intel MPI, Open MPI, MVAPICH2) put the rank of
# a process.
RANKS = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")


@contextmanager
def errors_in_one_line(*, debug: bool = False, code: int = 2) -> Iterator[None]:
    """Print an error that the user can correct as one red line on stderr, and exit.

    Settings that the error names are written as flags. Other errors are bugs and keep their
    traceback.

    Args:
        debug: Raise the error itself, with its traceback.
        code: The exit code.
    """
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        if debug:
            raise
        say_error(_how_to_install(error) or in_flags(str(error)))
        raise typer.Exit(code) from error


def say_error(text: str) -> None:
    """Print one red line on stderr; of several processes, only the first one prints."""
    line = " ".join(text.split())
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[red]{escape(line)}[/]", highlight=False, soft_wrap=True)


def say_stopped(text: str, command: str) -> None:
    """Print on stderr that the run was stopped, and the command that continues it."""
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
    stderr.print(f"  {escape(command)}", highlight=False, soft_wrap=True)


def is_main() -> bool:
    """Say whether this is the only process, or the first of those that a launcher started."""
    ranks = (os.environ[name] for name in RANKS if name in os.environ)
    return int(next(ranks, "0")) == 0


def _how_to_install(error: Exception) -> str:
    """Return how to install a missing package; "" if the error says so or is of another kind."""
    if not isinstance(error, ModuleNotFoundError) or "pip install" in str(error):
        return ""
    return f'{error.name} is needed and not installed: pip install "selfpaced[all]"'


def writable(folder: Path) -> Path:
    """Create the folder if needed and return it; raise before any work if it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"--output: cannot make the folder {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"--output: {folder} cannot be written to. Choose another folder.")
    return folder


def bars(console: Console) -> Progress:
    """Return progress bars whose tasks have a field ``note``; drawn on a terminal only."""
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
    """Compute with one thread: in a small network several threads mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
