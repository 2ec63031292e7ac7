"""``selfpaced fix``: write a corrected copy of the table that a run audited."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from selfpaced._cli import messages
from selfpaced._cli.console import errors_in_one_line


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
        typer.Option("--drop", help="Leave the suspects out instead of correcting their labels."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the corrected copy if it exists.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write a copy of a table with the labels that a run suggests.

    Before that, delete the lines of RUN/suspects.csv whose given label is right. The table itself
    is never changed.
    """
    with errors_in_one_line(debug=debug):
        from selfpaced.audit._folder.write import fix_from

        changed = fix_from(run, corrected, data=data, drop=drop, force=force)
        messages.tell_fixed(corrected, changed, drop=drop, console=Console())
