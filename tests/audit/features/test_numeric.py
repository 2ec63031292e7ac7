"""Claims about gaps in numbers."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from selfpaced.audit._features.numeric import learn_gaps, standard, together


@pytest.mark.parametrize("n", [1, 6, 7, 1_000])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_gaps_are_filled_as_scikit_learn_fills_them(n: int, share: float) -> None:
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, 5)) * 10.0 ** rng.integers(-8, 8, 5)
    rows[rng.random(rows.shape) < share] = np.nan
    rows[:, 2] = np.nan
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    gaps, other = learn_gaps(rows), np.where(rng.random(rows.shape) < 0.5, np.nan, 1.0)
    np.testing.assert_array_equal(gaps.fill(rows), imputer.fit_transform(rows))
    np.testing.assert_array_equal(gaps.fill(other), imputer.transform(other))
    np.testing.assert_array_equal(gaps.marked, imputer.indicator_.features_)


def test_columns_that_are_scaled_together_keep_their_proportions() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 70)) * np.linspace(0.1, 5, 70) + 3
    out, each = np.empty(rows.shape, np.float32), np.empty(rows.shape, np.float32)
    together(rows).apply(rows, out)
    standard(rows).apply(rows, each)
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0), rows.std(0) / rows.std(0).max(), rtol=1e-4)
    np.testing.assert_allclose(each.std(0), 1, rtol=1e-4)
    same = np.full((3, 2), 7.0)
    together(same).apply(same, out[:3, :2])
    assert not out[:3, :2].any()


@pytest.mark.parametrize("value", [4.6658935609093315e108, -1e300, 0.1])
def test_equal_numbers_become_zero_however_large_they_are(value: float) -> None:
    rows, out = np.full((3, 1), value), np.empty((3, 1), np.float32)
    standard(rows).apply(rows, out)
    assert out.tolist() == [[0.0]] * 3
