"""Saved states: all of a state is checked before anything is assigned.

A class with a state has three methods. ``state_dict`` returns the state, with its version.
``_read`` checks a state, builds what is new, changes nothing, and returns the function that assigns
what is new, which cannot fail. ``load_state_dict`` reads and assigns. What has several parts reads
all of them before it assigns the first.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import torch
from torch import Tensor

from selfpaced._errors import require

Assign = Callable[[], None]  # assigns what was read from a state

LARGEST_COUNT = 2**31 - 1  # a larger number of steps, epochs or batches is damage
LONGEST = 60  # characters of a wrong value that a message shows
HINT = "Use a state that state_dict() returned."


class Saved:
    """A saved state, whose values are checked as they are read.

    All errors are ``ValueError``. Unknown keys are refused, because a misspelt key that may be
    missing would be lost without a word.

    Args:
        state: What was saved.
        owner: The class that reads it, for messages.
        keys: The keys that it must have, besides "version".
        newest: The newest version that is known. A state that does not say it is of version 1.
        optional: Keys that it may have.
        name: What the state is, for messages.

    >>> Saved({"version": 1, "steps": 3}, "Pacer", {"steps"}, newest=1).count("steps")
    3
    """

    def __init__(
        self,
        state: object,
        owner: str,
        keys: Set[str],
        *,
        newest: int = 1,
        optional: Set[str] = frozenset(),
        name: str = "state",
    ) -> None:
        """Check the version and the keys."""
        self.owner, self.name = owner, name
        if not isinstance(state, Mapping):
            raise ValueError(f"{owner}: the {name} must be a dict; got {shown(state)}. {HINT}")
        self._state = {"version": 1} | dict(state)
        self.version = self.count("version", least=1)
        require(
            self.version <= newest,
            f"{owner}: the {name} is of version {self.version}, newer than {newest}. Update "
            f"selfpaced.",
        )
        missing = sorted(keys - self._state.keys())
        require(
            not missing,
            f"{owner}: the {name} is cut short; it lacks {missing}. Load a complete state.",
        )
        unknown = [key for key in self._state if key not in {"version", *keys, *optional}]
        require(not unknown, f"{owner}: the {name} has unknown keys: {shown(unknown)}. {HINT}")

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - whatever was saved
        """Return a value that is not checked yet."""
        return self._state[key]

    def __contains__(self, key: str) -> bool:
        """Return whether the state has the key."""
        return key in self._state

    def without(self, keys: Set[str]) -> dict[str, Any]:
        """Return the state without some keys: what a base class reads."""
        return {key: value for key, value in self._state.items() if key not in keys}

    def require(self, key: str, holds: bool, what: str, got: object) -> None:
        """Raise unless the condition on the value of a key holds.

        Args:
            key: The key.
            holds: The condition.
            what: What the value must be, for the message.
            got: What it is, for the message.
        """
        if not holds:
            raise ValueError(
                f"{self.owner}: {key!r} of the {self.name} must be {what}; got {shown(got)}. {HINT}"
            )

    def count(self, key: str, *, least: int = 0, most: int = LARGEST_COUNT) -> int:
        """Return an int in a range; a bool is not an int here."""
        value = self[key]
        holds = type(value) is int and least <= value <= most
        self.require(key, holds, f"an int from {least} to {most}", value)
        return int(value)

    def flag(self, key: str) -> bool:
        """Return a bool."""
        value = self[key]
        self.require(key, isinstance(value, bool), "True or False", value)
        return bool(value)

    def number(self, key: str, *, positive: bool = False) -> float:
        """Return a number that is not NaN, or a finite one above 0; an int stays an int."""
        value = self[key]
        holds = is_number(value) and not math.isnan(value)
        if positive:
            holds = holds and 0 < value < math.inf
        self.require(key, holds, "a finite number above 0" if positive else "a number", value)
        return value  # type: ignore[no-any-return]  # it is a number

    def require_like(self, key: str, value: object, now: object) -> None:
        """Raise unless a value has the form of another one: keys, lengths, types and shapes."""
        if isinstance(now, Tensor):
            self.require(key, _has_form(value, now.dtype, tuple(now.shape)), shown(now), value)
        elif isinstance(now, Mapping):
            same = isinstance(value, Mapping) and value.keys() == now.keys()
            self.require(key, same, f"a dict with the keys {shown(sorted(now))}", value)
            for name in now:
                self.require_like(f"{key}.{name}", value[name], now[name])  # type: ignore[index]
        else:
            self.require(key, type(value) is type(now), f"of {type(now).__name__}", value)

    def tensor(
        self,
        key: str,
        dtype: torch.dtype,
        shape: tuple[int | None, ...],
        *,
        low: float = -math.inf,
        high: float = math.inf,
        nan: bool = False,
    ) -> Tensor:
        """Return a tensor on the CPU.

        Args:
            key: Its key.
            dtype: The type of its values.
            shape: Its shape; None for any length.
            low: The least value.
            high: The largest value.
            nan: Whether values may be NaN.
        """
        value = self[key]
        wanted = f"{_name(dtype)} of shape {str(shape).replace('None', 'n')}"
        self.require(key, _has_form(value, dtype, shape), wanted, value)
        tensor: Tensor = value.detach().cpu()
        outside = torch.zeros_like(tensor, dtype=torch.bool) if nan else tensor.isnan()
        if low > -math.inf:  # integers are compared with integers: floats do not have them all
            outside |= tensor < low
        if high < math.inf:
            outside |= tensor > high
        bad = tensor[outside]
        limits = f" with values from {low:g} to {high:g}" + ("" if nan else ", none NaN")
        self.require(key, not len(bad), wanted + limits, bad[:3].tolist())
        return tensor


def assign_all(assigns: Iterable[Assign]) -> Assign:
    """Return a function that assigns all that was read.

    >>> found = []
    >>> assign_all([lambda: found.append(1), lambda: found.append(2)])()
    >>> found
    [1, 2]
    """
    read = list(assigns)

    def assign() -> None:
        """Assign in order."""
        for each in read:
            each()

    return assign


def is_number(value: object) -> bool:
    """Return whether a value is an int or a float, and not too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 2**1000


