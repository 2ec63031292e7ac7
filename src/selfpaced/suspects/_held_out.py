"""Judge labels by the probabilities of models that did not learn them.

Two things let a model contradict a label: the label is wrong, or the classes overlap. They are told
apart where the model is surest. There, overlap is least, and what is contradicted is noise:

    T_kj = share of label j among the samples that are surely of class k

The labels that are seen are then distributed as the classes q of a sample, mixed by T:

    P(label j | x) = sum over k of T_kj q_k(x),    q_k(x) proportional to p_k(x)^t

with p the held-out probabilities. They are less extreme than the truth, as the models learned wrong
labels, too; the exponent t maximises the likelihood of the labels. By Bayes' rule,

    P(wrong | x, j) = 1 - T_jj q_j(x) / P(label j | x)
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Floats
from selfpaced.suspects._judge import NORMAL_95, Count, Judgement

# The least probability of a class, so that no ratio is infinite.
LEAST = 1e-6
# Exponents t that are tried.
EXPONENTS = np.exp(np.linspace(math.log(0.5), math.log(16.0), 31))
# Shares of the samples of each predicted class, the surest first, among which labels are compared.
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# The least number of samples among which labels are compared.
FEWEST = 30
# The share is chosen whose contradictions are fewest at the upper end of this many deviations.
CAUTION = 1.28
# The number of samples with the mean rate of contradictions that each class begins with.
PRIOR = 20.0
# A label that the models would give themselves is never called wrong.
MOST_OF_RIGHT = 0.5
# Fewer contradictions than this may all be rare samples: the lower end of the range is then 0.
FEW = 5
# Up to this accuracy without noise, what is contradicted counts as overlap, and no noise is
# assumed; from TOLD_APART on it counts as noise.
OVERLAP, TOLD_APART = 0.6, 0.9
# A class is learned if a sample of it gets more of its probability than another sample in more than
# half of all pairs, by at least this many standard errors.
LEAST_ERRORS = 2.5


@dataclass(frozen=True)
class Learned:
    """How well models predict labels that they did not learn, beside the most frequent class.

    Args:
        accuracy: Share of the samples whose label is the most probable class.
        log_loss: Mean of -ln p of the label.
        base_accuracy: The accuracy of always predicting the most frequent class.
        base_log_loss: The log loss of always predicting the frequencies of the classes.
        rows: Number of samples with each label, int64, shape (C,).
        recall: Share of them whose label is the most probable class, float32, shape (C,).
        flagged: Share of them whose label is probably wrong, float32, shape (C,).
        classes: Whether each class was learned better than by chance, bool, shape (C,).
        told_apart: Whether wrong labels can be told from classes that overlap.
    """

    accuracy: float
    log_loss: float
    base_accuracy: float
    base_log_loss: float
    rows: Tensor
    recall: Tensor
    flagged: Tensor
    classes: Tensor
    told_apart: bool

    @property
    def any(self) -> bool:
        """Whether any class was learned better than by chance."""
        return bool(self.classes.any())

    @property
    def withheld(self) -> Tensor:
        """Classes of which no label is called wrong, bool, shape (C,).

        Those that were not learned, and those of which more than half would be called wrong.
        """
        return ~self.classes | (self.flagged > 0.5)


@dataclass(frozen=True)
class HeldOut(Judgement):
    """A ``Judgement`` by models that did not learn the labels.

    Args:
        learned: How well they predict the labels.
    """

    learned: Learned


class _Surest(NamedTuple):
    """The samples of which the models are surest: which, and their contradicted share and range."""

    rows: NDArray[np.bool]
    contradicted: int
    share: float
    low: float
    high: float


def judge_held_out(probability: Tensor, given: Tensor) -> HeldOut:
    """Judge labels by the probabilities of models that did not learn them.

    Such probabilities come from cross-validation: those of a fold from a model that was trained on
    the other folds. The head of the source explains the method. Wrong labels that are common where
    classes overlap, and rare elsewhere, are neither seen nor counted.

    Args:
        probability: Probability of each class, shape (n, C); C of 2 or more. A row of NaN is that
            of a sample that no model has judged.
        given: Labels, int64 from 0, shape (n,).

    Returns:
        Probabilities that a label is wrong; 0 for all labels if the classes were not learned at
        all, and NaN for a sample that no model has judged. The suggested class is the most probable
        one other than the label.

    Raises:
        ValueError: For shapes that do not match, and for numbers that are not probabilities.

    References:
        The confident joint of Northcutt, Jiang, Chuang, *Confident Learning*, JAIR 2021, also
        compares labels where a model is sure, with thresholds per class.

    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> truth = torch.arange(200) % 2
    >>> given = truth.clone()
    >>> given[:20] = 1 - given[:20]
    >>> p = torch.where(truth == 1, 0.9, 0.1) + 0.05 * torch.rand(200)
    >>> found = judge_held_out(torch.stack([1 - p, p], 1), given)
    >>> round(found.count.estimate), int((found.probability > 0.5).sum())
    (20, 20)
    """
    probability = probability.detach().double().cpu()
    judged = ~probability.isnan().any(-1)
    if not judged.all() and judged.any():
        return _scattered(judge_held_out(probability[judged], given[judged]), judged)
    _require_probabilities(probability, given)
    labels = given.cpu().numpy()
    raw = np.clip(probability.numpy(), LEAST, 1.0)
    p = _classes(raw, labels, np.eye(raw.shape[1]))
    surest = _surest(p, labels)
    clean, error = _accuracy_without_noise(p, labels, surest.share)
    certain, _ = _accuracy_without_noise(p, labels, surest.low)  # with the least noise there can be
    least = clean - math.hypot(clean - certain, NORMAL_95 * error)
    trust = min(max((least - OVERLAP) / (TOLD_APART - OVERLAP), 0.0), 1.0)
    noise = _noise(p, labels, surest, trust)
    q = _classes(raw, labels, noise)
    wrong = _wrong(q, labels, noise)
    better = _better_than_chance(p, labels)
    if not better.any():
        wrong[:] = 0.0
    learned = _learned(p, labels, wrong, better, told_apart=certain >= TOLD_APART)
    suggested, confidence = _others(q, labels)
    return HeldOut(
        torch.from_numpy(wrong).float(),
        torch.from_numpy(suggested),
        torch.from_numpy(confidence).float(),
        _count(wrong, surest, learned, trust),
        learned,
    )


def _scattered(found: HeldOut, judged: Tensor) -> HeldOut:
    """Return a judgement of some samples as one of all: the others have NaN, and -1 as class."""
    n, nan = len(judged), math.nan
    return replace(
        found,
        probability=torch.full((n,), nan).masked_scatter(judged, found.probability),
        suggested=torch.full((n,), -1).masked_scatter(judged, found.suggested),
        confidence=torch.full((n,), nan).masked_scatter(judged, found.confidence),
    )


def _classes(p: Floats, labels: NDArray[np.int64], noise: Floats) -> Floats:
    """Return q: the power of p, normalised, that makes the labels most likely.

    Args:
        p: Held-out probabilities, above 0, shape (n, C).
        labels: Shape (n,).
        noise: T, shape (C, C).
    """
    logs, most, found = np.log(p), -math.inf, p
    logs -= logs.max(1, keepdims=True)
    for exponent in EXPONENTS:
        q = np.exp(logs * exponent)
        q /= q.sum(1, keepdims=True)
        likelihood = float(np.log(np.clip((noise.T[labels] * q).sum(1), LEAST, None)).mean())
        if likelihood > most:
            most, found = likelihood, q
    return found


def _surest(p: Floats, labels: NDArray[np.int64]) -> _Surest:
    """Return the surest samples: of each predicted class the share with fewest contradictions."""
    predicted, rank = p.argmax(1), np.empty(len(p))
    for k in np.unique(predicted):
        rows = np.flatnonzero(predicted == k)
        lower = np.searchsorted(np.sort(p[rows, k]), p[rows, k])
        rank[rows] = 1 - lower / len(rows)  # equal ones are in together
    found = []
    for share in SHARES:
        inside = rank <= share
        n, k = int(inside.sum()), int((predicted[inside] != labels[inside]).sum())
        if n >= min(FEWEST, len(p)):
            found.append((_wilson(k, n, CAUTION)[1], inside, k, n))
    _, inside, k, n = min(found, key=lambda one: one[0])
    low, high = _wilson(k, n, NORMAL_95)
    return _Surest(inside, k, k / n, low, high)


def _wilson(k: int, n: int, z: float) -> tuple[float, float]:
    """Return Wilson's interval of z deviations for a share of which k of n were seen."""
    share, room = k / n, z * z / n
    middle = share + room / 2
    half = z * math.sqrt(share * (1 - share) / n + room / (4 * n))
    return max((middle - half) / (1 + room), 0.0), min((middle + half) / (1 + room), 1.0)


