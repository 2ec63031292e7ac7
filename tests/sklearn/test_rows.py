"""Rows of any kind, and sample weights that multiply weights and count as mass."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from selfpaced.age import Quantile
from selfpaced.pacing import Constant
from selfpaced.sklearn import SelfPacedClassifier, SelfPacedRegressor

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
KINDS = [SelfPacedClassifier, SelfPacedRegressor]


def test_sample_weights_multiply_and_zero_is_like_absent(blobs: Rows) -> None:
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


def test_a_share_is_a_share_of_mass(blobs: Rows) -> None:
    X, y = blobs
    mass = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    model = SelfPacedClassifier(age=Quantile(Constant(0.5))).fit(X, y, mass)
    assert (model.weights_ * mass).sum() == pytest.approx(0.5 * mass.sum(), abs=3)


def test_a_sample_weight_may_be_one_number(blobs: Rows) -> None:
    X, y = blobs
    model = SelfPacedClassifier().fit(X, y, 2.0)
    said = SelfPacedClassifier().fit(X, y, np.full(len(y), 2.0))
    np.testing.assert_array_equal(model.predict_proba(X), said.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_may_be_a_frame_of_pandas(blobs: Rows, kind: Any) -> None:
    X, y = blobs
    frame = pd.DataFrame(X, columns=["height", "width"], index=np.arange(200) * 7)
    model = kind().fit(frame, pd.Series(y, index=frame.index))
    said = kind().fit(X, y)
    assert model.feature_names_in_.tolist() == ["height", "width"]
    np.testing.assert_array_equal(model.suspects_, said.suspects_)
    np.testing.assert_allclose(model.predict(frame), said.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_may_be_a_frame_of_polars(blobs: Rows, kind: Any) -> None:
    X, y = blobs
    frame = pl.DataFrame({"height": X[:, 0], "width": X[:, 1]})
    model = kind(cv=3, random_state=0).fit(frame, pl.Series(y))
    said = kind(cv=3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.suspects_, said.suspects_)
    np.testing.assert_allclose(model.predict(frame), said.predict(X))
    names = getattr(LogisticRegression().fit(frame, y), "feature_names_in_", None)
    np.testing.assert_array_equal(getattr(model, "feature_names_in_", None), names)


@pytest.mark.parametrize(
    "labels",
    [lambda y: y, lambda y: y.astype(object), pd.Categorical, pd.Series, pl.Series],
    ids=["str", "object", "categorical", "pandas", "polars"],
)
def test_labels_may_be_strings(blobs: Rows, labels: Any) -> None:
    X, codes = blobs
    model = SelfPacedClassifier().fit(X, labels(np.array(["no", "yes"])[codes]))
    assert model.classes_.tolist() == ["no", "yes"]
    assert set(model.suspects_[:2]) == {3, 150}
    assert model.predict(X[:1]).tolist() == ["no"]
    said = SelfPacedClassifier().fit(X, codes)
    np.testing.assert_allclose(model.predict_proba(X), said.predict_proba(X))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_may_be_sparse(blobs: Rows, kind: Any) -> None:
    X, y = blobs
    sparse = kind().fit(coo_array(X), y)
    np.testing.assert_allclose(sparse.predict(coo_array(X)), kind().fit(X, y).predict(X), rtol=1e-4)
    assert set(sparse.suspects_[:2]) == {3, 150}


def test_rows_may_be_texts() -> None:
    texts = ["a good film", "a bad film"] * 20
    y = np.array(["up", "down"] * 20)
    y[6] = "down"
    model = SelfPacedClassifier(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    model.fit(texts, y)
    assert model.suspects_[0] == 6
    assert not hasattr(model, "n_features_in_")
