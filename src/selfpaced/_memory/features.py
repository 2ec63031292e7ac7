"""Features of the samples, and what a classifier on them that did not see a label says of it.

A model learns the labels that it is trained on, so its loss on them is no test. A ridge regression
from its features to the labels is cheap, and its predictions without one sample need no second fit.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.columns import lasting, place
from selfpaced._ranks import from_all, largest, summed
from selfpaced._saved import Saved
from selfpaced.chain import Rows
from selfpaced.difficulty import RandomOrder

WIDEST = 512  # features with more numbers than these are projected on as many at random
TRIED = 20_000  # number of samples by whose errors the strength of the ridge is chosen;
FEWEST = 1_000  # fewer, at least this many, if there are many classes
NUMBERS = 2**23  # numbers of a part of the samples that is computed at a time
FAR = 5.0  # a sample that is farther from the mean than this many times the usual is moved to there
ROUNDS = 4  # how often: what was far has moved the mean, too
NEAREST = 1e-30  # smaller distances count as this
BLOCK = 4096  # rows of a projection that are drawn at a time
CERTAIN = 1 - 1e-9  # a sample does not decide more than this share of its own prediction
# Strengths of the ridge to choose from: the squared norm of a sample's features is 1 in the mean.
RIDGES = tuple(math.pow(10, half / 2) for half in range(-6, 7))
KEYS = {"doubt", "index", "rows"}  # the keys of a state


class Features:
    """The features of the samples that a step has seen, and the doubt about each label.

    Args:
        n_samples: Number of samples.
        width: Number of features that a sample is given with.
        device: Device of the columns.

    Attributes:
        rows: The features, float32, shape (n_samples, at most 512); those of samples that wait for
            ``Ledger.commit`` are known.
        doubt: The last result of ``doubts`` for each sample, float32, shape (n_samples,); 0 before.

    >>> features = Features(2, 1, torch.device("cpu"))
    >>> features.write(torch.tensor([1]), torch.tensor([[0.5]]), None)
    >>> features.rows
    tensor([[0.0000],
            [0.5000]])
    """

    def __init__(self, n_samples: int, width: int, device: torch.device) -> None:
        """Make empty columns."""
        self.width = width
        with lasting():
            shape, dtype = (n_samples, min(width, WIDEST)), torch.float32
            self.rows = torch.zeros(shape, dtype=dtype, device=device)
            self.doubt = torch.zeros(n_samples, dtype=dtype, device=device)
            self._projection = None if width <= WIDEST else _projection(width, device)

    def write(self, index: Tensor, features: Tensor, valid: Tensor | None) -> None:
        """Keep the features of a batch, shape (B, width); of equal indices the last place wins."""
        rows = features.detach().to(torch.float32)
        if self._projection is not None:
            with torch.autocast(rows.device.type, enabled=False):
                rows = rows @ self._projection
        place([(self.rows, rows)], index, valid)

    def judge(self, index: Tensor, labels: Tensor, weight: Tensor) -> None:
        """Compute the doubt about the labels of these samples; on all ranks, each with its own.

        Args:
            index: Samples whose features are known, int64, shape (m,).
            labels: Their labels, int64 from 0, shape (m,).
            weight: How much each counts in the fit, 0 or more, shape (m,).

        Raises:
            ValueError: For features that are NaN or infinite.
        """
        rows = self.rows[index]
        bad = index[~rows.isfinite().all(1)]
        first = bad[0] if len(bad) else index.new_tensor(-1)
        count, where = from_all(torch.stack([index.new_tensor(len(bad)), first])).tolist()
        require(
            count == 0,
            f"Pacer got features that are NaN or infinite, of {count} samples, the first at index "
            f"{where}, whose losses are finite. Features are the activations of the model.",
        )
        self.doubt = self.doubt.index_copy(0, index, doubts(rows, labels, weight, index))

    def to(self, device: torch.device) -> Self:
        """Move the columns."""
        with lasting():
            self.rows, self.doubt = self.rows.to(device), self.doubt.to(device)
            if self._projection is not None:
                self._projection = self._projection.to(device)
        return self

    def state_dict(self, waiting: Tensor) -> dict[str, Tensor | int]:
        """Return copies of the doubt and of the features of the waiting samples, on the CPU."""
        index = waiting.nonzero().squeeze(1)
        known = {"doubt": self.doubt.to("cpu", copy=True), "index": index.cpu()}
        return {**known, "rows": self.rows[index].cpu(), "width": self.width}

    @classmethod
    def read(cls, state: object, waiting: Tensor) -> Self:
        """Return the columns that ``state_dict`` returned, on the CPU.

        Raises:
            ValueError: For a state that is cut short, of another size, or damaged.
        """
        saved = Saved(state, "Pacer", {*KEYS, "width"}, name="state's memory of features")
        n_samples, width = len(waiting), saved.count("width", least=1)
        doubt = saved.tensor("doubt", torch.float32, (n_samples,))
        index = saved.tensor("index", torch.int64, (None,), low=0, high=n_samples - 1)
        same = torch.equal(index, waiting.nonzero().squeeze(1))
        saved.require("index", same, "the samples that wait for a step", index)
        rows = saved.tensor("rows", torch.float32, (len(index), min(width, WIDEST)), nan=True)
        made = cls(n_samples, width, torch.device("cpu"))
        made.doubt.copy_(doubt)
        made.rows[index] = rows
        return made


def check_features(features: Tensor, loss: Tensor, known: Features | None) -> None:
    """Raise unless there is a row of real numbers per loss, as wide as those before.

    Called for every batch, so a message is only built when a check fails.
    """
    holds = features.ndim == 2 and features.shape[0] == loss.shape[0] and features.shape[1] > 0
    if not holds or not features.is_floating_point():
        raise ValueError(
            f"Pacer expects features as real numbers of shape (batch, features), a row per loss; "
            f"got {tuple(features.shape)} of {features.dtype} for losses {tuple(loss.shape)}. Use "
            f"features.flatten(1)."
        )
    if known is not None and known.width != features.shape[1]:
        raise ValueError(
            f"Pacer has kept {known.width} features of each sample; got {features.shape[1]}. Give "
            f"the same layers in every call."
        )


def _projection(width: int, device: torch.device) -> Tensor:
    """Return a matrix of random signs, which nearly keeps distances; the same on every machine.

    Achlioptas, *Database-friendly random projections*, J. Computer and System Sciences 2003.
    """
    blocks = []
    for start in range(0, width, BLOCK):
        stop = min(start + BLOCK, width)
        each = torch.arange(start * WIDEST, stop * WIDEST, device=device)
        signs = torch.where(_drawn(each) < 1 / 2, -1.0, 1.0).to(torch.float32)
        blocks.append(signs.reshape(-1, WIDEST) / math.sqrt(WIDEST))
    return torch.cat(blocks)


def _drawn(index: Tensor) -> Tensor:
    """Return a random number from 0 to 1 for each index, always the same, float32."""
    nothing = torch.zeros_like(index, dtype=torch.float32)
    return RandomOrder()(nothing, Rows(index, nothing, nothing, {}))


# --- the ridge regression


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
        Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., 7.10.

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


def _nearer(h: Tensor, w: Tensor) -> Tensor:
    """Return features of which those far from the weighted mean are moved towards it.

    Args:
        h: float32, shape (m, d).
        w: Weights, float64, shape (m,).
    """
    total = summed(w.sum())
    for _ in range(ROUNDS if bool(total > 0) else 0):
        mean = (summed(w @ h.double()) / total).float()
        away = h - mean
        distance = away.norm(dim=1).double().clamp(min=NEAREST)
        most = FAR * (summed(w @ distance.log()) / total).exp()  # the geometric mean is the usual
        moved = mean + away * (most / distance).float()[:, None]
        h = torch.where((distance > most)[:, None], moved, h)
    return h


def _fitted(h: Tensor, y: Tensor, w: Tensor) -> _Fit | None:
    """Return the fit of all ranks; None without features that differ, or with a single class."""
    classes = largest(y) + 1
    if classes < 2:
        return None
    sums = torch.zeros(h.shape[1], dtype=torch.float64, device=h.device)
    counts = summed(torch.zeros(classes, dtype=torch.float64, device=h.device).index_add(0, y, w))
    for part in _parts(h, classes):
        sums += w[part] @ h[part].double()
    total = counts.sum().clamp(min=torch.finfo(torch.float64).tiny)
    mean = summed(sums) / total
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
    tried = (w > 0) & (_drawn(index) * fitted < most)
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
