"""The alternating search: repeated fits, warm starts, folds, and folds in other processes."""

from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import ShuffleSplit

from selfpaced.age import Quantile
from selfpaced.pacing import Constant, Ramp
from selfpaced.sklearn import SelfPacedClassifier, SelfPacedRegressor

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


class Watched(LogisticRegression):  # type: ignore[misc]  # sklearn has no types
    """Remembers for each fit the number of rows, and whether it continued an earlier fit."""

    shown: list[int]
    went_on: list[bool]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.shown.append(len(X))
        self.went_on.append(hasattr(self, "coef_"))
        return super().fit(X, y, sample_weight)


@pytest.fixture
def watched() -> type[Watched]:
    """A class without a record of fits."""
    Watched.shown, Watched.went_on = [], []
    return Watched


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"age": None}, [200]),
        ({"age": Quantile(Ramp(0.2, 1.0, 4))}, [200, 80, 120, 160, 200]),
        ({"age": None, "cv": 4}, [150, 150, 150, 150, 200]),
    ],
    ids=["once", "growing", "folds"],
)
def test_a_fit_whose_weights_did_not_change_is_not_repeated(
    blobs: Rows, watched: type[Watched], settings: dict[str, Any], shown: list[int]
) -> None:
    SelfPacedClassifier(watched(), random_state=0, rounds=5, **settings).fit(*blobs)
    assert watched.shown == shown


@pytest.mark.parametrize("rounds", [4, 5, 6, 7])
def test_the_last_fit_is_never_part_of_a_probe(rounds: int) -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(300, 2)), random.integers(0, 2, 300)
    model = SelfPacedClassifier(rounds=rounds).fit(X, y)
    assert (model.weights_ == 1).all()


@pytest.mark.parametrize(
    ("cv", "went_on"),
    [
        (None, [False] + 4 * [True] + [True]),  # the last fit, too
        (3, 3 * [False] + 4 * 3 * [True] + [False]),  # the last fit needs a model of all rows
    ],
)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_warm_start_continues_the_last_round(
    blobs: Rows, watched: type[Watched], cv: int | None, went_on: list[bool], n_jobs: int | None
) -> None:
    model = SelfPacedClassifier(watched(warm_start=True), rounds=5, cv=cv, n_jobs=n_jobs)
    with parallel_config(backend="threading"):
        model.fit(*blobs)
    assert watched.went_on == went_on


def test_without_a_warm_start_each_fit_is_new(blobs: Rows, watched: type[Watched]) -> None:
    SelfPacedClassifier(watched(), age=Quantile(Ramp(0.2, 1.0, 4)), rounds=5).fit(*blobs)
    assert watched.went_on == 5 * [False]


FOLDED = [
    SelfPacedClassifier(RandomForestClassifier(5), cv=3, rounds=3, random_state=0),
    SelfPacedClassifier(
        SGDClassifier(loss="log_loss", warm_start=True), cv=3, rounds=3, random_state=0
    ),
    SelfPacedRegressor(cv=ShuffleSplit(3, random_state=0)),
]


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("model", FOLDED, ids=["forest", "warm start", "regressor"])
def test_parallel_folds_have_the_result_of_sequential_folds(
    blobs: Rows, model: Any, backend: str
) -> None:
    sequential = clone(model).fit(*blobs)
    with parallel_config(backend=backend):
        parallel = clone(model).set_params(n_jobs=2).fit(*blobs)
    for name in ("weights_", "difficulty_", "suspects_"):
        np.testing.assert_array_equal(getattr(parallel, name), getattr(sequential, name))
    np.testing.assert_array_equal(parallel.predict(blobs[0]), sequential.predict(blobs[0]))


def test_a_fold_that_fails_in_a_worker_fails_here(blobs: Rows) -> None:
    model = SelfPacedClassifier(age=Quantile(Constant(0.0)), cv=3, n_jobs=2)
    with pytest.raises(ValueError, match="all rows are left out"):
        model.fit(*blobs)
    model = SelfPacedClassifier(LogisticRegression(C=-1.0), cv=3, n_jobs=2)
    with parallel_config(backend="threading"), pytest.raises(ValueError, match="'C' parameter"):
        model.fit(*blobs)


def test_the_seed_goes_to_estimators_that_have_none(blobs: Rows) -> None:
    forest = RandomForestClassifier(5)
    runs = [SelfPacedClassifier(forest, random_state=0, cv=3).fit(*blobs) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].difficulty_, runs[1].difficulty_)
    own = SelfPacedClassifier(forest.set_params(random_state=7), random_state=0).fit(*blobs)
    assert own.estimator_.random_state == 7 and forest.random_state == 7


def test_rows_in_no_test_fold_are_not_judged(blobs: Rows) -> None:
    model = SelfPacedClassifier(cv=ShuffleSplit(1, test_size=0.25, random_state=0)).fit(*blobs)
    assert len(model.suspects_) == 50
    assert (model.weights_[np.isnan(model.difficulty_)] == 1).all()


def test_folds_reveal_wrong_labels_that_a_model_memorises(blobs: Rows) -> None:
    boosting = HistGradientBoostingClassifier(min_samples_leaf=1)
    by_itself = SelfPacedClassifier(boosting).fit(*blobs)
    by_folds = SelfPacedClassifier(boosting, cv=5, random_state=0).fit(*blobs)
    assert set(by_folds.suspects_[:2]) == {3, 150}
    assert by_itself.difficulty_.max() < 0.1 < 2 < by_folds.difficulty_[[3, 150]].min()
