"""A run: a training whose state is saved as it goes, and what it found."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.utils import extract_model_from_parallel
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.indexed import Indexed
from selfpaced.audit._folder import checkpoint
from selfpaced.audit._folder.model import require_tensors
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.estimators import Name, Rounds
from selfpaced.audit._learning.machine import Machine
from selfpaced.audit._learning.networks import build
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._learning.training import Settings, Training, Watch
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._result import Audit, result, result_of_numbers
from selfpaced.suspects import Judge

MINUTE = 60.0  # seconds between two checkpoints
MOST = 10_000_000  # losses that are kept for a picture


@dataclass(frozen=True)
class Epoch:
    """An epoch that is over.

    Args:
        number: From 1.
        of: How many there are.
        kept: Share of the samples that are trained on.
        pacer: What the training remembers.
    """

    number: int
    of: int
    kept: float
    pacer: Pacer

    @property
    def loss(self) -> float:
        """The mean of the last losses of what is trained on."""
        return float(self.pacer.ledger.loss[self.pacer.weight > 0].nanmean())

    @property
    def doubted(self) -> int:
        """How many labels look wrong so far; of numbers, how many are left out."""
        if self.pacer.ledger.dynamics is None:
            return int((self.pacer.weight == 0).sum())
        return int((Judge()(self.pacer).probability > 0.5).sum())


class Run:
    """A training, and its state on the disk.

    Args:
        plan: What was asked for.
        prepared: The samples.
        folder: Of the run; exists.
        machine: Where it runs.

    Attributes:
        learner: The training.
        settings: Of the training.
        losses: Of each epoch and sample; None where they are too many to keep.
        small: Whether threads would mostly wait for each other: an MLP of ours, on the CPU.
        main: Whether this process is the one that writes.
        saved: Whether a state of this training lies in the folder.
    """

    def __init__(self, plan: Plan, prepared: Prepared, folder: Path, machine: Machine) -> None:
        """Begin before the first epoch."""
        self.plan, self.prepared, self.folder = plan, prepared, folder
        self.main = machine.process_index == 0
        self.settings = plan.settings(len(prepared.labels))
        self.learner = learner(plan, prepared, self.settings, machine)
        name = built(plan, prepared)["network"]
        self.small = name == "mlp" and machine.device.type == "cpu"
        few = self.settings.epochs * len(prepared.labels) <= MOST
        self.losses: list[Tensor] | None = [] if few else None
        self._data = checkpoint.fingerprint(prepared.source)
        self.saved, self._at = False, 0.0

    @property
    def steps(self) -> int:
        """Pulses of an epoch."""
        return len(self.learner.batches) if isinstance(self.learner, Training) else 1

    @property
    def done(self) -> int:
        """Pulses that are over."""
        learner = self.learner
        within = learner.position if isinstance(learner, Training) else 0
        return learner.epoch * self.steps + within

    def resume(self) -> None:
        """Take up the training that was stopped.

        Raises:
            FileNotFoundError: When there is none.
            ValueError: For one that cannot be read, of another plan or of other samples.
        """
        state = checkpoint.load(self.folder, self.plan, self._data)
        self.learner.load_state_dict(state["training"])
        if self.losses is not None and state["losses"] is not None:
            self.losses = list(state["losses"])
        self.saved = True

    def save(self) -> None:
        """Write the state of the training, if this process is the one that writes.

        Raises:
            OSError: When the disk is full; an earlier state stays as it was.
        """
        if not self.main:
            return
        losses = torch.stack(self.losses) if self.losses else None
        state = self.learner.state_dict()
        checkpoint.save(self.folder, self.plan, self._data, state, losses)
        self.saved, self._at = True, monotonic()

    def train(
        self,
        watch: Callable[[Epoch], None] | None = None,
        pulse: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the end, or until asked to stop; the state is saved either way.

        It is saved after an epoch, too, once a minute at most, and for a try at the start, when
        nothing is lost if the disk is full.

        Args:
            watch: Called after each epoch.
            pulse: Called after each batch; True asks to stop.

        Returns:
            Whether the training is over.

        Raises:
            OSError: When the disk is full.
        """

        def see(number: int, of: int, kept: float) -> None:
            pacer = self.learner.pacer
            if self.losses is not None:
                self.losses.append(pacer.ledger.loss.cpu().clone())
            if watch is not None:
                watch(Epoch(number, of, kept, pacer))
            if monotonic() - self._at > MINUTE:
                self.save()

        self.save()
        if self.main and self.done == 0:
            checkpoint.remove(self.folder)
            self.saved = False
        over = self.learner.run(see, pulse)
        self.save()
        return over

    def conclude(self) -> tuple[Audit, Trained]:
        """Return what the training found, and the model with all that it takes to use it.

        Raises:
            ValueError: For predictions that are no numbers.
        """
        prepared, model, pacer = self.prepared, self.learner.model, self.learner.pacer
        if isinstance(model, nn.Module):
            model = extract_model_from_parallel(model, keep_fp32_wrapper=False)
        names = prepared.names
        listed = None if names is None else tuple(names)
        how = built(self.plan, prepared)
        trained = Trained(model, prepared.features, listed, prepared.scale, how)
        if names is not None:
            return result(model, pacer, prepared.labels, names), trained
        given = prepared.source.labels.to_numpy(np.float64)
        return result_of_numbers(model, pacer, given, trained.outputs(prepared.rows)), trained

    def losses_by_epoch(self) -> NDArray[np.float32] | None:
        """Return the losses, shape (epochs, n), where they were kept."""
        return torch.stack(self.losses).numpy() if self.losses else None


