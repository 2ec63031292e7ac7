"""The samples that were read, and the options to read them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # slow to import, and options are checked before anything is read
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Source:
    """Samples that were read, in the order of the file.

    Args:
        path: The path that was read.
        kind: What it contains.
        features: For a table: a frame of the columns to learn from. For an array: float32 or
            float64, shape (n, ...). For images: uint8, shape (n, channels, height, width).
        labels: The given labels, none missing, shape (n,); empty if labels were not read.
        where: The place of each sample, shape (n,). Its name says of what kind: "row" of a table,
            1 for the first row after the header; "index" of an array, from 0; "file" of a folder
            of images, relative to the folder.
        own: All columns of a table, with the labels, n rows; no columns for arrays and images.
        numeric: Whether the labels are numbers (a regression) and not classes.
        notes: What was left out, converted or noticed, one sentence each.
        conflicts: Samples that are equal in all features but have different labels. Columns: the
            place, "label", and "group", from 1; samples of a group are equal.
        lines: The line of the file on which each sample starts, int64, shape (n,); the first line
            of the file is 1. None for data that has no lines: Parquet, arrays and images.
        copies: A number for each sample, equal for copies of a sample, int64, shape (n,); None
            without copies.
    """

    path: Path
    kind: Literal["table", "images", "array"]
    features: "pd.DataFrame | NDArray[Any]"
    labels: "pd.Series"
    where: "pd.Series"
    own: "pd.DataFrame"
    numeric: bool
    notes: tuple[str, ...]
    conflicts: "pd.DataFrame"
    lines: "NDArray[np.int64] | None" = None
    copies: "NDArray[np.int64] | None" = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.where)


@dataclass(frozen=True)
class Options:
    """How to read a file.

    Args:
        label: The column of a table that holds the labels.
        labels: A file with the labels of a single .npy or idx file: .npy, idx, or a table with
            the column ``label``.
        ignore: Columns that the model does not learn from.
        use: Columns that the model learns from although they look like ids.
        numeric: Whether the labels are numbers (True, a regression) or classes (False). None:
            numbers if they have fractions or very many different values, else classes.
        side: Width and height of all images, in pixels. None: their median size, at most 64.
        known: Whether to read labels; False for new samples whose labels are to be predicted.
    """

    label: str | None = None
    labels: Path | None = None
    ignore: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    numeric: bool | None = None
    side: int | None = None
    known: bool = True
