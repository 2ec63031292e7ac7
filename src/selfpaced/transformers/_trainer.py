"""The self-paced Trainer of Transformers; only the weights of samples differ from the host's."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from accelerate.utils import has_compiled_regions
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler
from transformers import Trainer

from selfpaced._errors import require, values_can_be_read
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.collated import InOrder
from selfpaced._sampling.paced import PacedSampler
from selfpaced.transformers._checks import require_fit, require_kinds, require_sampler
from selfpaced.transformers._data import (
    INDEX,
    Numbering,
    default_pacer,
    in_place,
    numbered,
    require_index,
    without_index,
)
from selfpaced.transformers._epochs import Epochs
from selfpaced.transformers._host_loss import Given, HostLoss, aux_loss_of, fitting, ways_of
from selfpaced.transformers._losses import Items, items_of, shifts
from selfpaced.transformers._pairs import (
    items_of_pairs,
    reference_of,
    require_pairs,
    rewards_pairs,
)

# So many batches of an epoch are compared with the host's loss, if several ways to make it fit.
LOOKS = 8


class SelfPacedMixin(Trainer):
    """Weigh the loss of each training sample by its difficulty, in a subclass of ``Trainer``.

    ``class Paced(SelfPacedMixin, SFTTrainer)`` takes the arguments of the other class (the host),
    and two more. Evaluation, prediction, logging and checkpoints stay the host's. With all weights
    1 the loss is the host's own, also with gradient accumulation and several processes.

    A sample's difficulty is the mean of its losses: the cross-entropy of its class or of its
    labelled tokens, the squared error of its numbers, or the binary cross-entropies of its tags.
    Its weight multiplies all of its losses. In TRL's ``RewardTrainer`` and ``DPOTrainer`` (losses
    sigmoid, hinge and ipo) a sample is a pair of answers. An auxiliary loss that balances experts
    is added as the host adds it, without weights.

    The pacer steps at the end of each epoch, also of an epoch that ``max_steps`` or a callback cuts
    short. Its numbers (``selfpaced.tracking.scalars``) are then logged. A checkpoint has the file
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
            sample: fused (Liger) losses, packing, several GPUs in one process. From ``train``, for
            a model, a ``compute_loss`` or a ``compute_loss_func`` whose loss is no mean of
            ``item_losses``, for a ``compute_loss`` that bypasses this class, a collator
            that changes the order of a batch, and a ``train_dataset`` that was replaced.

    >>> import torch
    >>> from torch.nn import functional as F
    >>> from transformers import Trainer
    >>> class Weighted(Trainer):  # the usual recipe for class weights
    ...     weight = torch.tensor([1.0, 3.0])
    ...     def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
    ...         labels = inputs.pop("labels")
    ...         outputs = model(**inputs)
    ...         loss = F.cross_entropy(outputs.logits, labels, weight=self.weight)
    ...         return (loss, outputs) if return_outputs else loss
    >>> class Paced(SelfPacedMixin, Weighted):
    ...     def item_losses(self, outputs, labels):
    ...         loss = F.cross_entropy(outputs.logits, labels, reduction="none")
    ...         weight = self.weight[labels]  # the host's loss is sum(weight * loss) / sum(weight)
    ...         return Items((weight * loss)[:, None], loss[:, None], weight[:, None])
    """

    pacer: Pacer
    sampler: PacedSampler | None = None
    _epochs: Epochs | None = None
    _fresh: dict[str, Any] | None = None  # the pacer's state for a new model of ``model_init``
    _index: Tensor | None = None  # of the current batch
    _weighed = False  # whether the pacer saw the current batch
    _ways: Sequence[HostLoss] = ()  # how the host may make its loss; empty if not known yet
    _looked_in, _looks = 0, 0  # an epoch, and how many of its batches were compared so far

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
        if dataset is None:
            self.pacer = pacer or Pacer()
            return
        if pacer is None and isinstance(sampler, PacedSampler):
            pacer = sampler.pacer
        model = None if rewards_pairs(self) else self.model  # its one number is no label
        self.pacer = default_pacer(dataset, model) if pacer is None else pacer
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
        """Return one loss per label or token; override this for a loss of your own.

        With all weights 1 the sum of losses, divided by the sum of counts, must be the host's loss.

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
        index = inputs.pop(INDEX, self._index)
        if index is None:
            raise ValueError(
                f'The batch has no "{INDEX}", only {", ".join(inputs)}. Check the data collator.'
            )
        if "labels" not in inputs:
            require_pairs(self, inputs)
        batch = dict(inputs)  # the host may take its labels out
        seen: list[Any] = []
        with _listening([model, reference_of(self, model)], seen):
            # the host runs the model and computes its metrics: TRL counts tokens there
            plain: Any = super().compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        if "labels" in batch:
            items = self.item_losses(seen[0], batch["labels"])
        else:
            items = items_of_pairs(self, batch, seen)
        scale, steps = self._scale(num_items_in_batch), self.current_gradient_accumulation_steps
        given = Given(items, num_items_in_batch, scale, steps, aux_loss_of(seen[0]))
        loss = self._weigh(given, index, self._way_of(plain, given))
        self._weighed = True
        return (loss, seen[0]) if return_outputs else loss

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Train on a batch as the host does.

        Raises:
            ValueError: If a subclass computes the loss without calling ``compute_loss`` of this
                class.
        """
        # Out of the way of a compute_loss that passes all of its inputs to the model.
        self._index, self._weighed = inputs.pop(INDEX, None), False
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._index = None
        weighs = self._epochs is not None and self.pacer.training
        require(
            self._weighed or not weighs,
            f"{type(self).__name__}.compute_loss did not call compute_loss of SelfPacedMixin, so "
            f"the pacer saw no loss. Override item_losses instead; or leave compute_loss in a "
            f"class Host(Trainer), and write class Paced(SelfPacedMixin, Host) with item_losses "
            f"that fits its loss.",
        )
        return loss

    def _scale(self, num_items: Tensor | int | None) -> int:
        """Return the factor by which the host multiplies the mean of a batch."""
        if self.args.average_tokens_across_devices and num_items is not None:
            return int(self.accelerator.num_processes // self.get_tp_size())
        return 1

    def _way_of(self, plain: Tensor, given: Given) -> HostLoss:
        """Return how the host made its loss; where reading it costs time, not for all batches."""
        epoch = self._epochs.epoch if self._epochs is not None else 0
        if epoch != self._looked_in:
            self._looked_in, self._looks = epoch, 0
        enough = self._looks >= (1 if len(self._ways) == 1 else LOOKS)
        if values_can_be_read(plain) or not enough:
            self._looks += 1
            compiled = self.args.torch_compile or has_compiled_regions(self.model)
            self._ways = fitting(plain, given, self._ways or ways_of(self), compiled=compiled)
        return self._ways[0]

    def _weigh(self, given: Given, index: Tensor, way: HostLoss) -> Tensor:
        """Return the weighted loss of a batch, made in the way of the host."""
        items = given.items
        require(
            len(items.loss) == len(index),
            f"The batch has {len(items.loss)} rows for {len(index)} samples. Packed and "
            f"padding-free batches have no loss per sample: use a data collator that pads.",
        )
        sums, means, has = items.sums, items.means, items.counts.any(1)
        if not has.all():
            sums, means, index = sums[has], means[has], index[has]
        loss: Tensor = sums.sum()  # without samples 0, which can be differentiated
        if len(sums):
            known = None if self.pacer.n_samples is None else index.to(sums.device)
            loss = self.pacer(sums, known, difficulty=means, denominator=given.divisor(way))
        return loss * given.scale + given.extra(way)

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
        require_index(self.train_dataset)
        self._ways = ()  # settings may have changed since the last training
        self._set_signature_columns_if_needed()
        collator, columns = self.data_collator, self._signature_columns
        self.data_collator = Numbering(InOrder(collator))
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
        due = self.control.should_log
        Trainer.log(self, logs)
        self.control.should_log = due  # with logging_strategy="epoch" the host's log is still due


@contextmanager
def _listening(models: list[nn.Module | None], seen: list[Any]) -> Iterator[None]:
    """Collect the outputs of the models within the block, in order."""
    hooks = [
        model.register_forward_hook(lambda module, args, output: seen.append(output))
        for model in dict.fromkeys(models)
        if model is not None
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class SelfPacedTrainer(SelfPacedMixin):
    """``transformers.Trainer`` with the weights of self-paced learning.

    Use it in place of ``Trainer``, with the same arguments; ``SelfPacedMixin`` describes the two
    additional ones. ``trainer.pacer.suspects(100)`` returns the samples whose labels are most
    probably wrong.
    """
