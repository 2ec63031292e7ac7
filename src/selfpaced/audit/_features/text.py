"""Which columns are free text, and what turns free text into features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from pandas.tseries.api import guess_datetime_format

from selfpaced.audit._reading.words import UNSPACED_LETTER

Floats = NDArray[np.float32]

# The smallest number of different values of a column of free text.
LEAST_VALUES = 40
# The smallest share of different values among the values of such a column.
LEAST_SHARE = 0.1
# The smallest number of words of a free text, on average.
LEAST_WORDS = 3
# A word of these scripts has about this many letters.
LETTERS = 2
# About the number of values whose words are counted.
SAMPLE = 1_000
# The number of values that decide whether a column may be dates.
FIRST = 10


@dataclass(frozen=True, eq=False)
class Read:
    """Texts as features.

    Args:
        dense: float32, shape (n, features).
        words: TF-IDF of words, a sparse matrix of n rows; None if no words are counted.
        letters: The same of runs of letters.
    """

    dense: Floats
    words: Any = None
    letters: Any = None


class Reader(Protocol):
    """Turns texts into features.

    Attributes:
        keeps_proportions: Whether the dense features are scaled by one factor: those that differ
            little between texts matter little.
    """

    keeps_proportions: bool

    @property
    def names(self) -> list[str]:
        """The names of the dense features."""
        ...

    def read(self, texts: Sequence[str]) -> Read:
        """Return the features of n texts."""
        ...


def is_text(column: pd.Series) -> bool:
    """Say whether a column is free text.

    Free text has many different values, at least three words on average, and is not dates.

    >>> is_text(pd.Series([f"it broke on day {day}" for day in range(50)]))
    True
    """
    if not (types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)):
        return False
    values = column.dropna()
    if values.nunique() < max(LEAST_VALUES, LEAST_SHARE * len(values)):
        return False
    some = values.iloc[:: max(1, len(values) // SAMPLE)].astype(str)
    if np.mean([_words(text) for text in some]) < LEAST_WORDS:
        return False
    if not any(_may_be_date(text) for text in some.iloc[:FIRST]):
        return True
    # Not at the top: skrub is slow to import, and most texts are not like dates.
    from selfpaced.audit._features.encoding import are_dates

    return not are_dates(some.reset_index(drop=True))


def unspaced(text: str) -> int:
    """Return the number of letters of scripts that are written without blanks between words.

    >>> unspaced("物流太慢 ok"), unspaced("too slow")
    (4, 0)
    """
    return len(UNSPACED_LETTER.findall(text))


def _words(text: str) -> int:
    """Return about the number of words of a text."""
    return len(text.split()) + unspaced(text) // LETTERS


def _may_be_date(text: str) -> bool:
    """Say whether pandas finds the format of a date in a text, with the day or the month first.

    >>> _may_be_date("31 January 2024"), _may_be_date("it broke on day 3")
    (True, False)
    """
    with catch_warnings():
        simplefilter("ignore", UserWarning)  # for a day that can only be first, or second
        found = [guess_datetime_format(text, dayfirst=dayfirst) for dayfirst in (False, True)]
    return any(isinstance(format, str) for format in found)
