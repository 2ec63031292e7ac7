"""The self-paced Trainer of Transformers; only the weights of samples differ from the host's."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler
from transformers import Trainer

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.paced import PacedSampler
from selfpaced.transformers._checks import require_fit, require_kinds, require_sampler
from selfpaced.transformers._data import (
    INDEX,
    Numbering,
    default_pacer,
    in_place,
    numbered,
    without_index,
)
from selfpaced.transformers._epochs import Epochs
from selfpaced.transformers._losses import Items, divides_by_batch, items_of, shifts


class SelfPacedMixin(Trainer):
    """Weigh the loss of each training sample by its difficulty, in a subclass of ``Trainer``.

    ``class Paced(SelfPacedMixin, SFTTrainer)`` takes the arguments of the other class (the host),
    and two more. Evaluation, prediction, logging and checkpoints stay the host's. With all weights
    1 the loss is the host's own, also with gradient accumulation and several processes.

    A sample's difficulty is the mean of its losses: the cross-entropy of its class or of its
    labelled tokens, the squared error of its numbers, or the binary cross-entropies of its tags.
    Its weight multiplies all of its losses. The pacer steps at the end of each epoch, also of an
    epoch that ``max_steps`` or a callback cuts short. Its numbers
    (``selfpaced.tracking.scalars``) are then logged. A checkpoint has the file
    ``selfpaced.safetensors``: ``train(resume_from_checkpoint=...)`` continues exactly, also in the
    middle of an epoch.

    Args:
        *args: Passed on to the host.
        pacer: ``Pacer(len(train_dataset), ...)``. The default protects each class if the labels are
            classes that can be read without loading items (a ``datasets.Dataset``, a list of
            dicts), and has ``age=Deviations()`` if the labels are numbers.
        sampler: A ``PacedSampler`` made with ``num_replicas=1, rank=0`` and ``length="dataset"`` or
            an int; True makes such a sampler. An epoch then skips samples that are left out. False
            samples as the host does.
        **kwargs: Passed on to the host.

    Attributes:
        pacer: Its indices are positions in the ``train_dataset`` as given.
        sampler: The ``PacedSampler``, or None.

    Raises:
        TypeError: For a stream as ``train_dataset``.
        ValueError: For a pacer or sampler that does not fit, and for settings without a loss per
            sample: ``compute_loss_func``, fused (Liger) losses, packing, several GPUs in one
            process.
    """

    pacer: Pacer
    sampler: PacedSampler | None = None
    _epochs: Epochs | None = None
    _fresh: dict[str, Any] | None = None  # the pacer's state for a new model of ``model_init``

    def __init__(
        self,
        *args: object,
        pacer: Pacer | None = None,
        sampler: PacedSampler | bool = False,
        **kwargs: object,
    ) -> None:
        """Add the index to the train set, and make the pacer and sampler that were not given."""
        require_kinds(pacer, sampler)
        given = inspect.signature(super().__init__).bind(*args, **kwargs)
        named = given.arguments
        if "train_dataset" in kwargs and "train_dataset" not in named:  # it is in **kwargs
            named = next(v for v in named.values() if isinstance(v, dict) and "train_dataset" in v)
        dataset = named.get("train_dataset")
        if dataset is not None:
            named["train_dataset"] = numbered(dataset)
        super().__init__(*given.args, **given.kwargs)
        self._by_batch: bool | None = None  # the result of divides_by_batch; None if not known yet
        if dataset is None:
            self.pacer = pacer or Pacer()
            return
        if pacer is None and isinstance(sampler, PacedSampler):
            pacer = sampler.pacer
        self.pacer = default_pacer(dataset, self.model) if pacer is None else pacer
        require_fit(self, self.pacer, len(dataset))
        self.pacer.to(self.args.device)
        if sampler is True:
            sampler = self._make_sampler(self.pacer)
        if isinstance(sampler, PacedSampler):
            require_sampler(self, sampler, self.pacer)
            self.sampler = sampler
        self._fresh = self.pacer.state_dict() if self.model_init is not None else None
        self._epochs = Epochs(self.pacer, self.sampler, self._log_step)
        self.add_callback(self._epochs)

    def item_losses(self, outputs: object, labels: Tensor) -> Items:
        """Return one loss per label or token; override this for a model with a loss of its own.

        Args:
            outputs: The outputs of the model in training.
            labels: The labels of the batch.
        """
        config = getattr(self.model, "config", None)
        return items_of(
            outputs,
            labels,
            problem=getattr(config, "problem_type", None),
            shifted=shifts(self.model),
            smoothing=self.label_smoother.epsilon if self.label_smoother is not None else 0.0,
        )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:  # noqa: ANN401 - the host's own type
        """Return the host's loss; in training each sample is weighted.

        Raises:
            ValueError: For a batch without index or labels, and for a model whose loss is not a
                mean of ``item_losses``.
        """
        if self._epochs is None or not (model.training and self.pacer.training):
            bare = without_index(inputs)
            return super().compute_loss(model, bare, return_outputs, num_items_in_batch)
        index, labels = inputs.pop(INDEX, None), inputs.get("labels")
        if index is None or labels is None:
            raise ValueError(
                f'The batch has no "{INDEX if index is None else "labels"}", only '
                f"{', '.join(inputs)}. Check the items of the train set and the data collator."
            )
        seen: list[Any] = []
        hook = model.register_forward_hook(lambda module, args, output: seen.append(output))
        try:  # the host runs the model and computes its metrics: TRL counts tokens there
            plain: Any = super().compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        finally:
            hook.remove()
        loss = self._weigh(self.item_losses(seen[0], labels), index, plain, num_items_in_batch)
        return (loss, seen[0]) if return_outputs else loss

    def _weigh(
        self, items: Items, index: Tensor, plain: Tensor, num_items: Tensor | int | None
    ) -> Tensor:
        """Return the weighted loss of a batch, with the host's divisor and factor."""
        require(
            len(items.loss) == len(index),
            f"The batch has {len(items.loss)} rows for {len(index)} samples. Packed and "
            f"padding-free batches have no loss per sample: use a data collator that pads.",
        )
        scale = 1
        if self.args.average_tokens_across_devices and num_items is not None:
            scale = self.accelerator.num_processes // self.get_tp_size()
        by_batch = self._by_batch
        if by_batch is None:
            by_batch = divides_by_batch(plain, items, num_items, scale)
            if self.current_gradient_accumulation_steps == self.args.gradient_accumulation_steps:
                # Decided by whole steps only: in a step of one batch both divisors are the same.
                self._by_batch = by_batch
        if by_batch or num_items is None:
            num_items = items.counts.sum()
        sums, means, has = items.sums, items.means, items.counts.any(1)
        if not has.all():
            sums, means, index = sums[has], means[has], index[has]
        if not len(sums):
            return sums.sum()  # 0, which can be differentiated
        known = None if self.pacer.n_samples is None else index
        divisor = torch.as_tensor(num_items, device=sums.device)
        loss: Tensor = self.pacer(sums, known, difficulty=means, denominator=divisor)
        return loss * scale

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> Any:  # noqa: ANN401 - the host's own type
        """Predict as the host does; the train set's index is removed."""
        bare = without_index(inputs)
        return super().prediction_step(model, bare, prediction_loss_only, ignore_keys)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the host's loader, with the index in its batches; evaluation has no index."""
        require(
            self._epochs is not None,
            "The train_dataset was not given by name when the trainer was made, so no sample has "
            "an index. Use SelfPacedTrainer(..., train_dataset=...).",
        )
        self._by_batch = None  # settings may have changed since the last training
        self._set_signature_columns_if_needed()
        collator, columns = self.data_collator, self._signature_columns
        self.data_collator = Numbering(collator)
        self._signature_columns = [*(columns or []), INDEX]  # type: ignore[assignment]  # None before
        try:
            return super().get_train_dataloader()
        finally:
            self.data_collator, self._signature_columns = collator, columns

    def call_model_init(self, trial: Any = None) -> nn.Module:  # noqa: ANN401 - the host's
        """Reset the pacer for the new model: trials of a search must not share a memory."""
        if self._fresh is not None:
            self.pacer.load_state_dict(self._fresh)
        return super().call_model_init(trial)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:  # noqa: ANN401
        """Return the PacedSampler; the host's sampler where there is none."""
        if self.sampler is None or self.pacer.n_samples is None:
            return super()._get_train_sampler(train_dataset)
        require(
            in_place(self.train_dataset, self.pacer.n_samples),
            "The host left out or moved samples of the train_dataset, so the sampler's indices do "
            "not fit. Prepare the dataset before you make the trainer, or use sampler=False.",
        )
        return self.sampler

    def _make_sampler(self, pacer: Pacer) -> PacedSampler:
        """Return the sampler that ``sampler=True`` asks for."""
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return PacedSampler(pacer, length="dataset", seed=seed, num_replicas=1, rank=0)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Save our state with the host's; all ranks call this."""
        super()._save_optimizer_and_scheduler(output_dir)
        if self._epochs is not None:
            self._epochs.save(output_dir, writes=self.args.should_save)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load our state with the host's; all ranks call this."""
        super()._load_optimizer_and_scheduler(checkpoint)
        if self._epochs is not None and checkpoint is not None:
            self._epochs.load(checkpoint)

    def _log_step(self, logs: dict[str, float]) -> None:
        """Log without TRL's override of ``log``, which would report and reset TRL's own metrics."""
        Trainer.log(self, logs)


class SelfPacedTrainer(SelfPacedMixin):
    """``transformers.Trainer`` with the weights of self-paced learning.

    Use it in place of ``Trainer``, with the same arguments; ``SelfPacedMixin`` describes the two
    additional ones. ``trainer.pacer.suspects(100)`` returns the samples whose labels are most
    probably wrong.
    """
