"""``selfpaced report``: write the report of a run again, with what was decided since."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from selfpaced._cli.console import Console, errors_in_one_line
from selfpaced._cli.messages import say


def report(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run, written by selfpaced audit.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File for the report (default: report.html in RUN)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --output if it exists.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write the report of a run again, with what was decided since.

    The report is one HTML file for a browser. It loads nothing from elsewhere and can be sent to
    others: it contains the samples that it shows. Each audit writes one; this command adds the
    decisions of selfpaced review.

    Example: selfpaced report pets-audit --output pets.html
    """
    with errors_in_one_line(debug=debug):
        from selfpaced.audit._cases.report import write_report

        written, decided = write_report(run, output, force=force)
        from selfpaced.audit._reading.words import count

        told = f"  the report, with {count(decided, 'decision')}" if decided else "  the report"
        say(Console(), f"[cyan]{escape(str(written))}[/]{told}")
