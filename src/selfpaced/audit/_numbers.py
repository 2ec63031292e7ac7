"""The result of an audit of numbers: how probable it is that each of them is wrong."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy import stats

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.audit._result import Audit, in_eval_mode
from selfpaced.chain import Floats
from selfpaced.suspects import Count

# The largest number of positions that an error message lists.
MOST_POSITIONS = 5
# Degrees of freedom of the Student distributions tried for the errors of a regression: from long
# tails to nearly normal.
DEGREES_OF_FREEDOM = (2.0, 3.0, 5.0, 10.0, 30.0)
# The median of the absolute value of a standard normal variable.
NORMAL_MEDIAN = 0.6745
# The share of wrong numbers with which the EM algorithm starts.
FIRST_SHARE = 0.1
# The largest number of iterations of the EM algorithm.
MOST_ITERATIONS = 200
# The EM algorithm stops when an iteration raises the mean log-likelihood by less than this.
LEAST_GAIN = 1e-6
# The least scale of the errors, so that no density becomes infinite.
LEAST_SCALE = 1e-12
# The number of points at which the density of many numbers is computed.
GRID = 512
# Numbers farther from the median than this many interquartile ranges are moved to that distance
# for the density.
FENCE = 10.0


def result_of_numbers(model: Any, pacer: Pacer, given: Floats, predicted: Floats) -> Audit:
    """Return the result of a training on numbers.

    The samples are ranked by the probability of a mistake, not by the loss. The probability takes
    into account how common such a number is, and it uses the predictions at the end of the
    training, when the wrong numbers are left out. Samples with equal probabilities are ranked by
    the distance between number and prediction.

    Args:
        model: The trained model.
        pacer: The pacer of its training.
        given: The numbers, in the user's unit, shape (n,).
        predicted: The model's predictions for the same samples, in the same unit, shape (n,). A
            sample that the training never visited is judged as well.

    Raises:
        ValueError: For arrays of another shape, and for predictions that are NaN or infinite.
    """
    error = _errors(given, predicted, len(pacer.weight))
    probability = probability_wrong(given, predicted).astype(np.float32)
    table = pd.DataFrame(
        {
            "label": given,
            "probability": probability,
            "suggested": predicted,
            "loss": pacer.ledger.suspicion.cpu().numpy(),
        }
    ).rename_axis("index")
    return Audit(
        table.iloc[np.lexsort((-error, -probability))],
        Count.of(torch.from_numpy(probability)),
        None,
        pacer.history.to_frame(),
        in_eval_mode(model),
        pacer,
    )


def _errors(given: Floats, predicted: Floats, n: int) -> Floats:
    """Return the distance between each number and its prediction, or raise."""
    require(
        given.shape == predicted.shape == (n,),
        f"result_of_numbers needs a number and a prediction for each sample, shape ({n},); got "
        f"{given.shape} and {predicted.shape}.",
    )
    error = np.asarray(np.abs(given - predicted))
    lost = np.flatnonzero(~np.isfinite(error))
    require(
        len(lost) == 0,
        f"The model predicts NaN or infinity for {len(lost)} of {n} samples, at "
        f"{lost[:MOST_POSITIONS].tolist()}. Lower the learning rate (learning_rate=...).",
    )
    return error


class _Fit(NamedTuple):
    """A fitted mixture: its mean log-likelihood, and the probability that each number is wrong."""

    likelihood: float
    probability: Floats


def probability_wrong(given: Floats, predicted: Floats) -> Floats:
    """Return the probability that each number is wrong.

    The model is a mixture of two distributions. A right number is its prediction plus an error
    with a Student distribution. A wrong number is drawn from the distribution of all numbers,
    independently of its prediction. The share of wrong numbers, and the scale and the degrees of
    freedom of the errors, maximise the likelihood (Dempster, Laird, Rubin, *Maximum Likelihood
    from Incomplete Data via the EM Algorithm*, 1977). Errors that are skewed or come in bursts do
    not follow a Student distribution; some of them then count as wrong.

    Args:
        given: The numbers, shape (n,).
        predicted: Predictions of a model that did not learn the wrong numbers, shape (n,).

    Returns:
        Probabilities from 0 to 1, shape (n,).

    >>> given = np.linspace(-2, 2, 200)
    >>> predicted = given + 0.1 * np.sin(np.arange(200.0))
    >>> given[7] = 1.5
    >>> probability_wrong(given, predicted).argmax()
    np.int64(7)
    """
    error = given - predicted
    unit = float(np.median(np.abs(error))) / NORMAL_MEDIAN
    if unit == 0.0 or float(np.ptp(given)) == 0.0:
        return np.asarray(error != 0, dtype=np.float64)
    density = _density(given / unit)
    fits = [_fit(error / unit, density, degrees) for degrees in DEGREES_OF_FREEDOM]
    return max(fits, key=lambda fit: fit.likelihood).probability


def _fit(error: Floats, density: Floats, degrees: float) -> _Fit:
    """Fit the share of wrong numbers and the scale of the errors with the EM algorithm.

    Args:
        error: Number minus prediction, shape (n,).
        density: Density of all numbers at each number, shape (n,).
        degrees: Degrees of freedom of the Student distribution.
    """
    share, scale, before = FIRST_SHARE, 1.0, -np.inf
    for _ in range(MOST_ITERATIONS):
        right = (1 - share) * stats.t.pdf(error / scale, degrees) / scale
        both = right + share * density
        probability, likelihood = share * density / both, float(np.log(both).mean())
        if likelihood - before < LEAST_GAIN:
            break
        before, share = likelihood, float(probability.mean())
        near = (1 - probability) * (degrees + 1) / (degrees + (error / scale) ** 2)
        scale = float(np.sqrt((near * error**2).sum() / (1 - probability).sum()))
        scale = max(scale, LEAST_SCALE)
    return _Fit(likelihood, probability)


def _density(given: Floats) -> Floats:
    """Return the density of the numbers at each number, with Silverman's bandwidth.

    Numbers far from the median are first moved to a fence: otherwise a single one would widen the
    bandwidth and flatten the density everywhere.
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
