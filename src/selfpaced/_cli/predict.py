"""``selfpaced predict``: predict the labels of new data with the model of a run."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from selfpaced._cli.console import Console, errors_in_one_line, say_json
from selfpaced._cli.flags import in_flags
from selfpaced._cli.messages import say
from selfpaced._cli.progress import reading

if TYPE_CHECKING:
    import pandas as pd

    from selfpaced.audit import Options, Source, Trained
    from selfpaced.audit._folder.judging import Judged

# The number of rows in the table of the first predictions.
ROWS = 10
# The number of columns of the user in that table: the first ones.
OWN_COLUMNS = 3


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run, written by selfpaced audit.")],
    data: Annotated[
        Path,
        typer.Argument(help="New samples in the format of those of the run; labels are optional."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="CSV file for the predictions, for programs: a label such as =1+1 stays as it is, "
            "which a spreadsheet would run as a formula.",
        ),
    ] = Path("predictions.csv"),
    model: Annotated[
        str | None,
        typer.Option(
            help="package.module:factory of the network of the run, if it is one of your own."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --output if it exists.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Predict the labels of new data with the model of a run, and judge the labels that they have.

    The files of a run contain no code. A network of your own is code: it is run only if you name it
    with --model.
    """
    console = Console(quiet=as_json or quiet)
    with errors_in_one_line(debug=debug, quiet=quiet):
        _check_flags(as_json, quiet)
        _check_output(output, data, run, force)
        from selfpaced.audit import load, read
        from selfpaced.audit._folder.model import read_config
        from selfpaced.audit._folder.tables import csv_text

        told = read_config(run)["run"]
        _check_text_model(told.get("text_model"))
        trained = load(run, model=model)
        with reading(data, console):
            source = read(data, _options(told.get("options") or {}, trained))
        source = replace(source, notes=tuple(in_flags(note) for note in source.notes))
        judged = _judged(trained, source, told)
        table = trained.predict(source) if judged is None else judged.table
        _write(csv_text(table, spreadsheet=False), output)
    if as_json:
        told = _as_json(table, source, trained, output)
        say_json(told | ({} if judged is None else _judged_as_json(judged)))
    _report(table, source, trained, console)
    if judged is not None:
        title, *text = judged.conclusion
        for line in (f"[bold]{escape(title)}.[/]", *map(escape, text)):
            say(console, line)
    say(console, f"[cyan]{escape(str(output))}[/]  all predictions")


def _judged(trained: "Trained", source: "Source", told: dict[str, Any]) -> "Judged | None":
    """Judge the labels that new samples have; None without labels, or for the data of the run."""
    from selfpaced.audit._folder.judging import given_labels, judge

    given = given_labels(source, (told.get("options") or {}).get("label"))
    before = Path(str(told.get("path")))
    learned = before.exists() and source.path.exists() and source.path.samefile(before)
    if given is None or learned or trained.names is None:
        return None
    return judge(trained, source, given)


def _judged_as_json(judged: "Judged") -> dict[str, Any]:
    """Return the judgement of the labels in short, as a JSON object."""
    return {
        "labels": int(judged.table["probability"].notna().sum()),
        "suspects": len(judged.suspects),
        "wrong": judged.count._asdict(),
        "accuracy": judged.reliability.accuracy,
        "conclusion": judged.conclusion,
    }


def _check_flags(as_json: bool, quiet: bool) -> None:
    """Raise for flags that exclude each other."""
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
    """Raise if the run used a transformers model whose folder does not exist any more."""
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(
            f"The run read text with the transformers model in {folder}, which does not exist. "
            f"Restore it, or start this command in the folder where the run was started."
        )


def _options(told: dict[str, Any], trained: "Trained") -> "Options":
    """Return the options with which new samples are read as those of the run were.

    Args:
        told: The options of the run, as its config.json has them.
        trained: The model of the run.
    """
    from selfpaced.audit._plan import options_from

    side, depth = told.get("side"), None
    if trained.features.kind == "images":
        height, width = trained.built["shape"][1:]
        side = width if height == width else side
        depth = getattr(trained.features.maker, "depth", 8)
        depth = depth if depth > 8 else None  # others may have any depth
    return replace(options_from(told), side=side, depth=depth, known=False)


def _write(text: str, output: Path) -> None:
    """Write the table completely, or leave the file as it was."""
    from selfpaced._files import write_text

    try:
        write_text(text, output)
    except OSError as error:
        raise OSError(
            f"--output: {output} cannot be written: {error.strerror}. Nothing was written."
        ) from error


def _as_json(
    table: "pd.DataFrame", source: "Source", trained: "Trained", output: Path
) -> dict[str, Any]:
    """Return the predictions in short, as a JSON object."""
    told = {"output": str(output), "samples": len(table), "notes": list(source.notes)}
    if trained.names is None:
        numbers = table["predicted"]
        return told | {"lowest": float(numbers.min()), "highest": float(numbers.max())}
    return told | {"predicted": {str(label): n for label, n in _counts(table)}}


def _counts(table: "pd.DataFrame") -> list[tuple[object, int]]:
    """Return how often each label was predicted, most frequent first."""
    counts = table["predicted"].value_counts()
    return [(label, int(n)) for label, n in counts.items()]


def _report(table: "pd.DataFrame", source: "Source", trained: "Trained", console: Console) -> None:
    """Print how often each label was predicted, the notes, and the first rows."""
    from selfpaced.audit._reading.words import count, listed

    if trained.names is None:
        numbers = table["predicted"]
        labels = f"from {numbers.min():,.6g} to {numbers.max():,.6g}"
    else:
        labels = listed(f"{label} {n:,}" for label, n in _counts(table))
    name = escape(source.path.name or str(source.path))
    predicted = f"{count(len(table), 'sample')}, predicted {labels}"
    say(console, f"[bold]{name}[/]: {escape(predicted)}")
    for note in source.notes:
        say(console, f"[dim]  {escape(note)}[/]")
    console.print(_first(table, source))


def _first(table: "pd.DataFrame", source: "Source") -> Table:
    """Return a table of the first predictions, with the first columns of the user."""
    from selfpaced.audit._folder.summary import shorten

    own, first = source.own.iloc[:ROWS, :OWN_COLUMNS], table.iloc[:ROWS].copy()
    if "confidence" in first:
        first["confidence"] = [f"{share:.0%}" for share in first["confidence"]]
    shown = Table(title="The first predictions", title_justify="left", header_style="bold")
    for name in (*first.columns, *own.columns):
        shown.add_column(escape(str(name)), no_wrap=True)
    rows = zip(first.to_numpy(object), own.to_numpy(object), strict=True)
    for row in rows:
        shown.add_row(*(escape(shorten(value)) for part in row for value in part))
    return shown
