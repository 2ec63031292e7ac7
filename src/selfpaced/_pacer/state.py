"""The state of a pacer for a checkpoint: of one rank, or of all ranks together."""

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from selfpaced._errors import require, require_keys, require_version
from selfpaced._memory.columns import lasting
from selfpaced._memory.dynamics import SEEN
from selfpaced._memory.ledger import VISITS, Ledger
from selfpaced._pacer.history import History
from selfpaced._ranks import from_all, rank_here, world_size

VERSION = 2  # version of the state; 1 did not say it
# The keys of a state. It also has "owners" if it is of several ranks together.
KEYS = {"version", "ledger", "weight", "current_age", "steps", "history", "n_samples", "bad"}
# The prefixes under which a module is saved by itself; the other is of ``torch.compile``.
ALONE = ("", "_orig_mod.")
KEY = "_extra_state"  # torch's name of the entry of a state_dict


class Stateful(Protocol):
    """The attributes of a pacer that change during a run."""

    ledger: Ledger
    weight: Tensor
    current_age: Tensor
    history: History
    steps: int
    _bad: Tensor

    @property
    def n_samples(self) -> int | None:
        """As in ``Pacer``."""
        ...


def state_of(pacer: Stateful) -> dict[str, Any]:
    """Return a copy of the state of this rank, on the CPU: a checkpoint can be loaded anywhere."""
    return {
        "version": VERSION,
        "ledger": pacer.ledger.state_dict(),
        "weight": pacer.weight.to("cpu", copy=True),
        "current_age": pacer.current_age.to("cpu", copy=True),
        "steps": pacer.steps,
        "history": list(pacer.history),
        "n_samples": pacer.n_samples,
        "bad": pacer._bad.to("cpu", copy=True),
    }


def state_of_all(pacer: Stateful) -> dict[str, Any]:
    """Return the merged state of all ranks, with the owner of each waiting loss.

    Call this on all ranks; each gets the same. The pacer does not change.
    """
    if world_size() == 1:
        return state_of(pacer)
    ledger = _copy(pacer.ledger)
    owners = {name: owner.cpu() for name, owner in ledger.merge(check=False).items()}
    whole = {"ledger": ledger.state_dict(), "owners": owners, "bad": from_all(pacer._bad).cpu()}
    return state_of(pacer) | whole


def require_whole(pacer: Stateful) -> None:
    """Raise on one of several ranks within an epoch: its state would lack what others have seen."""
    ranks = world_size()
    require(
        ranks == 1 or not bool(pacer.ledger.waiting.any()),
        f"Pacer.state_dict: this is rank {rank_here()} of {ranks} within an epoch; its state lacks "
        f"what the other ranks have seen since the last step. Call pacer.gathered_state_dict() on "
        f"all ranks and save what it returns, or save after pacer.step().",
    )


def restore(pacer: Stateful, state: dict[str, Any]) -> None:
    """Restore a state exactly; on an error nothing changes.

    From a state of all ranks, each rank takes the waiting losses that it owns. Rank 0 also takes
    those of ranks that no longer exist, and all those of a run with one rank. So the next merge
    gives the same result as without the restart.
    """
    state = {"version": 1} | state
    require_keys(state, KEYS, "Pacer")
    require_version(state["version"], VERSION, "Pacer")
    _require_size(pacer, state)
    pacer.ledger.check_state(state["ledger"])
    pacer.ledger.load_state_dict(state["ledger"])
    pacer.weight.copy_(state["weight"])
    pacer.current_age.copy_(state["current_age"])
    pacer._bad.copy_(state["bad"])
    pacer.steps = state["steps"]
    pacer.history = History(state["history"])
    if "owners" in state or (world_size() > 1 and state["version"] > 1):
        _keep_own(pacer, state.get("owners"))


def begun(pacer: Stateful) -> Tensor:
    """Return the number of steps, plus 1 if losses wait for the next: int64, shape (); 0 if new."""
    return pacer.ledger.waiting.any().long() + pacer.steps


def _require_size(pacer: Stateful, state: dict[str, Any]) -> None:
    """Raise for a state of another number of samples or groups."""
    require(
        state["n_samples"] == pacer.n_samples
        and state["weight"].shape == pacer.weight.shape
        and state["current_age"].shape == pacer.current_age.shape
        and state["bad"].shape == pacer._bad.shape,
        f"Pacer: the state is of n_samples={state['n_samples']} and ages of shape "
        f"{tuple(state['current_age'].shape)}, the pacer of n_samples={pacer.n_samples} and "
        f"{tuple(pacer.current_age.shape)}. Make the pacer with the n_samples and columns of the "
        f"saved one.",
    )


def _copy(ledger: Ledger) -> Ledger:
    """Return a copy of a ledger, to merge it without changing the original."""
    made = copy(ledger)
    made.packed = ledger.packed.clone()
    if ledger.dynamics is not None:
        made.dynamics = copy(ledger.dynamics)
        made.dynamics.apply(Tensor.clone)
    return made


