"""Folders of tables in several files: Parquet, or as the package datasets saves them to disk."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from selfpaced._errors import require
from selfpaced.audit._reading.folder_kinds import SPLITS, STATE
from selfpaced.audit._reading.tables.frames import (
    Table,
    require_names,
    require_rows,
    table_of,
)
from selfpaced.audit._reading.words import count, listed

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
        with parquet.ParquetFile(path) as file:
            return file.read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{path} is damaged: {said} Write it again.") from error


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
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
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
