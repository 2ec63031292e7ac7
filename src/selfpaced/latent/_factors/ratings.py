"""Entries of a matrix of which most are missing, from whatever holds them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfpaced._errors import require
from selfpaced.chain import Floats

Places = NDArray[np.int64]

OWNER = "SelfPacedFactorisation"
SPARSE = 100  # more numbers a rating than this are names, such as those of accounts


class Ratings(NamedTuple):
    """The n known entries of a matrix.

    Args:
        users: Row of each, int64, shape (n,).
        items: Column of each, int64, shape (n,).
        values: What stands there, float64, shape (n,).
        shape: How many users and items there are.
    """

    users: Places
    items: Places
    values: Floats
    shape: tuple[int, int]


def read_ratings(X: Any, y: Any = None) -> Ratings:  # what a user passes to fit
    """Return the known entries.

    Args:
        X: With y, pairs of user and item, integers from 0, shape (n, 2), in which order the entries
            stay. Else a scipy sparse matrix, whose stored entries are the known ones, zeros
            included, duplicates added; or an array with NaN, or a mask, where nothing is known.
            The entries of a matrix come row by row.
        y: Ratings, shape (n,), or None.

    Raises:
        TypeError: For pairs that are no integers.
        ValueError: For other shapes, negative places, no entries, and ratings that are not finite.

    >>> read_ratings(np.array([[5.0, np.nan], [np.nan, 3.0]])).items
    array([0, 1])
    """
    found = _of_matrix(X) if y is None else _of_pairs(X, y)
    require(len(found.values) > 0, f"{OWNER}: there are no ratings. Give at least one.")
    bad = np.flatnonzero(~np.isfinite(found.values))
    require(
        not len(bad),
        f"{OWNER}: ratings must be finite numbers; {len(bad)} are not, the first is entry "
        f"{bad[:1].tolist()}. Leave out what is not known.",
    )
    return found


def read_places(places: Any, what: str) -> Places:  # what a user passes
    """Return users or items as int64, or raise unless they are places from 0."""
    found = np.asarray(places)
    if found.dtype.kind not in "iu" and found.size:
        raise TypeError(
            f"{OWNER}: {what} must be integers from 0; got {found.dtype}. "
            f"np.unique(names, return_inverse=True)[1] numbers them."
        )
    require(
        not found.size or int(found.min()) >= 0,
        f"{OWNER}: {what} must be integers from 0; got {found.min(initial=0)}.",
    )
    return found.astype(np.int64)


def _of_pairs(X: Any, y: Any) -> Ratings:
    pairs, values = np.asarray(X), np.asarray(y, dtype=np.float64)
    require(
        pairs.ndim == 2 and pairs.shape[1] == 2 and values.shape == (len(pairs),),
        f"{OWNER} needs pairs of user and item, shape (n, 2), with n ratings; got shapes "
        f"{pairs.shape} and {values.shape}. np.column_stack([users, items]) makes pairs.",
    )
    users, items = (read_places(pairs[:, at], name) for at, name in enumerate(("users", "items")))
    most = max(_count(users), _count(items))
    require(
        most <= SPARSE * (len(values) + SPARSE),
        f"{OWNER}: users and items are numbered from 0; got {len(values)} ratings and numbers up "
        f"to {most - 1}. np.unique(names, return_inverse=True)[1] numbers names without gaps.",
    )
    return Ratings(users, items, values, (_count(users), _count(items)))


def _of_matrix(X: Any) -> Ratings:
    if sparse.issparse(X):
        rows = X.tocsr(copy=True)
        rows.sum_duplicates()
        held = rows.tocoo()
        users, items = (np.asarray(at, dtype=np.int64) for at in (held.row, held.col))
        return Ratings(users, items, held.data.astype(np.float64), held.shape)
    known = ~np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else True
    matrix = np.where(known, np.asarray(X, dtype=np.float64), np.nan)
    require(
        matrix.ndim == 2,
        f"{OWNER} needs a matrix of users times items, NaN where nothing is known, or pairs with "
        f"their ratings, fit(pairs, ratings); got shape {matrix.shape}.",
    )
    users, items = np.nonzero(~np.isnan(matrix))
    return Ratings(users, items, matrix[users, items], matrix.shape)


def _count(places: Places) -> int:
    return int(places.max(initial=-1)) + 1
