"""The state of a pacer for a checkpoint: of one rank, or of all ranks together."""

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from selfpaced._errors import require, require_keys
from selfpaced._memory.dynamics import SEEN
from selfpaced._memory.ledger import VISITS, Ledger
from selfpaced._pacer.history import History
from selfpaced._ranks import from_all, rank_here, world_size

# The keys of a state.
KEYS = {"ledger", "weight", "current_age", "steps", "history", "n_samples", "bad"}


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
    """Return a copy of the state of this rank."""
    return {
        "ledger": pacer.ledger.state_dict(),
        "weight": pacer.weight.clone(),
        "current_age": pacer.current_age.clone(),
        "steps": pacer.steps,
        "history": list(pacer.history),
        "n_samples": pacer.n_samples,
        "bad": pacer._bad.clone(),
    }


def state_of_all(pacer: Stateful) -> dict[str, Any]:
    """Return the merged state of all ranks, with the owner of each waiting loss.

    Call this on all ranks; each gets the same. The pacer does not change.
    """
    if world_size() == 1:
        return state_of(pacer)
    ledger = _copy(pacer.ledger)
    owners = ledger.merge()
    bad = from_all(pacer._bad)
    return state_of(pacer) | {"ledger": ledger.state_dict(), "owners": owners, "bad": bad}


def restore(pacer: Stateful, state: dict[str, Any]) -> None:
    """Restore a state exactly; on an error nothing changes.

    From a state of all ranks, each rank takes the waiting losses that it owns. Rank 0 also takes
    those of ranks that no longer exist. So the next merge gives the same result as without the
    restart.
    """
    require_keys(state, KEYS, "Pacer")
    require(
        state["n_samples"] == pacer.n_samples
        and state["weight"].shape == pacer.weight.shape
        and state["current_age"].shape == pacer.current_age.shape,
        f"Pacer: the state is of n_samples={state['n_samples']} and ages of shape "
        f"{tuple(state['current_age'].shape)}, the pacer of n_samples={pacer.n_samples} and "
        f"{tuple(pacer.current_age.shape)}. Make the pacer with the n_samples and columns of the "
        f"saved one.",
    )
    pacer.ledger.load_state_dict(state["ledger"])
    pacer.weight.copy_(state["weight"])
    pacer.current_age.copy_(state["current_age"])
    pacer._bad.copy_(state["bad"])
    pacer.steps = state["steps"]
    pacer.history = History(state["history"])
    if "owners" in state:
        _keep_own(pacer, state["owners"])


def _copy(ledger: Ledger) -> Ledger:
    """Return a copy of a ledger, to merge it without changing the original."""
    made = copy(ledger)
    made.packed = ledger.packed.clone()
    if ledger.dynamics is not None:
        made.dynamics = copy(ledger.dynamics)
        made.dynamics.apply(Tensor.clone)
    return made


def _keep_own(pacer: Stateful, owners: dict[str, Tensor]) -> None:
    """Discard the waiting losses that other ranks own."""
    ledger = pacer.ledger
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
    rank 0's, and ``.half()`` would cast them. A subclass lists their names in ``plain`` and saves
    them in ``get_extra_state``. A checkpoint from before the module was added loads with
    ``strict=True`` and leaves the module as it is.

    >>> class Counter(Plain):
    ...     plain = ("count",)
    ...     count = torch.zeros(2)
    >>> Counter().half().count.dtype
    torch.float32
    """

    plain: ClassVar[tuple[str, ...]] = ()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move the plain tensors with the module to another device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch gives it no types
        for name in self.plain:
            kept = getattr(self, name)
            if kept is not None:
                setattr(self, name, kept.to(fn(torch.empty(0, device=kept.device)).device))
        return self

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
        """Accept a checkpoint without a state of this module."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if prefix + "_extra_state" in missing_keys:
            missing_keys.remove(prefix + "_extra_state")
