"""The loss of each pair of answers in TRL's RewardTrainer and DPOTrainer.

A batch of n pairs has 2 n rows: first the chosen answers, then the rejected ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Trainer

from selfpaced._errors import require
from selfpaced.transformers._losses import Items, part_of

# The losses of DPOTrainer that can be computed here, pair by pair.
KNOWN = ("sigmoid", "hinge", "ipo")


def rewards_pairs(trainer: Trainer) -> bool:
    """Say whether the host is a RewardTrainer: known by a setting that no other trainer has."""
    return hasattr(trainer.args, "center_rewards_coefficient")


def prefers_pairs(trainer: Trainer) -> bool:
    """Say whether the host is a DPOTrainer."""
    return hasattr(trainer, "loss_types") and hasattr(trainer, "f_divergence_type")


def require_pairs(trainer: Trainer, batch: Mapping[str, object]) -> None:
    """Raise for a batch without labels that is not of pairs, and for losses that are not known."""
    host: Any = trainer
    require(
        rewards_pairs(trainer) or prefers_pairs(trainer),
        f'The batch has no "labels", only {", ".join(batch)}. Check the items of the train set and '
        f"the data collator. Trainers with a loss per label or token are supported, and TRL's "
        f"SFTTrainer, RewardTrainer and DPOTrainer; GRPO has selfpaced.trl. For another one, write "
        f"a loop with Pacer and Indexed.",
    )
    if not prefers_pairs(trainer):
        return
    plain = host.f_divergence_type == "reverse_kl" and host.ld_alpha is None
    require(
        plain
        and not host.use_weighting
        and host.loss_types[0] in KNOWN
        and len(host.loss_types) == 1,
        f"With DPOTrainer, loss_type must be one of {', '.join(KNOWN)}, without f_divergence_type, "
        f"ld_alpha and use_weighting; got loss_type={host.loss_types}. Use one of these, or "
        f"write a loop with Pacer and Indexed.",
    )


def reference_of(trainer: Trainer, model: nn.Module) -> nn.Module | None:
    """Return the model whose outputs the host compares with; None if it needs none."""
    host: Any = trainer
    if not prefers_pairs(trainer) or host.precompute_ref_logps:
        return None
    reference: nn.Module | None = host.ref_model
    unwrapped: nn.Module = host.accelerator.unwrap_model(model)
    return unwrapped if reference is None else reference  # an adapter is switched off in the model


def items_of_pairs(trainer: Trainer, batch: Mapping[str, Any], outputs: Sequence[object]) -> Items:
    """Return the losses of a batch, one item per pair.

    Args:
        trainer: The host.
        batch: As the host's collator made it.
        outputs: Of the model, and of the reference where there is one.
    """
    loss, difficulty = (
        _preferred(trainer, batch, outputs)
        if prefers_pairs(trainer)
        else _rewarded(trainer, batch, outputs[0])
    )
    counts = torch.ones_like(loss, dtype=torch.bool)
    return Items(loss[:, None].float(), difficulty[:, None].float(), counts[:, None])


def _rewarded(trainer: Trainer, batch: Mapping[str, Any], outputs: object) -> tuple[Tensor, Tensor]:
    """Return the loss -ln p(chosen is better), with and without the term that centers rewards."""
    args: Any = trainer.args
    chosen, rejected = part_of(outputs, "logits").squeeze(-1).chunk(2)
    plain = -F.logsigmoid(chosen - rejected - batch.get("margin", 0.0))
    center = args.center_rewards_coefficient or 0.0
    return plain + center * (chosen + rejected) ** 2, plain


def _preferred(
    trainer: Trainer, batch: Mapping[str, Any], outputs: Sequence[object]
) -> tuple[Tensor, Tensor]:
    """Return the loss of DPO, twice."""
    host: Any = trainer
    if host.precompute_ref_logps:
        before = torch.cat([batch["ref_chosen_logps"], batch["ref_rejected_logps"]])
    else:
        before = _log_probs(outputs[-1], batch)
    chosen, rejected = (_log_probs(outputs[0], batch) - before).chunk(2)
    kind, beta = host.loss_types[0], host.beta
    if kind == "ipo":
        lengths = batch["completion_mask"].sum(1).clamp(min=1.0).chunk(2)
        loss = (chosen / lengths[0] - rejected / lengths[1] - 1 / (2 * beta)) ** 2
    elif kind == "hinge":
        loss = torch.relu(1 - beta * (chosen - rejected))
    else:
        loss = -F.logsigmoid(beta * (chosen - rejected))
    loss = loss * host.loss_weights[0]
    return loss, loss


def _log_probs(outputs: object, batch: Mapping[str, Any]) -> Tensor:
    """Return the log-probability of each answer, shape (2 n,)."""
    length = batch["completion_mask"].shape[1] - 1
    return part_of(outputs, "log_probs")[:, -length:].sum(1)  # type: ignore[no-any-return]  # a Tensor
