"""``selfpaced demo digits`` and ``demo blobs``: digits with wrong labels, and animated points."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from selfpaced._cli.console import Console, bars, errors_in_one_line, one_thread, writable

if TYPE_CHECKING:
    from torch import Tensor

    from selfpaced._demo.blobs import Run
    from selfpaced._demo.blobs_story import Story
    from selfpaced._demo.digits import Comparison, Data


class Kind(StrEnum):
    """How labels are made wrong: changed to a random class, or to the next class."""

    SYMMETRIC = "symmetric"
    PAIR = "pair"


def digits(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of idx files with the names of MNIST's files (default: the digits of "
            "scikit-learn)."
        ),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(min=1, help="With --data: train on the first images only, at most this many."),
    ] = 10_000,
    noise: Annotated[
        float, typer.Option(help="Share of the training labels that are made wrong, from 0 to 1.")
    ] = 0.4,
    kind: Annotated[
        Kind,
        typer.Option(
            help="How labels are made wrong: changed to any other class at random (symmetric), or "
            "to the next class (pair)."
        ),
    ] = Kind.SYMMETRIC,
    epochs: Annotated[
        int, typer.Option(min=1, help="Number of epochs of each of the three trainings.")
    ] = 60,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Seed of the wrong labels, the initial weights and the order of the images."
        ),
    ] = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the pictures and the table.")
    ] = Path("selfpaced-demo"),
) -> None:
    """Train on digits with wrong labels, with and without self-pacing, and show the suspects."""
    console = Console()
    with errors_in_one_line(code=1):
        # This import is first so that a missing matplotlib is an error now and not at the end.
        from selfpaced._demo.digits_files import write_files

        loaded = _load(data, limit)
        given = _made_wrong(loaded, kind, noise, seed)
        folder = writable(output)
    console.print(
        f"[bold]{escape(loaded.name)}[/]: {len(given):,} training images, {noise:.0%} of their "
        f"labels made wrong ({kind}), seed {seed}",
    )
    comparison = _compare(loaded, given, epochs, seed, console)
    with errors_in_one_line(code=1):
        written = write_files(folder, comparison)
    _report(comparison, written, console)


def _load(folder: Path | None, limit: int) -> "Data":
    """Load the idx files of the user, or the digits of scikit-learn."""
    from selfpaced._demo.digits import from_folder, from_scikit_learn

    return from_scikit_learn() if folder is None else from_folder(folder, limit)


def _made_wrong(data: "Data", kind: Kind, share: float, seed: int) -> "Tensor":
    """Return the training labels with a share of them made wrong."""
    import torch

    from selfpaced._demo import noise

    make = {Kind.SYMMETRIC: noise.symmetric, Kind.PAIR: noise.pair}[kind]
    return torch.from_numpy(make(data.train.labels.numpy(), share, data.n_classes, seed=seed))


def _compare(
    data: "Data", given: "Tensor", epochs: int, seed: int, console: Console
) -> "Comparison":
    """Run the three trainings, each with a progress bar."""
    from selfpaced._demo.digits import NAMES, compare

    with one_thread(), bars(console) as progress:
        tasks = {
            name: progress.add_task(name, start=False, total=epochs, note="") for name in NAMES
        }

        def watch(name: str, accuracy: float) -> None:
            """Move the bar of a training by one epoch."""
            progress.start_task(tasks[name])
            progress.update(tasks[name], advance=1, note=f"test {accuracy:.1%}")

        return compare(data, given, epochs=epochs, seed=seed, watch=watch)


def _report(comparison: "Comparison", written: list[Path], console: Console) -> None:
    """Print the accuracies, the share of suspects that are wrong, a sentence, and the files."""
    from selfpaced._demo.verdict import found, sentence, wilson

    table = Table("training", *("test accuracy", "95% interval", "seconds"))
    for column in table.columns[1:]:
        column.justify = "right"
    for run in comparison.runs:
        share = wilson(int(run.right.sum()), len(run.right))
        interval = f"{share.low:.1%} to {share.high:.1%}"
        table.add_row(run.name, f"{share.value:.1%}", interval, f"{run.seconds:.1f}")
    console.print(table)
    console.print(found(comparison))
    console.print()
    console.print(sentence(comparison))
    console.print()
    for path in written:
        console.print(f"  {escape(str(path))}", style="cyan", soft_wrap=True)


def blobs(
    samples: Annotated[int, typer.Option(min=100, help="Number of points.")] = 10_000,
    epochs: Annotated[
        int, typer.Option(min=1, help="Number of epochs of the training in each order.")
    ] = 10,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the initial weights and of the batches.")
    ] = 1445,
    dark: Annotated[
        bool, typer.Option("--dark", help="Draw the animations on a dark background.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the animations.")
    ] = Path("selfpaced-demo"),
) -> None:
    """Animate training on two blobs of points: easy first, hard first, and what is left out."""
    console = Console()
    with errors_in_one_line(code=1):
        from selfpaced._demo.blobs_story import tell, write_animations

        folder = writable(output)
        console.print(
            f"[bold]Two blobs[/]: {samples:,} points around (0, 0) and (3, 3), one with the wrong "
            f"label; a linear model, seed {seed}",
        )
        with one_thread(), bars(console) as progress:
            tasks: dict[str, TaskID] = {}

            def watch(name: str, done: int, total: int | None) -> None:
                """Move the bar of an order or of a file."""
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total, note="")
                progress.update(tasks[name], completed=done)

            story = tell(samples, epochs, seed, watch)
            written = write_animations(story, folder, dark=dark, watch=watch)
    _report_story(story, written, console)


def _report_story(story: "Story", written: list[Path], console: Console) -> None:
    """Print the table of the orders, what each file shows, and a sentence."""
    from selfpaced._demo.blobs_story import captions, verdict

    console.print(_table_of_orders(story.runs))
    for path, caption in zip(written, captions(story), strict=True):
        console.print(f"  {escape(str(path))}", style="cyan", soft_wrap=True)
        console.print(f"    {caption}")
    console.print()
    console.print(verdict(story))


def _table_of_orders(runs: "dict[str, Run]") -> Table:
    """Return a table of test accuracy and kept share in the first, a middle and the last epoch."""
    n = len(next(iter(runs.values())).frames)
    shown = sorted({1, -(-n // 2), n})
    table = Table("order", *(f"epoch {epoch}" for epoch in shown), title="test accuracy (kept)")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, run in runs.items():
        cells = (f"{run.accuracies[e - 1]:.1%} ({run.shares[e - 1]:.1%})" for e in shown)
        table.add_row(name, *cells)
    return table
