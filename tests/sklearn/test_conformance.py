"""What the classifier and the regressor have in common, and scikit-learn's checks of both."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)

from selfpaced.age import Auto, Deviations
from selfpaced.sklearn import SelfPacedClassifier, SelfPacedRegressor

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]

ESTIMATORS = [
    SelfPacedClassifier(),
    SelfPacedRegressor(),
    SelfPacedClassifier(cv=3),
    SelfPacedRegressor(cv=3),
    SelfPacedClassifier(HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1)),
    SelfPacedRegressor(HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=1)),
]


@parametrize_with_checks(ESTIMATORS)  # type: ignore[untyped-decorator]  # sklearn has no types
@pytest.mark.filterwarnings("ignore")  # the checks give data that estimators should warn of
def test_it_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


class FoldedBoosting(HistGradientBoostingClassifier):  # type: ignore[misc]  # sklearn has no types
    """Boosting with an unused ``cv``: the check below gives estimators with ``cv`` more rows."""

    def __init__(self, cv: Any = None, min_samples_leaf: int = 20) -> None:
        super().__init__(min_samples_leaf=min_samples_leaf, max_iter=5)
        self.cv = cv


@pytest.mark.parametrize("paced", [False, True])
def test_boosting_itself_counts_rows_and_not_weight_in_its_leaves(paced: bool) -> None:
    def check(leaf: int) -> None:
        boosting = FoldedBoosting(min_samples_leaf=leaf)
        model = SelfPacedClassifier(boosting, age=None) if paced else boosting
        check_sample_weight_equivalence_on_dense_data("boosting", model)

    check(1)
    with pytest.raises(AssertionError, match="is not equivalent to fitting with removed"):
        check(20)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (SelfPacedClassifier, LogisticRegression()),
        (SelfPacedClassifier, HistGradientBoostingClassifier()),
        (SelfPacedRegressor, Ridge()),
        (SelfPacedRegressor, HistGradientBoostingRegressor()),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_without_an_age_it_is_the_estimators_own_fit(
    blobs: Rows, kind: Any, plain: Any, weighted: bool
) -> None:
    X, y = blobs
    mass = np.random.default_rng(1).random(len(y)) if weighted else None
    model = kind(plain, age=None).fit(X, y, mass)
    own = clone(plain).fit(X, y, sample_weight=mass)
    method = "predict_proba" if kind is SelfPacedClassifier else "predict"
    np.testing.assert_allclose(getattr(model, method)(X), getattr(own, method)(X), rtol=1e-12)
    assert (model.weights_ == 1).all()


@pytest.mark.parametrize(
    ("kind", "age"),
    [(SelfPacedClassifier, Auto()), (SelfPacedRegressor, Deviations())],
)
def test_the_default_age_needs_no_choice(kind: Any, age: Any) -> None:
    assert kind().age == age


@pytest.mark.parametrize("kind", [SelfPacedClassifier, SelfPacedRegressor])
def test_a_fitted_model_pickles_under_its_public_name(blobs: Rows, kind: Any) -> None:
    model = kind(cv=3, random_state=0).fit(*blobs)
    stored = pickle.dumps(model)
    assert b"selfpaced.sklearn" in stored and b"selfpaced.sklearn." not in stored
    for again in (pickle.loads(stored), copy.deepcopy(model)):
        assert type(again) is kind
        np.testing.assert_array_equal(again.predict(blobs[0]), model.predict(blobs[0]))
        np.testing.assert_array_equal(again.suspects_, model.suspects_)
    assert clone(model).get_params() == model.get_params()


def test_its_repr_shows_the_settings_that_differ() -> None:
    assert repr(SelfPacedClassifier(rounds=3)) == "SelfPacedClassifier(rounds=3)"
    assert repr(SelfPacedRegressor(age=None)) == "SelfPacedRegressor(age=None)"


def test_without_scikit_learn_the_error_names_the_extra(
    import_error: Callable[[str, str], str],
) -> None:
    error = import_error("selfpaced.sklearn", "sklearn")
    assert "ImportError: selfpaced.sklearn needs scikit-learn (" in error
    assert 'pip install "selfpaced[sklearn]"' in error
