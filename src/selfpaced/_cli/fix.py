"""``selfpaced fix``: write a corrected copy of the table that a run audited."""

from pathlib import Path
from typing import Annotated

import typer

from selfpaced._cli import messages
from selfpaced._cli.console import Console, errors_in_one_line


def fix(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run, written by selfpaced audit.", show_default=False),
    ],
    corrected: Annotated[
        Path,
        typer.Argument(
            help="File for the corrected copy, in the format of the table.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None, typer.Option(help="The table, if it was moved after the run.")
    ] = None,
    drop: Annotated[
        bool,
        typer.Option("--drop", help="Leave these rows out instead of correcting their labels."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace the corrected copy if it exists. Also write it if no row of a class is "
            "left, or if suspects.csv suggests a label that no row has.",
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write a copy of a table with the labels that a run suggests.

    Only rows of RUN/suspects.csv with yes in the column fix are changed. Before that, open the file
    in a spreadsheet: set fix to no where the given label is right, set it to yes where the label of
    a further row is wrong, and correct the suggested label where another one is right. The table
    itself is never changed.
    """
    with errors_in_one_line(debug=debug):
        from selfpaced.audit._folder.write import fix_from

        changes = fix_from(run, corrected, data=data, drop=drop, force=force)
        messages.tell_fixed(corrected, changes, Console())
