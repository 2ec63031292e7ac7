"""A self-paced regressor leaves out targets far from its predictions."""

from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge

from selfpaced.sklearn import SelfPacedRegressor


def test_wrong_targets_are_left_out() -> None:
    X, y = load_diabetes(return_X_y=True)
    wrong = np.arange(len(y)) % 10 == 0
    y[wrong] += 1000.0
    model = SelfPacedRegressor(Ridge(0.1)).fit(X, y)
    assert set(model.suspects_[: wrong.sum()]) == set(np.flatnonzero(wrong))
    assert not model.weights_[wrong].any()
    right = Ridge(0.1).fit(X[~wrong], y[~wrong])
    np.testing.assert_allclose(model.predict(X), right.predict(X), atol=15)


def test_exact_predictions_leave_nothing_out() -> None:
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


def test_a_regressor_has_no_probabilities() -> None:
    assert not hasattr(SelfPacedRegressor(), "predict_proba")
