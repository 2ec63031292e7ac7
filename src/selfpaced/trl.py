"""Self-paced GRPO for TRL: train on prompts that are solved sometimes, not always or never.

>>> from selfpaced.prompts import Band, PassRates
>>> pacer = Band(0.2, 0.8).pacer(100)
>>> reward = PassRates(pacer, lambda completions, **columns: [1.0 for _ in completions])
>>> # SelfPacedGRPOTrainer(model, reward, ...) in place of GRPOTrainer(model, reward_function, ...)
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from selfpaced._errors import require, require_positive_int
from selfpaced._files import replacing
from selfpaced._saved import Saved, assign_all
from selfpaced.prompts import AsyncPassRates, PassRates, PromptSampler

try:
    from datasets import Dataset
    from trl.trainer.grpo_trainer import GRPOTrainer
    from trl.trainer.utils import RepeatSampler
except ImportError as error:
    raise ImportError(
        f'selfpaced.trl needs trl ({error}). Install it with: pip install "selfpaced[trl]"'
    ) from error

__all__ = ["SelfPacedGRPOMixin", "SelfPacedGRPOTrainer"]

# Name of our file in a checkpoint's folder.
STATE = "selfpaced.pt"
# The version and the keys of the state in it.
VERSION = 1
KEYS = {"pass_rates", "pacer", "prompts"}

if TYPE_CHECKING:
    Base = GRPOTrainer
else:
    Base = object  # the trainer follows the mixin in the bases of a class


class SelfPacedGRPOMixin(Base):
    """Makes a trainer of TRL self-paced: put it before GRPOTrainer or RLOOTrainer in the bases.

    One of the reward functions must be a ``PassRates``. The trainer draws the prompts that its
    pacer keeps, batch by batch, so that an epoch uses new pass rates at once. A batch is drawn when
    the host requests it. By default a batch is used for one optimizer step, and is requested one
    generation ahead; a batch that is used for two or more steps is not requested ahead.

    The training set gets a column of indices, ``PassRates.column``. An evaluation set has no such
    column, and its rewards are not remembered. A checkpoint has the state in ``selfpaced.pt``,
    beside the optimizer's; a resumed run draws the prompts that an uninterrupted run draws. The
    numbers of ``PassRates.scalars`` are logged with the loss.

    Attributes:
        revisit: Share of the left-out prompts that an epoch visits nevertheless.
        every: The pacer steps after this many generation batches.

    Raises:
        TypeError: For an iterable training set.
        ValueError: When training begins, for no PassRates or several, a pacer of another size,
            loader workers, and columns that do not fit.
    """

    revisit: float = 0.25
    every: int = 1
    train_dataset: Any
    _prompts: PromptSampler

    @property
    def pass_rates(self) -> PassRates | AsyncPassRates:
        """The reward function that records pass rates for the pacer."""
        found = [f for f in self.reward_funcs if isinstance(f, PassRates | AsyncPassRates)]
        require(
            len(found) == 1,
            f"{type(self).__name__} needs one reward function wrapped as PassRates(pacer, "
            f"function); got {len(found)}.",
        )
        return found[0]

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the host's loader, over prompts with their index."""
        rates = self.pass_rates
        self.train_dataset = _with_index(self.train_dataset, rates)
        sets = self.eval_dataset if isinstance(self.eval_dataset, dict) else {"": self.eval_dataset}
        require(
            all(
                rates.column not in (getattr(s, "column_names", None) or ()) for s in sets.values()
            ),
            f"The eval_dataset has a column {rates.column!r}, so its rewards would count for "
            f"training prompts. Remove it, or use another name: PassRates(..., column=...).",
        )
        require_positive_int("every", self.every, type(self).__name__)
        rates.pacer.to(self.accelerator.device)
        loader: DataLoader[Any] = super().get_train_dataloader()  # type: ignore[no-untyped-call]  # trl's
        return loader

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:  # noqa: ANN401
        """Return the host's loader without the index: no reward of an evaluation is remembered."""
        column = self.pass_rates.column
        if column in (getattr(eval_dataset, "column_names", None) or ()):
            eval_dataset = eval_dataset.remove_columns(column)
        loader: DataLoader[Any] = super().get_eval_dataloader(eval_dataset)
        return loader

    def _get_train_sampler(self, dataset: Dataset | None = None) -> PromptSampler:
        """Return a sampler with the host's settings that skips prompts that are left out."""
        plain, rates = super()._get_train_sampler(dataset), self.pass_rates
        if not isinstance(plain, RepeatSampler):
            raise TypeError(
                f"{type(self).__name__} replaces trl's RepeatSampler, but the trainer has a "
                f"{type(plain).__name__}. Use a trainer of trl that draws prompts in groups."
            )
        require(
            self.args.dataloader_num_workers == 0,
            f"{type(self).__name__} draws prompts during the training, but workers request them "
            f"ahead; got dataloader_num_workers={self.args.dataloader_num_workers}. Use 0.",
        )
        require(
            rates.column in getattr(plain.data_source, "column_names", ()),
            f"The trainer removed the column {rates.column!r} of the training set. Use "
            f"remove_unused_columns=False.",
        )
        self._prompts = PromptSampler(
            rates.pacer,
            plain.mini_repeat_count,
            plain.batch_size,
            plain.repeat_count,
            plain.shuffle,
            plain.seed or 0,
            revisit=self.revisit,
        )
        return self._prompts

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Train as the host does; after ``every`` generation batches, step the pacer."""
        step = super().training_step
        loss: Tensor = step(model, inputs, num_items_in_batch)  # type: ignore[no-untyped-call]  # trl's
        if self.pass_rates.batches >= self.every:
            self.pass_rates.step()
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log as the host does; add the numbers of the pacer to those of the loss."""
        if "loss" in logs:
            logs = {**logs, **self.pass_rates.scalars()}
        super().log(logs, start_time)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Save our state with the host's; called on all ranks."""
        super()._save_optimizer_and_scheduler(output_dir)
        rates = self.pass_rates
        state = {
            "version": VERSION,
            "pass_rates": rates.state_dict(),
            "pacer": rates.pacer.state_dict(),
            "prompts": self._prompts.state_dict(),
        }
        if self.args.should_save:
            with replacing(Path(output_dir, STATE)) as made:
                torch.save(state, made)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load our state with the host's, if the training is resumed."""
        super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[no-untyped-call]  # the host's
        if checkpoint is None:
            return
        path, rates = Path(checkpoint, STATE), self.pass_rates
        require(
            path.exists(),
            f"{checkpoint} has no {STATE}: it was saved by another trainer, or with "
            f"save_only_model=True. Resume from a checkpoint that has it.",
        )
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = Saved(state, str(path), KEYS, newest=VERSION)
        prompts, passes = self._prompts._read(saved["prompts"]), rates._read(saved["pass_rates"])
        assign_all([prompts, passes, rates.pacer._read(saved["pacer"])])()
        # Set the epoch here, too: where batches are skipped on several ranks, accelerate's loader
        # does not pass set_epoch on.
        self._prompts.set_epoch(int(self.state.epoch or 0))


