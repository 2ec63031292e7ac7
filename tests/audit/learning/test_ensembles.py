"""Claims about ensembles of scikit-learn estimators."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from scipy import sparse

from selfpaced.audit._learning.choice import OF_NUMBERS
from selfpaced.audit._learning.ensembles import VIEWS, Bins, Ensemble, Kind, make
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._plain.pack import pack, unpack

KINDS: list[Kind] = list(get_args(Kind))


def inputs_of(n: int = 200) -> Inputs:
    """Return samples with all views: the first number, word and letter tell the class."""
    rows = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    words = sparse.csr_array(np.maximum(np.stack([rows[:, 0], -rows[:, 0], rows[:, 1]], 1), 0))
    return Inputs(rows, words, words)


def fitted(kind: Kind, numeric: bool = False) -> tuple[Ensemble, Any, Inputs]:
    """Return an ensemble of two estimators, each fitted to one half of the rows, and the rows."""
    inputs = inputs_of()
    labels = inputs.dense[:, 0] if numeric else (inputs.dense[:, 0] > 0) * 2
    ensemble = make(kind, inputs, numeric, 2, seed=0)
    rows = ensemble.learn_inputs(inputs)
    ensemble.grow(3)
    for half, estimator in enumerate(ensemble.estimators):
        if hasattr(estimator, "solver"):  # of logistic regression; all iterations at once
            estimator.set_params(max_iter=1000)
        estimator.fit(rows[half::2], labels[half::2])
    return ensemble, rows, inputs


@pytest.mark.parametrize("kind", KINDS)
def test_an_ensemble_predicts_the_mean_and_0_for_unknown_classes(kind: Kind) -> None:
    ensemble, rows, inputs = fitted(kind)
    one, other = (each.predict_proba(rows) for each in ensemble.estimators)
    predicted = ensemble.predict(inputs, 4)
    assert (one != other).any()
    assert predicted.shape == (200, 4) and predicted.dtype == np.float64
    np.testing.assert_allclose(predicted[:, [0, 2]], (one + other) / 2, rtol=1e-6)
    assert not predicted[:, [1, 3]].any()  # classes that no estimator was fitted to
    assert (predicted.argmax(1) == (inputs.dense[:, 0] > 0) * 2).mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_an_ensemble_that_is_saved_predicts_the_same(kind: Kind) -> None:
    ensemble, _, inputs = fitted(kind)
    again = unpack(pack(ensemble))
    assert (again.predict(inputs, 3) == ensemble.predict(inputs, 3)).all()


@pytest.mark.parametrize("kind", OF_NUMBERS)
def test_an_ensemble_of_numbers_predicts_a_number_per_row(kind: Kind) -> None:
    ensemble, _, inputs = fitted(kind, numeric=True)
    predictions = ensemble.predict(inputs, None)
    assert predictions.shape == (200,) and predictions.dtype == np.float64
    assert (unpack(pack(ensemble)).predict(inputs, None) == predictions).all()


@pytest.mark.parametrize(("kind", "view"), VIEWS.items())
def test_a_kind_reads_only_its_view(kind: Kind, view: str) -> None:
    ensemble, _, inputs = fitted(kind)
    changed = {name: 3 * getattr(inputs, name) for name in ("dense", "words", "letters")}
    same = replace(inputs, **changed | {view: getattr(inputs, view)})
    assert (ensemble.predict(same, 3) == ensemble.predict(inputs, 3)).all()


def test_pixels_are_scaled_and_the_widths_of_a_kernel_fit_them() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 3, (80, 1, 4, 4)).astype(np.uint8)  # dark: a pixel tells little
    images[40:, :, :2] += 2
    labels = np.arange(80) // 40
    for kind in ("logistic", "kernel"):
        ensemble = make(kind, Inputs(images), False, 1, seed=0)
        rows = ensemble.learn_inputs(Inputs(images))
        ensemble.estimators[0].set_params(max_iter=100).fit(rows, labels)
        assert (ensemble.predict(Inputs(images), 2).argmax(1) == labels).mean() > 0.95


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
