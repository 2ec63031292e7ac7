"""``selfpaced predict``: predict the labels of new data with the model of a run."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from selfpaced._cli.console import Console, errors_in_one_line, say_json
from selfpaced._cli.flags import in_flags
from selfpaced._cli.messages import say, table_of
from selfpaced._cli.progress import reading

if TYPE_CHECKING:
    import pandas as pd

    from selfpaced.audit import Options, Source, Trained
    from selfpaced.audit._folder.judging import Judged

# The number of rows in the table of the first predictions.
ROWS = 10
# The number of classes whose probabilities are printed for one image.
MOST_CLASSES = 4
# The number of columns of the user in that table: the first ones.
OWN_COLUMNS = 3


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run, written by selfpaced audit.")],
    data: Annotated[
        Path,
        typer.Argument(
            help="New samples in the format of those of the run, or one image; labels are optional."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="CSV file for the predictions and your columns (default: predictions.csv; none "
            "for one image). It is for programs: a label such as =1+1 stays as it is, which a "
            "spreadsheet would run as a formula.",
        ),
    ] = None,
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
        if output is None and not _is_image(data):
            output = Path("predictions.csv")
        if output is not None:
            _check_output(output, data, run, force)
        made = _predict(run, data, model, console)
        if output is not None:
            from selfpaced.audit._folder.tables import csv_text

            told = csv_text(*with_columns(made.table, made.source.own), spreadsheet=False)
            _write(told, output)
    if as_json:
        say_json(_as_json(made, output))
    _report(made, data, console)
    if output is not None:
        say(console, f"[cyan]{escape(str(output))}[/]  all predictions")


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions for new samples.

    Args:
        table: A row for each sample.
        source: The samples.
        trained: The model.
        judged: What the model says of their labels; None without labels.
        classes: Of one image, the probability of each class, the most probable first.
    """

    table: "pd.DataFrame"
    source: "Source"
    trained: "Trained"
    judged: "Judged | None"
    classes: dict[str, float]


def _predict(run: Path, data: Path, model: str | None, console: Console) -> Predicted:
    """Read new samples, and predict and judge their labels."""
    from selfpaced.audit import load, read
    from selfpaced.audit._folder.model import read_config

    told = read_config(run)["run"]
    _check_text_model(told.get("text_model"))
    trained = load(run, model=model)
    with reading(data, console):
        source = read(data, _options(told.get("options") or {}, trained))
    source = replace(source, notes=tuple(in_flags(note) for note in source.notes))
    judged = _judged(trained, source, told)
    table = trained.predict(source) if judged is None else judged.table
    classes = _classes_of(trained, source) if _is_image(data) else {}
    return Predicted(table, source, trained, judged, classes)


def _is_image(data: Path) -> bool:
    """Say whether the data are one image."""
    from selfpaced.audit._reading.folder_kinds import IMAGES

    return data.is_file() and data.suffix.lower() in IMAGES


def _classes_of(trained: "Trained", source: "Source") -> dict[str, float]:
    """Return the probabilities of the classes of one sample, the most probable first."""
    if trained.names is None:
        return {}
    chances = trained.outputs(trained.inputs(source))[0]
    ranked = sorted(zip(trained.names, chances.tolist(), strict=True), key=lambda each: -each[1])
    return {str(name): round(p, 4) for name, p in ranked}


def _tell_image(
    data: Path, table: "pd.DataFrame", classes: dict[str, float], console: Console
) -> None:
    """Print the prediction for one image, and the most probable other classes."""
    from selfpaced.audit._folder.summary import shorten

    predicted = shorten(table["predicted"].iloc[0])
    shown = [f"{shorten(name)} {p:.1%}" for name, p in list(classes.items())[:MOST_CLASSES]]
    more = f" ({', '.join(shown)})" if shown else ""
    say(console, f"[bold]{escape(data.name)}[/]: {escape(predicted + more)}")


def with_columns(
    table: "pd.DataFrame", own: "pd.DataFrame"
) -> tuple["pd.DataFrame", dict[str, str]]:
    """Return predictions with the columns of the user, and the names of ours among them.

    Args:
        table: The predictions, n rows; the first column is the place.
        own: The user's columns, n rows. They keep their names, and ours get a prefix where they
            would have one of these.
    """
    import pandas as pd

    from selfpaced.audit._fixing.suspects_file import our_names

    if table.columns[0] == "file":  # files have no columns
        own = own.iloc[:, :0]
    ours = [str(name) for name in table.columns]
    names = our_names(map(str, own.columns), [*ours, "probability", "confidence"])
    right = own.reset_index(drop=True).rename(columns=str)
    return pd.concat([table.rename(columns=names), right], axis=1), names


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


def _as_json(made: Predicted, output: Path | None) -> dict[str, Any]:
    """Return the predictions in short, as a JSON object."""
    table, file = made.table, None if output is None else str(output)
    told: dict[str, Any] = {"output": file, "samples": len(table)}
    told["notes"] = list(made.source.notes)
    if made.trained.names is None:
        numbers = table["predicted"]
        told |= {"lowest": float(numbers.min()), "highest": float(numbers.max())}
    else:
        told |= {"predicted": {str(label): n for label, n in _counts(table)}}
    told |= {"probabilities": made.classes} if made.classes else {}
    return told | ({} if made.judged is None else _judged_as_json(made.judged))


def _counts(table: "pd.DataFrame") -> list[tuple[object, int]]:
    """Return how often each label was predicted, most frequent first."""
    counts = table["predicted"].value_counts()
    return [(label, int(n)) for label, n in counts.items()]


def _report(made: Predicted, data: Path, console: Console) -> None:
    """Print how often each label was predicted, the notes, the first rows, and the judgement."""
    if _is_image(data):
        _tell_image(data, made.table, made.classes, console)
        return
    say(console, f"[bold]{escape(data.name or str(data))}[/]: {escape(_in_short(made))}")
    for note in made.source.notes:
        say(console, f"[dim]  {escape(note)}[/]")
    console.print(_first(made.table, made.source, console.width - 1))
    if made.judged is not None:
        title, *text = made.judged.conclusion
        for line in (f"[bold]{escape(title)}.[/]", *map(escape, text)):
            say(console, line)


def _in_short(made: Predicted) -> str:
    """Return how often each label was predicted, or the range of the numbers."""
    from selfpaced.audit._reading.words import count, listed

    if made.trained.names is None:
        numbers = made.table["predicted"]
        labels = f"from {numbers.min():,.6g} to {numbers.max():,.6g}"
    else:
        labels = listed(f"{label} {n:,}" for label, n in _counts(made.table))
    return f"{count(len(made.table), 'sample')}, predicted {labels}"


def _first(table: "pd.DataFrame", source: "Source", width: int) -> Table:
    """Return a table of the first predictions, with as many columns of the user as fit."""
    own, first = source.own.iloc[:ROWS, :OWN_COLUMNS], table.iloc[:ROWS].copy()
    for name in {"confidence", "probability"} & set(first):
        first[name] = ["" if share != share else f"{share:.0%}" for share in first[name]]
    shown, _ = with_columns(first, own)
    return table_of(shown, width, first.shape[1], "The first predictions")
