"""A classifier that learns from what is easy."""

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import assert_all_finite
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from selfpaced.age import Auto
from selfpaced.chain import Age, Coupling, Difficulty, Floats, Weighting
from selfpaced.difficulty import Smoothed
from selfpaced.sklearn._estimator import SelfPacedEstimator, says
from selfpaced.weighting import Hard


class SelfPacedClassifier(ClassifierMixin, SelfPacedEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""Fit a classifier to what is easy: labels that it contradicts are left out.

    Alternates, as Kumar, Packer and Koller (2010) do, between a fit with weights v and the weights
    of that fit's losses :math:`l_i = -\ln p(y_i | x_i)`; with the default, ``Hard``:

    .. math:: \min_w r(w) + \sum_i v_i s_i l_i(w), \qquad v_i = [\bar l_i < \lambda]

    where s is ``sample_weight``, :math:`\bar l` a moving average over rounds, and the age
    :math:`\lambda` is found by itself. Rows of weight 0 are not shown to the estimator, but for
    the easiest one of a class that is left out altogether.

    A flexible model (trees, boosting, networks) learns wrong labels by heart in one fit,
    and its losses tell nothing. Give it ``cv``: each row is then judged by a model that has not
    learned from it.

    Args:
        estimator: A classifier with ``predict_proba`` whose fit takes ``sample_weight``, or a
            Pipeline that ends in one; None for ``LogisticRegression(max_iter=1000)``. With
            ``warm_start=True`` each fit goes on from the last; trees cannot do that.
        age: How hard a row may be; ``Auto()`` needs no noise rate; ``Quantile(pacing)`` keeps a
            share that you know; None keeps everything: the estimator's own fit.
        rounds: How often the rows are judged. A fit whose weights did not change is not repeated.
            Too few to end a probe of ``Auto`` (by default, fewer than 8) make none.
        weighting: From difficulty and age to weight.
        difficulty: From a row's losses to its difficulty.
        couple: Ties rows together, such as ``RankInGroup``; by default nothing.
        cv: None judges rows by the model that learned from them, as in the paper; an int, a
            splitter or splits judge them by folds.
        n_jobs: How many folds are fitted at once, by joblib: -1 for one per core; None for one, or
            for what ``joblib.parallel_config`` says. The result does not depend on it.
        random_state: Seed of the folds, and of the estimator where it has none of its own.

    Attributes:
        estimator_: The classifier, fitted to what is easy at the end.
        classes_: The labels, sorted, shape (classes,).
        n_features_in_: Columns of X, where the estimator counts them.
        feature_names_in_: Their names, where they are all strings.
        weights_: v, from 0, left out, to 1, float64, shape (n,); without ``sample_weight``.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows never judged, such as those
            of ``sample_weight`` 0.
        suspects_: Positions of the judged rows, int64, most suspicious first.
        history_: One dict per round.
        n_rounds_: How many there were.

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
        """Keep the settings; ``fit`` looks at them."""
        self.estimator, self.age, self.rounds = estimator, age, rounds
        self.weighting, self.difficulty, self.couple = weighting, difficulty, couple
        self.cv, self.n_jobs, self.random_state = cv, n_jobs, random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit self-paced.

        Args:
            X: What the estimator reads: an array, sparse, a data frame, ...; n rows.
            y: Labels of any kind, shape (n,).
            sample_weight: 0 or more, shape (n,). Multiplies the weights and counts as mass in
                shares; 0 is as good as not there.

        Returns:
            Itself.

        Raises:
            TypeError: For an estimator that is no classifier, or lacks ``predict_proba`` or
                ``sample_weight``, and for slots of a wrong kind.
            ValueError: For shapes that do not fit, labels that are no classes, settings that do
                not fit together, and an age that leaves out everything.
        """
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        rows = self._rows(X, labels, sample_weight, classes=True)
        self.classes_ = np.unique(labels[rows.counts > 0])
        codes = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        return self._search(rows, {"group": torch.from_numpy(codes)})

    @available_if(says("predict_proba"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities, shape (n, classes), in the order of ``classes_``."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X))

    @available_if(says("predict_log_proba"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_log_proba(self, X: Any) -> Floats:
        """Return logarithms of probabilities, shape (n, classes)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_log_proba(X))

    @available_if(says("decision_function"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def decision_function(self, X: Any) -> Floats:
        """Return what the estimator decides by, shape (n,) for two classes, or (n, classes)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.decision_function(X))

    def _default(self) -> Any:
        return LogisticRegression(max_iter=1000)
