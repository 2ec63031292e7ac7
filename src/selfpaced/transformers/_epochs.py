"""What happens between epochs, and what a checkpoint keeps of it."""

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
from selfpaced.tracking import scalars


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
            write_state(state, Path(folder, FILE))

    def load(self, folder: str) -> None:
        """Go on where a checkpoint was saved; all ranks call it.

        Raises:
            ValueError: For a folder without our file, a damaged one, and one of other settings.
        """
        path = Path(folder, FILE)
        require(
            path.exists(),
            f"{folder} has no {FILE}: the losses that the pacer remembers are lost, "
            f"and the run cannot go on as it was. Was it saved by the host's own Trainer, or with "
            f"save_only_model=True?",
        )
        state = read_state(path)
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


FILE = "selfpaced.safetensors"
TENSOR = "tensor:"  # what stands in the JSON in a tensor's place begins with it


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a nested dict, whole or not at all: tensors as tensors, the rest as JSON beside them.

    Args:
        state: Of dicts with str keys, lists, tensors, str, numbers, bool and None.
        path: Where to.

    Raises:
        OSError: When it cannot be written; an earlier file stays as it was.

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
    """Read what ``write`` wrote, onto the CPU.

    Raises:
        ValueError: For a file that is damaged, or of something else.
        OSError: When it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = (file.metadata() or {}).get("selfpaced")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as damaged:
        raise ValueError(f"{path} is damaged: {damaged}. Resume from another one.") from damaged
    require(said is not None, f"{path} is no file of selfpaced: its metadata lacks it.")
    state: dict[str, Any] = _nest(json.loads(str(said)), tensors)
    return state


def _flatten(value: object, name: str, tensors: dict[str, Tensor]) -> object:
    """Return the value with a name in place of each tensor, which goes into ``tensors``."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous()
        return TENSOR + name
    if isinstance(value, Mapping):
        return {key: _flatten(part, f"{name}.{key}", tensors) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_flatten(part, f"{name}.{i}", tensors) for i, part in enumerate(value)]
    return value


def _nest(value: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - whatever was written
    """Return the value with each tensor in the place of its name."""
    if isinstance(value, str) and value.startswith(TENSOR):
        return tensors[value.removeprefix(TENSOR)]
    if isinstance(value, dict):
        return {key: _nest(part, tensors) for key, part in value.items()}
    return [_nest(part, tensors) for part in value] if isinstance(value, list) else value
