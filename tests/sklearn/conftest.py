"""The data that several test files fit to."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
Spoil = Callable[..., tuple[Any, ...]]


@pytest.fixture(scope="session")
def blobs() -> Rows:
    """Two read-only blobs of 100 rows; the labels of rows 3 and 150 are wrong."""
    y = np.repeat([0, 1], 100)
    X = np.random.default_rng(0).normal(size=(200, 2)) + 4 * y[:, None]
    y[[3, 150]] = 1 - y[[3, 150]]
    for array in (X, y):
        array.setflags(write=False)
    return X, y


@pytest.fixture(scope="session")
def spoilt() -> Spoil:
    """Return a function that loads a dataset and makes a share of its training labels wrong."""

    def spoil(load: Any, share: float, seed: int = 0) -> tuple[Any, ...]:
        """Return training rows, their labels, a mask of wrong ones, test rows and their labels."""
        X, y = load(return_X_y=True)
        X = StandardScaler().fit_transform(X)
        train, test, right, truth = train_test_split(
            X, y, test_size=0.4, random_state=seed, stratify=y
        )
        random = np.random.default_rng(seed)
        wrong = random.random(len(right)) < share
        other = (right + random.integers(1, y.max() + 1, len(right))) % (y.max() + 1)
        return train, np.where(wrong, other, right), wrong, test, truth

    return spoil
