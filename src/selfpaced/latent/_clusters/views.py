"""Multi-view self-paced clustering: one set of clusters for several views of the samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.age import Usual
from selfpaced.chain import Age, Floats, Weighting
from selfpaced.latent._clusters.kmeans import (
    MIN_TOLERANCE,
    Labels,
    require_enough_samples,
    require_positive_ints,
    squared_distances,
    weighted_means,
)
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Search, Stop
from selfpaced.latent._search.starts import restarts_without_warnings, warn_if_not_converged
from selfpaced.weighting import Logistic


class ViewCentres(NamedTuple):
    """Fitted centres.

    Args:
        centres: The centres of each view, each of shape (K, d_view).
        squared: Squared distances of the samples to the centres, shape (views, n, K).
        v: The weights that the centres were fitted with, shape (views, n).
    """

    centres: tuple[Floats, ...]
    squared: Floats
    v: Floats


@dataclass(frozen=True)
class ManyViewsModel:
    """Clusters of several views: all views have the same labels, each view its own centres.

    A unit is a sample in a view; the units of the first view come first. Its loss is the squared
    distance to the centre, in this view, of the sample's label. Labels depend on the weights of the
    last fit: a sample that is hard in one view gets its label from the others.

    Args:
        views: Samples in each view, float64, each of shape (n, d_view).
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
        """Return the number of units, views times n."""
        return len(self.views) * len(self.views[0])

    def impute(self, w: ViewCentres) -> Labels:
        """Return argmin over k of sum over views of v d^2, shape (n,)."""
        return nearest(w.squared, w.v)

    def losses(self, w: ViewCentres, h: Labels) -> Floats:
        """Return squared distances, shape (views * n,)."""
        return np.asarray(np.take_along_axis(w.squared, h[None, :, None], axis=2).ravel())

    def fit(self, h: Labels, v: Floats, w0: ViewCentres | None) -> ViewCentres:
        """Return the weighted means of the clusters in each view.

        The centre of a cluster without weight in a view stays where it was; in the first fit it is
        the mean of the view.
        """
        weights = v.reshape(len(self.views), -1)
        before = [X.mean(0) for X in self.views] if w0 is None else w0.centres
        member = h[:, None] == np.arange(self.clusters)
        centres = tuple(
            weighted_means(X, member * u[:, None], last)
            for X, u, last in zip(self.views, weights, before, strict=True)
        )
        pairs = zip(self.views, centres, strict=True)
        squared = np.stack([squared_distances(X, c) for X, c in pairs])
        return ViewCentres(centres, squared, weights)

    def regulariser(self, w: ViewCentres) -> float:
        """Return 0."""
        return 0.0


def nearest(squared: Floats, v: Floats) -> Labels:
    """Return the cluster of least weighted distance of each sample, shape (n,).

    If a sample has weight 0 in every view, all views count equally.

    Args:
        squared: Squared distances, shape (views, n, K).
        v: Weights, shape (views, n).
    """
    weights = np.where(v.sum(axis=0) > 0, v, 1.0)
    return np.asarray(np.einsum("vn,vnk->nk", weights, squared).argmin(axis=1))


