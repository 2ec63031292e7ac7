"""The convex step of multiple-instance learning: a linear SVM with the squared hinge."""

import warnings

import numpy as np
from numpy.typing import NDArray

from selfpaced.chain import Floats
from selfpaced.latent._search.search import NotConverged

Signs = NDArray[np.int64]

# A step is accepted if it lowers the cost by this share of the decrease that the slope predicts.
SUFFICIENT_DECREASE = 1e-4
# Most Newton steps of one fit; about ten are usual.
MAX_STEPS = 100
# The line search gives up when the step length has fallen below this: in floating point, no shorter
# step lowers the cost.
MIN_LENGTH = 1e-9
# Curvature added for the intercept, which is not regularised: without samples inside the margin the
# Hessian would be singular.
INTERCEPT_CURVATURE = 1e-9


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

    The cost is piecewise quadratic and has one minimum in w. Newton steps on the samples inside the
    margin reach it. If all samples have the same label, w = 0 and b is that label.

    Args:
        x: Samples, shape (n, d).
        y: -1 or +1, shape (n,).
        c: Cost of each sample, 0 or more, shape (n,).
        w0: First weights and intercept, shape (d + 1,); None for zeros.
        tol: The fit ends when the predicted decrease of a step is smaller.

    Returns:
        The weights and, last, the intercept, shape (d + 1,). If 100 steps are not enough, the last
        result is returned with a ``NotConverged`` warning.

    References:
        Chapelle, *Training a Support Vector Machine in the Primal*, Neural Computation 2007.

    >>> x, y = np.array([[-2.0], [2.0]]), np.array([-1, 1])
    >>> least_squared_hinge(x, y, np.array([1e6, 1e6])).round(3).tolist()
    [0.5, 0.0]
    """
    used = c > 0
    with_one = np.column_stack([x[used], np.ones(used.sum())])
    z: Floats = with_one * y[used, None]  # z . w is the margin
    c = c[used]
    w = np.zeros(z.shape[1]) if w0 is None else w0
    value = _cost(w, z, c)
    for _ in range(MAX_STEPS):
        gradient, step = _newton_step(w, z, c)
        slope = float(gradient @ step)
        if -slope < tol:
            return w
        w, value = _line_search(w, step, slope, value, z, c)
    warnings.warn(
        f"least_squared_hinge: {MAX_STEPS} Newton steps were not enough; the predicted decrease of "
        f"the last is {-slope:.3g}, from a cost of {value:.6g}. Scale the features, or lower C.",
        NotConverged,
        stacklevel=2,
    )
    return w


def _cost(w: Floats, z: Floats, c: Floats) -> float:
    """Return |w|^2 / 2, without the intercept, plus the weighted losses."""
    return float(w[:-1] @ w[:-1] / 2 + c @ squared_hinge(z @ w))


def _newton_step(w: Floats, z: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Return the gradient and the Newton step, both of shape (d + 1,)."""
    inside = z @ w < 1
    z, c = z[inside], c[inside]
    regularised = np.append(np.ones(len(w) - 1), 0.0)  # 1 for weights, 0 for the intercept
    gradient = regularised * w - 2 * (c * (1 - z @ w)) @ z
    hessian = np.diag(np.where(regularised, 1.0, INTERCEPT_CURVATURE)) + 2 * (z.T * c) @ z
    return gradient, np.asarray(-np.linalg.solve(hessian, gradient))


def _line_search(
    w: Floats, step: Floats, slope: float, value: float, z: Floats, c: Floats
) -> tuple[Floats, float]:
    """Return the first point along the step, halved each time, that lowers the cost enough.

    Args:
        w: The present point, shape (d + 1,).
        step: The Newton step, shape (d + 1,).
        slope: The gradient times the step, below 0.
        value: The cost at w.
        z: Samples times labels, shape (n, d + 1).
        c: Costs, shape (n,).

    Returns:
        The point and its cost; w and its cost if no point is lower.
    """
    length = 1.0
    while (now := _cost(w + length * step, z, c)) > value + SUFFICIENT_DECREASE * length * slope:
        length /= 2
        if length < MIN_LENGTH:
            return w, value
    return w + length * step, now
