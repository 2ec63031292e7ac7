"""A self-paced classifier beats its estimator where labels are wrong, and names them."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from selfpaced.age import Quantile, Threshold
from selfpaced.coupling import RankInGroup
from selfpaced.pacing import Constant, Ramp
from selfpaced.sklearn import SelfPacedClassifier
from selfpaced.weighting import Linear, Welsch

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


@pytest.mark.parametrize("seed", [0, 1])
def test_it_beats_its_estimator_on_wrong_digits_and_finds_them(spoilt: Any, seed: int) -> None:
    X, y, wrong, test, truth = spoilt(load_digits, 0.4, seed)
    plain = LogisticRegression(max_iter=1000)
    model = SelfPacedClassifier(plain).fit(X, y)
    assert model.score(test, truth) > plain.fit(X, y).score(test, truth) + 0.08
    assert wrong[model.suspects_[: wrong.sum()]].mean() > 0.93
    assert wrong[model.weights_ == 0].mean() > 0.93


def test_boosting_judged_by_folds_is_better_where_labels_are_wrong(spoilt: Any) -> None:
    plain = HistGradientBoostingClassifier(max_iter=20)
    gains, found = [], []
    for seed in range(5):
        X, y, wrong, test, truth = spoilt(load_breast_cancer, 0.4, seed)
        model = SelfPacedClassifier(plain, cv=3, random_state=0).fit(X, y)
        gains.append(model.score(test, truth) - plain.fit(X, y).score(test, truth))
        found.append(wrong[model.suspects_[: wrong.sum()]].mean())
    assert np.mean(gains) > 0.05 and np.mean(found) > 0.7


def test_clean_digits_are_all_kept(spoilt: Any) -> None:
    X, y, _, test, truth = spoilt(load_digits, 0.0)
    model = SelfPacedClassifier().fit(X, y)
    assert (model.weights_ == 1).all()
    plain = LogisticRegression(max_iter=1000).fit(X, y)
    assert model.score(test, truth) == plain.score(test, truth)


def test_the_fitted_attributes_are_by_row(blobs: Rows) -> None:
    model = SelfPacedClassifier().fit(*blobs)
    assert set(model.suspects_[:2]) == {3, 150}
    assert len(model.suspects_) == 200 and model.suspects_.dtype == np.int64
    assert model.weights_.shape == model.difficulty_.shape == (200,)
    assert model.difficulty_[[3, 150]].min() > np.median(model.difficulty_)
    assert model.n_rounds_ == len(model.history_) == 10
    assert model.n_features_in_ == 2 and not hasattr(model, "feature_names_in_")


def test_a_share_per_class_is_kept_of_each_class(blobs: Rows) -> None:
    X, y = blobs[0][:150], np.repeat(["often", "rare"], [110, 40])
    model = SelfPacedClassifier(age=Quantile(Constant(0.6), by="group")).fit(X, y)
    assert model.weights_[y == "often"].sum() == 66
    assert model.weights_[y == "rare"].sum() == 24
    blind = SelfPacedClassifier(age=Quantile(Constant(0.6))).fit(X, y)
    assert blind.weights_.sum() == 90 and blind.weights_[y == "rare"].sum() != 24


def test_a_class_that_is_left_out_keeps_its_easiest_row() -> None:
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
    ids=str,
)
def test_every_slot_can_be_replaced(blobs: Rows, settings: dict[str, Any]) -> None:
    model = SelfPacedClassifier(**settings)
    assert clone(model).get_params() == model.get_params()
    model.fit(*blobs)
    assert 0 <= model.weights_.min() < model.weights_.max() <= 1
    assert model.weights_[[3, 150]].max() < model.weights_.mean()


def test_methods_are_those_of_the_estimator(blobs: Rows) -> None:
    boosting = SelfPacedClassifier(HistGradientBoostingClassifier(max_iter=2))
    assert hasattr(SelfPacedClassifier(), "decision_function")
    assert hasattr(SelfPacedClassifier(), "predict_log_proba")
    forest = SelfPacedClassifier(RandomForestClassifier())
    assert hasattr(boosting, "decision_function") and not hasattr(forest, "decision_function")
    with pytest.raises(NotFittedError):
        boosting.predict_proba(blobs[0])
    model = SelfPacedClassifier().fit(*blobs)
    said = np.log(model.predict_proba(blobs[0]))
    np.testing.assert_allclose(model.predict_log_proba(blobs[0]), said)
    np.testing.assert_array_equal(model.decision_function(blobs[0]) > 0, model.predict(blobs[0]))


def test_the_global_random_state_does_not_change(blobs: Rows) -> None:
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index]  # noqa: NPY002
    SelfPacedClassifier(cv=3, random_state=0).fit(*blobs)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
