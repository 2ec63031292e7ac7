"""Multi-view self-paced clustering: clusters that several views of the samples share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.age import Usual
from selfpaced.chain import Age, Floats, Weighting
from selfpaced.latent._clusters.kmeans import squared_distances, weighted_means
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Search, Stop
from selfpaced.latent._search.starts import quietly, require_counts, require_enough, told
from selfpaced.weighting import Logistic

Labels = NDArray[np.int64]


class ViewCentres(NamedTuple):
    """Fitted centres.

    Args:
        centres: Of each view, shape (K, d_view).
        squared: Squared distances to them, shape (views, n, K).
        v: The weights that they were fitted with, shape (views, n).
    """

    centres: tuple[Floats, ...]
    squared: Floats
    v: Floats


@dataclass(frozen=True)
class ManyViewsModel:
    """Clusters that several views share: the labels are one for all, the centres each view's own.

    A unit is a sample in a view; those of the first view come first. The loss is its squared
    distance to the view's centre of the sample's label. Labels heed the weights of the last fit: a
    sample that is hard in one view is placed by the others.

    Args:
        views: float64, each of shape (n, d_view).
        clusters: K.
    """

    views: tuple[Floats, ...]
    clusters: int

    @property
    def tolerance(self) -> float:
        """Return 0: the fit is in closed form."""
        return 0.0

    @property
    def columns(self) -> dict[str, Tensor]:
        """Return the view of each unit, int64, for ages with ``by="view"``."""
        n, v = len(self.views[0]), len(self.views)
        return {"view": torch.arange(v).repeat_interleave(n)}

    def __len__(self) -> int:
        """Return views times n."""
        return len(self.views) * len(self.views[0])

    def impute(self, w: ViewCentres) -> Labels:
        """Return argmin over k of sum over views of v d^2, shape (n,)."""
        return place(w.squared, w.v)

    def losses(self, w: ViewCentres, h: Labels) -> Floats:
        """Return squared distances, shape (views * n,)."""
        return np.asarray(np.take_along_axis(w.squared, h[None, :, None], axis=2).ravel())

    def fit(self, h: Labels, v: Floats, w0: ViewCentres | None) -> ViewCentres:
        """Return the weighted means of the clusters in each view.

        Where a cluster has no weight in a view, it stays; at first, at the view's mean.
        """
        weights = v.reshape(len(self.views), -1)
        before = [X.mean(0) for X in self.views] if w0 is None else w0.centres
        member = h[:, None] == np.arange(self.clusters)
        centres = tuple(
            weighted_means(X, member * u[:, None], last)
            for X, u, last in zip(self.views, weights, before, strict=True)
        )
        pairs = zip(self.views, centres, strict=True)
        return ViewCentres(centres, np.stack([squared_distances(X, c) for X, c in pairs]), weights)

    def regulariser(self, w: ViewCentres) -> float:
        """Return 0."""
        return 0.0


def place(squared: Floats, v: Floats) -> Labels:
    """Return the labels, shape (n,); a sample without weight in any view is placed by all.

    Args:
        squared: Squared distances, shape (views, n, K).
        v: Weights, shape (views, n).
    """
    heeded = np.where(v.sum(axis=0) > 0, v, 1.0)
    return np.asarray(np.einsum("vn,vnk->nk", heeded, squared).argmin(axis=1))


@public("selfpaced.latent")
class MultiViewSelfPacedClustering(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""K-means over several views, with a weight for each sample in each view.

    .. math::
        \min \sum_v \sum_i w_i^{(v)} \lVert x_i^{(v)} - c^{(v)}_{h_i} \rVert^2
        + g(w_i^{(v)}; \lambda_v)

    Labels :math:`h_i` are the same in all views, centres each view's own. A sample that is hard in
    one view counts little there, and is placed by the others. The weighting is the smoothed one of
    the paper, which never reaches 0. By default the age of a view is where its losses end to be
    usual; the growing ages of self-paced learning are ``EachView()``, after which all count.
    ``age=None`` is k-means of the views beside each other.

    Args:
        n_clusters: K.
        age: How hard a sample may be in a view; None counts everything.
        weighting: From losses and age to weights.
        scale: The mean squared distance from a view's mean to which each view is scaled: the unit
            of losses and ages. The greater, the sharper is ``Logistic``.
        n_init: Starts, each by k-means++ on the views beside each other; the one whose sum of all
            losses is lowest counts.
        max_iter: Rounds of a search, at most.
        tol: Two decreases of the objective, per sample, view and ``scale``, of less in a row end a
            search.
        n_jobs: How many starts run at once, by joblib; it changes no result.
        random_state: Seed of the starts.

    Attributes:
        cluster_centers_: A list of arrays, one per view, each of shape (K, d_view).
        labels_: int64, shape (n,).
        view_weights_: w, float64, shape (views, n): of each sample in each view.
        difficulty_: Losses, float64, shape (views, n), in units of ``scale``.
        history_: One row per update of the centres of the best search.
        objective_: The sum of ``difficulty_``.
        n_iter_: Updates of the centres.
        converged_: Whether it ended before ``max_iter``.
        n_features_in_: Columns of each view, a list.

    Raises:
        TypeError: For one array in the place of a list of views.
        ValueError: For settings out of range, views of different lengths, or a view in which all
            samples are equal.

    References:
        Xu, Tao, Xu, *Multi-View Self-Paced Learning for Clustering*, IJCAI 2015.

    >>> import numpy as np
    >>> shape, colour = np.array([[0.0], [0.1], [5], [5.1]]), np.array([[1.0], [1.2], [9], [9.1]])
    >>> model = MultiViewSelfPacedClustering(2, random_state=0).fit([shape, colour])
    >>> model.predict([[[0.2], [4.9]], [[1.1], [9.2]]]).tolist() == model.labels_[[0, 2]].tolist()
    True
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        age: Age | None = Usual(),
        weighting: Weighting = Logistic(),
        scale: float = 10.0,
        n_init: int = 10,
        max_iter: int = 200,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Keep the settings; ``fit`` looks at them."""
        self.n_clusters, self.age, self.weighting, self.scale = n_clusters, age, weighting, scale
        self.n_init, self.max_iter, self.tol = n_init, max_iter, tol
        self.n_jobs, self.random_state = n_jobs, random_state

    def fit(self, X: Sequence[ArrayLike], y: None = None) -> Self:
        """Fit self-paced.

        Args:
            X: Views, each of shape (n, d_view).
            y: Not used.
        """
        views = self._views(X)
        self.n_features_in_ = [view.shape[1] for view in views]
        self._means = [view.mean(axis=0) for view in views]
        self._units = [self._unit(view, number) for number, view in enumerate(views)]
        model = ManyViewsModel(tuple(self._scaled(views)), self.n_clusters)
        beside, random = np.hstack(model.views), check_random_state(self.random_state)
        starts = [self._start(beside, random) for _ in range(self.n_init)]
        tol = self.tol * len(model) * self.scale + float(np.finfo(np.float64).tiny)
        stop = Stop(tol, max_outer=self.max_iter)
        search = Search(age=self.age, weighting=self.weighting, warmup=1, stop=stop)
        found: list[Result[Labels, ViewCentres]] = quietly(
            search, model, starts, self.n_jobs, model.columns
        )
        return self._set(model, told(found[0], search, type(self).__name__))

    def fit_predict(self, X: Sequence[ArrayLike], y: None = None) -> Labels:
        """Fit, and return ``labels_``."""
        return np.asarray(self.fit(X).labels_)

    def predict(self, X: Sequence[ArrayLike]) -> Labels:
        """Return labels of samples, shape (n,), from the same views.

        Of each sample label and weights are the best together, at the last ages: the label has the
        least sum over views of the weighting's latent loss.
        """
        check_is_fitted(self)
        views = self._views(X)
        came = [view.shape[1] for view in views]
        require(
            came == self.n_features_in_,
            f"{type(self).__name__}: views have {came} columns; fit had {self.n_features_in_}.",
        )
        centres = zip(self._scaled(views), self._centres, strict=True)
        squared = [torch.from_numpy(squared_distances(view, c)) for view, c in centres]
        ages = np.broadcast_to(self.history_[-1].age, len(views)).tolist()
        each = zip(squared, ages, strict=True)
        losses = torch.stack([self.weighting.latent_loss(d, age) for d, age in each])
        return losses.sum(dim=0).argmin(dim=1).numpy()

    def _views(self, X: Sequence[ArrayLike]) -> list[Floats]:
        """Look at the settings and the views."""
        owner = type(self).__name__
        if not isinstance(X, list | tuple):
            raise TypeError(f"{owner} takes a list of arrays, one per view; got {type(X)}.")
        require(len(X) > 0, f"{owner}: give at least one view.")
        views = [check_array(view, dtype=np.float64) for view in X]
        lengths = [len(view) for view in views]
        require(
            len(set(lengths)) == 1,
            f"{owner}: views must be of the same samples, in one order; got {lengths} rows.",
        )
        require_counts(self, ("n_clusters", "n_init", "max_iter"), owner)
        for name in ("tol", "scale"):
            value = getattr(self, name)
            good = 0 <= value < math.inf and (value > 0 or name == "tol")
            require(good, f"{owner}: {name} must be a number above 0; got {value}.")
        return views

    def _unit(self, view: Floats, number: int) -> float:
        require_enough(view, self.n_clusters, type(self).__name__)
        spread = float(((view - view.mean(axis=0)) ** 2).sum(axis=1).mean())
        require(
            spread > 0, f"{type(self).__name__}: in view {number} all samples are equal. Drop it."
        )
        return math.sqrt(spread / self.scale)

    def _scaled(self, views: list[Floats]) -> list[Floats]:
        each = zip(views, self._means, self._units, strict=True)
        return [(view - mean) / unit for view, mean, unit in each]

    def _start(self, beside: Floats, random: np.random.RandomState) -> Labels:
        centres = kmeans_plusplus(beside, self.n_clusters, random_state=random)[0]
        return np.asarray(squared_distances(beside, centres).argmin(axis=1))

    def _set(self, model: ManyViewsModel, result: Result[Labels, ViewCentres]) -> Self:
        self._centres, self.labels_ = result.w.centres, result.h
        each = zip(result.w.centres, self._means, self._units, strict=True)
        self.cluster_centers_ = [centres * unit + mean for centres, mean, unit in each]
        self.view_weights_ = result.v.reshape(len(model.views), -1)
        self.difficulty_ = model.losses(result.w, result.h).reshape(self.view_weights_.shape)
        self.history_, self.objective_ = result.history, result.objective
        self.n_iter_, self.converged_ = len(result.history), result.converged
        return self
