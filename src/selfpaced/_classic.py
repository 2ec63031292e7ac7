"""``SPLLoss``: a drop-in replacement for the loss of the classic self-paced program."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced._errors import choose, require, require_positive_int, values_can_be_read
from selfpaced._memory.columns import lasting
from selfpaced._pacer.checks import raise_out_of_range
from selfpaced._pacer.reduction import Reduction, reduce_weighted
from selfpaced._pacer.state import Plain
from selfpaced._public import public
from selfpaced._saved import Assign, Saved
from selfpaced.weighting import Hard

THRESHOLD = 0.1  # the classic program's first threshold
GROWING_FACTOR = 1.35  # the classic program multiplies the threshold by this after each epoch
VERSION = 1  # version of the state
KEYS = {"v", "threshold", "growing_factor"}  # the keys of a state


@public("selfpaced")
class SPLLoss(Plain, nn.NLLLoss):
    """Negative log likelihood of the samples whose loss is below a growing threshold.

    In a program that was written for the classic class this one gives the same numbers, to the
    last bit. For new programs use ``Pacer``, which chooses the threshold by itself.

    Args:
        n_samples: Size of the dataset.
        weight: Weight per class, as in ``nn.NLLLoss``; multiplies the loss.
        ignore_index: Samples with this target have loss 0 and are always kept. As in the classic
            class, and unlike in ``nn.NLLLoss``, they count in the batch size of the mean.
        reduction: "mean" divides by the batch size, left-out samples included; "sum" does not
            divide; "none" returns shape (B,).

    Attributes:
        threshold: Samples with a loss below it are kept; starts at 0.1, in the unit of the loss.
        growing_factor: ``increase_threshold`` multiplies the threshold by it; 1.35.
        v: int32, shape (n_samples,): 1 where the sample was kept at its last visit. It starts at
            0, so that ``v == 0`` also finds samples that were never visited. It moves with the
            module and is saved in its state, with the threshold.

    A sample with a NaN loss is left out.

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
        """Set the first threshold; no sample is kept yet."""
        require_positive_int("n_samples", n_samples, "SPLLoss")
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
        choose("reduction", reduction, ("mean", "sum", "none"))
        self.threshold = THRESHOLD
        self.growing_factor = GROWING_FACTOR
        with lasting():
            self.v = torch.zeros(n_samples, dtype=torch.int32)

    def forward(self, input: Tensor, target: Tensor, index: Tensor) -> Tensor:  # type: ignore[override]  # the classic class takes an index
        """Return the kept losses of the batch, reduced."""
        self._require_own_state()
        self._check(target, index)
        loss = F.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction="none"
        )
        v = self.spl_loss(loss)
        self.v[index] = v
        return reduce_weighted(loss, v, cast(Reduction, self.reduction))

    def increase_threshold(self) -> None:
        """Multiply the threshold by the growing factor; call this once an epoch."""
        self.threshold *= self.growing_factor

    def spl_loss(self, super_loss: Tensor) -> Tensor:
        """Return 1 for each loss below the threshold, else 0: int32, shape (B,)."""
        return Hard()(super_loss.detach(), self.threshold).int()

    def _own_state(self) -> dict[str, Any]:
        """Return v, threshold and growing factor for a checkpoint."""
        return {
            "version": VERSION,
            "v": self.v.to("cpu", copy=True),
            "threshold": self.threshold,
            "growing_factor": self.growing_factor,
        }

    def _read_own_state(self, state: object) -> Assign:
        """Check a checkpoint; return the function that restores it.

        Raises:
            ValueError: For a checkpoint of another number of samples, cut short, of a newer
                version, or damaged.
        """
        saved = Saved(state, "SPLLoss", KEYS, newest=VERSION)
        size = len(saved.tensor("v", torch.int32, (None,), low=0, high=1))
        require(
            size == len(self.v),
            f"SPLLoss: the state is of {size} samples, the loss of {len(self.v)}. Make it as "
            f"SPLLoss(n_samples={size}).",
        )
        threshold = saved.number("threshold")
        growing_factor = saved.number("growing_factor", positive=True)

        def assign() -> None:
            """Assign what was read."""
            self.v.copy_(saved["v"])
            self.threshold, self.growing_factor = threshold, growing_factor

        return assign

    def _begun(self) -> Tensor:
        """Return 1 if a sample was kept or the threshold has grown, else 0."""
        return torch.logical_or(self.v.any(), torch.tensor(self.threshold != THRESHOLD)).long()

    def _check(self, target: Tensor, index: Tensor) -> None:
        """Raise unless the index is int64, has one entry per target, and is in range."""
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
