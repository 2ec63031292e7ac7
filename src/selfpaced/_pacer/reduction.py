"""Reduce weighted losses to one number, and losses per token to one per sample."""

import math
from typing import Literal

import torch
from torch import Tensor

from selfpaced._errors import number, require, values_can_be_read
from selfpaced._public import public

Reduction = Literal["mean", "kept", "sum", "none"]


def reduce_weighted(
    loss: Tensor,
    weight: Tensor,
    reduction: Reduction,
    denominator: Tensor | float | None = None,
    *,
    finite: bool = False,
) -> Tensor:
    """Multiply losses by constant weights and reduce.

    Losses with weight 0 are replaced by 0 before the multiplication, because 0 times infinity is
    NaN. If all weights are 0, the result is 0 and still has a graph.

    Args:
        loss: Shape (B,).
        weight: Shape (B,), 0 or more; no gradient flows through it.
        reduction: "mean" divides by B, "kept" by the sum of the weights, "sum" by 1; "none" keeps
            shape (B,).
        denominator: Divides the sum instead, if the caller knows the whole step.
        finite: Whether all losses are known to be finite; then none needs to be replaced.

    >>> reduce_weighted(torch.tensor([1.0, torch.inf]), torch.tensor([1.0, 0.0]), "mean")
    tensor(0.5000)
    """
    plain = reduction == "mean" and denominator is None
    size = weight.shape[0]
    divisor = number(size, weight) if plain else _divisor(weight, reduction, denominator)
    if finite and reduction != "none" and loss.dtype == weight.dtype:
        return loss.dot(weight / divisor)  # one node for autograd instead of three
    weighted = torch.where(weight > 0, loss, 0.0) * weight
    if reduction == "none":
        return weighted
    if plain:
        return weighted.mean()
    return weighted.sum() / divisor


def _divisor(
    weight: Tensor, reduction: Reduction, denominator: Tensor | float | None
) -> Tensor | float:
    """Return the divisor of the weighted sum."""
    if denominator is not None:
        _check_denominator(denominator)
        return denominator
    if reduction == "kept":
        total = weight.sum()
        return torch.where(total > 0, total, 1.0)
    return 1.0


def _check_denominator(denominator: Tensor | float) -> None:
    """Raise unless it is one number, above 0 if its value can be read."""
    if isinstance(denominator, Tensor):
        require(
            denominator.ndim == 0,
            f"denominator must be one number; got shape {tuple(denominator.shape)}. Sum it.",
        )
        if not values_can_be_read(denominator):
            return
        denominator = denominator.item()
    require(
        0 < denominator < math.inf,
        f"denominator must be a finite number above 0; got {denominator}. Give the sum of the "
        f"weights, or the number of samples, of the whole step.",
    )


@public("selfpaced")
def reduce_tokens(loss: Tensor, mask: Tensor) -> Tensor:
    """Reduce losses per token or pixel to one loss per sample: the mean over those that count.

    Args:
        loss: Shape (B, ...), for example (B, T) or (B, H, W).
        mask: Same shape; True (or not 0) where a token counts, such as ``labels != -100``.

    Returns:
        Shape (B,): the mean over the tokens that count, 0 for a sample with none.

    Raises:
        ValueError: If the shapes differ or there are no tokens to reduce.

    >>> import torch
    >>> reduce_tokens(torch.tensor([[1.0, 3.0], [5.0, 9.0]]), torch.tensor([[1, 1], [1, 0]]))
    tensor([2., 5.])
    """
    require(
        loss.shape == mask.shape and loss.ndim >= 2,
        f"reduce_tokens expects a loss per token and a mask of the same shape, (batch, tokens); "
        f'got {tuple(loss.shape)} and {tuple(mask.shape)}. Pass reduction="none" to your loss '
        f"function and reshape to (batch, tokens).",
    )
    counts = mask.bool()
    total = torch.where(counts, loss, 0.0).flatten(1).sum(1)
    return total / counts.flatten(1).sum(1).clamp(min=1)
