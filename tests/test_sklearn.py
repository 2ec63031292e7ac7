"""The hosts of scikit-learn: good citizens there, better than what they hold on wrong labels."""

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from selfpaced.age import Auto, Deviations, Quantile, Threshold
from selfpaced.coupling import RankInGroup
from selfpaced.pacing import Constant, Ramp
from selfpaced.sklearn import SelfPacedClassifier, SelfPacedRegressor
from selfpaced.weighting import Linear, Welsch

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]

CITIZENS = [
    SelfPacedClassifier(),
    SelfPacedRegressor(),
    SelfPacedClassifier(cv=3),
    SelfPacedRegressor(cv=3),
    SelfPacedClassifier(HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)),
    SelfPacedRegressor(HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5)),
]


def expected_to_fail(model: Any) -> dict[str, str]:
    """What scikit-learn expects of boosting itself (``PER_ESTIMATOR_XFAIL_CHECKS``)."""
    if not isinstance(
        model.estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor
    ):
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": "boosting counts rows in its leaves",
    }


@parametrize_with_checks(CITIZENS, expected_failed_checks=expected_to_fail)  # type: ignore[untyped-decorator]  # sklearn has no types
@pytest.mark.filterwarnings("ignore")  # checks give what estimators rightly warn of
def test_scikit_learn_calls_it_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def spoilt(load: Any, share: float, seed: int = 0) -> tuple[Any, ...]:
    """Training rows with a share of wrong labels, which they are, and test rows."""
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    train, test, right, truth = train_test_split(X, y, test_size=0.4, random_state=seed, stratify=y)
    random = np.random.default_rng(seed)
    wrong = random.random(len(right)) < share
    other = (right + random.integers(1, y.max() + 1, len(right))) % (y.max() + 1)
    return train, np.where(wrong, other, right), wrong, test, truth


@pytest.fixture(scope="module")
def blobs() -> Rows:
    """Two blobs of 100; the labels of rows 3 and 150 are wrong."""
    y = np.repeat([0, 1], 100)
    X = np.random.default_rng(0).normal(size=(200, 2)) + 4 * y[:, None]
    y[[3, 150]] = 1 - y[[3, 150]]
    return X, y


@pytest.mark.parametrize("seed", [0, 1])
def test_with_wrong_digits_it_is_better_than_its_estimator_and_finds_them(seed: int) -> None:
    X, y, wrong, test, truth = spoilt(load_digits, 0.4, seed)
    plain = LogisticRegression(max_iter=1000)
    model = SelfPacedClassifier(plain).fit(X, y)
    assert model.score(test, truth) > plain.fit(X, y).score(test, truth) + 0.08
    assert wrong[model.suspects_[: wrong.sum()]].mean() > 0.93
    assert wrong[model.weights_ == 0].mean() > 0.93


def test_with_wrong_tumours_judged_by_folds_boosting_is_better() -> None:
    plain = HistGradientBoostingClassifier(max_iter=20)
    gains, found = [], []
    for seed in range(5):
        X, y, wrong, test, truth = spoilt(load_breast_cancer, 0.4, seed)
        model = SelfPacedClassifier(plain, cv=3, random_state=0).fit(X, y)
        gains.append(model.score(test, truth) - plain.fit(X, y).score(test, truth))
        found.append(wrong[model.suspects_[: wrong.sum()]].mean())
    assert np.mean(gains) > 0.05 and np.mean(found) > 0.7


@pytest.mark.parametrize("rounds", [4, 5, 6, 7])
def test_the_last_fit_is_never_that_of_a_probe(rounds: int) -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(300, 2)), random.integers(0, 2, 300)
    model = SelfPacedClassifier(rounds=rounds).fit(X, y)
    assert (model.weights_ == 1).all()


