"""``selfpaced latent digits`` and ``latent motif``: experiments of the paper, and more searches."""

from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from selfpaced._cli.console import Console, bars, errors_in_one_line, one_thread, writable

if TYPE_CHECKING:
    from selfpaced._demo.latent import Comparison, Task

# The options of both commands.
C = Annotated[
    float,
    typer.Option(
        "--C", help="C of the SVM: the weight of the losses against the regulariser; above 0."
    ),
]
Factor = Annotated[
    float,
    typer.Option(help="Each step multiplies the age by this factor, mu of the paper; above 1."),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0, help="Seed of the data, of the initial latent values and of the random order."
    ),
]
Starts = Annotated[
    int, typer.Option(min=1, help="Number of random starts of each of the five searches.")
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the picture and the table.")
]

# The default folder for the picture and the table.
OUTPUT = Path("selfpaced-latent")

latent = typer.Typer(
    no_args_is_help=True, help="Train latent SVMs self-paced, and compare them with CCCP."
)


@latent.command()
def digits(
    pair: Annotated[str, typer.Option(help="The two digits to tell apart, as in 3-8.")] = "3-8",
    c: C = 150.0,
    factor: Factor = 1.3,
    seed: Seed = 0,
    starts: Starts = 4,
    output: Output = OUTPUT,
) -> None:
    """Tell two digits apart that are rotated by unknown angles."""
    console = Console()
    with errors_in_one_line(code=1):
        from selfpaced._demo.latent import digits as load

        task, folder = load(_pair(pair), seed), writable(output)
        comparison = _compare(task, console, c, factor, starts, seed)
        _report(comparison, folder, console)
    _beside_digits(console)


@latent.command()
def motif(
    matrix: Annotated[
        Path | None,
        typer.Option(
            help="File with the motif to plant in generated sequences: a matrix in the JASPAR "
            "format (default: a generated motif)."
        ),
    ] = None,
    positives: Annotated[
        Path | None, typer.Option(help="FASTA file of your own sequences that contain a motif.")
    ] = None,
    negatives: Annotated[
        Path | None,
        typer.Option(help="FASTA file of your own sequences that do not contain the motif."),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of letters of the motif in your own sequences (default 10)."
        ),
    ] = None,
    c: C = 150.0,
    factor: Factor = 1.3,
    seed: Seed = 0,
    starts: Starts = 4,
    output: Output = OUTPUT,
) -> None:
    """Find a DNA motif from labels that say whether a sequence contains it, but not where."""
    console = Console()
    with errors_in_one_line(code=1):
        task, folder = _motif(matrix, positives, negatives, length, seed), writable(output)
        comparison = _compare(task, console, c, factor, starts, seed)
        _report(comparison, folder, console)
    _beside_motifs(console)


def _pair(text: str) -> tuple[int, int]:
    """Return the two digits of a text such as "3-8"."""
    first, dash, second = text.partition("-")
    if not (dash and first.isdecimal() and second.isdecimal()):
        raise ValueError(f"--pair takes two digits, as in 3-8; got {text!r}.")
    return int(first), int(second)


def _motif(
    matrix: Path | None,
    positives: Path | None,
    negatives: Path | None,
    length: int | None,
    seed: int,
) -> "Task":
    """Return the sequences of the user, or generated ones with a planted motif."""
    from selfpaced._demo.latent import OWN_LENGTH, sequences
    from selfpaced._demo.sequences import read_fasta

    if (positives is None) != (negatives is None):
        raise ValueError("--positives and --negatives need each other. Give both, or neither.")
    if positives is None or negatives is None:
        if length is not None:
            raise ValueError(
                "--length is for your own sequences: a planted motif has its length. Leave it out."
            )
        return _planted(matrix, seed)
    if matrix is not None:
        raise ValueError(
            "--matrix is planted in generated sequences. Leave it out with --positives."
        )
    holds, others = read_fasta(positives), read_fasta(negatives)
    return sequences(holds, others, OWN_LENGTH if length is None else length, seed)


