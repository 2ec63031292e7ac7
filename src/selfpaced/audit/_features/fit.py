"""From what was read to numbers that a network learns from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import psutil
from numpy.typing import NDArray
from pandas.api import types

from selfpaced._errors import require
from selfpaced.audit._features.numeric import Pixels, learn_numbers
from selfpaced.audit._features.table import MISSING, NAMES, Encoder, texts_of
from selfpaced.audit._features.text import Reader, embedding, is_text, learn_words
from selfpaced.audit._reading.source import Source
from selfpaced.audit._reading.words import count

HELD, HELD_TEXT = 48, 8_000  # bytes at the peak: of a number with gaps, and of a text
CATEGORIES = 40  # numbers of a column at most


class Maker(Protocol):
    """Makes numbers of one kind of source."""

    @property
    def names(self) -> list[str]:
        """What the numbers are; none where they have no names."""
        ...

    def transform(self, rows: Any) -> NDArray[Any]:
        """Return the numbers of samples."""
        ...


@dataclass(eq=False)
class Features:
    """How to make numbers of samples, learnt from the first ones; it can be pickled.

    Args:
        kind: Of the source.
        maker: Makes them.
    """

    kind: str
    maker: Maker

    @property
    def names(self) -> list[str]:
        """What the numbers are; none for arrays and images."""
        return self.maker.names

    def transform(self, source: Source) -> NDArray[Any]:
        """Return the numbers of samples.

        Args:
            source: Of the kind that was learnt from; a table may have more columns.

        Returns:
            float32, shape (n, width), or (n, ...) as an array has it; uint8 of images.

        Raises:
            ValueError: For another kind or shape, and for columns that are missing or changed.
        """
        require(
            source.kind == self.kind,
            f"The model learnt from a source of kind {self.kind!r}; got {source.kind!r}. Give one "
            f"of the same kind.",
        )
        return self.maker.transform(source.features)


def fit(
    source: Source, *, text_model: Path | None = None, memory: int | None = None
) -> tuple[Features, NDArray[Any], tuple[str, ...]]:
    """Learn how to make numbers of samples, and make them.

    Of a table: numbers as they are, categories one by one, the parts of dates, free text as 300
    numbers for the words and pairs in it or as a language model's embedding. Gaps get the median
    and a column that says so; then all is brought to mean 0 and deviation 1.

    Args:
        source: What was read.
        text_model: Folder of a transformers model to read text with.
        memory: Bytes that may be used. None: what is free.

    Returns:
        How, the rows (see ``Features.transform``), and notes on what was taken for what.

    Raises:
        ValueError: When it would need more memory, or for a folder without a model.
        FileNotFoundError: When there is no such folder.
        ModuleNotFoundError: For ``text_model`` without transformers.
    """
    needed = estimate(source)
    free = int(psutil.virtual_memory().available) if memory is None else memory
    require(
        needed <= free,
        f"{source.path}: making numbers of it needs about {_size(needed)} of memory; "
        f"{_size(free)} are free. Leave columns out with --ignore COLUMN, or give a smaller file.",
    )
    if isinstance(source.features, pd.DataFrame):
        return _fit_table(source.features, text_model)
    if source.kind == "images":
        pixels = Pixels(source.features.shape[1:])
        return Features("images", pixels), source.features, ()
    numbers, rows, notes = learn_numbers(source.features)
    return Features("array", numbers), rows, notes


def estimate(source: Source) -> int:
    """Return about how many bytes ``fit`` needs at its peak, beside what the source holds."""
    rows = source.features
    if source.kind == "images":
        return 0
    if not isinstance(rows, pd.DataFrame):
        gaps = rows.ndim == 2 and not np.isfinite(rows).all()
        return int(rows.size) * (HELD if gaps else 8)
    texts = [name for name in rows.columns if is_text(rows[name])]
    width = sum(_width(rows[name]) for name in rows.columns if name not in texts)
    return len(rows) * (HELD * width + HELD_TEXT * len(texts))


def _width(column: pd.Series) -> int:
    """Return how many numbers a column becomes, at most."""
    if types.is_numeric_dtype(column.dtype):
        return 1 + int(column.isna().any())
    return max(NAMES, min(CATEGORIES, int(column.nunique())))


def _fit_table(
    frame: pd.DataFrame, text_model: Path | None
) -> tuple[Features, NDArray[np.float32], tuple[str, ...]]:
    """Learn how to make numbers of columns, and make them."""
    names: list[str] = list(frame.columns)
    texts = {name: texts_of(frame[name]) for name in names if is_text(frame[name])}
    readers = _readers(texts, text_model)
    numbers = [name for name in names if types.is_numeric_dtype(frame[name].dtype)]
    others = [name for name in names if name not in readers and name not in numbers]
    encoder = Encoder(numbers, others, readers)
    rows = encoder.fit(frame)
    return Features("table", encoder), rows, _said(encoder, rows.shape[1])


def _readers(texts: dict[str, list[str]], text_model: Path | None) -> dict[str, Reader]:
    """Return what reads each column of text; none for one without words."""
    if text_model is not None:
        return dict.fromkeys(texts, embedding(text_model)) if texts else {}
    learnt = {name: learn_words(values) for name, values in texts.items()}
    return {name: words for name, words in learnt.items() if words is not None}


def _said(encoder: Encoder, width: int) -> tuple[str, ...]:
    """Return notes on what the columns were taken for, and on gaps."""
    kinds = {kind: len(columns) for kind, columns in encoder.kinds.items()}
    widths = [len(reader.names) for reader in encoder.readers.values()]
    parts = [
        (len(encoder.numbers) + kinds.get("numeric", 0), "number", ""),
        (kinds.get("low_cardinality", 0), "category", ""),
        (kinds.get("datetime", 0), "date", ""),
        (kinds.get("high_cardinality", 0), "name", f" ({NAMES} numbers each)"),
        *((widths.count(n), "text", f" ({n:,} numbers each)") for n in sorted(set(widths))),
    ]
    said = ", ".join(f"{count(n, noun)}{more}" for n, noun, more in parts if n)
    notes = [f"Learnt from {said}; {count(width, 'number')} a sample."]
    gaps = sum(name.endswith(MISSING) for name in encoder.names)
    if gaps:
        notes.append(f"Gaps in {count(gaps, 'column')} were filled with the median and marked.")
    return tuple(notes)


def _size(n: int) -> str:
    """Return bytes for people.

    >>> _size(3_400_000_000), _size(0)
    ('3.40 GB', '0.00 GB')
    """
    return f"{n / 1e9:,.2f} GB"
