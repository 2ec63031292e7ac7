"""Make labels wrong on purpose, so that the suspects of a run can be checked."""

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require


def symmetric(
    labels: NDArray[np.int64], share: float, n_classes: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Change a share of the labels to another class; all other classes are equally likely.

    Args:
        labels: Classes from 0 to ``n_classes - 1``, int64, shape (n,).
        share: The share of the labels to change, in [0, 1]: exactly ``round(share * n)`` labels.
        n_classes: Number of classes, 2 or more.
        seed: Seed of the choice of labels and of their new classes.

    Returns:
        A changed copy, shape (n,).

    Raises:
        ValueError: For a share outside [0, 1], fewer than 2 classes, and labels out of range.

    >>> int((symmetric(np.zeros(10, np.int64), 0.4, n_classes=3) != 0).sum())
    4
    """
    random, chosen = _choose(labels, share, n_classes, seed)
    shift = random.integers(1, n_classes, size=len(chosen))
    return _moved(labels, chosen, shift, n_classes)


def pair(
    labels: NDArray[np.int64], share: float, n_classes: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Change a share of the labels to the next class, and those of the last class to the first.

    Arguments, result and errors are those of `symmetric`.

    >>> pair(np.array([0, 1, 2]), 1.0, n_classes=3)
    array([1, 2, 0])
    """
    _, chosen = _choose(labels, share, n_classes, seed)
    return _moved(labels, chosen, np.ones(len(chosen), np.int64), n_classes)


def _choose(
    labels: NDArray[np.int64], share: float, n_classes: int, seed: int
) -> tuple[np.random.Generator, NDArray[np.int64]]:
    """Check the arguments; return the generator and the indices of the labels to change."""
    require(0 <= share <= 1, f"The share of wrong labels must be from 0 to 1; got {share}.")
    require(n_classes >= 2, f"Wrong labels need 2 classes or more; got {n_classes}.")
    outside = labels[(labels < 0) | (labels >= n_classes)]
    require(
        len(outside) == 0,
        f"Labels must be from 0 to {n_classes - 1}; got {outside[:3].tolist()}.",
    )
    random = np.random.default_rng(seed)
    return random, random.choice(len(labels), round(share * len(labels)), replace=False)


def _moved(
    labels: NDArray[np.int64],
    chosen: NDArray[np.int64],
    shift: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.int64]:
    """Return a copy in which the shift is added to the chosen labels, modulo ``n_classes``."""
    moved = labels.copy()
    moved[chosen] = (moved[chosen] + shift) % n_classes
    return moved
