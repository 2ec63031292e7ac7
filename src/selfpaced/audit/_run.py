"""A run of an audit: a training that saves its state on the disk, and the result."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.indexed import Indexed
from selfpaced.audit._folder import checkpoint
from selfpaced.audit._folder.model import require_tensors
from selfpaced.audit._folder.origin import of_code, origin
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.choice import choose_models
from selfpaced.audit._learning.committee import Committee, Learner
from selfpaced.audit._learning.given import Given, probabilities_of
from selfpaced.audit._learning.launcher import launched
from selfpaced.audit._learning.machine import ONE_THREAD, Alone, Machine
from selfpaced.audit._learning.networks import LEAST_PIXELS, build
from selfpaced.audit._learning.shifts import pixels_for
from selfpaced.audit._learning.trained import Network, Trained
from selfpaced.audit._learning.training import Training
from selfpaced.audit._plan import FLOAT32, Plan, check_effect
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._reading.arrays import read_probabilities
from selfpaced.audit._result import Audit, result, result_held_out, with_votes
from selfpaced.suspects import Judge

# The least time between two checkpoints during a training, in seconds.
MINUTE = 60.0
# Up to this number of images one thread trains the built-in CNN as fast as several.
FEW_IMAGES = 2_000
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
        return int((Judge().judge(self.pacer).probability > 0.5).sum())


class Run:
    """A training, and its state on the disk.

    Args:
        plan: The settings.
        prepared: The samples.
        folder: The folder of the run; it exists.
        machine: The device or the processes that the training runs on.

    Attributes:
        machine: The device or the processes that the training runs on.
        learner: The training.
        losses: The losses after each epoch of the last part of the training, shape (n,) each; None
            if they are too many to keep.
        small: Whether several threads would slow the training down: on the CPU, without a network
            of the user, with few samples or a small network of a table alone.
        main: Whether this process is the one that writes files.
        saved: Whether the folder holds a state of this training.
        origin: What the run is made from; see ``origin.py``.
    """

    def __init__(self, plan: Plan, prepared: Prepared, folder: Path, machine: Machine) -> None:
        """Begin before the first epoch."""
        self.plan, self.prepared, self.folder = plan, prepared, folder
        self.machine, self.main = machine, machine.process_index == 0
        self.learner = learner(plan, prepared, machine)
        last = self.learner.parts[-1]
        images = prepared.source.kind == "images"
        light = len(prepared.labels) <= (FEW_IMAGES if images else ONE_THREAD)
        light |= not images and isinstance(self.learner.parts[0], Training)
        self.small = light and plan.model is None and machine.device.type == "cpu"
        few = last.settings.epochs * len(prepared.labels) <= MOST_LOSSES
        self.losses: list[Tensor] | None = [] if few else None
        code = of_code(plan.model, self.learner.parts[-1].model) if plan.model else None
        self.origin = origin(prepared.source, prepared.inputs, code, plan.text_model)
        self.saved = False
        self._saved_at = 0.0

    def resume(self) -> None:
        """Continue the training that was stopped: load its state.

        Raises:
            FileNotFoundError: If the folder holds no state.
            ValueError: For a state that cannot be read, and of another plan or origin.
        """
        state = checkpoint.load(self.folder, self.plan, self.origin)
        with checkpoint.fitting(self.folder):
            self.learner.load_state_dict(state["training"])
            losses = state["losses"]
            if self.losses is not None and losses is not None:
                n, epochs = len(self.prepared.labels), self.learner.epochs
                right = losses.shape[1:] == (n,) and len(losses) <= epochs
                require(
                    right,
                    f"The losses in the checkpoint are not of {n} samples. "
                    f"Begin again with force=True.",
                )
                self.losses = list(losses)
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
        checkpoint.save(self.folder, self.plan, self.origin, state, losses)
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
            last, pacer = self.learner.parts[-1], self.learner.running.pacer
            if self.losses is not None and last.epoch:
                self.losses.append(last.pacer.ledger.loss.cpu().clone())
            if watch is not None:
                watch(Epoch(number, of, kept, pacer))
            if monotonic() - self._saved_at > MINUTE:
                self.save()

        self.save()
        if self.main and self.learner.done == 0:
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
        prepared, committee = self.prepared, self.learner
        names, pacer = prepared.names, committee.parts[-1].pacer
        trained = self._trained()
        if names is None:
            # Not at the top: only a regression needs scipy.stats.
            from selfpaced.audit._numbers import result_of_numbers

            given = prepared.source.labels.to_numpy(np.float64)
            predicted = self._predicted(trained)
            return result_of_numbers(trained.model, pacer, given, predicted), trained
        held_out, votes = bool(committee.held_out), prepared.source.votes
        if held_out:
            found = result_held_out(committee, prepared.labels, names, trained.model)
        else:
            found = result(trained.model, pacer, prepared.labels, names)
        if votes is not None:
            found = with_votes(found, votes, committee.probabilities if held_out else None)
        return found, trained

    def _predicted(self, trained: Trained) -> NDArray[np.float64]:
        """Return the predicted numbers, by models that did not learn them where there are some."""
        held_out, (center, unit) = self.learner.parts[-1].predicted, self.prepared.scale
        if held_out is None:
            return trained.outputs(self.prepared.inputs)
        return np.asarray(held_out.astype(np.float64) * unit + center)

    def _trained(self) -> Trained:
        """Return the mixture of all models, with everything needed to use it."""
        prepared, committee = self.prepared, self.learner
        folds = committee.parts[-1].settings.folds
        mixture = committee.mixture(lambda module: Network(unwrapped(module, self.machine).eval()))
        shares = None if mixture.shares is None else {k: list(v) for k, v in mixture.shares.items()}
        built = architecture(self.plan, prepared, folds)
        built |= {"members": list(mixture.members), "shares": shares}
        listed = None if prepared.names is None else tuple(prepared.names)
        return Trained(mixture, prepared.features, listed, prepared.scale, built)

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
    if not gpu and plan.precision == FLOAT32 and not launched():
        return Alone(torch.device("cpu"))
    # Not at the top: a single process on the CPU does not need it.
    from accelerate import Accelerator

    found = Accelerator(cpu=not gpu, mixed_precision=plan.precision)
    require(
        plan.learner in ("auto", "network") or found.num_processes == 1,
        f"learner={plan.learner} runs in one process; got {found.num_processes}. Start selfpaced "
        f"without a launcher.",
    )
    return cast(Machine, found)


def unwrapped(model: Any, machine: Machine) -> Any:
    """Return a model as it was before ``machine.prepare``: in float32, for a single process."""
    if isinstance(machine, Alone) or not isinstance(model, nn.Module):
        return model
    # Not at the top, as in ``machine``.
    from accelerate.utils import extract_model_from_parallel

    return extract_model_from_parallel(model, keep_fp32_wrapper=False)


def leave() -> None:
    """Close the process group, if a launcher started several processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def architecture(plan: Plan, prepared: Prepared, folds: int) -> dict[str, Any]:
    """Return what is needed to build the network: see ``Trained.built``.

    The built-in network is a CNN for images of at least 8 pixels a side, and an MLP otherwise.
    """
    shape = prepared.inputs.dense.shape[1:]
    images = prepared.source.kind == "images" and min(shape[1:]) >= LEAST_PIXELS
    name = plan.model or ("cnn" if images else "mlp")
    outputs = prepared.aim.outputs
    return {"network": name, "folds": folds, "shape": list(shape), "outputs": outputs}