SIDE = 8  # pixels that the CNN needs


def machine(plan: Plan) -> Machine:
    """Return where the training runs: this process, or one of those that a launcher started.

    Raises:
        ValueError: For a precision that the machine does not have, and for a model of scikit-learn
            in several processes.
    """
    gpu = torch.cuda.is_available()
    require(
        gpu or plan.precision != "fp16",
        "--precision fp16 needs a GPU, and there is none here. Leave it out, or pass bf16.",
    )
    found = Accelerator(cpu=not gpu, mixed_precision=plan.precision)
    require(
        plan.estimator is None or found.num_processes == 1,
        f"--estimator runs in one process; got {found.num_processes}. Start selfpaced without a "
        f"launcher.",
    )
    return cast(Machine, found)


def leave() -> None:
    """Take leave of the other processes, where there are any."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


class Learner(Protocol):
    """A training that can be stopped, saved and gone on with; ``Training`` and ``Rounds`` are."""

    pacer: Pacer
    epoch: int
    model: Any

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = ...) -> bool:
        """Train until it is over, or asked to stop; say whether it is over."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return all that it takes to go on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a training where it was."""
        ...


def built(plan: Plan, prepared: Prepared) -> dict[str, Any]:
    """Return what it takes to make the model: its name, the shape of a sample, and its outputs.

    A network of ours is a CNN for images of eight pixels a side or more, and an MLP for all else.
    """
    shape = prepared.rows.shape[1:]
    images = prepared.source.kind == "images" and min(shape[1:]) >= SIDE
    name = plan.estimator or plan.model or ("cnn" if images else "mlp")
    return {"network": name, "shape": list(shape), "outputs": prepared.aim.outputs}


def learner(plan: Plan, prepared: Prepared, settings: Settings, place: Machine) -> Learner:
    """Return the training that was asked for, before its first epoch.

    Raises:
        ValueError: For a network of the user's that cannot be made, or could not be saved.
    """
    rows, labels, aim = prepared.rows, prepared.labels, prepared.aim
    if plan.estimator is not None:
        return Rounds(cast(Name, plan.estimator), rows, labels, aim, settings)
    made = built(plan, prepared)
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        network = build(made["network"], tuple(made["shape"]), made["outputs"])
    require_tensors(network)
    return Training(Indexed(Rows(rows, labels)), network, labels, aim, settings, place)