def require_generator(saved: Saved, key: str, state: object, device: torch.device) -> Tensor:
    """Return a copy of the state of a random number generator; raise unless it can be set.

    Args:
        saved: The state that it is part of.
        key: Its key.
        state: What was saved.
        device: The device of the generator.
    """
    generator = torch.Generator(device)
    size = len(generator.get_state())
    holds = _has_form(state, torch.uint8, (size,))
    if holds and isinstance(state, Tensor):
        try:
            generator.set_state(state.cpu())
        except RuntimeError:
            holds = False
    saved.require(key, holds, f"the state of a random number generator, {size} bytes", state)
    return generator.get_state()


def shown(value: object) -> str:
    """Return a short description of a value, on one line.

    >>> shown(torch.zeros(2)), shown("a" * 99)[:9], shown(10**5000)
    ('float32 of shape (2,)', "'aaaaaaaa", 'an int of 16610 bits')
    """
    if isinstance(value, Tensor):
        plain = value.layout == torch.strided and not value.is_meta
        where = "" if plain else f" ({_name(value.layout)}, {value.device})"
        return f"{_name(value.dtype)} of shape {tuple(value.shape)}{where}"
    if isinstance(value, int) and abs(value) > 2**1000:
        return f"an int of {value.bit_length()} bits"
    if isinstance(value, Mapping | list | tuple) and not _is_plain(value):
        return f"a {type(value).__name__} of {len(value)}"
    said = " ".join(repr(value).split())
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."


def _name(kind: torch.dtype | torch.layout) -> str:
    """Return the name of a type or layout without that of torch."""
    return str(kind).removeprefix("torch.")


def _is_plain(values: Mapping[Any, Any] | list[Any] | tuple[Any, ...]) -> bool:
    """Return whether a container holds only values with a short description."""
    if isinstance(values, Mapping):
        return not values
    return all(isinstance(value, str | float | bool) or is_number(value) for value in values)


def _has_form(value: object, dtype: torch.dtype, shape: tuple[int | None, ...]) -> bool:
    """Return whether a value is a dense tensor with values, of this type and shape."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_meta:
        return False
    fits = len(value.shape) == len(shape) and all(
        want in (None, length) for want, length in zip(shape, value.shape, strict=True)
    )
    return fits and value.dtype == dtype
