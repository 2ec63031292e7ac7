"""A run of an audit: a training that saves its state on the disk, and the result."""

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
from selfpaced.audit._learning.networks import LEAST_PIXELS, build
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._learning.training import Settings, Training, Watch
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._result import Audit, result, result_of_numbers
from selfpaced.suspects import Judge

# The least time between two checkpoints during a training, in seconds.
MINUTE = 60.0
# The largest number of losses (epochs times samples) that are kept for the picture of the training.
MOST_LOSSES = 10_000_000


@dataclass(frozen=True)
class Epoch:
    """A finished epoch.

    Args:
        number: Number of the epoch, from 1.
        of: Number of epochs of the training.
        kept: Share of the samples whose weight is above 0 after this epoch.
        pacer: The pacer of the training.
    """

    number: int
    of: int
    kept: float
    pacer: Pacer

    @property
    def loss(self) -> float:
        """The mean of the last losses of the samples that are kept."""
        return float(self.pacer.ledger.loss[self.pacer.weight > 0].nanmean())

    @property
    def doubted(self) -> int:
        """The number of labels that look wrong so far; of a regression, of samples left out."""
        if self.pacer.ledger.dynamics is None:
            return int((self.pacer.weight == 0).sum())
        return int((Judge()(self.pacer).probability > 0.5).sum())