def _noise(p: Floats, labels: NDArray[np.int64], surest: _Surest, trust: float) -> Floats:
    """Return T, shape (C, C): row for the class, column for the label; the rows add up to 1.

    A pair of classes with few samples tends to the rate of its class, spread over all labels, and a
    class with few samples to the rate of all classes.

    Args:
        p: Held-out probabilities, shape (n, C).
        labels: Shape (n,).
        surest: The surest samples.
        trust: How much of what is contradicted there counts as noise, from 0 to 1.
    """
    classes = p.shape[1]
    joint = np.zeros((classes, classes))
    np.add.at(joint, (p.argmax(1)[surest.rows], labels[surest.rows]), 1.0)
    n = joint.sum(1)
    np.fill_diagonal(joint, 0.0)
    rate = (joint.sum(1) + PRIOR * surest.share) / (n + PRIOR)
    noise = (joint + PRIOR * rate[:, None] / (classes - 1)) / (n[:, None] + PRIOR) * trust
    np.fill_diagonal(noise, 0.0)
    np.fill_diagonal(noise, 1 - noise.sum(1))
    return np.asarray(noise)


def _accuracy_without_noise(
    p: Floats, labels: NDArray[np.int64], share: float
) -> tuple[float, float]:
    """Return the accuracy that the models would have if a share of the labels, at random, is wrong.

    And its standard error, for chance among the labels.

    The accuracy is the mean over the classes of how often a prediction of the class is confirmed,
    so that a frequent class cannot hide that the others overlap with it. With noise e, a prediction
    that is right with probability a is confirmed with probability a (1 - e) + (1 - a) e / (C - 1).
    """
    predicted, given = p.argmax(1), np.unique(labels)
    n = np.bincount(predicted, minlength=p.shape[1])
    confirmed = np.bincount(predicted, predicted == labels, p.shape[1])
    accuracy = float((confirmed / np.maximum(n, 1))[given].mean())
    other = share / (p.shape[1] - 1)
    possible = 1 - share - other
    if possible <= 0:
        return 0.0, math.inf
    right = float((predicted == labels).mean())
    error = math.sqrt(right * (1 - right) / len(labels))
    return (accuracy - other) / possible, error / possible


