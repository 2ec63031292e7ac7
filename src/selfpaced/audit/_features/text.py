"""Free text as features: by its words, or by the embedding of a language model."""

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

# The smallest number of different values of a column of free text.
LEAST_VALUES = 40
# The smallest share of different values among the values of such a column.
LEAST_SHARE = 0.1
# The smallest number of words of a free text, on average.
LEAST_WORDS = 3
# About the number of values whose words are counted.
SAMPLE = 1_000
# The largest number of different words and pairs of words that are counted.
MOST_WORDS = 5_000
# The largest number of features that the words of a text become.
MOST_FEATURES = 300
# The number of texts whose words are counted at a time.
ROWS = 4_096
# The number of texts that a language model reads at a time.
BATCH = 32
# The number of tokens after which a language model cuts off a text.
MOST_TOKENS = 256


class Reader(Protocol):
    """Turns texts into features."""

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        ...

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write the features of n texts to ``out``, shape (n, len(names))."""
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
    if np.mean([len(text.split()) for text in some]) < LEAST_WORDS:
        return False
    try:
        ToDatetime().fit_transform(some.reset_index(drop=True))
    except ValueError:  # not dates
        return True
    return False


@dataclass(eq=False)
class Words:
    """Latent semantic analysis: TF-IDF of words and pairs of words, reduced to few features.

    Args:
        vectorizer: The fitted TF-IDF.
        decomposition: The fitted SVD; it keeps the directions in which texts differ most.

    References:
        Deerwester et al., *Indexing by Latent Semantic Analysis*, 1990.
    """

    vectorizer: TfidfVectorizer
    decomposition: TruncatedSVD

    @property
    def names(self) -> list[str]:
        """The names of the features: their positions, from 0."""
        return [str(place) for place in range(len(self.decomposition.components_))]

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write the features of n texts to ``out``, shape (n, len(names))."""
        for start in range(0, len(texts), ROWS):
            part = slice(start, start + ROWS)
            out[part] = self.decomposition.transform(self.vectorizer.transform(texts[part]))


def learn_words(texts: Sequence[str]) -> Words | None:
    """Learn the words of texts and their directions; None if texts share no words.

    >>> len(learn_words(["a good film", "good film", "bad film", "bad"]).names)
    4
    """
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=MOST_WORDS, dtype=np.float32
    )
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # no word is in two texts
        return None
    width = min(MOST_FEATURES, *counts.shape)
    return Words(vectorizer, TruncatedSVD(width, random_state=0).fit(counts))


@dataclass(eq=False)
class Embedding:
    """The mean of a language model's last layer over the tokens of a text, scaled to length 1.

    Only the folder of the model is stored; the model is loaded for each call of ``write``.

    Args:
        folder: The folder of a transformers or sentence-transformers model.
        width: The number of features per text.
    """

    folder: Path
    width: int

    @property
    def names(self) -> list[str]:
        """The names of the features: their positions, from 0."""
        return [str(place) for place in range(self.width)]

    def write(self, texts: Sequence[str], out: Floats) -> None:
        """Write the features of n texts to ``out``, shape (n, width).

        Texts of similar length are in one batch, so that little is padded.
        """
        tokenizer, model = _load(self.folder)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(texts), BATCH):
            batch = order[start : start + BATCH]
            tokens = tokenizer(
                [texts[place] for place in batch],
                padding=True,
                truncation=True,
                max_length=MOST_TOKENS,
                return_tensors="pt",
            )
            out[batch] = _mean_state(model, tokens)


def embedding(folder: Path) -> Embedding:
    """Return the reader of text by a local model.

    Raises:
        ModuleNotFoundError: If transformers is not installed.
        FileNotFoundError: If the folder does not exist.
        ValueError: If the folder has no model.
    """
    _, model = _load(folder)
    return Embedding(folder, int(model.config.hidden_size))


def require_folder(folder: Path) -> None:
    """Raise unless the folder of a model exists."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"text_model=... expects the folder of a transformers model; there is no folder "
            f"{folder}."
        )


def _load(folder: Path) -> tuple[Any, Any]:
    """Load the tokenizer and the model from the folder; nothing is downloaded."""
    require_folder(folder)
    try:
        from transformers import AutoModel, AutoTokenizer
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"text_model=... needs {missing.name}, which is not installed: "
            f"pip install transformers",
            name=missing.name,
        ) from missing
    place = str(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
        model = AutoModel.from_pretrained(place, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        said = str(error).strip().splitlines()[0]
        raise ValueError(f"text_model={place!r} has no transformers model: {said}") from error
    return tokenizer, model.eval()


@torch.no_grad()
def _mean_state(model: Any, tokens: Any) -> Floats:
    """Return the mean of the last layer over the tokens of each text, scaled to length 1."""
    states, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
    mean = (states * mask).sum(1) / mask.sum(1)
    return np.asarray(torch.nn.functional.normalize(mean, dim=1).float().numpy(), np.float32)
