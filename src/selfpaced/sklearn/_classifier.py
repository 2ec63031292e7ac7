"""The self-paced classifier."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import assert_all_finite
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from selfpaced.age import Auto
from selfpaced.chain import Age, Coupling, Difficulty, Floats, Weighting
from selfpaced.difficulty import Smoothed
from selfpaced.sklearn._estimator import SelfPacedEstimator, estimator_has
from selfpaced.sklearn._rows import Rows
from selfpaced.weighting import Hard


class SelfPacedClassifier(ClassifierMixin, SelfPacedEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""Fit a classifier to the easy rows, and leave out rows whose label it contradicts.

    Two steps alternate, as in Kumar, Packer and Koller (2010): fit the estimator with weights v,
    then compute v from the losses :math:`l_i = -\ln p(y_i | x_i)` of that fit. With the default
    weighting, ``Hard``:

    .. math:: \min_w r(w) + \sum_i v_i s_i l_i(w), \qquad v_i = [\bar l_i < \lambda]

    where s is ``sample_weight``, :math:`\bar l` a moving average over rounds, and the default age
    chooses :math:`\lambda` from the losses. The estimator is not shown rows of weight 0. The one
    exception: if all rows of a class have weight 0, the easiest of them is used.

    A flexible model (trees, boosting, networks) memorises wrong labels in one fit, and its losses
    do not reveal them. Set ``cv`` for such a model: each row is then judged by a model that was
    not fitted to it.

    Args:
        estimator: A classifier with ``predict_proba`` whose fit takes ``sample_weight``, or a
            Pipeline that ends in one; None for ``LogisticRegression(max_iter=1000)``. With
            ``warm_start=True`` each fit continues the previous one; trees do not allow this.
        age: How hard a row may be. ``Auto()`` needs no noise rate; ``Quantile(pacing)`` keeps a
            share that you know; None keeps all rows, which is the estimator's own fit.
        rounds: How often the rows are judged. A fit whose weights did not change is not repeated.
            If the rounds are too few for a probe of ``Auto`` and two fits after it (by default,
            fewer than 10), none is made.
        weighting: The rule from difficulty and age to weight.
        difficulty: How the losses of a row make its difficulty.
        couple: Ties rows together, such as ``RankInGroup``; None ties none.
        cv: None judges rows by the model that was fitted to them, as in the paper; an int, a
            splitter or splits judge them by cross-validation.
        n_jobs: How many folds joblib fits at the same time: -1 for one per core; None for one, or
            for what ``joblib.parallel_config`` says. The result does not depend on it.
        random_state: Seed of the folds, and of the estimator where it has no seed of its own.

    Attributes:
        estimator_: The classifier, fitted to the rows that are easy after the last round.
        classes_: The labels, sorted, shape (classes,).
        n_features_in_: Number of columns of X, where the estimator counts them.
        feature_names_in_: Names of the columns of X, where all names are strings.
        weights_: The weights v, from 0 (left out) to 1, float64, shape (n,). ``sample_weight`` is
            not multiplied in.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows that were never judged,
            such as rows with ``sample_weight`` 0.
        suspects_: Positions of the judged rows, int64, most suspicious first.
        history_: One dict per round.
        n_rounds_: Number of rounds.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import numpy as np
    >>> X = np.concatenate([np.arange(30.0), np.arange(30.0) + 100])[:, None]
    >>> y = np.repeat(["low", "high"], 30)
    >>> y[7] = "high"
    >>> model = SelfPacedClassifier().fit(X, y)
    >>> model.suspects_[:1], model.predict([[7.0]])
    (array([7]), array(['low'], dtype='<U4'))
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        age: Age | None = Auto(),
        rounds: int = 10,
        weighting: Weighting = Hard(),
        difficulty: Difficulty = Smoothed(0.7),
        couple: Coupling | None = None,
        cv: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        """Keep the settings; ``fit`` checks them."""
        self.estimator, self.age, self.rounds = estimator, age, rounds
        self.weighting, self.difficulty, self.couple = weighting, difficulty, couple
        self.cv, self.n_jobs, self.random_state = cv, n_jobs, random_state

    @available_if(estimator_has("predict_proba"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities, shape (n, classes), in the order of ``classes_``."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X))

    @available_if(estimator_has("predict_log_proba"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_log_proba(self, X: Any) -> Floats:
        """Return logarithms of probabilities, shape (n, classes)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_log_proba(X))

    @available_if(estimator_has("decision_function"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def decision_function(self, X: Any) -> Floats:
        """Return the estimator's decision values, shape (n,) for two classes, or (n, classes)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.decision_function(X))

    def _default(self) -> Any:
        """Return the estimator that is used where none is given."""
        return LogisticRegression(max_iter=1000)

    def _targets(self, y: Any) -> NDArray[Any]:
        """Return the labels, shape (n,), after checking that they are classes."""
        labels: NDArray[Any] = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        return labels

    def _columns(self, rows: Rows) -> dict[str, torch.Tensor]:
        """Set ``classes_``; return the column of class codes, which protects each class."""
        self.classes_ = np.unique(rows.y[rows.counts > 0])
        codes = np.searchsorted(self.classes_, rows.y).clip(max=len(self.classes_) - 1)
        return {"group": torch.from_numpy(codes)}
