"""K-means that leaves out what lies in no cluster."""

import math
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
from selfpaced.latent._search.starts import best, outliers, require_counts, require_enough
from selfpaced.weighting import Hard

Labels = NDArray[np.int64]


class Centres(NamedTuple):
    """Fitted centres.

    Args:
        centres: Shape (K, d).
        squared: Squared distances of the samples to them, shape (n, K).
    """

    centres: Floats
    squared: Floats


@dataclass(frozen=True)
class KMeansModel:
    """Samples X around K centres; the loss is the squared distance to the centre of the label.

    A cluster of which nothing is kept stays where it was; one that never had anything lies at the
    mean of what is kept.

    Args:
        X: float64, shape (n, d).
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
        """Return the nearest centre of each sample, shape (n,)."""
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
        X: Shape (n, d).
        member: How much of each sample counts in each cluster, shape (n, K).
        last: Where clusters lie of which nothing counts, shape (K, d) or (d,); None for the mean of
            all that counts.
    """
    counts, sums = member.sum(axis=0)[:, None], member.T @ X
    if last is None:
        last = sums.sum(axis=0) / counts.sum()
    return np.asarray(np.where(counts > 0, sums / np.where(counts > 0, counts, 1.0), last))


def squared_distances(X: Floats, centres: Floats) -> Floats:
    """Return squared distances, shape (n, K); a centre at a time, which loses no digits."""
    squared = np.empty((len(X), len(centres)))
    for k, centre in enumerate(centres):
        away = X - centre
        squared[:, k] = np.einsum("ij,ij->i", away, away)
    return squared


@public("selfpaced.latent")
class SelfPacedKMeans(NamesOut, TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""K-means whose centres are the means of what is easy; outliers are left out.

    .. math:: \min_{c, h, v} \sum_i v_i \lVert x_i - c_{h_i} \rVert^2 + g(v; \lambda)

    By default the age is that of ``Spheres``: a sample is left out where a uniform background is
    the likelier cause than the nearest of round clusters of one size. ``age=None`` is Lloyd's
    k-means. With ``age=Quantile(Constant(0.8))`` it is trimmed k-means.

    Args:
        n_clusters: K.
        init: First centres, shape (K, d), for one start; None for k-means++ and, every other start,
            samples drawn at random.
        age: How hard a sample may be, in the unit of squared distances; None keeps everything.
        weighting: From losses and age to weights.
        n_init: Starts, where ``init`` is None; the best result counts.
        max_iter: Rounds of a search, at most.
        tol: Two decreases of the objective, per sample and in units of the total variance, of less
            in a row end a search.
        n_jobs: How many starts run at once, by joblib; it changes no result.
        random_state: Seed of the starts.

    Attributes:
        cluster_centers_: Shape (K, d).
        labels_: The nearest centre of each sample, outliers included, int64, shape (n,).
        sample_weights_: v, float64, shape (n,): 0 for what was left out.
        outliers_: Positions of the samples left out, int64, hardest first.
        difficulty_: Squared distance to the nearest centre, float64, shape (n,).
        inertia_: Their sum, outliers included.
        history_: One row per update of the centres of the best search.
        objective_: The same as ``inertia_``.
        n_iter_: Updates of the centres.
        converged_: Whether it ended before ``max_iter``.

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
        """Keep the settings; ``fit`` looks at them."""
        self.n_clusters, self.init, self.age, self.weighting = n_clusters, init, age, weighting
        self.n_init, self.max_iter, self.tol = n_init, max_iter, tol
        self.n_jobs, self.random_state = n_jobs, random_state

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Fit self-paced.

        Args:
            X: Finite numbers, shape (n, d).
            y: Not used.
        """
        rows = self._rows(X)
        centre = rows.mean(axis=0)  # squares of large coordinates would lose digits
        away = rows - centre
        model = KMeansModel(away, self.n_clusters)
        age = None if self.age is None else self.age.of(rows, self.n_clusters)
        least = float(np.finfo(np.float64).tiny)  # where nothing differs
        stop = Stop(self.tol * float((away**2).sum()) + least, max_outer=self.max_iter)
        search = Search(age=age, weighting=self.weighting, warmup=1, stop=stop)
        starts = [squared_distances(away, c).argmin(axis=1) for c in self._centres(away, centre)]
        result: Result[Labels, Centres] = best(
            search, model, starts, self.n_jobs, type(self).__name__
        )
        return self._set(model, result, centre)

    def fit_predict(self, X: ArrayLike, y: None = None) -> Labels:
        """Fit, and return ``labels_``."""
        return np.asarray(self.fit(X).labels_)

    def predict(self, X: ArrayLike) -> Labels:
        """Return the nearest centre, shape (n,)."""
        return np.asarray(self._squared(X).argmin(axis=1))

    def transform(self, X: ArrayLike) -> Floats:
        """Return distances to the centres, shape (n, K)."""
        return np.sqrt(self._squared(X))

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Return minus the sum of squared distances to the nearest centre."""
        return -float(self._squared(X).min(axis=1).sum())

    def _rows(self, X: ArrayLike) -> Floats:
        """Look at the settings and the samples."""
        owner = type(self).__name__
        rows: Floats = validate_data(self, X, dtype=np.float64)
        require_counts(self, ("n_clusters", "n_init", "max_iter"), owner)
        require(0 <= self.tol < math.inf, f"{owner}: tol must be 0 or more; got {self.tol}.")
        require_enough(rows, self.n_clusters, owner)
        return rows

    def _centres(self, away: Floats, centre: Floats) -> list[Floats]:
        """Return first centres, an array per start."""
        if self.init is None:
            random = check_random_state(self.random_state)
            return [self._drawn(away, random, turn) for turn in range(self.n_init)]
        given, shape = np.asarray(self.init, dtype=np.float64), (self.n_clusters, away.shape[1])
        require(
            given.shape == shape,
            f"{type(self).__name__}: init must be centres of shape {shape}; got {given.shape}.",
        )
        return [given - centre]

    def _drawn(self, away: Floats, random: np.random.RandomState, turn: int) -> Floats:
        """Return centres by k-means++, or samples: k-means++ likes outliers."""
        if turn % 2 == 0:
            return np.asarray(kmeans_plusplus(away, self.n_clusters, random_state=random)[0])
        return away[random.choice(len(away), self.n_clusters, replace=False)]

    def _set(self, model: KMeansModel, result: Result[Labels, Centres], centre: Floats) -> Self:
        self.cluster_centers_ = result.w.centres + centre
        self.labels_, self.sample_weights_ = result.h, result.v
        self.difficulty_ = model.losses(result.w, result.h)
        self.outliers_ = outliers(result.v, self.difficulty_)
        self.history_ = result.history
        self.objective_ = self.inertia_ = result.objective
        self.n_iter_, self.converged_ = len(result.history), result.converged
        return self

    def _squared(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return squared_distances(rows, self.cluster_centers_)

    @property
    def _n_features_out(self) -> int:
        """Columns of ``transform``."""
        return len(self.cluster_centers_)
