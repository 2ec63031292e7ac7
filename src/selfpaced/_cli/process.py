"""The process of a command: its streams, the signals that end it, and its last errors."""

import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from selfpaced._cli.console import say_error, say_warning
from selfpaced._text import visible


class Terminated(SystemExit):
    """The end of the program by SIGTERM: blocks unwind as for Ctrl-C, and clean up."""

    code: int


class Commands(TyperGroup):
    """Commands whose errors show control characters of the command line written out."""

    def make_context(self, *words: Any, **more: Any) -> Any:  # noqa: ANN401  # those of typer
        """Read the options that stand before the command."""
        with _plain_errors():
            return super().make_context(*words, **more)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # those of typer
        """Read the options of the command, and run it."""
        with _plain_errors():
            return super().invoke(ctx)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Write out the control characters in an error about the words of the command line."""
    try:
        yield
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "message"):
            error.message = visible(str(error.message))
        raise


def run(command: Callable[[], object]) -> None:
    """Run a command, and exit: with status 1 after a bug, whose traceback is printed.

    SIGTERM unwinds the command; see ``Terminated``. Our warnings are one line; those of libraries
    are for programmers, and shown with ``python -W`` only.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", module="selfpaced")
        warnings.showwarning = say_warning  # type: ignore[assignment]  # takes any arguments
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    try:
        command()
    except Exception as error:
        if isinstance(error, OSError) and "--debug" not in sys.argv:  # the help cannot be printed
            say_error(str(error))
            sys.exit(2)
        sys.stderr.write(visible(traceback.format_exc()))
        sys.exit(1)


def _terminate(number: int, _: object) -> None:
    """Handle SIGTERM: end the program once; further signals do not disturb its cleaning up."""
    signal.signal(number, signal.SIG_IGN)
    raise Terminated(128 + number)
