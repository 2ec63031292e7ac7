"""Judge the labels of a run by the losses of the model that learned them."""

import math
import warnings
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._evidence import log_odds
from selfpaced._memory.ledger import MEMORY
from selfpaced._pacer.pacer import Pacer

LARGEST_LOG_ODDS = 50.0  # log-odds beyond this count as certain
NORMAL_95 = 1.96  # 95 % of a normal lie within this many standard deviations of the mean
HALVINGS = 60  # bisection steps, down to the last bits of a float64


class Count(NamedTuple):
    """The number of wrong labels: an estimate, and the range in which it probably lies."""

    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, probability: Tensor, doubted: float = 0.0) -> Self:
        """Return the expected number of wrong labels and its range.

        The range is the estimate plus and minus two terms: 1.96 standard deviations for chance, and
        the expected number of mistakes of a cut at one half, in case all doubtful labels are right
        or all are wrong. The upper end counts from ``doubted`` times n if that is above the
        estimate, in case all labels that the model would not give are wrong.

        Args:
            probability: Probability of a wrong label, shape (n,); NaN is ignored.
            doubted: Expected share of the labels that the model would not give.
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
        probability: Probability of a wrong label, float32, shape (n,); NaN for a sample never seen.
        suggested: The class that was probably meant, int64, shape (n,); -1 where no logits were
            observed.
        confidence: The probability of that class, float32, shape (n,); NaN where there is none.
        count: The number of wrong labels.
    """

    probability: Tensor
    suggested: Tensor
    confidence: Tensor
    count: Count