def test_clean_digits_are_all_kept() -> None:
    X, y, _, test, truth = spoilt(load_digits, 0.0)
    model = SelfPacedClassifier().fit(X, y)
    assert (model.weights_ == 1).all()
    plain = LogisticRegression(max_iter=1000).fit(X, y)
    assert model.score(test, truth) == plain.score(test, truth)


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
@pytest.mark.parametrize(
    ("plain", "paced"),
    [
        (LogisticRegression(), SelfPacedClassifier),
        (HistGradientBoostingClassifier(max_iter=5), SelfPacedClassifier),
        (Ridge(), SelfPacedRegressor),
        (HistGradientBoostingRegressor(max_iter=5), SelfPacedRegressor),
    ],
)
def test_without_an_age_it_is_the_estimators_own_fit(
    blobs: Rows, plain: Any, paced: Any, weighted: bool
) -> None:
    X, y = blobs
    mass = np.random.default_rng(1).random(len(y)) if weighted else None
    model = paced(plain, age=None).fit(X, y, mass)
    said = clone(plain).fit(X, y, sample_weight=mass)
    method = "predict_proba" if hasattr(plain, "predict_proba") else "predict"
    np.testing.assert_allclose(getattr(model, method)(X), getattr(said, method)(X), rtol=1e-12)
    assert (model.weights_ == 1).all()


def test_what_it_finds_is_told_by_row(blobs: Rows) -> None:
    model = SelfPacedClassifier().fit(*blobs)
    assert set(model.suspects_[:2]) == {3, 150}
    assert len(model.suspects_) == 200 and model.suspects_.dtype == np.int64
    assert model.weights_.shape == model.difficulty_.shape == (200,)
    assert model.difficulty_[[3, 150]].min() > np.median(model.difficulty_)
    assert model.n_rounds_ == len(model.history_) == 10
    assert model.n_features_in_ == 2 and not hasattr(model, "feature_names_in_")


def test_masses_multiply_and_zero_is_as_good_as_not_there(blobs: Rows) -> None:
    X, y = blobs
    mass = np.where(np.arange(200) % 5 == 0, 0.0, 2.0)
    age = Quantile(Constant(0.8))
    model = SelfPacedClassifier(age=age).fit(X, y, mass)
    there = mass > 0
    alone = SelfPacedClassifier(age=age).fit(X[there], y[there], mass[there])
    np.testing.assert_allclose(model.predict_proba(X), alone.predict_proba(X))
    np.testing.assert_array_equal(model.weights_[there], alone.weights_)
    assert not model.weights_[~there].any() and np.isnan(model.difficulty_[~there]).all()
    assert set(model.suspects_) == set(np.flatnonzero(there))
    assert alone.weights_.mean() == 0.8


def test_a_share_is_of_mass(blobs: Rows) -> None:
    X, y = blobs
    mass = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    model = SelfPacedClassifier(age=Quantile(Constant(0.5))).fit(X, y, mass)
    assert (model.weights_ * mass).sum() == pytest.approx(0.5 * mass.sum(), abs=3)


def test_a_class_that_is_left_out_stays_with_its_easiest_row() -> None:
    X = np.concatenate([np.zeros((90, 1)), np.full((5, 1), 0.1)])
    y = np.repeat([0, 1], [90, 5])
    model = SelfPacedClassifier(age=Quantile(Constant(0.5))).fit(X, y)
    assert not model.weights_[y == 1].any()
    assert model.predict_proba(X).shape == (95, 2)
    assert model.classes_.tolist() == [0, 1]


@pytest.mark.parametrize(
    "settings",
    [
        {"weighting": Linear(), "age": Quantile(Constant(0.8))},
        {"weighting": Welsch(), "age": Threshold(Constant(1.0))},
        {"age": Quantile(Ramp(0.3, 0.9, 5), by="group")},
        {"age": Quantile(Constant(0.5)), "couple": RankInGroup(1.0, by="group")},
    ],
)
def test_all_slots_can_be_exchanged(blobs: Rows, settings: dict[str, Any]) -> None:
    model = SelfPacedClassifier(**settings)
    assert clone(model).get_params() == model.get_params()
    model.fit(*blobs)
    assert 0 <= model.weights_.min() < model.weights_.max() <= 1
    assert model.weights_[[3, 150]].max() < model.weights_.mean()


def test_settings_are_found_in_a_grid_and_a_pipeline(blobs: Rows) -> None:
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    outer = Pipeline([("scale", MinMaxScaler()), ("paced", SelfPacedClassifier(inner))])
    grid = {
        "paced__age": [Auto(), Quantile(Constant(0.5))],
        "paced__rounds": np.array([2, 4]),
        "paced__estimator__logisticregression__C": [0.1, 1.0],
    }
    found = GridSearchCV(outer, grid, cv=2).fit(*blobs)
    assert found.best_score_ > 0.97
    assert found.best_estimator_["paced"].n_rounds_ in (2, 4)


