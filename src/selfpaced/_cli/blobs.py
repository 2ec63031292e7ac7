"""``selfpaced demo blobs``: the classic program, animated."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from selfpaced._cli.console import bars, errors_in_one_line, one_thread, writable

if TYPE_CHECKING:
    from selfpaced._demo.blobs import Run
    from selfpaced._demo.blobs_story import Story


def blobs(
    samples: Annotated[int, typer.Option(min=100, help="Number of points.")] = 10_000,
    epochs: Annotated[int, typer.Option(min=1, help="Of each order.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Initial weights and batches.")] = 1445,
    dark: Annotated[bool, typer.Option("--dark", help="Pictures on a dark background.")] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the animations.")
    ] = Path("selfpaced-demo"),
) -> None:
    """Animate the classic program on two blobs: easy first, hard first, and the odd one out."""
    console = Console()
    with errors_in_one_line():
        from selfpaced._demo.blobs_story import tell, write_animations

        folder = writable(output)
        console.print(
            f"[bold]Two blobs[/]: {samples:,} points around (0, 0) and (3, 3), one with the wrong "
            f"label; a linear model, seed {seed}",
            highlight=False,
        )
        with one_thread(), bars(console) as progress:
            tasks: dict[str, TaskID] = {}

            def watch(name: str, done: int, total: int | None) -> None:
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total, note="")
                progress.update(tasks[name], completed=done)

            story = tell(samples, epochs, seed, watch)
            written = write_animations(story, folder, dark=dark, watch=watch)
    _report(story, written, console)


def _report(story: "Story", written: list[Path], console: Console) -> None:
    """Print the comparison, what each file shows, and one sentence."""
    from selfpaced._demo.blobs_story import captions, verdict

    console.print(_table(story.runs))
    for path, caption in zip(written, captions(story), strict=True):
        console.print(f"  {escape(str(path))}", style="cyan", highlight=False, soft_wrap=True)
        console.print(f"    {caption}", highlight=False)
    console.print()
    console.print(verdict(story), highlight=False)


def _table(runs: "dict[str, Run]") -> Table:
    """Make a table of kept share and test accuracy in the first, a middle and the last epoch."""
    n = len(next(iter(runs.values())).frames)
    shown = sorted({1, -(-n // 2), n})
    table = Table("order", *(f"epoch {epoch}" for epoch in shown), title="test accuracy (kept)")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, run in runs.items():
        cells = (f"{run.accuracies[e - 1]:.1%} ({run.shares[e - 1]:.1%})" for e in shown)
        table.add_row(name, *cells)
    return table
