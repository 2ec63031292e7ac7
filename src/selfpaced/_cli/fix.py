"""``selfpaced fix``: a corrected copy of the table that a run audited."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from selfpaced._cli import messages as telling
from selfpaced._cli.console import refusing


def fix(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    corrected: Annotated[Path, typer.Argument(help="The copy to write.", show_default=False)],
    data: Annotated[
        Path | None, typer.Option(help="The table, where it is no longer where it was.")
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Leave the suspects out of the copy.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the copy.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Write a copy of a table with the labels that a run suggests.

    Delete the lines of RUN/suspects.csv whose label is right after all before. The table itself
    stays as it is.
    """
    with refusing(debug):
        from selfpaced.audit._folder.write import fix_from

        changed = fix_from(run, corrected, data=data, drop=drop, force=force)
        telling.tell_fixed(corrected, changed, drop=drop, console=Console())
