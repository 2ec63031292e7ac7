"""A Gaussian mixture as a latent variable model: h are the responsibilities."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require

Floats = NDArray[np.float64]

SHAPES = ("full", "tied", "diag", "spherical")
LN_2PI = math.log(2 * math.pi)
FEW = 10 * float(np.finfo(np.float64).eps)  # added to counts: no component is without weight


class Gaussians(NamedTuple):
    """A fitted mixture of K components.

    Args:
        shares: Mixing proportions, shape (K,).
        means: Shape (K, d).
        covariances: As scikit-learn keeps them: (K, d, d), (d, d), (K, d) or (K,).
        factors: Of the precisions, by which deviations become white: P = U U^T with U of shape
            (K, d, d) or (d, d); of diagonal ones the square roots, shape (K, d) or (K,).
        joint: ln (share_k N(x_i | k)) of the samples it was fitted to, shape (n, K).
    """

    shares: Floats
    means: Floats
    covariances: Floats
    factors: Floats
    joint: Floats


@dataclass(frozen=True)
class GaussianModel:
    """Samples X, shape (n, d), as K Gaussians.

    The losses are those of the samples, -ln p(x_i | w) in nats, whatever the responsibilities; the
    fit is the M-step, with v_i r_ik in the place of r_ik. A step that fits responsibilities that
    are those of the last fit lowers sum v_i f_i.

    Args:
        X: float64, shape (n, d).
        shape: Of the covariances: "full", "tied", "diag" or "spherical".
        reg_covar: Added to variances.
    """

    X: Floats
    shape: str
    reg_covar: float

    @property
    def tolerance(self) -> float:
        """Return 0: the fit is in closed form."""
        return 0.0

    def __len__(self) -> int:
        """Return n."""
        return len(self.X)

    def impute(self, w: Gaussians) -> Floats:
        """Return the responsibilities, shape (n, K)."""
        return responsibilities(w.joint)

    def losses(self, w: Gaussians, h: Floats) -> Floats:
        """Return -ln p(x_i | w), shape (n,)."""
        return -log_sum(w.joint)

    def fit(self, h: Floats, v: Floats, w0: Gaussians | None) -> Gaussians:
        """Return the M-step."""
        r = v[:, None] * h
        counts = r.sum(0) + FEW
        means = r.T @ self.X / counts[:, None]
        covariances = _covariances(self.X, r, counts, means, self.shape, self.reg_covar)
        factors, shares = _factors(covariances, self.shape), counts / counts.sum()
        joint = np.log(shares) + log_normal(self.X, means, factors, self.shape)
        return Gaussians(shares, means, covariances, factors, joint)

    def regulariser(self, w: Gaussians) -> float:
        """Return 0."""
        return 0.0


def log_sum(joint: Floats) -> Floats:
    """Return ln sum exp over the components, shape (n,)."""
    top = joint.max(axis=1)
    return np.asarray(top + np.log(np.exp(joint - top[:, None]).sum(axis=1)))


def responsibilities(joint: Floats) -> Floats:
    """Return p(k | x), shape (n, K)."""
    return np.exp(joint - log_sum(joint)[:, None])


def mahalanobis(X: Floats, means: Floats, factors: Floats, shape: str) -> Floats:
    """Return squared Mahalanobis distances to each component, shape (n, K)."""
    squared = np.empty((len(X), len(means)))
    for k, mean in enumerate(means):
        u = factors if shape == "tied" else factors[k]
        white = (X - mean) @ u if u.ndim == 2 else (X - mean) * u
        squared[:, k] = np.einsum("ij,ij->i", white, white)
    return squared


def log_normal(X: Floats, means: Floats, factors: Floats, shape: str) -> Floats:
    """Return ln N(x_i | k), shape (n, K)."""
    d = X.shape[1]
    squared = mahalanobis(X, means, factors, shape)
    return np.asarray(log_root(factors, shape, d) - (d * LN_2PI + squared) / 2)


def log_root(factors: Floats, shape: str, d: int) -> Floats:
    """Return half the log-determinant of each precision, shape (K,) or ()."""
    if shape == "spherical":
        return np.asarray(d * np.log(factors))
    if shape == "diag":
        return np.asarray(np.log(factors).sum(axis=1))
    return np.asarray(np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1))


def _covariances(
    X: Floats, r: Floats, counts: Floats, means: Floats, shape: str, reg: float
) -> Floats:
    d = X.shape[1]
    if shape in ("diag", "spherical"):
        variances = r.T @ X**2 / counts[:, None] - means**2 + reg
        return variances if shape == "diag" else variances.mean(axis=1)
    each = np.empty((len(means), d, d))
    for k, mean in enumerate(means):
        away = X - mean
        each[k] = (r[:, k, None] * away).T @ away
    if shape == "tied":
        return np.asarray(each.sum(0) / counts.sum() + reg * np.eye(d))
    return each / counts[:, None, None] + reg * np.eye(d)


def _factors(covariances: Floats, shape: str) -> Floats:
    if shape in ("diag", "spherical"):
        require(bool((covariances > 0).all()), NARROW)
        return 1 / np.sqrt(covariances)
    try:
        lower = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        raise ValueError(NARROW) from None
    return np.swapaxes(np.linalg.inv(lower), -2, -1)


NARROW = (
    "A component's covariance is not positive definite: it holds too few distinct samples. Use "
    "fewer components, scale the columns of X, or raise reg_covar."
)
