"""The page summary.md: what a run found, how far to trust it, and what the files are."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from selfpaced._text import markdown, markdown_line
from selfpaced.audit._fixing.suspects_file import YES, our_names
from selfpaced.audit._folder.files import CONFLICTS, FILES, SUSPECTS, described
from selfpaced.audit._folder.tables import suspects_table
from selfpaced.audit._reading.kinds import KINDS, suffix_of
from selfpaced.audit._reading.words import are, count
from selfpaced.audit._reliability import Reliability, most_shown
from selfpaced.audit._result import Audit

# The largest number of rows of a table on the page.
MOST_ROWS = 10
# The largest number of kinds of label errors that the page lists.
MOST_KINDS = 8
# The largest number of classes whose predictions the page lists.
MOST_CLASSES = 30
# The largest number of the user's columns that a table shows.
OWN_COLUMNS = 3
# The largest number of characters of a cell.
CELL_LENGTH = 60
# The largest number of characters of a sentence of the conclusion.
SENTENCE_LENGTH = 2_000
# The largest number of characters of a note.
NOTE_LENGTH = 500
# Below this number of samples the counts are not reliable.
FEW_SAMPLES = 400
# The reason to doubt any result of classes.
OVERLAP = (
    "Wrong labels that are common where classes overlap, and rare elsewhere, look like overlap. "
    "The range does not count them."
)
# Fewer rows of a class are too few to learn it.
LEAST_ROWS = 5
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
    top: int | None = None,
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
        top: The number of rows of suspects.csv, as in ``Audit.doubtful``.

    Raises:
        ValueError: For ``where`` or ``own`` of another length.
    """
    table, names = suspects_table(found, where, own, top=top), our_names(map(str, own.columns))
    about = about_places(where, name)
    parts = [
        _headline(found, name),
        _kinds(found),
        _panel(found),
        _worst(found, table, names, about),
        _annotators(found),
        _conflicts(conflicts, about if table.empty else ""),
        _section("Noticed while reading", [f"- {_line(note, NOTE_LENGTH)}" for note in notes]),
        _section("How far to trust this", [f"- {line}" for line in _doubts(found)]),
        _files(files, found, conflicts),
        _section("Again", ["```", command, "```"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _annotators(found: Audit) -> str:
    """Return the table of annotators, the least reliable first."""
    if found.votes is None:
        return ""
    table = found.votes.annotators.head(MOST_CLASSES)
    rows = [
        f"| {_cell(name)} | {labels:,} | {quality:.1%} | {agreement:.1%} |"
        for name, labels, quality, agreement in table.itertuples()
    ]
    head = ["| annotator | labels | right, estimated | agrees with the consensus |"]
    n = len(found.votes.annotators)
    more = [f"\n{n - len(rows):,} more are in annotators.csv."] if n > len(rows) else []
    return _section("Annotators", [*head, "|---|---:|---:|---:|", *rows, *more])


def worst(table: pd.DataFrame, names: Mapping[str, str], most: float) -> pd.DataFrame:
    """Return the ten most suspicious samples at most, with readable columns.

    Only suspects are among them, if there are any.

    Args:
        table: A table of ``tables.suspects_table``.
        names: The names of our columns in it; the others are the user's, of which at most three
            are shown.
        most: The largest probability to show, as ``most_shown`` returns it.

    Returns:
        A row per sample: its place, ``given``, ``probably``, ``how sure``, then those columns of
        the user that do not repeat the given label.
    """
    given, suggested, chance = (names[name] for name in ("given", "suggested", "probability"))
    suspect = table[names["fix"]] == YES
    table = table[suspect] if suspect.any() else table
    labels = [shorten(value) for value in table[given]]
    own = [name for name in table.columns if name not in names.values()]
    own = [name for name in own if [shorten(value) for value in table[name]] != labels]
    own = own[:OWN_COLUMNS]
    shown = table[[table.columns[0], given, suggested, chance, *own]].head(MOST_ROWS).copy()
    shown[chance] = [_percent(p, most) for p in shown[chance]]
    heads = {suggested: "probably", chance: "how sure"}
    return shown.rename(columns={name: head for name, head in heads.items() if head not in own})


def about_places(where: pd.Series, name: str) -> str:
    """Return a sentence that says how samples are counted; "" for images, which have names.

    >>> about_places(pd.Series([1, 2], name="row"), "pets.csv")
    'Row 1 is the first row after the header.'

    Args:
        where: The place of each sample.
        name: Name of the file.
    """
    if where.name == "row":
        kind = KINDS.get(suffix_of(Path(name)))
        if kind == "lines":
            return "The row is the number of the line."
        with_header = kind in ("delimited", "workbook")
        return f"Row 1 is the first row{' after the header' if with_header else ''}."
    return "Index 0 is the first sample." if where.name == "index" else ""


def doubts(found: Audit) -> list[tuple[str, str]]:
    """Return the reasons to doubt this result: a statement, and its explanation, of each."""
    n, count, (one, many) = len(found.table), found.count, _words(found)
    lines, learned = [], found.reliability is None
    if learned and n < FEW_SAMPLES:
        lines.append(
            (
                f"{n:,} samples are few.",
                f" With fewer than {FEW_SAMPLES}, a model can learn {many} by heart before it "
                f"learns what they have in common. Use the list of suspects; do not rely on the "
                f"counts.",
            )
        )
    if learned and count.high > WIDE_RANGE * count.estimate and count.high >= 1:
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
    """Return the headline: how many labels are wrong, with the range, or why nobody can know."""
    title, *text = found.conclusion
    return "\n\n".join(
        [f"# {_cell(name)}: {title}", *(_line(line, SENTENCE_LENGTH) for line in text)]
    )


def _panel(found: Audit) -> str:
    """Return the section on how well each class is predicted."""
    known = found.reliability
    if known is None:
        return ""
    table = panel(known, every_class=found.every_class)
    shown = table.head(MOST_CLASSES)
    rest = len(table) - len(shown)
    more = ["", f"{rest:,} more {'class' if rest == 1 else 'classes'}."] if rest else []
    said = [known.predicted, ""] if known.learned else []  # else the headline says it
    lines = [*said, known.learned_by, "", *_markdown(shown), *more]
    return _section("How well the labels can be predicted", lines)


def panel(known: Reliability, *, every_class: bool) -> pd.DataFrame:
    """Return how well each class is predicted, a row per class, those with doubts first.

    Args:
        known: How well labels are predicted.
        every_class: Whether labels of all classes are listed.
    """
    table = known.classes.sort_values(["withheld", "flagged"], ascending=False, kind="stable")
    return pd.DataFrame(
        {
            "class": [shorten(name) for name in table.index],
            "rows": table["rows"].to_numpy(),
            "predicted": [f"{share:.1%}" for share in table["recall"]],
            "look wrong": [f"{share:.1%}" for share in table["flagged"]],
            "": [_standing(row, every_class=every_class) for _, row in table.iterrows()],
        }
    )


def _standing(row: pd.Series, *, every_class: bool) -> str:
    """Return what is done with the labels of a class; "" if they may be called wrong.

    Args:
        row: A row of ``Reliability.classes``.
        every_class: Whether labels of all classes are listed.
    """
    if not row["withheld"] or every_class:
        return ""
    if row["learned"]:
        return "not called wrong"
    return "too few rows" if row["rows"] < LEAST_ROWS else "not learned"


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


def _worst(found: Audit, table: pd.DataFrame, names: Mapping[str, str], about: str) -> str:
    """Return the section of the most suspicious samples.

    Args:
        found: The result of the audit.
        table: A table of ``tables.suspects_table``.
        names: The names of our columns in it.
        about: How samples are counted, in a sentence.
    """
    if table.empty:
        return ""
    k, listed = len(found.suspects), int((table[names["fix"]] == YES).sum())
    one, many = _words(found)
    if not k:
        about = f"None of these {many} is a suspect. {about}"
    more = _listed(k, listed, len(table) - listed, one)
    above, below = ([text.strip(), ""] if text else [] for text in (about, more))
    return _section(
        "Look at these first" if k else "The most doubtful",
        [*above, *_markdown(worst(table, names, most_shown(found.count))), *below[::-1]],
    )


def _listed(k: int, listed: int, doubtful: int, one: str) -> str:
    """Return which samples are in suspects.csv, as far as the page does not show them all.

    Args:
        k: Number of suspects.
        listed: How many of them are in suspects.csv.
        doubtful: How many other samples are in it.
        one: What a label is called.
    """
    shown, lines = k or doubtful, []
    if listed < k:
        lines.append(f"The first {listed:,} of {k:,} are in `{SUSPECTS}`.")
    elif shown > MOST_ROWS:
        lines.append(f"All {shown:,} are in `{SUSPECTS}`.")
    if k and doubtful:
        only = f"that {are(doubtful)} only doubtful"
        lines.append(f"`{SUSPECTS}` goes on with {count(doubtful, one)} {only}.")
    return " ".join(lines)


def _conflicts(conflicts: pd.DataFrame, about: str) -> str:
    """Return the section of equal samples with different labels; ``about`` is said first."""
    n = len(conflicts)
    if n == 0:
        return ""
    twice = f"{n:,} samples appear more than once, equal or nearly so, with different labels."
    lines = [f"{twice} {about}".strip(), ""]
    lines += _markdown(conflicts.iloc[:MOST_ROWS, : OWN_COLUMNS + 4])
    more = [] if n <= MOST_ROWS else ["", f"All {n:,} are in `{CONFLICTS}`."]
    return _section("Samples that contradict each other", [*lines, *more])


def _doubts(found: Audit) -> list[str]:
    """Return the reasons to doubt this result, and those to doubt any result."""
    return [*(f"**{what}**{why}" for what, why in doubts(found)), *any_doubts(found)]


def any_doubts(found: Audit) -> list[str]:
    """Return the reasons to doubt any result."""
    return [
        "A rare sample with a right label can look wrong. Check a sample before you change its "
        "label.",
        "Mistakes that always follow the same rule look right, because the model learns the rule.",
        *([] if found.numeric else [OVERLAP]),
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


def _percent(probability: float, most: float) -> str:
    """Return a probability in per cent; those above ``most`` become "> 90%", for example."""
    return f"{probability:.1%}" if probability <= most else f"> {100 * most:.4g}%"


def _section(title: str, lines: list[str]) -> str:
    """Return the lines under a title; an empty text if there are no lines."""
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _markdown(table: pd.DataFrame) -> list[str]:
    """Return a table as lines of Markdown; numbers are aligned to the right."""
    edges = ["---:" if pd.api.types.is_numeric_dtype(kind) else "---" for kind in table.dtypes]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    heads = [_cell(name) for name in table.columns]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, edges, *rows)]


def _cell(value: object) -> str:
    r"""Return a value as shortened text for the middle of a line, where Markdown shows it as it is.

    >>> _cell("a|b\nc")
    'a\\|b c'
    """
    return markdown(shorten(value))


def _line(text: str, long: int) -> str:
    """Return shortened text for a line of its own, or an item of a list."""
    return markdown_line(shorten(text, long))
