"""Tables with a column of images: the paths of files, or their bytes."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._reading.folder_kinds import IMAGES
from selfpaced.audit._reading.samples import labelled, unlabelled
from selfpaced.audit._reading.source import Options, Source
from selfpaced.audit._reading.tables.frames import Table
from selfpaced.audit._reading.words import are, count, listed

# The least share of the values of a column of paths that end like the name of an image.
MOST_PATHS = 0.9
# The first bytes of images: PNG, JPEG, GIF, BMP, WebP and TIFF.
STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
# The keys of an image in a table that the package datasets wrote.
KEYS = {"bytes", "path"}


class ImageColumn(NamedTuple):
    """A column of images: its name, and the file or the bytes of each row; None for a gap."""

    name: str
    images: list[Path | bytes | None]


def image_column(
    path: Path, table: Table, options: Options
) -> tuple[ImageColumn | None, tuple[str, ...]]:
    """Return the first column of images, and a note on paths to images that do not exist.

    Args:
        path: The table; paths of images are relative to its folder.
        table: Its columns.
        options: Columns to ignore, and that of the labels, are no images.
    """
    home = path if path.is_dir() else path.parent
    notes: tuple[str, ...] = ()
    asked = (options.label, options.group, options.item, *options.ignore, *options.use)
    for name, kind in zip(table.frame.columns, table.frame.dtypes, strict=True):
        if name in (*asked, *options.annotator) or types.is_numeric_dtype(kind):
            continue
        column, images = table.frame[name], None
        if name in table.opaque:
            images = _in_bytes(home, column)
        elif _are_paths(column):
            images = _in_files(home, column)
            if images is None:
                notes += (
                    f"Column {name!r} names images, but none of them exists in {home}: it is not "
                    f"read as images.",
                )
        if images is not None:
            return ImageColumn(name, images), ()
    return None, notes


def read_image_column(
    path: Path,
    table: Table,
    column: ImageColumn,
    options: Options,
    labels: pd.Series | None,
    notes: tuple[str, ...],
    group: pd.Series | None = None,
    votes: pd.DataFrame | None = None,
) -> Source:
    """Return the images of a table and their labels; the model does not learn other columns.

    Args:
        path: The table.
        table: Its columns.
        column: The column of images.
        options: How to read it.
        labels: The labels, n rows; None for new samples.
        notes: What was noticed before.
        group: The groups, n rows.
        votes: The labels of several annotators, n rows.
    """
    from selfpaced.audit._reading.pixels import load_images  # Pillow is slow to import

    names = [f"row {row}" for row in table.rows]
    read = load_images(path, column.images, names, options)
    ours = {column.name, options.label, options.group, options.item, *options.annotator}
    others = [name for name in table.frame.columns if name not in ours]
    notes += (f"Column {column.name!r} holds images.",)
    if others:
        left_out = f"{count(len(others), 'other column')} {are(len(others))} left out"
        notes += (f"{left_out}, as a model of images reads nothing else: {listed(others)}.",)
    own = _readable(table.frame, column)
    place = np.flatnonzero(read.kept)
    own, where = own.iloc[place].reset_index(drop=True), pd.Series(table.rows[place], name="row")
    lines, notes = None if table.lines is None else table.lines[place], notes + read.notes
    if labels is None:
        return unlabelled(path, "images", read.pixels, where, own=own, notes=notes, lines=lines)
    return labelled(
        path,
        "images",
        read.pixels,
        labels.iloc[place].reset_index(drop=True),
        where,
        own=own,
        options=options,
        notes=notes,
        lines=lines,
        group=None if group is None else group.iloc[place].reset_index(drop=True),
        depth=read.depth,
        votes=None if votes is None else votes.iloc[place].reset_index(drop=True),
    )


def require_no_side(path: Path, options: Options) -> None:
    """Raise for settings of images where a table has no column of images."""
    for name in ("side", "depth"):
        require(
            getattr(options, name) is None,
            f"{name}=... is for images; {path} has no column of images. Leave it out.",
        )


def _are_paths(column: pd.Series) -> bool:
    """Say whether most values end like the name of an image."""
    if not (types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)):
        return False
    given = column.dropna()
    if given.empty or not isinstance(given.iloc[0], str):
        return False
    return bool(given.astype(str).str.lower().str.endswith(IMAGES).mean() >= MOST_PATHS)


def _in_files(home: Path, column: pd.Series) -> list[Path | bytes | None] | None:
    """Return the files of a column of paths; None if none exists."""
    files = [
        home / str(each) if given else None
        for each, given in zip(column, column.notna(), strict=True)
    ]
    exist = any(file is not None and file.is_file() for file in files)
    return [*files] if exist else None


def _in_bytes(home: Path, column: pd.Series) -> list[Path | bytes | None] | None:
    """Return the images of a column of bytes, or of records of bytes and a path."""
    images = [_image(home, value) for value in column]
    first = next((each for each in images if each is not None), None)
    if isinstance(first, bytes):
        return images if first.startswith(STARTS) else None
    return images if isinstance(first, Path) and first.is_file() else None


def _image(home: Path, value: Any) -> Path | bytes | None:
    """Return the bytes or the path of a cell; None for another value."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, dict) or not set(value) >= KEYS:
        return None
    inside, path = value["bytes"], value["path"]
    if inside is not None:
        return bytes(inside)
    return None if path is None else home / str(path)


def _readable(frame: pd.DataFrame, column: ImageColumn) -> pd.DataFrame:
    """Return the columns as a spreadsheet can show them: of images in bytes, only the path."""
    first = next(each for each in column.images if each is not None)
    if isinstance(first, Path):
        values = frame[column.name]
        paths = [each["path"] if isinstance(each, dict) else each for each in values]
        return frame.assign(**{column.name: paths})
    return frame.drop(columns=column.name)
