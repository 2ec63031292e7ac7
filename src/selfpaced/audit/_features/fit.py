"""From samples of any kind to features: the numbers that a model learns from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._features.numeric import Pixels, learn_numbers
from selfpaced.audit._features.table import MISSING, NAMES, Encoder, texts_of
from selfpaced.audit._features.text import Read, Reader, is_text
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._reading.memory import require_memory
from selfpaced.audit._reading.source import Source
from selfpaced.audit._reading.words import count

# Bytes that ``fit`` needs at its peak for a feature of a sample, in a table or an array with gaps,
# and for the packages that it imports.
BYTES_PER_NUMBER, BYTES_OF_PACKAGES = 32, 50_000_000
# Bytes that ``fit`` needs at its peak for a text.
BYTES_PER_TEXT = 10_000
# The largest number of features that a column of categories becomes.
MOST_CATEGORIES = 40


class Maker(Protocol):
    """Turns samples of one kind into features."""

    @property
    def names(self) -> list[str]:
        """The names of the features; none for arrays and images."""
        ...

    def transform(self, rows: Any) -> Inputs:
        """Return samples as learners read them; see ``Features.inputs``."""
        ...


@dataclass(eq=False)
class Features:
    """How a sample becomes features, learned from the samples of a run; it can be pickled.

    Args:
        kind: The kind of the source that it was learned from.
        maker: Turns samples of this kind into features.
    """

    kind: str
    maker: Maker

    @property
    def names(self) -> list[str]:
        """The names of the features; none for arrays and images."""
        return self.maker.names

    def transform(self, source: Source) -> NDArray[Any]:
        """Return the dense features of samples: ``inputs(source).dense``."""
        return self.inputs(source).dense

    def inputs(self, source: Source) -> Inputs:
        """Return samples as learners read them.

        Args:
            source: Samples of the kind that was learned from; a table may have more columns.

        Returns:
            The dense features, and the words and letters of texts. The dense features of a table or
            an array with rows of one dimension are float32, shape (n, width); of an array of more
            dimensions float32, its shape; of images uint8, their shape.

        Raises:
            ValueError: For another kind or shape, for missing columns, and for values that are not
                numbers in a column that had numbers.
        """
        require(
            source.kind == self.kind,
            f"The model learned from a source of kind {self.kind!r}; got {source.kind!r}. Give one "
            f"of the same kind.",
        )
        return self.maker.transform(source.features)


def fit(
    source: Source, *, text_model: Path | None = None, memory: int | None = None
) -> tuple[Features, Inputs, tuple[str, ...]]:
    """Learn how a sample becomes features, and return the features of all samples.

    In a table, a number is one feature, a category becomes a feature for each of its values, and a
    date one for each of its parts. Of free text, words, pairs of words and runs of letters are
    counted, and the words are reduced to 100 dense features at most; or it becomes the embedding of
    a transformers model. Gaps are filled with the median, and a further feature says where they
    were. Then each feature is scaled to mean 0 and standard deviation 1, except that the dense
    features of words keep their proportions.

    Args:
        source: The samples.
        text_model: Folder of a transformers model that turns text into numbers.
        memory: Bytes that may be used. None: the free memory.

    Returns:
        How a sample becomes features, the features (see ``Features.inputs``), and notes on
        what the columns were read as.

    Raises:
        ValueError: If more memory is needed, and for a folder without a model.
        FileNotFoundError: If the folder of ``text_model`` does not exist.
        ModuleNotFoundError: For ``text_model`` without transformers.
    """
    do = "Leave out columns with ignore=..., or give a smaller file."
    require_memory(f"{source.path}: its features need", estimate(source), do, memory)
    if isinstance(source.features, pd.DataFrame):
        return _fit_table(source.features, text_model)
    if source.kind == "images":
        pixels = Pixels(source.features.shape[1:], source.depth)
        return Features("images", pixels), Inputs(source.features), ()
    numbers, rows, notes = learn_numbers(source.features)
    return Features("array", numbers), Inputs(rows), notes


def estimate(source: Source) -> int:
    """Return about how many bytes ``fit`` needs at its peak, in addition to the source."""
    rows = source.features
    if source.kind == "images":
        return 0
    if not isinstance(rows, pd.DataFrame):
        gaps = rows.ndim == 2 and not np.isfinite(rows).all()
        return int(rows.size) * (BYTES_PER_NUMBER if gaps else 8)
    numbers = rows.select_dtypes(np.number)
    others = rows.drop(columns=numbers.columns)
    texts = [name for name in others.columns if is_text(others[name])]
    width = numbers.shape[1] + int(numbers.isna().any().sum())
    width += sum(_width(others[name]) for name in others.columns if name not in texts)
    per_row = BYTES_PER_NUMBER * width + BYTES_PER_TEXT * len(texts)
    return BYTES_OF_PACKAGES + len(rows) * per_row


def _width(column: pd.Series) -> int:
    """Return the largest number of features that a column becomes."""
    if types.is_numeric_dtype(column.dtype):
        return 1 + int(column.isna().any())
    different = int(column.nunique())
    return different if different <= MOST_CATEGORIES else NAMES


def _fit_table(
    frame: pd.DataFrame, text_model: Path | None
) -> tuple[Features, Inputs, tuple[str, ...]]:
    """Learn how the columns of a table become features, and return the features."""
    names: list[str] = list(frame.columns)
    kinds = zip(names, frame.dtypes, strict=True)
    numbers = [name for name, kind in kinds if types.is_numeric_dtype(kind)]
    known = set(numbers)
    texts = {n: texts_of(frame[n]) for n in names if n not in known and is_text(frame[n])}
    learned = _learned(texts, text_model)
    others = [name for name in names if name not in learned and name not in known]
    encoder = Encoder(numbers, others, {name: reader for name, (reader, _) in learned.items()})
    inputs = encoder.fit(frame, {name: read for name, (_, read) in learned.items()})
    return Features("table", encoder), inputs, _notes(encoder, inputs.dense.shape[1])


def _learned(
    texts: dict[str, list[str]], text_model: Path | None
) -> dict[str, tuple[Reader, Read]]:
    """Return a reader for each column of text, and what it reads; none for texts without words."""
    if not texts:
        return {}
    if text_model is not None:
        from selfpaced.audit._features.embedding import embedding  # not at the top, as below

        reader = embedding(text_model)
        return {name: (reader, reader.read(values)) for name, values in texts.items()}
    # Not at the top: scikit-learn is slow to import, and a table without text does not need it.
    from selfpaced.audit._features.words import learn_words

    learned = {name: learn_words(values) for name, values in texts.items()}
    return {name: words for name, words in learned.items() if words is not None}


def _notes(encoder: Encoder, width: int) -> tuple[str, ...]:
    """Return notes on what the columns were read as, and on gaps."""
    kinds = {kind: len(columns) for kind, columns in encoder.kinds.items()}
    widths = [len(reader.names) for reader in encoder.readers.values()]
    parts = [
        (len(encoder.numbers) + kinds.get("numeric", 0), "number", ""),
        (kinds.get("low_cardinality", 0), "category", ""),
        (kinds.get("datetime", 0), "date", ""),
        (kinds.get("high_cardinality", 0), "name", f" ({NAMES} features each)"),
        *((widths.count(n), "text", f" ({n:,} features each)") for n in sorted(set(widths))),
    ]
    columns = ", ".join(f"{count(n, noun)}{more}" for n, noun, more in parts if n)
    notes = [f"Learned from {columns}; {count(width, 'feature')} per sample."]
    gaps = sum(name.endswith(MISSING) for name in encoder.names)
    if gaps:
        notes.append(f"Gaps in {count(gaps, 'column')} were filled with the median and marked.")
    return tuple(notes)
