"""The known entries of a matrix, read from a sparse matrix, an array, or pairs with ratings."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfpaced._errors import require
from selfpaced.chain import Floats

Indices = NDArray[np.int64]

# The name of the estimator in error messages.
OWNER = "SelfPacedFactorisation"
# With about this many users or items per rating or more, the integers are taken for names, such as
# account numbers, and refused.
MAX_PER_RATING = 100


class Ratings(NamedTuple):
    """The n known entries of a matrix.

    Args:
        users: The row of each entry, int64, shape (n,).
        items: The column of each entry, int64, shape (n,).
        values: The rating of each entry, float64, shape (n,).
        shape: The number of users and of items.
    """

    users: Indices
    items: Indices
    values: Floats
    shape: tuple[int, int]


def read_ratings(X: Any, y: Any = None) -> Ratings:  # Any: the forms that fit takes
    """Return the known entries.

    Args:
        X: With y, pairs of user and item, integers from 0, shape (n, 2); the entries keep their
            order. Without y, a scipy sparse matrix or an array. The known entries of a sparse
            matrix are the stored ones, zeros included, with duplicates added up; those of an array
            are neither NaN nor masked. The entries of a matrix are in the order of its rows.
        y: Ratings of the pairs, shape (n,), or None.

    Raises:
        TypeError: For pairs that are not integers.
        ValueError: For other shapes, negative users or items, no entries, and ratings that are not
            finite.

    >>> read_ratings(np.array([[5.0, np.nan], [np.nan, 3.0]])).items
    array([0, 1])
    """
    found = _of_matrix(X) if y is None else _of_pairs(X, y)
    require(len(found.values) > 0, f"{OWNER}: there are no ratings. Give at least one.")
    bad = np.flatnonzero(~np.isfinite(found.values))
    require(
        not len(bad),
        f"{OWNER}: ratings must be finite numbers; {len(bad)} are not, the first is entry "
        f"{bad[:1].tolist()}. Leave out unknown ratings.",
    )
    return found


def read_indices(indices: Any, what: str) -> Indices:  # Any: what NumPy reads
    """Return users or items as int64, or raise unless they are integers from 0."""
    found = np.asarray(indices)
    if found.dtype.kind not in "iu" and found.size:
        raise TypeError(
            f"{OWNER}: {what} must be integers from 0; got {found.dtype}. "
            f"np.unique(names, return_inverse=True)[1] numbers names."
        )
    require(
        not found.size or int(found.min()) >= 0,
        f"{OWNER}: {what} must be integers from 0; got {found.min(initial=0)}.",
    )
    return found.astype(np.int64)


def _of_pairs(X: Any, y: Any) -> Ratings:
    """Return the entries of pairs of user and item with their ratings."""
    pairs, values = np.asarray(X), np.asarray(y, dtype=np.float64)
    require(
        pairs.ndim == 2 and pairs.shape[1] == 2 and values.shape == (len(pairs),),
        f"{OWNER} needs pairs of user and item, shape (n, 2), with n ratings; got shapes "
        f"{pairs.shape} and {values.shape}. np.column_stack([users, items]) makes pairs.",
    )
    users, items = read_indices(pairs[:, 0], "users"), read_indices(pairs[:, 1], "items")
    most = max(_count(users), _count(items))
    require(
        most <= MAX_PER_RATING * (len(values) + MAX_PER_RATING),
        f"{OWNER}: users and items must be numbered from 0 without large gaps; got {len(values)} "
        f"ratings and numbers up to {most - 1}. np.unique(names, return_inverse=True)[1] numbers "
        f"names without gaps.",
    )
    return Ratings(users, items, values, (_count(users), _count(items)))


def _of_matrix(X: Any) -> Ratings:
    """Return the known entries of a sparse matrix, or of an array with NaN or a mask."""
    if sparse.issparse(X):
        rows = X.tocsr(copy=True)
        rows.sum_duplicates()
        stored = rows.tocoo()
        users, items = stored.row.astype(np.int64), stored.col.astype(np.int64)
        return Ratings(users, items, stored.data.astype(np.float64), stored.shape)
    known = ~np.ma.getmaskarray(X) if isinstance(X, np.ma.MaskedArray) else True
    matrix = np.where(known, np.asarray(X, dtype=np.float64), np.nan)
    require(
        matrix.ndim == 2,
        f"{OWNER} needs a matrix of users times items, NaN for unknown ratings, or pairs with "
        f"their ratings, fit(pairs, ratings); got shape {matrix.shape}.",
    )
    users, items = np.nonzero(~np.isnan(matrix))
    return Ratings(users, items, matrix[users, items], matrix.shape)


def _count(indices: Indices) -> int:
    """Return the number of users or items, which is one more than the largest index."""
    return int(indices.max(initial=-1)) + 1
