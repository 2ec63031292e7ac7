"""scikit-learn's own checks of an estimator, none of them excused."""

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    parametrize_with_checks,
)

from selfpaced.sklearn import SelfPacedClassifier, SelfPacedRegressor

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]

CITIZENS = [
    SelfPacedClassifier(),
    SelfPacedRegressor(),
    SelfPacedClassifier(cv=3),
    SelfPacedRegressor(cv=3),
    SelfPacedClassifier(HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1)),
    SelfPacedRegressor(HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=1)),
]


@parametrize_with_checks(CITIZENS)  # type: ignore[untyped-decorator]  # sklearn has no types
@pytest.mark.filterwarnings("ignore")  # checks give what estimators rightly warn of
def test_scikit_learn_calls_it_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


class FoldedBoosting(HistGradientBoostingClassifier):  # type: ignore[misc]  # sklearn has no types
    """Boosting with a ``cv``, which does nothing: the check below gives those more rows."""

    def __init__(self, cv: Any = None, min_samples_leaf: int = 20) -> None:
        super().__init__(min_samples_leaf=min_samples_leaf, max_iter=5)
        self.cv = cv


@pytest.mark.parametrize("paced", [False, True])
def test_it_is_boosting_itself_that_counts_rows_in_leaves_in_place_of_weight(paced: bool) -> None:
    def check(leaf: int) -> None:
        boosting = FoldedBoosting(min_samples_leaf=leaf)
        model = SelfPacedClassifier(boosting, age=None) if paced else boosting
        check_sample_weight_equivalence_on_dense_data("boosting", model)

    check(1)
    with pytest.raises(AssertionError, match="is not equivalent to fitting with removed"):
        check(20)


@pytest.mark.parametrize("kind", [SelfPacedClassifier, SelfPacedRegressor])
def test_a_fitted_one_pickles_under_its_public_name(blobs: Rows, kind: Any) -> None:
    model = kind(cv=3, random_state=0).fit(*blobs)
    stored = pickle.dumps(model)
    assert b"selfpaced.sklearn" in stored and b"selfpaced.sklearn." not in stored
    for again in (pickle.loads(stored), copy.deepcopy(model)):
        assert type(again) is kind
        np.testing.assert_array_equal(again.predict(blobs[0]), model.predict(blobs[0]))
        np.testing.assert_array_equal(again.suspects_, model.suspects_)
    assert clone(model).get_params() == model.get_params()


def test_it_shows_the_settings_that_differ() -> None:
    assert repr(SelfPacedClassifier(rounds=3)) == "SelfPacedClassifier(rounds=3)"
    assert repr(SelfPacedRegressor(age=None)) == "SelfPacedRegressor(age=None)"


def test_without_scikit_learn_the_error_names_the_extra() -> None:
    program = "import sys; sys.modules['sklearn'] = None; import selfpaced.sklearn"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "ImportError: selfpaced.sklearn needs scikit-learn (" in result.stderr
    assert 'pip install "selfpaced[sklearn]"' in result.stderr
