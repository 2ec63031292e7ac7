"""Folds: which rows a learner leaves out, so that it can judge their labels."""

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require

# The default number of folds of estimators up to each number of rows; FEWEST above.
FOLDS = ((2_000, 5), (20_000, 4))
# The default number of folds of many rows, and of networks: each fold costs a training.
FEWEST = 3
# Above this number of rows a network has HALVES: two copies learn as much as one without folds.
LARGE = 20_000
# Two folds.
HALVES = 2


def folds_for(rows: int, *, network: bool = False) -> int:
    """Return the default number of folds for a number of rows.

    >>> folds_for(400), folds_for(5_000), folds_for(400, network=True)
    (5, 4, 3)
    """
    if network:
        return HALVES if rows > LARGE else FEWEST
    return next((folds for most, folds in FOLDS if rows <= most), FEWEST)


def require_folds(folds: int) -> None:
    """Raise for a number of folds that is not 0, or 2 or more."""
    require(
        type(folds) is int and (folds == 0 or folds >= HALVES),
        f"audit: folds must be 2 or more, or 0 to judge labels by models that learned them; got "
        f"{folds!r}.",
    )


def spread(labels: NDArray[np.generic], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row, drawn at random; each label is spread evenly over the folds.

    >>> np.bincount(spread(np.repeat([0, 1], 50), 5, seed=0)).tolist()
    [20, 20, 20, 20, 20]
    """
    drawn = np.random.default_rng(seed).permutation(len(labels))
    by_label = drawn[np.argsort(labels[drawn], kind="stable")]
    fold = np.empty(len(labels), np.int64)
    fold[by_label] = np.arange(len(labels)) % folds
    return fold
