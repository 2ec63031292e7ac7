"""The columns of a table as features that a model learns from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._features.numeric import Gaps, Scale, learn_gaps, standard, together
from selfpaced.audit._features.text import Read, Reader
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._reading.words import count, listed
from selfpaced.chain import Floats

# The number of features of a column of names: text of many values that is not free text.
NAMES = 30
# The end of the name of a feature that says where a column has gaps.
MISSING = " is missing"


@dataclass(eq=False)
class Encoder:
    """Turns the columns of a table into features; learns how from the rows of ``fit``.

    Gaps are filled with the median, and a further feature says where they were; a missing text is
    an empty text. Then each feature is scaled to mean 0 and standard deviation 1; those of words
    keep their proportions, as most of them tell little.

    Args:
        numbers: Columns of numbers and truth values.
        others: Columns of categories, dates and names, which skrub encodes.
        readers: The reader of each column of text.
        vectorizer: The fitted encoder of ``others``; None if there are none.
        gaps: Fills gaps; None if all columns are text.
        scales: The scale of each column of text, by its name, and of all other features, by "".
    """

    numbers: list[str]
    others: list[str]
    readers: dict[str, Reader]
    vectorizer: Any = None
    gaps: Gaps | None = None
    scales: dict[str, Scale] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        return [*self.numbers, *self.others, *self.readers]

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The columns of ``others`` by their kind, as skrub calls it."""
        return {} if self.vectorizer is None else dict(self.vectorizer.kind_to_columns_)

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        names = []
        if self.gaps is not None:
            others = [] if self.vectorizer is None else self.vectorizer.get_feature_names_out()
            known = [*self.numbers, *map(str, others)]
            names = known + [known[place] + MISSING for place in self.gaps.marked]
        for column, reader in self.readers.items():
            names += [f"{column}: {name}" for name in reader.names]
        return names

    def fit(self, frame: pd.DataFrame, read: Mapping[str, Read]) -> Inputs:
        """Learn from rows and return them as learners read them.

        Args:
            frame: The rows.
            read: The columns of text as their readers read them.
        """
        if self.others:
            # Not at the top: skrub is slow to import, and many tables have no such columns.
            from selfpaced.audit._features.encoding import learn_columns

            self.vectorizer = learn_columns(frame[self.others], NAMES)
        encoded = self._encoded(frame)
        if encoded.shape[1]:
            self.gaps = learn_gaps(encoded)
        return self._inputs(encoded, read)

    def transform(self, frame: pd.DataFrame) -> Inputs:
        """Return other rows as learners read them.

        Raises:
            ValueError: For missing columns, and for values that are not numbers in a column that
                had numbers.
        """
        missing = [name for name in self.columns if name not in frame.columns]
        require(
            not missing,
            f"The model learned from {count(len(self.columns), 'column')}; these rows lack "
            f"{listed(map(repr, missing))}. Add the missing columns.",
        )
        read = {name: reader.read(texts_of(frame[name])) for name, reader in self.readers.items()}
        return self._inputs(self._encoded(frame), read)

    def _encoded(self, frame: pd.DataFrame) -> Floats:
        """Return the features of all columns except text, not scaled, with NaN for gaps."""
        blocks = [_numbers(frame[self.numbers])] if self.numbers else []
        if self.vectorizer is not None:
            from selfpaced.audit._features.encoding import encode_columns  # as in ``fit``

            blocks.append(encode_columns(self.vectorizer, frame[self.others]))
        encoded = np.hstack(blocks) if blocks else np.empty((len(frame), 0))
        encoded[np.isinf(encoded)] = np.nan
        return encoded

    def _inputs(self, encoded: Floats, read: Mapping[str, Read]) -> Inputs:
        """Return all features, scaled as those of ``fit`` are, and the words and letters."""
        filled = encoded if self.gaps is None else self.gaps.fill(encoded)
        start = filled.shape[1]
        rows = np.empty((len(filled), len(self.names)), np.float32)
        self._scaled("", standard, filled, rows[:, :start])
        for name, reader in self.readers.items():
            block = rows[:, start : start + len(reader.names)]
            scale = together if reader.keeps_proportions else standard
            self._scaled(name, scale, read[name].dense, block)
            start += block.shape[1]
        only_text = bool(read) and not filled.shape[1]
        texts = [one for one in read.values() if one.words is not None]
        return Inputs(
            rows,
            _beside([one.words for one in texts]),
            _beside([one.letters for one in texts]),
            only_text=only_text and len(texts) == len(read),
        )

    def _scaled(
        self,
        name: str,
        learn: Callable[[NDArray[Any]], Scale],
        rows: NDArray[Any],
        out: NDArray[np.float32],
    ) -> None:
        """Write scaled rows to ``out``; the first call learns the scale of this name."""
        if name not in self.scales:
            self.scales[name] = learn(rows)
        self.scales[name].apply(rows, out)


def _beside(matrices: list[Any]) -> Any:
    """Return sparse matrices of n rows side by side; None for none."""
    if len(matrices) < 2:
        return matrices[0] if matrices else None
    # Not at the top: most tables have one column of text, or none.
    from scipy import sparse

    return sparse.hstack(matrices, format="csr")


def texts_of(column: pd.Series) -> list[str]:
    """Return a column as texts; a gap becomes an empty text."""
    return [str(value) for value in column.astype(object).where(column.notna(), "")]


def _numbers(frame: pd.DataFrame) -> Floats:
    """Return columns as float64 with NaN for gaps; see ``_number``."""
    if all(isinstance(kind, np.dtype) and kind.kind in "fiub" for kind in frame.dtypes):
        return frame.to_numpy(np.float64)  # at once, as pandas takes its time for each column
    return np.stack([_number(frame[name]) for name in frame.columns], axis=1)


def _number(column: pd.Series) -> Floats:
    """Return a column as float64 with NaN for gaps; raise for a value that is not a number."""
    numbers = pd.to_numeric(column, errors="coerce").astype("Float64")
    bad = numbers.isna() & column.notna()
    if bad.any():
        raise ValueError(
            f"Column {column.name!r} had numbers when the model learned; these rows have "
            f"{column[bad].iloc[0]!r}. Correct it."
        )
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan), np.float64)
