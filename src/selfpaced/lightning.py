"""Self-paced learning for Lightning: one line in ``training_step``, and a callback.

>>> from selfpaced import Pacer
>>> pacer = Pacer(1000)  # in training_step: pacer(F.cross_entropy(..., reduction="none"), index)
>>> callbacks = [PaceCallback(pacer)]  # Trainer(callbacks=callbacks)
"""

import math
import warnings
from typing import Any

from torch.utils.data import DistributedSampler

from selfpaced._errors import require, require_positive_int
from selfpaced._memory.ring import PLACES
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._sampling.paced import PacedSampler
from selfpaced._saved import Saved, assign_all
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

VERSION = 1  # version of the state
# The keys of a state. It also has "pacer", except one of a version in which a pacer that was a
# submodule was saved with the module's weights.
KEYS = {"batches", "samples", "sampler"}
LOOK = 50  # after so many batches it is looked at whether a stream has filled the pacer's memory


class PaceCallback(Callback):
    """Step the pacer after each training epoch, log its numbers, and keep it in checkpoints.

    You compute the loss: ``return pacer(F.cross_entropy(logits, y, reduction="none"), index)`` in
    ``training_step``, with a loader over ``Indexed(dataset)``. The pacer may be a submodule of the
    LightningModule, or an object outside of it. The callback moves a pacer outside of the module to
    the module's device, and puts it into eval mode for validation, as the module.

    The pacer steps at the last batch of an epoch, before the validation and the checkpoints of that
    epoch. It does so on all ranks, and merges them. An epoch that ``max_steps`` cuts short ends
    where Lightning ends it. ``tracking.scalars`` is logged once an epoch. A stream without an end
    has no epochs: with ``every`` the pacer steps and is logged after so many batches.

    A checkpoint of ``trainer.fit`` has the losses that all ranks have seen, in the state of this
    callback, also if the pacer is a submodule. It also has the order and the position of the
    sampler. A run that is resumed from it, also in the middle of an
    epoch, trains as if it had not been stopped, with a plain DataLoader or torchdata's
    StatefulDataLoader. Your own callbacks that save checkpoints must come after this one in the
    list; Lightning's do so anyway.

    For several pacers, such as one for each head of a network, give the Trainer one callback for
    each, with a ``name``: ``[PaceCallback(a, name="digit"), PaceCallback(b, name="colour")]``.

    Args:
        pacer: The pacer of your ``training_step``.
        sampler: The PacedSampler of the training loader, if it has one, with ``length="dataset"``
            or an int, because Lightning counts the batches of an epoch only once. The sampler
            itself distributes the order among ranks: with several, set
            ``Trainer(use_distributed_sampler=False)``.
        every: Step after so many batches, wherever epochs end; None to step once an epoch. Not
            with a sampler, which draws an order for each epoch.
        name: Tells several callbacks apart, in checkpoints and in what is logged
            (``spl/digit/frac_selected``). Keep it when you resume.

    Raises:
        TypeError: For a pacer, sampler, ``every`` or name of another type.
        ValueError: For a sampler of another pacer or with ``every``, and a name with "/". When
            training starts, for a loader that does not draw from the sampler, or draws from a
            sampler that was not given. When an epoch ends in which the pacer observed no loss.

    >>> from selfpaced import PacedSampler
    >>> pacer = Pacer(1000)
    >>> sampler = PacedSampler(pacer, length="dataset")  # DataLoader(..., sampler=sampler)
    >>> callback = PaceCallback(pacer, sampler)
    """

    def __init__(
        self,
        pacer: Pacer,
        sampler: PacedSampler | None = None,
        *,
        every: int | None = None,
        name: str | None = None,
    ) -> None:
        """Keep the pacer, the sampler and the settings."""
        _require_pair(pacer, sampler)
        _require_every(every, sampler)
        _require_name(name)
        self.pacer, self.sampler, self.every, self.name = pacer, sampler, every, name
        self._warned = False  # that an epoch does not end
        self._batches = 0  # batches since the last step
        self._samples = 0  # samples since the last step on this rank; 0 without a sampler
        self._batch_size = 0
        self._stage, self._was_training = "fit", True

    @property
    def state_key(self) -> str:
        """The key of the state in a checkpoint, which must differ among callbacks."""
        return super().state_key if self.name is None else self._generate_state_key(name=self.name)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Move the pacer to the module's device; count batches from 0; tell the sampler the end.

        Until the training starts, a pacer outside of the module is in eval mode: Lightning calls no
        callback while it looks for a learning rate or a batch size.
        """
        self._stage, self._batches, self._samples = stage, 0, 0
        if self.sampler is not None and stage == "fit":
            known = trainer.max_epochs is not None and trainer.max_epochs > 0
            self.sampler._within(trainer.max_epochs if known else None)
        self.pacer.to(pl_module.device)
        if stage == "fit" and not any(part is self.pacer for part in pl_module.modules()):
            self.pacer.eval()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that loader and sampler fit together; set the pacer to the module's mode."""
        self.pacer.train(pl_module.training)
        loaders = CombinedLoader(trainer.train_dataloader).flattened
        paced = [layers for layers in map(_layers, loaders) if _draws(layers)]
        _require_loader(paced, self.sampler, self._of_others(trainer))
        if self.sampler is not None:
            _require_settings(self.sampler, trainer)
            self._batch_size = next(
                _batch_size(layers) for layers in paced if self.sampler in layers
            )
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
        if self.every is None and trainer.is_last_batch:
            self._step()
        elif self.every is None:
            self._look_for_an_end(trainer)
        elif self._batches == self.every:
            self._step()
            self._log_to_loggers(trainer, self._numbers())

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the numbers of the step; step here if the epoch was cut short."""
        if self._batches and self.every is None:
            self._step()
        numbers = self._numbers()
        of_groups = {name: numbers.pop(name) for name in list(numbers) if "/class_" in name}
        # The numbers are the same on all ranks, and "max" keeps them so to the bit.
        pl_module.log_dict(numbers, on_step=False, on_epoch=True, reduce_fx="max", sync_dist=True)
        # Numbers of classes go to the loggers directly: in log_dict each would get a metric object,
        # and twenty of these take longer than the pacer's step.
        if of_groups:
            self._log_to_loggers(trainer, of_groups)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn if a training was so short that it was plain training."""
        streams = math.isinf(trainer.num_training_batches)
        if self.every is not None and self._batches and not self.pacer.steps:
            self._warn(trainer, f"the training ended before {self.every} batches")
        elif self.every is None and streams and self.pacer.steps == 1:
            self._warn(trainer, "the training ended in its first epoch")

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
            "version": VERSION,
            "batches": self._batches,
            "samples": self._samples,
            "sampler": sampler,
            "pacer": self.pacer.gathered_state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state for training; validation and test do not change the pacer.

        On an error nothing changes.

        Raises:
            ValueError: For a state that lacks a key, is of a newer version, or is damaged, and for
                a state from the middle of an epoch that was saved with a sampler where there is
                none now, or the reverse.
        """
        if self._stage != "fit":
            return
        saved = Saved(state, "PaceCallback", KEYS, newest=VERSION, optional={"pacer"})
        batches, samples = saved.count("batches"), saved.count("samples")
        had, has = saved["sampler"] is not None, self.sampler is not None
        require(
            had == has or not batches,
            f"PaceCallback: the checkpoint is from the middle of an epoch, saved "
            f"{'with' if had else 'without'} a sampler; now there is {'one' if has else 'none'}. "
            f"Use the same sampler, or resume from a checkpoint of the end of an epoch.",
        )
        read = [self.pacer._read(saved["pacer"])] if "pacer" in saved else []
        if self.sampler is not None and had:
            read.append(self.sampler._read(saved["sampler"]))
        assign_all(read)()
        self._batches, self._samples = batches, samples

    def _step(self) -> None:
        """Step the pacer, and count batches from 0 again."""
        self.pacer.step()
        self._batches = self._samples = 0

    def _of_others(self, trainer: Trainer) -> list[PacedSampler]:
        """Return the samplers of other callbacks of the trainer, which check them."""
        every: list[Any] = trainer.callbacks  # type: ignore[attr-defined]  # made elsewhere
        found = [part.sampler for part in every if isinstance(part, PaceCallback)]
        return [sampler for sampler in found if sampler not in (None, self.sampler)]

    def _numbers(self) -> dict[str, float]:
        """Return the numbers of the last step, under the names that are logged."""
        start = "spl/" if self.name is None else f"spl/{self.name}/"
        return {start + name.removeprefix("spl/"): n for name, n in scalars(self.pacer).items()}

    def _log_to_loggers(self, trainer: Trainer, numbers: dict[str, float]) -> None:
        """Write numbers to the loggers, without a metric object for each."""
        row = numbers | {"epoch": trainer.current_epoch}
        for logger in trainer.loggers:
            logger.log_metrics(row, trainer.global_step)

    def _look_for_an_end(self, trainer: Trainer) -> None:
        """Warn once if the stream has filled the memory of a pacer without indices."""
        looks = self._batches % LOOK == 0 and math.isinf(trainer.num_training_batches)
        if looks and self.pacer.n_samples is None and bool(self.pacer.ledger.waiting.all()):
            self._warn(
                trainer,
                f"{self._batches} batches of a loader without a length have passed without an end "
                f"of the epoch, and the pacer keeps only the last {PLACES:,} losses",
            )

    def _warn(self, trainer: Trainer, what: str) -> None:
        """Warn once that the pacer hardly steps."""
        if not self._warned and trainer.is_global_zero:
            warnings.warn(
                f"PaceCallback: {what}. The pacer has stepped {self.pacer.steps} times. To step "
                f"after each 100 batches, wherever epochs end, use PaceCallback(pacer, every=100).",
                stacklevel=2,
            )
        self._warned = True


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
    if isinstance(pacer, list | tuple | dict):
        raise TypeError(
            f"PaceCallback expects one Pacer; got a {type(pacer).__name__}. Give the Trainer one "
            f'callback for each: PaceCallback(pacer, name="...").'
        )
    require_pacer(pacer, "PaceCallback")
    if not isinstance(sampler, PacedSampler | None):
        raise TypeError(
            f"PaceCallback expects a PacedSampler or None; got {type(sampler).__name__}."
        )
    require(
        sampler is None or sampler.pacer is pacer,
        "PaceCallback: the sampler was made for another pacer. Make it as PacedSampler(pacer).",
    )


def _require_every(every: int | None, sampler: PacedSampler | None) -> None:
    """Raise unless the pacer can step after so many batches."""
    if every is None:
        return
    require_positive_int("every", every, "PaceCallback")
    require(
        sampler is None,
        "PaceCallback: a PacedSampler draws an order for each epoch, so the pacer steps at its "
        "end. Leave every out, or train without the sampler.",
    )


def _require_name(name: str | None) -> None:
    """Raise unless the name can be a part of the names that are logged."""
    if not isinstance(name, str | None):
        raise TypeError(f"PaceCallback: name must be a str or None; got {name!r}.")
    require(
        name is None or (name != "" and "/" not in name),
        f'PaceCallback: name must not be empty and have no "/"; got {name!r}.',
    )


def _require_loader(
    paced: list[list[object]], sampler: PacedSampler | None, others: list[PacedSampler]
) -> None:
    """Raise unless the training draws from this sampler, and only it shards the order.

    Args:
        paced: The layers of each loader that draws from a PacedSampler.
        sampler: The sampler of this callback.
        others: The samplers of other callbacks, which check them.
    """
    require(
        not any(isinstance(layer, DistributedSampler) for layers in paced for layer in layers),
        "PaceCallback: Lightning has put a DistributedSampler around the PacedSampler, which "
        "distributes the order among ranks itself. Set Trainer(use_distributed_sampler=False).",
    )
    drawing = [layer for layers in paced for layer in layers if isinstance(layer, PacedSampler)]
    drawing = [layer for layer in drawing if layer not in others]
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
