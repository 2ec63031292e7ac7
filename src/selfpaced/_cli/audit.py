"""``selfpaced audit``: which labels are probably wrong."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from selfpaced._cli import audit_run as auditing
from selfpaced._cli.console import refusing

READING, TRAINING, RESULT = "What is read", "How it is trained", "What comes out"


class Estimator(StrEnum):
    """Models of scikit-learn."""

    HGB = "hgb"
    LOGISTIC = "logistic"


class Precision(StrEnum):
    """Of the numbers that a network computes with."""

    NO = "no"
    BF16 = "bf16"
    FP16 = "fp16"


def audit(  # noqa: PLR0913  # a flag is an argument
    data: Annotated[
        Path, typer.Argument(help="A table, a folder of images, or arrays.", show_default=False)
    ],
    *,
    label: Annotated[
        str | None,
        typer.Option(help="The column of labels of a table.", rich_help_panel=READING),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A file of labels for an .npy or idx file.", rich_help_panel=READING),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="A column not to learn from; more than once.", rich_help_panel=READING),
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option(
            help="A column to learn from though it looks like an id; more than once.",
            rich_help_panel=READING,
        ),
    ] = None,
    classes: Annotated[
        bool | None,
        typer.Option(
            "--classes/--numbers",
            help="What the labels are. Without it, that is decided by looking at them.",
            show_default=False,
            rich_help_panel=READING,
        ),
    ] = None,
    side: Annotated[
        int | None,
        typer.Option(help="Pixels of a side that images get.", rich_help_panel=READING),
    ] = None,
    text_model: Annotated[
        Path | None,
        typer.Option(
            help="A folder with a transformers model that reads text.", rich_help_panel=READING
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="package.module:factory, a function of a sample's shape and the number of "
            "outputs that makes a torch module.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    estimator: Annotated[
        Estimator | None,
        typer.Option(
            help="A model of scikit-learn in place of a network.", rich_help_panel=TRAINING
        ),
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Of a network's numbers.", rich_help_panel=TRAINING)
    ] = Precision.NO,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="How often every sample is visited: 30, or 15 for hgb.", rich_help_panel=TRAINING
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="128; below 2,000 samples 32, from 50,000 512.", rich_help_panel=TRAINING
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Adam's: .001.", rich_help_panel=TRAINING)
    ] = None,
    seed: Annotated[
        int, typer.Option(help="The same one, the same result.", rich_help_panel=TRAINING)
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The folder for the results: DATA-audit.",
            rich_help_panel=RESULT,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier run.", rich_help_panel=RESULT)
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a run that was stopped.", rich_help_panel=RESULT),
    ] = False,
    fix: Annotated[
        Path | None,
        typer.Option(help="Write a corrected copy of the table there.", rich_help_panel=RESULT),
    ] = None,
    drop: Annotated[
        bool,
        typer.Option("--drop", help="With --fix: leave the suspects out.", rich_help_panel=RESULT),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=RESULT)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors.", rich_help_panel=RESULT)
    ] = False,
    dark: Annotated[
        bool, typer.Option("--dark", help="Pictures on dark paper.", rich_help_panel=RESULT)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from.", rich_help_panel=RESULT)
    ] = False,
) -> None:
    """Say which labels are probably wrong, and what was meant."""
    with refusing(debug):
        from selfpaced.audit import Options
        from selfpaced.audit._plan import Plan

        numeric = None if classes is None else not classes
        options = Options(
            label, labels, tuple(ignore or ()), tuple(use or ()), numeric=numeric, side=side
        )
        network = (model, estimator and estimator.value, precision.value)
        if text_model is not None and text_model.is_dir():
            text_model = text_model.resolve()  # predict may start elsewhere
        plan = Plan(data, options, text_model, *network, epochs, batch_size, learning_rate, seed)
        folder = _folder_for(data) if output is None else output
        wish = auditing.Wish(folder, force, resume, fix, drop, as_json, quiet, dark)
        auditing.carry_out(plan, wish)


def _folder_for(data: Path) -> Path:
    """Return the folder of a run, unless one is named.

    >>> str(_folder_for(Path("pets.v2.csv.gz"))), str(_folder_for(Path(".pets.csv")))
    ('pets.v2-audit', 'pets-audit')
    """
    name = data.resolve().name.removesuffix(".gz")
    stem = name if data.is_dir() else Path(name).stem
    return Path(f"{stem.lstrip('.') or 'data'}-audit")
