"""``selfpaced export`` and ``selfpaced import``: decide in another program."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from selfpaced._cli.console import Console, errors_in_one_line
from selfpaced._cli.messages import say
from selfpaced._text import operand, shell_line


def export(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run, written by selfpaced audit.", show_default=False),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            help=".json for Label Studio; .jsonl or .csv for other programs.", show_default=False
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write the suspects of a run for another program, in which people decide.

    For Label Studio, a labelling interface is written beside the file: paste it into the settings
    of a project, then import the file. Images are part of the file, in the size that the report
    shows. selfpaced import reads what people decided there.

    Example: selfpaced export pets-audit tasks.json
    """
    with errors_in_one_line(debug=debug):
        from selfpaced.audit._decisions.exchange import INTERFACE, export_to

        console = Console()
        for path in export_to(run, file, force=force):
            what = "the labelling interface" if path.name.endswith(INTERFACE) else "the suspects"
            say(console, f"[cyan]{escape(str(path))}[/]  {what}")


def import_(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run, written by selfpaced audit.", show_default=False),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            help="An export of Label Studio (.json), or a table with the column decision or "
            "new_label (.csv, .tsv, .txt, .xlsx, .jsonl).",
            show_default=False,
        ),
    ],
    reviewer: Annotated[
        str | None,
        typer.Option(help="Name of the person who decided (default: the names in the file)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Allow labels that are no class of the run.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Read what people decided in another program; selfpaced fix then writes the corrected data.

    Example: selfpaced import pets-audit exported.json
    """
    with errors_in_one_line(debug=debug):
        from selfpaced.audit._decisions.exchange import import_from
        from selfpaced.audit._reading.words import count, listed

        made, console = import_from(run, file, reviewer, force=force), Console()
        by = escape(listed(made.people))
        added = f"{count(made.decisions, 'decision')} by {by}"
        say(console, f"{added} added to the review of {escape(str(run))}.")
        if made.skipped:
            say(console, f"{count(made.skipped, 'sample')} were skipped there.")
        words = shell_line(["selfpaced", "fix", operand(run)])
        say(console, f"Next, write the corrected data: {escape(words)} CORRECTED")
