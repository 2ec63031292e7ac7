"""Claims about ensembles of scikit-learn estimators."""

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from selfpaced.audit._learning.ensembles import Bins, Name, make

NAMES: list[Name] = ["hgb", "logistic"]


def fitted(name: Name, numeric: bool) -> tuple[Any, NDArray[np.float32]]:
    """Return an ensemble of two estimators, each fitted to one half of the rows, and the rows."""
    rows = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    labels = rows[:, 0] if numeric else (rows[:, 0] > 0) * 2
    ensemble = make(name, numeric, 2, seed=0)
    inputs = ensemble.inputs.fit_transform(rows)
    for half, estimator in enumerate(ensemble.estimators):
        estimator.set_params(max_iter=100)
        estimator.fit(inputs[half::2], labels[half::2])
    return ensemble, rows


@pytest.mark.parametrize("name", NAMES)
def test_an_ensemble_predicts_the_mean(name: Name) -> None:
    ensemble, rows = fitted(name, numeric=False)
    inputs = ensemble.inputs.transform(rows)
    one, other = (each.predict_proba(inputs) for each in ensemble.estimators)
    assert (one != other).any()
    np.testing.assert_allclose(ensemble.predict_proba(rows), (one + other) / 2, rtol=1e-6)
    assert ensemble.classes_.tolist() == [0, 2]


@pytest.mark.parametrize("name", NAMES)
def test_an_ensemble_of_numbers_can_be_pickled(name: Name) -> None:
    ensemble, rows = fitted(name, numeric=True)
    predictions = ensemble.predict(rows)
    assert predictions.shape == (200,) and predictions.dtype == np.float64
    assert (pickle.loads(pickle.dumps(ensemble)).predict(rows) == predictions).all()


def test_bins_are_the_values_of_a_column_or_its_quantiles() -> None:
    random = np.random.default_rng(0)
    few, many = random.integers(0, 200, 2000), random.normal(size=2000)
    bins = Bins().fit_transform(np.stack([few, many], 1))
    assert bins.dtype == np.uint8
    assert (bins[:, 0] == few).all()
    assert (np.diff(bins[np.argsort(many), 1].astype(int)) >= 0).all()
    sizes = np.bincount(bins[:, 1])
    assert len(sizes) == 255 and sizes.min() >= 7 and sizes.max() <= 9
    new = Bins().fit(np.array([[1.0], [2.0]])).transform(np.array([[-9.0], [9.0]]))
    assert new.ravel().tolist() == [0, 1]
