"""Numbers for free text: of its words, or of a language model's reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pandas.api import types
from sklearn.feature_extraction.text import TfidfVectorizer
from skrub import ToDatetime

from selfpaced.audit.scaling import Scale, largest_is_one, standard

Floats = NDArray[np.float32]

DIFFERENT, WORDS, SAMPLE = 40, 3, 1_000  # texts, words of one on average, texts looked at
MOST, FEWEST, BYTES = 5_000, 500, 2**30  # words and word pairs; bytes of their numbers
SHARE = 0.1  # of texts that differ at least
BATCH, TOKENS, ROWS = 32, 256, 4_096


class Reader(Protocol):
    """Makes numbers of texts."""

    @property
    def names(self) -> list[str]:
        """What the numbers are."""
        ...

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write the numbers of texts to ``out``, shape (n, len(names))."""
        ...

    def scale(self, rows: Floats) -> Scale:
        """Return the scale on which a network learns best from these numbers."""
        ...


def is_text(column: pd.Series) -> bool:
    """Say whether a column is free text: of many values, three words or more on average, no dates.

    >>> is_text(pd.Series([f"it broke on day {day}" for day in range(50)]))
    True
    """
    if not (types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)):
        return False
    values = column.dropna()
    if values.nunique() < max(DIFFERENT, SHARE * len(values)):
        return False
    some = values.iloc[:: max(1, len(values) // SAMPLE)].astype(str)
    if np.mean([len(text.split()) for text in some]) < WORDS:
        return False
    try:
        ToDatetime().fit_transform(some.reset_index(drop=True))
    except ValueError:  # no dates
        return True
    return False


def words_width(rows: int, columns: int = 1) -> int:
    """Return how many words get a number, so that those of all columns fit into 1 GiB.

    0 where they would be too few to tell much.
    """
    width = min(MOST, BYTES // (4 * max(1, rows) * max(1, columns)))
    return width if width >= FEWEST else 0


@dataclass(eq=False)
class Words:
    """How much a text speaks of each word and pair of words: TF-IDF with the logarithm of counts.

    Args:
        vectorizer: Fitted.
    """

    vectorizer: Any

    @property
    def names(self) -> list[str]:
        """The words and pairs."""
        return [str(name) for name in self.vectorizer.get_feature_names_out()]

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write numbers from 0 to 1 to ``out``, shape (n, words)."""
        for start in range(0, len(texts), ROWS):
            part = slice(start, start + ROWS)
            out[part] = self.vectorizer.transform(texts[part]).toarray()

    def scale(self, rows: Floats) -> Scale:
        """Return the scale of largest number 1: a deviation of 1 would make rare words loud."""
        return largest_is_one(rows)


def learn_words(texts: Sequence[str], width: int) -> Words | None:
    """Learn the commonest words and pairs that two texts or more hold; None where there are none.

    >>> learn_words(["a good film", "good film", "bad"], 10).names
    ['film', 'good', 'good film']
    """
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=width, dtype=np.float32
    )
    try:
        return Words(vectorizer.fit(texts))
    except ValueError:  # no word is left
        return None


@dataclass(eq=False)
class Embedding:
    """The mean of a language model's last layer over the words of a text, at length 1.

    Only the place of the model is kept: it is loaded for each use.

    Args:
        folder: Of a transformers or sentence-transformers model.
        width: Numbers a text.
    """

    folder: Path
    width: int

    @property
    def names(self) -> list[str]:
        """Their places."""
        return [str(place) for place in range(self.width)]

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write numbers to ``out``, shape (n, width); texts of like length go together."""
        tokenizer, model = _load(self.folder)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(texts), BATCH):
            batch = order[start : start + BATCH]
            tokens = tokenizer(
                [texts[place] for place in batch],
                padding=True,
                truncation=True,
                max_length=TOKENS,
                return_tensors="pt",
            )
            out[batch] = _mean_state(model, tokens)

    def scale(self, rows: Floats) -> Scale:
        """Return the scale of mean 0 and deviation 1."""
        return standard(rows)


def embedding(folder: Path) -> Embedding:
    """Return the reader of a local model.

    Raises:
        ModuleNotFoundError: Without transformers.
        FileNotFoundError: When there is no such folder.
        ValueError: When it holds no model.
    """
    _, model = _load(folder)
    return Embedding(folder, int(model.config.hidden_size))


def _load(folder: Path) -> tuple[Any, Any]:
    """Load the tokenizer and the model, from this machine only."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"--text-model expects the folder of a transformers model; there is no {folder}."
        )
    try:
        from transformers import AutoModel, AutoTokenizer
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"--text-model needs {missing.name}, which is not installed: pip install transformers",
            name=missing.name,
        ) from missing
    place = str(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
        model = AutoModel.from_pretrained(place, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        said = str(error).strip().splitlines()[0]
        raise ValueError(f"--text-model {folder} holds no transformers model: {said}") from error
    return tokenizer, model.eval()


@torch.no_grad()
def _mean_state(model: Any, tokens: Any) -> Floats:
    """Return the mean of the last layer over the tokens of each text, at length 1."""
    states, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
    mean = (states * mask).sum(1) / mask.sum(1)
    return np.asarray(torch.nn.functional.normalize(mean, dim=1).float().numpy(), np.float32)
