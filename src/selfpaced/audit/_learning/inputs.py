"""The samples as learners read them: dense numbers, and the words of their texts."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# What a learner reads: the dense numbers, or the sparse counts of words or of letters.
View = Literal["dense", "words", "letters"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """The same n samples in up to three views.

    Args:
        dense: float32, or uint8 from 0 to 255, shape (n, ...), without missing values.
        words: TF-IDF of the words of all texts, a sparse matrix of n rows; None without text.
        letters: The same of short runs of letters.
        only_text: Whether the dense numbers tell nothing that the texts do not tell.
    """

    dense: NDArray[Any]
    words: Any = None
    letters: Any = None
    only_text: bool = False

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dense)

    def view(self, name: View) -> Any:
        """Return one view as a matrix of n rows; uint8 values are divided by 255."""
        return flat(self.dense) if name == "dense" else getattr(self, name)


def flat(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return the rows as float32 of shape (n, features); uint8 values are divided by 255."""
    scaled = rows.astype(np.float32) / 255 if rows.dtype == np.uint8 else rows
    return scaled.reshape(len(rows), -1).astype(np.float32, copy=False)
