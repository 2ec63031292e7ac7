"""Makes the training that a plan asks for, and says where it runs."""

from collections.abc import Callable
from typing import Any, Protocol, cast

import torch
import torch.distributed as dist
from accelerate import Accelerator

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.indexed import Indexed
from selfpaced.audit._folder.model import require_tensors
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.estimators import Name, Rounds
from selfpaced.audit._learning.machine import Machine
from selfpaced.audit._learning.networks import build
from selfpaced.audit._learning.training import Settings, Training, Watch
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import Prepared

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
