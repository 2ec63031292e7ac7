"""K-means that leaves out outliers, and what the other estimators of clusters share with it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.base import ClassNamePrefixFeaturesOutMixin as NamesOut
from sklearn.cluster import kmeans_plusplus
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.age import Spheres
from selfpaced.chain import Age, Floats, Weighting
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Search, Stop
from selfpaced.latent._search.starts import best_of_starts
from selfpaced.weighting import Hard

Labels = NDArray[np.int64]

# Added to the tolerance of a search, so that the search also ends if all samples are equal.
MIN_TOLERANCE = float(np.finfo(np.float64).tiny)


class Centres(NamedTuple):
    """Fitted centres.

    Args:
        centres: Shape (K, d).
        squared: Squared distances of the samples to the centres, shape (n, K).
    """

    centres: Floats
    squared: Floats


@dataclass(frozen=True)
class KMeansModel:
    """Samples X around K centres; the loss is the squared distance to the centre of the label.

    The centre of a cluster of which no sample is kept stays where it was; in the first fit it lies
    at the mean of all samples that are kept.

    Args:
        X: Samples, float64, shape (n, d).
        clusters: K.
    """

    X: Floats
    clusters: int

    @property
    def tolerance(self) -> float:
        """Return 0: the fit is in closed form."""
        return 0.0

    def __len__(self) -> int:
        """Return n."""
        return len(self.X)

    def impute(self, w: Centres) -> Labels:
        """Return the index of the nearest centre of each sample, shape (n,)."""
        return np.asarray(w.squared.argmin(axis=1))

    def losses(self, w: Centres, h: Labels) -> Floats:
        """Return squared distances to the centres of the labels, shape (n,)."""
        return np.asarray(np.take_along_axis(w.squared, h[:, None], axis=1)[:, 0])

    def fit(self, h: Labels, v: Floats, w0: Centres | None) -> Centres:
        """Return the weighted means of the clusters."""
        member = (h[:, None] == np.arange(self.clusters)) * v[:, None]
        centres = weighted_means(self.X, member, None if w0 is None else w0.centres)
        return Centres(centres, squared_distances(self.X, centres))

    def regulariser(self, w: Centres) -> float:
        """Return 0."""
        return 0.0


def weighted_means(X: Floats, member: Floats, last: Floats | None) -> Floats:
    """Return the mean of each cluster, shape (K, d).

    Args:
        X: Samples, shape (n, d).
        member: The weight of each sample in each cluster, shape (n, K).
        last: The means of clusters without weight, shape (K, d) or (d,); None for the weighted mean
            of all samples.
    """
    counts, sums = member.sum(axis=0)[:, None], member.T @ X
    if last is None:
        last = sums.sum(axis=0) / counts.sum()
    return np.asarray(np.where(counts > 0, sums / np.where(counts > 0, counts, 1.0), last))


def squared_distances(X: Floats, centres: Floats) -> Floats:
    """Return squared distances, shape (n, K).

    They are computed from differences, one centre at a time, since |x|^2 - 2 x . c + |c|^2 would
    lose digits.
    """
    squared = np.empty((len(X), len(centres)))
    for k, centre in enumerate(centres):
        away = X - centre
        squared[:, k] = np.einsum("ij,ij->i", away, away)
    return squared


def left_out_hardest_first(v: Floats, loss: Floats) -> Labels:
    """Return the indices of the samples whose weight is below 0.5, the highest loss first."""
    left_out = np.flatnonzero(v < 0.5)
    return left_out[np.argsort(-loss[left_out], kind="stable")]


def require_positive_ints(estimator: object, names: Sequence[str], owner: str) -> None:
    """Raise unless these settings are ints of at least 1; NumPy's ints are allowed."""
    for name in names:
        value = getattr(estimator, name)
        is_int = isinstance(value, int | np.integer) and not isinstance(value, bool)
        require(is_int and value >= 1, f"{owner}: {name} must be a positive int; got {value!r}.")


def require_enough_samples(rows: Floats, clusters: int, owner: str) -> None:
    """Raise if there are fewer samples than clusters."""
    require(
        len(rows) >= clusters,
        f"{owner}: n_samples={len(rows)} should be at least the number of clusters, {clusters}.",
    )


