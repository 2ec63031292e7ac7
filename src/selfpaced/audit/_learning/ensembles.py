"""Ensembles of scikit-learn estimators whose training can continue with each call of ``fit``."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from selfpaced.chain import Floats

Name = Literal["hgb", "logistic"]

# Iterations of L-BFGS that one round of logistic regression adds.
SOLVER_STEPS = 2
# The number of bins of a column for boosting; scikit-learn allows no more.
MOST_BINS = 255


@dataclass(eq=False)
class Ensemble:
    """Estimators that were fitted to different rows; predictions are their mean.

    Args:
        inputs: A fitted transformer that turns rows, float32, shape (n, features), into the inputs
            of the estimators.
        estimators: The estimators; all of them know the same classes.
    """

    inputs: Any
    estimators: list[Any]

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The classes, in the order of the columns of ``predict_proba``."""
        return np.asarray(self.estimators[0].classes_)

    def predict(self, rows: NDArray[Any]) -> Floats:
        """Return numbers, shape (n,)."""
        return self._mean("predict", rows)

    def predict_proba(self, rows: NDArray[Any]) -> Floats:
        """Return probabilities, shape (n, classes)."""
        return self._mean("predict_proba", rows)

    def _mean(self, method: str, rows: NDArray[Any]) -> Floats:
        """Return the mean over the estimators of what a method returns."""
        inputs = self.inputs.transform(rows)
        predictions = [getattr(estimator, method)(inputs) for estimator in self.estimators]
        return np.asarray(np.mean(predictions, axis=0, dtype=np.float64))


class Bins(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Replaces each value by the number of its bin, of at most 255 bins per column.

    Boosting bins its inputs itself, but it does so again in each round and only from rows with a
    weight. The bins would change between rounds, and trees of earlier rounds would read other bins
    than they were fitted to.

    >>> Bins().fit_transform(np.array([[0.1], [0.5], [0.1], [9.0]])).ravel().tolist()
    [0, 1, 0, 2]
    """

    def fit(self, rows: NDArray[Any], _: None = None) -> Self:
        """Find the bins of each column; rows have shape (n, columns)."""
        # The name of the attribute is part of model.joblib: renaming it needs another layout.
        self.steps_ = [_edges(column) for column in rows.T]
        return self

    def transform(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the number of the bin of each value, uint8, shape (n, columns)."""
        bins = np.empty(rows.shape, np.uint8)
        for column, edges in enumerate(self.steps_):
            bins[:, column] = np.searchsorted(edges, rows[:, column])
        return bins


def _edges(column: NDArray[Any]) -> Floats:
    """Return the inner edges of the bins: between the values, or quantiles if there are many."""
    values = np.unique(column).astype(np.float64)
    if len(values) <= MOST_BINS:
        return np.asarray((values[1:] + values[:-1]) / 2)
    shares = np.linspace(0, 1, MOST_BINS + 1)[1:-1]
    return np.unique(np.quantile(column.astype(np.float64), shares))


def make(name: Name, numeric: bool, count: int, seed: int) -> Ensemble:
    """Make several estimators of one kind whose training continues each time they are fitted.

    Args:
        name: The kind of estimator.
        numeric: True for a regression, False for a classification.
        count: Number of estimators.
        seed: Seed of the columns that each tree may use, from 0 to 2**32 - 1.
    """
    if name == "logistic":
        logistic = LogisticRegression(C=0.1, max_iter=SOLVER_STEPS, warm_start=True)
        linear = Ridge() if numeric else logistic
        return Ensemble(StandardScaler(), [clone(linear) for _ in range(count)])
    boosting = HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier
    trees = boosting(
        learning_rate=0.1,
        l2_regularization=5.0,
        max_features=0.5,
        max_bins=MOST_BINS,
        early_stopping=False,
        warm_start=True,
        random_state=seed,
    )
    return Ensemble(Bins(), [clone(trees) for _ in range(count)])
