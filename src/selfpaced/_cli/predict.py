"""``selfpaced predict``: the labels of new data, by the model of a run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from selfpaced._cli.console import refusing
from selfpaced._cli.messages import say

if TYPE_CHECKING:
    import pandas as pd

    from selfpaced.audit import Options, Source, Trained

SHOWN, OWN = 10, 3  # rows, and columns of the user's


def predict(
    run: Annotated[Path, typer.Argument(help="The folder that selfpaced audit wrote.")],
    data: Annotated[
        Path, typer.Argument(help="New samples, as those of the run; they need no labels.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The table of predictions, a CSV file.")
    ] = Path("predictions.csv"),
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier one.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """Predict the labels of new data with the model of a run.

    A run holds pickles, which can run any code: use only runs that you trust.
    """
    console = Console(quiet=as_json or quiet)
    with refusing(debug):
        _check_flags(as_json, quiet)
        _check_output(output, data, run, force)
        from selfpaced.audit import load, read
        from selfpaced.audit._folder.model import read_config
        from selfpaced.audit._folder.tables import csv_text

        told = read_config(run)["run"]
        _check_text_model(told.get("text_model"))
        trained = load(run)
        source = read(data, _options(told.get("options") or {}, trained))
        table = trained.predict(source)
        _write(csv_text(table), output)
    if as_json:
        typer.echo(json.dumps(_told(table, source, trained, output)))
    _report(table, source, trained, output, console)


def _check_flags(as_json: bool, quiet: bool) -> None:
    """Raise for flags that do not go together."""
    from selfpaced._errors import require

    require(not (as_json and quiet), "Choose --json or --quiet; got both.")


def _check_output(output: Path, data: Path, run: Path, force: bool) -> None:
    """Raise for an output that cannot be written, before anything is computed."""
    from selfpaced._errors import require
    from selfpaced.audit._folder.files import require_no_result

    require_no_result(output, run)
    require(
        output.suffix.lower() in (".csv", ".txt", ""),
        f"--output is a CSV file; got {output.name}. Give a name that ends in .csv.",
    )
    if output.is_dir():
        raise IsADirectoryError(f"--output: {output} is a folder. Give the name of a file.")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"--output: there is no folder {output.parent}. Make it first.")
    if not output.exists():
        return
    require(
        not (data.exists() and output.samefile(data)),
        f"--output: {output} is the data itself, which is never changed. Choose another name.",
    )
    if not force:
        raise FileExistsError(f"{output} exists. Choose another name, or pass --force.")


def _check_text_model(folder: str | None) -> None:
    """Raise where what read the text of the run is gone."""
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(
            f"The run read text with the transformers model in {folder}, which is gone. Bring it "
            f"back, or start where the run was started."
        )


def _options(told: dict[str, Any], trained: "Trained") -> "Options":
    """Return how to read new samples, as the run read its own.

    Which columns were left out needs no saying: the model knows which it reads.
    """
    from selfpaced.audit import Options

    side = told.get("side")
    if trained.features.kind == "images":
        height, width = trained.built["shape"][1:]
        side = width if height == width else side
    return Options(label=told.get("label"), side=side, known=False)


def _write(text: str, output: Path) -> None:
    """Write the table, whole or not at all."""
    from selfpaced._files import write_text

    try:
        write_text(text, output)
    except OSError as error:
        raise OSError(
            f"--output: {output} cannot be written: {error.strerror}. Nothing was."
        ) from error


def _told(
    table: "pd.DataFrame", source: "Source", trained: "Trained", output: Path
) -> dict[str, Any]:
    """Return what is told as JSON."""
    told = {"output": str(output), "samples": len(table), "notes": list(source.notes)}
    if trained.names is None:
        numbers = table["predicted"]
        return told | {"lowest": float(numbers.min()), "highest": float(numbers.max())}
    return told | {"predicted": {str(label): n for label, n in _counts(table)}}


def _counts(table: "pd.DataFrame") -> list[tuple[object, int]]:
    """Return how often each label was predicted, the most frequent first."""
    counts = table["predicted"].value_counts()
    return [(label, int(n)) for label, n in counts.items()]


def _report(
    table: "pd.DataFrame", source: "Source", trained: "Trained", output: Path, console: Console
) -> None:
    """Print what was predicted, the first rows, and the file."""
    from selfpaced.audit._reading.words import count, listed

    if trained.names is None:
        numbers = table["predicted"]
        said = f"from {numbers.min():,.6g} to {numbers.max():,.6g}"
    else:
        said = listed(f"{label} {n:,}" for label, n in _counts(table))
    name = escape(source.path.name or str(source.path))
    predicted = f"{count(len(table), 'sample')}, predicted {said}"
    say(console, f"[bold]{name}[/]: {escape(predicted)}")
    for note in source.notes:
        say(console, f"[dim]  {escape(note)}[/]")
    console.print(_first(table, source))
    say(console, f"[cyan]{escape(str(output))}[/]  all of them")


def _first(table: "pd.DataFrame", source: "Source") -> Table:
    """Make a table of the first rows, with the first of the user's columns."""
    from selfpaced.audit._folder.summary import shorten

    own, first = source.own.iloc[:SHOWN, :OWN], table.iloc[:SHOWN].copy()
    if "confidence" in first:
        first["confidence"] = [f"{share:.0%}" for share in first["confidence"]]
    shown = Table(title="The first of them", title_justify="left", header_style="bold")
    for name in (*first.columns, *own.columns):
        shown.add_column(escape(str(name)), no_wrap=True)
    rows = zip(first.to_numpy(object), own.to_numpy(object), strict=True)
    for row in rows:
        shown.add_row(*(escape(shorten(value)) for part in row for value in part))
    return shown
