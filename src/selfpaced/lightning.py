"""Self-paced learning in Lightning: one line in ``training_step``, one callback in the Trainer.

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

KEYS = {"batches", "samples", "sampler"}  # of a state; and "pacer", where no module has it


class PaceCallback(Callback):
    """Step the pacer after each training epoch, log what it decided, and keep it in checkpoints.

    The loss is yours: ``return pacer(F.cross_entropy(logits, y, reduction="none"), index)`` in
    ``training_step``, with a loader over ``Indexed(dataset)``. The pacer may be a submodule of the
    LightningModule or stand beside it; beside it, it follows the module's device, and rests in
    validation as the module does.

    It steps with the last batch of an epoch, before that epoch's validation and checkpoints, on all
    ranks, which it merges; an epoch that ``max_steps`` cuts short ends where Lightning ends it.
    ``tracking.scalars`` is logged once an epoch.

    A checkpoint of ``trainer.fit`` holds what all ranks have seen: in the module's ``state_dict``
    where the pacer is a submodule, else in this callback's; and the sampler's order and place. A
    run that goes on from it, also in the middle of an epoch, with a plain DataLoader or torchdata's
    StatefulDataLoader, trains as if it had not been stopped. Callbacks of your own that save
    checkpoints come after this one in the list; Lightning's do anyway.

    Args:
        pacer: That of your ``training_step``.
        sampler: The PacedSampler of the training loader, if it has one, with ``length="dataset"``
            or an int: Lightning counts the batches of an epoch once. It shares the order out among
            ranks itself: several want ``Trainer(use_distributed_sampler=False)``.

    Raises:
        TypeError: For a pacer or sampler that is none.
        ValueError: For a sampler of another pacer; when training starts, for a loader that does not
            draw from the sampler, or draws from one that was not given; when an epoch ends in which
            the pacer met nothing.

    >>> from selfpaced import PacedSampler
    >>> pacer = Pacer(1000)
    >>> sampler = PacedSampler(pacer, length="dataset")  # DataLoader(..., sampler=sampler)
    >>> callback = PaceCallback(pacer, sampler)
    """

    def __init__(self, pacer: Pacer, sampler: PacedSampler | None = None) -> None:
        """Take what the training uses."""
        _require_pair(pacer, sampler)
        self.pacer, self.sampler = pacer, sampler
        self._batches = 0  # trained on since the last step
        self._samples = 0  # that many on this rank; 0 without a sampler
        self._batch_size = 0
        self._stage, self._was_training = "fit", True

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Move the pacer to where the module will be; a training begins with no batch."""
        self._stage, self._batches, self._samples = stage, 0, 0
        self.pacer.to(pl_module.device)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that loader and sampler fit together, and train or rest as the module does."""
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
                f"PaceCallback: an epoch has {trainer.num_training_batches} batches, the "
                f"PacedSampler {most}: another loader makes it go round again within the epoch. "
                f'Combine them with mode "min_size", or give the sampler a greater length.',
            )

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Step with the last batch: what is saved from here on belongs to the next epoch."""
        self._batches += 1
        self._samples += self._batch_size
        if trainer.is_last_batch:
            self._step()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the step; take it where the epoch was cut short."""
        if self._batches:
            self._step()
        said = scalars(self.pacer)
        of_groups = {name: said.pop(name) for name in list(said) if "/class_" in name}
        pl_module.log_dict(said, on_step=False, on_epoch=True, reduce_fx="max", sync_dist=True)
        # the same on all ranks, and "max" keeps it so to the bit. What is of groups has no metric
        # object each: twenty of them take Lightning longer than the pacer's own step.
        if of_groups:
            of_groups["epoch"] = trainer.current_epoch
            for logger in trainer.loggers:
                logger.log_metrics(of_groups, trainer.global_step)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Rest: a plain mean, and nothing remembered."""
        self._was_training = self.pacer.training
        self.pacer.eval()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Be as before."""
        self.pacer.train(self._was_training)

    on_test_start = on_predict_start = on_validation_start
    on_test_end = on_predict_end = on_validation_end

    def state_dict(self) -> dict[str, Any]:
        """Return the state of all ranks together; Lightning calls it on all, and rank 0 writes."""
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
        """Keep the pacer once: with the module's weights, where it is a submodule."""
        place = next((n for n, part in pl_module.named_modules() if part is self.pacer), None)
        if f"{place}._extra_state" in checkpoint["state_dict"]:
            whole = checkpoint["callbacks"][self.state_key].pop("pacer")
            checkpoint["state_dict"][f"{place}._extra_state"] = whole["_extra_state"]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was saved; validation and test leave the pacer as it is.

        Raises:
            ValueError: For a state that is cut short, and for one from the middle of an epoch that
                was saved without the sampler, or with one that is not there now.
        """
        if self._stage != "fit":
            return
        require_keys(state, KEYS, "PaceCallback")
        had, has = state["sampler"] is not None, self.sampler is not None
        require(
            had == has or not state["batches"],
            f"PaceCallback: the checkpoint is from the middle of an epoch, saved "
            f"{'with' if had else 'without'} a sampler; now there is {'one' if has else 'none'}. "
            f"Train on as it was, or from the checkpoint of an epoch's end.",
        )
        if "pacer" in state:
            self.pacer.load_state_dict(state["pacer"])
        if self.sampler is not None and had:
            self.sampler.load_state_dict(state["sampler"])
        self._batches, self._samples = state["batches"], state["samples"]

    def _step(self) -> None:
        """Let the pacer grow, and count anew."""
        self.pacer.step()
        self._batches = self._samples = 0


def _layers(loader: object) -> list[object]:
    """Return a loader's samplers, from the one that makes batches to the one that draws."""
    layer, found = getattr(loader, "batch_sampler", None), []
    if layer is None:
        layer = getattr(loader, "sampler", None)
    while layer is not None:
        found.append(layer)
        inner = getattr(layer, "sampler", None)
        if inner is None:  # Lightning's wrapper has what it wraps as a kind of dataset
            inner = getattr(getattr(layer, "dataset", None), "_sampler", None)
        layer = inner
    return found