class Run:
    """A training, and its state on the disk.

    Args:
        plan: The settings.
        prepared: The samples.
        folder: The folder of the run; it exists.
        machine: The device or the processes that the training runs on.

    Attributes:
        learner: The training.
        settings: The settings of the training.
        losses: The losses after each epoch, shape (n,) each; None if they are too many to keep.
        small: Whether several threads would slow the training down: the built-in MLP on the CPU.
        main: Whether this process is the one that writes files.
        saved: Whether the folder holds a state of this training.
    """

    def __init__(self, plan: Plan, prepared: Prepared, folder: Path, machine: Machine) -> None:
        """Begin before the first epoch."""
        self.plan, self.prepared, self.folder = plan, prepared, folder
        self.main = machine.process_index == 0
        self.settings = plan.settings(len(prepared.labels))
        self.learner = learner(plan, prepared, self.settings, machine)
        name = architecture(plan, prepared)["network"]
        self.small = name == "mlp" and machine.device.type == "cpu"
        few = self.settings.epochs * len(prepared.labels) <= MOST_LOSSES
        self.losses: list[Tensor] | None = [] if few else None
        self._data = checkpoint.fingerprint(prepared.source)
        self.saved = False
        self._saved_at = 0.0

    @property
    def steps(self) -> int:
        """The number of calls of ``pulse`` in an epoch: one per batch, or one per round."""
        return len(self.learner.batches) if isinstance(self.learner, Training) else 1

    @property
    def done(self) -> int:
        """The number of calls of ``pulse`` so far."""
        learner = self.learner
        within = learner.position if isinstance(learner, Training) else 0
        return learner.epoch * self.steps + within

    def resume(self) -> None:
        """Continue the training that was stopped: load its state.

        Raises:
            FileNotFoundError: If the folder holds no state.
            ValueError: For a state that cannot be read, of another plan or of other samples.
        """
        state = checkpoint.load(self.folder, self.plan, self._data)
        self.learner.load_state_dict(state["training"])
        if self.losses is not None and state["losses"] is not None:
            self.losses = list(state["losses"])
        self.saved = True

    def save(self) -> None:
        """Write the state of the training, if this process is the one that writes files.

        Raises:
            OSError: If the disk is full; an earlier state stays as it was.
        """
        if not self.main:
            return
        losses = torch.stack(self.losses) if self.losses else None
        state = self.learner.state_dict()
        checkpoint.save(self.folder, self.plan, self._data, state, losses)
        self.saved = True
        self._saved_at = monotonic()

    def train(
        self,
        watch: Callable[[Epoch], None] | None = None,
        pulse: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train to the end, or until ``pulse`` asks to stop, and save the state.

        The state is also saved after an epoch, but not more than once a minute. It is written once
        before the training, and removed again, so that a full disk is noticed before any training
        is lost.

        Args:
            watch: Called after each epoch.
            pulse: Called after each batch; if it returns True, the training stops.

        Returns:
            Whether the training is finished.

        Raises:
            OSError: If the disk is full.
        """

        def after_epoch(number: int, of: int, kept: float) -> None:
            pacer = self.learner.pacer
            if self.losses is not None:
                self.losses.append(pacer.ledger.loss.cpu().clone())
            if watch is not None:
                watch(Epoch(number, of, kept, pacer))
            if monotonic() - self._saved_at > MINUTE:
                self.save()

        self.save()
        if self.main and self.done == 0:
            checkpoint.remove(self.folder)
            self.saved = False
        finished = self.learner.run(after_epoch, pulse)
        self.save()
        return finished

    def conclude(self) -> tuple[Audit, Trained]:
        """Return the result of the audit, and the model with everything needed to use it.

        Raises:
            ValueError: For predictions that are NaN or infinite.
        """
        prepared, model, pacer = self.prepared, self.learner.model, self.learner.pacer
        if isinstance(model, nn.Module):
            model = extract_model_from_parallel(model, keep_fp32_wrapper=False)
        names = prepared.names
        listed = None if names is None else tuple(names)
        built = architecture(self.plan, prepared)
        trained = Trained(model, prepared.features, listed, prepared.scale, built)
        if names is not None:
            return result(model, pacer, prepared.labels, names), trained
        given = prepared.source.labels.to_numpy(np.float64)
        return result_of_numbers(model, pacer, given, trained.outputs(prepared.rows)), trained

    def losses_by_epoch(self) -> NDArray[np.float32] | None:
        """Return the losses, shape (epochs, n); None if they were not kept."""
        return torch.stack(self.losses).numpy() if self.losses else None


def machine(plan: Plan) -> Machine:
    """Return what the training runs on: this process, or one of those that a launcher started.

    Raises:
        ValueError: For a precision that this machine does not support, and for a scikit-learn
            model in several processes.
    """
    gpu = torch.cuda.is_available()
    require(
        gpu or plan.precision != "fp16",
        "precision=fp16 needs a GPU, and this machine has none. Leave it out, or use "
        "precision=bf16.",
    )
    found = Accelerator(cpu=not gpu, mixed_precision=plan.precision)
    require(
        plan.estimator is None or found.num_processes == 1,
        f"estimator=... runs in one process; got {found.num_processes}. Start selfpaced without a "
        f"launcher.",
    )
    return cast(Machine, found)


def leave() -> None:
    """Close the process group, if a launcher started several processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


class Learner(Protocol):
    """A training that can be stopped, saved and continued: ``Training`` or ``Rounds``.

    Attributes:
        pacer: The pacer of the training.
        epoch: Number of finished epochs.
        model: The model, a torch module or scikit-learn estimators.
    """

    pacer: Pacer
    epoch: int
    model: Any

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = ...) -> bool:
        """Train to the end, or until ``pulse`` returns True; return whether it is finished."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return everything that is needed to continue the training."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` returned."""
        ...


def architecture(plan: Plan, prepared: Prepared) -> dict[str, Any]:
    """Return what is needed to build the model: see ``Trained.built``.

    The built-in network is a CNN for images of at least 8 pixels a side, and an MLP otherwise.
    """
    shape = prepared.rows.shape[1:]
    images = prepared.source.kind == "images" and min(shape[1:]) >= LEAST_PIXELS
    name = plan.estimator or plan.model or ("cnn" if images else "mlp")
    return {"network": name, "shape": list(shape), "outputs": prepared.aim.outputs}


def learner(plan: Plan, prepared: Prepared, settings: Settings, machine: Machine) -> Learner:
    """Return the training of a plan, before its first epoch.

    Raises:
        ValueError: For a network of the user that cannot be built, or could not be saved.
    """
    rows, labels, aim = prepared.rows, prepared.labels, prepared.aim
    if plan.estimator is not None:
        return Rounds(cast(Name, plan.estimator), rows, labels, aim, settings)
    built = architecture(plan, prepared)
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        network = build(built["network"], tuple(built["shape"]), built["outputs"])
    require_tensors(network)
    return Training(Indexed(Rows(rows, labels)), network, labels, aim, settings, machine)
