"""Tables: CSV, TSV, JSON Lines and Parquet."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from selfpaced._errors import require
from selfpaced.audit._reading.columns import MOST_NAMES, choose_columns, require_column
from selfpaced.audit._reading.delimited import read_delimited
from selfpaced.audit._reading.frames import Table, require_names, require_rows, table_of
from selfpaced.audit._reading.kinds import Kind
from selfpaced.audit._reading.lines import read_lines
from selfpaced.audit._reading.samples import labelled, unlabelled
from selfpaced.audit._reading.source import Options, Source
from selfpaced.audit._reading.words import listed


def read_table(path: Path, kind: Kind, options: Options) -> Source:
    """Read a table, and split it into labels and columns to learn from.

    Raises:
        ValueError: For a table that cannot be read, and for a column that does not exist.
    """
    table = load(path, kind)
    where = pd.Series(table.rows, name="row")
    if not options.known:
        frame = table.frame.drop(columns=[options.label or ""], errors="ignore")
        features, notes = choose_columns(frame, table.opaque, options)
        own, notes = table.frame, table.notes + notes
        return unlabelled(path, "table", features, where, own=own, notes=notes, lines=table.lines)
    labels = label_column(path, table.frame, options.label)
    frame = table.frame.drop(columns=[labels.name])
    features, notes = choose_columns(frame, table.opaque, options)
    return labelled(
        path,
        "table",
        features,
        labels,
        where,
        own=table.frame,
        numeric=options.numeric,
        notes=table.notes + notes,
        lines=table.lines,
    )


def load(path: Path, kind: Kind) -> Table:
    """Read all columns of a table.

    Raises:
        ValueError: For a table that cannot be read, is empty, or has two columns of one name.
    """
    if kind == "delimited":
        return read_delimited(path)
    return read_lines(path) if kind == "lines" else _read_parquet(path)


def label_column(path: Path, frame: pd.DataFrame, name: str | None) -> pd.Series:
    """Return the column of labels, or raise if none is named or it does not exist."""
    require(
        name is not None,
        f"{path}: which column holds the labels? Pass label=... with one of "
        f"{listed(frame.columns, MOST_NAMES)}.",
    )
    require_column("label=...", str(name), frame.columns)
    return frame[str(name)]


def _read_parquet(path: Path) -> Table:
    """Read a Parquet file."""
    try:
        table = parquet.ParquetFile(path).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged: {said} Write it again.") from error
    require_names(path, table.column_names)
    require_rows(path, len(table))
    return table_of(table, np.arange(1, len(table) + 1))