def _keep_own(pacer: Stateful, owners: dict[str, Tensor] | None) -> None:
    """Discard the waiting losses that other ranks own; without owners, rank 0 owns all."""
    ledger = pacer.ledger
    none = torch.zeros(ledger.n_samples, dtype=torch.int32, device="cpu")
    owners = owners or {"loss": none, "dynamics": none}
    visits = ledger.packed[:, VISITS]
    visits.copy_(torch.where(_of_others(owners["loss"], ledger), visits.floor(), visits))
    if ledger.dynamics is not None:
        seen = ledger.dynamics.waiting[:, SEEN]
        seen.masked_fill_(_of_others(owners["dynamics"], ledger), 0)
    if rank_here() > 0:
        pacer._bad.copy_(torch.tensor([0, -1]))


def _of_others(owner: Tensor, ledger: Ledger) -> Tensor:
    """Return which samples another rank owns, bool, shape (n_samples,).

    Rank 0 takes over the samples of ranks that no longer exist.
    """
    owner = owner.to(ledger.device)
    return torch.where(owner < world_size(), owner, 0) != rank_here()


class Plain(nn.Module):
    """A module with tensors that move with it and never change their dtype.

    The tensors are not buffers: DistributedDataParallel would overwrite those of all ranks with
    rank 0's, and ``.half()`` would cast them. A subclass lists their names in ``plain``, and saves
    them in ``_own_state``.

    Only the module's own ``state_dict`` has that state. Programs take the ``state_dict`` of a model
    for tensors of weights: they average it, cast it, copy it into that of a moving average, and
    write it to safetensors. There the state is replaced by one number, ``_begun``, and training
    stops if the state of a model was loaded without the own state.

    >>> class Counter(Plain):
    ...     plain = ("count",)
    ...     count = torch.zeros(2)
    >>> Counter().half().count.dtype
    torch.float32
    """

    plain: ClassVar[tuple[str, ...]] = ()
    _alone = True  # whether a state_dict is not the one of a module around this one
    _awaited: int | None = None  # ``_begun`` of the state that was loaded into a module around it

    def get_extra_state(self) -> Any:  # noqa: ANN401 - a hook of torch
        """Return the own state, or within the state of another module ``_begun``."""
        return self._own_state() if self._alone else self._begun()

    def set_extra_state(self, state: Any) -> None:  # noqa: ANN401 - a hook of torch
        """Load what ``get_extra_state`` returned, also from the tuple of a ``state_dict``."""
        if isinstance(state, Tensor):
            self._awaited = None if state.is_meta else int(state)
            return
        if isinstance(state, list | tuple) and len(state) == 1:  # a list once it was JSON
            (state,) = state
        self._load_own_state(state)
        self._awaited = None

    def _own_state(self) -> dict[str, Any]:
        """Return all that a checkpoint needs."""
        return {}

    def _load_own_state(self, state: dict[str, Any]) -> None:
        """Restore what ``_own_state`` returned; on an error nothing changes."""

    def _begun(self) -> Tensor:
        """Return how far the training has come, int64, shape (); 0 for a new module."""
        return torch.zeros((), dtype=torch.int64)

    def _require_own_state(self) -> None:
        """Raise if a module around this one was loaded, but not this one's own state."""
        if self._awaited is None:
            return
        name, was, now = type(self).__name__, self._awaited > 0, bool(self._begun() > 0)
        there, here = ("in use", "new") if was else ("new", "in use")
        require(
            was == now,
            f"{name}: a module's state_dict does not have the memory of the {name} in it. The one "
            f"that was loaded was saved when the {name} was {there}, and this one is {here}. Save "
            f"the {name}'s own state_dict() too, and load it with its load_state_dict(). If you "
            f"want it {here}, remove the key that ends in {KEY!r} from the module's state.",
        )
        self._awaited = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the plain tensors with the module to another device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch gives it no types
        for name in self.plain:
            kept = getattr(self, name)
            if kept is not None:
                device = fn(torch.empty(0, device=kept.device)).device
                with lasting():
                    setattr(self, name, kept.to(device))
        return self

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Save the whole state alone, and ``_begun`` within the state of another module."""
        self._alone = prefix in ALONE
        try:
            super()._save_to_state_dict(destination, prefix, keep_vars)
        finally:
            del self._alone
        if prefix in ALONE:
            # torch.distributed.checkpoint takes dicts and lists apart, and cannot load a state
            # that has more entries than that of a new module. A tuple is one object to it.
            destination[prefix + KEY] = (destination[prefix + KEY],)

    def _load_from_state_dict(  # a hook of torch, with its arguments
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Accept the state of a module around this one from before this one was added to it."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if prefix not in ALONE and prefix + KEY in missing_keys:
            missing_keys.remove(prefix + KEY)