def _wrong(q: Floats, labels: NDArray[np.int64], noise: Floats) -> Floats:
    """Return P(wrong | x, j) of each label, shape (n,)."""
    seen = np.clip((noise.T[labels] * q).sum(1), LEAST, None)
    wrong = np.clip(1 - np.diag(noise)[labels] * _own(q, labels) / seen, 0.0, 1.0)
    return np.asarray(np.minimum(wrong, np.where(q.argmax(1) == labels, MOST_OF_RIGHT, 1.0)))


def _learned(
    p: Floats,
    labels: NDArray[np.int64],
    wrong: Floats,
    better: NDArray[np.bool],
    *,
    told_apart: bool,
) -> Learned:
    """Return how well the labels were learned."""
    classes = p.shape[1]
    rows = np.bincount(labels, minlength=classes)
    frequency, own = rows / len(labels), np.clip(_own(p, labels), LEAST, 1.0)
    right = p.argmax(1) == labels
    n = np.maximum(rows, 1)
    return Learned(
        accuracy=float(right.mean()),
        log_loss=-float(np.log(own).mean()),
        base_accuracy=float(frequency.max()),
        base_log_loss=-float(np.log(frequency[labels]).mean()),
        rows=torch.from_numpy(rows),
        recall=_float(np.bincount(labels, right, classes) / n),
        flagged=_float(np.bincount(labels, (wrong > 0.5) & ~right, classes) / n),
        classes=torch.from_numpy(better),
        told_apart=told_apart and bool(better.any()),
    )


