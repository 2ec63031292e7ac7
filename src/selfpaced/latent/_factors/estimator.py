"""Matrix factorisation that leaves out the entries with large residuals."""

import warnings
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from selfpaced._errors import require, require_positive_int
from selfpaced._public import public
from selfpaced.age import Deviations
from selfpaced.chain import Age, Floats, Weighting
from selfpaced.latent._factors.model import FactorModel, Factors
from selfpaced.latent._factors.ratings import Ratings, read_indices, read_ratings
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Search, Stop
from selfpaced.weighting import Hard

# The estimator warns if it leaves out more than this share of the ratings.
MAX_LEFT_OUT = 0.1


@public("selfpaced.latent")
class SelfPacedFactorisation(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Factorise a matrix with missing entries; entries with large residuals are left out.

    .. math:: \min \sum_{ij} v_{ij} (r_{ij} - \mu - b_i - c_j - p_i^T q_j)^2 + g(v_{ij}; \lambda)
        + \rho \, (\lVert P \rVert^2 + \lVert b \rVert^2 + \lVert Q \rVert^2 + \lVert c \rVert^2)

    The age is in the unit of a squared residual. The default, ``Deviations()``, leaves out entries
    beyond three standard deviations, estimated from the median residual. If the residuals of right
    ratings are normal, it leaves out very few of them, and the most harmful of the wrong ones.

    The default does not suit all data. Of zeros and ones, of counts, and of ratings that are nearly
    all the same, it leaves out the rare values; of numbers without noise, those that are fitted
    late. If it leaves out more than a tenth, it warns; ``age=None`` keeps everything.
    ``Deviations(2.5)`` leaves out more, which helps if many ratings are known to be wrong and does
    harm if none is. ``weighting=Mixture2(...)`` gives soft weights, as in the paper.

    A user or an item that was not seen, or of which no entry was kept, has factors and a bias of 0.
    Its predictions are the mean plus the bias of the other side.

    Args:
        n_components: Number of factors of each user and item, the rank.
        regularisation: The rho of the formula; above 0.
        age: How hard an entry may be; None for plain alternating least squares.
        weighting: The rule from squared residual and age to weight.
        n_init: Number of searches, each from other first factors. The result of lowest objective is
            kept.
        max_iter: Most rounds of one search; a search that needs more warns with ``NotConverged``.
        tol: A smaller decrease of the objective ends a fit and the search; a share of the sum of
            squares of the ratings around their mean.
        random_state: Seed or generator of the first factors.
        n_jobs: How many searches run at once; it changes no result.

    Attributes:
        mean_: mu.
        user_factors_: P, shape (users, n_components).
        item_factors_: Q, shape (items, n_components).
        user_biases_: b, shape (users,).
        item_biases_: c, shape (items,).
        entries_: User and item of each entry, in the order of ``weights_``, int64, shape (n, 2).
        weights_: v of the last fit, from 0, left out, to 1, shape (n,).
        residuals_: Rating minus prediction, shape (n,).
        suspects_: Indices into ``entries_``, the largest absolute residual first, int64, shape
            (n,). The first are the most probably wrong.
        objective_: The sum of squared residuals plus the regulariser, with all weights 1.
        history_: One row per fit: objectives, age, kept share, seconds.
        converged_: Whether the search ended before its limit of rounds.

    Raises:
        TypeError: For counts that are not ints, and users or items that are not integers.
        ValueError: For settings out of range, shapes that do not fit, no ratings, and ratings that
            are not finite.

    References:
        Zhao, Meng, Jiang, Xie, Xu, Hauptmann, `Self-Paced Learning for Matrix Factorization
        <https://doi.org/10.1609/aaai.v29i1.9584>`_, AAAI 2015: hard and soft weights of entries,
        with a growing age and without biases. The age ``Deviations`` is not from the paper.

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> ratings = random.normal(size=(30, 2)) @ random.normal(size=(2, 20))
    >>> ratings += 0.3 * random.normal(size=(30, 20))
    >>> ratings[3, 4] += 6.0
    >>> model = SelfPacedFactorisation(2, regularisation=1.0, random_state=0).fit(ratings)
    >>> model.entries_[model.suspects_[0]].tolist(), model.weights_[model.suspects_[0]]
    ([3, 4], np.float64(0.0))
    """

    def __init__(
        self,
        n_components: int = 10,
        *,
        regularisation: float = 10.0,
        age: Age | None = Deviations(),
        weighting: Weighting = Hard(),
        n_init: int = 1,
        max_iter: int = 100,
        tol: float = 1e-4,
        random_state: Any = None,  # as scikit-learn's
        n_jobs: int | None = None,
    ) -> None:
        """Store the settings; ``fit`` checks them."""
        self.n_components, self.regularisation = n_components, regularisation
        self.age, self.weighting = age, weighting
        self.n_init, self.max_iter, self.tol = n_init, max_iter, tol
        self.random_state, self.n_jobs = random_state, n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:  # Any: arrays, sparse or dense
        """Fit self-paced.

        Args:
            X: With y, pairs of user and item, integers from 0, shape (n, 2). Without y, a scipy
                sparse matrix of the known entries, users times items, or an array with NaN for the
                unknown ones.
            y: Ratings of the pairs, shape (n,), or None.
        """
        self._require_settings()
        ratings = read_ratings(X, y)
        stop = Stop(min_outer=2, max_outer=self.max_iter)
        # One fit per round: further fits at the age of the last residuals would leave out more and
        # more entries.
        search = Search(self.age, self.weighting, warmup=1, stop=stop, max_inner=1)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.n_init)
        models = [self._model(ratings, seed) for seed in seeds.tolist()]
        run_search = delayed(search.__call__)
        results = Parallel(self.n_jobs)(run_search(model, None) for model in models)
        return self._set(ratings, min(results, key=lambda result: result.objective))

    def predict(self, users: Any, items: Any) -> Floats:  # Any: what NumPy reads
        """Return the predicted rating of each pair, shape (n,).

        Args:
            users: Integers from 0, shape (n,).
            items: Integers from 0, shape (n,).
        """
        check_is_fitted(self)
        i, j = read_indices(users, "users"), read_indices(items, "items")
        require(
            i.ndim == 1 and i.shape == j.shape,
            f"SelfPacedFactorisation.predict needs as many users as items, shapes (n,); got "
            f"{i.shape} and {j.shape}.",
        )
        tables = [
            np.pad(np.column_stack(table), ((0, 1), (0, 0)))  # a last row of zeros for the unseen
            for table in (
                (self.user_factors_, self.user_biases_),
                (self.item_factors_, self.item_biases_),
            )
        ]
        rows = [np.minimum(at, len(table) - 1) for at, table in zip((i, j), tables, strict=True)]
        return Factors(self.mean_, *tables).at(*rows)

    def score(self, X: Any, y: Any = None) -> float:  # Any: as fit takes them
        """Return R2 of ratings, at best 1; they may have any form that ``fit`` takes."""
        ratings = read_ratings(X, y)
        return float(r2_score(ratings.values, self.predict(ratings.users, ratings.items)))

    def _require_settings(self) -> None:
        """Raise for settings out of range."""
        for name in ("n_components", "n_init", "max_iter"):
            require_positive_int(name, getattr(self, name), "SelfPacedFactorisation")
        require(
            0 < self.regularisation < np.inf,
            f"SelfPacedFactorisation: regularisation must be above 0; got {self.regularisation}.",
        )
        require(
            0 <= self.tol < 1,
            f"SelfPacedFactorisation: tol must be 0 or more, and below 1; got {self.tol}.",
        )

    def _model(self, ratings: Ratings, seed: int) -> FactorModel:
        """Return the latent model whose first factors come from the seed."""
        return FactorModel(
            ratings,
            n_components=self.n_components,
            ridge=self.regularisation,
            seed=seed,
            tol=self.tol,
        )

    def _set(self, ratings: Ratings, best: Result[None, Factors]) -> Self:
        """Set the attributes from the best result; warn if much was left out."""
        w = best.w
        self.mean_ = w.mean
        self.user_factors_, self.user_biases_ = w.users[:, :-1], w.users[:, -1]
        self.item_factors_, self.item_biases_ = w.items[:, :-1], w.items[:, -1]
        self.entries_ = np.column_stack([ratings.users, ratings.items])
        self.weights_ = best.v
        self.residuals_ = ratings.values - w.at(ratings.users, ratings.items)
        self.suspects_ = np.argsort(-np.abs(self.residuals_), kind="stable")
        self.objective_, self.history_ = best.objective, best.history
        self.converged_ = best.converged
        left_out = float((best.v == 0).mean())
        if self.age is not None and left_out > MAX_LEFT_OUT:
            warnings.warn(
                f"SelfPacedFactorisation left out {left_out:.0%} of the ratings. If most of them "
                f"are right, use age=None, or a higher Deviations(limit).",
                UserWarning,
                stacklevel=3,
            )
        return self
