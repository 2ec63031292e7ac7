"""What a terminal shows while a model is trained, and how a user stops the training."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from selfpaced._cli.console import Console

if TYPE_CHECKING:
    from selfpaced.audit._run import Epoch

# The number of epochs that the table shows: the last ones.
ROWS = 8
# The columns of the table: epoch, mean loss of the kept samples, kept share, and number of labels
# that look wrong so far.
HEADS = ("epoch", "loss", "kept", "in doubt")
# Signals less than this many seconds apart are one request: a launcher passes Ctrl-C on.
SAME_REQUEST = 0.5


class Picture:
    """A table of the last epochs, and a progress bar with the remaining time.

    Args:
        progress: Returns the share of the training that is done, from 0 to 1.
    """

    def __init__(self, progress: Callable[[], float]) -> None:
        """Start with an empty table."""
        self.progress = progress
        self.rows: tuple[tuple[str, ...], ...] = ()
        columns = (
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        self.bar = Progress(*columns, speed_estimate_period=60)
        self.task = self.bar.add_task("training", total=1.0)
        self.pulse()

    def pulse(self) -> None:
        """Move the bar to where the training is."""
        self.bar.update(self.task, completed=self.progress())

    def watch(self, epoch: "Epoch") -> None:
        """Add a finished epoch to the table."""
        row = (
            f"{epoch.number} of {epoch.of}",
            f"{epoch.loss:.3f}",
            f"{epoch.kept:.1%}",
            f"{epoch.doubted:,}",
        )
        self.rows = (*self.rows, row)[-ROWS:]

    def __rich__(self) -> Group:
        """Draw the table and the bar."""
        table = Table(*HEADS, box=None, header_style="bold")
        for column in table.columns:
            column.justify = "right"
        for row in self.rows:
            table.add_row(*row)
        return Group(table, self.bar)


def watched(console: Console) -> bool:
    """Say whether the console is a terminal that shows something."""
    return console.is_terminal and not console.quiet


@contextmanager
def reading(path: Path, console: Console) -> Iterator[None]:
    """Show on a terminal what is read, and of a large file how far reading is."""
    from selfpaced.audit._reading.progress import listening

    what = f"Reading {escape(str(path))}"
    with (
        console.status(console.render_str(what)) as status,
        listening(lambda far: status.update(console.render_str(f"{what}: {escape(far)}"))),
    ):
        yield


@dataclass
class Stop:
    """Whether a signal asked to stop; call it to know.

    Args:
        number: Number of the first signal; None before any signal.
        since: When that signal came, in seconds of the monotonic clock.
    """

    number: int | None = None
    since: float = 0.0

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.number is not None

    def receive(self, number: int, _: object) -> None:
        """Handle a signal: remember the first one, raise KeyboardInterrupt at a second one."""
        if self.number is None:
            self.number, self.since = number, monotonic()
        elif monotonic() - self.since > SAME_REQUEST:
            raise KeyboardInterrupt

    @property
    def code(self) -> int:
        """The exit code of a process that is ended by this signal: 128 + its number."""
        return 128 + (signal.SIGINT if self.number is None else self.number)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Handle Ctrl-C and SIGTERM within the block; yield a ``Stop`` that says if one came.

    The former handlers are restored when the block ends.
    """
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop.receive)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
