"""How probable it is that a number is wrong, in a regression."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

TAILS = (2.0, 3.0, 5.0, 10.0, 30.0)  # degrees of freedom: from long tails to nearly normal
STEPS, CLOSE = 200, 1e-6  # of the search, and of the log-likelihood where it ends
GRID = 512  # points of the density of all numbers
FENCE = 10.0  # widths of the middle half, from the median


class _Fit(NamedTuple):
    likelihood: float
    probability: Floats


def probability_wrong(given: Floats, predicted: Floats) -> Floats:
    """Return the probability that each number is wrong.

    A mixture of two: a right number lies about its prediction, with errors of a Student
    distribution; a wrong one is a number like any other, whatever is predicted. The share of wrong
    numbers, the scale and the tails of the errors are those of the greatest likelihood (Dempster,
    Laird, Rubin, *Maximum Likelihood from Incomplete Data via the EM Algorithm*, 1977). Errors that
    are skewed or come in bursts are no Student's, and some count as wrong.

    Args:
        given: The numbers, shape (n,).
        predicted: Of a model that did not learn the wrong ones, shape (n,).

    Returns:
        From 0 to 1, shape (n,).

    >>> given = np.linspace(-2, 2, 200)
    >>> predicted = given + 0.1 * np.sin(np.arange(200.0))
    >>> given[7] = 1.5
    >>> probability_wrong(given, predicted).argmax()
    np.int64(7)
    """
    error = given - predicted
    unit = float(np.median(np.abs(error))) / 0.6745
    if unit == 0.0 or float(np.ptp(given)) == 0.0:
        return np.asarray(error != 0, dtype=np.float64)
    anything = _density(given / unit)
    fits = [_fit(error / unit, anything, tails) for tails in TAILS]
    return max(fits, key=lambda fit: fit.likelihood).probability


def _fit(error: Floats, anything: Floats, tails: float) -> _Fit:
    """Fit the share of wrong numbers and the scale of the errors, by turns."""
    share, scale, before = 0.1, 1.0, -np.inf
    for _ in range(STEPS):
        right = (1 - share) * stats.t.pdf(error / scale, tails) / scale
        both = right + share * anything
        probability, likelihood = share * anything / both, float(np.log(both).mean())
        if likelihood - before < CLOSE:
            break
        before, share = likelihood, float(probability.mean())
        near = (1 - probability) * (tails + 1) / (tails + (error / scale) ** 2)
        scale = max(float(np.sqrt((near * error**2).sum() / (1 - probability).sum())), 1e-12)
    return _Fit(likelihood, probability)


def _density(given: Floats) -> Floats:
    """Return how dense the numbers are at each of them, with Silverman's bandwidth.

    Numbers far out count as lying at a fence: one of them would flatten the density of all.
    """
    low, middle, high = np.quantile(given, (0.25, 0.5, 0.75))
    if high > low:
        fence = FENCE * (high - low)
        given = np.clip(given, middle - fence, middle + fence)
    kernel = stats.gaussian_kde(given, "silverman")
    if len(given) <= GRID:
        return np.asarray(kernel(given))
    grid = np.linspace(given.min(), given.max(), GRID)
    counts, edges = np.histogram(given, GRID)
    middle = (edges[1:] + edges[:-1]) / 2
    coarse = stats.gaussian_kde(middle, kernel.factor, weights=counts)
    return np.asarray(np.interp(given, grid, coarse(grid)))
