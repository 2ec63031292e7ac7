"""Free text as features: by its words, and by short runs of its letters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from selfpaced.audit._features.text import SAMPLE, Read, unspaced

# The largest number of different words and pairs of words, and of runs of letters, that are
# counted.
MOST_WORDS = 20_000
# Below this number of texts, words of a single text are counted as well.
FEW_TEXTS = 1_000
# The shortest and the longest run of letters that is counted.
RUNS = (2, 5)
# From this share of letters of scripts without blanks on, runs of letters are counted as words.
MOST_UNSPACED = 0.3
# The lengths of these runs.
CHARACTERS = (1, 3)
# The largest number of dense features that the words of a text become.
MOST_FEATURES = 100


@dataclass(eq=False)
class Words:
    """TF-IDF of words and pairs of words, also reduced to few features; and of letters.

    Args:
        vectorizer: The fitted TF-IDF of words and pairs of words.
        letters: The fitted TF-IDF of runs of letters within a word.
        decomposition: The fitted SVD of the words; it keeps the directions in which texts differ
            most.

    References:
        Deerwester et al., *Indexing by Latent Semantic Analysis*, 1990.
    """

    vectorizer: TfidfVectorizer
    letters: TfidfVectorizer
    decomposition: TruncatedSVD
    keeps_proportions = True

    @property
    def names(self) -> list[str]:
        """The names of the dense features: their positions, from 0."""
        return [str(place) for place in range(len(self.decomposition.components_))]

    def read(self, texts: Sequence[str]) -> Read:
        """Return the features of n texts."""
        words = self.vectorizer.transform(texts)
        return Read(self._reduced(words), words, self.letters.transform(texts))

    def _reduced(self, words: object) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """Return the dense features, float32, shape (n, len(names))."""
        with threadpool_limits(1):  # the same bits with any number of threads
            return np.asarray(self.decomposition.transform(words), np.float32)


def learn_words(texts: Sequence[str]) -> tuple[Words, Read] | None:
    """Learn the words and letters of texts, and read the texts; None if texts share no words.

    >>> learned = learn_words(["a good film", "good film", "bad film", "bad"])
    >>> learned[1].dense.shape
    (4, 4)
    """
    words_of = _analyzer(texts)
    if not _share_words(texts, words_of):
        return None
    least = 1 if len(texts) < FEW_TEXTS else 2
    vectorizer, letters = (
        TfidfVectorizer(
            sublinear_tf=True,
            analyzer=analyzer,
            ngram_range=lengths,
            min_df=least if analyzer == words_of[0] else 2,
            max_features=MOST_WORDS,
            dtype=np.float32,
        )
        for analyzer, lengths in (words_of, ("char_wb", RUNS))
    )
    counts = vectorizer.fit_transform(texts)
    width = min(MOST_FEATURES, *counts.shape)
    svd = TruncatedSVD(width, random_state=0)
    words = Words(vectorizer, letters, svd)
    with threadpool_limits(1):  # as above
        dense = np.asarray(svd.fit_transform(counts), np.float32)
    return words, Read(dense, counts, letters.fit_transform(texts))


def _analyzer(texts: Sequence[str]) -> tuple[str, tuple[int, int]]:
    """Return what is counted as words, and how many of them in a row.

    These are words; in scripts that are written without blanks, runs of one to three letters.
    """
    some = texts[:: max(1, len(texts) // SAMPLE)]
    share = sum(map(unspaced, some)) / max(sum(map(len, some)), 1)
    return ("char", CHARACTERS) if share > MOST_UNSPACED else ("word", (1, 2))


def _share_words(texts: Sequence[str], words_of: tuple[str, tuple[int, int]]) -> bool:
    """Return whether a word is in two texts."""
    try:
        TfidfVectorizer(analyzer=words_of[0], min_df=2, max_features=1).fit(texts)
    except ValueError:
        return False
    return True