@public("selfpaced.latent")
class MultiViewSelfPacedClustering(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""K-means over several views, with a weight for each sample in each view.

    .. math::
        \min \sum_v \sum_i w_i^{(v)} \lVert x_i^{(v)} - c^{(v)}_{h_i} \rVert^2
        + g(w_i^{(v)}; \lambda_v)

    The labels :math:`h_i` are the same in all views; the centres differ between views. A sample
    that is hard in one view has a low weight there, and gets its label from the other views. The
    default weighting is the smooth one of the paper, which never reaches 0.

    The default age, ``Usual``, is estimated from the losses of each view, as a limit of the usual
    ones. ``EachView()`` is the growing age of self-paced learning, at whose end all samples count.
    ``age=None`` is k-means on the columns of all views together.

    Args:
        n_clusters: K.
        age: How hard a sample may be in a view; None keeps everything.
        weighting: The rule from losses and age to weights.
        scale: Each view is scaled to this mean squared distance from its mean. It is the unit of
            losses and ages; a larger scale makes ``Logistic`` steeper.
        n_init: Number of searches, each from k-means++ on the columns of all views together. The
            result with the lowest sum of all losses is kept.
        max_iter: Most rounds of a search.
        tol: A search ends after two smaller decreases of the objective in a row; a share of
            ``scale``, per sample and view.
        n_jobs: How many searches run at once, by joblib; it changes no result.
        random_state: Seed or generator of the starts.

    Attributes:
        cluster_centers_: A list of arrays, one per view, each of shape (K, d_view).
        labels_: The cluster of each sample, int64, shape (n,).
        view_weights_: w, the weight of each sample in each view, float64, shape (views, n).
        difficulty_: Losses in the unit of ``scale``, float64, shape (views, n); higher is harder.
        history_: One row per update of the centres in the best search.
        objective_: The sum of ``difficulty_``.
        n_iter_: Number of updates of the centres.
        converged_: Whether the search ended before ``max_iter`` rounds.
        n_features_in_: The number of columns of each view, a list.

    Raises:
        TypeError: For one array in place of a list of views.
        ValueError: For settings out of range, views of different lengths, and a view in which all
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
        """Store the settings; ``fit`` checks them."""
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
        joined, random = np.hstack(model.views), check_random_state(self.random_state)
        starts = [self._start(joined, random) for _ in range(self.n_init)]
        tol = self.tol * len(model) * self.scale + MIN_TOLERANCE
        stop = Stop(tol, max_outer=self.max_iter)
        search = Search(age=self.age, weighting=self.weighting, warmup=1, stop=stop)
        results: list[Result[Labels, ViewCentres]] = restarts_without_warnings(
            search, model, starts, self.n_jobs, model.columns
        )
        best = warn_if_not_converged(results[0], search, type(self).__name__)
        return self._set(model, best)

    def fit_predict(self, X: Sequence[ArrayLike], y: None = None) -> Labels:
        """Fit, and return ``labels_``."""
        return np.asarray(self.fit(X).labels_)

    def predict(self, X: Sequence[ArrayLike]) -> Labels:
        """Return the labels of samples in the same views, shape (n,).

        The label of a sample has the least sum over views of the weighting's latent loss, at the
        last age of each view. It is the best label if the weights are chosen best for each label.
        """
        check_is_fitted(self)
        views = self._views(X)
        columns = [view.shape[1] for view in views]
        require(
            columns == self.n_features_in_,
            f"{type(self).__name__}: views have {columns} columns; fit had {self.n_features_in_}.",
        )
        pairs = zip(self._scaled(views), self._centres, strict=True)
        squared = [torch.from_numpy(squared_distances(view, centres)) for view, centres in pairs]
        ages = np.broadcast_to(self.history_[-1].age, len(views)).tolist()
        losses = [self.weighting.latent_loss(d, age) for d, age in zip(squared, ages, strict=True)]
        return torch.stack(losses).sum(dim=0).argmin(dim=1).numpy()

    def _views(self, X: Sequence[ArrayLike]) -> list[Floats]:
        """Return the views, float64, or raise for views or settings that are wrong."""
        owner = type(self).__name__
        if not isinstance(X, list | tuple):
            raise TypeError(f"{owner} takes a list of arrays, one per view; got {type(X)}.")
        require(len(X) > 0, f"{owner}: give at least one view.")
        views = [check_array(view, dtype=np.float64) for view in X]
        lengths = [len(view) for view in views]
        require(
            len(set(lengths)) == 1,
            f"{owner}: views must have the same samples, in the same order; got {lengths} rows.",
        )
        require_positive_ints(self, ("n_clusters", "n_init", "max_iter"), owner)
        require(0 <= self.tol < math.inf, f"{owner}: tol must be 0 or more; got {self.tol}.")
        require(
            0 < self.scale < math.inf, f"{owner}: scale must be a number above 0; got {self.scale}."
        )
        return views

    def _unit(self, view: Floats, number: int) -> float:
        """Return the number by which the columns of a view are divided."""
        require_enough_samples(view, self.n_clusters, type(self).__name__)
        spread = float(((view - view.mean(axis=0)) ** 2).sum(axis=1).mean())
        require(
            spread > 0, f"{type(self).__name__}: in view {number} all samples are equal. Drop it."
        )
        return math.sqrt(spread / self.scale)

    def _scaled(self, views: list[Floats]) -> list[Floats]:
        """Return the views with a mean of 0 and a mean squared distance of ``scale`` from it."""
        each = zip(views, self._means, self._units, strict=True)
        return [(view - mean) / unit for view, mean, unit in each]

    def _start(self, joined: Floats, random: np.random.RandomState) -> Labels:
        """Return the nearest centre by k-means++ of each sample, shape (n,)."""
        centres = kmeans_plusplus(joined, self.n_clusters, random_state=random)[0]
        return np.asarray(squared_distances(joined, centres).argmin(axis=1))

    def _set(self, model: ManyViewsModel, result: Result[Labels, ViewCentres]) -> Self:
        """Set the attributes from the best result."""
        self._centres, self.labels_ = result.w.centres, result.h
        each = zip(result.w.centres, self._means, self._units, strict=True)
        self.cluster_centers_ = [centres * unit + mean for centres, mean, unit in each]
        self.view_weights_ = result.v.reshape(len(model.views), -1)
        self.difficulty_ = model.losses(result.w, result.h).reshape(self.view_weights_.shape)
        self.history_, self.objective_ = result.history, result.objective
        self.n_iter_, self.converged_ = len(result.history), result.converged
        return self