def learner(plan: Plan, prepared: Prepared, machine: Machine) -> Committee:
    """Return the training of a plan, before its first epoch.

    Raises:
        ValueError: For a network of the user that cannot be built, or could not be saved, and for
            settings without effect.
    """
    if plan.probabilities is not None:
        return Committee([_given(plan.probabilities, prepared)], prepared.labels)
    images = prepared.source.kind == "images"
    name = "network" if plan.model or plan.folds == 0 else plan.learner
    choice = choose_models(
        name, prepared.inputs, prepared.aim, images=images, alone=machine.num_processes == 1
    )
    numeric = prepared.names is None
    check_effect(plan, network=choice.network, images=images, numeric=numeric)
    parts: list[Learner] = []
    if choice.kinds:
        # Not at the top: networks do not need scikit-learn.
        from selfpaced.audit._learning.estimators import Rounds

        settings = plan.rounds(len(prepared.labels))
        samples = (prepared.inputs, prepared.labels, prepared.aim)
        parts.append(Rounds(choice.kinds, *samples, settings, prepared.source.groups))
    if choice.network:
        parts.append(_network(plan, prepared, machine, beside=bool(parts) and not images))
    return Committee(parts, prepared.labels)


def _given(path: Path, prepared: Prepared) -> Given:
    """Return the probabilities of a file; rows of samples that were left out may be in it."""
    names = prepared.names
    require(names is not None, "probabilities=... is for classes, and these labels are numbers.")
    where, n = prepared.source.where, len(prepared.labels)
    p = read_probabilities(path)
    if len(p) > n and where.name != "file":
        first = 1 if where.name == "row" else 0
        places = where.to_numpy(np.int64) - first
        if places.max() < len(p):
            p = p.iloc[places] if isinstance(p, pd.DataFrame) else p[places]
    return Given(
        probabilities_of(p, n, pd.Index([] if names is None else names), str(path)), prepared.labels
    )


def _network(plan: Plan, prepared: Prepared, machine: Machine, *, beside: bool) -> Training:
    """Return the training of a network; ``beside`` says whether other models are trained, too."""
    rows, labels, aim = prepared.inputs.dense, prepared.labels, prepared.aim
    settings = plan.settings(len(labels), numeric=prepared.names is None, beside=beside)
    if plan.shifts and prepared.source.kind == "images":
        settings = replace(settings, shift=pixels_for(*rows.shape[2:]))
    built = architecture(plan, prepared, settings.folds)
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        network = build(built["network"], tuple(built["shape"]), built["outputs"])
    require_tensors(network)
    data = Indexed(Rows(rows, labels))
    return Training(data, network, labels, aim, settings, machine, prepared.source.groups)
