"""Claims about labels that are made wrong on purpose."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from selfpaced._demo import noise

Labels = NDArray[np.int64]
LABELS = np.arange(1000, dtype=np.int64) % 10
KINDS: list[Callable[..., Labels]] = [noise.symmetric, noise.pair]
both = pytest.mark.parametrize("make", KINDS, ids=["symmetric", "pair"])


@given(share=st.floats(0, 1), n=st.integers(0, 50), seed=st.integers(0, 100))
def test_exactly_the_rounded_share_is_wrong(share: float, n: int, seed: int) -> None:
    for make in KINDS:
        assert (make(LABELS[:n], share, 10, seed=seed) != LABELS[:n]).sum() == round(share * n)


@both
def test_the_argument_does_not_change(make: Callable[..., Labels]) -> None:
    labels = LABELS.copy()
    make(labels, 0.5, 10)
    np.testing.assert_array_equal(labels, LABELS)


@both
def test_the_seed_decides(make: Callable[..., Labels]) -> None:
    first, again, other = (make(LABELS, 0.3, 10, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_symmetric_goes_to_each_other_class_about_as_often() -> None:
    wrong = noise.symmetric(np.zeros(9000, np.int64), 1.0, 10)
    counts = np.bincount(wrong, minlength=10)
    assert counts[0] == 0
    assert (abs(counts[1:] - 1000) < 5 * np.sqrt(1000)).all()


def test_pair_goes_to_the_next_class_and_from_the_last_to_the_first() -> None:
    wrong = noise.pair(LABELS, 0.4, 10)
    moved = wrong != LABELS
    np.testing.assert_array_equal(wrong[moved], (LABELS[moved] + 1) % 10)


@both
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(make: Callable[..., Labels], share: float) -> None:
    with pytest.raises(ValueError, match=f"must be from 0 to 1; got {share}"):
        make(LABELS, share, 10)


@both
def test_one_class_is_refused(make: Callable[..., Labels]) -> None:
    with pytest.raises(ValueError, match="2 classes or more; got 1"):
        make(np.zeros(3, np.int64), 0.5, 1)


@both
def test_labels_out_of_range_are_refused(make: Callable[..., Labels]) -> None:
    with pytest.raises(ValueError, match=r"Labels must be from 0 to 4; got \[5, 6, 7\]"):
        make(LABELS, 0.5, 5)
