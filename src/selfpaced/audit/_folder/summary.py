"""The page that a run leaves behind for its reader."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.tables import suspects_table
from selfpaced.audit._reading.words import are
from selfpaced.audit._result import Audit

SHOWN, KINDS = 10, 8  # rows of a table, and kinds of mistakes
OWN = 3  # of the user's columns that are shown
LONG = 60  # characters of a cell
FEW = 400  # samples that are too few for a firm answer
WIDE = 2.0  # a range that reaches this many times the estimate is wide


def summary(
    found: Audit,
    *,
    name: str,
    where: pd.Series,
    own: pd.DataFrame,
    notes: Sequence[str],
    conflicts: pd.DataFrame,
    command: str,
    files: Collection[str] = tuple(FILES),
) -> str:
    """Return a page in Markdown: what was found, how far to trust it, and what to do next.

    Args:
        found: What the audit found.
        name: Of the file or folder that was audited.
        where: As in ``tables.suspects_table``.
        own: Likewise.
        notes: What was noticed while reading, a sentence each.
        conflicts: The samples that stand there more than once, with different labels.
        command: That repeats the run.
        files: The names of those in the folder.

    Raises:
        ValueError: For ``where`` or ``own`` of another length.
    """
    table = suspects_table(found, where, own)
    parts = [
        _headline(found, name),
        _kinds(found),
        _worst(table, len(own.columns)),
        _conflicts(conflicts),
        _section("Noticed while reading", [f"- {_cell(note, 500)}" for note in notes]),
        _section("How far to trust this", [f"- {line}" for line in _doubts(found)]),
        _files(files, found, conflicts),
        _section("Again", ["```", command, "```"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def worst(table: pd.DataFrame, n_own: int) -> pd.DataFrame:
    """Return the most suspicious samples, ten at most, as a reader wants to see them.

    Args:
        table: What ``tables.suspects_table`` returns.
        n_own: How many of its last columns are the user's; the first ones are shown.

    Returns:
        A row per sample: where it is, ``given``, ``probably``, ``how sure``, then columns of the
        user's that do not repeat the given label.
    """
    given = [shorten(value) for value in table["given"]]
    own = list(table.columns[len(table.columns) - n_own :])
    own = [name for name in own if [shorten(value) for value in table[name]] != given][:OWN]
    ours = [table.columns[0], "given", "suggested", "probability"]
    shown = table[[*ours, *own]].head(SHOWN).copy()
    shown["probability"] = [_percent(p) for p in shown["probability"]]
    return shown.rename(columns={"suggested": "probably", "probability": "how sure"})


def doubts(found: Audit) -> list[tuple[str, str]]:
    """Return what speaks against trusting this result: what it is, and what follows."""
    n, count, (one, many) = len(found.table), found.count, _words(found)
    lines = []
    if n < FEW:
        lines.append(
            (
                f"{n:,} samples are few.",
                f" Below {FEW} a model learns {many} by heart before it knows what they have in "
                f"common; look at the list, do not trust the counts.",
            )
        )
    if count.high > WIDE * count.estimate and count.high >= 1:
        why = "errors with long tails" if found.numeric else "classes that overlap"
        lines.append(
            (
                "The range is wide",
                f", up to {count.high:,.0f} for an estimate of {count.estimate:,.0f}. That comes "
                f"of {why}: a right {one} may look wrong.",
            )
        )
    return lines


def shorten(value: Any, long: int = LONG) -> str:
    r"""Return a value on one line, shortened.

    >>> shorten("a\nb"), shorten(0.1 + 0.2), shorten(float("nan")), shorten("abcdef", 4)
    ('a b', '0.3', '', 'abc…')
    """
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= long else text[: long - 1].rstrip() + "…"


def _headline(found: Audit, name: str) -> str:
    """Say how many are wrong, with the range."""
    n, k, count = len(found.table), len(found.suspects), found.count
    one, many = _words(found)
    of = f"of {n:,} {many} in {_cell(name)}"
    title = f"{k:,} {of} {are(k)} probably wrong" if k else f"None {of} looks wrong"
    about = round(count.estimate)
    text = (
        f"All in all about **{about:,}** {are(about)} wrong; between {count.low:,.0f} and "
        f"{count.high:,.0f} as far as can be told."
    )
    if k:
        listed = f"This {one} is" if k == 1 else f"These {k:,} {many}, {k / n:.1%} of all, are"
        text = f"{listed} more probably wrong than right. {text}"
    return f"# {title}\n\n{text}"


def _kinds(found: Audit) -> str:
    """Say which label is given in place of which, the most frequent first."""
    suspects = found.suspects
    if found.numeric or suspects.empty:
        return ""
    counts = Counter(zip(suspects["label"], suspects["suggested"], strict=True))
    lines = [
        f"- {n:,} labelled **{_cell(given)}** {are(n)} probably **{_cell(meant)}**"
        for (given, meant), n in counts.most_common(KINDS)
    ]
    rest = len(suspects) - sum(n for _, n in counts.most_common(KINDS))
    if rest:
        lines.append(f"- {rest:,} more of other kinds")
    return _section("What is mistaken for what", lines)


def _worst(table: pd.DataFrame, n_own: int) -> str:
    """Show the most suspicious samples."""
    if table.empty:
        return ""
    more = [] if len(table) <= SHOWN else ["", f"All {len(table):,} are in `suspects.csv`."]
    return _section("Look at these first", [*_markdown(worst(table, n_own)), *more])


def _conflicts(conflicts: pd.DataFrame) -> str:
    """Show samples that contradict each other."""
    n = len(conflicts)
    if n == 0:
        return ""
    lines = [f"{n:,} samples stand there more than once, with different labels.", ""]
    lines += _markdown(conflicts.iloc[:SHOWN, : OWN + 3])
    more = [] if n <= SHOWN else ["", f"All {n:,} are in `conflicts.csv`."]
    return _section("Samples that contradict each other", [*lines, *more])


def _doubts(found: Audit) -> list[str]:
    """Say what speaks against trusting the result, and what always does."""
    return [
        *(f"**{what}**{why}" for what, why in doubts(found)),
        "A rare sample with a right label can look like a mistake. Look before you change.",
        "A mistake that is made always, by a rule, looks right: the model learns the rule.",
    ]


def _files(files: Collection[str], found: Audit, conflicts: pd.DataFrame) -> str:
    """Say what the files are."""
    there = [name for name in FILES if name in files]
    if conflicts.empty:
        there = [name for name in there if name != "conflicts.csv"]
    what = {name: FILES[name].replace("labels", _words(found)[1]) for name in there}
    return _section("In this folder", [f"- `{name}`: {what[name]}" for name in there])


def _words(found: Audit) -> tuple[str, str]:
    """Return what one of the labels is called, and several."""
    return ("number", "numbers") if found.numeric else ("label", "labels")


def _percent(probability: float) -> str:
    """Return a probability in per cent; none is certain."""
    return f"{probability:.1%}" if probability < 0.9995 else "> 99.9%"


def _section(title: str, lines: list[str]) -> str:
    """Return the lines under a title; nothing where there are none."""
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _markdown(table: pd.DataFrame) -> list[str]:
    """Return a table in Markdown; numbers stand at the right."""
    edges = ["---:" if pd.api.types.is_numeric_dtype(kind) else "---" for kind in table.dtypes]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    heads = [_cell(name) for name in table.columns]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, edges, *rows)]


def _cell(value: object, long: int = LONG) -> str:
    r"""Return a value on one line, shortened, with nothing that Markdown would read as its own.

    >>> _cell("a|b\nc")
    'a\\|b c'
    """
    text = shorten(value, long)
    for mark, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("*", "\\*"), ("`", "\\`")):
        text = text.replace(mark, safe)
    return text
