"""A self-paced regressor: numbers far from what it says are left out."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge

from selfpaced.age import Deviations
from selfpaced.sklearn import SelfPacedRegressor

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


def test_wrong_numbers_are_left_out() -> None:
    X, y = load_diabetes(return_X_y=True)
    wrong = np.arange(len(y)) % 10 == 0
    y[wrong] += 1000.0
    model = SelfPacedRegressor(Ridge(0.1)).fit(X, y)
    assert set(model.suspects_[: wrong.sum()]) == set(np.flatnonzero(wrong))
    assert not model.weights_[wrong].any()
    right = Ridge(0.1).fit(X[~wrong], y[~wrong])
    np.testing.assert_allclose(model.predict(X), right.predict(X), atol=15)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("plain", [Ridge(), HistGradientBoostingRegressor()], ids=str)
def test_without_an_age_it_is_the_estimators_own_fit(
    blobs: Rows, plain: Any, weighted: bool
) -> None:
    X, y = blobs
    mass = np.random.default_rng(1).random(len(y)) if weighted else None
    model = SelfPacedRegressor(plain, age=None).fit(X, y, mass)
    said = clone(plain).fit(X, y, sample_weight=mass)
    np.testing.assert_allclose(model.predict(X), said.predict(X), rtol=1e-12)
    assert (model.weights_ == 1).all()


def test_the_age_needs_no_choice_by_default() -> None:
    assert SelfPacedRegressor().age == Deviations()
    X, y = np.arange(40.0)[:, None], np.arange(40.0)
    assert isinstance(SelfPacedRegressor().fit(X, y).estimator_, Ridge)
    exact = SelfPacedRegressor(LinearRegression()).fit(X, y)
    np.testing.assert_allclose(exact.predict(X), y)


def test_predictions_of_one_column_are_judged_row_by_row() -> None:
    class Columns(Ridge):  # type: ignore[misc]  # sklearn has no types
        def predict(self, X: Any) -> Any:
            return super().predict(X)[:, None]

    X, y = load_diabetes(return_X_y=True)
    columns = SelfPacedRegressor(Columns()).fit(X, y)
    np.testing.assert_array_equal(
        columns.difficulty_, SelfPacedRegressor(Ridge()).fit(X, y).difficulty_
    )


def test_there_are_no_probabilities() -> None:
    assert not hasattr(SelfPacedRegressor(), "predict_proba")
