"""Checks of a batch: bad values raise at once on the CPU, and at the next step elsewhere."""

import math
import weakref
from typing import NamedTuple

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.ledger import LARGEST, Ledger
from selfpaced._memory.ring import Ring
from selfpaced._pacer.checks import (
    NO_INDEX,
    check_index,
    check_losses,
    raise_nan,
)
from selfpaced._ranks import from_all
from selfpaced.chain import Weighting


class Weighed(NamedTuple):
    """A batch with its weights.

    Args:
        weight: float32, shape (B,).
        finite: Whether all losses are known to be finite.
        place: Rows of the ledger, int64, shape (B,).
        valid: Which samples are not left out, bool, shape (B,); None for all.
    """

    weight: Tensor
    finite: bool
    place: Tensor
    valid: Tensor | None


class Closure:
    """The batch of the last call, by which the repeated calls of a closure are recognised.

    An optimizer that searches along a line compares values of one objective: if the weights
    changed between its calls, it could lower the loss by making samples too hard to count.

    >>> closure, index = Closure(), torch.tensor([2, 5])
    >>> closure.weight_of(Weighed(torch.tensor([1.0, 0.0]), True, index, None), index, ())
    (tensor([1., 0.]), False)
    >>> closure.weight_of(Weighed(torch.tensor([0.0, 0.0]), True, index, None), index, ())
    (tensor([1., 0.]), True)
    """

    def __init__(self) -> None:
        """Begin without a batch."""
        self._index: weakref.ref[Tensor] | None = None
        self._version: tuple[int, ...] = ()
        self._weight = torch.empty(0, device="cpu")

    def weight_of(
        self, batch: Weighed, index: Tensor | None, decided: tuple[int, ...]
    ) -> tuple[Tensor, bool]:
        """Return the weights of the first call on this batch, shape (B,), and if this repeats it.

        Args:
            batch: The batch as this call weighs it.
            index: Dataset indices; the same batch is the same tensor, not changed in place. None
                is never the same batch.
            decided: Numbers that change when the age or the weights of the pacer are set.
        """
        if index is None or index.is_inference():
            return batch.weight, False
        version = index._version, *decided
        if self._index is None or self._index() is not index or version != self._version:
            self._index, self._version = weakref.ref(index), version
            self._weight = batch.weight
            return batch.weight, False
        weight = self._weight if batch.valid is None else self._weight.where(batch.valid, 0.0)
        return weight, True

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Copy and pickle as a new one: a copied pacer is in no closure."""
        return Closure, ()


def address(ledger: Ledger, loss: Tensor, index: Tensor | None) -> Tensor:
    """Check the shapes and types of a batch; return its rows of the ledger, int64, shape (B,)."""
    check_losses(loss)
    if isinstance(ledger, Ring):
        require(
            index is None,
            "Pacer got an index but was made without n_samples. Make it as Pacer(len(dataset)).",
        )
        return ledger.next(len(loss))
    if index is None:
        raise ValueError(NO_INDEX)
    check_index(index, loss)
    return index


def read_scores(
    score: Tensor, index: Tensor | None, *, skip_nan: bool
) -> tuple[Tensor, Tensor | None, bool]:
    """Check the scores of a batch by their values, in eager mode on the CPU.

    Args:
        score: float32, shape (B,).
        index: Dataset indices, for the error message; None if there are none.
        skip_nan: Leave samples with NaN out instead of raising.

    Returns:
        The scores with infinity replaced by the largest float32; which samples are valid, bool,
        shape (B,), None for all; whether all scores were finite.
    """
    if math.isfinite(score.dot(score).item()):  # else it may be one square that overflows
        return score, None, True
    valid = ~score.isnan()
    if bool((score.abs() <= LARGEST).all()):
        return score, None, True
    if not skip_nan and not bool(valid.all()):
        raise_nan(score, index)
    return torch.where(valid, score, 0.0).clamp(-LARGEST, LARGEST), valid, False


def flag_scores(
    score: Tensor, index: Tensor, n_samples: int, bad: Tensor, *, skip_nan: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Leave bad samples out without reading values, and record them for the next step.

    Args:
        score: float32, shape (B,).
        index: Dataset indices, int64, shape (B,).
        n_samples: Number of rows.
        bad: int64, shape (2,): the number of bad samples and the first bad index, updated in place.
        skip_nan: Leave samples with NaN out without recording them as bad.

    Returns:
        The indices clamped to the rows, the scores without NaN and infinity, and which samples are
        valid.
    """
    inside = (index >= 0) & (index < n_samples)
    valid = inside & ~score.isnan()
    _record(~inside if skip_nan else ~valid, index, bad)
    usable = torch.where(valid, score, 0.0).clamp(-LARGEST, LARGEST)
    return index.clamp(0, n_samples - 1), usable, valid


def flag_below(low: float, difficulty: Tensor, index: Tensor, valid: Tensor, bad: Tensor) -> Tensor:
    """Record valid samples with a difficulty below ``low``; return the other valid ones."""
    below = valid & (difficulty < low)
    _record(below, index, bad)
    return valid & ~below


def _record(wrong: Tensor, index: Tensor, bad: Tensor) -> None:
    """Count the wrong samples, and keep the first bad index of all batches."""
    first = index.index_select(0, wrong.int().argmax().reshape(1)).squeeze(0)
    bad[1] = torch.where((bad[0] == 0) & wrong.any(), first, bad[1])
    bad[0] += wrong.sum()


def raise_flagged(bad: Tensor, n_samples: int, weighting: Weighting) -> None:
    """Raise if bad samples were recorded since the last call, and reset the record.

    Args:
        bad: The record of ``flag_scores``.
        n_samples: Number of rows, for the message.
        weighting: The rule that refuses negative difficulties, for the message.
    """
    count, first = from_all(bad).tolist()
    bad.copy_(torch.tensor([0, -1]))
    require(
        count == 0,
        f"Pacer met {count} bad samples since the last step, the first at index {first}: an "
        f"index out of range for n_samples={n_samples}, a NaN loss, or a negative difficulty "
        f"where {weighting} needs 0 or more. They got weight 0 and were not recorded.",
    )
