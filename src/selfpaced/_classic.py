"""The classic program's loss, drop-in."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced._errors import (
    choose,
    raise_out_of_range,
    require,
    require_positive_int,
    values_can_be_read,
)
from selfpaced._pacer.reduction import Reduction, reduce_weighted
from selfpaced._pacer.state import Plain
from selfpaced._public import public
from selfpaced.weighting import Hard


@public("selfpaced")
class SPLLoss(Plain, nn.NLLLoss):
    """Negative log likelihood of the samples whose loss is below a growing threshold.

    A program that imports such a class from elsewhere runs unchanged with this one, to the last
    bit. For new programs ``Pacer`` chooses the threshold by itself.

    Args:
        n_samples: Size of the dataset.
        weight: Weight per class, as in ``nn.NLLLoss``; multiplies the loss.
        ignore_index: Target whose loss is 0, so that it is always kept. Unlike in ``nn.NLLLoss`` it
            counts in the mean, as in the classic class.
        reduction: "mean" divides by the batch size, kept or not; "sum" does not; "none" keeps (B,).

    Attributes:
        threshold: Samples with a loss below it are kept; starts at 0.1, in the unit of the loss.
        growing_factor: What ``increase_threshold`` multiplies it by; 1.35.
        v: int32, shape (n_samples,): 1 where the sample was kept at its last visit. It starts at
            0, so that ``v == 0`` finds what was never kept. Moves with the module, and is in its
            state with the threshold.

    A NaN loss is below no threshold: its sample is left out.

    Raises:
        ValueError: For an index out of range or of another shape than the target.
        TypeError: For an index that is not int64.

    Shape:
        input (B, C) log-probabilities, target (B,) int64, index (B,) int64.

    >>> import torch
    >>> criterion = SPLLoss(n_samples=2)
    >>> log_p = torch.log(torch.tensor([[0.95, 0.05], [0.5, 0.5]]))
    >>> criterion(log_p, torch.tensor([0, 1]), torch.tensor([0, 1]))
    tensor(0.0256)
    >>> criterion.v
    tensor([1, 0], dtype=torch.int32)
    """

    plain = ("v",)
    v: Tensor

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        n_samples: int,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        """Start with nothing kept."""
        require_positive_int("n_samples", n_samples, "SPLLoss")
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        choose("reduction", reduction, ("mean", "sum", "none"))
        self.threshold = 0.1
        self.growing_factor = 1.35
        self.v = torch.zeros(n_samples, dtype=torch.int32)

    def forward(self, input: Tensor, target: Tensor, index: Tensor) -> Tensor:  # type: ignore[override]  # the classic class takes an index
        """Return the mean over the batch of the kept losses."""
        self._check(target, index)
        loss = F.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction="none"
        )
        v = self.spl_loss(loss)
        self.v[index] = v
        return reduce_weighted(loss, v, cast(Reduction, self.reduction))

    def increase_threshold(self) -> None:
        """Grow: multiply the threshold by the growing factor, once an epoch."""
        self.threshold *= self.growing_factor

    def spl_loss(self, super_loss: Tensor) -> Tensor:
        """Return 1 for each loss below the threshold, else 0: int32, shape (B,)."""
        return Hard()(super_loss.detach(), self.threshold).int()

    def get_extra_state(self) -> dict[str, Any]:
        """Return v, threshold and growing factor for a checkpoint."""
        return {
            "v": self.v.clone(),
            "threshold": self.threshold,
            "growing_factor": self.growing_factor,
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint.

        Raises:
            ValueError: For one of another number of samples.
        """
        require(
            state["v"].shape == self.v.shape,
            f"SPLLoss: the state is of {len(state['v'])} samples, the loss of {len(self.v)}. Make "
            f"it with the n_samples it was saved with.",
        )
        self.v.copy_(state["v"])
        self.threshold, self.growing_factor = state["threshold"], state["growing_factor"]

    def _check(self, target: Tensor, index: Tensor) -> None:
        """Raise for an index that v cannot be addressed with."""
        if index.dtype != torch.int64:
            raise TypeError(f"SPLLoss expects the index as an int64 tensor; got {index.dtype}.")
        require(
            index.shape == target.shape and len(index) > 0,
            f"SPLLoss expects one index per target, shape {tuple(target.shape)} and not empty; "
            f"got shape {tuple(index.shape)}.",
        )
        if values_can_be_read(index):
            lowest, highest = index.aminmax()
            if lowest.item() < 0 or highest.item() >= len(self.v):
                raise_out_of_range(index, len(self.v))
