"""Matrix factorisation that learns from the entries that are easy."""

import warnings
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from selfpaced._errors import require, require_positive_int
from selfpaced._public import public
from selfpaced.age import Deviations
from selfpaced.chain import Age, Floats, Weighting
from selfpaced.latent._factors.model import FactorModel, Factors
from selfpaced.latent._factors.ratings import Ratings, read_places, read_ratings
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Search, Stop
from selfpaced.weighting import Hard

Places = NDArray[np.int64]


MUCH = 0.1  # of the ratings; to leave out more is warned of


@public("selfpaced.latent")
class SelfPacedFactorisation(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Factorise a matrix with missing entries; entries far from what it says are left out.

    .. math:: \min \sum_{ij} v_{ij} (r_{ij} - \mu - b_i - c_j - p_i^T q_j)^2 + g(v_{ij}; \lambda)
        + \rho \, (\lVert P \rVert^2 + \lVert b \rVert^2 + \lVert Q \rVert^2 + \lVert c \rVert^2)

    The age is in the unit of a squared residual. ``Deviations()``, the default, leaves out what
    lies beyond three standard deviations, told from the median residual: next to nothing where the
    residuals of right ratings are normal, and of wrong ones those that harm most. Of zeros and
    ones, counts, or nearly always the same value it leaves out the rare ones, and of numbers
    without noise what is fitted late: over a tenth left out is warned of, and ``age=None`` is
    plain. ``Deviations(2.5)`` leaves out more, which pays where many are known to be wrong and
    costs where none is. Soft weights, as in the paper, are ``weighting=Mixture2(...)``.

    A user or an item that was not seen, or of which nothing was kept, has zeros: its predictions
    are the mean and the other's bias.

    Args:
        n_components: Factors of each user and item, the rank.
        regularisation: The rho, beside a plain sum of squares; above 0.
        age: How hard an entry may be; None for plain alternating least squares.
        weighting: From squared residual and age to weight.
        n_init: Searches from so many first factors; the lowest objective is kept.
        max_iter: Rounds of one search at most, with a ``NotConverged`` warning.
        tol: A decrease by less ends a fit, and the search; a share of the sum of squares of the
            ratings around their mean.
        random_state: Of the first factors.
        n_jobs: How many searches run at once; it changes no result.

    Attributes:
        mean_: mu.
        user_factors_: P, shape (users, n_components).
        item_factors_: Q, shape (items, n_components).
        user_biases_: b, shape (users,).
        item_biases_: c, shape (items,).
        entries_: User and item of each entry, in the order of ``weights_``, int64, shape (n, 2).
        weights_: v of the last fit, from 0, left out, to 1, shape (n,).
        residuals_: Rating less what the factors say, shape (n,).
        suspects_: Places in ``entries_``, those most probably wrong first: by size of residual,
            int64, shape (n,).
        objective_: The sum of squared residuals and the regulariser, with all weights 1.
        history_: One row per fit: objectives, age, kept share, seconds.
        converged_: Whether the search ended by itself.

    Raises:
        TypeError: For counts that are no ints, and users or items that are no integers.
        ValueError: For settings out of range, shapes that do not fit, no ratings, and ratings that
            are not finite.

    References:
        Zhao, Meng, Jiang, Xie, Xu, Hauptmann, `Self-Paced Learning for Matrix Factorization
        <https://doi.org/10.1609/aaai.v29i1.9584>`_, AAAI 2015: weights of entries, hard and soft,
        with a growing age and without biases. The age that ends at some deviations is ours.

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
        """Keep the settings as they are."""
        self.n_components, self.regularisation = n_components, regularisation
        self.age, self.weighting = age, weighting
        self.n_init, self.max_iter, self.tol = n_init, max_iter, tol
        self.random_state, self.n_jobs = random_state, n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:  # arrays, sparse or dense
        """Fit self-paced.

        Args:
            X: With y, pairs of user and item, integers from 0, shape (n, 2). Else a scipy sparse
                matrix of the known entries, users times items, or an array with NaN for the others.
            y: Ratings of the pairs, shape (n,), or None.
        """
        self._require_settings()
        ratings = read_ratings(X, y)
        stop = Stop(min_outer=2, max_outer=self.max_iter)
        # One fit a round: to an age of the last residuals a second would leave out ever more.
        search = Search(self.age, self.weighting, warmup=1, stop=stop, max_inner=1)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=self.n_init)
        models = [self._model(ratings, seed) for seed in seeds.tolist()]
        once = delayed(search.__call__)
        results = Parallel(self.n_jobs)(once(model, None) for model in models)
        return self._keep(ratings, min(results, key=lambda result: result.objective))

    def predict(self, users: Any, items: Any) -> Floats:  # what NumPy reads
        """Return what the factors say of each pair.

        Args:
            users: Integers from 0, shape (n,).
            items: Integers from 0, shape (n,).
        """
        check_is_fitted(self)
        i, j = read_places(users, "users"), read_places(items, "items")
        require(
            i.ndim == 1 and i.shape == j.shape,
            f"SelfPacedFactorisation.predict needs as many users as items, shapes (n,); got "
            f"{i.shape} and {j.shape}.",
        )
        tables = [
            np.pad(np.column_stack(table), ((0, 1), (0, 0)))  # the last row is of the unseen
            for table in (
                (self.user_factors_, self.user_biases_),
                (self.item_factors_, self.item_biases_),
            )
        ]
        known = [np.minimum(at, len(table) - 1) for at, table in zip((i, j), tables, strict=True)]
        return Factors(self.mean_, *tables).at(*known)

    def score(self, X: Any, y: Any = None) -> float:  # as fit takes them
        """Return R2 of the ratings, at best 1, in any form that ``fit`` takes."""
        ratings = read_ratings(X, y)
        return float(r2_score(ratings.values, self.predict(ratings.users, ratings.items)))

    def _require_settings(self) -> None:
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
        return FactorModel(
            ratings,
            n_components=self.n_components,
            ridge=self.regularisation,
            seed=seed,
            tol=self.tol,
        )

    def _keep(self, ratings: Ratings, best: Result[None, Factors]) -> Self:
        """Set what a user reads."""
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
        left = float((best.v == 0).mean())
        if self.age is not None and left > MUCH:
            warnings.warn(
                f"SelfPacedFactorisation left out {left:.0%} of the ratings. If most of them are "
                f"right, use age=None, or a higher Deviations(limit).",
                UserWarning,
                stacklevel=3,
            )
        return self
