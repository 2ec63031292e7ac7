"""Self-paced training without a subclass, for a first try."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced.transformers._data import INDEX
from selfpaced.transformers._losses import items_of


class PacedLoss(TrainerCallback):
    """A ``compute_loss_func`` that weighs samples, and the callback that steps its pacer.

    It is for a first try with a model that has one label per sample. ``SelfPacedTrainer`` takes no
    more lines, and has what this lacks: language models, samplers, several GPUs, charts, and
    checkpoints that can be resumed. The train set is ``Indexed``; a hook takes the index out of the
    model's inputs. Evaluation needs no index.

    Args:
        model: The model that is trained.
        pacer: Made with the size of the train set.

    >>> import torch
    >>> from torch import nn
    >>> from selfpaced import Indexed, Pacer
    >>> train = [{"x": torch.tensor([1.0]), "labels": 0}, {"x": torch.tensor([2.0]), "labels": 1}]
    >>> loss = PacedLoss(nn.Linear(1, 2), Pacer(2, columns={"group": torch.tensor([0, 1])}))
    >>> # Trainer(model, TrainingArguments(..., remove_unused_columns=False),
    >>> #         train_dataset=Indexed(train), compute_loss_func=loss, callbacks=[loss])
    """

    def __init__(self, model: nn.Module, pacer: Pacer) -> None:
        """Register the hook that takes the index out of the model's inputs."""
        require_pacer(pacer, "PacedLoss")
        self.model, self.pacer = model, pacer
        self._index: Tensor | None = None
        self._steps = False  # whether the trainer has this as a callback, too
        model.register_forward_pre_hook(self._take_index, with_kwargs=True)

    def __call__(
        self,
        outputs: object,
        labels: Tensor,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Return the weighted loss of a batch; in evaluation the plain mean of the losses.

        Raises:
            ValueError: For a training batch without an index, and for labels per token.
        """
        items = items_of(
            outputs,
            labels,
            problem=getattr(getattr(self.model, "config", None), "problem_type", None),
        )
        if not self.model.training:
            return items.sums.sum() / items.counts.sum().clamp(min=1)
        require(
            self._steps,
            "PacedLoss must also be a callback, to step the pacer. Give it to the trainer twice: "
            "Trainer(..., compute_loss_func=loss, callbacks=[loss]).",
        )
        if self._index is None:
            raise ValueError(
                "PacedLoss: the batch has no index. Use Trainer(train_dataset=Indexed(dataset)) "
                "and TrainingArguments(remove_unused_columns=False)."
            )
        require(
            len(self._index) == len(items.loss) and labels.shape[:1] == labels.shape,
            f"PacedLoss takes one label per sample; got labels of shape {tuple(labels.shape)} for "
            f"{len(self._index)} samples. Use SelfPacedTrainer.",
        )
        divisor = items.counts.sum() if num_items_in_batch is None else num_items_in_batch
        divisor = torch.as_tensor(divisor, device=items.loss.device)
        loss: Tensor = self.pacer(
            items.sums, self._index, difficulty=items.means, denominator=divisor
        )
        return loss

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Refuse several GPUs in one process; move the pacer to the model's device."""
        require(
            args.n_gpu <= 1,
            f"PacedLoss: several GPUs in one process (n_gpu={args.n_gpu}) separate a batch from "
            f"its indices. Use SelfPacedTrainer, and start one process per GPU.",
        )
        self.pacer.to(args.device)
        self._steps = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Step the pacer."""
        self.pacer.step()

    def _take_index(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Take the index out of the model's inputs, and keep it for the loss."""
        self._index = kwargs.pop(INDEX, None)
        return args, kwargs
