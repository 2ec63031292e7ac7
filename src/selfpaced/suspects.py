"""How probable it is that a label is wrong, how many are, and which class was meant."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.ledger import MEMORY
from selfpaced._pacer.pacer import Pacer

__all__ = ["Count", "Judge", "Judgement", "confusion"]

LARGEST = 50.0  # a log-odds beyond this is as good as certain
HALVINGS = 60  # of an interval that holds a float64, to its last bits
NORMAL_95 = 1.96  # standard deviations of a normal that hold 95 %


class Count(NamedTuple):
    """How many labels are wrong, and the range of what can be told."""

    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, probability: Tensor, doubted: float = 0.0) -> Self:
        """Return the expected number of wrong labels.

        The range allows for chance, for all doubtful labels being on one side (it is as wide as the
        number of mistakes that cutting at one half is expected to make), and for all that the model
        would not have given.

        Args:
            probability: Of a wrong label, shape (n,); NaN counts for nothing.
            doubted: Share of the labels that the model would not have given.
        """
        p = probability[~probability.isnan()].double()
        estimate, n = float(p.sum()), float(len(p))
        chance = NORMAL_95 * math.sqrt(float((p * (1 - p)).sum()))
        doubt = float(torch.minimum(p, 1 - p).sum()) + chance
        most = max(estimate, doubted * n)
        return cls(estimate, max(estimate - doubt, 0.0), min(most + doubt, n))


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


@dataclass(frozen=True)
class Judge:
    """Judges all labels of a run by its losses; for losses that are -ln p (cross-entropy).

    The mean loss of all visits, in which the steps before labels are learned by heart count most
    (``Ledger.suspicion``), says who is suspect. How many are wrong is what the model contradicts
    where it is sure (``share_contradicted``), and at most 1 - p of the label at the end, summed:
    that alone where no probabilities were observed. The log-odds of a wrong label are the logit of
    the former, scaled and shifted so that the probabilities add up to the latter.

    Call ``pacer(loss, index, logits=logits, target=y, probabilities=True)`` in the loop to have
    classes suggested and overlap left out of the count.

    All defaults were chosen on 5,000 digits of which 0 to 60 % were mislabeled; docs/suspects.md
    has what they give elsewhere.

    Args:
        slope: What the logits of the mean losses are multiplied by; above 0. A greater one makes
            probabilities of a wrong label that are nearer to 0 and 1.
        sure: The model is sure of a class where it is at least as probable as for this share of the
            samples with that label; from 0 to 1. The confident joint takes the mean instead.
        spread: Where the standard deviation of the logits is less than this, they are pressed
            together, as in a run that learned wrong labels by heart, and are scaled up.
        least: The standard deviation is taken for at least this, so that equal losses are not told
            apart by rounding; above 0.

    Raises:
        ValueError: For settings out of range; when called, for a pacer without ``n_samples`` or
            without a step, and for losses below 0.

    >>> pacer = Pacer(3)
    >>> for _ in range(4):
    ...     pacer.observe(torch.tensor([0.01, 0.02, 5.0]), torch.arange(3))
    ...     pacer.step()
    >>> Judge()(pacer).probability.round(decimals=1)
    tensor([0., 0., 1.])
    """

    slope: float = 0.75
    sure: float = 0.6
    spread: float = 2.0
    least: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("slope", "spread", "least"):
            value = getattr(self, name)
            require(0 < value < math.inf, f"Judge: {name} must be a number above 0; got {value}.")
        require(0 <= self.sure <= 1, f"Judge: sure must be from 0 to 1; got {self.sure}.")

    @torch.no_grad()
    def __call__(self, pacer: Pacer) -> Judgement:
        """Judge all labels of a pacer's dataset."""
        require(
            pacer.n_samples is not None and pacer.steps > 0,
            "Judge needs a pacer made as Pacer(len(dataset)) and trained for a step or more.",
        )
        suspicion = pacer.ledger.suspicion
        seen = (~suspicion.isnan()).nonzero().squeeze(1)
        past = suspicion[seen].cpu()
        require(
            bool((past >= 0).all()),
            f"Judge reads losses as -ln p and needs 0 or more; got {float(past.min()):g}.",
        )
        share, doubted = self._shares(pacer, seen)
        chances = self.probabilities(past, share)
        probability = torch.full(pacer.weight.shape, torch.nan, device="cpu")
        probability[seen.cpu()] = chances
        return Judgement(probability, *_suggested(pacer), Count.of(chances, doubted))

    def probabilities(self, past: Tensor, share: float) -> Tensor:
        """Return probabilities of a wrong label, in the order of the losses, of a given mean.

        Their log-odds are the logits of the losses, scaled and shifted.

        Args:
            past: Mean losses, 0 or more, shape (n,).
            share: The mean of the probabilities, from 0 to 1.

        Returns:
            float32, shape (n,).
        """
        loss = past.double().clamp(1e-7, 700.0)
        logits = loss + (-torch.expm1(-loss)).log()
        spread = max(float(logits.std(correction=0)), self.least)
        evidence = self.slope * max(1.0, self.spread / spread) ** 2 * logits
        low, high = -LARGEST - float(evidence.max()), LARGEST - float(evidence.min())
        for _ in range(HALVINGS):
            shift = (low + high) / 2
            enough = float(torch.sigmoid(evidence + shift).mean()) >= share
            low, high = (low, shift) if enough else (shift, high)
        return torch.sigmoid(evidence + high).float()

    def share_contradicted(self, probability: Tensor, given: Tensor) -> float:
        """Return the share of labels that the model would contradict where it is sure.

        The confident joint of Northcutt, Jiang, Chuang, *Confident Learning*, JAIR 2021: of the
        sure samples of each label, the share that is sure of another class stands for all with that
        label. Where classes overlap, what is merely doubtful is not counted.

        Args:
            probability: Per class, shape (n, C).
            given: Labels, int64, shape (n,).

        >>> p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
        >>> Judge().share_contradicted(p, torch.tensor([0, 0, 1, 1, 1]))
        0.2
        """
        counts = given.bincount(minlength=probability.shape[1])
        usual = torch.full((len(counts),), torch.inf, dtype=torch.float32)
        for label in counts.nonzero().squeeze(1).tolist():
            usual[label] = _quantile(probability[given == label, label].float(), self.sure)
        believed = torch.where(probability >= usual, probability, -1.0)
        most, which = believed.max(1)
        sure = most >= 0
        known = given[sure].bincount(minlength=len(counts))
        other = given[sure & (which != given)].bincount(minlength=len(counts))
        return float((counts.double() * other / known.clamp(min=1)).sum() / counts.sum())

    def _shares(self, pacer: Pacer, seen: Tensor) -> tuple[float, float]:
        """Return the share of wrong labels among the seen, and of those not given at the end."""
        doubted = float(_wrong(pacer.ledger.packed[seen, MEMORY]).double().mean())
        dynamics = pacer.ledger.dynamics
        if dynamics is None or not dynamics.probability.shape[1]:
            return doubted, doubted
        known = seen[dynamics.visits[seen] > 0]
        given = dynamics.target[known].cpu().long()
        contradicted = self.share_contradicted(dynamics.probability[known].cpu(), given)
        return min(doubted, contradicted), doubted


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


def _wrong(loss: Tensor) -> Tensor:
    """Return the probability that the label is not the answer, 1 - p, of a loss -ln p."""
    return -torch.expm1(-loss)


def _quantile(values: Tensor, share: float) -> Tensor:
    """Return the value that the share lies below, of any number of values, unlike torch's."""
    return values.kthvalue(min(int(share * len(values)) + 1, len(values))).values


def _suggested(pacer: Pacer) -> tuple[Tensor, Tensor]:
    """Return the most probable class of each sample and its probability."""
    dynamics = pacer.ledger.dynamics
    nothing = torch.full(pacer.weight.shape, -1, device="cpu")
    if dynamics is None or not dynamics.probability.shape[1]:
        return nothing, nothing.float() * torch.nan
    confidence, suggested = dynamics.probability.cpu().max(1)
    known = dynamics.visits.cpu() > 0
    return torch.where(known, suggested, -1), torch.where(known, confidence, torch.nan)
