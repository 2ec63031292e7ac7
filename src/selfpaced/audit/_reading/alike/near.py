"""Samples that are nearly equal: texts but for case, signs or a few words, and copies of images."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from selfpaced.audit._reading.words import UNSPACED, UNSPACED_LETTER

# The least share of runs of words that two texts have in common (Jaccard's index), and the length
# of a run.
LEAST_COMMON, RUN = 0.8, 3
# Runs of words in more texts than this are boilerplate.
MOST_TEXTS = 100
# With more letters than this, only equal texts are found.
MOST_LETTERS = 20_000_000
# A column is text if its values have this many words in the mean, of a sample of this size.
LEAST_WORDS, SAMPLE = 3.0, 1_000
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")  # a letter of a script without blanks, too
# The least correlation of the pixels of two images, after they are reduced to this width.
LEAST_ALIKE, WIDTH = 0.999, 16
# With more images than this, only equal ones are found.
MOST_IMAGES = 20_000
# The number of images that are compared with all others at a time.
BATCH = 1_000


def nearly_equal(
    features: pd.DataFrame | NDArray[Any], hashes: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return a number for each sample, equal for samples that are equal or nearly so, shape (n,).

    Args:
        features: A table: two rows are nearly equal if their texts are, and all other columns are
            equal. Or images, uint8, shape (n, channels, height, width). Other arrays are compared
            by their hashes only.
        hashes: The hash of each sample, shape (n,).

    >>> table = pd.DataFrame({"a": ["The app is slow.", "the app is slow", "The app is new"]})
    >>> nearly_equal(table, np.arange(3, dtype=np.uint64)).tolist()
    [0, 0, 1]
    """
    exact = pd.factorize(hashes)[0]
    first = np.unique(exact, return_index=True)[1]
    joined = None
    if isinstance(features, pd.DataFrame):
        joined = _texts(features.iloc[first])
    elif features.ndim == 4 and features.dtype == np.uint8 and len(first) <= MOST_IMAGES:
        joined = _images(features[first])
    if joined is None:
        return exact.astype(np.int64)
    return np.asarray(pd.factorize(joined[exact])[0], np.int64)


def _texts(frame: pd.DataFrame) -> NDArray[np.int64] | None:
    """Return a number for each row, equal for rows with nearly equal texts; None without texts."""
    kinds = frame.dtypes.items()
    words = [name for name, kind in kinds if not types.is_numeric_dtype(kind)]
    texts = [name for name in words if _has_words(frame[name])]
    if not texts or sum(int(frame[name].str.len().sum()) for name in texts) > MOST_LETTERS:
        return None
    columns = [_words(frame[name]) for name in texts]
    rows = [[*chain.from_iterable(parts)] for parts in zip(*columns, strict=True)]
    rest, others = frame.drop(columns=texts), np.zeros(len(frame), np.int64)
    if rest.shape[1]:
        others = pd.factorize(pd.util.hash_pandas_object(rest, index=False))[0]
    same = pd.factorize(pd.Series([*zip(map(tuple, rows), others.tolist(), strict=True)]))[0]
    first = np.unique(same, return_index=True)[1]
    links = _alike([rows[place] for place in first], others[first])
    return np.asarray(connected_components(links, directed=False)[1][same], np.int64)


def _has_words(column: pd.Series) -> bool:
    """Say whether the values of a column have several words in the mean, of a sample of them."""
    if not (types.is_string_dtype(column.dtype) or types.is_object_dtype(column.dtype)):
        return False
    given = column.dropna()
    sample = [str(text) for text in given.iloc[:: max(1, len(given) // SAMPLE)]]
    words = sum(max(len(text.split()), len(UNSPACED_LETTER.findall(text))) for text in sample)
    return bool(sample) and words >= LEAST_WORDS * len(sample)


def _words(column: pd.Series) -> list[list[str]]:
    """Return the words of each text; of one with fewer than three, all that is not blank."""
    lower = column.fillna("").astype(str).str.casefold().tolist()
    found = [WORD.findall(text) for text in lower]
    return [
        words if len(words) >= RUN else text.split()
        for words, text in zip(found, lower, strict=True)
    ]


def _alike(rows: list[list[str]], others: NDArray[np.int64]) -> sparse.csr_array:
    """Return links between texts with most runs of words in common, and equal other columns."""
    runs = [[" ".join(row[at : at + RUN]) for at in range(len(row) - RUN + 1)] for row in rows]
    own = [list(dict.fromkeys(row)) for row in runs]
    sizes = np.array([len(row) for row in own])
    codes = pd.factorize(np.array([run for row in own for run in row], object))[0]
    row = np.repeat(np.arange(len(rows)), sizes)
    counts = np.bincount(codes, minlength=1)[codes]
    kept = (counts > 1) & (counts <= MOST_TEXTS)
    shape = (len(rows), int(codes.max(initial=0)) + 1)
    common = sparse.csr_array((np.ones(kept.sum()), (row[kept], codes[kept])), shape=shape)
    both = (common @ common.T).tocoo()
    share = both.data / (sizes[both.row] + sizes[both.col] - both.data)
    near = (share >= LEAST_COMMON) & (others[both.row] == others[both.col])
    links = (np.ones(near.sum()), (both.row[near], both.col[near]))
    return sparse.csr_array(links, shape=(len(rows),) * 2)


def _images(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return a number for each image, equal for those whose reduced pixels are nearly equal."""
    small = _reduced(images)
    small -= small.mean(1, keepdims=True)
    length = np.linalg.norm(small, axis=1, keepdims=True)
    small /= np.where(length > 0, length, 1.0)
    first = np.concatenate([*_firsts(small)])
    n = len(images)
    links = sparse.csr_array((np.ones(n), (np.arange(n), first)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _firsts(small: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
    """Yield the position of the first image that each is like; a blank one is like itself."""
    for start in range(0, len(small), BATCH):
        alike = small[start : start + BATCH] @ small.T >= LEAST_ALIKE
        places = np.arange(start, start + len(alike))
        alike[np.arange(len(alike)), places] = True
        yield alike.argmax(1)


def _reduced(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images of at most 16 x 16 pixels, flat: means of blocks of pixels."""
    n, channels, height, width = images.shape
    down, right = max(1, height // WIDTH), max(1, width // WIDTH)
    rows, columns = height // down, width // right
    cut = images[:, :, : rows * down, : columns * right]
    blocks = cut.reshape(n, channels, rows, down, columns, right)
    return np.asarray(blocks.mean((3, 5), dtype=np.float32).reshape(n, -1))
