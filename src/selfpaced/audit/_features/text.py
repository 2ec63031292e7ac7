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
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from skrub import ToDatetime

Floats = NDArray[np.float32]

DIFFERENT, LENGTH, SAMPLE = 40, 3, 1_000  # texts, words of one on average, texts looked at
WORDS, WIDTH = 5_000, 300  # words and pairs that count; numbers of a text
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
    if np.mean([len(text.split()) for text in some]) < LENGTH:
        return False
    try:
        ToDatetime().fit_transform(some.reset_index(drop=True))
    except ValueError:  # no dates
        return True
    return False


@dataclass(eq=False)
class Words:
    """What a text speaks of: TF-IDF of words and pairs, brought to few numbers.

    Latent semantic analysis (Deerwester et al., *Indexing by Latent Semantic Analysis*, 1990).

    Args:
        vectorizer: Fitted; counts.
        decomposition: Fitted; keeps the directions in which texts differ most.
    """

    vectorizer: TfidfVectorizer
    decomposition: TruncatedSVD

    @property
    def names(self) -> list[str]:
        """Their places."""
        return [str(place) for place in range(len(self.decomposition.components_))]

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write numbers to ``out``, shape (n, len(names))."""
        for start in range(0, len(texts), ROWS):
            part = slice(start, start + ROWS)
            out[part] = self.decomposition.transform(self.vectorizer.transform(texts[part]))


def learn_words(texts: Sequence[str]) -> Words | None:
    """Learn what texts speak of; None when they share no words.

    >>> len(learn_words(["a good film", "good film", "bad film", "bad"]).names)
    4
    """
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=WORDS, dtype=np.float32
    )
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # no word is left
        return None
    width = min(WIDTH, *counts.shape)
    return Words(vectorizer, TruncatedSVD(width, random_state=0).fit(counts))


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


def embedding(folder: Path) -> Embedding:
    """Return the reader of a local model.

    Raises:
        ModuleNotFoundError: Without transformers.
        FileNotFoundError: When there is no such folder.
        ValueError: When it holds no model.
    """
    _, model = _load(folder)
    return Embedding(folder, int(model.config.hidden_size))


def require_folder(folder: Path) -> None:
    """Raise unless the folder of a model is there."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"--text-model expects the folder of a transformers model; there is no {folder}."
        )


def _load(folder: Path) -> tuple[Any, Any]:
    """Load the tokenizer and the model, from this machine only."""
    require_folder(folder)
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