def _planted(matrix: Path | None, seed: int) -> "Task":
    """Return generated sequences with the motif of the user planted, or a generated motif."""
    from selfpaced._demo import latent as tasks
    from selfpaced._demo import sequences

    if matrix is None:
        name = f"a generated motif, {sequences.CONSENSUS}"
        return tasks.planted(name, sequences.made_matrix(), seed)
    return tasks.planted(f"the motif of {matrix.name}", sequences.read_jaspar(matrix), seed)


def _compare(
    task: "Task", console: Console, c: float, factor: float, starts: int, seed: int
) -> "Comparison":
    """Print the task, and run the searches, each with a progress bar."""
    from selfpaced._demo.latent import NAMES, compare

    console.print(
        f"[bold]{escape(task.name)}[/]: {len(task.train.y):,} to train on, "
        f"{len(task.test.y):,} to test; C = {c:g}, factor {factor:g}, "
        f"{starts} start{'s' * (starts > 1)}, seed {seed}",
    )
    with one_thread(), bars(console) as progress:
        tasks = {name: progress.add_task(name, total=starts, note="") for name in NAMES}

        def watch(name: str, objective: float) -> None:
            """Move the bar of a search by one start."""
            progress.update(tasks[name], advance=1, note=f"objective {objective:.2f}")

        return compare(task, C=c, factor=factor, starts=starts, seed=seed, watch=watch)


def _report(comparison: "Comparison", folder: Path, console: Console) -> None:
    """Print the table of the searches and a sentence, and write the files."""
    from selfpaced._demo.latent import write_files
    from selfpaced._demo.latent_paper import best, sentence

    table = Table(
        "search",
        *("objective", "best", "train error", "test error", "fits", "seconds", "stuck"),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, runs in comparison.runs.items():
        kept, stuck = best(runs), sum(run.stuck for run in runs)
        table.add_row(
            *(name, f"{mean(run.objective for run in runs):.2f}", f"{kept.objective:.2f}"),
            *(f"{kept.train_error:.2%}", f"{kept.test_error:.2%}"),
            f"{mean(len(run.steps) for run in runs):.0f}",
            *(f"{mean(run.seconds for run in runs):.1f}", f"{stuck} of {len(runs)}"),
        )
    console.print(table)
    console.print(
        "Objective, fits and seconds are means over the starts. Best is the lowest objective; the "
        "errors are those of its run. Lower is better. CCCP, longer: as many fits as self-paced, "
        "or fewer if nothing changes. Random order: leaves out as many samples as self-paced "
        "would, at random. Patient: the default of LatentSVM; it keeps 30% of the samples at "
        "first, all after 20 steps, and ends when nothing changes. Stuck: starts that ended with a "
        "test error of 45% or more.",
        style="dim",
    )
    console.print()
    console.print(sentence(comparison))
    console.print()
    for path in write_files(folder, comparison):
        console.print(f"  {escape(str(path))}", style="cyan", soft_wrap=True)
    console.print()


def _beside_digits(console: Console) -> None:
    """Print what the paper reports about digits."""
    from selfpaced._demo.latent_paper import PAPERS_DIGITS, SOURCE

    console.print(PAPERS_DIGITS)
    console.print(SOURCE, style="dim")


def _beside_motifs(console: Console) -> None:
    """Print the table of the paper for five proteins."""
    from selfpaced._demo.latent_paper import PAPERS_MOTIFS, PAPERS_PROTEINS, SOURCE

    table = Table("the paper", "objective", "train error, %", "test error, %")
    table.title = "CCCP / self-paced"
    for column in table.columns[1:]:
        column.justify = "right"
    for number, protein in enumerate(PAPERS_PROTEINS, start=1):
        cells = (f"{cccp:.2f} / {paced:.2f}" for cccp, paced in protein)
        table.add_row(f"protein {number}", *cells)
    console.print(table)
    console.print(PAPERS_MOTIFS)
    console.print(SOURCE, style="dim")
