"""K-means over several views of the same samples, as a latent variable model."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced.latent._clusters.kmeans_model import squared_distances, weighted_means

Floats = NDArray[np.float64]
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
