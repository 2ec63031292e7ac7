"""One loss per sample of a criterion that makes one of them all."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def unreduced(criterion: Any) -> Iterator[None]:
    """Have the criterion give one loss per sample within the block.

    >>> criterion = torch.nn.L1Loss()
    >>> with unreduced(criterion):
    ...     criterion(torch.tensor([1.0, 3.0]), torch.zeros(2))
    tensor([1., 3.])
    >>> criterion.reduction
    'mean'
    """
    before = getattr(criterion, "reduction", None)
    if before is None:  # one of the user's, that may give a loss per sample anyway
        yield
        return
    criterion.reduction = "none"
    try:
        yield
    finally:
        criterion.reduction = before


def judged_by(criterion: Any, loss: Tensor, y_true: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return what samples are judged by, and what the criterion divides their sum by.

    For cross-entropies -ln p, without class weights and never below 0 (skorch adds an epsilon to
    p), and the sum of the weights, of labels that are not ignored. None for the loss itself, and
    for the batch size.

    >>> criterion = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 4.0]))
    >>> judged_by(criterion, torch.tensor([0.5, 2.0]), torch.tensor([0, 1]))
    (tensor([0.5000, 0.5000]), tensor(5.))
    """
    if not hasattr(criterion, "ignore_index"):  # as CrossEntropyLoss and NLLLoss have
        return None, None
    judged, weight = loss.detach().clamp(min=0), criterion.weight
    if y_true.ndim != 1 or y_true.is_floating_point():
        return judged, None
    known = (y_true != criterion.ignore_index).to(loss.device)
    scale = known.to(loss.dtype)
    if weight is not None:
        scale = scale * weight[y_true.to(loss.device).where(known, 0)]
    return torch.where(scale > 0, judged / scale, judged), scale.sum()
