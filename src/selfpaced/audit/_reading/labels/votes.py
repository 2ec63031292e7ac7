"""Labels of several annotators: a column each, or a row for each label."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from selfpaced._errors import require
from selfpaced.audit._reading.labels.column import label_column
from selfpaced.audit._reading.labels.decide import join_variants, plain
from selfpaced.audit._reading.source import Options
from selfpaced.audit._reading.tables.columns import require_column
from selfpaced.audit._reading.tables.frames import Table
from selfpaced.audit._reading.words import count
from selfpaced.suspects import consensus


class Votes(NamedTuple):
    """What several annotators say about each sample.

    Args:
        table: The samples.
        given: The labels, a row per sample and a column per annotator; NaN for none.
        labels: The consensus of each sample by the votes alone; NaN for a sample without any.
        notes: How many annotators and labels there are, and which spellings were joined.
    """

    table: Table
    given: pd.DataFrame
    labels: pd.Series
    notes: tuple[str, ...]


def read_votes(path: Path, table: Table, options: Options) -> Votes:
    """Return the samples of a table and the labels of their annotators.

    Args:
        path: The file, for messages.
        table: A row per sample with a column per annotator; or, with ``options.item``, a row for
            each label, with the columns ``item``, ``annotator`` and ``label``. The features of an
            item are those of its first row.
        options: The columns.

    Raises:
        ValueError: For columns that do not exist, and options that do not fit.
    """
    require(
        options.numeric is not True,
        "annotator=... is for classes; numeric=True is for numbers. Leave out one of them.",
    )
    for name in options.annotator:
        require_column("annotator=...", name, table.frame.columns)
    if options.item is None:
        require(
            len(options.annotator) > 1 and options.label is None,
            "annotator=... names the columns of labels, two or more, in place of label=...; or, "
            "with item=... and label=..., the column that says who gave the label of a row.",
        )
        columns = {name: label_column(path, table, name) for name in options.annotator}
        given = pd.DataFrame(columns)
    else:
        require_column("item=...", options.item, table.frame.columns)
        require(
            len(options.annotator) == 1 and options.label is not None,
            "item=... needs label=... and one annotator=..., the column that says who gave the "
            "label of a row.",
        )
        labels = label_column(path, table, options.label)
        table, given = _by_item(table, options.item, options.annotator[0], labels)
    given, joined = _one_spelling(given, exact=options.exact)
    votes = int(given.notna().sum().sum())
    note = f"{count(given.shape[1], 'annotator')} gave {count(votes, 'label')}."
    return Votes(table, given, _by_votes(given), (note, *joined))


def codes_of(given: pd.DataFrame, classes: pd.Index) -> torch.Tensor:
    """Return labels as the numbers of classes, int64, shape (n, A); -1 for a gap.

    Every label must be one of the classes; see ``all_classes``.
    """
    flat = classes.get_indexer(pd.Index(given.to_numpy(object).ravel()))
    return torch.from_numpy(flat.reshape(given.shape).astype(np.int64))


def all_classes(given: pd.DataFrame, classes: pd.Index) -> pd.Index:
    """Return the classes, then the labels that are none of them: they never are the consensus."""
    flat = pd.Index(given.to_numpy(object).ravel()).dropna().unique()
    others = sorted(set(flat) - set(classes))
    return pd.Index([*classes, *others]) if others else classes


def _by_item(
    table: Table, item: str, annotator: str, labels: pd.Series
) -> tuple[Table, pd.DataFrame]:
    """Return the first row of each item, and the labels with a column per annotator."""
    frame = table.frame
    lacking = frame[item].isna() | frame[annotator].isna()
    require(
        not lacking.any(),
        f"item=... and annotator=... need a value in every row; {count(int(lacking.sum()), 'row')} "
        f"lack one, the first is row {table.rows[int(lacking.argmax())]}.",
    )
    twice = frame.duplicated([item, annotator])
    require(
        not twice.any(),
        f"An annotator labels an item once; row {table.rows[int(twice.argmax())]} labels an item a "
        f"second time. Remove one of them.",
    )
    place, items = pd.factorize(frame[item])
    who, names = pd.factorize(frame[annotator].astype(str), sort=True)
    grid = np.full((len(items), len(names)), None, object)
    grid[place, who] = plain(labels).astype(object).where(labels.notna(), None)
    first = np.flatnonzero(~frame.duplicated([item]).to_numpy())
    ours = [item, annotator, str(labels.name)]
    kept = replace(
        table,
        frame=frame.iloc[first].drop(columns=ours).reset_index(drop=True),
        rows=table.rows[first],
        lines=None if table.lines is None else table.lines[first],
        vectors={name: vector[first] for name, vector in table.vectors.items()},
    )
    return kept, pd.DataFrame(grid, columns=[str(name) for name in names])


def _one_spelling(given: pd.DataFrame, *, exact: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return labels with one spelling for each class, as objects, and a note."""
    flat = pd.concat([plain(given[name]).astype(object) for name in given], ignore_index=True)
    there = flat.notna()
    notes: tuple[str, ...] = ()
    require(bool(there.any()), "annotator=...: every label is missing. Are they the right columns?")
    numbers = pd.to_numeric(flat[there], errors="coerce")
    if numbers.notna().all():
        whole = bool((numbers == numbers.round()).all())
        flat[there] = numbers.astype(np.int64 if whole else np.float64).astype(object)
    elif not exact:
        joined, notes = join_variants(flat[there].astype(str))
        flat[there] = joined.astype(object)
    columns = flat.to_numpy().reshape(given.shape[1], len(given)).T
    return pd.DataFrame(columns, columns=[str(name) for name in given]), notes


def _by_votes(given: pd.DataFrame) -> pd.Series:
    """Return the consensus of each sample by the votes alone; NaN without a vote."""
    flat = given.to_numpy(object).ravel()
    classes = pd.Index(pd.factorize(flat[pd.notna(flat)], sort=True)[1])
    there = given.notna().any(axis=1).to_numpy()
    labels = pd.Series([None] * len(given), dtype=object, name="consensus")
    if len(classes) > 1:
        label = consensus(codes_of(given[there], classes)).label.numpy()
        labels[there] = classes.take(label).to_numpy(object)
    else:
        labels[there] = classes[0]
    return labels.infer_objects()
