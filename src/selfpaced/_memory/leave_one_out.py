"""What a classifier that did not see a label says of it, from the features of all samples.

A model learns the labels that it is trained on, so its loss on them is no test. A ridge regression
from its features to the labels is cheap, and its predictions without one sample need no second fit.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from selfpaced._ranks import largest, summed
from selfpaced.chain import Rows
from selfpaced.difficulty import RandomOrder

TRIED = 20_000  # number of samples by whose errors the strength of the ridge is chosen;
FEWEST = 1_000  # fewer, at least this many, if there are many classes
NUMBERS = 2**23  # numbers of a part of the samples that is computed at a time
FAR = 5.0  # a sample that is farther from the mean than this many times the usual is moved to there
ROUNDS = 30  # most often: what was far has moved the mean, too
ROUNDING = 0.01  # a sample that was moved lies beyond by less than this
NEAREST = 1e-30  # smaller distances count as this
CERTAIN = 1 - 1e-9  # a sample does not decide more than this share of its own prediction
# Strengths of the ridge to choose from: the squared norm of a sample's features is 1 in the mean.
RIDGES = tuple(math.pow(10, half / 2) for half in range(-6, 7))


def doubts(features: Tensor, labels: Tensor, weight: Tensor, index: Tensor) -> Tensor:
    r"""Return how much a ridge regression that did not see a label doubts it.

    The regression predicts 1 for the label and 0 for the other classes. With the leverage h of a
    sample, its prediction p and its own target y, the prediction of the fit without it is

    .. math:: p' = (p - h y) / (1 - h)

    The strength of the ridge has the smallest squared error of these predictions. Samples far from
    all others, such as those of a spike of activations, are moved nearer. All ranks call this, each
    with samples of its own; what they exchange does not grow with the samples.

    Args:
        features: float32, shape (m, d).
        labels: int64 from 0, shape (m,).
        weight: How much each sample counts in the fit, 0 or more, shape (m,).
        index: Dataset indices, by which samples are drawn to choose the ridge, shape (m,).

    Returns:
        The largest prediction for another class minus that for the label, from -1 to 1, float32,
        shape (m,): near -1 for a label that the others confirm, near 1 if they say another. 0 if
        there is nothing to learn from: no features that differ, or a single class.

    References:
        Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., exercise 7.3.

    >>> x = torch.tensor([[0.0], [0.1], [0.2], [1.0], [1.1], [1.2]])
    >>> y = torch.tensor([0, 0, 1, 1, 1, 1])
    >>> doubts(x, y, torch.ones(6), torch.arange(6)) > 0
    tensor([False, False,  True, False, False, False])
    """
    # Double precision is not available on every accelerator.
    device = torch.device("cpu") if features.device.type == "mps" else features.device
    y, w = labels.to(device), weight.to(device).double()
    h = _nearer(features.to(device), w)
    fit = _fitted(h, y, w)
    if fit is None:
        return torch.zeros_like(features[:, 0])
    line = fit.line(_best_ridge(fit, h, y, w, index.to(device)))
    parts = [torch.zeros(0, dtype=torch.float64, device=device)]
    for part in _parts(h, len(fit.share)):
        prediction, leverage = _predict(fit, line, _turned(fit, h[part]), w[part])
        own = y[part][:, None]
        of_label = prediction.gather(1, own).squeeze(1) - leverage
        of_others = prediction.scatter(1, own, -torch.inf).amax(1)
        parts.append((of_others - of_label) / (1 - leverage))
    return torch.cat(parts).clamp(-1, 1).float().to(features.device)


class _Line(NamedTuple):
    """A regression with one strength of the ridge, in the basis of a ``_Fit``.

    Args:
        inverse: One over the eigenvalues plus the ridge, shape (d,).
        slope: Shape (d, classes).
    """

    inverse: Tensor
    slope: Tensor


class _Fit(NamedTuple):
    """A ridge regression in the basis of the eigenvectors of the features' covariance.

    Args:
        mean: Weighted mean of the features, float64, shape (d,).
        basis: The eigenvectors, scaled, float64, shape (d, d): (h - mean) @ basis is a sample.
        eigenvalues: Shape (d,).
        cross: The weighted sums of samples times labels, shape (d, classes).
        share: The weighted share of each class, shape (classes,).
        total: The sum of all weights.
    """

    mean: Tensor
    basis: Tensor
    eigenvalues: Tensor
    cross: Tensor
    share: Tensor
    total: Tensor

    def line(self, ridge: float) -> _Line:
        """Return the regression with a ridge of this strength."""
        inverse = 1 / (self.eigenvalues + ridge)
        return _Line(inverse, inverse[:, None] * self.cross)


def _nearer(h: Tensor, w: Tensor) -> Tensor:
    """Return features of which those far from the weighted mean are moved towards it.

    Args:
        h: float32, shape (m, d).
        w: Weights, float64, shape (m,).
    """
    total, h = summed(w.sum()), h.clone()
    for _ in range(ROUNDS if bool(total > 0) else 0):
        mean = _weighted_sum(h, w) / total
        parts = [(h[part].double() - mean).norm(dim=1) for part in _parts(h, 0)]
        distance = torch.cat([w.new_zeros(0), *parts]).clamp(min=NEAREST)
        most = FAR * (summed(w @ distance.log()) / total).exp()  # the geometric mean is the usual
        far = (distance > most * (1 + ROUNDING)).nonzero().squeeze(1)
        if not int(summed(torch.tensor(len(far), device=h.device))):
            break
        h[far] = (mean + (h[far] - mean) * (most / distance[far])[:, None]).float()
    return h


def _weighted_sum(h: Tensor, w: Tensor) -> Tensor:
    """Return the sum of weight times features over all ranks, float64, shape (d,)."""
    sums = torch.zeros(h.shape[1], dtype=torch.float64, device=h.device)
    for part in _parts(h, 0):
        sums += w[part] @ h[part].double()
    return summed(sums)


def _fitted(h: Tensor, y: Tensor, w: Tensor) -> _Fit | None:
    """Return the fit of all ranks; None without features that differ, or with a single class."""
    classes = max(largest(y) + 1, 1)
    counts = summed(torch.zeros(classes, dtype=torch.float64, device=h.device).index_add(0, y, w))
    if int((counts > 0).sum()) < 2:
        return None
    total = counts.sum()
    mean = _weighted_sum(h, w) / total
    products = torch.zeros(h.shape[1] + classes, h.shape[1], dtype=torch.float64, device=h.device)
    for part in _parts(h, classes):
        x = h[part].double() - mean
        weighted = w[part][:, None] * x
        products[classes:] += weighted.T @ x
        products[:classes].index_add_(0, y[part], weighted)
    products = summed(products)
    scale = (products[classes:].trace() / total).sqrt()
    if not bool(scale > 0):
        return None
    eigenvalues, vectors = torch.linalg.eigh(products[classes:] / scale**2)
    cross = vectors.T @ products[:classes].T / scale
    return _Fit(mean, vectors / scale, eigenvalues.clamp(min=0), cross, counts / total, total)


def _best_ridge(fit: _Fit, h: Tensor, y: Tensor, w: Tensor, index: Tensor) -> float:
    """Return the ridge with the smallest error of the predictions without the sample."""
    fitted = int(summed((w > 0).sum()))
    most = min(TRIED, max(FEWEST, 4 * NUMBERS // len(fit.share)))
    tried = (w > 0) & (drawn(index) * fitted < most)
    h, y, w = h[tried], y[tried], w[tried]
    lines = [fit.line(ridge) for ridge in RIDGES]
    errors = torch.zeros(len(RIDGES), dtype=torch.float64, device=h.device)
    for part in _parts(h, len(fit.share)):
        x, label = _turned(fit, h[part]), y[part][:, None]
        for at, line in enumerate(lines):
            prediction, leverage = _predict(fit, line, x, w[part])
            own = prediction.gather(1, label).squeeze(1)
            squared = prediction.square().sum(1) - 2 * own + 1
            errors[at] += (w[part] * squared / (1 - leverage).square()).sum()
    return RIDGES[int(summed(errors).argmin())]


def _turned(fit: _Fit, h: Tensor) -> Tensor:
    """Return features in the basis of the fit, float64, shape (m, d)."""
    return (h.double() - fit.mean) @ fit.basis


def _predict(fit: _Fit, line: _Line, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Return predictions, shape (m, classes), and the leverage of each sample, shape (m,).

    Args:
        fit: The fit.
        line: The same with one strength of the ridge.
        x: Samples in the basis of the fit, shape (m, d).
        w: Their weights in the fit, shape (m,).
    """
    leverage = w * (1 / fit.total + x.square() @ line.inverse)
    return fit.share + x @ line.slope, leverage.clamp(max=CERTAIN)


def _parts(h: Tensor, classes: int) -> Iterator[slice]:
    """Yield slices of the samples, so that memory does not grow with their number."""
    size = max(1, NUMBERS // (h.shape[1] + classes))
    for start in range(0, len(h), size):
        yield slice(start, start + size)


def drawn(index: Tensor) -> Tensor:
    """Return a random number from 0 to 1 for each index, always the same, float32."""
    nothing = torch.zeros_like(index, dtype=torch.float32)
    return RandomOrder()(nothing, Rows(index, nothing, nothing, {}))
