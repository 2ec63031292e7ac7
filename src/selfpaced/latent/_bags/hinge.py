"""The convex step of multiple-instance learning: a linear SVM with the squared hinge."""

import warnings

import numpy as np
from numpy.typing import NDArray

from selfpaced.chain import Floats
from selfpaced.latent._search.search import NotConverged

Signs = NDArray[np.int64]

ENOUGH = 1e-4  # of the decrease that the slope promises
MOST = 100  # Newton steps; it takes about ten
TINY = 1e-9  # curvature of the intercept where no sample pulls at it


def squared_hinge(margin: Floats) -> Floats:
    """Return max(0, 1 - margin)^2.

    >>> squared_hinge(np.array([2.0, 1.0, 0.5, -1.0])).tolist()
    [0.0, 0.0, 0.25, 4.0]
    """
    return np.square(np.maximum(0.0, 1 - margin))


def least_squared_hinge(
    x: Floats, y: Signs, c: Floats, w0: Floats | None = None, *, tol: float = 1e-6
) -> Floats:
    r"""Return the linear SVM of least cost.

    .. math:: \arg\min_{w, b} \ \tfrac12 |w|^2 + \sum_i c_i \max(0, 1 - y_i (w \cdot x_i + b))^2

    The cost is piecewise quadratic and has one minimum in w: Newton steps on the samples inside
    the margin end there. Where all samples have one label, w = 0 and b is that label.

    Args:
        x: Samples, shape (n, d).
        y: -1 or +1, shape (n,).
        c: Costs, 0 or more, shape (n,).
        w0: Where to start, shape (d + 1,); None for 0.
        tol: It ends where a step promises a smaller decrease.

    Returns:
        The weights and, last, the intercept, shape (d + 1,). It warns with ``NotConverged`` where
        a hundred steps were not enough.

    References:
        Chapelle, *Training a Support Vector Machine in the Primal*, Neural Computation 2007.

    >>> x, y = np.array([[-2.0], [2.0]]), np.array([-1, 1])
    >>> least_squared_hinge(x, y, np.array([1e6, 1e6])).round(3).tolist()
    [0.5, 0.0]
    """
    used = c > 0
    z: Floats = (
        np.column_stack([x[used], np.ones(used.sum())]) * y[used, None]
    )  # z . w is the margin
    c = c[used]
    w = np.zeros(z.shape[1]) if w0 is None else w0
    value = _cost(w, z, c)
    for _ in range(MOST):
        gradient, step = _newton(w, z, c)
        slope = float(gradient @ step)
        if -slope < tol:
            return w
        w, value = _along(w, step, slope, value, z, c)
    warnings.warn(
        f"least_squared_hinge: {MOST} Newton steps were not enough; the last promised a decrease "
        f"of {-slope:.3g} from {value:.6g}. Scale the features, or lower C.",
        NotConverged,
        stacklevel=2,
    )
    return w


def _cost(w: Floats, z: Floats, c: Floats) -> float:
    return float(w[:-1] @ w[:-1] / 2 + c @ squared_hinge(z @ w))


def _newton(w: Floats, z: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Return the gradient and the Newton step, both of shape (d + 1,)."""
    inside = z @ w < 1
    z, c = z[inside], c[inside]
    free = np.append(np.ones(len(w) - 1), 0.0)  # the intercept costs nothing
    gradient = free * w - 2 * (c * (1 - z @ w)) @ z
    hessian = np.diag(np.where(free, 1.0, TINY)) + 2 * (z.T * c) @ z
    return gradient, np.asarray(-np.linalg.solve(hessian, gradient))


def _along(
    w: Floats, step: Floats, slope: float, value: float, z: Floats, c: Floats
) -> tuple[Floats, float]:
    """Return the point along the step that is low enough, and its cost."""
    length = 1.0
    while (now := _cost(w + length * step, z, c)) > value + ENOUGH * length * slope:
        length /= 2
        if length < TINY:  # nothing is lower in floating point
            return w, value
    return w + length * step, now
