"""``selfpaced review``: decide about the suspects of a run on a page on this machine."""

import getpass
import webbrowser
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from selfpaced._cli.console import Console, errors_in_one_line
from selfpaced._cli.messages import say
from selfpaced._cli.process import Terminated
from selfpaced._text import operand, shell_line

if TYPE_CHECKING:
    from selfpaced._review.desk import Desk


def review(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run, written by selfpaced audit.", show_default=False),
    ],
    reviewer: Annotated[
        str | None,
        typer.Option(help="Name of the person who decides (default: the name of the login)."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the page; 0 for any that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Decide about the suspects of a run with the keyboard, on a page on this machine.

    Each decision is saved at once, in decisions.sqlite in RUN. The review goes on where it was
    left. Several people can review a run at the same time: each starts this command with a name of
    their own, and no decision replaces that of another person. selfpaced fix then writes the
    corrected data.

    Example: selfpaced review pets-audit --reviewer ann
    """
    console = Console()
    with errors_in_one_line(debug=debug):
        from selfpaced._review.desk import open_desk

        desk = open_desk(run, _name() if reviewer is None else reviewer)
        earlier = desk.decisions.earlier()
        from selfpaced._review.serve import serve

        def began(address: str) -> None:
            """Print the address, and open it."""
            _tell(desk, address, earlier, console)
            if (
                browser
            ):  # in a thread: a browser in the terminal would keep the server from starting
                Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        try:
            serve(desk, began, port=port)
        except (KeyboardInterrupt, Terminated) as stop:
            _tell_end(desk, console)
            if isinstance(stop, Terminated):
                raise


def _name() -> str:
    """Return the name of the login."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise ValueError("This login has no name. Pass reviewer=... with yours.") from error


def _tell(desk: "Desk", address: str, earlier: int, console: Console) -> None:
    """Print where the page is, and how far the review is."""
    from selfpaced.audit._decisions.precision import in_short, progress
    from selfpaced.audit._reading.words import are, count

    cases, found = len(desk.cases), progress(desk.places, desk.decisions.latest())
    noun = count(cases, desk.gallery.noun)
    say(
        console,
        f"[bold]{escape(desk.gallery.name)}[/]: {noun} to review by {escape(desk.reviewer)}",
    )
    if found.left < cases:
        say(console, f"  {in_short(found)}")
    if desk.gallery.more:
        say(console, f"  {desk.gallery.more:,} further ones are in suspects.csv only.")
    if earlier:
        what = f"{count(earlier, 'decision')} about an earlier run in this folder"
        say(console, f"[yellow]  {what} {are(earlier)} kept, and not used.[/]")
    say(console, f"[bold]  {escape(address)}[/]")
    say(console, "[dim]  Only this machine reaches the page. Press Ctrl-C to end the review.[/]")


def _tell_end(desk: "Desk", console: Console) -> None:
    """Print how many labels were decided, and the next command."""
    from selfpaced.audit._decisions.precision import in_short, progress

    found = progress(desk.places, desk.decisions.latest())
    say(console)
    say(console, in_short(found))
    say(console, f"[cyan]{escape(str(desk.decisions.path))}[/]  the decisions")
    if found.wrong:
        words = ["selfpaced", "fix", operand(desk.folder)]
        say(console, f"Next, write the corrected data: {escape(shell_line(words))} CORRECTED")
