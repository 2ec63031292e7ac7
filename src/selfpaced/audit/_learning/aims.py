"""What a model learns to predict for each sample: a class, or a number."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.age import Deviations


class Aim(Protocol):
    """The kind of labels: it makes the pacer, and computes the loss of a batch."""

    @property
    def outputs(self) -> int:
        """The number of outputs of the model for a sample."""
        ...

    def pacer(self, labels: Tensor) -> Pacer:
        """Make the pacer for these labels, shape (n,)."""
        ...

    def total(
        self, pacer: Pacer, out: Tensor, index: Tensor, y: Tensor, denominator: float | None
    ) -> Tensor:
        """Return the weighted loss of a batch, a scalar.

        Args:
            pacer: The pacer of the training.
            out: Outputs of the model, shape (B, outputs).
            index: Dataset indices, int64, shape (B,).
            y: Labels, shape (B,).
            denominator: Replaces the batch size as the divisor of the sum; None keeps it.
        """
        ...


@dataclass(frozen=True)
class Classes:
    """The labels are classes from 0; the loss is the cross-entropy.

    Args:
        outputs: Number of classes.
    """

    outputs: int

    def pacer(self, labels: Tensor) -> Pacer:
        """Make a pacer with one age per class, so that no class is left out as a whole."""
        return Pacer(len(labels), columns={"group": labels})

    def total(
        self, pacer: Pacer, out: Tensor, index: Tensor, y: Tensor, denominator: float | None
    ) -> Tensor:
        """Return the weighted loss of a batch; the pacer also records the logits.

        Raises:
            ValueError: For a model that does not return a logit for every class.
        """
        if out.ndim != 2 or out.shape[1] < self.outputs:
            raise ValueError(
                f"audit expects a model that returns a logit for every class, shape (batch, "
                f"classes) with at least {self.outputs} classes; it returned shape "
                f"{tuple(out.shape)}."
            )
        loss = F.cross_entropy(out, y, reduction="none")
        total: Tensor = pacer(
            loss, index, denominator=denominator, logits=out, target=y, probabilities=True
        )
        return total


@dataclass(frozen=True)
class Numbers:
    """The labels are numbers, scaled to center 0 and unit 1; the loss is the squared error."""

    outputs: int = 1

    def pacer(self, labels: Tensor) -> Pacer:
        """Make a pacer that leaves out samples whose error is above three standard deviations."""
        return Pacer(len(labels), age=Deviations())

    def total(
        self, pacer: Pacer, out: Tensor, index: Tensor, y: Tensor, denominator: float | None
    ) -> Tensor:
        """Return the weighted loss of a batch.

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
