"""The state of a pacer for a checkpoint: of one rank, or of all ranks together."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._memory.columns import lasting
from selfpaced._memory.dynamics import SEEN
from selfpaced._memory.ledger import LARGEST, VISITS, Ledger
from selfpaced._memory.merge import gather_features
from selfpaced._pacer.history import History, saved_history
from selfpaced._ranks import from_all, rank_here, world_size
from selfpaced._saved import Assign, Saved, assign_all, shown
from selfpaced.chain import Age, Difficulty, Weighting

VERSION = 2  # version of the state; 1 did not say it
# The keys of a state. It also has "owners" if it is of several ranks together.
KEYS = {"ledger", "weight", "current_age", "steps", "history", "n_samples", "bad"}
# The prefixes under which a module is saved by itself; the other is of ``torch.compile``.
ALONE = ("", "_orig_mod.")
KEY = "_extra_state"  # torch's name of the entry of a state_dict


class Stateful(Protocol):
    """The attributes of a pacer that its state has, and those that judge it."""

    ledger: Ledger
    weight: Tensor
    current_age: Tensor
    history: History
    steps: int
    age: Age | None
    difficulty: Difficulty
    weighting: Weighting
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
    found = ledger.merge(check=False)
    gather_features(ledger, found["loss"])
    owners = {name: owner.cpu() for name, owner in found.items()}
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


def read(pacer: Stateful, state: object) -> Assign:
    """Check a state; return the function that restores it exactly.

    From a state of all ranks, each rank takes the waiting losses that it owns. Rank 0 also takes
    those of ranks that no longer exist, and all those of a run with one rank. So the next merge
    gives the same result as without the restart.

    Raises:
        ValueError: For a state that does not fit the pacer, is of a newer version, or damaged.
    """
    saved = Saved(state, "Pacer", KEYS, newest=VERSION, optional={"owners"})
    _require_size(pacer, saved)
    shape = tuple(pacer.weight.shape)
    weight = saved.tensor("weight", torch.float32, shape, low=0, high=LARGEST)
    age = saved.tensor("current_age", torch.float32, tuple(pacer.current_age.shape))
    bad = saved.tensor("bad", torch.int64, (2,))
    saved.require("bad", bool(bad[0] >= 0), "a count and an index", bad.tolist())
    steps = saved.count("steps")
    history = saved_history(saved, steps, pacer.ledger.n_samples, age)
    ledger = pacer.ledger._read(saved["ledger"])
    _take_features(saved, ledger, pacer.difficulty.labels is not None)
    _require_steps(saved, ledger, steps)
    try:
        _rehearse(pacer, ledger, steps, age)
    except ValueError as refused:
        raise ValueError(f"Pacer: the state does not fit this pacer. {refused}") from refused
    if "owners" in saved or (world_size() > 1 and saved.version > 1):
        _keep_own(ledger, _owners(saved, ledger))
        bad = bad if rank_here() == 0 else torch.tensor([0, -1], device="cpu")

    def assign() -> None:
        """Assign what was read."""
        pacer.ledger._take(ledger)
        pacer.weight.copy_(weight)
        pacer.current_age.copy_(age)
        pacer._bad.copy_(bad)
        pacer.steps, pacer.history = steps, history

    return assign


def begun(pacer: Stateful) -> Tensor:
    """Return the number of steps, or 1 if a loss is known before the first: int64, shape ().

    It is 0 for a new pacer. After a restart with more ranks, ranks that own none of the losses that
    wait still know them: they have begun.
    """
    return (~pacer.ledger.loss.isnan()).any().long().clamp(min=pacer.steps)


def _require_size(pacer: Stateful, saved: Saved) -> None:
    """Raise for a state of another number of samples or groups."""
    n_samples, age = saved["n_samples"], saved["current_age"]
    same = type(n_samples) is type(pacer.n_samples) and n_samples == pacer.n_samples
    fits = not isinstance(age, Tensor) or age.shape == pacer.current_age.shape
    require(
        same and fits,
        f"Pacer: the state is of n_samples={shown(n_samples)} and ages of shape "
        f"{tuple(getattr(age, 'shape', ()))}, the pacer of n_samples={pacer.n_samples} and "
        f"{tuple(pacer.current_age.shape)}. Make the pacer with the n_samples and columns of the "
        f"saved one.",
    )


def _require_steps(saved: Saved, ledger: Ledger, steps: int) -> None:
    """Raise for a sample that was seen in more steps than there were."""
    most = int(ledger.committed[:, VISITS].max())
    if ledger.dynamics is not None:
        most = max(most, int(ledger.dynamics.visits.max()))
    saved.require("steps", most <= steps, f"at least {most}, the most visits of a sample", steps)


def _take_features(saved: Saved, ledger: Ledger, needed: bool) -> None:
    """Discard features that the pacer does not read; raise if it lacks those of waiting losses."""
    if not needed:
        ledger.features = None
    waits = ledger.features is None and bool(ledger.waiting.any())
    require(
        not needed or not waits,
        f"{saved.owner}: the state is of a pacer without features, within an epoch; this pacer "
        f"judges by features. Load a state that was saved after pacer.step().",
    )


def _copy(ledger: Ledger) -> Ledger:
    """Return a copy of a ledger, to merge it without changing the original."""
    made = copy(ledger)
    made.committed, made.fresh = ledger.committed.clone(), ledger.fresh.clone()
    if ledger.dynamics is not None:
        made.dynamics = copy(ledger.dynamics)
        made.dynamics.apply(Tensor.clone)
    made.features = copy(ledger.features)
    return made


def _rehearse(pacer: Stateful, ledger: Ledger, steps: int, age: Tensor) -> None:
    """Raise if the parts of the pacer could not work with a state.

    It is tried twice: as if the step came now, and as if each sample was seen again before it, with
    its last loss.
    """
    if pacer.ledger.device.type == "meta" or not bool((ledger.visits > 0).any()):
        return
    for again in (False, True):
        made = _copy(ledger).to(pacer.ledger.device)
        if again:
            made.fresh = made.loss
        made.commit(pacer.difficulty)
        _require_weights(pacer, made, steps, age.to(made.device))


def _require_weights(pacer: Stateful, ledger: Ledger, steps: int, age: Tensor) -> None:
    """Raise unless a ledger has finite weights at an age, and at that of its losses.

    A schedule may end with the run: it is asked for no later step than it was asked for.
    """
    _, population = ledger.population(pacer.difficulty)
    finite = "Its losses and its age give no finite weights. Load another state."
    require(not bool(population.difficulty.isnan().any()), finite)
    later = age if pacer.age is None else pacer.age(max(steps, 1), population, age)
    by = None if pacer.age is None else pacer.age.by
    group = None if by is None else population.columns.get(by)
    for each in (age, later):
        own = each if group is None or not each.ndim else each.index_select(0, group)
        require(bool(pacer.weighting(population.difficulty, own).isfinite().all()), finite)


def _owners(saved: Saved, ledger: Ledger) -> dict[str, Tensor]:
    """Return the owners of waiting losses, and of waiting logits if there are any; else rank 0."""
    names, shape = (
        ["loss"] if ledger.dynamics is None else ["loss", "dynamics"],
        (ledger.n_samples,),
    )
    if "owners" not in saved:
        return dict.fromkeys(names, torch.zeros(shape, dtype=torch.int32, device="cpu"))
    owners = Saved(saved["owners"], "Pacer", {*names}, name="state's owners")
    return {name: owners.tensor(name, torch.int32, shape, low=0) for name in names}


def _keep_own(ledger: Ledger, owners: dict[str, Tensor]) -> None:
    """Discard the waiting losses that other ranks own."""
    ledger.fresh.masked_fill_(_of_others(owners["loss"]), torch.nan)
    if ledger.dynamics is not None:
        seen = ledger.dynamics.waiting[:, SEEN]
        seen.masked_fill_(_of_others(owners["dynamics"]), 0)


def _of_others(owner: Tensor) -> Tensor:
    """Return which samples another rank owns, bool, shape (n_samples,).

    Rank 0 takes over the samples of ranks that no longer exist.
    """
    return torch.where(owner < world_size(), owner, 0) != rank_here()


def _was_in_use(begun: Tensor, owner: str) -> bool | None:
    """Return whether a saved ``_begun`` is above 0; None without a value.

    Programs average and cast what is in the state of a model.
    """
    if begun.is_meta:
        return None
    real = begun.ndim == 0 and not begun.is_complex()
    saved = Saved({KEY: begun}, owner, {KEY})
    saved.require(KEY, real and bool(begun >= 0), "a number of steps, shape ()", begun)
    return bool(begun > 0)


def _require_buffer(owner: str, state: Mapping[str, Any], name: str, buffer: Tensor) -> None:
    """Raise for a buffer in a state that is not finite or not of the module's shape.

    torch leaves it to the caller to find the one, and casts complex numbers with a warning.
    """
    if isinstance(state, Mapping) and name in state:
        saved = Saved({name: state[name]}, owner, {name})
        saved.require_like(name, state[name], buffer)
        saved.require(name, bool(state[name].isfinite().all()), "finite", state[name])


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
    _on_trial = False  # whether this is a copy that tries a state
    _alone = True  # whether a state_dict is not the one of a module around this one
    # Whether it had begun in the state that was loaded into a module around it.
    _awaited: bool | None = None

    def get_extra_state(self) -> Any:  # noqa: ANN401 - a hook of torch
        """Return the own state, or within the state of another module ``_begun``."""
        return self._own_state() if self._alone else self._begun()

    def set_extra_state(self, state: Any) -> None:  # noqa: ANN401 - a hook of torch
        """Load what ``get_extra_state`` returned, also from the tuple of a ``state_dict``."""
        assign = self._read_extra_state(state)
        if not self._on_trial:
            assign()

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:  # noqa: ANN401 - as torch
        """Load the module's own state; on an error nothing changes.

        Raises:
            ValueError: For a state that does not fit, is of a newer version, or is damaged.
            RuntimeError: With ``strict``, for missing and unknown keys.
        """
        return self._read(state_dict, strict=strict, assign=assign)()

    def _read(
        self, state_dict: Mapping[str, Any], *, strict: bool = True, assign: bool = False
    ) -> Callable[[], Any]:
        """Check the module's own state; return the function that loads it.

        torch loads what fits before it raises for the rest, so a copy tries it first.
        """
        for name, buffer in self.named_buffers(recurse=False):
            _require_buffer(type(self).__name__, state_dict, name, buffer)
        trial = copy(self)
        trial._on_trial = True
        trial._buffers = {k: None if b is None else b.clone() for k, b in self._buffers.items()}
        nn.Module.load_state_dict(trial, state_dict, strict, assign)
        if isinstance(state_dict.get(KEY), Tensor):  # the part of the pacer in a model's state
            trial._awaited = _was_in_use(state_dict[KEY], type(self).__name__)
            trial._require_own_state()
        return partial(super().load_state_dict, state_dict, strict, assign)

    def _read_extra_state(self, state: object) -> Assign:
        """Check what ``get_extra_state`` returned; return the function that loads it."""
        if isinstance(state, Tensor):
            return partial(setattr, self, "_awaited", _was_in_use(state, type(self).__name__))
        if isinstance(state, list | tuple) and len(state) == 1:  # a list once it was JSON
            (state,) = state
        return assign_all([self._read_own_state(state), partial(setattr, self, "_awaited", None)])

    def _own_state(self) -> dict[str, Any]:
        """Return all that a checkpoint needs."""
        return {}

    def _read_own_state(self, state: object) -> Assign:
        """Check what ``_own_state`` returned; return the function that restores it."""
        return lambda: None

    def _begun(self) -> Tensor:
        """Return how far the training has come, int64, shape (); 0 for a new module."""
        return torch.zeros((), dtype=torch.int64)

    def _require_own_state(self) -> None:
        """Raise if a module around this one was loaded, but not this one's own state."""
        if self._awaited is None:
            return
        name, was, now = type(self).__name__, self._awaited, bool(self._begun() > 0)
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
