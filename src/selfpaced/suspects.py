"""How probable it is that a label is wrong, how many are, and which class was meant."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.ledger import MEMORY
from selfpaced._pacer.pacer import Pacer

SLOPE, SURE = 0.75, 0.6  # chosen on 5,000 digits with 0 to 60 % wrong; see docs/suspects.md
SPREAD, LEAST = 2.0, 0.1  # of logits: below the one they are pressed together; at least the other
MOST = 50.0  # a log-odds beyond this is as good as certain
STEPS = 60  # halvings of an interval: to a float64's last bits


class Count(NamedTuple):
    """How many labels are wrong, and the range of what can be told."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    """What a run says about the labels of its n samples, in index order.

    Args:
        probability: Of a wrong label, float32, shape (n,); NaN for a sample never judged.
        suggested: The class that was probably meant, int64, shape (n,); -1 where no logits were
            observed.
        confidence: The probability of that class, float32, shape (n,); NaN likewise.
        count: How many labels are wrong.
    """

    probability: Tensor
    suggested: Tensor
    confidence: Tensor
    count: Count


@torch.no_grad()
def judge(pacer: Pacer) -> Judgement:
    """Judge all labels by the losses of the run; for losses that are -ln p (cross-entropy).

    The mean loss of all visits, in which the steps before labels are learned by heart count most
    (``Ledger.suspicion``), says who is suspect. How many are wrong is what the model contradicts
    where it is sure (``share_contradicted``), and at most 1 - p of the label at the end, summed:
    that alone where no probabilities were observed. The log-odds of a wrong label are the logit of
    the former, scaled and shifted so that the probabilities add up to the latter.

    Call ``pacer(loss, index, logits=logits, target=y, probabilities=True)`` in the loop to have
    classes suggested and overlap left out of the count.

    Raises:
        ValueError: For a pacer without ``n_samples`` or without a step, and for losses below 0.

    >>> pacer = Pacer(3)
    >>> for _ in range(4):
    ...     pacer.observe(torch.tensor([0.01, 0.02, 5.0]), torch.arange(3))
    ...     pacer.step()
    >>> judge(pacer).probability.round(decimals=1)
    tensor([0., 0., 1.])
    """
    require(
        pacer.n_samples is not None and pacer.steps > 0,
        "judge needs a pacer made as Pacer(len(dataset)) and trained for a step or more.",
    )
    suspicion = pacer.ledger.suspicion
    seen = (~suspicion.isnan()).nonzero().squeeze(1)
    past = suspicion[seen].cpu()
    require(
        bool((past >= 0).all()),
        f"judge reads losses as -ln p and needs 0 or more; got {float(past.min()):g}.",
    )
    share, doubted = _shares(pacer, seen)
    chances = probabilities(past, share)
    probability = torch.full(pacer.weight.shape, torch.nan, device="cpu")
    probability[seen.cpu()] = chances
    return Judgement(probability, *_suggested(pacer), count(chances, doubted))


def wrong(loss: Tensor) -> Tensor:
    """Return the probability that the label is not the answer, 1 - p, of a loss -ln p."""
    return -torch.expm1(-loss)


def probabilities(past: Tensor, share: float) -> Tensor:
    """Return probabilities in the order of the losses whose mean is the share.

    Their log-odds are the logits of the losses, scaled and shifted. Where the logits are pressed
    together, as in a run that left nothing out and learned wrong labels by heart, too, the scale is
    greater.

    Args:
        past: Mean losses, 0 or more, shape (n,).
        share: From 0 to 1.

    Returns:
        float32, shape (n,).
    """
    loss = past.double().clamp(1e-7, 700.0)
    logits = loss + (-torch.expm1(-loss)).log()
    spread = max(float(logits.std(correction=0)), LEAST)
    evidence = SLOPE * max(1.0, SPREAD / spread) ** 2 * logits
    low, high = -MOST - float(evidence.max()), MOST - float(evidence.min())
    for _ in range(STEPS):
        shift = (low + high) / 2
        enough = float(torch.sigmoid(evidence + shift).mean()) >= share
        low, high = (low, shift) if enough else (shift, high)
    return torch.sigmoid(evidence + high).float()


def count(probability: Tensor, doubted: float = 0.0) -> Count:
    """Return the expected number of wrong labels.

    The range allows for chance, for all doubtful labels being on one side (it is as wide as the
    number of mistakes that cutting at one half is expected to make), and for all that the model
    would not have given.

    Args:
        probability: Shape (n,); NaN counts for nothing.
        doubted: Share of the labels that the model would not have given.
    """
    p = probability[~probability.isnan()].double()
    estimate, n = float(p.sum()), float(len(p))
    doubt = float(torch.minimum(p, 1 - p).sum()) + 1.96 * math.sqrt(float((p * (1 - p)).sum()))
    most = max(estimate, doubted * n)
    return Count(estimate, max(estimate - doubt, 0.0), min(most + doubt, n))


def confusion(probability: Tensor, given: Tensor, suggested: Tensor, n_classes: int) -> Tensor:
    """Return how many samples of each class were probably given each other label.

    Args:
        probability: Of a wrong label, shape (n,).
        given: Labels, int64, shape (n,).
        suggested: Classes that were probably meant, int64, shape (n,); -1 for none.
        n_classes: C.

    Returns:
        float32, shape (C, C): expected counts, row the class that was meant, column the label.

    >>> confusion(torch.tensor([0.9, 0.1]), torch.tensor([0, 1]), torch.tensor([1, 1]), 2)
    tensor([[0.0000, 0.0000],
            [0.9000, 0.0000]])
    """
    other = (suggested >= 0) & (suggested != given) & ~probability.isnan()
    cell = suggested[other] * n_classes + given[other]
    counts = torch.zeros(n_classes * n_classes, dtype=torch.float32)
    counts.index_add_(0, cell, probability[other].float())
    return counts.reshape(n_classes, n_classes)


def share_contradicted(probability: Tensor, given: Tensor) -> float:
    """Return the share of labels that the model would contradict where it is sure.

    The confident joint of Northcutt, Jiang, Chuang, *Confident Learning*, JAIR 2021: a sample is
    sure of a class that is at least as probable as it usually is for samples with that label. Of
    the sure samples of each label, the share that is sure of another class stands for all with that
    label. Where classes overlap, what is merely doubtful is not counted. Their threshold is the
    mean; ours, a little stricter, the .6 quantile.

    Args:
        probability: Per class, shape (n, C).
        given: Labels, int64, shape (n,).

    >>> p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    >>> share_contradicted(p, torch.tensor([0, 0, 1, 1, 1]))
    0.2
    """
    counts = given.bincount(minlength=probability.shape[1])
    usual = torch.full((len(counts),), torch.inf, dtype=torch.float32)
    for label in counts.nonzero().squeeze(1).tolist():
        usual[label] = _quantile(probability[given == label, label].float(), SURE)
    believed = torch.where(probability >= usual, probability, -1.0)
    most, which = believed.max(1)
    sure = most >= 0
    known = given[sure].bincount(minlength=len(counts))
    other = given[sure & (which != given)].bincount(minlength=len(counts))
    return float((counts.double() * other / known.clamp(min=1)).sum() / counts.sum())


def _quantile(values: Tensor, share: float) -> Tensor:
    """Return the value that the share lies below, of any number of values, unlike torch's."""
    return values.kthvalue(min(int(share * len(values)) + 1, len(values))).values


def _shares(pacer: Pacer, seen: Tensor) -> tuple[float, float]:
    """Return the share of wrong labels among the seen, and of those not given at the end."""
    doubted = float(wrong(pacer.ledger.packed[seen, MEMORY]).double().mean())
    dynamics = pacer.ledger.dynamics
    if dynamics is None or not dynamics.probability.shape[1]:
        return doubted, doubted
    known = seen[dynamics.visits[seen] > 0]
    given = dynamics.target[known].cpu().long()
    return min(doubted, share_contradicted(dynamics.probability[known].cpu(), given)), doubted


def _suggested(pacer: Pacer) -> tuple[Tensor, Tensor]:
    """Return the most probable class of each sample and its probability."""
    dynamics = pacer.ledger.dynamics
    nothing = torch.full(pacer.weight.shape, -1, device="cpu")
    if dynamics is None or not dynamics.probability.shape[1]:
        return nothing, nothing.float() * torch.nan
    confidence, suggested = dynamics.probability.cpu().max(1)
    known = dynamics.visits.cpu() > 0
    return torch.where(known, suggested, -1), torch.where(known, confidence, torch.nan)
