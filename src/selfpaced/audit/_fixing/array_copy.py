"""Corrected copies of arrays: an .npz file, or the file of the labels of an .npy or idx file."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced._files import replacing
from selfpaced.audit._fixing.changes import Changes, Wanted
from selfpaced.audit._reading.arrays import array_names, read_npy
from selfpaced.audit._reading.idx import read_idx
from selfpaced.audit._reading.kinds import kind_of

Array = NDArray[Any]


def fix_npz(path: Path, corrected: Path, wanted: Wanted) -> Changes:
    """Write a copy of an .npz file with other labels; its other arrays keep their bytes.

    Args:
        path: The file.
        corrected: The file for the copy.
        wanted: The changes; row 1 is the first sample.

    Raises:
        ValueError: For labels that have changed since the audit, for a new label that the type of
            the labels does not hold, and for rows to leave out of a file with further arrays of as
            many rows.
    """
    with np.load(path, allow_pickle=False) as arrays:
        x, y = array_names(path, list(arrays))
        labels = arrays[y]
        changes = wanted.changes(_flat(labels).tolist())
        made = {y: _changed(path.name, labels, changes)}
        if wanted.drop:
            made |= {x: np.delete(arrays[x], list(changes.new), axis=0)}
            others = [name for name in arrays if name not in (x, y)]
            alike = [name for name in others if arrays[name].shape[:1] == labels.shape[:1]]
            require(
                not alike,
                f"{path.name} has as many rows in {', '.join(alike)} as labels: drop=True would "
                f"not leave them out there. Correct the labels instead, or remove these arrays.",
            )
    with replacing(corrected) as target:
        _rewrite(path, target, made)
    return changes


def _rewrite(path: Path, target: Path, made: Mapping[str, Array]) -> None:
    """Copy an .npz file with some of its arrays replaced; all are packed as they were."""
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(target, "w") as after:
        for member in before.infolist():
            name = member.filename.removesuffix(".npy")
            if name in made:
                file = io.BytesIO()
                np.save(file, made[name], allow_pickle=False)
                raw = file.getvalue()
            else:
                raw = before.read(member)
            kept = zipfile.ZipInfo(member.filename, member.date_time)
            kept.compress_type, kept.external_attr = member.compress_type, member.external_attr
            after.writestr(kept, raw)


def fix_labels(path: Path, corrected: Path, wanted: Wanted) -> Changes:
    """Write a copy of an .npy or idx file of labels with other labels.

    Args:
        path: The file of the labels.
        corrected: The file for the copy.
        wanted: The changes; row 1 is the first sample.

    Raises:
        ValueError: For rows to leave out, as the features are in another file; and for a new label
            that the type of the labels does not hold.
    """
    require(
        not wanted.drop,
        f"{path.name} holds labels only: drop=True would leave rows out of it that stay in the "
        f"features. Correct the labels instead.",
    )
    idx = kind_of(path) != "npy"
    labels = np.asarray(read_idx(path) if idx else read_npy(path))
    changes = wanted.changes(_flat(labels).tolist())
    made = _changed(path.name, labels, changes)
    with replacing(corrected) as target:
        if idx:
            _write_idx(path, target, made)
        else:
            with target.open("wb") as file:
                np.save(file, made, allow_pickle=False)
    return changes


def _flat(labels: Array) -> Array:
    """Return labels of shape (n,) or (n, 1) as shape (n,); bytes become text."""
    flat = labels.reshape(-1)
    return flat.astype(str) if flat.dtype.kind == "S" else flat


def _changed(name: str, labels: Array, changes: Changes) -> Array:
    """Return the labels after the changes, in their shape and of their type; texts may be longer.

    Raises:
        ValueError: For a new label that the type does not hold.
    """
    if changes.drop:
        return np.delete(labels, list(changes.new), axis=0)
    if labels.dtype.kind in "US":
        texts = _flat(labels).tolist()
        for place, label in changes.new.items():
            texts[place] = str(label)
        wide = np.asarray(texts)
        made = wide if labels.dtype.kind == "U" else np.char.encode(wide, "utf-8")
        return made.reshape(labels.shape)
    made = labels.copy()
    for place, label in changes.new.items():
        made.reshape(-1)[place] = _held(name, label, labels.dtype)
    return made


def _held(name: str, label: object, kind: np.dtype[Any]) -> Any:  # of any type
    """Return a label as a value of a type, or raise if the type does not hold it."""
    try:
        number = float(label if isinstance(label, bool) else str(label))
        with np.errstate(all="ignore"):
            value = np.asarray(number).astype(kind)
        holds = kind.kind == "f" or float(value) == number
    except ValueError:
        holds = False
    require(
        holds,
        f"{name} has labels of type {kind}, which does not hold {label!r:.60}. Choose another "
        f"label, or convert the labels.",
    )
    return value


def _write_idx(path: Path, target: Path, labels: Array) -> None:
    """Write labels in the format of the file that they come from."""
    axes = bytes([0, 0, 8, labels.ndim])
    raw = axes + b"".join(n.to_bytes(4, "big") for n in labels.shape) + labels.tobytes()
    packed = path.suffix.lower() == ".gz"
    target.write_bytes(gzip.compress(raw, mtime=0) if packed else raw)
