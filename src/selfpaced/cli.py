"""The command line: strings become objects here and nowhere else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from selfpaced._version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from selfpaced.demo.digits import Comparison, Data

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Self-paced learning: easy first, and a list of the labels that are wrong.",
)
demo = typer.Typer(no_args_is_help=True, help="See what the library does, on real data.")
app.add_typer(demo, name="demo")


class Kind(StrEnum):
    """How labels are made wrong."""

    SYMMETRIC = "symmetric"
    PAIR = "pair"


def _show_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        Console().print(f"selfpaced {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


@demo.command()
def digits(
    data: Annotated[
        Path | None,
        typer.Option(help="A folder of idx files under MNIST's names, in place of the digits."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="With --data: train on the first so many images.")
    ] = 10_000,
    noise: Annotated[
        float, typer.Option(help="The share of training labels made wrong, from 0 to 1.")
    ] = 0.4,
    kind: Annotated[
        Kind, typer.Option(help="Wrong at random, or each class taken for the next.")
    ] = Kind.SYMMETRIC,
    epochs: Annotated[int, typer.Option(min=1, help="Of each of the three trainings.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Noise, initial weights, order.")] = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for pictures and table.")
    ] = Path("selfpaced-demo"),
) -> None:
    """Make labels of digits wrong, train with and without self-pacing, show the suspects."""
    console = Console()
    with _errors_in_one_line():
        from selfpaced.demo.files import write_files  # without matplotlib fail now, not at the end

        loaded = _load(data, limit)
        given = _made_wrong(loaded, kind, noise, seed)
        folder = _writable(output)
    console.print(
        f"[bold]{escape(loaded.name)}[/]: {len(given):,} training images, {noise:.0%} of their "
        f"labels made wrong ({kind}), seed {seed}",
        highlight=False,
    )
    comparison = _compare(loaded, given, epochs, seed, console)
    with _errors_in_one_line():
        written = write_files(folder, comparison)
    _report(comparison, written, console)


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Print what the user can mend as one red line, and exit 1."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError) as error:
        stderr = Console(stderr=True)
        stderr.print(f"[red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _writable(folder: Path) -> Path:
    """Make the folder, or raise while nothing is lost yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"--output: cannot make the folder {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"--output: {folder} cannot be written to. Choose another folder.")
    return folder


def _load(folder: Path | None, limit: int) -> "Data":
    """Load the user's idx files, or scikit-learn's digits."""
    from selfpaced.demo.digits import from_folder, from_scikit_learn

    return from_scikit_learn() if folder is None else from_folder(folder, limit)


def _made_wrong(data: "Data", kind: Kind, share: float, seed: int) -> "Tensor":
    """Return the training labels with a share of them wrong."""
    import torch

    from selfpaced.demo import noise

    make = {Kind.SYMMETRIC: noise.symmetric, Kind.PAIR: noise.pair}[kind]
    return torch.from_numpy(make(data.train.labels.numpy(), share, data.n_classes, seed=seed))


def _compare(
    data: "Data", given: "Tensor", epochs: int, seed: int, console: Console
) -> "Comparison":
    """Train with a live bar for each run."""
    from selfpaced.demo.digits import NAMES, compare

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[accuracy]}"),
        TimeElapsedColumn(),
    )
    hidden = not console.is_terminal
    bar = Progress(*columns, console=console, transient=True, disable=hidden)
    with _one_thread(), bar as progress:
        bars = {
            name: progress.add_task(name, start=False, total=epochs, accuracy="") for name in NAMES
        }

        def watch(name: str, accuracy: float) -> None:
            progress.start_task(bars[name])
            progress.update(bars[name], advance=1, accuracy=f"test {accuracy:.1%}")

        return compare(data, given, epochs=epochs, seed=seed, watch=watch)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one core: in so small a network, threads mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _report(comparison: "Comparison", written: list[Path], console: Console) -> None:
    """Print the table, the suspects, one sentence and the files."""
    from selfpaced.demo.verdict import found, sentence, wilson

    table = Table("training", *("test accuracy", "95% interval", "seconds"))
    for column in table.columns[1:]:
        column.justify = "right"
    for run in comparison.runs:
        share = wilson(int(run.right.sum()), len(run.right))
        interval = f"{share.low:.1%} to {share.high:.1%}"
        table.add_row(run.name, f"{share.value:.1%}", interval, f"{run.seconds:.1f}")
    console.print(table)
    console.print(found(comparison), highlight=False)
    console.print()
    console.print(sentence(comparison), highlight=False)
    console.print()
    for path in written:
        console.print(f"  {escape(str(path))}", style="cyan", highlight=False, soft_wrap=True)