def _draws(layers: list[object]) -> bool:
    """Say whether a PacedSampler draws."""
    return any(isinstance(layer, PacedSampler) for layer in layers)


def _batch_size(layers: list[object]) -> int:
    """Return how many indices a batch takes; 1 where nothing makes batches."""
    sizes = (getattr(layer, "batch_size", None) for layer in layers[:-1])
    size = next((size for size in sizes if size is not None), 1 if len(layers) == 1 else None)
    if not isinstance(size, int):
        raise TypeError(
            f"PaceCallback: the loader's {type(layers[0]).__name__} has no batch_size, so that no "
            f"place in the epoch is known. Use torch's BatchSampler."
        )
    return size


def _require_pair(pacer: Pacer, sampler: PacedSampler | None) -> None:
    """Raise unless the sampler is of the pacer."""
    require_pacer(pacer, "PaceCallback")
    if not isinstance(sampler, PacedSampler | None):
        raise TypeError(f"PaceCallback expects a PacedSampler; got {type(sampler).__name__}.")
    require(
        sampler is None or sampler.pacer is pacer,
        "PaceCallback: the sampler is of another pacer. Make it as PacedSampler(pacer).",
    )


def _require_loader(paced: list[list[object]], sampler: PacedSampler | None) -> None:
    """Raise unless the training draws from this sampler, and ranks share the order out once."""
    require(
        not any(isinstance(layer, DistributedSampler) for layers in paced for layer in layers),
        "PaceCallback: Lightning has put a DistributedSampler around the PacedSampler, which "
        "shares the order out among ranks itself. Set Trainer(use_distributed_sampler=False).",
    )
    drawing = [layer for layers in paced for layer in layers if isinstance(layer, PacedSampler)]
    require(
        sampler is not None or not drawing,
        "PaceCallback: the training loader draws from a PacedSampler that the callback does not "
        "know. Give it: PaceCallback(pacer, sampler).",
    )
    require(
        sampler is None or drawing == [sampler],
        f"PaceCallback: one training loader must draw from the sampler that the callback was "
        f"given, and none from another; got {len(drawing)} with a PacedSampler. Make it as "
        f"DataLoader(..., sampler=sampler), without overfit_batches.",
    )


def _require_settings(sampler: PacedSampler, trainer: Trainer) -> None:
    """Raise where Lightning would stop epochs short, or ranks would train on the same samples."""
    require(
        sampler.length != "selected",
        'PaceCallback: with PacedSampler(length="selected") epochs differ in length, and Lightning '
        "counts the batches of the first: later epochs would be cut short, or never be validated. "
        'Use length="dataset" or an int.',
    )
    require(
        sampler.num_replicas in (None, trainer.world_size),
        f"PaceCallback: PacedSampler(num_replicas={sampler.num_replicas}) in a training of "
        f"{trainer.world_size} processes. Leave num_replicas and rank out.",
    )
