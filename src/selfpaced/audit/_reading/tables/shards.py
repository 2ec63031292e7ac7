"""Folders of tables in several files: Parquet, or as the package datasets saves them to disk."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from selfpaced._errors import require
from selfpaced.audit._reading.content import FEWER
from selfpaced.audit._reading.folder_kinds import SPLITS, STATE
from selfpaced.audit._reading.memory import LITTLE, TooLarge, free_memory, size
from selfpaced.audit._reading.progress import pacer
from selfpaced.audit._reading.tables.frames import (
    Table,
    require_names,
    require_rows,
    table_of,
)
from selfpaced.audit._reading.words import count, listed

# The number of rows of a Parquet file that are read at a time.
BATCH = 1 << 16
# The number of bytes that a byte of an Arrow table needs at the peak.
BYTES_PER_BYTE = 3
# The end of the name of a file that is a part of a table, as in train-00000-of-00002.parquet.
NUMBERED = re.compile(r"[-_.]?\d+(-of-\d+)?$")


def read_shards(path: Path) -> Table:
    """Read the files of a folder one after another, in the order of their names, as one table.

    Raises:
        ValueError: For a file that is damaged, files of other columns, and files of several parts.
    """
    saved = (path / STATE).is_file()
    files = _saved(path) if saved else sorted(path.glob("*.parquet"))
    if not saved:
        _require_one(path, files)
    tables = [_stream(file) if saved else read_parquet(file) for file in files]
    names = set(tables[0].column_names)
    each = zip(files, tables, strict=True)
    other = [file.name for file, table in each if set(table.column_names) != names]
    require(
        not other,
        f"{path}: its files do not have the same columns: {listed(other)}. Give a folder of one "
        f"table.",
    )
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        said = str(error).splitlines()[0]
        raise ValueError(
            f"{path}: its files do not have the same columns: {said}. Give a folder of one table."
        ) from error
    require_names(path, table.column_names)
    require_rows(path, len(table))
    notes: tuple[str, ...] = ()
    if len(files) > 1:
        ends = np.cumsum([len(each) for each in tables])
        parts = [f"{file.name} ends at {end:,}" for file, end in zip(files, ends, strict=True)]
        notes = (f"Rows are counted through {count(len(files), 'file')}: {listed(parts)}.",)
    return table_of(table, np.arange(1, len(table) + 1), notes=notes + class_names(table.schema))


def read_parquet(path: Path) -> pa.Table:
    """Read a Parquet file.

    Raises:
        ValueError: For a damaged file.
    """
    try:
        # Arrow would take the path as UTF-8, whatever the locale is.
        with path.open("rb") as raw, parquet.ParquetFile(raw) as file:
            return _within_memory(path, file)
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged: {said} Write it again.") from error


def _within_memory(path: Path, file: parquet.ParquetFile) -> pa.Table:
    """Return all rows; raise as soon as those that were read do not fit into memory.

    Values that repeat take little room in a file, and categories in an Arrow table: they are
    written out as they are read.
    """
    total, room, parts = file.metadata.num_rows, max(free_memory(), LITTLE), []
    tell, needed, rows = pacer(lambda done: f"{done:,} of {total:,} rows"), 0, 0
    for batch in file.iter_batches(BATCH, use_threads=False):
        part = _plain(pa.Table.from_batches([batch]))
        parts.append(part)
        needed, rows = needed + part.nbytes * BYTES_PER_BYTE, rows + len(part)
        if needed > room:
            raise TooLarge(
                f"{path}: {rows:,} of its {count(total, 'row')} need all free memory, "
                f"{size(room)}. {FEWER}"
            )
        tell(rows)
    schema = file.schema_arrow
    if not parts:
        return schema.empty_table()
    return pa.concat_tables(parts).replace_schema_metadata(schema.metadata)


def _plain(table: pa.Table) -> pa.Table:
    """Return a table in which columns of categories are columns of their values."""
    for place, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):
            values = column.cast(column.type.value_type)
            table = table.set_column(place, table.column_names[place], values)
    return table


def class_names(schema: pa.Schema) -> tuple[str, ...]:
    """Return notes on the names that datasets saved for columns of numbered classes."""
    saved = (schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(saved)["info"]["features"] if saved else {}
    except (ValueError, KeyError):
        return ()
    named = {name: kind["names"] for name, kind in features.items() if "names" in kind}
    return tuple(
        f"Column {column!r} numbers its classes: "
        f"{listed(f'{number} {name}' for number, name in enumerate(names))}."
        for column, names in named.items()
    )


def _saved(path: Path) -> list[Path]:
    """Return the files that ``state.json`` lists."""
    try:
        state = json.loads((path / STATE).read_text(encoding="utf-8"))
        files = [path / each["filename"] for each in state["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path / STATE} is damaged: {error}. Save the data set again.") from error
    missing = [file.name for file in files if not file.is_file()]
    require(
        bool(files) and not missing,
        f"{path} lacks files that its {STATE} lists: {listed(missing)}. Copy the whole folder.",
    )
    return files


def _stream(path: Path) -> pa.Table:
    """Read an Arrow file as datasets writes it."""
    try:
        with pa.memory_map(os.fsencode(path)) as file, pa.ipc.open_stream(file) as stream:
            return stream.read_all()
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged: {said} Save the data set again.") from error


def _require_one(path: Path, files: Sequence[Path]) -> None:
    """Raise if the names of the files say that they are parts such as train and test."""
    parts = {NUMBERED.sub("", file.stem) for file in files}
    numbered = all(NUMBERED.search(file.stem) for file in files)
    require(
        len(parts) == 1 or not (numbered or parts <= SPLITS),
        f"{path} holds the parts {listed(sorted(parts))}. Give a folder with the files of one.",
    )