@public("selfpaced.latent")
class SelfPacedKMeans(NamesOut, TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""K-means whose centres are the means of the samples that are kept; outliers are left out.

    .. math:: \min_{c, h, v} \sum_i v_i \lVert x_i - c_{h_i} \rVert^2 + g(v; \lambda)

    The default age, ``Spheres``, leaves out a sample if a uniform background explains it better
    than the nearest cluster does; clusters are taken to be round and of one size. ``age=None`` is
    Lloyd's k-means, ``age=Quantile(Constant(0.8))`` is trimmed k-means.

    Args:
        n_clusters: K.
        init: First centres, shape (K, d), of a single search. None for ``n_init`` searches: the
            first, third and so on start from k-means++, the others from samples drawn at random.
        age: How hard a sample may be, in the unit of squared distances; None keeps everything.
        weighting: The rule from losses and age to weights.
        n_init: Number of searches if ``init`` is None; the best result is kept.
        max_iter: Most rounds of a search.
        tol: A search ends after two smaller decreases of the objective in a row; a share of the sum
            of squared distances to the mean of all samples.
        n_jobs: How many searches run at once, by joblib; it changes no result.
        random_state: Seed or generator of the starts.

    Attributes:
        cluster_centers_: Shape (K, d).
        labels_: The nearest centre of each sample, outliers included, int64, shape (n,).
        sample_weights_: v, float64, shape (n,); 0 for samples that are left out.
        outliers_: Indices of the samples that are left out, int64, hardest first.
        difficulty_: Squared distance to the nearest centre, float64, shape (n,); higher is harder.
        inertia_: The sum of ``difficulty_``, outliers included.
        history_: One row per update of the centres in the best search.
        objective_: The same as ``inertia_``.
        n_iter_: Number of updates of the centres.
        converged_: Whether the search ended before ``max_iter`` rounds.

    Raises:
        ValueError: For settings out of range, and fewer samples than clusters.

    References:
        Cuesta-Albertos, Gordaliza, Matrán, *Trimmed k-Means: An Attempt to Robustify Quantizers*,
        Annals of Statistics 1997.

    >>> import numpy as np
    >>> X = np.concatenate([np.linspace(0, 0.4, 30), np.linspace(8, 8.4, 30), [50.0]])[:, None]
    >>> model = SelfPacedKMeans(2, random_state=0).fit(X)
    >>> np.sort(model.cluster_centers_.ravel()).round(2), model.outliers_
    (array([0.2, 8.2]), array([60]))
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: ArrayLike | None = None,
        age: Age | None = Spheres(),
        weighting: Weighting = Hard(),
        n_init: int = 10,
        max_iter: int = 300,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Store the settings; ``fit`` checks them."""
        self.n_clusters, self.init, self.age, self.weighting = n_clusters, init, age, weighting
        self.n_init, self.max_iter, self.tol = n_init, max_iter, tol
        self.n_jobs, self.random_state = n_jobs, random_state

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Fit self-paced.

        Args:
            X: Samples of finite numbers, shape (n, d).
            y: Not used.
        """
        rows = self._rows(X)
        mean = rows.mean(axis=0)
        centred = rows - mean  # squares of large coordinates would lose digits
        model = KMeansModel(centred, self.n_clusters)
        age = None if self.age is None else self.age.of(rows, self.n_clusters)
        tol = self.tol * float((centred**2).sum()) + MIN_TOLERANCE
        stop = Stop(tol, max_outer=self.max_iter)
        search = Search(age=age, weighting=self.weighting, warmup=1, stop=stop)
        first_centres = self._first_centres(centred, mean)
        starts = [squared_distances(centred, c).argmin(axis=1) for c in first_centres]
        result: Result[Labels, Centres] = best_of_starts(
            search, model, starts, self.n_jobs, type(self).__name__
        )
        return self._set(model, result, mean)

    def fit_predict(self, X: ArrayLike, y: None = None) -> Labels:
        """Fit, and return ``labels_``."""
        return np.asarray(self.fit(X).labels_)

    def predict(self, X: ArrayLike) -> Labels:
        """Return the index of the nearest centre of each sample, shape (n,)."""
        return np.asarray(self._squared(X).argmin(axis=1))

    def transform(self, X: ArrayLike) -> Floats:
        """Return distances to the centres, shape (n, K)."""
        return np.sqrt(self._squared(X))

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Return minus the sum of squared distances to the nearest centre."""
        return -float(self._squared(X).min(axis=1).sum())

    def _rows(self, X: ArrayLike) -> Floats:
        """Return the samples, float64, or raise for samples or settings that are wrong."""
        owner = type(self).__name__
        rows: Floats = validate_data(self, X, dtype=np.float64)
        require_positive_ints(self, ("n_clusters", "n_init", "max_iter"), owner)
        require(0 <= self.tol < math.inf, f"{owner}: tol must be 0 or more; got {self.tol}.")
        require_enough_samples(rows, self.n_clusters, owner)
        return rows

    def _first_centres(self, centred: Floats, mean: Floats) -> list[Floats]:
        """Return the first centres of each search, relative to the mean, each of shape (K, d)."""
        if self.init is None:
            random = check_random_state(self.random_state)
            return [self._random_centres(centred, random, turn) for turn in range(self.n_init)]
        given, shape = np.asarray(self.init, dtype=np.float64), (self.n_clusters, centred.shape[1])
        require(
            given.shape == shape,
            f"{type(self).__name__}: init must be centres of shape {shape}; got {given.shape}.",
        )
        return [given - mean]

    def _random_centres(self, centred: Floats, random: np.random.RandomState, turn: int) -> Floats:
        """Return centres by k-means++ in even turns, random samples in odd ones.

        k-means++ prefers outliers; random samples do not.
        """
        if turn % 2 == 0:
            return np.asarray(kmeans_plusplus(centred, self.n_clusters, random_state=random)[0])
        return centred[random.choice(len(centred), self.n_clusters, replace=False)]

    def _set(self, model: KMeansModel, result: Result[Labels, Centres], mean: Floats) -> Self:
        """Set the attributes from the best result."""
        self.cluster_centers_ = result.w.centres + mean
        self.labels_, self.sample_weights_ = result.h, result.v
        self.difficulty_ = model.losses(result.w, result.h)
        self.outliers_ = left_out_hardest_first(result.v, self.difficulty_)
        self.history_ = result.history
        self.objective_ = self.inertia_ = result.objective
        self.n_iter_, self.converged_ = len(result.history), result.converged
        return self

    def _squared(self, X: ArrayLike) -> Floats:
        """Return the squared distances of new samples to the centres, shape (n, K)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return squared_distances(rows, self.cluster_centers_)

    @property
    def _n_features_out(self) -> int:
        """The number of columns that ``transform`` returns."""
        return len(self.cluster_centers_)
