"""The page summary.md: what a run found, how far to trust it, and what the files are."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from selfpaced.audit._folder.files import CONFLICTS, FILES, SUSPECTS, described
from selfpaced.audit._folder.tables import suspects_table
from selfpaced.audit._reading.words import are
from selfpaced.audit._result import Audit

# The largest number of rows of a table on the page.
MOST_ROWS = 10
# The largest number of kinds of label errors that the page lists.
MOST_KINDS = 8
# The largest number of the user's columns that a table shows.
OWN_COLUMNS = 3
# The largest number of characters of a cell.
CELL_LENGTH = 60
# The largest number of characters of a note.
NOTE_LENGTH = 500
# Below this number of samples the counts are not reliable.
FEW_SAMPLES = 400
# A range is wide if its upper end is more than this many times the estimate.
WIDE_RANGE = 2.0


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
    """Return the page in Markdown.

    Args:
        found: The result of the audit, of n samples.
        name: Name of the file or folder that was audited.
        where: Place of each sample, n values, as in ``tables.suspects_table``.
        own: The user's columns, n rows, as in ``tables.suspects_table``.
        notes: Remarks about the samples and the features, one sentence each.
        conflicts: The samples that appear more than once, with different labels.
        command: The command that repeats the run.
        files: Names of the files in the folder.

    Raises:
        ValueError: For ``where`` or ``own`` of another length.
    """
    table = suspects_table(found, where, own)
    parts = [
        _headline(found, name),
        _kinds(found),
        _worst(table, len(own.columns)),
        _conflicts(conflicts),
        _section("Noticed while reading", [f"- {_cell(note, NOTE_LENGTH)}" for note in notes]),
        _section("How far to trust this", [f"- {line}" for line in _doubts(found)]),
        _files(files, found, conflicts),
        _section("Again", ["```", command, "```"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def worst(table: pd.DataFrame, n_own: int) -> pd.DataFrame:
    """Return the ten most suspicious samples at most, with readable columns.

    Args:
        table: A table of ``tables.suspects_table``.
        n_own: How many of its last columns are the user's; at most three of them are shown.

    Returns:
        A row per sample: its place, ``given``, ``probably``, ``how sure``, then those columns of
        the user that do not repeat the given label.
    """
    given = [shorten(value) for value in table["given"]]
    own = list(table.columns[len(table.columns) - n_own :])
    own = [name for name in own if [shorten(value) for value in table[name]] != given]
    ours = [table.columns[0], "given", "suggested", "probability"]
    shown = table[[*ours, *own[:OWN_COLUMNS]]].head(MOST_ROWS).copy()
    shown["probability"] = [_percent(p) for p in shown["probability"]]
    return shown.rename(columns={"suggested": "probably", "probability": "how sure"})


def doubts(found: Audit) -> list[tuple[str, str]]:
    """Return the reasons to doubt this result: a statement, and its explanation, of each."""
    n, count, (one, many) = len(found.table), found.count, _words(found)
    lines = []
    if n < FEW_SAMPLES:
        lines.append(
            (
                f"{n:,} samples are few.",
                f" With fewer than {FEW_SAMPLES}, a model can learn {many} by heart before it "
                f"learns what they have in common. Use the list of suspects; do not rely on the "
                f"counts.",
            )
        )
    if count.high > WIDE_RANGE * count.estimate and count.high >= 1:
        cause = "errors with long tails" if found.numeric else "classes that overlap"
        lines.append(
            (
                "The range is wide",
                f", up to {count.high:,.0f} for an estimate of {count.estimate:,.0f}. The usual "
                f"cause is {cause}: then a right {one} can look wrong.",
            )
        )
    return lines


def shorten(value: Any, long: int = CELL_LENGTH) -> str:
    r"""Return a value as text on one line, with at most ``long`` characters.

    >>> shorten("a\nb"), shorten(0.1 + 0.2), shorten(float("nan")), shorten("abcdef", 4)
    ('a b', '0.3', '', 'abc…')
    """
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= long else text[: long - 1].rstrip() + "…"


def _headline(found: Audit, name: str) -> str:
    """Return the headline: how many labels are wrong, with the range."""
    n, k, count = len(found.table), len(found.suspects), found.count
    one, many = _words(found)
    of = f"of {n:,} {many} in {_cell(name)}"
    title = f"{k:,} {of} {are(k)} probably wrong" if k else f"None {of} looks wrong"
    about = round(count.estimate)
    text = (
        f"All in all about **{about:,}** {are(about)} wrong; the range of this estimate is "
        f"{count.low:,.0f} to {count.high:,.0f}."
    )
    if k:
        suspects = f"This {one} is" if k == 1 else f"These {k:,} {many}, {k / n:.1%} of all, are"
        text = f"{suspects} more probably wrong than right. {text}"
    return f"# {title}\n\n{text}"


def _kinds(found: Audit) -> str:
    """Return how often each label is given instead of another, the most frequent first."""
    suspects = found.suspects
    if found.numeric or suspects.empty:
        return ""
    counts = Counter(zip(suspects["label"], suspects["suggested"], strict=True))
    lines = [
        f"- {n:,} labelled **{_cell(given)}** {are(n)} probably **{_cell(meant)}**"
        for (given, meant), n in counts.most_common(MOST_KINDS)
    ]
    rest = len(suspects) - sum(n for _, n in counts.most_common(MOST_KINDS))
    if rest:
        lines.append(f"- {rest:,} more of other kinds")
    return _section("What is mistaken for what", lines)


def _worst(table: pd.DataFrame, n_own: int) -> str:
    """Return the section of the most suspicious samples."""
    if table.empty:
        return ""
    more = [] if len(table) <= MOST_ROWS else ["", f"All {len(table):,} are in `{SUSPECTS}`."]
    return _section("Look at these first", [*_markdown(worst(table, n_own)), *more])


def _conflicts(conflicts: pd.DataFrame) -> str:
    """Return the section of equal samples with different labels."""
    n = len(conflicts)
    if n == 0:
        return ""
    lines = [f"{n:,} samples appear more than once, with different labels.", ""]
    lines += _markdown(conflicts.iloc[:MOST_ROWS, : OWN_COLUMNS + 3])  # place, label, group first
    more = [] if n <= MOST_ROWS else ["", f"All {n:,} are in `{CONFLICTS}`."]
    return _section("Samples that contradict each other", [*lines, *more])


def _doubts(found: Audit) -> list[str]:
    """Return the reasons to doubt this result, and those to doubt any result."""
    return [
        *(f"**{what}**{why}" for what, why in doubts(found)),
        "A rare sample with a right label can look wrong. Check a sample before you change its "
        "label.",
        "Mistakes that always follow the same rule look right, because the model learns the rule.",
    ]


def _files(files: Collection[str], found: Audit, conflicts: pd.DataFrame) -> str:
    """Return the section that describes the files."""
    listed = [name for name in FILES if name in files]
    if conflicts.empty:
        listed = [name for name in listed if name != CONFLICTS]
    what = described(listed, numeric=found.numeric)
    return _section("In this folder", [f"- `{name}`: {what[name]}" for name in listed])


def _words(found: Audit) -> tuple[str, str]:
    """Return the word for a label of this audit, in singular and plural."""
    return ("number", "numbers") if found.numeric else ("label", "labels")


def _percent(probability: float) -> str:
    """Return a probability in per cent; values that would round to 100 % become "> 99.9%"."""
    return f"{probability:.1%}" if probability < 0.9995 else "> 99.9%"


def _section(title: str, lines: list[str]) -> str:
    """Return the lines under a title; an empty text if there are no lines."""
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _markdown(table: pd.DataFrame) -> list[str]:
    """Return a table as lines of Markdown; numbers are aligned to the right."""
    edges = ["---:" if pd.api.types.is_numeric_dtype(kind) else "---" for kind in table.dtypes]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    heads = [_cell(name) for name in table.columns]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, edges, *rows)]


def _cell(value: object, long: int = CELL_LENGTH) -> str:
    r"""Return a value as shortened text on one line, with the characters of Markdown escaped.

    >>> _cell("a|b\nc")
    'a\\|b c'
    """
    text = shorten(value, long)
    for mark, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("*", "\\*"), ("`", "\\`")):
        text = text.replace(mark, safe)
    return text
