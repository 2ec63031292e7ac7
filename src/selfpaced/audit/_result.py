"""What an audit found: a table of samples, numbers, and the run behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.audit._reading.words import are
from selfpaced.chain import Floats
from selfpaced.suspects import Count, Judge, confusion

SHOWN = 5  # kinds of mistakes that the summary names


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """The result of an audit.

    Args:
        table: A row per sample, most suspicious first; its index is the sample's position. Columns:
            ``label``, ``probability`` that it is wrong, ``suggested`` label, ``confidence`` (the
            probability of that label; none for a regression), ``loss`` (a mean of the visits, in
            nats or as the squared error of training; higher is more suspect:
            ``Ledger.suspicion``).
        count: How many labels are wrong, by the model's contradictions where it is sure, with the
            range of what can be told; see ``selfpaced.suspects.Judge``.
        confusion: Expected number of wrong labels by the class that was meant (rows) and the label
            given (columns), of the samples where another class is suggested; None for a
            regression, whose labels are numbers.
        history: A row per epoch: ``Pacer.history``.
        model: The trained model: a torch module in eval mode, or an estimator of scikit-learn.
        pacer: Its memory.
    """

    table: pd.DataFrame
    count: Count
    confusion: pd.DataFrame | None
    history: pd.DataFrame
    model: Any
    pacer: Pacer

    @property
    def numeric(self) -> bool:
        """Whether the labels are numbers: the audit was of a regression."""
        return self.confusion is None

    @property
    def suspects(self) -> pd.DataFrame:
        """The samples more probably wrong than right; of classes, with another one to suggest."""
        table = self.table
        if self.numeric:
            return table[table["probability"] > 0.5]
        return table[(table["probability"] > 0.5) & (table["suggested"] != table["label"])]

    def __repr__(self) -> str:
        """Say how many labels are wrong and of which kind."""
        n, suspects, found = len(self.table), self.suspects, self.count
        what = "numbers" if self.numeric else "labels"
        k, about = len(suspects), round(found.estimate)
        lines = [
            f"{k:,} of {n:,} {what} {are(k)} probably wrong ({k / n:.1%}).",
            f"All in all about {about:,} {are(about)} wrong ({found.low:,.0f} to "
            f"{found.high:,.0f}).",
        ]
        if self.numeric:
            return "\n".join(lines)
        kinds = suspects.groupby(["label", "suggested"], observed=True).size().reset_index(name="n")
        for kind in kinds.sort_values("n", ascending=False).head(SHOWN).to_dict("records"):
            k -= kind["n"]
            probably = f"{are(kind['n'])} probably {kind['suggested']}"
            lines.append(f"  {kind['n']:,} labelled {kind['label']} {probably}")
        return "\n".join([*lines, f"  {k:,} more of other kinds"] if k else lines)


def result(model: Any, pacer: Pacer, labels: Tensor, names: Iterable[Any]) -> Audit:
    """Put together what a run found.

    Args:
        model: The trained model.
        pacer: The pacer of its training.
        labels: Classes, int64, shape (n,).
        names: What the user calls them, C of them.
    """
    judgement, classes = Judge()(pacer), pd.Index(list(names))
    suggested = judgement.suggested.numpy()
    table = pd.DataFrame(
        {
            "label": classes.take(labels.numpy()),
            "probability": judgement.probability.numpy(),
            "suggested": classes.take(np.maximum(suggested, 0)),
            "confidence": judgement.confidence.numpy(),
            "loss": pacer.ledger.suspicion.cpu().numpy(),
        }
    ).rename_axis("index")
    mistaken = confusion(judgement.probability, labels, judgement.suggested, len(classes))
    return Audit(
        table.sort_values("loss", ascending=False, kind="stable"),
        judgement.count,
        pd.DataFrame(mistaken.numpy(), index=classes, columns=classes),
        pacer.history.to_frame(),
        _at_rest(model),
        pacer,
    )


def result_of_numbers(model: Any, pacer: Pacer, given: Floats, predicted: Floats) -> Audit:
    """Put together what a run on numbers found.

    The probability of a mistake ranks them, not the loss: it knows how usual such a number is, and
    what the model says at the end, when it has left the wrong ones out. Equal probabilities go by
    how far number and prediction are apart.

    Args:
        model: The trained model.
        pacer: The pacer of its training.
        given: The numbers, in the user's unit, shape (n,).
        predicted: What the model says of the same samples, in the same unit, shape (n,). All of
            them are judged, also one that the training never visited.

    Raises:
        ValueError: For another number of predictions, and for ones that are NaN or infinite.
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
        _at_rest(model),
        pacer,
    )


def _at_rest(model: Any) -> Any:
    """Return the model, a torch module in eval mode."""
    return model.eval() if isinstance(model, nn.Module) else model


def _errors(given: Floats, predicted: Floats, n: int) -> Floats:
    """Return how far each number and its prediction are apart, or raise."""
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
        f"{lost[:SHOWN].tolist()}. Lower the learning rate.",
    )
    return error


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
