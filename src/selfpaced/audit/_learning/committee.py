"""Several trainings one after another, and the mixture of their models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._saved import Assign, Saved, assign_all
from selfpaced.audit._learning.mixture import Blend, Share, mixed, shares_of
from selfpaced.audit._learning.training import Watch
from selfpaced.chain import Floats

# The version and the keys of a saved state.
VERSION = 1
KEYS = {"parts"}


class Learner(Protocol):
    """A training that can be stopped, saved and continued.

    Attributes:
        pacer: The pacer of the training.
        epoch: Number of finished epochs.
        settings: Its settings; ``epochs`` is their number.
    """

    pacer: Pacer
    epoch: int
    settings: Any

    @property
    def model(self) -> Any:
        """The model, a torch module or a ``Blend``."""
        ...

    @property
    def held_out(self) -> dict[str, NDArray[np.float32]]:
        """The probabilities of models that did not learn the label, by kind, shape (n, classes)."""
        ...

    @property
    def predicted(self) -> NDArray[np.float32] | None:
        """Numbers as models predict them that did not learn them, shape (n,); None without."""
        ...

    @property
    def pulses(self) -> int:
        """The number of calls of ``pulse`` of the whole training."""
        ...

    @property
    def done(self) -> int:
        """The number of calls of ``pulse`` so far."""
        ...

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = ...) -> bool:
        """Train to the end, or until ``pulse`` returns True; return whether it is finished."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return everything that is needed to continue the training."""
        ...

    def _read(self, state: object) -> Assign:
        """Check a state that ``state_dict`` returned; return the function that continues."""
        ...


@dataclass(eq=False)
class Committee:
    """Trainings of the same samples, one after another; see ``Learner``.

    Args:
        parts: The trainings, in their order; each has another kind of model.
        labels: Classes, int64, shape (n,).
    """

    parts: Sequence[Learner]
    labels: Tensor

    @property
    def running(self) -> Learner:
        """The training that runs, or the last one."""
        unfinished = (part for part in self.parts if part.epoch < part.settings.epochs)
        return next(unfinished, self.parts[-1])

    @property
    def epoch(self) -> int:
        """The number of finished epochs of all trainings."""
        return sum(part.epoch for part in self.parts)

    @property
    def epochs(self) -> int:
        """The number of epochs of all trainings."""
        return sum(int(part.settings.epochs) for part in self.parts)

    @property
    def pulses(self) -> int:
        """The number of calls of ``pulse`` of all trainings."""
        return sum(part.pulses for part in self.parts)

    @property
    def done(self) -> int:
        """The number of calls of ``pulse`` so far."""
        return sum(part.done for part in self.parts)

    @property
    def progress(self) -> float:
        """The share of the work that is done, from 0 to 1; each training counts the same."""
        return sum(part.done / part.pulses for part in self.parts) / len(self.parts)

    @property
    def held_out(self) -> dict[str, NDArray[np.float32]]:
        """The held-out probabilities of all kinds of models, by kind."""
        return {kind: p for part in self.parts for kind, p in part.held_out.items()}

    @property
    def judged(self) -> NDArray[np.bool]:
        """Whether a model has judged each sample, shape (n,); a short training may miss some."""
        seen = [p.any(axis=1) for p in self.held_out.values()]
        return np.asarray(np.any(seen, axis=0))

    @property
    def shares(self) -> dict[str, Share] | None:
        """The share of each kind of model in their mixture; None without held-out labels."""
        held_out = self.held_out
        return shares_of(held_out, self.labels.cpu().numpy()) if held_out else None

    @property
    def probabilities(self) -> Floats:
        """The held-out probabilities of the mixture, shape (n, classes)."""
        held_out = self.held_out
        shares = shares_of(held_out, self.labels.cpu().numpy())
        return mixed((p, shares[kind]) for kind, p in held_out.items())

    def mixture(self, as_member: Callable[[Any], Any]) -> Blend:
        """Return all models with their weights.

        Args:
            as_member: Makes a member of a mixture of a torch module.
        """
        members: dict[str, Any] = {}
        for part in self.parts:
            if isinstance(part.model, Blend):
                members |= part.model.members
            else:
                members["network"] = as_member(part.model)
        return Blend(members, self.shares)

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        """Train to the end, or until ``pulse`` returns True; return whether it is finished."""
        asked = False

        def seen(number: int, of: int, kept: float) -> None:
            """Count the epochs over all trainings."""
            if watch is not None:
                watch(self.epoch, self.epochs, kept)

        def stop() -> bool:
            """Remember a request to stop: the last pulse of a training does not stop it."""
            nonlocal asked
            asked = pulse() or asked
            return asked

        for part in self.parts:
            if not part.run(seen, stop) or (asked and part is not self.parts[-1]):
                return False
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return the states of all trainings."""
        return {"version": VERSION, "parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state; on an error nothing changes.

        Raises:
            ValueError: For a state of other trainings, of a newer version, or damaged.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return the function that continues from it."""
        saved = Saved(state, "Committee", KEYS, newest=VERSION)
        parts = saved["parts"]
        saved.require("parts", isinstance(parts, list | tuple), "a list of states", parts)
        require(
            len(parts) == len(self.parts),
            f"The run was stopped with {len(parts)} kinds of training, and would go on with "
            f"{len(self.parts)}: several processes train a network only. Go on with as many "
            f"processes as before, or begin again with force=True.",
        )
        return assign_all([part._read(one) for part, one in zip(self.parts, parts, strict=True)])
