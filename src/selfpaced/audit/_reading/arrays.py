"""Arrays: .npz, .npy and idx files, and folders of idx files."""

import math
import zipfile
import zlib
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._reading.idx import read_idx, read_pair
from selfpaced.audit._reading.kinds import Kind, kind_of
from selfpaced.audit._reading.labels.column import label_column
from selfpaced.audit._reading.memory import require_memory
from selfpaced.audit._reading.samples import Kind as Held
from selfpaced.audit._reading.samples import labelled, no_columns, unlabelled
from selfpaced.audit._reading.source import Options, Source
from selfpaced.audit._reading.tables.reading import load
from selfpaced.audit._reading.words import count, listed

Array = NDArray[Any]
# Names of features and labels in .npz files, the most usual ones first.
NAMES = (
    ("X", "y"),
    ("x", "y"),
    ("X_train", "y_train"),
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("images", "labels"),
    ("data", "labels"),
)
# The readers of the headers of .npy files, by their version.
HEADERS: dict[tuple[int, int], Callable[[BufferedIOBase], Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What is raised for a file that is damaged.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError),
    *(KeyError, SyntaxError, TypeError),
)
# The number of bytes of a feature, at most.
WIDEST = 8
# Numbers of channels of images: grey, colour, and colour with transparency.
CHANNELS = (1, 3, 4)


def read_arrays(path: Path, kind: Kind, options: Options) -> Source:
    """Read features and labels from arrays; uint8 arrays of 3 or 4 dimensions are images.

    Args:
        path: An .npz file of X and y, an .npy or idx file, or a folder of idx files.
        kind: The kind of ``path``.
        options: How to read it; ``labels`` is needed for an .npy or idx file.

    Raises:
        ValueError: For an array that is missing or damaged, for features that are not numbers or
            have too few dimensions, and for another number of labels than of rows.
    """
    alone = kind in ("npy", "idx")
    require(
        alone or options.labels is None,
        f"labels=... needs a single .npy or idx file; {path} has labels of its own. Leave it out.",
    )
    rows, labels, notes = _both(path, kind, options)
    held, rows = _features(path, rows)
    where = pd.Series(np.arange(len(rows)), name="index")
    own = no_columns(len(rows))
    if labels is None:
        return unlabelled(path, held, rows, where, own=own, notes=notes)
    require(
        len(rows) == len(labels),
        f"{path}: every row needs a label; got {len(rows):,} rows and {len(labels):,} labels. Do "
        f"they belong to the same data?",
    )
    return labelled(path, held, rows, labels, where, own=own, options=options, notes=notes)


def _both(
    path: Path, kind: Kind, options: Options
) -> tuple[Array, pd.Series | None, tuple[str, ...]]:
    """Return the features, the labels if ``options.known``, and notes."""
    if kind == "npz":
        return _read_npz(path, options.known)
    if kind == "pair":
        images, labels = read_pair(path, "train")
        return images, pd.Series(labels) if options.known else None, ()
    rows = read_npy(path) if kind == "npy" else read_idx(path)
    if not options.known:
        return rows, None, ()
    require(
        options.labels is not None,
        f"{path} has no labels. Pass labels=... with an .npy or idx file of as many labels, or "
        f"with a table.",
    )
    return rows, _read_labels(Path(str(options.labels)), options.label), ()


def _read_labels(path: Path, label: str | None) -> pd.Series:
    """Read a file of labels: .npy, idx, or a table with the column ``label``."""
    kind = kind_of(path)
    if kind == "npy":
        return _labels(path, read_npy(path))
    if kind == "idx":
        return _labels(path, read_idx(path))
    require(
        kind in ("delimited", "lines", "parquet", "workbook"),
        f"labels=... expects an .npy or idx file, or a table; got {path}.",
    )
    table = load(path, kind)
    _require_whole(path, table.unread)
    if label is None and table.frame.shape[1] == 1:
        label = str(table.frame.columns[0])
    return label_column(path, table, label)


def _require_whole(path: Path, unread: int) -> None:
    """Raise if rows of a file could not be read that belongs to another file."""
    require(
        unread == 0,
        f"{path}: {count(unread, 'row')} could not be read, so that labels and rows do not match. "
        f"Correct the file.",
    )


def read_probabilities(path: Path) -> "Array | pd.DataFrame":
    """Read a file of probabilities: .npy, or a table."""
    kind = kind_of(path)
    if kind == "npy":
        return read_npy(path)
    table = load(path, kind)
    _require_whole(path, table.unread)
    return table.frame


