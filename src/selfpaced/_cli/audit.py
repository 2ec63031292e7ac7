"""``selfpaced audit``: find the labels that are probably wrong."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from selfpaced._cli import audit_run
from selfpaced._cli.console import errors_in_one_line

# The headings of the options in ``selfpaced audit --help``.
READING = "Reading the data"
TRAINING = "Training"
RESULTS = "Results"


class Learner(StrEnum):
    """The kind of model that is trained; AUTO is a mixture of those that suit the samples."""

    AUTO = "auto"
    NETWORK = "network"
    LOGISTIC = "logistic"
    KERNEL = "kernel"
    BOOSTING = "boosting"
    TREES = "trees"


class Precision(StrEnum):
    """The mixed precision of a network's training; NO is float32."""

    NO = "no"
    BF16 = "bf16"
    FP16 = "fp16"


def audit(  # noqa: PLR0913  # each flag is an argument
    data: Annotated[
        Path,
        typer.Argument(
            help="A table (CSV, TSV, text, JSON Lines, Parquet or .xlsx), a folder with a "
            "subfolder of images or texts for each class, or arrays (.npz, .npy or idx files).",
            show_default=False,
        ),
    ],
    *,
    label: Annotated[
        str | None,
        typer.Option(help="Column of a table that holds the labels.", rich_help_panel=READING),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="File with the labels of an .npy or idx file: .npy, idx, or a table.",
            rich_help_panel=READING,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that the model does not learn from. Repeat the option for more columns.",
            rich_help_panel=READING,
        ),
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that the model learns from although it looks like an id. Repeat the "
            "option for more columns.",
            rich_help_panel=READING,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help="Column that names groups of rows, such as patients: no row is judged by a model "
            "that learned another row of its group.",
            rich_help_panel=READING,
        ),
    ] = None,
    annotator: Annotated[
        list[str] | None,
        typer.Option(
            help="Column with the labels of one annotator, in place of --label; repeat the option "
            "for each. With --item: the column that says who gave the label of a row.",
            rich_help_panel=READING,
        ),
    ] = None,
    item: Annotated[
        str | None,
        typer.Option(
            help="Column that says which sample a row labels, where each row is one label of one "
            "annotator (--annotator).",
            rich_help_panel=READING,
        ),
    ] = None,
    classes: Annotated[
        bool | None,
        typer.Option(
            "--classes/--numbers",
            help="Treat the labels as classes, or as numbers (a regression). By default, labels "
            "are numbers if they have fractions or very many different values.",
            show_default=False,
            rich_help_panel=READING,
        ),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Keep labels apart that differ in upper and lower case or in blanks only.",
            rich_help_panel=READING,
        ),
    ] = False,
    side: Annotated[
        int | None,
        typer.Option(
            help="Resize images to this many pixels in width and height (default: their median "
            "size, at most 64 pixels).",
            rich_help_panel=READING,
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            help="Bits per pixel of images with more than 8 (default: as many as their largest "
            "value needs, of 10, 12, 14 and 16).",
            rich_help_panel=READING,
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(
            help="Sheet of a workbook (default: the first one with rows).",
            rich_help_panel=READING,
        ),
    ] = None,
    text_model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a transformers model that turns text into numbers (default: the "
            "frequencies of words and pairs of words).",
            rich_help_panel=READING,
        ),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(
            help="Probabilities of your own, each row by a model that did not learn its label; "
            "nothing is trained then. An .npy file, a column for each class in the order of their "
            "names, or a table with a column for each class.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Network of your own, as package.module:factory. The factory is a function of "
            "the shape of a sample and the number of outputs; it returns a torch module.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    learner: Annotated[
        Learner,
        typer.Option(
            help="Kind of model to train. auto mixes the kinds that suit the samples, weighted by "
            "how well each predicts labels that it did not learn.",
            rich_help_panel=TRAINING,
        ),
    ] = Learner.AUTO,
    folds: Annotated[
        int | None,
        typer.Option(
            help="Each label is judged by models that learned the other folds only (default: 5, or "
            "4 above 2,000 samples, or 3 above 20,000; for networks 3, or 2 above 20,000). 0: a "
            "network judges the labels that it learned.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    shifts: Annotated[
        bool,
        typer.Option(
            "--shifts/--no-shifts",
            help="Shift images at random by a few pixels while a network learns them.",
            rich_help_panel=TRAINING,
        ),
    ] = True,
    precision: Annotated[
        Precision,
        typer.Option(
            help="Mixed precision of the network's training: bf16, fp16 (needs a GPU) or no.",
            rich_help_panel=TRAINING,
        ),
    ] = Precision.NO,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the samples for a network (default 30, or more for few samples), and "
            "rounds for other models (default 8).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Samples per batch (default 128; 32 below 2,000 samples, 512 from 50,000).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Learning rate of Adam (default 0.001).", rich_help_panel=TRAINING),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Seed of the initial weights and of the order of the samples. The same seed "
            "gives the same result.",
            rich_help_panel=TRAINING,
        ),
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results (default: the name of DATA with -audit, such as "
            "pets-audit for pets.csv).",
            rich_help_panel=RESULTS,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace the results of an earlier run, and an existing file of --fix, also where "
            "no row of a class is left in it.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue a run that was stopped.", rich_help_panel=RESULTS),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            help="Rows of suspects.csv: the most suspicious ones (default: the suspects, and "
            "doubtful labels up to the number that may be wrong).",
            rich_help_panel=RESULTS,
        ),
    ] = None,
    every_class: Annotated[
        bool,
        typer.Option(
            "--every-class",
            help="List suspects of every class, also of classes that were not predicted better "
            "than by chance, or of which more than half of the labels look wrong.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    fix: Annotated[
        Path | None,
        typer.Option(
            help="Also write a corrected copy of the table to this file.", rich_help_panel=RESULTS
        ),
    ] = None,
    drop: Annotated[
        bool,
        typer.Option(
            "--drop",
            help="With --fix: leave the suspects out instead of correcting their labels.",
            rich_help_panel=RESULTS,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object and nothing else.", rich_help_panel=RESULTS
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors.", rich_help_panel=RESULTS)
    ] = False,
    dark: Annotated[
        bool,
        typer.Option(
            "--dark", help="Draw the pictures on a dark background.", rich_help_panel=RESULTS
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=RESULTS),
    ] = False,
) -> None:
    """Find the labels that are probably wrong, and suggest the right ones."""
    with errors_in_one_line(debug=debug, quiet=quiet):
        from selfpaced.audit import Options
        from selfpaced.audit._plan import Plan

        numeric = None if classes is None else not classes
        options = Options(
            label=label,
            labels=labels,
            ignore=tuple(ignore or ()),
            use=tuple(use or ()),
            group=group,
            numeric=numeric,
            exact=exact,
            side=side,
            depth=depth,
            sheet=sheet,
            annotator=tuple(annotator or ()),
            item=item,
        )
        kind = (model, learner.value, folds, shifts, precision.value)
        if text_model is not None and text_model.is_dir():
            text_model = text_model.resolve()  # predict may be started in another folder
        numbers = (epochs, batch_size, learning_rate, seed)
        plan = Plan(data, options, text_model, *kind, *numbers, probabilities)
        folder = _default_folder(data) if output is None else output
        shown = (as_json, quiet, dark, top, every_class)
        results = audit_run.Results(folder, force, resume, fix, drop, *shown)
        audit_run.carry_out(plan, results)


def _default_folder(data: Path) -> Path:
    """Return the folder for the results if the user names none.

    >>> str(_default_folder(Path("pets.v2.csv.gz"))), str(_default_folder(Path(".pets.csv")))
    ('pets.v2-audit', 'pets-audit')
    """
    name = data.resolve().name.removesuffix(".gz")
    stem = name if data.is_dir() else Path(name).stem
    return Path(f"{stem.lstrip('.') or 'data'}-audit")
