"""What a person sees while a model is trained."""

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from selfpaced.audit._run import Epoch

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

SHOWN = 8  # epochs of the table
HEADS = ("epoch", "loss", "kept", "in doubt")


class Picture:
    """The last epochs as a table, and a bar with the time that is left.

    Args:
        epochs: Of the training.
        steps: Pulses of an epoch.
        done: Pulses that are over already.
    """

    def __init__(self, epochs: int, steps: int, done: int) -> None:
        """Begin with an empty table."""
        self.rows: tuple[tuple[str, ...], ...] = ()
        columns = (
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        self.bar = Progress(*columns, speed_estimate_period=60)
        self.task = self.bar.add_task("training", total=epochs * steps, completed=done)

    def pulse(self) -> None:
        """Move the bar by a step."""
        self.bar.advance(self.task)

    def watch(self, epoch: "Epoch") -> None:
        """Add an epoch to the table."""
        row = (
            f"{epoch.number} of {epoch.of}",
            f"{epoch.loss:.3f}",
            f"{epoch.kept:.1%}",
            f"{epoch.doubted:,}",
        )
        self.rows = (*self.rows, row)[-SHOWN:]

    def __rich__(self) -> Group:
        """Draw both."""
        table = Table(*HEADS, box=None, header_style="bold")
        for column in table.columns:
            column.justify = "right"
        for row in self.rows:
            table.add_row(*row)
        return Group(table, self.bar)


def watched(console: Console) -> bool:
    """Say whether somebody sees what is drawn."""
    return console.is_terminal and not console.quiet


AGAIN = 0.5  # seconds; what comes sooner is the same request, passed on by a launcher


@dataclass
class Stop:
    """Whether a stop was asked for; call it to know.

    Args:
        number: Of the signal that asked; None for none.
        since: When it came, in seconds of the monotonic clock.
    """

    number: int | None = None
    since: float = 0.0

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.number is not None

    def hear(self, number: int, _: object) -> None:
        """Take note of a signal; of a second one, end."""
        if self.number is None:
            self.number, self.since = number, monotonic()
        elif monotonic() - self.since > AGAIN:
            raise KeyboardInterrupt

    @property
    def code(self) -> int:
        """The exit code of a process that such a signal ends."""
        return 128 + (signal.SIGINT if self.number is None else self.number)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Yield what tells whether Ctrl-C was pressed, or SIGTERM came, within the block."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop.hear)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
