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
        conflicts: Samples that are equal in all features, or nearly so, but have different labels.
            Columns: the place, "label", "group", from 1, and "alike": whether the samples of the
            group are "equal" or "nearly" so.
        lines: The line of the file on which each sample starts, int64, shape (n,); the first line
            of the file is 1. None for data that has no lines: Parquet, arrays and images.
        groups: A number for each sample, int64, shape (n,), equal for samples that are judged
            together: copies, and those of a group of ``Options.group``. None without any.
        depth: Bits per pixel of images before they became 8.
        votes: The labels of several annotators, a row per sample and a column per annotator, NaN
            for none; ``labels`` is their consensus. None for one label per sample.
        fingerprints: A number for each row of the file, also for rows without a label, by which it
            is found again after it has moved; uint64, in the order of the file. None for other
            data than a table in one file.
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
    groups: "NDArray[np.int64] | None" = None
    depth: int = 8
    votes: "pd.DataFrame | None" = None
    fingerprints: "NDArray[np.uint64] | None" = None

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
        group: A column whose values name groups of rows, such as patients: no row is judged by a
            model that learned another row of its group. The model does not learn from it.
        numeric: Whether the labels are numbers (True, a regression) or classes (False). None:
            numbers if they have fractions or very many different values, else classes.
        exact: Whether labels that differ in case or blanks only are different classes.
        side: Width and height of all images, in pixels. None: their median size, at most 64.
        depth: Bits per pixel of images with more than 8. None: as many as their largest value
            needs, of 10, 12, 14 and 16.
        sheet: The sheet of a workbook. None: the first one with rows.
        annotator: Columns of labels, one for each annotator, in place of ``label``; or, with
            ``item``, the column that says who gave the label of a row.
        item: The column that says which sample a row labels, where each row is one label of one
            annotator.
        known: Whether to read labels; False for new samples whose labels are to be predicted.
    """

    label: str | None = None
    labels: Path | None = None
    ignore: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    group: str | None = None
    numeric: bool | None = None
    exact: bool = False
    side: int | None = None
    depth: int | None = None
    sheet: str | None = None
    annotator: tuple[str, ...] = ()
    item: str | None = None
    known: bool = True
