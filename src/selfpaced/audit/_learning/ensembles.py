"""Some estimators of scikit-learn side by side, which go on learning where they were."""

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

STEPS = 2  # of L-BFGS at a time
BINS = 255  # values of a column that boosting tells apart


@dataclass(eq=False)
class Ensemble:
    """Estimators that learnt from different rows; it says what they say on average.

    Args:
        inputs: Makes of rows, float32 of one axis, what the estimators read.
        estimators: All know the same classes.
    """

    inputs: Any
    estimators: list[Any]

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The classes of which ``predict_proba`` has a column."""
        return np.asarray(self.estimators[0].classes_)

    def predict(self, rows: NDArray[Any]) -> Floats:
        """Return numbers, shape (n,)."""
        return self._mean("predict", rows)

    def predict_proba(self, rows: NDArray[Any]) -> Floats:
        """Return probabilities, shape (n, classes)."""
        return self._mean("predict_proba", rows)

    def _mean(self, method: str, rows: NDArray[Any]) -> Floats:
        """Return the mean of what the estimators return."""
        inputs = self.inputs.transform(rows)
        said = [getattr(one, method)(inputs) for one in self.estimators]
        return np.asarray(np.mean(said, axis=0, dtype=np.float64))


class Bins(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Numbers each value by its place among at most 255 steps of its column.

    Boosting does so itself, but anew in each round and from the rows that have weight: trees of
    earlier rounds would read other places than they learnt.

    >>> Bins().fit_transform(np.array([[0.1], [0.5], [0.1], [9.0]])).ravel().tolist()
    [0, 1, 0, 2]
    """

    def fit(self, rows: NDArray[Any], _: None = None) -> Self:
        """Find the steps of each column; rows have shape (n, columns)."""
        self.steps_ = [_steps(column) for column in rows.T]
        return self

    def transform(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the places, uint8, shape (n, columns)."""
        places = np.empty(rows.shape, np.uint8)
        for number, steps in enumerate(self.steps_):
            places[:, number] = np.searchsorted(steps, rows[:, number])
        return places


def _steps(column: NDArray[Any]) -> Floats:
    """Return where a column's bins end: between its values, or at quantiles where it has many."""
    values = np.unique(column).astype(np.float64)
    if len(values) <= BINS:
        return np.asarray((values[1:] + values[:-1]) / 2)
    return np.unique(np.quantile(column.astype(np.float64), np.linspace(0, 1, BINS + 1)[1:-1]))


def make(name: Name, numeric: bool, count: int, seed: int) -> Ensemble:
    """Make some estimators of a kind that go on learning each time they are fitted.

    Args:
        name: Of the kind.
        numeric: For numbers, not classes.
        count: How many.
        seed: Of the columns that trees choose from; 0 to 2**32 - 1.
    """
    if name == "logistic":
        linear = Ridge() if numeric else LogisticRegression(C=0.1, max_iter=STEPS, warm_start=True)
        return Ensemble(StandardScaler(), [clone(linear) for _ in range(count)])
    boosting = HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier
    trees = boosting(
        learning_rate=0.1,
        l2_regularization=5.0,
        max_features=0.5,
        max_bins=BINS,
        early_stopping=False,
        warm_start=True,
        random_state=seed,
    )
    return Ensemble(Bins(), [clone(trees) for _ in range(count)])
