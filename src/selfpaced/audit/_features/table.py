"""The columns of a table as features that a model learns from."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.impute import SimpleImputer
from skrub import StringEncoder, TableVectorizer

from selfpaced._errors import require
from selfpaced.audit._features.numeric import Scale, standard
from selfpaced.audit._features.text import Reader
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
    an empty text. Then each feature is scaled to mean 0 and standard deviation 1.

    Args:
        numbers: Columns of numbers and truth values.
        others: Columns of categories, dates and names, which skrub encodes.
        readers: The reader of each column of text.
        vectorizer: The fitted encoder of ``others``; None if there are none.
        imputer: Fills gaps; None if all columns are text.
        scales: The scale of each column of text, by its name, and of all other features, by "".
    """

    numbers: list[str]
    others: list[str]
    readers: dict[str, Reader]
    vectorizer: Any = None
    imputer: Any = None
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
        if self.imputer is not None:
            others = [] if self.vectorizer is None else self.vectorizer.get_feature_names_out()
            known = [*self.numbers, *map(str, others)]
            gaps = [] if self.imputer.indicator_ is None else self.imputer.indicator_.features_
            names = known + [known[place] + MISSING for place in gaps]
        for column, reader in self.readers.items():
            names += [f"{column}: {name}" for name in reader.names]
        return names

    def fit(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Learn from rows and return their features, shape (n, len(names))."""
        if self.others:
            self.vectorizer = TableVectorizer(
                high_cardinality=StringEncoder(n_components=NAMES, random_state=0)
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on few rows, and on dates of an unknown format
                self.vectorizer.fit(frame[self.others])
        encoded = self._encoded(frame)
        if encoded.shape[1]:
            self.imputer = SimpleImputer(
                strategy="median", add_indicator=True, keep_empty_features=True
            ).fit(encoded)
        return self._rows(frame, encoded)

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Return the features of other rows, shape (n, len(names)).

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
        return self._rows(frame, self._encoded(frame))

    def _encoded(self, frame: pd.DataFrame) -> Floats:
        """Return the features of all columns except text, not scaled, with NaN for gaps."""
        blocks = [_number(frame[name])[:, None] for name in self.numbers]
        if self.vectorizer is not None:
            others = pd.DataFrame({name: _value(frame[name]) for name in self.others})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on unknown categories, which become zeros
                blocks.append(np.asarray(self.vectorizer.transform(others), np.float64))
        encoded = np.hstack(blocks) if blocks else np.empty((len(frame), 0))
        encoded[np.isinf(encoded)] = np.nan
        return encoded

    def _rows(self, frame: pd.DataFrame, encoded: Floats) -> NDArray[np.float32]:
        """Return all features, scaled as those of ``fit`` are, shape (n, len(names))."""
        filled = encoded if self.imputer is None else self.imputer.transform(encoded)
        start = filled.shape[1]
        rows = np.empty((len(frame), len(self.names)), np.float32)
        self._scaled("", filled, rows[:, :start])
        for name, reader in self.readers.items():
            block = rows[:, start : start + len(reader.names)]
            reader.write(texts_of(frame[name]), block)
            self._scaled(name, block, block)
            start += block.shape[1]
        return rows

    def _scaled(self, name: str, rows: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write scaled rows to ``out``; the first call learns the scale of this name."""
        if name not in self.scales:
            self.scales[name] = standard(rows)
        self.scales[name].apply(rows, out)


def texts_of(column: pd.Series) -> list[str]:
    """Return a column as texts; a gap becomes an empty text."""
    return [str(value) for value in column.astype(object).where(column.notna(), "")]


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


def _value(column: pd.Series) -> pd.Series:
    """Return a column of text or times as it is, and a column of numbers as text."""
    if not types.is_numeric_dtype(column.dtype):
        return column
    whole = types.is_float_dtype(column.dtype) and bool((column.dropna() % 1 == 0).all())
    text = (column.astype("Int64") if whole else column).astype(object)
    return text.where(column.notna(), None).map(str, na_action="ignore").astype("str")
