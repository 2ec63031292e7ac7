"""The command line; only here are words of the user turned into objects of the library."""

from typing import Annotated

import typer

from selfpaced._cli.audit import audit
from selfpaced._cli.console import Console
from selfpaced._cli.demo import blobs, digits
from selfpaced._cli.exchange import export, import_
from selfpaced._cli.fix import fix
from selfpaced._cli.latent import latent
from selfpaced._cli.predict import predict
from selfpaced._cli.process import Commands
from selfpaced._cli.report import report
from selfpaced._cli.review import review
from selfpaced._version import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Self-paced learning: train on easy samples first, and find labels that are wrong.",
)
demo = typer.Typer(no_args_is_help=True, help="Demonstrate self-paced learning on small data sets.")
app.add_typer(demo, name="demo")
app.add_typer(latent, name="latent")


def _print_version(asked: bool) -> None:
    """Print the version and exit, if the user asked for it."""
    if asked:
        Console().print(f"selfpaced {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


app.command()(audit)
app.command()(predict)
app.command()(report)
app.command()(review)
app.command()(fix)
app.command()(export)
app.command("import")(import_)
demo.command()(digits)
demo.command()(blobs)
