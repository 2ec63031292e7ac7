"""Reads the draw of a saved ``PacedSampler``, and checks that it is one."""

from collections.abc import Sized

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.order import Drawn, length_of
from selfpaced._saved import Saved, shown


def read_draw(saved: Saved, pacer: Pacer, length: str | int) -> tuple[Drawn | None, int]:
    """Return the draw of a state, if an epoch has begun, and the position in it."""
    n_samples = saved["n_samples"]
    require(
        type(n_samples) is int and n_samples == pacer.n_samples,
        f"PacedSampler: the state is of {shown(n_samples)} samples, the pacer of "
        f"{pacer.n_samples}. Did the dataset change since the checkpoint?",
    )
    ranks, position = saved.count("num_replicas", least=1), saved.count("position")
    order = _read_order(saved, n_samples, length)
    easy = _single(saved, "easy")
    if easy is not None:
        easy = Saved({"easy": easy}, saved.owner, {"easy"}).tensor("easy", torch.bool, (n_samples,))
    if order is None:
        saved.require("easy", easy is None, "empty without an order", easy)
        saved.require("position", position == 0, "0 without an order", position)
        return None, 0
    require_position(position, order, ranks)
    return Drawn(order.numpy().copy(), None if easy is None else easy.clone()), position


def _read_order(saved: Saved, n_samples: int, length: str | int) -> Tensor | None:
    """Return the order of a state; None if no epoch has begun.

    An order of a fixed length repeats samples in turns, so that their numbers of visits differ by
    one at most. Any other visits a sample once.
    """
    order = _single(saved, "order")
    if order is None:
        return None
    saved = Saved({"order": order}, saved.owner, {"order"})
    order = saved.tensor("order", torch.int64, (None,), low=0, high=n_samples - 1)
    wanted = {"selected": len(order), "dataset": n_samples}
    long = wanted[length] if isinstance(length, str) else length
    what = "indices of samples, at least one" if length == "selected" else f"{long} indices"
    saved.require("order", len(order) == long > 0, f"{what}, as of length={length!r}", order)
    visits = order.bincount()
    few, most = int(visits[visits > 0].min()), int(visits.max())
    turns = most == 1 if length == "selected" else most - few <= 1
    saved.require("order", turns, "a draw, which visits all of its samples in turn", order)
    return order


def _single(saved: Saved, key: str) -> object:
    """Return what a tuple holds, or a list once it was JSON; in version 1 it stood alone."""
    value = saved[key]
    if value is None or (saved.version == 1 and isinstance(value, Tensor)):
        return value
    holds = isinstance(value, list | tuple) and len(value) <= 1
    saved.require(key, holds, "a tuple of one tensor, or empty", value)
    return value[0] if value else None


def require_position(position: int, order: Sized | None, ranks: int) -> None:
    """Raise for a position beyond the length of an epoch on one rank."""
    if order is None:
        return
    most = length_of(order, ranks)
    require(
        0 <= position <= most,
        f"PacedSampler: position must be from 0 to {most}, the length of the epoch on this rank; "
        f"got {position}.",
    )
