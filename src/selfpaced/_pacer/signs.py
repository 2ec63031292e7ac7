"""Signs of a loop that gives a pacer other losses than its user means; each is told once.

A batch is only counted, with Python ints: it costs nothing, and nothing waits for a device. The
signs are read at a step.
"""

import math
import sys
import warnings
from typing import NoReturn

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._ranks import totals, world_size

PASSES = 3  # passes over the dataset without a step that are too many
NOTICED = 0.02  # share of the samples that is too many to be a last batch or a coincidence
FEW = 10  # samples that may stay unseen, or have a loss of 0, without a word
ZEROS = 0.01  # share of the first losses that are 0 where labels are ignored
TWICE = 1.5  # visits per sample from which most are visited again, and not those of a validation


class Signs:
    """Counts of the batches since the last step, and which signs were told.

    >>> Signs().visits
    0
    """

    def __init__(self) -> None:
        """Begin to count."""
        self.told: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """Begin a step."""
        self.visits = 0  # losses of forward passes, without repeated calls on the same batch
        self.largest = 0  # the largest batch
        self.judged = False  # whether the caller judged samples by another number than the loss

    def tell(self, sign: str, message: str) -> None:
        """Warn, once in the life of a pacer."""
        if sign not in self.told:
            self.told.add(sign)
            warnings.warn(message, stacklevel=_outside())

    def batch(self, size: int, n_samples: int | None, judged: bool) -> None:
        """Count a batch of a forward pass."""
        self.visits += size
        if size > self.largest:
            self.largest = size
        self.judged |= judged
        if n_samples is not None and self.visits >= PASSES * n_samples:
            self.tell(
                "never",
                f"Pacer saw {self.visits} losses of {n_samples} samples without a step, so nothing "
                f"is weighed by them. Call pacer.step() after each epoch.",
            )

    def at_step(self, waiting: Tensor, before: Tensor, loss: Tensor, drawn: int) -> None:
        """Look for signs at a step, before its losses are committed; the same on all ranks.

        Args:
            waiting: Which samples were seen, bool, shape (n,).
            before: Their difficulties at the last step; NaN for first visits, shape (n,).
            loss: Losses, shape (n,).
            drawn: Number of indices that a sampler handed out; it may repeat some.
        """
        self.visits, drawn = totals([self.visits, drawn], waiting.device)
        self._some_twice(self.visits - drawn, int(waiting.sum()), len(waiting))
        if self.visits == 0:  # a scoring pass only, such as that of trees, which may be certain
            return
        first = waiting & before.isnan()
        self._zeros(int((first & (loss == 0)).sum()), int(first.sum()))

    def after_step(self, visits: Tensor, waiting: Tensor, weight: Tensor) -> None:
        """Look for signs after ``at_step``, when its losses are committed; the same on all ranks.

        Args:
            visits: Number of steps at which each sample was seen, shape (n,).
            waiting: Which samples this step has seen, bool, shape (n,).
            weight: The weights that they had, shape (m,).
        """
        most = 2 * len(weight) >= int((visits > 0).sum())  # not just some that were left out
        if self.visits and most and not bool((weight > 0).any()):
            self.tell(
                "none",
                f"All {len(weight)} samples of this step had weight 0, so nothing was trained: all "
                f"difficulties are above the age. Begin with a larger age (an untrained classifier "
                f"of C classes has a loss near ln C), or take age=Auto() or Quantile.",
            )
        if bool((visits[waiting] == 1).any()):
            return
        last = int(visits.nonzero().max()) + 1
        if len(visits) - last > max(FEW, self.largest):
            self.tell(
                "unseen",
                f"The samples from index {last} on were never seen, of n_samples={len(visits)}. "
                f"Make the pacer as Pacer(len(dataset)). If parts of a ConcatDataset are Indexed, "
                f"they share indices: take Indexed(ConcatDataset(parts)). If you train on a part "
                f"of the dataset on purpose, nothing is wrong.",
            )

    def _some_twice(self, extra: int, seen: int, n: int) -> None:
        """Tell of samples that were seen again in the same step, as in a pass for validation.

        Draws with replacement repeat samples, too, but leave more of the others unseen. What a
        sampler draws on purpose is not ``extra``.
        """
        visits, again = self.visits, self.visits - seen
        few = max(FEW, NOTICED * n, world_size() * self.largest if world_size() > 1 else 0)
        if (
            min(extra, again) > few
            and visits < TWICE * seen
            and 1 - seen / n < math.exp(-visits / n) / 2
        ):
            self.tell(
                "twice",
                f"Of {visits} losses since the last step {again} were of samples seen before in "
                f"it, whose losses they replaced. Was it a pass for validation? Call pacer.eval() "
                f"before it and pacer.train() after it. If they were drawn again on purpose, "
                f"nothing is wrong.",
            )

    def _zeros(self, zeros: int, first: int) -> None:
        """Tell of losses that are exactly 0 at the first visit, as those of ignored labels."""
        if zeros > max(FEW, ZEROS * first) and not self.judged:
            self.tell(
                "zeros",
                f"{zeros} of {first} losses of samples seen for the first time are exactly 0, "
                f"which makes them the easiest. Are their labels ignored (-100)? Leave them out: "
                f"pacer(loss[known], index[known]).",
            )


def _outside() -> int:
    """Return the level of the stack, above the caller's, at which the user's code is."""
    level, frame = 0, sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"].split(".")[0] in ("selfpaced", "torch"):
        level, frame = level + 1, frame.f_back
    return level + 1


def require_drawn(drawn: Tensor | None, waiting: Tensor) -> None:
    """Raise on all ranks if other samples were seen than a sampler drew.

    Args:
        drawn: Indices that the sampler handed out on this rank, int64; None without a sampler.
        waiting: Which samples this rank has seen, bool, shape (n,).
    """
    missed, others, few = 0, 0, FEW
    if drawn is not None:
        told, seen = torch.zeros_like(waiting, device="cpu"), waiting.cpu()
        told[drawn] = True
        missed, others = int((told & ~seen).sum()), int((seen & ~told).sum())
        few = max(FEW, round(NOTICED * len(drawn)))
    # A host may iterate the sampler on one rank only: all ranks have to take part in the sum.
    wrong = int(min(missed, others) > few)
    wrong, missed, others = totals([wrong, missed, others], waiting.device)
    require(
        wrong == 0,
        f"Of the samples that PacedSampler drew {missed} were not seen, but {others} others: the "
        f"items of the loader's dataset have other indices than their positions. Index the dataset "
        f"of the loader itself, as Indexed(Subset(dataset, rows)), and make the pacer with its "
        f"length.",
    )


def raise_untrained() -> NoReturn:
    """Raise ``ValueError`` for a pacer in training mode that sees no training."""
    raise ValueError(
        "Pacer in training mode was called without gradients, as in a pass for validation; its "
        "losses would replace those of the training samples with these indices. Call pacer.eval() "
        "before such a pass and pacer.train() after it, as of the model. To remember losses "
        "without training, call pacer.observe(loss, index).",
    )
