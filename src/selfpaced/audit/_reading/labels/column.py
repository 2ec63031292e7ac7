"""The column of labels as it stands in a table."""

from pathlib import Path

import pandas as pd

from selfpaced._errors import require
from selfpaced.audit._reading.tables.columns import MOST_NAMES, require_column
from selfpaced.audit._reading.tables.frames import Table
from selfpaced.audit._reading.words import are, listed

# The word for a gap that may be a class.
CLASS = "NA"


def label_column(path: Path, table: Table, name: str | None) -> pd.Series:
    """Return the column of labels as it stands in the file.

    Raises:
        ValueError: If no column is named, it does not exist, or its values are no labels.
    """
    frame = table.frame
    require(
        name is not None,
        f"{path}: which column holds the labels? Pass label=... with one of "
        f"{listed(frame.columns, MOST_NAMES)}.",
    )
    require_column("label=...", str(name), frame.columns)
    require(
        name not in table.opaque and name not in table.vectors,
        f"{path}: column {name!r} holds lists, records or bytes, which are no labels. Give a "
        f"column of classes or numbers.",
    )
    odd = table.odd.get(str(name))
    if odd is not None:
        return odd.texts
    words = table.words.get(str(name))
    return frame[str(name)] if words is None else _classes_of_words(words, frame[str(name)])


def tell_words(table: Table, labels: pd.Series) -> tuple[str, ...]:
    """Return a note on words for gaps, such as NA, that are read as classes."""
    if str(labels.name) not in table.words:
        return ()
    gaps = labels[table.frame[labels.name].isna() & labels.notna()].str.strip().unique()
    if not len(gaps):
        return ()
    which = f"{listed(gaps)} in column {labels.name!r} {are(len(gaps))} read as"
    return (f"{which} {'a class' if len(gaps) == 1 else 'classes'}, not as gaps.",)


def _classes_of_words(words: pd.Series, labels: pd.Series) -> pd.Series:
    """Return labels among which NA, a word for a gap, may be a class; others are gaps.

    It is one if the column writes gaps as empty cells, or if all other labels have its form: two
    capital letters, as codes of countries do.

    Args:
        words: The labels as they stand in the file, shape (n,).
        labels: The labels with a gap for each word for one, shape (n,).

    >>> words = pd.Series(["ZA", "NA", "BW"])
    >>> _classes_of_words(words, words.mask(words == "NA")).tolist()
    ['ZA', 'NA', 'BW']
    >>> words = pd.Series(["cat", "NA", "dog"])
    >>> _classes_of_words(words, words.mask(words == "NA")).isna().tolist()
    [False, True, False]
    """
    words = words.where(labels.notna() | (words.str.strip() == CLASS))
    gap, empty = labels.isna() & words.notna(), words.isna()
    alike = labels.dropna().str.strip().str.fullmatch(r"[A-Z]{2}").all()
    of_form = words[gap].str.strip().str.fullmatch(r"[A-Z]{2}").all()
    return words if empty.any() or (alike and of_form) else labels
