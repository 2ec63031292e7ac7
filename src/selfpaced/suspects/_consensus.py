"""The labels of several annotators: what most probably is right, and how often each one is.

Annotator a is right with probability r_a, and else gives any other class as probably:

    P(vote j of a | class k) = r_a if j = k, else (1 - r_a) / (C - 1)

A sample has the class k with

    P(k | votes) proportional to q_k * product over a of P(vote of a | k)
    q_k proportional to p_k^t

with p the held-out probabilities of models, or without models the frequencies of the classes. The
EM algorithm finds the r_a and the exponent t that make the votes most likely.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Floats

# The number of EM steps.
STEPS = 50
# Each annotator begins with this many votes of the mean quality.
PRIOR = 5.0
# The quality of an annotator lies between this and 1 minus this.
LEAST_DOUBT = 1e-3
# The least probability of a class, so that no logarithm is infinite.
LEAST = 1e-6
# Exponents t that are tried.
EXPONENTS = np.exp(np.linspace(np.log(0.25), np.log(4.0), 17))


@dataclass(frozen=True)
class Consensus:
    """The consensus of several annotators.

    Args:
        label: The most probable class of each sample, int64, shape (n,).
        probability: The probability of each class, float32, shape (n, C).
        quality: How often each annotator is right, estimated, float32, shape (A,).
        agreement: How often each annotator gave the consensus, float32, shape (A,); NaN for one
            without votes.
    """

    label: Tensor
    probability: Tensor
    quality: Tensor
    agreement: Tensor


def consensus(
    votes: Tensor, probability: Tensor | None = None, classes: int | None = None
) -> Consensus:
    """Return the most probable labels of samples that several annotators labelled.

    The model of annotators is at the head of the source.

    Args:
        votes: Classes, int64 from 0, shape (n, A); -1 where an annotator gave none. Each sample
            needs a vote.
        probability: The probability of each class by models that did not learn the sample's label,
            shape (n, C). None: the classes are as probable as they are frequent.
        classes: The number of classes C. None: the width of ``probability``, or the largest vote
            plus 1.

    Raises:
        ValueError: For votes of another shape or out of range, samples without a vote, and
            probabilities that do not fit.

    References:
        Dawid, Skene, *Maximum Likelihood Estimation of Observer Error-Rates Using the EM
        Algorithm*, Applied Statistics 1979, with one rate per annotator in place of a matrix, and a
        classifier in place of the frequencies of the classes.

    >>> import torch
    >>> votes = torch.tensor([[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 1, 0]])
    >>> found = consensus(votes)
    >>> found.label.tolist(), found.agreement.tolist()
    ([0, 1, 0, 1, 1], [1.0, 1.0, 0.4000000059604645])
    """
    given = votes.cpu().numpy()
    n_classes = _classes(votes, probability, classes)
    logs = None
    if probability is not None:
        logs = np.log(np.clip(probability.detach().double().cpu().numpy(), LEAST, None))
    counts = np.stack([(given == k).sum(1) for k in range(n_classes)], axis=1)
    q = counts / counts.sum(1, keepdims=True)
    quality = np.empty(0)
    for _ in range(STEPS):
        quality = _quality(given, q)
        q = _posterior(given, quality, _prior(q, logs))
    label = q.argmax(1)
    there = given >= 0
    with np.errstate(invalid="ignore"):
        agreement = ((given == label[:, None]) & there).sum(0) / there.sum(0)
    return Consensus(
        torch.from_numpy(label),
        *(torch.from_numpy(each).float() for each in (q, quality, agreement)),
    )


def _quality(votes: NDArray[np.int64], q: Floats) -> Floats:
    """Return how often each annotator is right, shape (A,)."""
    there = votes >= 0
    right = np.take_along_axis(q, np.maximum(votes, 0), axis=1) * there
    mean = right.sum() / there.sum()
    rates = (right.sum(0) + PRIOR * mean) / (there.sum(0) + PRIOR)
    return np.asarray(np.clip(rates, LEAST_DOUBT, 1 - LEAST_DOUBT))


def _prior(q: Floats, logs: Floats | None) -> Floats:
    """Return the logarithm of the probability of each class before the votes are seen.

    Args:
        q: The probability of each class by the votes, shape (n, C).
        logs: ln p by models, shape (n, C); None for the frequencies of the classes.
    """
    if logs is None:
        return np.asarray(np.log(np.clip(q.mean(0), LEAST, None)))[None]
    tried = [_normalised(logs * exponent) for exponent in EXPONENTS]
    return max(tried, key=lambda one: float((q * one).sum()))


def _posterior(votes: NDArray[np.int64], quality: Floats, prior: Floats) -> Floats:
    """Return the probability of each class of each sample, shape (n, C)."""
    n_classes = prior.shape[1]
    # A vote raises its class by ln r - ln((1 - r) / (C - 1)) above the others.
    gain = np.log(quality) - np.log((1 - quality) / (n_classes - 1))
    logs = np.broadcast_to(prior, (len(votes), n_classes)).copy()
    for k in range(n_classes):
        logs[:, k] += ((votes == k) * gain).sum(1)
    return np.asarray(np.exp(_normalised(logs)))


def _normalised(logs: Floats) -> Floats:
    """Return logarithms of probabilities that add up to 1 in each row."""
    logs = logs - logs.max(1, keepdims=True)
    return np.asarray(logs - np.log(np.exp(logs).sum(1, keepdims=True)))


def _classes(votes: Tensor, probability: Tensor | None, classes: int | None) -> int:
    """Return the number of classes, or raise for votes and probabilities that do not fit."""
    require(
        votes.ndim == 2 and votes.dtype == torch.int64 and votes.numel() > 0,
        f"consensus expects votes, int64, shape (n, annotators); got {votes.dtype}, "
        f"{tuple(votes.shape)}.",
    )
    wide = None if probability is None else probability.shape[-1]
    n_classes = classes or wide or int(votes.max()) + 1
    require(
        n_classes > 1 and -1 <= int(votes.min()) and int(votes.max()) < n_classes,
        f"consensus expects votes from 0 to {n_classes - 1}, and -1 for none; got "
        f"{int(votes.min())} to {int(votes.max())}.",
    )
    silent = int((votes < 0).all(1).sum())
    require(silent == 0, f"consensus: {silent} samples have no vote. Leave them out.")
    if probability is not None:
        right = probability.shape == (len(votes), n_classes)
        require(
            right and bool((probability >= 0).all()),
            f"consensus expects probabilities, shape ({len(votes)}, {n_classes}), none below 0 or "
            f"NaN; got {tuple(probability.shape)}.",
        )
    return n_classes
