"""Mistakes raise before anything is fitted: what was expected, what came, what to do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from selfpaced.age import Quantile, Threshold
from selfpaced.pacing import Constant
from selfpaced.sklearn import SelfPacedClassifier, SelfPacedRegressor
from selfpaced.weighting import Linear, Welsch

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
TREES = "warm_start=True never changes the trees"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SelfPacedClassifier(LogisticRegression), "needs a classifier of scikit-learn"),
        (SelfPacedClassifier(Ridge()), "needs a classifier of scikit-learn"),
        (SelfPacedRegressor(LogisticRegression()), "needs a regressor"),
        (SelfPacedClassifier(KNeighborsClassifier()), "KNeighborsClassifier's does not"),
        (SelfPacedClassifier(LinearSVC()), "predict_proba, which LinearSVC lacks"),
        (SelfPacedRegressor(GridSearchCV(Ridge(), {})), "GridSearchCV's does not"),
        (SelfPacedClassifier().set_params(rounds=2.5), "rounds must be a positive int; got 2.5"),
        (SelfPacedClassifier().set_params(age=Constant(1.0)), "age"),
    ],
    ids=str,
)
def test_values_of_the_wrong_type_are_refused(blobs: Rows, model: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        model.fit(*blobs)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SelfPacedClassifier(rounds=0), "rounds must be a positive int; got 0"),
        (SelfPacedClassifier(weighting=Welsch()), "never reaches 0"),
        (SelfPacedClassifier(age=Threshold(Constant(1e-9))), "all rows are left out"),
        (SelfPacedRegressor(age=Quantile(Constant(0.0))), "all rows are left out"),
        (SelfPacedClassifier(RandomForestClassifier(warm_start=True)), TREES),
        (SelfPacedClassifier(HistGradientBoostingClassifier(warm_start=True)), TREES),
        (
            SelfPacedClassifier(
                make_pipeline(StandardScaler(), RandomForestClassifier(warm_start=True))
            ),
            f"RandomForestClassifier with {TREES}",
        ),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(blobs: Rows, model: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.fit(*blobs)


def test_a_matrix_of_pairs_is_refused(blobs: Rows) -> None:
    class Pairs(LogisticRegression):  # type: ignore[misc]  # sklearn has no types
        def __sklearn_tags__(self) -> Any:
            tags = super().__sklearn_tags__()
            tags.input_tags.pairwise = True
            return tags

    with pytest.raises(ValueError, match="reads a matrix of pairs of rows"):
        SelfPacedClassifier(Pairs()).fit(*blobs)
    assert SVC(kernel="precomputed").__sklearn_tags__().input_tags.pairwise


def test_bad_rows_are_refused(blobs: Rows) -> None:
    X, y = blobs
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SelfPacedClassifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="Unknown label type"):
        SelfPacedClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="contains NaN"):
        SelfPacedRegressor().fit(X, np.where(y == 1, np.nan, 0.0))


def test_bad_sample_weights_are_refused(blobs: Rows) -> None:
    X, y = blobs
    for mass, message in (
        (-np.ones(200), "Negative values in data passed to SelfPacedClassifier: sample_weight"),
        (np.zeros(200), "SelfPacedClassifier: sample_weight must not be zero everywhere"),
        (0.0, "sample_weight must not be zero everywhere"),
        (np.ones(199), "inconsistent numbers of samples"),
        (np.ones((200, 2)), r"one number per row, shape \(n,\); got shape \(200, 2\)"),
        (np.full(200, np.nan), "sample_weight contains NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            SelfPacedClassifier().fit(X, y, mass)


@pytest.mark.parametrize("inner", [LogisticRegression(), make_pipeline(LogisticRegression())])
def test_weights_that_routing_does_not_pass_on_are_refused(blobs: Rows, inner: Any) -> None:
    with config_context(enable_metadata_routing=True):
        last = inner[-1] if hasattr(inner, "steps") else inner
        last.set_fit_request(sample_weight=False)
        soft = SelfPacedClassifier(inner, weighting=Linear(), age=Quantile(Constant(0.8)))
        with pytest.raises(ValueError, match=r"Call set_fit_request\(sample_weight=True\) on it"):
            soft.fit(*blobs)


@pytest.mark.parametrize("fill", [9.96921e36, 1e200])
def test_fill_values_too_large_for_the_ledger_are_refused(fill: float) -> None:
    X = np.arange(40.0)[:, None]
    y = np.where(np.arange(40) == 3, fill, X[:, 0])
    with pytest.raises(ValueError, match=r"must be below 1e\+37, .* Remove fill values"):
        SelfPacedRegressor().fit(X, y)


class Doubtful(Ridge):  # type: ignore[misc]  # sklearn has no types
    """Predicts NaN for rows with small values."""

    def predict(self, X: Any) -> Any:
        return np.where(np.asarray(X)[:, 0] < 3, np.nan, super().predict(X))


class Wavering(LogisticRegression):  # type: ignore[misc]  # sklearn has no types
    """Gives NaN as the probabilities of rows with small values."""

    def predict_proba(self, X: Any) -> Any:
        return np.where(np.asarray(X)[:, :1] < 3, np.nan, super().predict_proba(X))


def test_predictions_of_nan_are_refused() -> None:
    X = np.arange(40.0)[:, None]
    with pytest.raises(ValueError, match="squared errors must be below .*, and not NaN"):
        SelfPacedRegressor(Doubtful()).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="predict_proba of Wavering returned NaN for 3 rows"):
        SelfPacedClassifier(Wavering()).fit(X, X[:, 0] > 20)
