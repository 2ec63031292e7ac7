"""Checks of arguments that many modules share.

Each message says what was expected, what came and what to do.
"""

import difflib
import math
from collections.abc import Mapping, Set
from typing import NoReturn

import torch
from torch import Tensor

# The message for losses without an index.
NO_INDEX = (
    "Pacer(n_samples) needs the dataset index of each loss, int64 of shape (batch,). "
    "Indexed(dataset) yields it. Or make a Pacer() without n_samples."
)


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


def values_can_be_read(tensor: Tensor) -> bool:
    """Return whether values can be read at no cost: in eager mode on the CPU.

    On an accelerator a read waits for the device; under ``torch.compile`` it breaks the graph.
    """
    return tensor.is_cpu and not torch.compiler.is_compiling()


def check_losses(loss: Tensor) -> None:
    """Raise unless there is one floating-point loss per sample, and at least one.

    Called for every batch, so a message is only built when a check fails.
    """
    if not isinstance(loss, Tensor) or not loss.is_floating_point():
        came = loss.dtype if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f"Pacer expects a floating-point tensor of losses; got {came}.")
    if loss.ndim != 1:
        raise ValueError(
            f"Pacer expects one loss per sample, shape (batch,); got shape {tuple(loss.shape)}. "
            f'Pass reduction="none" to your loss function. For sequences, call '
            f"reduce_tokens(loss, mask)."
        )
    if loss.shape[0] == 0:
        raise ValueError("Pacer got an empty batch, shape (0,). Skip empty batches.")


def check_index(index: Tensor, loss: Tensor) -> None:
    """Raise unless there is one int64 index per loss. Called for every batch."""
    if not isinstance(index, Tensor) or index.dtype != torch.int64:
        came = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise TypeError(
            f"Pacer expects the index as an int64 tensor; got {came}. "
            f"Indexed(dataset) yields one. Floats cannot represent every index."
        )
    if index.shape != loss.shape:
        raise ValueError(
            f"Pacer expects one index per loss, shape {tuple(loss.shape)}; "
            f"got shape {tuple(index.shape)}."
        )


def check_score(score: Tensor, loss: Tensor) -> None:
    """Raise unless there is one difficulty per loss. Called for every batch."""
    if score.shape != loss.shape:
        raise ValueError(
            f"Pacer expects one difficulty per loss, shape {tuple(loss.shape)}; "
            f"got shape {tuple(score.shape)}."
        )


def raise_out_of_range(index: Tensor, n_samples: int) -> NoReturn:
    """Raise ``ValueError`` that names the first index out of range."""
    bad = index[(index < 0) | (index >= n_samples)][0].item()
    raise ValueError(
        f"index {bad} is out of range for n_samples={n_samples}. "
        f"Was the dataset enlarged after the Pacer was made?"
    )


def raise_nan(loss: Tensor, index: Tensor | None) -> NoReturn:
    """Raise ``ValueError`` that names up to ten samples with a NaN loss."""
    places = loss.isnan().nonzero().squeeze(1)
    where = places if index is None else index[places]
    what = "places in the batch" if index is None else "dataset indices"
    raise ValueError(
        f"Pacer got a NaN loss at {what} {where[:10].tolist()}. Lower the learning rate or "
        f"fix the data; skip_nan=True leaves such samples out."
    )


def check_groups(name: str, group: Tensor) -> None:
    """Raise unless groups are int64 labels of 0 or more."""
    if group.dtype != torch.int64:
        raise TypeError(f"column {name!r} holds groups and must be int64; got {group.dtype}.")
    require(
        group.numel() > 0 and int(group.min()) >= 0,
        f"column {name!r} must hold labels from 0 up; got {group[group < 0][:3].tolist()}.",
    )


def check_sample_weight(weight: Tensor) -> None:
    """Raise unless sample weights are finite and 0 or more."""
    require(
        weight.is_floating_point() and bool((weight >= 0).all() and weight.isfinite().all()),
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


def column_of(columns: Mapping[str, Tensor], name: str, owner: str) -> Tensor:
    """Return a column that a part of the pacer reads; raise if it is missing."""
    if name not in columns:
        raise ValueError(
            f"{owner} reads the column {name!r}; the pacer has {sorted(columns)}. "
            f"Pass columns={{{name!r}: values}} to Pacer."
        )
    return columns[name]
