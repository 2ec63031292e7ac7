"""Settings, weights, metadata and data frames pass through pipelines and grid searches."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from selfpaced.age import Auto, Quantile
from selfpaced.pacing import Constant
from selfpaced.sklearn import SelfPacedClassifier

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


def test_a_grid_search_and_a_pipeline_can_set_its_settings(blobs: Rows) -> None:
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


def test_folds_in_other_threads_route_weights_too(blobs: Rows) -> None:
    X, y = blobs
    mass = np.where(y == 1, 3.0, 1.0)
    settings: dict[str, Any] = {"cv": 3, "random_state": 0, "n_jobs": 2}
    plain = SelfPacedClassifier(LogisticRegression(), **settings | {"n_jobs": None})
    plain.fit(X, y, mass)
    with config_context(enable_metadata_routing=True):
        last = LogisticRegression().set_fit_request(sample_weight=True)
        paced = SelfPacedClassifier(last, **settings).set_fit_request(sample_weight=True)
        paced.set_score_request(sample_weight=False)
        with parallel_config(backend="threading"):
            scores = cross_validate(paced, X, y, cv=2, params={"sample_weight": mass})
            paced.fit(X, y, mass)
        assert scores["test_score"].min() > 0.95
    np.testing.assert_array_equal(paced.difficulty_, plain.difficulty_)


@pytest.mark.parametrize(("kind", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_data_frames_pass_into_it_and_through_it(blobs: Rows, kind: str, frame: Any) -> None:
    class Judge(LogisticRegression):  # type: ignore[misc]  # sklearn has no types
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            assert isinstance(X, frame) and list(X.columns) == ["x0", "x1"]
            return super().fit(X, y, sample_weight)

        def predict_proba(self, X: Any) -> Any:
            assert isinstance(X, frame)
            return super().predict_proba(X)

    X, y = blobs
    inside = SelfPacedClassifier(make_pipeline(StandardScaler(), Judge()))
    inside.estimator[0].set_output(transform=kind)
    around = make_pipeline(StandardScaler(), SelfPacedClassifier(Judge()))
    around.set_output(transform=kind)
    plain = make_pipeline(StandardScaler(), SelfPacedClassifier(LogisticRegression())).fit(X, y)
    for model in (inside, around):
        said = model.fit(X, y).predict_proba(X)
        assert isinstance(said, np.ndarray) and isinstance(model.predict(X), np.ndarray)
        np.testing.assert_allclose(said, plain.predict_proba(X), rtol=1e-2)
    assert set(around[-1].suspects_[:2]) == set(inside.suspects_[:2]) == {3, 150}
