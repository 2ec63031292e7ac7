"""Claims about folds."""

from typing import Any

import numpy as np
import pytest

from selfpaced.audit._learning.folds import folds_for, require_folds, spread


@pytest.mark.parametrize("folds", [2, 3, 5])
@pytest.mark.parametrize("sizes", [[40, 41, 42], [1, 1, 1, 90], [3]], ids=str)
def test_labels_and_rows_are_spread_evenly(sizes: list[int], folds: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    fold = spread(labels, folds, seed=4)
    assert fold.dtype == np.int64 and fold.shape == labels.shape
    for group in [fold, *(fold[labels == label] for label in range(len(sizes)))]:
        counts = np.bincount(group, minlength=folds)
        assert len(counts) == folds and counts.max() - counts.min() <= 1


def test_the_seed_decides_the_folds() -> None:
    labels = np.arange(100) % 3
    assert (spread(labels, 5, seed=1) == spread(labels, 5, seed=1)).all()
    assert (spread(labels, 5, seed=1) != spread(labels, 5, seed=2)).any()
    assert (spread(labels, 5, seed=2**63 - 1) < 5).all()


def test_rows_that_follow_each_other_are_in_folds_by_chance() -> None:
    fold = spread(np.zeros(3000), 3, seed=0)
    assert abs((fold[1:] == fold[:-1]).mean() - 1 / 3) < 0.03


def test_numbers_are_spread_over_the_folds_from_low_to_high() -> None:
    numbers = np.random.default_rng(0).normal(size=100)
    fold = spread(numbers, 5, seed=0)
    in_order = fold[np.argsort(numbers)].reshape(20, 5)
    assert (np.sort(in_order, axis=1) == np.arange(5)).all()


@pytest.mark.parametrize(
    ("rows", "network", "folds"),
    [
        (1, False, 5),
        (2_000, False, 5),
        (2_001, False, 4),
        (20_000, False, 4),
        (20_001, False, 3),
        (20_000, True, 3),
        (20_001, True, 2),
        (10**6, False, 3),
    ],
)
def test_more_rows_have_fewer_folds(rows: int, network: bool, folds: int) -> None:
    assert folds_for(rows, network=network) == folds


@pytest.mark.parametrize("folds", [1, -1, -2, 2.0, True, None])
def test_other_numbers_of_folds_are_refused(folds: Any) -> None:
    said = r"^audit: folds must be 2 or more, or 0 to judge labels by models that learned them; got"
    with pytest.raises(ValueError, match=rf"{said} {folds}\."):
        require_folds(folds)


@pytest.mark.parametrize("folds", [0, 2, 3, 10])
def test_0_and_2_or_more_folds_are_allowed(folds: int) -> None:
    require_folds(folds)
