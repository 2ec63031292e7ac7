"""The callback that steps the pacer between epochs, and its file in a checkpoint."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfpaced._errors import require
from selfpaced._files import replacing
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.paced import PacedSampler
from selfpaced._saved import Saved, assign_all
from selfpaced.tracking import scalars

# Name of our file in a checkpoint's folder.
FILE = "selfpaced.safetensors"
# The version and the keys of a state.
VERSION = 1
KEYS = {"pacer", "sampler", "running"}
# In the JSON of that file, a string that starts with this stands for a tensor.
TENSOR = "tensor:"


class Epochs(TrainerCallback):
    """Steps the pacer after each epoch, tells the sampler the next epoch, and saves both.

    Args:
        pacer: Stepped on all ranks.
        sampler: None where the host samples.
        log: Called with the numbers of each step.
    """

    def __init__(
        self, pacer: Pacer, sampler: PacedSampler | None, log: Callable[[dict[str, float]], None]
    ) -> None:
        """Start before the first epoch."""
        self.pacer, self.sampler, self.log = pacer, sampler, log
        self.epoch = 0  # number of the epoch that begins next
        self.running = False  # an epoch has begun, and the pacer has not stepped since
        self._restored = False  # ``running`` of the loaded checkpoint

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Start at the epoch of the host's state, and tell the sampler the number of epochs."""
        self.epoch = int(state.epoch or 0)
        if self.sampler is not None:
            self.sampler._within(state.num_train_epochs or None)
        self.running, self._restored = self._restored, False

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Tell the sampler the epoch: on several ranks Accelerate's wrappers do not."""
        if self.running and float(state.epoch or 0).is_integer():
            # The checkpoint was saved after the last batch of an epoch, before the pacer's step.
            self._step()
        if self.sampler is not None:
            self.sampler.set_epoch(self.epoch)
        self.epoch, self.running = self.epoch + 1, True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Step the pacer, also after an epoch that was cut short."""
        self._step()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Step the pacer if the checkpoint was of the last batch of all, so that no epoch ran."""
        if self.running:
            self._step()

    def _step(self) -> None:
        """Step the pacer, and log its numbers."""
        self.running = False
        if self.pacer.training:
            self.pacer.step()
            self.log(scalars(self.pacer))

    def save(self, folder: str, *, writes: bool) -> None:
        """Save the state of the run; all ranks call this, and the rank that writes writes.

        Args:
            folder: The checkpoint's folder.
            writes: Whether this rank writes.
        """
        # Position 0: when a run is resumed, the host itself skips the batches that were seen.
        sampler = None if self.sampler is None else self.sampler.state_dict(position=0)
        state = {
            "version": VERSION,
            "pacer": self.pacer.gathered_state_dict(),
            "sampler": sampler,
            "running": self.running,
        }
        if writes:
            write_state(state, Path(folder, FILE))

    def load(self, folder: str) -> None:
        """Load the state of a checkpoint; all ranks call this. On an error nothing changes.

        Raises:
            ValueError: For a folder without our file, a damaged file, and a file that was saved
                with a sampler where there is none now, or the reverse.
        """
        path = Path(folder, FILE)
        require(
            path.exists(),
            f"{folder} has no {FILE}: the losses that the pacer remembered are lost, so the run "
            f"cannot be continued. The host's own Trainer and save_only_model=True do not save "
            f"it; resume from a checkpoint that has it.",
        )
        saved = Saved(read_state(path), str(path), KEYS, newest=VERSION)
        had, running = saved["sampler"] is not None, saved.flag("running")
        require(
            had == (self.sampler is not None),
            f"{path} was saved {'with' if had else 'without'} a PacedSampler. Give the trainer the "
            f"same sampler= as in that run.",
        )
        read = [self.pacer._read(saved["pacer"])]
        if self.sampler is not None:
            read.append(self.sampler._read(saved["sampler"]))
        assign_all(read)()
        self._restored = running


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a nested dict as a safetensors file, completely or not at all.

    Tensors are stored as tensors, and everything else as JSON in the metadata.

    Args:
        state: Made of dicts with str keys, lists, tensors, str, numbers, bool and None.
        path: The file to write.

    Raises:
        OSError: If it cannot be written; an earlier file stays as it was.

    >>> import torch
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_state({"a": {"b": torch.ones(2), "c": [1, float("inf")]}}, Path(folder, FILE))
    ...     read_state(Path(folder, FILE))
    {'a': {'b': tensor([1., 1.]), 'c': [1, inf]}}
    """
    tensors: dict[str, Tensor] = {}
    rest = json.dumps(_flatten(state, "", tensors))
    with replacing(path) as made:
        save_file(tensors, made, metadata={"selfpaced": rest})


def read_state(path: Path) -> dict[str, Any]:
    """Read a file of ``write_state``, with tensors on the CPU.

    Raises:
        ValueError: For a damaged file, and for a file that ``write_state`` did not write.
        OSError: If it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = (file.metadata() or {}).get("selfpaced")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as damaged:
        raise ValueError(
            f"{path} is damaged: {damaged}. Resume from another checkpoint."
        ) from damaged
    require(
        said is not None,
        f"{path} was not written by selfpaced: its metadata has no entry 'selfpaced'. Use another "
        f"file.",
    )
    try:
        state: dict[str, Any] = _nest(json.loads(str(said)), tensors)
    except (json.JSONDecodeError, KeyError) as damaged:
        raise ValueError(
            f"{path} is damaged: its metadata does not fit its tensors. Resume from another "
            f"checkpoint."
        ) from damaged
    return state


def _flatten(value: object, name: str, tensors: dict[str, Tensor]) -> object:
    """Return the value with a name in place of each tensor; put the tensors into ``tensors``."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous()
        return TENSOR + name
    if isinstance(value, Mapping):
        return {key: _flatten(part, f"{name}.{key}", tensors) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_flatten(part, f"{name}.{i}", tensors) for i, part in enumerate(value)]
    return value


def _nest(value: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - whatever was written
    """Return the value with each tensor in place of its name."""
    if isinstance(value, str) and value.startswith(TENSOR):
        return tensors[value.removeprefix(TENSOR)]
    if isinstance(value, dict):
        return {key: _nest(part, tensors) for key, part in value.items()}
    return [_nest(part, tensors) for part in value] if isinstance(value, list) else value
