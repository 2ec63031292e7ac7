"""The command line: strings become objects here and nowhere else."""

from typing import Annotated

import typer
from rich.console import Console

from selfpaced._cli.audit import audit
from selfpaced._cli.demo import blobs, digits
from selfpaced._cli.fix import fix
from selfpaced._cli.latent import latent
from selfpaced._cli.predict import predict
from selfpaced._version import __version__

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Self-paced learning: easy first, and a list of the labels that are wrong.",
)
demo = typer.Typer(no_args_is_help=True, help="See what the library does, on real data.")
app.add_typer(demo, name="demo")
app.add_typer(latent, name="latent")


def _show_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        Console().print(f"selfpaced {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


app.command()(audit)
app.command()(predict)
app.command()(fix)
demo.command()(digits)
demo.command()(blobs)
