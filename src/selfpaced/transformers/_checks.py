"""What of a Trainer's settings leaves no loss per sample, or no order to sample by."""

from transformers import Trainer

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.paced import PacedSampler


def require_kinds(pacer: object, sampler: object) -> None:
    """Raise for a pacer or sampler that is none."""
    if not isinstance(pacer, Pacer | None):
        raise TypeError(f"pacer must be a Pacer; got {type(pacer).__name__}.")
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
        f"Several GPUs in one process (DataParallel, n_gpu={args.n_gpu}) would split a batch from "
        f"its indices. Start one process per GPU: torchrun --nproc-per-node={args.n_gpu}.",
    )
    require(
        pacer.n_samples in (None, n),
        f"The pacer is of n_samples={pacer.n_samples}, the train_dataset has {n}. Make it as "
        f"Pacer(len(train_dataset)).",
    )
    require(
        pacer.reduction == "mean",
        f'The Trainer decides what a sum of losses is divided by; got reduction="{pacer.reduction}"'
        f". Make the pacer without it.",
    )


def _require_losses(trainer: Trainer) -> None:
    """Raise where the host makes no loss per sample."""
    args = trainer.args
    require(
        trainer.compute_loss_func is None,
        "compute_loss_func returns one number for all samples. Override item_losses instead.",
    )
    fused = (args.liger_kernel_config or {}).get("fused_linear_cross_entropy", True)
    require(
        not (args.use_liger_kernel and fused),
        "Liger's fused loss never has a loss per token. Use use_liger_kernel=False, or "
        'liger_kernel_config={"fused_linear_cross_entropy": False, "cross_entropy": False}.',
    )
    require(
        not (getattr(args, "packing", False) or getattr(trainer, "padding_free", False)),
        "packing and padding_free put several samples in a row, which then has one loss. Use "
        "packing=False and padding_free=False.",
    )
    require(
        trainer.get_cp_size() == trainer.get_sp_size() == 1,
        "Context and sequence parallelism split a sample among ranks: no rank has its loss.",
    )


def require_sampler(trainer: Trainer, sampler: PacedSampler, pacer: Pacer) -> None:
    """Raise for a sampler that the host cannot use."""
    args = trainer.args
    require(
        sampler.pacer is pacer,
        "The sampler has another pacer. Make it as PacedSampler(pacer, ...) of the same one.",
    )
    require(
        sampler.length != "selected",
        'The Trainer fixes the number of steps up front: give the sampler length="dataset", or '
        "an int.",
    )
    require(
        sampler.num_replicas == 1 or (sampler.num_replicas is None and args.world_size == 1),
        "The Trainer gives each rank its share of the whole order: make the sampler with "
        "num_replicas=1, rank=0.",
    )
    require(
        args.train_sampling_strategy == "random",
        f"train_sampling_strategy={args.train_sampling_strategy!r} and a PacedSampler both decide "
        f"the order. Leave one out.",
    )