def _better_than_chance(p: Floats, labels: NDArray[np.int64]) -> NDArray[np.bool]:
    """Return whether the samples of each class get more of its probability than the others do.

    This is the test of Mann and Whitney, *On a Test of Whether One of Two Random Variables is
    Stochastically Larger than the Other*, Annals of Mathematical Statistics 1947.
    """
    found, n = np.zeros(p.shape[1], bool), len(p)
    for k in np.unique(labels):
        inside = labels == k
        m = int(inside.sum())
        _, place, equal = np.unique(p[:, k], return_inverse=True, return_counts=True)
        rank = (equal.cumsum() - (equal - 1) / 2)[place]  # equal ones have their mean rank
        area = (float(rank[inside].sum()) / m - (m + 1) / 2) / max(n - m, 1)
        error = math.sqrt((n + 1) / (12 * m * max(n - m, 1)))
        found[k] = area - 0.5 > LEAST_ERRORS * error
    return found


def _count(wrong: Floats, surest: _Surest, learned: Learned, trust: float) -> Count:
    """Return the number of wrong labels; the range is that of the noise among the surest samples.

    Where wrong labels cannot be told from overlap, there may be none. And as far as the models are
    not trusted, all labels that they contradict may be wrong.
    """
    n, estimate = len(wrong), float(wrong.sum())
    low = surest.low * n if learned.told_apart and surest.contradicted >= FEW else 0.0
    high, contradicted = surest.high * n, (1 - learned.accuracy) * n
    high += (1 - trust) * max(contradicted - high, 0.0)
    return Count(estimate, min(low, estimate), max(high, estimate))


def _others(p: Floats, labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Return the most probable class of each sample other than its label, and its probability."""
    others = p.copy()
    others[np.arange(len(p)), labels] = -1.0
    return others.argmax(1), others.max(1)


def _own(p: Floats, labels: NDArray[np.int64]) -> Floats:
    """Return the probability of each label, shape (n,)."""
    return np.asarray(p[np.arange(len(p)), labels])


def _float(values: Floats) -> Tensor:
    """Return float32."""
    return torch.from_numpy(values).float()


def _require_probabilities(probability: Tensor, given: Tensor) -> None:
    """Raise unless there is a row of probabilities for each label."""
    require(
        probability.ndim == 2 and probability.shape[1] > 1 and given.shape == probability.shape[:1],
        f"judge_held_out expects probabilities, shape (n, classes), and a label each; got "
        f"{tuple(probability.shape)} and {tuple(given.shape)}.",
    )
    sums = probability.double().sum(1)
    require(
        bool((probability >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all()),
        "judge_held_out expects probabilities that add up to 1 for each sample. Apply softmax to "
        "logits.",
    )
    require(
        given.dtype == torch.int64
        and len(given) > 0
        and int(given.min()) >= 0
        and int(given.max()) < probability.shape[1],
        f"judge_held_out expects int64 labels from 0 to {probability.shape[1] - 1}.",
    )
