"""What ``selfpaced audit`` prints: what was read, what was found, and what to do next."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from selfpaced._cli.console import Console
from selfpaced._cli.flags import in_flags
from selfpaced._text import operand, shell_line

if TYPE_CHECKING:
    import pandas as pd

    from selfpaced.audit import Audit
    from selfpaced.audit._fixing.changes import Changes, OfClass
    from selfpaced.audit._fixing.from_run import Fixed
    from selfpaced.audit._folder.write import Written
    from selfpaced.audit._prepare import Prepared
    from selfpaced.audit._reliability import Reliability
    from selfpaced.audit._result import Agreement
    from selfpaced.audit._run import Run

# The largest number of classes that are printed with their sizes.
MOST_CLASSES = 6
# The largest number of classes whose changes are printed.
MOST_CHANGED = 10
# The largest number of characters of the name of a class among the changes.
NAME = 24
# The largest number of characters that a cell of the table of suspects shows.
LONGEST = 60
# The number of columns of that table that are always shown whole: the place of the sample, given,
# probably, how sure. Columns of the user follow.
FIRST = 4
# The number of characters that the table adds to a cell: a space on each side, and a line.
FRAME = 3
# The smallest number of characters in which a column of the user is shown.
NARROWEST = 8
# Suffixes of the result files that people read; programs read the others.
READABLE = (".html", ".md", ".csv", ".png")
# The description of summary.md; in summary.md itself it is "this page".
ABOUT_SUMMARY = "what was found, and how reliable it is"
# What a sample that is no image is called, by the name of its place in the source.
NOUNS = {"row": "row", "file": "text", "index": "sample"}


def tell_read(prepared: "Prepared", console: Console) -> None:
    """Print how many samples and which labels were read, and the notes."""
    from selfpaced.audit._reading.words import count

    source = prepared.source
    noun = "image" if source.kind == "images" else NOUNS[str(source.where.name)]
    said = count(len(source), noun)
    name = escape(source.path.name or str(source.path))
    say(console, f"[bold]{name}[/]: {said}; {escape(_labels(prepared))}")
    for note in prepared.notes:
        say(console, f"[dim]  {escape(note)}[/]")


def tell_resumed(run: "Run", console: Console) -> None:
    """Print after how many epochs a training continues."""
    say(console, f"[dim]  Continuing after {run.learner.epoch} of {run.learner.epochs} epochs.[/]")


def tell_found(found: "Audit", written: "Written", console: Console) -> None:
    """Print the most suspicious samples, how many labels are wrong, and which are confused."""
    from selfpaced.audit._folder.summary import doubts, worst
    from selfpaced.audit._reliability import most_shown

    say(console)
    if len(found.suspects):
        shown = worst(written.suspects, written.names, most_shown(found.count))
        console.print(table_of(shown, console.width - 1, FIRST, "Look at these first"))
        if written.about:
            say(console, f"[dim]{written.about}[/]")
        say(console)
    first, *others = repr(found).splitlines()
    say(console, f"[bold]{escape(in_flags(first))}[/]")
    for line in others:
        say(console, escape(in_flags(line)))
    if found.reliability is not None and found.reliability.learned:
        say(console, f"[dim]{escape(found.reliability.predicted)}[/]")
        say(console, f"[dim]{escape(found.reliability.learned_by)}[/]")
    if found.votes is not None:
        say(console, f"[dim]{escape(_annotators(found.votes))}[/]")
    for what, why in doubts(found):
        say(console, f"[yellow]{what}[/]{escape(why)}")


def _annotators(votes: "Agreement") -> str:
    """Return how reliable the annotators are, in a sentence."""
    least, most = (votes.annotators.iloc[place] for place in (0, -1))
    return (
        f"The annotators are right in {least['quality']:.0%} ({least.name}) to "
        f"{most['quality']:.0%} ({most.name}) of their labels."
    )


def tell_files(folder: Path, files: Sequence[str], console: Console, *, numeric: bool) -> None:
    """Print the files that were written: first those that people read, with descriptions."""
    from selfpaced.audit._folder.files import FILES, SUMMARY, described

    readable = [name for name in FILES if name in files and name.endswith(READABLE)]
    say(console)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    what = described(readable, numeric=numeric) | {SUMMARY: ABOUT_SUMMARY}
    for name in readable:  # the columns of a file are described in summary.md
        grid.add_row(escape(str(folder / name)), escape(what[name].partition(";")[0]))
    console.print(grid)
    others = sorted(set(files) - set(readable))
    say(console, f"[dim]Other files: {escape(', '.join(others))}[/]")


def tell_fixed(fixed: "Fixed", console: Console) -> None:
    """Print how the corrected data differ from the data, and how each class changes."""
    from selfpaced.audit._reading.words import count, listed

    changes = fixed.changes
    n = count(len(changes), "label") if not changes.drop else count(len(changes), "sample")
    say(console, escape(fixed.choices.told))
    what = "left out" if changes.drop else "changed"
    if fixed.column:
        what += f"; the column {fixed.column} holds the former ones"
    say(console, f"[cyan]{escape(str(fixed.corrected))}[/]  {n} {what}")
    if changes.classes:
        console.print(_classes_table(changes))
    if fixed.renamed:
        names = escape(listed(fixed.renamed, 3))
        say(
            console,
            f"{count(len(fixed.renamed), 'file')} got a new name, as theirs was taken: {names}",
        )
    say(console, f"[cyan]{escape(str(fixed.log))}[/]  what changed, and by whom")


def _classes_table(changes: "Changes") -> Table:
    """Return how many samples each class has before and after, and what they become."""
    table = Table(header_style="bold")
    for name, side in (("class", "left"), ("before", "right"), ("after", "right")):
        table.add_column(name, justify=side, no_wrap=True)  # type: ignore[arg-type]  # both are sides
    table.add_column("left out" if changes.drop else "become")
    ranked = sorted(changes.classes, key=lambda each: -each.changed)
    for each in ranked[:MOST_CHANGED]:
        table.add_row(*map(escape, _class_row(each, drop=changes.drop)))
    rest = len(ranked) - MOST_CHANGED
    if rest > 0:
        table.add_row(f"{rest:,} more", "", "", "")
    return table


def _class_row(each: "OfClass", *, drop: bool) -> tuple[str, str, str, str]:
    """Return the cells of a class: its name, its samples before and after, and what they become."""
    from selfpaced.audit._folder.summary import shorten

    if drop:
        told = f"{each.changed:,}" if each.changed else ""
    else:
        told = ", ".join(f"{shorten(label, NAME)} ({n:,})" for label, n in each.to.items())
    return shorten(each.given, NAME), f"{each.rows:,}", f"{each.left:,}", told


def fixed_as_json(fixed: "Fixed") -> dict[str, Any]:
    """Return a correction as a JSON object."""
    changes, choices = fixed.changes, fixed.choices
    return {
        "fixed": str(fixed.corrected),
        "log": str(fixed.log),
        "source": choices.source,
        "kept": choices.kept,
        "unsure": choices.unsure,
        "undecided": choices.undecided,
        "changed": len(changes),
        "changes": changes.by_class(),
        "classes": [
            {"class": str(each.given), "before": each.rows, "after": each.left}
            for each in changes.classes
        ],
        "renamed": list(fixed.renamed),
    }


def tell_next(run: "Run", folder: Path, found: "Audit", fixed: bool, console: Console) -> None:
    """Print the command to run next."""
    source, place, suspects = run.prepared.source, operand(folder), len(found.suspects)
    path = source.path
    say(console)
    if found.reliability is not None and not found.reliability.learned:
        say(console, "Next, add samples, or columns from which the labels can be told.")
        return
    several = bool(run.plan.options.annotator)
    if suspects and not fixed and not several:
        say(console, "Next, decide about the suspects, then write the corrected data:")
        say(console, f"[bold]  {escape(shell_line(['selfpaced', 'review', place]))}[/]")
        labels = run.plan.options.labels  # of a file that holds features only
        copy = operand(Path(_copy_of(path if labels is None else labels)))
        words = ["fix", place, copy, *(["--drop"] if source.numeric else [])]
    else:
        first = "correct the wrong labels, then " if suspects and not fixed else ""
        say(console, f"Next, {first}predict the labels of new samples with the model:")
        own = [] if run.plan.model is None else ["--model", run.plan.model]
        words = ["predict", place, "new" + "".join(path.suffixes), *own]
    say(console, f"[bold]  {escape(shell_line(['selfpaced', *words]))}[/]")


def as_json(
    prepared: "Prepared", found: "Audit", folder: Path, written: "Written", seconds: float
) -> dict[str, Any]:
    """Return the result of the audit as a JSON object."""
    from selfpaced.audit._folder.summary import doubts

    return {
        "data": str(prepared.source.path),
        "samples": len(prepared.source),
        "suspects": len(found.suspects),
        "wrong": found.count._asdict(),
        "kinds": _kinds(found),
        "reliability": None if found.reliability is None else _reliability(found.reliability),
        "folder": str(folder),
        "suspects_csv": str(folder / "suspects.csv"),
        "files": list(written.files),
        "notes": [*prepared.notes, *(what + why for what, why in doubts(found))],
        "seconds": round(seconds, 1),
    }


def _reliability(known: "Reliability") -> dict[str, Any]:
    """Return how well labels are predicted as a JSON object."""
    classes = known.classes.reset_index(names="class").to_dict("list")
    rows = zip(*(classes[name] for name in classes), strict=True)
    return {
        "accuracy": known.accuracy,
        "base_accuracy": known.base_accuracy,
        "log_loss": known.log_loss,
        "base_log_loss": known.base_log_loss,
        "learned": known.learned,
        "told_apart": known.told_apart,
        "learners": known.learners,
        "classes": [dict(zip(classes, row, strict=True)) for row in rows],
    }


def say(console: Console, text: str = "") -> None:
    """Print a line without wrapping it."""
    console.print(text, soft_wrap=True)


def _labels(prepared: "Prepared") -> str:
    """Return the classes with their sizes, or the range and median of labels that are numbers."""
    labels = prepared.source.labels
    name = "labels" if labels.name is None else str(labels.name)
    if prepared.names is None:
        return (
            f"{name} from {labels.min():,.6g} to {labels.max():,.6g}, median {labels.median():,.6g}"
        )
    sizes = labels.value_counts()
    shown = ", ".join(f"{label} ({n:,})" for label, n in sizes.head(MOST_CLASSES).items())
    rest = len(sizes) - MOST_CLASSES
    return f"{name}: {shown}" + (f" and {rest:,} more classes" if rest > 0 else "")


def table_of(shown: "pd.DataFrame", width: int, first: int, title: str) -> Table:
    """Return a table of samples, a line each, for a terminal of a width.

    Args:
        shown: The samples.
        width: The width in characters.
        first: The number of columns that are shown whole. Those of the user follow: as many as fit
            share the width that is left.
        title: The title.
    """
    from selfpaced.audit._folder.summary import shorten

    cells = {name: [shorten(value, LONGEST) for value in shown[name]] for name in shown.columns}
    names = list(cells)
    left = width - sum(max(map(len, [name, *cells[name]])) + FRAME for name in names[:first])
    own = names[first : first + max(left // (NARROWEST + FRAME), 0)]
    room = left // max(len(own), 1) - FRAME
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in (*names[:first], *own):
        right = name == "how sure" or shown[name].dtype.kind in "iuf"
        head = shorten(name, room) if name in own else name
        table.add_column(escape(head), justify="right" if right else "left", no_wrap=True)
    columns = [[shorten(text, room) for text in cells[name]] for name in own]
    for row in zip(*(cells[name] for name in names[:first]), *columns, strict=True):
        table.add_row(*map(escape, row))
    return table


def _kinds(found: "Audit") -> list[dict[str, Any]]:
    """Return how often each label is given where another is suggested, most frequent first."""
    if found.numeric:
        return []
    suspects = found.suspects
    pairs = zip(suspects["label"].tolist(), suspects["suggested"].tolist(), strict=True)
    return [
        {"given": given, "suggested": suggested, "count": n}
        for (given, suggested), n in Counter(pairs).most_common()
    ]


def _copy_of(path: Path) -> str:
    """Return the name of the corrected copy of a file or folder.

    >>> _copy_of(Path("data/pets.csv.gz"))
    'pets-corrected.csv.gz'
    """
    name = path.resolve().name
    stem, dot, suffixes = (name, "", "") if path.is_dir() else name.partition(".")
    return f"{stem}-corrected{dot}{suffixes}"
