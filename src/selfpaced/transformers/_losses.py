"""One loss per label or token of what a model put out, before anything is averaged."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.loss.loss_utils import ForCausalLMLoss

from selfpaced._errors import require
from selfpaced._pacer.reduction import reduce_tokens

CLASSES, NUMBERS, TAGS = "single_label_classification", "regression", "multi_label_classification"


class Items(NamedTuple):
    """The losses of a batch of B samples, each of T items: tokens, labels, or one class.

    Args:
        loss: What the host averages, float32, shape (B, T).
        difficulty: What a sample is judged by, float32, shape (B, T): the loss without label
            smoothing, lower is easier.
        counts: Which items count, bool, shape (B, T): not padding.
    """

    loss: Tensor
    difficulty: Tensor
    counts: Tensor

    @property
    def sums(self) -> Tensor:
        """The loss of each sample, shape (B,): the sum over its items."""
        return torch.where(self.counts, self.loss, 0.0).sum(1)

    @property
    def means(self) -> Tensor:
        """The difficulty of each sample, shape (B,): the mean over its items."""
        return reduce_tokens(self.difficulty.detach(), self.counts)


def items_of(
    outputs: object,
    labels: Tensor,
    *,
    problem: str | None = None,
    shifted: bool = False,
    smoothing: float = 0.0,
) -> Items:
    """Return the losses of what a model of Transformers put out.

    Args:
        outputs: With ``logits`` of shape (B, C) or (B, T, C); or, of TRL's fused head, with
            ``log_probs`` and ``label_mask`` of shape (B, T - 1).
        labels: Classes, shape (B,) or (B, T), where -100 does not count; numbers or tags, shape
            (B,) or (B, C).
        problem: The ``problem_type`` of the model's config; None guesses it as the models do.
        shifted: The logits of a token predict the label of the next.
        smoothing: ``label_smoothing_factor``.

    Raises:
        ValueError: For outputs without logits, and logits that do not fit the labels.

    >>> items = items_of({"logits": torch.zeros(2, 4)}, torch.tensor([3, 0]))
    >>> items.sums, items.counts.shape
    (tensor([1.3863, 1.3863]), torch.Size([2, 1]))
    """
    found = outputs if isinstance(outputs, Mapping) else getattr(outputs, "__dict__", {})
    log_probs = found.get("log_probs")
    if log_probs is not None:
        return Items(-log_probs.float(), -log_probs.float(), found["label_mask"].bool())
    logits = found.get("logits")
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"The model put out no logits, only {', '.join(found) or type(outputs).__name__}, so "
            f"there is no loss per sample. Turn off fused losses (use_liger_kernel), or override "
            f"item_losses."
        )
    if logits.ndim == 3 and labels.shape == logits.shape[:2]:
        part = (logits[:, :-1], labels[:, 1:]) if shifted else (logits, labels)
        return classified(*part, smoothing)
    require(
        logits.ndim == 2 and labels.shape[0] == logits.shape[0],
        f"Losses per sample are known for logits of shape (B, C) and (B, T, C); got "
        f"{tuple(logits.shape)} with labels of shape {tuple(labels.shape)}. Override item_losses.",
    )
    return _of_sequences(logits, labels, problem or _guess(logits, labels), smoothing)


def shifts(model: object) -> bool:
    """Say whether a model's logits of a token are for the label of the next."""
    both_sides = getattr(getattr(model, "config", None), "is_encoder_decoder", False)
    return getattr(model, "loss_function", None) is ForCausalLMLoss and not both_sides


def classified(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Items:
    """Return the cross-entropy of each token.

    Args:
        logits: Shape (B, T, C).
        labels: Classes, int64, shape (B, T); -100 does not count.
        smoothing: Share of the label that is spread over all classes.
    """
    scores, given = logits.flatten(0, 1).float(), labels.flatten().to(logits.device)
    plain = F.cross_entropy(scores, given, reduction="none").reshape(labels.shape)
    loss = plain
    if smoothing:
        loss = F.cross_entropy(scores, given, reduction="none", label_smoothing=smoothing)
    return Items(loss.reshape(labels.shape), plain, (labels != -100).to(logits.device))


def _of_sequences(logits: Tensor, labels: Tensor, problem: str, smoothing: float) -> Items:
    """Return the losses of labels for whole sequences: one class, numbers or tags."""
    if problem == CLASSES:
        return classified(logits[:, None], labels.reshape(-1, 1), smoothing)
    given = labels.reshape(logits.shape).to(logits.device).float()
    if problem == NUMBERS:
        loss = F.mse_loss(logits.float(), given, reduction="none")
    else:
        loss = F.binary_cross_entropy_with_logits(logits.float(), given, reduction="none")
    return Items(loss, loss, torch.ones_like(loss, dtype=torch.bool))


def _guess(logits: Tensor, labels: Tensor) -> str:
    """Return the problem type that a model takes its labels for."""
    if logits.shape[1] == 1:
        return NUMBERS
    return TAGS if labels.is_floating_point() else CLASSES


def divides_by_batch(
    plain: Tensor, items: Items, num_items: Tensor | int | None, scale: int
) -> bool:
    """Say how the host made one number of the losses, or raise where it did something else.

    Args:
        plain: The host's own loss of the batch.
        items: What it should be made of.
        num_items: How many items the whole step has, where the host counts them.
        scale: What the host multiplies by.

    Returns:
        Whether it divided by the items of this batch: some models know of no ``num_items``.

    Raises:
        ValueError: When it is neither.
    """
    total, own = float(items.sums.detach().sum()), int(items.counts.sum())
    said, close = float(plain.detach()), 1e-3 if plain.dtype == torch.float32 else 3e-2
    step = own if num_items is None else float(num_items)
    for by_batch, divisor in ((False, step), (True, own)):
        expected = total / max(divisor, 1) * scale
        if not abs(said - expected) > close * max(abs(expected), 1e-3):  # NaN is the pacer's
            return by_batch
    raise ValueError(
        f"The model's own loss is {said:.4g}, and not a mean of its losses per item, which is "
        f"{total / max(own, 1) * scale:.4g}: it weighs classes, adds an auxiliary loss or shifts "
        f"labels by itself. Override item_losses."
    )
