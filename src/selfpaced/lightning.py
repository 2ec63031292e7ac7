"""Self-paced learning for Lightning: one line in ``training_step``, and a callback.

>>> from selfpaced import Pacer
>>> pacer = Pacer(1000)  # in training_step: pacer(F.cross_entropy(..., reduction="none"), index)
>>> callbacks = [PaceCallback(pacer)]  # Trainer(callbacks=callbacks)
"""

from typing import Any

from torch.utils.data import DistributedSampler

from selfpaced._errors import require, require_keys
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._sampling.paced import PacedSampler
from selfpaced.tracking import scalars

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.utilities.combined_loader import CombinedLoader
except ImportError as error:
    raise ImportError(
        f"selfpaced.lightning needs lightning ({error}). "
        f'Install it with: pip install "selfpaced[lightning]"'
    ) from error

__all__ = ["PaceCallback"]

# The keys of a state. It also has "pacer" if the pacer is no submodule.
KEYS = {"batches", "samples", "sampler"}


class PaceCallback(Callback):
    """Step the pacer after each training epoch, log its numbers, and keep it in checkpoints.

    You compute the loss: ``return pacer(F.cross_entropy(logits, y, reduction="none"), index)`` in
    ``training_step``, with a loader over ``Indexed(dataset)``. The pacer may be a submodule of the
    LightningModule, or an object outside of it. The callback moves a pacer outside of the module to
    the module's device, and puts it into eval mode for validation, as the module.

    The pacer steps at the last batch of an epoch, before the validation and the checkpoints of that
    epoch. It does so on all ranks, and merges them. An epoch that ``max_steps`` cuts short ends
    where Lightning ends it. ``tracking.scalars`` is logged once an epoch.

    A checkpoint of ``trainer.fit`` has the losses that all ranks have seen: in the module's
    ``state_dict`` if the pacer is a submodule, else in the state of this callback. It also has the
    order and the position of the sampler. A run that is resumed from it, also in the middle of an
    epoch, trains as if it had not been stopped, with a plain DataLoader or torchdata's
    StatefulDataLoader. Your own callbacks that save checkpoints must come after this one in the
    list; Lightning's do so anyway.

    Args:
        pacer: The pacer of your ``training_step``.
        sampler: The PacedSampler of the training loader, if it has one, with ``length="dataset"``
            or an int, because Lightning counts the batches of an epoch only once. The sampler
            itself distributes the order among ranks: with several, set
            ``Trainer(use_distributed_sampler=False)``.

    Raises:
        TypeError: For a pacer or sampler of another type.
        ValueError: For a sampler of another pacer. When training starts, for a loader that does not
            draw from the sampler, or draws from a sampler that was not given. When an epoch ends in
            which the pacer observed no loss.

    >>> from selfpaced import PacedSampler
    >>> pacer = Pacer(1000)
    >>> sampler = PacedSampler(pacer, length="dataset")  # DataLoader(..., sampler=sampler)
    >>> callback = PaceCallback(pacer, sampler)
    """

    def __init__(self, pacer: Pacer, sampler: PacedSampler | None = None) -> None:
        """Keep the pacer and the sampler."""
        _require_pair(pacer, sampler)
        self.pacer, self.sampler = pacer, sampler
        self._batches = 0  # batches since the last step
        self._samples = 0  # samples since the last step on this rank; 0 without a sampler
        self._batch_size = 0
        self._stage, self._was_training = "fit", True

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Move the pacer to the module's device; count batches from 0."""
        self._stage, self._batches, self._samples = stage, 0, 0
        self.pacer.to(pl_module.device)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that loader and sampler fit together; set the pacer to the module's mode."""
        self.pacer.train(pl_module.training)
        loaders = CombinedLoader(trainer.train_dataloader).flattened
        paced = [layers for layers in map(_layers, loaders) if _draws(layers)]
        _require_loader(paced, self.sampler)
        if self.sampler is not None:
            _require_settings(self.sampler, trainer)
            self._batch_size = next(map(_batch_size, paced))
            most = -(-len(self.sampler) // self._batch_size)
            require(
                trainer.num_training_batches <= most,
                f"PaceCallback: an epoch has {trainer.num_training_batches} batches, but the "
                f"PacedSampler has {most}: another loader makes it start again within the epoch. "
                f'Combine the loaders with mode "min_size", or give the sampler a larger length.',
            )

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Step at the last batch: a checkpoint saved after it belongs to the next epoch."""
        self._batches += 1
        self._samples += self._batch_size
        if trainer.is_last_batch:
            self._step()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the numbers of the step; step here if the epoch was cut short."""
        if self._batches:
            self._step()
        numbers = scalars(self.pacer)
        of_groups = {name: numbers.pop(name) for name in list(numbers) if "/class_" in name}
        # The numbers are the same on all ranks, and "max" keeps them so to the bit.
        pl_module.log_dict(numbers, on_step=False, on_epoch=True, reduce_fx="max", sync_dist=True)
        # Numbers of classes go to the loggers directly: in log_dict each would get a metric object,
        # and twenty of these take longer than the pacer's step.
        if of_groups:
            of_groups["epoch"] = trainer.current_epoch
            for logger in trainer.loggers:
                logger.log_metrics(of_groups, trainer.global_step)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the pacer into eval mode: a plain mean, and nothing is remembered."""
        self._was_training = self.pacer.training
        self.pacer.eval()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the pacer back into the mode that it had before."""
        self.pacer.train(self._was_training)

    on_test_start = on_predict_start = on_validation_start
    on_test_end = on_predict_end = on_validation_end

    def state_dict(self) -> dict[str, Any]:
        """Return the merged state of all ranks; Lightning calls this on all, and rank 0 writes."""
        sampler = None
        if self.sampler is not None:
            place = min(self._samples, len(self.sampler)) if self._samples else 0
            sampler = self.sampler.state_dict(position=place)
        return {
            "batches": self._batches,
            "samples": self._samples,
            "sampler": sampler,
            "pacer": self.pacer.gathered_state_dict(),
        }

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Store the pacer once: if it is a submodule, with the module's weights only."""
        place = next((n for n, part in pl_module.named_modules() if part is self.pacer), None)
        if f"{place}._extra_state" in checkpoint["state_dict"]:
            whole = checkpoint["callbacks"][self.state_key].pop("pacer")
            checkpoint["state_dict"][f"{place}._extra_state"] = whole["_extra_state"]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state for training; validation and test do not change the pacer.

        Raises:
            ValueError: For a state that lacks a key, and for a state from the middle of an epoch
                that was saved with a sampler where there is none now, or the reverse.
        """
        if self._stage != "fit":
            return
        require_keys(state, KEYS, "PaceCallback")
        had, has = state["sampler"] is not None, self.sampler is not None
        require(
            had == has or not state["batches"],
            f"PaceCallback: the checkpoint is from the middle of an epoch, saved "
            f"{'with' if had else 'without'} a sampler; now there is {'one' if has else 'none'}. "
            f"Use the same sampler, or resume from a checkpoint of the end of an epoch.",
        )
        if "pacer" in state:
            self.pacer.load_state_dict(state["pacer"])
        if self.sampler is not None and had:
            self.sampler.load_state_dict(state["sampler"])
        self._batches, self._samples = state["batches"], state["samples"]

    def _step(self) -> None:
        """Step the pacer, and count batches from 0 again."""
        self.pacer.step()
        self._batches = self._samples = 0


def _layers(loader: object) -> list[object]:
    """Return the samplers of a loader, from the batch sampler to the one that draws indices."""
    layer, found = getattr(loader, "batch_sampler", None), []
    if layer is None:
        layer = getattr(loader, "sampler", None)
    while layer is not None:
        found.append(layer)
        inner = getattr(layer, "sampler", None)
        if inner is None:  # Lightning's wrapper keeps the wrapped sampler in a dataset
            inner = getattr(getattr(layer, "dataset", None), "_sampler", None)
        layer = inner
    return found


def _draws(layers: list[object]) -> bool:
    """Say whether one of the samplers is a PacedSampler."""
    return any(isinstance(layer, PacedSampler) for layer in layers)


def _batch_size(layers: list[object]) -> int:
    """Return the number of indices in a batch; 1 without a batch sampler."""
    sizes = (getattr(layer, "batch_size", None) for layer in layers[:-1])
    size = next((size for size in sizes if size is not None), 1 if len(layers) == 1 else None)
    if not isinstance(size, int):
        raise TypeError(
            f"PaceCallback: the loader's {type(layers[0]).__name__} has no batch_size, so the "
            f"position in the epoch is not known. Use torch's BatchSampler."
        )
    return size


def _require_pair(pacer: Pacer, sampler: PacedSampler | None) -> None:
    """Raise unless the sampler was made for the pacer."""
    require_pacer(pacer, "PaceCallback")
    if not isinstance(sampler, PacedSampler | None):
        raise TypeError(
            f"PaceCallback expects a PacedSampler or None; got {type(sampler).__name__}."
        )
    require(
        sampler is None or sampler.pacer is pacer,
        "PaceCallback: the sampler was made for another pacer. Make it as PacedSampler(pacer).",
    )


def _require_loader(paced: list[list[object]], sampler: PacedSampler | None) -> None:
    """Raise unless the training draws from this sampler, and only it shards the order."""
    require(
        not any(isinstance(layer, DistributedSampler) for layers in paced for layer in layers),
        "PaceCallback: Lightning has put a DistributedSampler around the PacedSampler, which "
        "distributes the order among ranks itself. Set Trainer(use_distributed_sampler=False).",
    )
    drawing = [layer for layers in paced for layer in layers if isinstance(layer, PacedSampler)]
    require(
        sampler is not None or not drawing,
        "PaceCallback: the training loader draws from a PacedSampler that the callback was not "
        "given. Give it: PaceCallback(pacer, sampler).",
    )
    require(
        sampler is None or drawing == [sampler],
        f"PaceCallback: exactly one training loader must draw from the sampler that the callback "
        f"was given, and none from another; got {len(drawing)} loaders with a PacedSampler. Use "
        f"DataLoader(..., sampler=sampler), without overfit_batches.",
    )


def _require_settings(sampler: PacedSampler, trainer: Trainer) -> None:
    """Raise if Lightning would cut epochs short, or ranks would train on the same samples."""
    require(
        sampler.length != "selected",
        'PaceCallback: with PacedSampler(length="selected") epochs differ in length, but Lightning '
        "counts the batches of the first epoch only: it would cut later epochs short, or never "
        'validate them. Use length="dataset" or an int.',
    )
    require(
        sampler.num_replicas in (None, trainer.world_size),
        f"PaceCallback: PacedSampler(num_replicas={sampler.num_replicas}) in a training with "
        f"{trainer.world_size} processes. Make it without num_replicas and rank.",
    )
