"""What a model learns to predict for each sample: a class, or a number."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced._errors import require
from selfpaced._evidence import of_held_out_likelihoods
from selfpaced._pacer.pacer import Pacer
from selfpaced.age import Auto, Deviations


@dataclass(frozen=True)
class HeldOut(Auto):
    """``Auto`` for losses of models that did not see the labels: nothing is learned by heart.

    It makes no probe, and a step counts the more, the lower its losses are.
    """

    probe: int = 0

    def evidence(self, loss: Tensor, classes: int | None) -> float:
        """Return how much the losses of a step count."""
        return of_held_out_likelihoods(loss)


class Aim(Protocol):
    """The kind of labels: it makes the pacer, and computes the loss of a batch."""

    @property
    def outputs(self) -> int:
        """The number of outputs of the model for a sample."""
        ...

    def pacer(self, labels: Tensor, *, held_out: bool = False) -> Pacer:
        """Make the pacer for these labels, shape (n,).

        Args:
            labels: The labels.
            held_out: Whether the losses are of models that did not see the label.
        """
        ...

    def total(
        self,
        pacer: Pacer,
        out: Tensor,
        index: Tensor,
        y: Tensor,
        denominator: float | None,
        held_out: Tensor | None = None,
    ) -> Tensor:
        """Return the weighted loss of a batch, a scalar.

        Args:
            pacer: The pacer of the training.
            out: Outputs of the model, shape (B, outputs); of several copies (copies, B, outputs).
            index: Dataset indices, int64, shape (B,).
            y: Labels, shape (B,).
            denominator: Replaces the batch size as the divisor of the sum; None keeps it.
            held_out: Outputs of a model that does not learn from this batch, shape (B, outputs):
                they judge the labels. None: ``out`` does.
        """
        ...


@dataclass(frozen=True)
class Classes:
    """The labels are classes from 0; the loss is the cross-entropy.

    Args:
        outputs: Number of classes.
    """

    outputs: int

    def pacer(self, labels: Tensor, *, held_out: bool = False) -> Pacer:
        """Make a pacer with one age per class, so that no class is left out as a whole."""
        age = HeldOut() if held_out else Auto()
        return Pacer(len(labels), age=age, columns={"group": labels})

    def total(
        self,
        pacer: Pacer,
        out: Tensor,
        index: Tensor,
        y: Tensor,
        denominator: float | None,
        held_out: Tensor | None = None,
    ) -> Tensor:
        """Return the weighted loss of a batch; the pacer also records the logits.

        Raises:
            ValueError: For a model that does not return a logit for every class.
        """
        judge = out if held_out is None else held_out
        if judge.ndim != 2 or judge.shape[1] < self.outputs:
            raise ValueError(
                f"audit expects a model that returns a logit for every class, shape (batch, "
                f"classes) with at least {self.outputs} classes; it returned shape "
                f"{tuple(judge.shape)}."
            )
        score = None
        if held_out is None:
            loss = F.cross_entropy(out, y, reduction="none")
        else:
            loss = F.cross_entropy(out.movedim(2, 1), y.expand(len(out), -1), reduction="none")
            loss, score = loss.mean(0), F.cross_entropy(held_out, y, reduction="none")
        total: Tensor = pacer(
            loss,
            index,
            difficulty=score,
            denominator=denominator,
            logits=judge,
            target=y,
            probabilities=True,
        )
        return total


@dataclass(frozen=True)
class Numbers:
    """The labels are numbers, scaled to center 0 and unit 1; the loss is the squared error."""

    outputs: int = 1

    def pacer(self, labels: Tensor, *, held_out: bool = False) -> Pacer:
        """Make a pacer that leaves out samples whose error is above three standard deviations."""
        return Pacer(len(labels), age=Deviations())

    def total(
        self,
        pacer: Pacer,
        out: Tensor,
        index: Tensor,
        y: Tensor,
        denominator: float | None,
        held_out: Tensor | None = None,
    ) -> Tensor:
        """Return the weighted loss of a batch; ``held_out`` is not read.

        Raises:
            ValueError: For a model that does not return one number per sample.
        """
        if out.shape not in ((len(y),), (len(y), 1)):
            raise ValueError(
                f"audit expects a model that returns one number per sample, shape ({len(y)}, 1); "
                f"it returned shape {tuple(out.shape)}."
            )
        loss = F.mse_loss(out.reshape(-1), y, reduction="none")
        total: Tensor = pacer(loss, index, denominator=denominator)
        return total


def require_classes(labels: Tensor, n: int) -> int:
    """Return the number of classes, or raise for labels that are not classes."""
    require(
        labels.shape == (n,) and labels.dtype == torch.int64,
        f"audit expects one int64 label per sample, shape ({n},); got {labels.dtype} of shape "
        f"{tuple(labels.shape)}.",
    )
    require(
        int(labels.min()) >= 0,
        f"audit expects labels from 0; got {int(labels.min())}. Number the classes.",
    )
    classes = len(labels.unique())
    require(classes > 1, "audit needs two classes or more; all labels are the same.")
    return int(labels.max()) + 1
