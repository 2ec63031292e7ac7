"""What a model is to learn of each sample: a class, or a number."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.age import Deviations


class Aim(Protocol):
    """Makes the pacer, and the loss of a batch."""

    @property
    def outputs(self) -> int:
        """Numbers that the model gives for a sample."""
        ...

    def pacer(self, labels: Tensor) -> Pacer:
        """Make the pacer of these labels, shape (n,)."""
        ...

    def total(
        self, pacer: Pacer, out: Tensor, index: Tensor, y: Tensor, denominator: float | None
    ) -> Tensor:
        """Return the weighted loss of a batch: out (B, outputs), index and labels y (B,)."""
        ...


@dataclass(frozen=True)
class Classes:
    """Classes from 0; the loss is the cross-entropy.

    Args:
        outputs: Number of classes.
    """

    outputs: int

    def pacer(self, labels: Tensor) -> Pacer:
        """Make a pacer that protects each class."""
        return Pacer(len(labels), columns={"group": labels})

    def total(
        self, pacer: Pacer, out: Tensor, index: Tensor, y: Tensor, denominator: float | None
    ) -> Tensor:
        """Return the weighted loss, and let the pacer remember what the logits say.

        Raises:
            ValueError: For a model that does not give a logit for every class.
        """
        if out.ndim != 2 or out.shape[1] < self.outputs:
            raise ValueError(
                f"audit expects logits for every class, at least {self.outputs}; the model gives "
                f"{tuple(out.shape)}."
            )
        loss = F.cross_entropy(out, y, reduction="none")
        total: Tensor = pacer(
            loss, index, denominator=denominator, logits=out, target=y, probabilities=True
        )
        return total


@dataclass(frozen=True)
class Numbers:
    """Numbers of mean 0 and deviation 1; the loss is the squared error."""

    outputs: int = 1

    def pacer(self, labels: Tensor) -> Pacer:
        """Make a pacer that leaves out what lies beyond three deviations."""
        return Pacer(len(labels), age=Deviations())

    def total(
        self, pacer: Pacer, out: Tensor, index: Tensor, y: Tensor, denominator: float | None
    ) -> Tensor:
        """Return the weighted loss.

        Raises:
            ValueError: For a model that does not give one number a sample.
        """
        if out.shape not in ((len(y),), (len(y), 1)):
            raise ValueError(
                f"audit expects one number a sample, shape ({len(y)}, 1); the model gives "
                f"{tuple(out.shape)}."
            )
        loss = F.mse_loss(out.reshape(-1), y, reduction="none")
        total: Tensor = pacer(loss, index, denominator=denominator)
        return total


def require_classes(labels: Tensor, n: int) -> int:
    """Return the number of classes, or raise for labels that are none."""
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
