"""Labels made wrong on purpose, so that what a run finds can be checked."""

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require


def symmetric(
    labels: NDArray[np.int64], share: float, n_classes: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Move a share of the labels to one of the other classes, each as likely.

    Args:
        labels: Classes from 0 to ``n_classes - 1``, int64, shape (n,).
        share: Exactly ``round(share * n)`` labels change; in [0, 1].
        n_classes: 2 or more.
        seed: Which labels change, and to what.

    Returns:
        A copy, shape (n,).

    Raises:
        ValueError: For a share outside [0, 1], fewer than 2 classes or labels that are none.

    >>> int((symmetric(np.zeros(10, np.int64), 0.4, n_classes=3) != 0).sum())
    4
    """
    random, chosen = _choose(labels, share, n_classes, seed)
    shift = random.integers(1, n_classes, size=len(chosen))
    return _moved(labels, chosen, shift, n_classes)


def pair(
    labels: NDArray[np.int64], share: float, n_classes: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Move a share of the labels to the next class, the last class to the first.

    Arguments, result and errors are those of `symmetric`.

    >>> pair(np.array([0, 1, 2]), 1.0, n_classes=3)
    array([1, 2, 0])
    """
    _, chosen = _choose(labels, share, n_classes, seed)
    return _moved(labels, chosen, np.ones(len(chosen), np.int64), n_classes)


def _choose(
    labels: NDArray[np.int64], share: float, n_classes: int, seed: int
) -> tuple[np.random.Generator, NDArray[np.int64]]:
    """Return the generator and the places that change, after checking the arguments."""
    require(0 <= share <= 1, f"The share of wrong labels must be from 0 to 1; got {share}.")
    require(n_classes >= 2, f"Wrong labels need 2 classes or more; got {n_classes}.")
    strange = labels[(labels < 0) | (labels >= n_classes)]
    require(
        len(strange) == 0,
        f"Labels must be from 0 to {n_classes - 1}; got {strange[:3].tolist()}.",
    )
    random = np.random.default_rng(seed)
    return random, random.choice(len(labels), round(share * len(labels)), replace=False)


def _moved(
    labels: NDArray[np.int64],
    chosen: NDArray[np.int64],
    shift: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.int64]:
    """Return a copy with the chosen labels moved up by the shift, around the end."""
    moved = labels.copy()
    moved[chosen] = (moved[chosen] + shift) % n_classes
    return moved