@dataclass(frozen=True)
class Judge:
    """Judges all labels of a run by its losses; for losses that are -ln p (cross-entropy).

    The samples are ranked by their mean loss over all visits, in which the steps before the model
    memorises labels count most (``Ledger.suspicion``). The number of wrong labels is the number
    that the model contradicts where it is sure (``share_contradicted``), but at most the sum of
    1 - p over the labels at the end; without observed probabilities it is that sum. The log-odds of
    a wrong label are the logit of the mean loss, scaled and shifted so that the probabilities add
    up to this number.

    Call ``pacer(loss, index, logits=logits, target=y, probabilities=True)`` in the loop to get
    suggested classes, and so that overlap between classes is not counted as label errors.

    ``slope`` and ``sure`` were chosen on 5,000 digits of which 0 to 60 % were mislabeled;
    docs/suspects.md reports results on other data.

    Args:
        slope: Factor of the logits of the mean losses; above 0. A larger slope gives probabilities
            nearer to 0 and 1.
        sure: A quantile, from 0 to 1. The model is sure of a class if its probability is at least
            this quantile of the same probability over the samples with that label. The confident
            joint uses their mean instead.
        spread: Logits with a standard deviation below this are scaled up; above 0. They lie close
            together in a run that memorised wrong labels.
        least: Smallest value of that standard deviation, so that equal losses are not separated by
            rounding; above 0.

    Raises:
        ValueError: For settings out of range. On a call: for a pacer without ``n_samples`` or
            without a step, and for losses below 0.

    >>> import torch
    >>> from selfpaced import Pacer
    >>> logits = torch.tensor([[5.0, 0.0], [4.0, 0.0], [0.0, 5.0], [5.0, 0.0]])
    >>> labels = torch.tensor([0, 0, 1, 1])
    >>> loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    >>> pacer = Pacer(4)
    >>> for _ in range(4):
    ...     pacer.observe(loss, torch.arange(4), logits, labels, probabilities=True)
    ...     pacer.step()
    >>> judgement = Judge()(pacer)
    >>> judgement.probability.round(decimals=1), judgement.suggested
    (tensor([0., 0., 0., 1.]), tensor([0, 0, 1, 0]))
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
        judgement = self.judge(pacer)
        if not _observed(pacer):
            warnings.warn(
                "Judge: without logits the number of wrong labels counts doubtful labels, too. "
                "Call pacer(loss, index, logits=logits, target=labels, probabilities=True).",
                stacklevel=3,
            )
        return judgement

    def judge(self, pacer: Pacer) -> Judgement:
        """Judge all labels, without a word where only their losses are known."""
        require(
            pacer.n_samples is not None and pacer.steps > 0,
            "Judge needs a pacer made as Pacer(len(dataset)) and trained for at least one step.",
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
        """Return probabilities of a wrong label that have a given mean and rise with the losses.

        Their log-odds are the logits of the losses, scaled and shifted.

        Args:
            past: Mean losses, 0 or more, shape (n,).
            share: The mean of the probabilities, from 0 to 1.

        Returns:
            float32, shape (n,).
        """
        logits = log_odds(past.double())
        spread = max(float(logits.std(correction=0)), self.least)
        evidence = self.slope * max(1.0, self.spread / spread) ** 2 * logits
        low = -LARGEST_LOG_ODDS - float(evidence.max())
        high = LARGEST_LOG_ODDS - float(evidence.min())
        for _ in range(HALVINGS):
            shift = (low + high) / 2
            enough = float(torch.sigmoid(evidence + shift).mean()) >= share
            low, high = (low, shift) if enough else (shift, high)
        return torch.sigmoid(evidence + high).float()

    def share_contradicted(self, probability: Tensor, given: Tensor) -> float:
        """Return the share of labels that the model contradicts where it is sure.

        The confident joint of Northcutt, Jiang, Chuang, *Confident Learning*, JAIR 2021, with the
        quantile ``sure``, which is a little stricter, in place of their mean.
        For each label, take the samples for which the model is sure of the most probable class.
        The share of them with another class stands for all samples with that label. Samples that
        are only doubtful, as where classes overlap, are not counted.

        Args:
            probability: Probability of each class, shape (n, C).
            given: Labels, int64, shape (n,).

        >>> p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
        >>> Judge().share_contradicted(p, torch.tensor([0, 0, 1, 1, 1]))
        0.2
        """
        counts = given.bincount(minlength=probability.shape[1])
        needed = torch.full((len(counts),), torch.inf, dtype=torch.float32)
        for label in counts.nonzero().squeeze(1).tolist():
            needed[label] = _quantile(probability[given == label, label].float(), self.sure)
        most, which = probability.max(1)
        sure = most >= needed[which]
        known = given[sure].bincount(minlength=len(counts))
        other = given[sure & (which != given)].bincount(minlength=len(counts))
        return float((counts.double() * other / known.clamp(min=1)).sum() / counts.sum())

    def _shares(self, pacer: Pacer, seen: Tensor) -> tuple[float, float]:
        """Return the share of wrong labels of the seen samples, and their mean 1 - p at the end."""
        doubted = float(_wrong(pacer.ledger.committed[seen, MEMORY]).double().mean())
        dynamics = pacer.ledger.dynamics
        if dynamics is None or not _observed(pacer):
            return doubted, doubted
        known = seen[dynamics.visits[seen] > 0]
        given = dynamics.target[known].cpu().long()
        contradicted = self.share_contradicted(dynamics.probability[known].cpu(), given)
        return min(doubted, contradicted), doubted


def confusion(probability: Tensor, given: Tensor, suggested: Tensor, n_classes: int) -> Tensor:
    """Return the expected number of samples of each class that have each other label.

    Args:
        probability: Probability of a wrong label, shape (n,).
        given: Labels, int64, shape (n,).
        suggested: Classes that were probably meant, int64, shape (n,); -1 for none.
        n_classes: C.

    Returns:
        float32, shape (C, C): row for the class that was meant, column for the label.

    >>> import torch
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
    """Return 1 - p, the probability that the label is not the answer, for a loss -ln p."""
    return -torch.expm1(-loss)


def _quantile(values: Tensor, share: float) -> Tensor:
    """Return the value below which a share lies; unlike torch's, for any number of values."""
    return values.kthvalue(min(int(share * len(values)) + 1, len(values))).values


def _observed(pacer: Pacer) -> bool:
    """Return whether the pacer has observed probabilities of classes."""
    dynamics = pacer.ledger.dynamics
    return dynamics is not None and dynamics.probability.shape[1] > 0


def _suggested(pacer: Pacer) -> tuple[Tensor, Tensor]:
    """Return the most probable class of each sample and its probability; -1 and NaN for none."""
    dynamics = pacer.ledger.dynamics
    nothing = torch.full(pacer.weight.shape, -1, device="cpu")
    if dynamics is None or not _observed(pacer):
        return nothing, nothing.float() * torch.nan
    confidence, suggested = dynamics.probability.cpu().max(1)
    known = dynamics.visits.cpu() > 0
    return torch.where(known, suggested, -1), torch.where(known, confidence, torch.nan)
