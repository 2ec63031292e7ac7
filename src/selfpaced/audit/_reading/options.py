"""What a user says about a file."""

from dataclasses import dataclass
from pathlib import Path


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
