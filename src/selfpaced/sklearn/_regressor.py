"""The self-paced regressor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
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
    r"""Fit a regressor to the easy rows, and leave out targets far from its predictions.

    It works as ``SelfPacedClassifier`` does, with the squared error as the loss. The default age,
    ``Deviations()``, leaves out residuals beyond three standard deviations, which it estimates from
    the median residual.

    Args:
        estimator: A regressor whose fit takes ``sample_weight``, or a Pipeline that ends in one;
            None for ``Ridge()``.
        age: How hard a row may be; None keeps all rows, which is the estimator's own fit.
        rounds, weighting, difficulty, couple, cv, n_jobs, random_state: As in
            ``SelfPacedClassifier``; flexible models need ``cv`` here, too.

    Attributes:
        estimator_: The regressor, fitted to the rows that are easy after the last round.
        weights_, difficulty_, suspects_, history_, n_rounds_, n_features_in_, feature_names_in_:
            As in ``SelfPacedClassifier``.

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
        """Keep the settings; ``fit`` checks them."""
        self.estimator, self.age, self.rounds = estimator, age, rounds
        self.weighting, self.difficulty, self.couple = weighting, difficulty, couple
        self.cv, self.n_jobs, self.random_state = cv, n_jobs, random_state

    def _default(self) -> Any:
        """Return the estimator that is used where none is given."""
        return Ridge()

    def _targets(self, y: Any) -> NDArray[Any]:
        """Return the targets as finite numbers, shape (n,)."""
        numbers: NDArray[Any] = column_or_1d(y, warn=True)
        if numbers.dtype.kind in "OUS":
            numbers = numbers.astype(np.float64)
        assert_all_finite(numbers, input_name="y")
        return numbers
