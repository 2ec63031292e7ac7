"""Idx files, the format of MNIST, plain or gzipped: one file, or the files of a data set."""

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._reading.memory import require_memory

# The type code of unsigned bytes in the header.
UNSIGNED_BYTE = 0x08
# The largest number of dimensions of a NumPy array.
MOST_AXES = 64
# The two spellings of the names of MNIST's files.
SPELLINGS = ("{part}-{what}-idx{axes}-ubyte", "{part}-{what}.idx{axes}-ubyte")


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one idx file of unsigned bytes.

    Args:
        path: The file; it is unpacked if its name ends in ``.gz``.

    Returns:
        The array, uint8, in the shape of the header; it is read-only.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: For a file that is not an idx file of unsigned bytes, or has too few or too many
            bytes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    ...     read_idx(path)
    array([7, 9], dtype=uint8)
    """
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return _array(path, file, None if packed else path.stat().st_size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        raise ValueError(f"{path} is truncated or not a gzip file: {damage}") from damage


def _array(path: Path, file: BufferedIOBase, size: int | None) -> NDArray[np.uint8]:
    """Read the array of an unpacked file, not more than its header announces.

    Args:
        path: The file, for messages.
        file: The file, at its start.
        size: The number of bytes of the unpacked file; None if it is not known.
    """
    start = file.read(4)
    require(
        len(start) == 4,
        f"{path} is truncated: the header of an idx file has at least 4 bytes; got {len(start)}.",
    )
    require(
        start[:2] == b"\0\0" and start[2] == UNSIGNED_BYTE,
        f"{path} is not an idx file of unsigned bytes: it must start with 00 00 08; "
        f"got {start[:3].hex(' ')}.",
    )
    sizes = file.read(4 * start[3])
    shape = [int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4)]
    header, n = 4 + 4 * start[3], math.prod(shape)
    got = header + n if size is None else size
    require(got >= header + n, f"{path} is truncated: expected {header + n} bytes; got {got}.")
    require(got == header + n, f"{path} is too long: expected {header + n} bytes; got {got}.")
    require(
        len(shape) <= MOST_AXES,
        f"{path}: an array has at most {MOST_AXES} dimensions; got {len(shape)}.",
    )
    copies = 2 if size is None else 1  # a packed file is read in pieces
    require_memory(f"{path}: its array needs", copies * n, "Give fewer rows.")
    raw = file.read(n)
    require(len(raw) == n, f"{path} is truncated: expected {header + n} bytes; got less.")
    require(not file.read(1), f"{path} is too long: expected {header + n} bytes; got more.")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def read_pair(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the images and labels of one part of a data set.

    Args:
        folder: The folder with the files, which have the names of MNIST's files.
        part: "train", or "t10k" for the test set.

    Returns:
        Images, uint8, shape (n, height, width); labels, uint8, shape (n,).

    Raises:
        FileNotFoundError: If a file is missing; the error names both spellings.
        ValueError: For a damaged file, and for another number of images than of labels.
    """
    images_path, labels_path = pair_of(folder, part)
    images, labels = read_idx(images_path), read_idx(labels_path)
    require(
        images.ndim == 3 and labels.ndim == 1,
        f"{folder}: images must have 3 dimensions and labels 1; got {images.ndim} and "
        f"{labels.ndim}.",
    )
    require(
        len(images) == len(labels),
        f"{folder}: {len(images)} images in {images_path.name} but {len(labels)} labels in "
        f"{labels_path.name}. Are they from the same data set?",
    )
    require(len(images) > 0, f"{images_path} contains no images.")
    return images, labels


def pair_of(folder: Path, part: str) -> tuple[Path, Path]:
    """Return the files of the images and of the labels of one part; raises as ``read_pair``."""
    return _find(folder, part, "images", 3), _find(folder, part, "labels", 1)


def _find(folder: Path, part: str, what: str, axes: int) -> Path:
    """Return the file in the spelling that exists, plain or gzipped."""
    plain = [spelling.format(part=part, what=what, axes=axes) for spelling in SPELLINGS]
    for name in (name + ending for name in plain for ending in ("", ".gz")):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} must contain {plain[0]} or {plain[1]}, plain or .gz.")
