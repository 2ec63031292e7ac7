"""The state of a pacer: all that a checkpoint needs, of one rank or of all together."""

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

KEYS = {"ledger", "weight", "current_age", "steps", "history", "n_samples", "bad"}


class Stateful(Protocol):
    """What of a pacer changes as it runs."""

    ledger: Ledger
    weight: Tensor
    current_age: Tensor
    history: History
    steps: int
    _bad: Tensor

    @property
    def n_samples(self) -> int | None:
        """As given to the pacer."""
        ...


def state_of(pacer: Stateful) -> dict[str, Any]:
    """Return copies of what this rank remembers."""
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
    """Return what all ranks remember, and whose each waiting loss is; on every rank the same.

    Collective. The pacer stays as it was: a checkpoint does not change a run.
    """
    if world_size() == 1:
        return state_of(pacer)
    ledger = _copy(pacer.ledger)
    owners = ledger.merge()
    bad = from_all(pacer._bad)
    return state_of(pacer) | {"ledger": ledger.state_dict(), "owners": owners, "bad": bad}


def restore(pacer: Stateful, state: dict[str, Any]) -> None:
    """Take up a state exactly where it was; all of it or, on an error, nothing.

    Of a state of all ranks each takes what was its own; what is of ranks that are no more is the
    first one's. So the next merge finds what it would have found.
    """
    require_keys(state, KEYS, "Pacer")
    require(
        state["n_samples"] == pacer.n_samples
        and state["weight"].shape == pacer.weight.shape
        and state["current_age"].shape == pacer.current_age.shape,
        f"Pacer: the state is of n_samples={state['n_samples']} and ages of shape "
        f"{tuple(state['current_age'].shape)}, the pacer of n_samples={pacer.n_samples} and "
        f"{tuple(pacer.current_age.shape)}. Make it with the n_samples and columns it was "
        f"saved with.",
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
    """Return a ledger that can be merged in place of this one."""
    made = copy(ledger)
    made.packed = ledger.packed.clone()
    if ledger.dynamics is not None:
        made.dynamics = copy(ledger.dynamics)
        made.dynamics.apply(Tensor.clone)
    return made


def _keep_own(pacer: Stateful, owners: dict[str, Tensor]) -> None:
    """Forget the waiting losses of other ranks, which have them."""
    ledger = pacer.ledger
    visits = ledger.packed[:, VISITS]
    visits.copy_(torch.where(_of_others(owners["loss"], ledger), visits.floor(), visits))
    if ledger.dynamics is not None:
        seen = ledger.dynamics.waiting[:, SEEN]
        seen.masked_fill_(_of_others(owners["dynamics"], ledger), 0)
    if rank_here() > 0:
        pacer._bad.copy_(torch.tensor([0, -1]))


def _of_others(owner: Tensor, ledger: Ledger) -> Tensor:
    """Return which samples another rank of today's world owns, bool, shape (n_samples,)."""
    there = owner.to(ledger.device)
    return torch.where(there < world_size(), there, 0) != rank_here()


class Plain(nn.Module):
    """Keeps tensors that move with the module and never change their dtype.

    They are no buffers: DistributedDataParallel would overwrite those of all ranks with rank 0's,
    and ``.half()`` would cast them. A member lists them in ``plain``, and saves them by
    ``get_extra_state``; a checkpoint from before it was added loads strictly, and leaves it new.

    >>> class Counter(Plain):
    ...     plain = ("count",)
    ...     count = torch.zeros(2)
    >>> Counter().half().count.dtype
    torch.float32
    """

    plain: ClassVar[tuple[str, ...]] = ()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Follow the module to another device."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch gives it no types
        for name in self.plain:
            kept = getattr(self, name)
            if kept is not None:
                setattr(self, name, kept.to(fn(torch.empty(0, device=kept.device)).device))
        return self

    def _load_from_state_dict(  # torch's own hook, with torch's own arguments
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Do not miss a state that was never saved."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if prefix + "_extra_state" in missing_keys:
            missing_keys.remove(prefix + "_extra_state")
