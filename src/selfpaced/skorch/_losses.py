"""What a net asks its criterion for, and what it makes of the losses."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._memory.ledger import Ledger
from selfpaced._pacer.checks import about_tags
from selfpaced._pacer.pacer import Pacer


@contextmanager
def unreduced(criterion: Any) -> Iterator[None]:
    """Set the criterion's ``reduction`` to "none" within the block: one loss per sample.

    >>> criterion = torch.nn.L1Loss()
    >>> with unreduced(criterion):
    ...     criterion(torch.tensor([1.0, 3.0]), torch.zeros(2))
    tensor([1., 3.])
    >>> criterion.reduction
    'mean'
    """
    before = getattr(criterion, "reduction", None)
    if before is None:  # a criterion of the user, which may return a loss per sample by itself
        yield
        return
    criterion.reduction = "none"
    try:
        yield
    finally:
        criterion.reduction = before


def difficulty_and_divisor(
    criterion: Any, loss: Tensor, y_true: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the difficulty of each sample, and the number that the criterion divides by.

    For a cross-entropy these are -ln p without class weights, shape (B,), and the sum of the class
    weights of the labels that are not ignored. The difficulty is never below 0, although skorch
    adds an epsilon to p. Where targets are no class codes, shape (B,), the divisor is None, which
    stands for the batch size. For other criteria the difficulty is None, too: it is the loss.

    >>> criterion = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 4.0]))
    >>> difficulty_and_divisor(criterion, torch.tensor([0.5, 2.0]), torch.tensor([0, 1]))
    (tensor([0.5000, 0.5000]), tensor(5.))
    """
    if not hasattr(criterion, "ignore_index"):  # CrossEntropyLoss and NLLLoss have it
        return None, None
    difficulty, weight = loss.detach().clamp(min=0), criterion.weight
    if y_true.ndim != 1 or y_true.is_floating_point():
        return difficulty, None
    known = (y_true != criterion.ignore_index).to(loss.device)
    scale = known.to(loss.dtype)
    if weight is not None:
        scale = scale * weight[y_true.to(loss.device).where(known, 0)]
    return torch.where(scale > 0, difficulty / scale, difficulty), scale.sum()


def warn_of_tags(criterion: Any, targets: NDArray[Any] | None, pacer: Pacer) -> None:
    """Warn if targets are tags and the pacer has the default age, which then keeps everything."""
    tags = targets is not None and targets.ndim == 2 and targets.shape[1] > 1
    binary = nn.BCEWithLogitsLoss, nn.BCELoss, nn.MultiLabelSoftMarginLoss
    reads_likelihoods = pacer.age is not None and pacer.age.judges_from is not None
    if tags and isinstance(criterion, binary) and reads_likelihoods:
        warnings.warn(about_tags("targets", "pacer__age={}"), stacklevel=3)


def weighed(losses: Tensor, weight: Tensor) -> Tensor:
    """Multiply losses, shape (B, ...), by the weights of their samples, shape (B,).

    Losses with weight 0 are replaced by 0, because 0 times infinity is NaN.

    >>> weighed(torch.tensor([[1.0, 3.0], [torch.inf, 5.0]]), torch.tensor([1.0, 0.0]))
    tensor([[1., 3.],
            [0., 0.]])
    """
    each = weight.reshape(-1, *[1] * (losses.ndim - 1)).to(losses.dtype)
    return torch.where(each > 0, losses, 0.0) * each


def require_one_per_sample(losses: Tensor, n: int) -> None:
    """Raise unless there are losses of each of the n samples of a batch."""
    require(
        losses.ndim > 0 and losses.shape[0] == n,
        f"SelfPacedMixin expects one loss per sample, shape ({n}, ...); got shape "
        f'{tuple(losses.shape)}. The criterion must accept reduction="none" or return one loss per '
        f"sample. If a class after SelfPacedMixin has a get_loss that reduces, write it as "
        f"class Net(SelfPacedNetClassifier) instead: super().get_loss is then weighted.",
    )


def require_seen(ledger: Ledger, net: str) -> None:
    """Raise if no loss of an epoch reached the pacer."""
    require(
        bool(ledger.waiting.any()),
        f"SelfPacedMixin: no loss of this epoch reached the pacer. If {net} has a get_loss or "
        f"train_step of its own, it must take the loss from super().get_loss(y_pred, y_true, X=X, "
        f"training=True).",
    )
