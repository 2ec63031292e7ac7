"""What happens between epochs, and what a checkpoint keeps of it."""

from collections.abc import Callable
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.paced import PacedSampler
from selfpaced.tracking import scalars
from selfpaced.transformers import _checkpoint as checkpoint


class Epochs(TrainerCallback):
    """Steps the pacer after each epoch, tells the sampler which begins, and saves both.

    Args:
        pacer: It steps on all ranks.
        sampler: None where the host samples.
        log: Gets the numbers of each step.
    """

    def __init__(
        self, pacer: Pacer, sampler: PacedSampler | None, log: Callable[[dict[str, float]], None]
    ) -> None:
        """Begin before the first epoch."""
        self.pacer, self.sampler, self.log = pacer, sampler, log
        self.epoch = 0  # the one that begins next
        self.running = False  # one has begun, and the pacer has not stepped since
        self._restored = False  # what a checkpoint said of that

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Begin at the epoch that the host's state says."""
        self.epoch = int(state.epoch or 0)
        self.running, self._restored = self._restored, False

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Tell the sampler: on several ranks no wrapper of Accelerate's does."""
        if self.running and float(state.epoch or 0).is_integer():
            self._step()  # the checkpoint was of an epoch's last batch, before the step after it
        if self.sampler is not None:
            self.sampler.set_epoch(self.epoch)
        self.epoch, self.running = self.epoch + 1, True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Step, also after an epoch that was cut short."""
        self._step()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Step where the checkpoint was of the very last batch, and no epoch was left to run."""
        if self.running:
            self._step()

    def _step(self) -> None:
        """Grow by one step, and tell all trackers."""
        self.running = False
        if self.pacer.training:
            self.pacer.step()
            self.log(scalars(self.pacer))

    def save(self, folder: str, *, writes: bool) -> None:
        """Save what goes on from here; all ranks call it, and one writes."""
        sampler = None if self.sampler is None else self.sampler.state_dict(position=0)
        state = {  # position 0: the host itself skips what was seen
            "pacer": self.pacer.gathered_state_dict(),
            "sampler": sampler,
            "running": self.running,
        }
        if writes:
            checkpoint.write(state, Path(folder, checkpoint.FILE))

    def load(self, folder: str) -> None:
        """Go on where a checkpoint was saved; all ranks call it.

        Raises:
            ValueError: For a folder without our file, a damaged one, and one of other settings.
        """
        path = Path(folder, checkpoint.FILE)
        require(
            path.exists(),
            f"{folder} has no {checkpoint.FILE}: the losses that the pacer remembers are lost, "
            f"and the run cannot go on as it was. Was it saved by the host's own Trainer, or with "
            f"save_only_model=True?",
        )
        state = checkpoint.read(path)
        had = state["sampler"] is not None
        require(
            had == (self.sampler is not None),
            f"{path} was saved {'with' if had else 'without'} a PacedSampler. Give the trainer the "
            f"same sampler= as then.",
        )
        self.pacer.load_state_dict(state["pacer"])
        if self.sampler is not None:
            self.sampler.load_state_dict(state["sampler"])
        self._restored = bool(state["running"])
