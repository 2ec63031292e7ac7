"""What was read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Source:
    """What was read, one sample each, in the order of the file.

    Args:
        path: As the user gave it.
        kind: What it holds.
        features: Of a table: the columns to learn from. Of an array: float32 or float64, shape
            (n, ...). Of images: uint8, shape (n, channels, height, width).
        labels: As given, with none missing, shape (n,); empty where labels are not wanted.
        where: Where each sample lies: "row" of a table, 1 the first after the header; "index" of
            an array, from 0; "file" of a folder of images, relative to it.
        own: The user's own columns of a table, the label's too; no columns otherwise. n rows.
        numeric: Whether the labels are numbers to regress on, not classes.
        notes: What was left out, converted or noticed, a sentence each.
        conflicts: Samples that are equal in all features but have different labels: where they
            lie, "label", and "group", from 1; those of a group are equal.
    """

    path: Path
    kind: Literal["table", "images", "array"]
    features: pd.DataFrame | NDArray[Any]
    labels: pd.Series
    where: pd.Series
    own: pd.DataFrame
    numeric: bool
    notes: tuple[str, ...]
    conflicts: pd.DataFrame

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.where)


@dataclass(frozen=True)
class Options:
    """How to read a file.

    Args:
        label: The label column of a table.
        labels: A file of labels for a lone .npy or idx file of features: .npy, idx, or a table
            whose column is ``label``.
        ignore: Columns not to learn from.
        use: Columns to learn from although they look like ids.
        numeric: Whether labels are numbers to regress on (True) or classes (False). None: decide.
        side: Pixels of a side that images get. None: their median, 64 at most.
        known: Whether labels are wanted; False for new data to predict.
    """

    label: str | None = None
    labels: Path | None = None
    ignore: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    numeric: bool | None = None
    side: int | None = None
    known: bool = True
