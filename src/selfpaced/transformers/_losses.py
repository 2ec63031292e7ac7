"""The loss of each label or token, from the outputs of a model, before anything is averaged."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers.loss.loss_utils import ForCausalLMLoss

from selfpaced._errors import require
from selfpaced._pacer.reduction import reduce_tokens

# The values of ``problem_type`` in the config of a model of Transformers.
CLASSES = "single_label_classification"
NUMBERS = "regression"
TAGS = "multi_label_classification"


class Items(NamedTuple):
    """The losses of a batch of B samples with T items each: tokens, labels, or one class.

    Args:
        loss: The losses that the host averages, float32, shape (B, T).
        difficulty: The losses without label smoothing, float32, shape (B, T); a sample is judged by
            them. Lower is easier.
        counts: Which items count, shape (B, T); False for padding. Where the host divides by the
            sum of class weights, a float: the class weight of each item.
    """

    loss: Tensor
    difficulty: Tensor
    counts: Tensor

    @property
    def sums(self) -> Tensor:
        """The loss of each sample, shape (B,): the sum over its items."""
        return torch.where(self.counts.bool(), self.loss, 0.0).sum(1)

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
    """Return the losses of the outputs of a model of Transformers.

    Args:
        outputs: They have ``logits`` of shape (B, C) or (B, T, C). Those of TRL's fused head have
            ``log_probs`` and ``label_mask`` of shape (B, T - 1) instead.
        labels: Classes, shape (B,) or (B, T), where -100 does not count; or numbers or tags, shape
            (B,) or (B, C).
        problem: The ``problem_type`` of the model's config; None guesses it as the models do.
        shifted: Whether the logits of a token predict the label of the next token.
        smoothing: ``label_smoothing_factor``.

    Raises:
        ValueError: For outputs without logits, and for logits whose shape does not fit the labels.

    >>> items = items_of({"logits": torch.zeros(2, 4)}, torch.tensor([3, 0]))
    >>> items.sums, items.counts.shape
    (tensor([1.3863, 1.3863]), torch.Size([2, 1]))
    """
    log_probs = part_of(outputs, "log_probs")
    if log_probs is not None:
        counts = part_of(outputs, "label_mask").bool()
        return Items(-log_probs.float(), -log_probs.float(), counts)
    logits = part_of(outputs, "logits")
    if not isinstance(logits, Tensor):
        found = outputs if isinstance(outputs, Mapping) else getattr(outputs, "__dict__", {})
        raise ValueError(
            f"The model returned no logits, only {', '.join(found) or type(outputs).__name__}, so "
            f"there is no loss per sample. Turn off fused losses (use_liger_kernel), or override "
            f"item_losses."
        )
    if logits.ndim == 3 and labels.shape == logits.shape[:2]:
        part = (logits[:, :-1], labels[:, 1:]) if shifted else (logits, labels)
        return classified(*part, smoothing)
    require(
        logits.ndim == 2 and labels.shape[0] == logits.shape[0],
        f"Losses per sample need logits of shape (B, C) or (B, T, C); got "
        f"{tuple(logits.shape)} with labels of shape {tuple(labels.shape)}. Override item_losses.",
    )
    return _of_sequences(logits, labels, problem or _guess(logits, labels), smoothing)


def part_of(outputs: object, name: str) -> Any:  # noqa: ANN401 - the model's own
    """Return a part of the outputs of a model; None if they do not have it."""
    if isinstance(outputs, Mapping):
        return outputs.get(name)
    return getattr(outputs, "__dict__", {}).get(name)


def shifts(model: object) -> bool:
    """Say whether the logits of a token predict the label of the next token."""
    both_sides = getattr(getattr(model, "config", None), "is_encoder_decoder", False)
    return getattr(model, "loss_function", None) is ForCausalLMLoss and not both_sides


def classified(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Items:
    """Return the cross-entropy of each token.

    Args:
        logits: Shape (B, T, C).
        labels: Classes, int64, shape (B, T); -100 does not count.
        smoothing: Share of each label that label smoothing spreads over all classes.
    """
    scores, given = logits.flatten(0, 1).float(), labels.flatten().to(logits.device)
    plain = F.cross_entropy(scores, given, reduction="none").reshape(labels.shape)
    loss = plain
    if smoothing:
        loss = F.cross_entropy(scores, given, reduction="none", label_smoothing=smoothing)
    return Items(loss.reshape(labels.shape), plain, (labels != -100).to(logits.device))


def _of_sequences(logits: Tensor, labels: Tensor, problem: str, smoothing: float) -> Items:
    """Return the losses of samples with one class, or with numbers or tags."""
    if problem == CLASSES:
        return classified(logits[:, None], labels.reshape(-1, 1), smoothing)
    given = labels.reshape(logits.shape).to(logits.device).float()
    if problem == NUMBERS:
        loss = F.mse_loss(logits.float(), given, reduction="none")
    else:
        loss = F.binary_cross_entropy_with_logits(logits.float(), given, reduction="none")
    return Items(loss, loss, torch.ones_like(loss, dtype=torch.bool))


def _guess(logits: Tensor, labels: Tensor) -> str:
    """Return the problem type that the model itself would infer from its labels."""
    if logits.shape[1] == 1:
        return NUMBERS
    return TAGS if labels.is_floating_point() else CLASSES