def _read_npz(path: Path, known: bool) -> tuple[Array, pd.Series | None, tuple[str, ...]]:
    """Read the features, the labels if ``known``, and return a note on other arrays."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            x, y = array_names(path, list(arrays), known)
            _require_room(path, arrays, [x, y] if known else [x])
            others = [name for name in arrays if name not in (x, y)]
            notes = () if not others else (f"Read {x} and {y}; left out: {listed(others)}.",)
            return arrays[x], _labels(path, arrays[y]) if known else None, notes
    except DAMAGED as error:
        raise ValueError(f"{path} is damaged: {error}. Save it again.") from error
    except ValueError as error:
        raise _objects(path, error) from error


def _require_room(path: Path, arrays: Any, names: list[str]) -> None:
    """Raise unless arrays of an .npz file are as large as they say, and fit into memory."""
    needed = 0
    for name in names:
        inside = name if name in arrays.zip.namelist() else f"{name}.npy"
        with arrays.zip.open(inside) as member:
            needed += _bytes_of(f"{path}: {name}", member, arrays.zip.getinfo(inside).file_size)
    require_memory(f"{path}: its arrays need", needed, "Give fewer rows.")


def _bytes_of(what: str, file: BufferedIOBase, size: int) -> int:
    """Return about how many bytes an .npy file needs at its peak, while it becomes features.

    Args:
        what: The array, for messages.
        file: The file, at its start.
        size: Its number of bytes.

    Raises:
        ValueError: If its header announces more than it has, or cannot be read.
    """
    read = HEADERS.get(np.lib.format.read_magic(file))
    if read is None:
        raise ValueError(f"{what} is an array of records. Give an array of numbers.")
    shape, _, kind = read(file)
    n, left = math.prod(shape), size - file.tell()
    require(
        kind.hasobject or n * kind.itemsize <= left,
        f"{what} is cut short: its header announces {n * kind.itemsize:,} bytes, and {left:,} are "
        f"there. Save it again.",
    )
    return int(n * (kind.itemsize + WIDEST))


def array_names(path: Path, names: list[str], known: bool = True) -> tuple[str, str]:
    """Return the names of the features and of the labels."""
    for x, y in NAMES:
        if x in names and (y in names or not known):
            return x, y
    raise ValueError(
        f"{path} must contain {' or '.join(f'{x} and {y}' for x, y in NAMES)}; it contains "
        f"{listed(names)}. Save it with np.savez(path, X=rows, y=labels)."
    )


def read_npy(path: Path) -> Array:
    """Read one array."""
    try:
        with path.open("rb") as file:
            needed = _bytes_of(str(path), file, path.stat().st_size)
            require_memory(f"{path}: its array needs", needed, "Give fewer rows.")
            file.seek(0)
            return np.asarray(np.load(file, allow_pickle=False))
    except DAMAGED as error:
        raise ValueError(f"{path} is damaged: {error}. Save it again.") from error
    except ValueError as error:
        raise _objects(path, error) from error


def _objects(path: Path, error: ValueError) -> ValueError:
    """Return the error for an array that NumPy does not load."""
    if "allow_pickle" not in str(error):
        return error if str(error).startswith(str(path)) else ValueError(f"{path}: {error}")
    return ValueError(
        f"{path} contains Python objects, which are not loaded. Save text as y.astype(str), and "
        f"features as numbers."
    )


def _labels(path: Path, labels: Array) -> pd.Series:
    """Return an array of labels, shape (n,) or (n, 1), as a series."""
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    require(
        flat.ndim == 1,
        f"{path}: labels must have the shape (n,); got {labels.shape}. Give one label per row.",
    )
    return pd.Series(flat.astype(str) if flat.dtype.kind == "S" else flat)


def _features(path: Path, rows: Array) -> tuple[Held, Array]:
    """Return whether the rows are images or an array, and the rows as ``Source`` has them."""
    require(
        rows.ndim >= 2 and rows.size > 0,
        f"{path}: features must have the shape (n, ...); got {rows.shape}. Give a row per sample.",
    )
    require(
        rows.dtype.kind in "fiub",
        f"{path}: features must be numbers; got {rows.dtype}. Encode them first, or give a table.",
    )
    if rows.dtype == np.uint8 and rows.ndim == 3:
        return "images", rows[:, None]
    if rows.dtype == np.uint8 and rows.ndim == 4:
        last = rows.shape[1] not in CHANNELS and rows.shape[3] in CHANNELS
        return "images", np.ascontiguousarray(rows.transpose(0, 3, 1, 2)) if last else rows
    exact = rows.dtype.kind == "f" and rows.dtype.itemsize <= 4
    return "array", rows.astype(np.float32 if exact or rows.dtype.itemsize <= 2 else np.float64)
