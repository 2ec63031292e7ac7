"""What a person sees while a model is trained."""

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from selfpaced.audit._run import Epoch

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
