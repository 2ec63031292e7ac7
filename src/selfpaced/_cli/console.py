"""What all commands share: what they print, errors in one line, and the folder for results."""

import errno
import json
import math
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import typer
from rich import console as rich_console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from selfpaced._cli.flags import in_flags
from selfpaced._errors import causes
from selfpaced._text import on_one_line, visible
from selfpaced.audit._learning.launcher import is_main

# The signal of a reader that left; Windows has none, but the same exit status.
SIGPIPE = getattr(signal, "SIGPIPE", 13)
# The error of a file that would be larger than the limit of this process (``ulimit -f``).
TOO_LARGE = (
    "A file could not be written: it would be larger than files may be here (ulimit -f). Raise the "
    "limit, or choose a folder on another disk."
)


class Console(rich_console.Console):
    """A console on which text of the user is text: it steers no terminal and stands for no emoji.

    Args:
        quiet: Print nothing.
        stderr: Print on the standard error instead of the standard output.
    """

    def __init__(self, *, quiet: bool = False, stderr: bool = False) -> None:
        """Set up the console; numbers and the like get no colours of their own."""
        super().__init__(quiet=quiet, stderr=stderr, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401  # those of rich
        """Return text to print, with its control characters written out."""
        return super().render_str(visible(text), **options)

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401  # those of rich
        """Print what was collected; see ``printing`` for what happens if that is not possible."""
        with printing(sys.stderr if self.stderr else sys.stdout):
            super().__exit__(*error)

    def on_broken_pipe(self) -> None:
        """Leave a broken pipe to ``printing``."""
        raise  # rich calls this while it handles the error


@contextmanager
def printing(stream: TextIO) -> Iterator[None]:
    """End the program if the block cannot print: without a word if nobody reads it any more."""
    try:
        yield
    except BrokenPipeError:
        _give_up(stream)
        raise SystemExit(128 + SIGPIPE) from None
    except OSError as error:
        _give_up(stream)
        if stream is not sys.stderr:
            say_error(f"The standard output cannot be written to: {error.strerror}.")
        raise SystemExit(2) from None


def _give_up(stream: TextIO) -> None:
    """Let all that is still to be printed on a stream go nowhere."""
    with suppress(OSError, ValueError):  # of a stream that is no file, as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say_json(told: dict[str, Any]) -> None:
    """Print one JSON object in ASCII; numbers that are not finite are null, as JSON has none."""
    text = json.dumps(_finite(told), allow_nan=False).replace("\x7f", "\\u007f")
    with printing(sys.stdout):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _finite(value: object) -> object:
    """Return a value with None in place of numbers that are not finite."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def errors_in_one_line(
    *, debug: bool = False, quiet: bool = False, code: int = 2
) -> Iterator[None]:
    """Print an error that the user can correct as one red line on stderr, and exit.

    Settings that the error names are written as flags. Other errors are bugs and keep their
    traceback.

    Args:
        debug: Raise the error itself, with its traceback.
        quiet: Let no warning be printed.
        code: The exit code.
    """
    try:
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter("ignore")
            yield
    except Exception as error:
        told = TOO_LARGE if _is_too_large(error) else in_flags(str(error))
        user_errors = (ValueError, OSError, ImportError, MemoryError)
        if debug or not (isinstance(error, user_errors) or told is TOO_LARGE):
            raise
        say_error(_out_of_memory(error) or _how_to_install(error) or told)
        raise typer.Exit(code) from error


def _is_too_large(error: BaseException) -> bool:
    """Say whether an error, or one that it came from, is that of a file above the size limit."""
    return any(isinstance(each, OSError) and each.errno == errno.EFBIG for each in causes(error))


def say_error(text: str) -> None:
    """Print one red line on stderr; of several processes, only the first one prints."""
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[red]{escape(on_one_line(text))}[/]", soft_wrap=True)


def say_warning(message: Warning | str, *_: object) -> None:
    """Print a warning as one yellow line on stderr; of several processes, only the first does."""
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[yellow]{escape(on_one_line(str(message)))}[/]", soft_wrap=True)


def say_stopped(text: str, command: str) -> None:
    """Print on stderr that the run was stopped, and the command that continues it, if any."""
    stderr = Console(stderr=True, quiet=not is_main())
    stderr.print(f"[yellow]{escape(text)}[/]", soft_wrap=True)
    if command:
        stderr.print(f"  {escape(command)}", soft_wrap=True)


def _out_of_memory(error: Exception) -> str:
    """Return what to do if the memory is used up; "" for another error."""
    if not isinstance(error, MemoryError):
        return ""
    return "The memory is used up. Give fewer rows, leave out columns, or close other programs."


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
