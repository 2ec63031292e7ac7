"""What the commands share: one voice for errors, one kind of bar."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Print what the user can mend as one red line, and exit 1."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError) as error:
        stderr = Console(stderr=True)
        stderr.print(f"[red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


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
