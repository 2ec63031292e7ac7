"""``selfpaced fix``: write corrected data of a run, or move its files to the right classes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from selfpaced._cli import messages
from selfpaced._cli.console import Console, errors_in_one_line, say_json
from selfpaced.audit._fixing import Use


def fix(  # noqa: PLR0913  # each flag is an argument
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run, written by selfpaced audit.", show_default=False),
    ],
    corrected: Annotated[
        Path | None,
        typer.Argument(
            help="File for the corrected copy, in the format of the data; of a folder of images or "
            "texts, a folder.",
            show_default=False,
        ),
    ] = None,
    *,
    use: Annotated[
        Use | None,
        typer.Option(
            help="Where the changes come from: the decisions of selfpaced review, the file "
            "suspects.csv, or the suggestions for all suspects (default: the review if something "
            "was decided there, else suspects.csv).",
            show_default=False,
        ),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(
            help="A file with decisions, instead: CSV with any separator, .xlsx or JSON Lines, "
            "with the place of each sample, and the column decision (keep, accept, change, "
            "unsure) or new_label.",
        ),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Of a review, take the decisions of this person only.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data, if they were moved after the run.")
    ] = None,
    drop: Annotated[
        bool,
        typer.Option("--drop", help="Leave these samples out instead of correcting their labels."),
    ] = False,
    move: Annotated[
        bool,
        typer.Option(
            "--move",
            help="Write no copy: move the files of a folder to the subfolders of their new "
            "classes. --undo moves them back.",
        ),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Move the files back that --move has moved.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace the corrected copy if it is a file that exists. Also write it if no "
            "sample of a class is left, or if a new label is one that no sample has.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write a copy of the data of a run with the labels that people decided, or that it suggests.

    Decide with selfpaced review, or open RUN/suspects.csv in a spreadsheet: set fix to no where the
    given label is right, set it to yes where the label of a further row is wrong, and correct the
    suggested label where another one is right. Or add the column decision or new_label. The data
    are never changed, except by --move. A log beside the copy says what changed, and by whom.

    Example: selfpaced fix pets-audit pets-corrected.csv
    """
    console = Console(quiet=as_json)
    with errors_in_one_line(debug=debug):
        _check(corrected, move=move, undo=undo)
        from selfpaced.audit._fixing.from_run import Request, fix_from, undo_moves

        if undo:
            n = undo_moves(run)
            _tell_undone(n, console)
            if as_json:
                say_json({"undone": n})
            return
        asked = Request(run, corrected, data, drop, force, use, decisions, reviewer)
        fixed = fix_from(asked)
        messages.tell_fixed(fixed, console)
    if as_json:
        say_json(messages.fixed_as_json(fixed))


def _check(corrected: Path | None, *, move: bool, undo: bool) -> None:
    """Raise unless exactly one thing is asked for: a copy, a move, or to undo one."""
    from selfpaced._errors import require

    asked = [corrected is not None, move, undo]
    require(
        sum(asked) == 1,
        "Name the corrected copy, or pass --move or --undo; "
        + ("none of them was given." if not any(asked) else "more than one was given."),
    )


def _tell_undone(n: int, console: Console) -> None:
    """Print how many files were moved back."""
    from selfpaced.audit._reading.words import are, count

    messages.say(console, escape(f"{count(n, 'file')} {are(n)} back where they were."))