class SelfPacedGRPOTrainer(SelfPacedGRPOMixin, GRPOTrainer):
    """``GRPOTrainer`` with prompts chosen by pass rate; see ``SelfPacedGRPOMixin``."""


def _with_index(dataset: object, rates: PassRates | AsyncPassRates) -> Dataset:
    """Return the dataset with a column of indices; one that has the column is returned as it is.

    Raises:
        TypeError: For a dataset that is no ``datasets.Dataset``.
        ValueError: For a pacer of another size, and for a column of this name without the indices.
    """
    if not isinstance(dataset, Dataset):
        raise TypeError(
            f"Self-paced GRPO needs a datasets.Dataset; got {type(dataset).__name__}. A stream has "
            f"no indices: load it with streaming=False."
        )
    n, column = len(dataset), rates.column
    require(
        n == rates.pacer.n_samples,
        f"The pacer is made for {rates.pacer.n_samples} prompts, but the training set has {n}. "
        f"Make it as Pacer(len(dataset)).",
    )
    if column not in dataset.column_names:
        return dataset.add_column(column, list(range(n)))
    require(
        list(dataset[column]) == list(range(n)),
        f"The training set's column {column!r} must hold 0, 1, ..., {n - 1} in order. If rows were "
        f"selected or shuffled, remove the column; the trainer then adds it again.",
    )
    return dataset
