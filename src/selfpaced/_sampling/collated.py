"""A collate function whose batches must keep the order of their items.

The hosts of Transformers and skorch take the index out of the items before they are collated. The
order is therefore checked: some batches are collated once more with the items reversed, which must
reverse the rows.
"""

import copy
import functools
import inspect
import random
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence
from torch.utils.data import default_collate

Collate = Callable[[list[Any]], Any]
Rows = list[bytes]

MESSAGE = (
    "The collate function changes the order of the samples, so their losses would be remembered "
    "for other samples. Return them as they come: sort by length before batches are made, or "
    "in the model, where pack_padded_sequence(..., enforce_sorted=False) sorts and sorts back. In "
    "a training loop of your own, Indexed sends the index through the collate function, which may "
    "then sort."
)


@dataclass
class InOrder:
    """Collates items, and raises if the rows of a batch are not in the order of its items.

    The batches 1, 2, 4, 8, ... of each process are checked. Random numbers, the items and the
    attributes of the collate function are as they would be without the check. A batch that says
    nothing (its rows are all equal, or random) passes.

    Args:
        collate: The collate function of the user or the host.

    Raises:
        ValueError: For a collate function that sorts or shuffles.

    >>> InOrder(torch.tensor)([3, 1, 2])
    tensor([3, 1, 2])
    >>> InOrder(lambda items: torch.tensor(sorted(items)))([3, 1, 2])
    Traceback (most recent call last):
    ValueError: The collate function changes the order of the samples, ...
    """

    collate: Collate
    calls: int = field(default=0, init=False)

    def __call__(self, items: list[Any]) -> Any:
        """Return the batch of the user's collate function."""
        self.calls += 1
        power_of_two = self.calls & (self.calls - 1) == 0
        if not power_of_two or len(items) < 2 or self.collate is default_collate:
            return self.collate(items)
        spare, states = _copied(items), _states(self.collate)
        batch = self.collate(items)
        if spare is not None:
            with _untouched(self.collate):
                changed = _changes_order(self.collate, batch, spare, states)
            if changed:
                raise ValueError(MESSAGE)
        return batch


def _changes_order(collate: Collate, batch: object, items: list[Any], states: "States") -> bool:
    """Say whether rows move to other places than their items, as far as this batch tells.

    Args:
        collate: The collate function.
        batch: What it made of the items.
        items: Copies of them.
        states: The states of random numbers before it did.
    """
    n, first = len(items), _fields(batch, len(items))

    def again(others: list[Any], states: States) -> dict[str, Rows]:
        _restore(states)
        try:
            return _fields(_shallow(collate)(copy.deepcopy(others)), n)
        except Exception:  # it may refuse what is no real batch
            return {}

    second = again(items[::-1], states)
    both = {name: (rows, second[name]) for name, rows in first.items() if name in second}
    if any(b == a[::-1] != a for a, b in both.values()):
        return False
    moved = [name for name, (a, b) in both.items() if b != a[::-1] and sorted(a) == sorted(b)]
    if not moved:
        return False
    # Numbers that depend on the place only, or on chance only, do not move with an item.
    equal, other = again([items[0]] * n, states), again(items, [])
    return any(
        sorted(other.get(name, [])) == sorted(first[name]) and equal.get(name) != first[name]
        for name in moved
    )


def _fields(batch: object, n: int, name: str = "") -> dict[str, Rows]:
    """Return the rows of each part of a batch that has n of them, by the name of the part."""
    if isinstance(batch, PackedSequence):
        batch = pad_packed_sequence(batch)[0].transpose(0, 1)
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "biuf":
        batch = torch.from_numpy(np.ascontiguousarray(batch))
    if isinstance(batch, Tensor):
        plain = batch.layout == torch.strided and not batch.is_nested and batch.numel() > 0
        return {name: _rows(batch)} if plain and batch.shape[:1] == (n,) else {}
    if isinstance(batch, list | tuple) and all(isinstance(v, str | float | int) for v in batch):
        return {name: [repr(value).encode() for value in batch]} if len(batch) == n else {}
    parts: Any = batch.items() if isinstance(batch, Mapping) else ()
    parts = enumerate(batch) if isinstance(batch, list | tuple) else parts
    found: dict[str, Rows] = {}
    for key, part in parts:
        found |= _fields(part, n, f"{name}.{key}")
    return found


def _rows(batch: Tensor) -> Rows:
    """Return the bytes of each row: so NaN equals NaN."""
    flat = batch.detach().cpu().reshape(len(batch), -1).contiguous().view(torch.uint8)
    return [row.tobytes() for row in flat.numpy()]


def _copied(items: list[Any]) -> list[Any] | None:
    """Return copies of the items, which a collate function may change; None if they have none."""
    try:
        return copy.deepcopy(items)
    except Exception:  # it may hold anything
        return None


def _shallow(collate: Collate) -> Collate:
    """Return a copy of a collate function whose attributes can be set without changing it."""
    try:
        if isinstance(collate, types.MethodType):
            return types.MethodType(collate.__func__, copy.copy(collate.__self__))
        return copy.copy(collate)
    except Exception:  # it may hold anything
        return collate


# --- random numbers

States = list[tuple[Callable[[Any], object], Any]]  # a function that sets a state, and the state


def _states(collate: Collate) -> States:
    """Return the states of the global random numbers, and of generators of the function."""
    found: States = [
        (torch.set_rng_state, torch.get_rng_state()),
        (np.random.set_state, np.random.get_state()),  # noqa: NPY002 - the global one is the point
        (random.setstate, random.getstate()),
    ]
    if torch.cuda.is_initialized():
        found.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
    return found + [_state_of(owned) for owned in _generators(collate)]


def _state_of(owned: Any) -> tuple[Callable[[Any], object], Any]:
    """Return the function that sets the state of one generator, and its state."""
    if isinstance(owned, random.Random):
        return owned.setstate, owned.getstate()
    if isinstance(owned, np.random.Generator):
        bits = owned.bit_generator
        return functools.partial(setattr, bits, "state"), bits.state
    return owned.set_state, owned.get_state()


def _restore(states: States) -> None:
    """Set all states."""
    for put, state in states:
        put(state)


@contextmanager
def _untouched(collate: Collate) -> Iterator[None]:
    """Restore all random numbers after the block."""
    states = _states(collate)
    try:
        yield
    finally:
        _restore(states)


def _generators(owner: object, depth: int = 3) -> list[object]:
    """Return the generators that a collate function holds: in attributes, closures and globals."""
    if isinstance(owner, torch.Generator | np.random.Generator | np.random.RandomState):
        return [owner]
    if isinstance(owner, random.Random):
        return [] if isinstance(owner, random.SystemRandom) else [owner]
    if depth == 0 or isinstance(owner, type | types.ModuleType):
        return []
    return [found for part in _held(owner) for found in _generators(part, depth - 1)]


def _held(owner: object) -> list[object]:
    """Return what an object or a function holds."""
    held = [*getattr(owner, "__dict__", {}).values()]
    if isinstance(owner, functools.partial):
        held += [owner.func, *owner.args, *owner.keywords.values()]
    if isinstance(owner, types.MethodType):
        held += [owner.__self__, owner.__func__]
    if isinstance(owner, types.FunctionType):
        names, known = owner.__code__.co_names, owner.__globals__
        held += [known[name] for name in names if name in known]
        held += [*inspect.getclosurevars(owner).nonlocals.values()]
    return held
