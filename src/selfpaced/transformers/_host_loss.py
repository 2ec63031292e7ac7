"""How the host makes its own loss of a batch: found by comparison, so that ours is made alike."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import Trainer

from selfpaced.transformers._losses import Items, part_of

# Relative difference up to which two losses count as equal.
CLOSE = 5e-5
# The same for a compiled model: it may compute the loss from logits that are not rounded yet.
CLOSE_IF_COMPILED = 1e-3
# The same for a loss of lower precision than float32.
CLOSE_IN_HALF = 3e-2
# Losses near 0 may differ by this.
ROUNDING = 2e-6
# Whether an auxiliary loss is divided by the batches of a step, and whether it is scaled.
HOW = ((False, False), (True, False), (False, True))


class HostLoss(NamedTuple):
    """A way to make the loss: the sum of losses per item, divided, and an auxiliary loss.

    Args:
        by_batch: Whether the divisor is the number of items of the batch. If not, it is the number
            of items of the whole step; some models do not take that number.
        aux: The factor of the ``aux_loss`` in the model's outputs, by which models with experts
            balance their load; 0 if it is not added.
        shared: Whether the auxiliary loss is divided by the number of batches in the step.
        scaled: Whether it is multiplied as the mean is.
    """

    by_batch: bool
    aux: float = 0.0
    shared: bool = False
    scaled: bool = False


class Given(NamedTuple):
    """What the host's loss of a batch may be made of.

    Args:
        items: The losses per item.
        num_items: Number of items in the whole step, where the host counts them.
        scale: The factor by which the host multiplies the mean.
        steps: Number of batches in the step.
        aux_loss: Of the outputs, shape (); None if they have none.
    """

    items: Items
    num_items: Tensor | int | None
    scale: int
    steps: int
    aux_loss: Tensor | None

    def divisor(self, host: HostLoss) -> Tensor:
        """Return what the sum of losses is divided by, shape ()."""
        if host.by_batch or self.num_items is None:
            return self.items.counts.sum()
        return torch.as_tensor(self.num_items, device=self.items.loss.device)

    def extra(self, host: HostLoss) -> Tensor | float:
        """Return what the host adds to the mean, shape ()."""
        if self.aux_loss is None or not host.aux:
            return 0.0
        added = host.aux * self.aux_loss / (self.steps if host.shared else 1)
        return added * self.scale if host.scaled else added

    def loss(self, host: HostLoss) -> float:
        """Return the host's loss with all weights 1."""
        total = float(self.items.sums.detach().double().sum())
        mean = total / (float(self.divisor(host)) or 1.0) * self.scale
        return mean + float(torch.as_tensor(self.extra(host)).detach())


def ways_of(trainer: Trainer) -> list[HostLoss]:
    """Return all ways in which Transformers and TRL make the loss of a trainer's model."""
    config: Any = getattr(trainer.model, "config", None)
    inner = config.get_text_config() if hasattr(config, "get_text_config") else config
    owners = trainer, trainer.model, config, inner
    factors = {float(getattr(owner, "router_aux_loss_coef", None) or 0.0) for owner in owners}
    plain = [HostLoss(by_batch) for by_batch in (False, True)]
    return plain + [
        HostLoss(way.by_batch, aux, shared, scaled)
        for way in plain
        for aux in sorted(factors - {0.0})
        for shared, scaled in HOW
    ]


def fitting(
    plain: Tensor, given: Given, among: Sequence[HostLoss], *, compiled: bool
) -> list[HostLoss]:
    """Return the ways in which the host may have made its loss, the most probable first.

    Args:
        plain: The host's own loss of the batch.
        given: What it may be made of.
        among: The possible ways.
        compiled: Whether the model is compiled.

    Raises:
        ValueError: If it was made in another way.
    """
    said = float(plain.detach())
    close = CLOSE_IF_COMPILED if compiled else CLOSE
    close = CLOSE_IN_HALF if plain.dtype in (torch.float16, torch.bfloat16) else close
    expected = {way: given.loss(way) for way in among}
    far = {way: abs(said - loss) for way, loss in expected.items()}
    # Written so that a NaN loss passes: the pacer reports it.
    found = [way for way in among if not far[way] > close * abs(expected[way]) + ROUNDING]
    if not found:
        raise ValueError(
            f"The model's own loss is {said:.6g}, and not a mean of its losses per item, which is "
            f"{expected[among[0]]:.6g}: the model weights classes, adds an auxiliary loss or "
            f"shifts labels by itself. Override item_losses, so that the sum of loss divided by "
            f"the sum of counts is the model's own loss."
        )
    return sorted(found, key=far.__getitem__)


def aux_loss_of(outputs: object) -> Tensor | None:
    """Return the auxiliary loss in the outputs of a model with experts."""
    found = part_of(outputs, "aux_loss")
    return found if isinstance(found, Tensor) and found.ndim == 0 else None
