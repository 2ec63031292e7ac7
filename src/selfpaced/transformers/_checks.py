"""Checks of a Trainer's settings, its pacer and its sampler before the training."""

from transformers import Trainer

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.paced import PacedSampler


def require_kinds(pacer: object, sampler: object) -> None:
    """Raise for a pacer or a sampler of the wrong type."""
    if not isinstance(pacer, Pacer | None):
        raise TypeError(f"pacer must be a Pacer or None; got {type(pacer).__name__}.")
    if not isinstance(sampler, PacedSampler | bool | None):
        raise TypeError(
            f"sampler must be a PacedSampler, True or False; got {type(sampler).__name__}."
        )


def require_fit(trainer: Trainer, pacer: Pacer, n: int) -> None:
    """Raise for settings of the host or the pacer that do not fit together."""
    args = trainer.args
    _require_losses(trainer)
    require(
        args.n_gpu <= 1,
        f"Several GPUs in one process (DataParallel, n_gpu={args.n_gpu}) would separate a batch "
        f"from its indices. Start one process per GPU: torchrun --nproc-per-node={args.n_gpu}.",
    )
    require(
        pacer.n_samples in (None, n),
        f"The pacer is for n_samples={pacer.n_samples}, but the train_dataset has {n}. Make it as "
        f"Pacer(len(train_dataset)).",
    )
    require(
        pacer.reduction == "mean",
        f"The Trainer decides what a sum of losses is divided by, but the pacer has "
        f'reduction="{pacer.reduction}". Make the pacer without a reduction.',
    )


def _require_losses(trainer: Trainer) -> None:
    """Raise for settings with which there is no loss per sample."""
    args = trainer.args
    fused = (args.liger_kernel_config or {}).get("fused_linear_cross_entropy", True)
    require(
        not (args.use_liger_kernel and fused),
        "Liger's fused loss does not return a loss per token. Use use_liger_kernel=False, or "
        'liger_kernel_config={"fused_linear_cross_entropy": False, "cross_entropy": False}.',
    )
    require(
        not (getattr(args, "packing", False) or getattr(trainer, "padding_free", False)),
        "packing and padding_free put several samples in one row, which then has one loss. Use "
        "packing=False and padding_free=False.",
    )
    require(
        trainer.get_cp_size() == trainer.get_sp_size() == 1,
        "Context and sequence parallelism split a sample among ranks, so no rank has its loss. "
        "Turn them off.",
    )


def require_sampler(trainer: Trainer, sampler: PacedSampler, pacer: Pacer) -> None:
    """Raise for a sampler that the host cannot use."""
    args = trainer.args
    require(
        sampler.pacer is pacer,
        "The sampler has another pacer than the trainer. Make it as PacedSampler(pacer, ...).",
    )
    require(
        sampler.length != "selected",
        "The Trainer fixes the number of steps before the training. Give the sampler "
        'length="dataset" or an int.',
    )
    require(
        sampler.num_replicas == 1 or (sampler.num_replicas is None and args.world_size == 1),
        "The Trainer gives each rank its share of the whole order. Make the sampler with "
        "num_replicas=1, rank=0.",
    )
    require(
        args.train_sampling_strategy == "random",
        f"train_sampling_strategy={args.train_sampling_strategy!r} and a PacedSampler both decide "
        f"the order. Use only one of them.",
    )
