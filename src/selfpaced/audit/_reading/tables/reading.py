"""Tables: CSV, TSV, JSON Lines and Parquet."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from selfpaced.audit._reading.alike.groups import suggest_groups, tell_largest
from selfpaced.audit._reading.kinds import Kind
from selfpaced.audit._reading.labels.column import label_column, tell_words
from selfpaced.audit._reading.samples import labelled, unlabelled
from selfpaced.audit._reading.source import Options, Source
from selfpaced.audit._reading.tables.columns import (
    choose_columns,
    require_column,
)
from selfpaced.audit._reading.tables.delimited import read_delimited
from selfpaced.audit._reading.tables.fingerprints import of_columns
from selfpaced.audit._reading.tables.frames import (
    Table,
    require_names,
    require_rows,
    table_of,
)
from selfpaced.audit._reading.tables.image_columns import (
    image_column,
    read_image_column,
    require_no_side,
)
from selfpaced.audit._reading.tables.lines import read_lines
from selfpaced.audit._reading.tables.shards import class_names, read_parquet, read_shards


def read_table(path: Path, kind: Kind, options: Options) -> Source:
    """Read a table, and split it into labels and columns to learn from.

    Raises:
        ValueError: For a table that cannot be read, and for a column that does not exist.
    """
    table = load(path, kind, options.sheet)
    if not options.known:
        return _new_samples(path, table, options)
    return replace(_samples(path, table, options), fingerprints=table.fingerprints)


def _samples(path: Path, table: Table, options: Options) -> Source:
    """Return the samples of a table that have a label."""
    table, labels, votes, notes = _labels(path, table, options)
    if votes is not None:
        options = replace(options, numeric=False)
    own, group = table.frame, None
    frame = own.drop(columns=[each for each in (options.label, *options.annotator) if each in own])
    if options.group is not None:
        require_column("group=...", options.group, frame.columns)
        group = frame.pop(options.group)
        notes += tell_largest(group)
    images, told = image_column(path, table, options)
    before = table.notes + notes
    if images is not None:
        return read_image_column(path, table, images, options, labels, before, group, votes)
    require_no_side(path, options)
    features, notes = choose_columns(frame, table.opaque, options, labels, table.vectors)
    if group is None:
        notes += suggest_groups(features, labels)
    return labelled(
        path,
        "table",
        features,
        labels,
        pd.Series(table.rows, name="row"),
        own=own,
        options=options,
        notes=before + _odd(table, options) + told + notes,
        lines=table.lines,
        group=group,
        votes=votes,
    )


def _labels(
    path: Path, table: Table, options: Options
) -> tuple[Table, pd.Series, pd.DataFrame | None, tuple[str, ...]]:
    """Return the samples, their labels, those of each annotator if there are several, and notes."""
    if options.annotator or options.item:
        from selfpaced.audit._reading.labels.votes import read_votes  # it imports torch

        found = read_votes(path, table, options)
        return found.table, found.labels, found.given, found.notes
    labels = label_column(path, table, options.label)
    return table, labels, None, tell_words(table, labels)


def _new_samples(path: Path, table: Table, options: Options) -> Source:
    """Return samples whose labels are to be predicted."""
    images, _ = image_column(path, table, options)
    if images is not None:
        return read_image_column(path, table, images, options, None, table.notes)
    own = table.frame
    if options.label is not None and options.label in own.columns:
        own = own.assign(**{options.label: label_column(path, table, options.label)})
    frame = own.drop(columns=[options.label or "", options.group or ""], errors="ignore")
    features, notes = choose_columns(frame, table.opaque, options, None, table.vectors)
    notes = table.notes + _odd(table, options) + notes
    where = pd.Series(table.rows, name="row")
    return unlabelled(path, "table", features, where, own=own, notes=notes, lines=table.lines)


def _odd(table: Table, options: Options) -> tuple[str, ...]:
    """Return notes on cells that are not numbers; those of the labels are told with the labels."""
    return tuple(each.note for name, each in table.odd.items() if name != options.label)


def load(path: Path, kind: Kind, sheet: str | None = None) -> Table:
    """Read all columns of a table.

    Args:
        path: The file, or a folder of files.
        kind: Its kind.
        sheet: The sheet of a workbook; None for the first one with rows.

    Raises:
        ValueError: For a table that cannot be read, is empty, or has two columns of one name.
    """
    if kind == "delimited":
        return read_delimited(path)
    if kind == "lines":
        return read_lines(path)
    if kind == "workbook":
        from selfpaced.audit._reading.tables.workbooks import read_workbook  # needs openpyxl

        return read_workbook(path, sheet)
    return read_shards(path) if kind == "shards" else _one_parquet(path)


def _one_parquet(path: Path) -> Table:
    """Read a Parquet file."""
    table = read_parquet(path)
    require_names(path, table.column_names)
    require_rows(path, len(table))
    read = table_of(table, np.arange(1, len(table) + 1), notes=class_names(table.schema))
    return replace(read, fingerprints=of_columns(table))
