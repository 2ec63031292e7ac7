"""A regressor that learns from what is easy."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import column_or_1d

from selfpaced.age import Deviations
from selfpaced.chain import Age, Coupling, Difficulty, Weighting
from selfpaced.difficulty import Smoothed
from selfpaced.sklearn._estimator import SelfPacedEstimator
from selfpaced.weighting import Hard


class SelfPacedRegressor(RegressorMixin, SelfPacedEstimator):  # type: ignore[misc]  # sklearn has no types
    r"""Fit a regressor to what is easy: numbers far from what it says are left out.

    As ``SelfPacedClassifier``, with the squared error as the loss; ``Deviations()``, the default,
    leaves out what lies beyond three standard deviations, told from the median residual.

    Args:
        estimator: A regressor whose fit takes ``sample_weight``, or a Pipeline that ends in one;
            None for ``Ridge()``.
        age: How hard a row may be; None keeps everything: the estimator's own fit.
        rounds: How often the rows are judged.
        weighting: From difficulty and age to weight.
        difficulty: From a row's losses to its difficulty.
        couple: Ties rows together; by default nothing.
        cv: None judges rows by the model that learned from them; an int, a splitter or splits
            judge them by folds, as flexible models need it.
        n_jobs: How many folds are fitted at once, by joblib: -1 for one per core; None for one, or
            for what ``joblib.parallel_config`` says. The result does not depend on it.
        random_state: Seed of the folds, and of the estimator where it has none of its own.

    Attributes:
        estimator_: The regressor, fitted to what is easy at the end.
        n_features_in_: Columns of X, where the estimator counts them.
        feature_names_in_: Their names, where they are all strings.
        weights_: v, from 0, left out, to 1, float64, shape (n,); without ``sample_weight``.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows never judged.
        suspects_: Positions of the judged rows, int64, most suspicious first.
        history_: One dict per round.
        n_rounds_: How many there were.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import numpy as np
    >>> X = np.arange(30.0)[:, None]
    >>> y = 2 * X[:, 0] + np.sin(X[:, 0])
    >>> y[7] = 300.0
    >>> model = SelfPacedRegressor().fit(X, y)
    >>> model.suspects_[:1], model.weights_[7], model.predict([[7.0]]).round()
    (array([7]), np.float64(0.0), array([14.]))
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        age: Age | None = Deviations(),
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
            y: Finite numbers, shape (n,).
            sample_weight: 0 or more, shape (n,). Multiplies the weights and counts as mass in
                shares; 0 is as good as not there.

        Returns:
            Itself.

        Raises:
            TypeError: For an estimator that is no regressor or lacks ``sample_weight``, and for
                slots of a wrong kind.
            ValueError: For shapes that do not fit, targets that are no finite numbers, settings
                that do not fit together, and an age that leaves out everything.
        """
        numbers = column_or_1d(y, warn=True)
        if numbers.dtype.kind in "OUS":
            numbers = numbers.astype(np.float64)
        assert_all_finite(numbers, input_name="y")
        rows = self._rows(X, numbers, sample_weight, classes=False)
        return self._search(rows, {})

    def _default(self) -> Any:
        return Ridge()
