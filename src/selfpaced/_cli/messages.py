"""What an audit tells: what was read, what was found, and what to do next."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from selfpaced.audit import Audit
    from selfpaced.audit._folder.write import Written
    from selfpaced.audit._prepare import Prepared
    from selfpaced.audit._run import Run

CLASSES, LONG = 6, 60  # classes that are named; characters of a cell
OURS = 4  # columns of the worst samples: where, given, probably, how sure; then the user's
FRAME, LEAST = 3, 8  # characters around a cell, and in it
SHOWN = {
    "summary.md": "what was found, and how far to trust it",
    "suspects.csv": "what is probably wrong, most suspicious first",
    "suspects.png": "a picture of it",
    "conflicts.csv": "equal samples with different labels",
    "curves.png": "the training",
}  # the files that people look at
NOUNS = {"row": "row", "file": "image", "index": "sample"}  # by where a sample is found


def tell_read(prepared: "Prepared", console: Console) -> None:
    """Say what was read, and what was noticed."""
    from selfpaced.audit._reading.words import count

    source = prepared.source
    said = count(len(source), NOUNS[str(source.where.name)])
    name = escape(source.path.name or str(source.path))
    say(console, f"[bold]{name}[/]: {said}; {escape(_labels(prepared))}")
    for note in prepared.notes:
        say(console, f"[dim]  {escape(note)}[/]")


def tell_resumed(run: "Run", console: Console) -> None:
    """Say where a training goes on."""
    say(console, f"[dim]  Going on after {run.learner.epoch} of {run.settings.epochs} epochs.[/]")


def tell_found(found: "Audit", written: "Written", console: Console) -> None:
    """Show the worst samples, how many labels are wrong, and of which kind."""
    from selfpaced.audit._folder.summary import doubts, worst

    say(console)
    if len(written.suspects):
        console.print(_table(worst(written.suspects, written.own), console.width - 1))
        say(console)
    first, *others = repr(found).splitlines()
    say(console, f"[bold]{escape(first)}[/]")
    for line in others:
        say(console, escape(line))
    for what, why in doubts(found):
        say(console, f"[yellow]{what}[/]{escape(why)}")


def tell_files(folder: Path, files: Sequence[str], console: Console) -> None:
    """Say what was written: what people look at first."""
    say(console)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    for name, what in SHOWN.items():
        if name in files:
            grid.add_row(escape(str(folder / name)), what)
    console.print(grid)
    rest = sorted(set(files) - set(SHOWN))
    say(console, f"[dim]and beside them {escape(', '.join(rest))}[/]")


def tell_fixed(corrected: Path, changed: int, *, drop: bool, console: Console) -> None:
    """Say what is in the corrected copy."""
    from selfpaced.audit._reading.words import count

    left = count(changed, "row")
    done = f"{left} left out." if drop else f"{left} changed; the column selfpaced_was says how."
    say(console, f"[cyan]{escape(str(corrected))}[/]  {done}")


def tell_next(
    prepared: "Prepared", folder: Path, suspects: int, fixed: bool, console: Console
) -> None:
    """Say which command comes next."""
    path, run = prepared.source.path, shlex.quote(str(folder))
    say(console)
    if suspects and not fixed and _fixable(path):
        listed = escape(str(folder / "suspects.csv"))
        say(console, f"Next, delete the lines of {listed} whose label is right after all, then")
        drop = " --drop" if prepared.source.numeric else ""
        command = f"selfpaced fix {run} {shlex.quote(_copy_of(path))}{drop}"
    else:
        mend = "mend what is wrong, then " if suspects and not fixed else ""
        say(console, f"Next, {mend}ask the model for the labels of new samples:")
        command = f"selfpaced predict {run} {shlex.quote('new' + ''.join(path.suffixes))}"
    say(console, f"[bold]  {escape(command)}[/]")


def told(
    prepared: "Prepared", found: "Audit", folder: Path, written: "Written", seconds: float
) -> dict[str, Any]:
    """Return what was found as JSON has it."""
    from selfpaced.audit._folder.summary import doubts

    count = found.count
    return {
        "data": str(prepared.source.path),
        "samples": len(prepared.source),
        "suspects": len(written.suspects),
        "wrong": {"estimate": count.estimate, "low": count.low, "high": count.high},
        "kinds": _kinds(written.suspects, numeric=found.numeric),
        "folder": str(folder),
        "suspects_csv": str(folder / "suspects.csv"),
        "files": list(written.files),
        "notes": [*prepared.notes, *(what + why for what, why in doubts(found))],
        "seconds": round(seconds, 1),
    }


def say(console: Console, text: str = "") -> None:
    """Print a line, however wide, as it is."""
    console.print(text, highlight=False, soft_wrap=True)


def _fixable(path: Path) -> bool:
    """Say whether a corrected copy can be written of this file."""
    from selfpaced.audit._fixing.fix import FORMATS
    from selfpaced.audit._reading.kinds import suffix_of

    return path.is_file() and suffix_of(path) in FORMATS


def _labels(prepared: "Prepared") -> str:
    """Return the classes with their sizes, or the range of the numbers."""
    labels = prepared.source.labels
    name = "labels" if labels.name is None else str(labels.name)
    if prepared.names is None:
        return (
            f"{name} from {labels.min():,.6g} to {labels.max():,.6g}, median {labels.median():,.6g}"
        )
    sizes = labels.value_counts()
    shown = ", ".join(f"{label} ({n:,})" for label, n in sizes.head(CLASSES).items())
    rest = len(sizes) - CLASSES
    return f"{name}: {shown}" + (f" and {rest:,} more classes" if rest > 0 else "")


def _table(shown: "pd.DataFrame", width: int) -> Table:
    """Make a table of the worst samples, a line each; the user's columns share what is left."""
    from selfpaced.audit._folder.summary import shorten

    cells = {name: [shorten(value, LONG) for value in shown[name]] for name in shown.columns}
    names = list(cells)
    left = width - sum(max(map(len, [name, *cells[name]])) + FRAME for name in names[:OURS])
    own = names[OURS : OURS + max(left // (LEAST + FRAME), 0)]
    room = left // max(len(own), 1) - FRAME
    table = Table(title="Look at these first", title_justify="left", header_style="bold")
    for name in (*names[:OURS], *own):
        right = name == "how sure" or shown[name].dtype.kind in "iuf"
        head = shorten(name, room) if name in own else name
        table.add_column(escape(head), justify="right" if right else "left", no_wrap=True)
    columns = [[shorten(text, room) for text in cells[name]] for name in own]
    for row in zip(*(cells[name] for name in names[:OURS]), *columns, strict=True):
        table.add_row(*map(escape, row))
    return table


def _kinds(suspects: "pd.DataFrame", *, numeric: bool) -> list[dict[str, Any]]:
    """Return how often which label is given in place of which, the most frequent first."""
    if numeric:
        return []
    pairs = zip(suspects["given"].tolist(), suspects["suggested"].tolist(), strict=True)
    return [
        {"given": given, "suggested": suggested, "count": n}
        for (given, suggested), n in Counter(pairs).most_common()
    ]


def _copy_of(path: Path) -> str:
    """Return a name for a corrected copy.

    >>> _copy_of(Path("data/pets.csv.gz"))
    'pets-corrected.csv.gz'
    """
    stem, dot, suffixes = path.name.partition(".")
    return f"{stem}-corrected{dot}{suffixes}"
