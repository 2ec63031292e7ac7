"""Ensembles of scikit-learn estimators whose training can continue with each call of ``fit``."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from selfpaced.audit._learning.inputs import Inputs, View
from selfpaced.chain import Floats

# The kinds of estimators. The last three read texts.
Kind = Literal["logistic", "kernel", "boosting", "trees", "words", "letters", "bayes"]

# What each kind reads.
VIEWS: dict[Kind, View] = {
    "logistic": "dense",
    "kernel": "dense",
    "boosting": "dense",
    "trees": "dense",
    "words": "words",
    "letters": "letters",
    "bayes": "words",
}
# Iterations of L-BFGS that one round of logistic regression adds.
SOLVER_STEPS = 4
# The number of boosting iterations that a round adds: each is one tree per class.
BOOSTED = 9
# The number of randomised trees that a round adds.
TREES = 13
# Inverse strengths of the penalty of logistic regression, by kind.
STRENGTH: dict[Kind, float] = {"logistic": 0.05, "kernel": 1.0, "words": 10.0, "letters": 5.0}
# The number of landmarks of the kernel.
LANDMARKS = 300
# The number of bins of a column for boosting; scikit-learn allows no more.
MOST_BINS = 255


@dataclass(eq=False)
class Ensemble:
    """Estimators of one kind that were fitted to different rows; predictions are their mean.

    Args:
        kind: The kind.
        inputs: A fitted transformer that turns the view of this kind into the inputs of the
            estimators.
        estimators: The estimators; all of them know the same classes.
    """

    kind: Kind
    inputs: Any
    estimators: list[Any]

    def learn_inputs(self, inputs: Inputs) -> Any:
        """Fit the transformer, and return the inputs of the estimators."""
        return self.inputs.fit_transform(inputs.view(VIEWS[self.kind]))

    def grow(self, rounds: int) -> None:
        """Let the next ``fit`` of each estimator continue to the end of this many rounds."""
        for estimator in self.estimators:
            if self.kind == "boosting":
                estimator.set_params(max_iter=BOOSTED * rounds)
            elif self.kind == "trees":
                estimator.set_params(n_estimators=TREES * rounds)

    def predict(self, inputs: Inputs, classes: int | None) -> Floats:
        """Return the mean prediction.

        Args:
            inputs: The samples.
            classes: Number of classes C; None for numbers.

        Returns:
            float64: probabilities, shape (n, C), or numbers, shape (n,). A class that the
            estimators do not know has probability 0.
        """
        rows = self.inputs.transform(inputs.view(VIEWS[self.kind]))
        each = [predictions(estimator, rows, classes) for estimator in self.estimators]
        return np.asarray(np.mean(each, axis=0))


def predictions(estimator: Any, rows: Any, classes: int | None) -> Floats:
    """Return the predictions of a scikit-learn estimator, as ``Ensemble.predict`` does."""
    if classes is None:
        return np.asarray(estimator.predict(rows), np.float64).reshape(-1)
    probabilities = np.zeros((rows.shape[0], classes))
    probabilities[:, estimator.classes_] = estimator.predict_proba(rows)
    return probabilities


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
        # The name of the attribute is part of saved models: renaming it needs another layout.
        self.steps_ = [_edges(column) for column in rows.T]
        return self

    def transform(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the number of the bin of each value, uint8, shape (n, columns)."""
        bins = np.empty(rows.shape, np.uint8)
        for column, edges in zip(range(rows.shape[1]), self.steps_, strict=True):
            bins[:, column] = np.searchsorted(edges, rows[:, column])
        return bins


def _edges(column: NDArray[Any]) -> Floats:
    """Return the inner edges of the bins: between the values, or quantiles if there are many."""
    values = np.unique(column).astype(np.float64)
    if len(values) <= MOST_BINS:
        return np.asarray((values[1:] + values[:-1]) / 2)
    shares = np.linspace(0, 1, MOST_BINS + 1)[1:-1]
    return np.unique(np.quantile(column.astype(np.float64), shares))


def make(kind: Kind, inputs: Inputs, numeric: bool, count: int, seed: int) -> Ensemble:
    """Make several estimators of one kind whose training continues each time they are fitted.

    Args:
        kind: The kind of estimator.
        inputs: The samples that they will learn from.
        numeric: True for a regression, False for a classification.
        count: Number of estimators.
        seed: Seed of randomised estimators, from 0 to 2**32 - 1.
    """
    estimator = _linear(kind, numeric) if kind in STRENGTH else _others(kind, numeric, seed)
    copies = [clone(estimator) for _ in range(count)]
    return Ensemble(kind, _transformer(kind, inputs, seed), copies)


def _linear(kind: Kind, numeric: bool) -> Any:
    """Return logistic regression, or ridge regression for numbers."""
    if numeric:
        return Ridge()
    return LogisticRegression(C=STRENGTH[kind], max_iter=SOLVER_STEPS, warm_start=True)


def _others(kind: Kind, numeric: bool, seed: int) -> Any:
    """Return an estimator that is not linear; its module is imported only where it is used."""
    if kind == "bayes":
        from sklearn.naive_bayes import ComplementNB

        return ComplementNB(alpha=0.5)
    from sklearn import ensemble

    if kind == "trees":
        return ensemble.ExtraTreesClassifier(
            TREES, min_samples_leaf=3, warm_start=True, random_state=seed
        )
    classifier, regressor = (
        ensemble.HistGradientBoostingClassifier,
        ensemble.HistGradientBoostingRegressor,
    )
    return (regressor if numeric else classifier)(
        learning_rate=0.1,
        l2_regularization=5.0,
        max_features=0.5,
        max_bins=MOST_BINS,
        early_stopping=False,
        warm_start=True,
        random_state=seed,
    )


def _transformer(kind: Kind, inputs: Inputs, seed: int) -> Any:
    """Return what turns the view of a kind into inputs, before it is fitted."""
    if kind == "boosting":
        return Bins()
    # Pixels are not scaled yet; other numbers are, and a text's must keep their proportions.
    scaled = kind in ("logistic", "kernel") and inputs.dense.dtype == np.uint8
    first = StandardScaler() if scaled else FunctionTransformer()
    if kind != "kernel":
        return first
    from sklearn.kernel_approximation import Nystroem
    from sklearn.pipeline import make_pipeline

    columns = int(np.prod(inputs.dense.shape[1:]))
    landmarks = min(LANDMARKS, len(inputs))
    return make_pipeline(
        first, Nystroem(gamma=0.5 / columns, n_components=landmarks, random_state=seed)
    )