def test_weights_reach_the_last_step_of_nested_pipelines(blobs: Rows) -> None:
    X, y = blobs
    inner = make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), LogisticRegression()))
    mass = np.where(y == 1, 3.0, 1.0)
    model = SelfPacedClassifier(inner, age=None).fit(X, y, mass)
    name = "pipeline__logisticregression__sample_weight"
    said = clone(inner).fit(X, y, **{name: mass})
    np.testing.assert_allclose(model.predict_proba(X), said.predict_proba(X))


def test_weights_are_routed_where_routing_is_enabled(blobs: Rows) -> None:
    X, y = blobs
    mass = np.where(y == 1, 3.0, 1.0)
    plain = SelfPacedClassifier(LogisticRegression(), age=None).fit(X, y, mass).predict_proba(X)
    with config_context(enable_metadata_routing=True):
        last = LogisticRegression().set_fit_request(sample_weight=True)
        for inner in (last, make_pipeline(last), None):
            model = SelfPacedClassifier(inner, age=None).fit(X, y, mass)
            np.testing.assert_allclose(model.predict_proba(X), plain, rtol=1e-3)
        paced = SelfPacedClassifier(last, age=None).set_fit_request(sample_weight=True)
        outer = make_pipeline(paced).fit(X, y, sample_weight=mass)
        np.testing.assert_allclose(outer.predict_proba(X), plain)


def test_labels_may_be_strings_and_rows_a_frame(blobs: Rows) -> None:
    X, codes = blobs
    frame = pd.DataFrame(X, columns=["height", "width"], index=np.arange(200) * 7)
    y = pd.Series(np.array(["no", "yes"])[codes], index=frame.index)
    model = SelfPacedClassifier().fit(frame, y)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.feature_names_in_.tolist() == ["height", "width"]
    assert set(model.suspects_[:2]) == {3, 150}
    assert model.predict(frame.iloc[:1]).tolist() == ["no"]
    np.testing.assert_allclose(
        model.predict_proba(frame), SelfPacedClassifier().fit(X, codes).predict_proba(X)
    )


def test_rows_may_be_a_frame_of_polars(blobs: Rows) -> None:
    polars = pytest.importorskip("polars")
    X, y = blobs
    frame = polars.DataFrame({"height": X[:, 0], "width": X[:, 1]})
    model = SelfPacedClassifier().fit(frame, y)
    assert set(model.suspects_[:2]) == {3, 150}
    assert model.feature_names_in_.tolist() == ["height", "width"]


def test_rows_may_be_sparse(blobs: Rows) -> None:
    X, y = blobs
    sparse = SelfPacedClassifier().fit(coo_array(X), y)
    np.testing.assert_allclose(
        sparse.predict_proba(X), SelfPacedClassifier().fit(X, y).predict_proba(X), rtol=1e-4
    )


def test_rows_may_be_texts() -> None:
    texts = ["a good film", "a bad film"] * 20
    y = np.array(["up", "down"] * 20)
    y[6] = "down"
    model = SelfPacedClassifier(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    model.fit(texts, y)
    assert model.suspects_[0] == 6
    assert not hasattr(model, "n_features_in_")


def test_a_warm_start_goes_on_from_the_last_round(blobs: Rows) -> None:
    def fit(rounds: int, *, warm: bool) -> Any:
        net = MLPClassifier((8,), warm_start=warm, max_iter=1, random_state=0)
        return SelfPacedClassifier(net, rounds=rounds).fit(*blobs).estimator_

    with pytest.warns(match="Maximum iterations"):
        assert fit(5, warm=True).t_ == 6 * fit(5, warm=False).t_  # five rounds and the last fit


def test_seeds_go_to_estimators_that_have_none(blobs: Rows) -> None:
    forest = RandomForestClassifier(5)
    runs = [SelfPacedClassifier(forest, random_state=0, cv=3).fit(*blobs) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].difficulty_, runs[1].difficulty_)
    own = SelfPacedClassifier(forest.set_params(random_state=7), random_state=0).fit(*blobs)
    assert own.estimator_.random_state == 7 and forest.random_state == 7


