"""Checks of arguments that many modules share, where errors come from, and numbers to compute with.

Each message says what was expected, what came and what to do.
"""

import difflib
import math
from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

NUMBERS = 256  # numbers that are kept as tensors: settings of parts, and sizes of batches
GROUPS = 10_000  # labels of groups up to here are taken in small data too
T = TypeVar("T")
_made: dict[float, "Tensor"] = {}  # the tensors of ``number``
NUMBERED = "numpy.unique(labels, return_inverse=True)[1] numbers the labels, in sorted order."


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and those that it came from.

    >>> error = ValueError("b")
    >>> error.__cause__ = OSError("a")
    >>> list(causes(error))
    [ValueError('b'), OSError('a')]
    """
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError`` with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def require_positive_int(name: str, value: object, owner: str) -> None:
    """Raise unless the value is an int of at least 1 (a bool is not an int here)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{owner}: {name} must be a positive int; got {value!r}.")
    require(value >= 1, f"{owner}: {name} must be a positive int; got {value}.")


def require_step(step: object, owner: str) -> None:
    """Raise unless the step is an int of at least 0 (a bool is not an int here)."""
    if isinstance(step, bool) or not isinstance(step, int):
        raise TypeError(f"{owner}: step must be an int; got {step!r}. Count steps from 0.")
    require(step >= 0, f"{owner}: step must be 0 or more; got {step}. Count steps from 0.")


def require_keys(state: Mapping[str, object], keys: Set[str], owner: str) -> None:
    """Raise unless a saved state has all required keys."""
    missing = keys - set(state)
    require(
        not missing,
        f"{owner}: the state is cut short; it lacks {sorted(missing)}. Load a complete state.",
    )


def require_seed(seed: object, owner: str) -> None:
    """Raise unless the seed is an int from 0 to 2**63 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise ValueError(f"{owner}: seed must be an int from 0 to 2**63 - 1; got {seed!r}.")


def require_finite(name: str, value: float, owner: str) -> None:
    """Raise unless the value is a finite number."""
    require(math.isfinite(value), f"{owner}: {name} must be a finite number; got {value}.")


def values_can_be_read(tensor: "Tensor") -> bool:
    """Return whether values can be read at no cost: in eager mode on the CPU.

    On an accelerator a read waits for the device; under ``torch.compile`` it breaks the graph.
    """
    import torch  # not at the top: the command line checks paths and settings without torch

    return tensor.is_cpu and not torch.compiler.is_compiling()


def number(value: float, like: "Tensor") -> "Tensor | float":
    """Return a number to compute with a float32 tensor, of the same result to the bit.

    On the CPU torch makes a tensor of a Python number in every call, which takes as long as the
    arithmetic of a batch. An accelerator and a compiler take the number itself.

    Args:
        value: Rounded to float32, as torch rounds it.
        like: The tensor to compute with.
    """
    import torch  # not at the top, as above

    if type(like) is not torch.Tensor or not values_can_be_read(like):
        return value
    if like.dtype != torch.float32:
        return value
    made = _made.get(value)
    return _make(value) if made is None else made


def _make(value: float) -> "Tensor":
    """Return a float32 tensor, shape (); keep it, unless a transform or mode of torch wraps it."""
    import torch  # not at the top, as above

    with torch.inference_mode(False):
        made = torch.tensor(value, dtype=torch.float32, device="cpu")
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(made)
    if type(made) is torch.Tensor and not wrapped and len(_made) < NUMBERS:
        _made[value] = made
    return made


def check_groups(name: str, group: "Tensor") -> None:
    """Raise unless groups are whole numbers from 0, without large gaps: an age is kept for each."""
    if group.is_floating_point():
        raise TypeError(
            f"column {name!r} holds groups and must hold whole numbers; got {group.dtype}. Convert "
            f"it, with labels.astype(int) or labels.long()."
        )
    require(
        group.numel() > 0 and int(group.min()) >= 0,
        f"column {name!r} must hold labels from 0 up; got {group[group < 0][:3].tolist()}. "
        f"{NUMBERED}",
    )
    largest, most = int(group.max()), max(GROUPS, 10 * group.numel())
    require(
        largest < most,
        f"column {name!r} must hold labels below {most}, because each label from 0 to the largest "
        f"has an age; got {largest}. {NUMBERED}",
    )


def check_sample_weight(weight: "Tensor") -> None:
    """Raise unless sample weights are finite and 0 or more."""
    require(
        bool((weight >= 0).all() and weight.isfinite().all()),
        "column 'sample_weight' must hold finite floats of 0 or more. To leave a sample out, "
        "give it a weight of 0, not a negative one.",
    )


def choose(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise unless the value is allowed; the message suggests the closest allowed value."""
    if value in allowed:
        return
    near = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}.{hint}")


def column_of(columns: Mapping[str, T], name: str, owner: str) -> T:
    """Return a column that a part of the pacer reads; raise if it is missing."""
    if name not in columns:
        raise ValueError(
            f"{owner} reads the column {name!r}; the pacer has {sorted(columns)}. "
            f"Pass columns={{{name!r}: values}} to Pacer."
        )
    return columns[name]
