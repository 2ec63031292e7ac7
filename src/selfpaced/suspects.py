"""How probable it is that a label is wrong, how many are, and which class was meant."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from selfpaced.errors import require
from selfpaced.ledger import MEMORY
from selfpaced.pacer import Pacer

SLOPE = 0.75  # chosen on 5,000 digits with 0 to 60 % wrong labels; see docs/suspects.md
MOST = 50.0  # a log-odds beyond this is as good as certain
STEPS = 60  # halvings of an interval: to a float64's last bits


class Count(NamedTuple):
    """How many labels the model would not have given, and the range of its doubt."""

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
        count: How many labels are wrong; where classes overlap, more than are.
    """

    probability: Tensor
    suggested: Tensor
    confidence: Tensor
    count: Count


@torch.no_grad()
def judge(pacer: Pacer) -> Judgement:
    """Judge all labels by the losses of the run; for losses that are -ln p (cross-entropy).

    Two memories of a sample are read. The mean loss since its third visit says who is suspect: a
    label that was memorised late loses its last loss, not its past. The smoothed loss at the end
    says how many are: 1 - p of the label, summed. The log-odds of a wrong label are the logit of
    the former, scaled and shifted so that the probabilities add up to the latter.

    Call ``pacer.observe(loss, index, logits, target, probabilities=True)`` in the loop to have
    classes suggested.

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
    past, now = suspicion[seen].cpu(), pacer.ledger.packed[seen, MEMORY].cpu()
    require(
        bool((past >= 0).all()),
        f"judge reads losses as -ln p and needs 0 or more; got {float(past.min()):g}.",
    )
    chances = probabilities(past, float(wrong(now).double().mean()))
    probability = torch.full(pacer.weight.shape, torch.nan, device="cpu")
    probability[seen.cpu()] = chances
    return Judgement(probability, *_suggested(pacer), count(chances))


def wrong(loss: Tensor) -> Tensor:
    """Return the probability that the label is not the answer, 1 - p, of a loss -ln p."""
    return -torch.expm1(-loss)


def probabilities(past: Tensor, share: float) -> Tensor:
    """Return probabilities in the order of the losses whose mean is the share.

    Args:
        past: Mean losses, 0 or more, shape (n,).
        share: From 0 to 1.

    Returns:
        float32, shape (n,).
    """
    loss = past.double().clamp(1e-7, 700.0)
    evidence = SLOPE * (loss + (-torch.expm1(-loss)).log())
    low, high = -MOST - float(evidence.max()), MOST - float(evidence.min())
    for _ in range(STEPS):
        shift = (low + high) / 2
        enough = float(torch.sigmoid(evidence + shift).mean()) >= share
        low, high = (low, shift) if enough else (shift, high)
    return torch.sigmoid(evidence + high).float()


def count(probability: Tensor) -> Count:
    """Return the expected number of wrong labels.

    The range allows for chance, and for all doubtful labels being on one side: it is as wide as
    the number of mistakes that cutting at one half is expected to make.

    Args:
        probability: Shape (n,); NaN counts for nothing.
    """
    p = probability[~probability.isnan()].double()
    estimate = float(p.sum())
    doubt = float(torch.minimum(p, 1 - p).sum()) + 1.96 * math.sqrt(float((p * (1 - p)).sum()))
    return Count(estimate, max(estimate - doubt, 0.0), min(estimate + doubt, float(len(p))))


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


def _suggested(pacer: Pacer) -> tuple[Tensor, Tensor]:
    """Return the most probable class of each sample and its probability."""
    dynamics = pacer.ledger.dynamics
    nothing = torch.full(pacer.weight.shape, -1, device="cpu")
    if dynamics is None or not dynamics.probability.shape[1]:
        return nothing, nothing.float() * torch.nan
    confidence, suggested = dynamics.probability.cpu().max(1)
    known = dynamics.visits.cpu() > 0
    return torch.where(known, suggested, -1), torch.where(known, confidence, torch.nan)