def test_global_random_numbers_are_left_alone(blobs: Rows) -> None:
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index]  # noqa: NPY002
    SelfPacedClassifier(cv=3, random_state=0).fit(*blobs)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_rows_in_no_test_fold_are_not_judged(blobs: Rows) -> None:
    model = SelfPacedClassifier(cv=ShuffleSplit(1, test_size=0.25, random_state=0)).fit(*blobs)
    assert len(model.suspects_) == 50
    assert (model.weights_[np.isnan(model.difficulty_)] == 1).all()


def test_methods_are_those_of_the_estimator(blobs: Rows) -> None:
    boosting = SelfPacedClassifier(HistGradientBoostingClassifier(max_iter=2))
    assert hasattr(SelfPacedClassifier(), "decision_function")
    assert hasattr(SelfPacedClassifier(), "predict_log_proba")
    assert not hasattr(SelfPacedRegressor(), "predict_proba")
    forest = SelfPacedClassifier(RandomForestClassifier())
    assert hasattr(boosting, "decision_function") and not hasattr(forest, "decision_function")
    with pytest.raises(NotFittedError):
        boosting.predict_proba(blobs[0])
    model = SelfPacedClassifier().fit(*blobs)
    said = np.log(model.predict_proba(blobs[0]))
    np.testing.assert_allclose(model.predict_log_proba(blobs[0]), said)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (SelfPacedClassifier(LogisticRegression), TypeError, "needs a classifier of scikit-learn"),
        (SelfPacedClassifier(Ridge()), TypeError, "needs a classifier of scikit-learn"),
        (SelfPacedRegressor(LogisticRegression()), TypeError, "needs a regressor"),
        (SelfPacedClassifier(KNeighborsClassifier()), TypeError, "KNeighborsClassifier's does not"),
        (SelfPacedClassifier(LinearSVC()), TypeError, "predict_proba, which LinearSVC lacks"),
        (SelfPacedRegressor(GridSearchCV(Ridge(), {})), TypeError, "GridSearchCV's does not"),
        (SelfPacedClassifier(rounds=0), ValueError, "rounds must be a positive int; got 0"),
        (
            SelfPacedClassifier().set_params(rounds=2.5),
            TypeError,
            "rounds must be a positive int; got 2.5",
        ),
        (SelfPacedClassifier().set_params(age=Constant(1.0)), TypeError, "age"),
        (SelfPacedClassifier(weighting=Welsch()), ValueError, "never reaches 0"),
        (SelfPacedClassifier(age=Threshold(Constant(1e-9))), ValueError, "all rows are left out"),
        (SelfPacedRegressor(age=Quantile(Constant(0.0))), ValueError, "all rows are left out"),
        (
            SelfPacedClassifier(RandomForestClassifier(warm_start=True)),
            ValueError,
            "RandomForestClassifier with warm_start=True never changes the trees",
        ),
        (
            SelfPacedClassifier(HistGradientBoostingClassifier(warm_start=True)),
            ValueError,
            "never changes the trees",
        ),
    ],
    ids=str,
)
def test_mistakes_are_told(blobs: Rows, model: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
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


def test_bad_rows_are_told(blobs: Rows) -> None:
    X, y = blobs
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SelfPacedClassifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="(?i)negative"):
        SelfPacedClassifier().fit(X, y, -np.ones(len(y)))
    with pytest.raises(ValueError, match="(?i)zero"):
        SelfPacedClassifier().fit(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="Unknown label type"):
        SelfPacedClassifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="contains NaN"):
        SelfPacedRegressor().fit(X, np.where(y == 1, np.nan, 0.0))


def test_slots_have_the_defaults_of_their_kind() -> None:
    assert SelfPacedClassifier().age == Auto() and SelfPacedRegressor().age == Deviations()
    X, y = np.arange(40.0)[:, None], np.arange(40.0)
    assert isinstance(SelfPacedRegressor().fit(X, y).estimator_, Ridge)
    exact = SelfPacedRegressor(LinearRegression()).fit(X, y)
    np.testing.assert_allclose(exact.predict(X), y)


def test_without_scikit_learn_the_error_names_the_extra() -> None:
    program = "import sys; sys.modules['sklearn'] = None; import selfpaced.sklearn"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert 'pip install "selfpaced[sklearn]"' in result.stderr
