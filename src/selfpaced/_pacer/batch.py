"""A batch at the boundary: looked at where that is free, flagged where it is not."""

from typing import NamedTuple

import torch
from torch import Tensor

from selfpaced._errors import (
    NO_INDEX,
    check_index,
    check_losses,
    raise_nan,
    raise_out_of_range,
    require,
)
from selfpaced._memory.ledger import Ledger
from selfpaced._memory.ring import Ring
from selfpaced._ranks import from_all
from selfpaced.chain import Rows, Weighting

LARGEST = torch.finfo(torch.float32).max  # what an infinite loss counts as in the ledger


class Weighed(NamedTuple):
    """A batch after the ledger has seen it.

    Args:
        weight: float32, shape (B,).
        finite: All losses are known to be finite.
        place: Rows of the ledger, int64, shape (B,).
        valid: Places that count, bool, shape (B,); None for all.
    """

    weight: Tensor
    finite: bool
    place: Tensor
    valid: Tensor | None


def address(ledger: Ledger, loss: Tensor, index: Tensor | None) -> Tensor:
    """Return the rows of a batch, int64, shape (B,), once shapes and types are right."""
    check_losses(loss)
    if isinstance(ledger, Ring):
        require(
            index is None,
            "Pacer got an index and was made without n_samples. Make it as Pacer(len(dataset)).",
        )
        return ledger.next(len(loss))
    if index is None:
        raise ValueError(NO_INDEX)
    check_index(index, loss)
    return index


def gather(ledger: Ledger, index: Tensor) -> Rows:
    """Gather the rows of a batch; torch notices an index out of range by itself."""
    try:
        return ledger.rows(index)
    except IndexError:
        raise_out_of_range(index, ledger.n_samples)


def read_scores(
    score: Tensor, index: Tensor | None, *, skip_nan: bool
) -> tuple[Tensor, Tensor | None, bool]:
    """Look at the scores of a batch, in eager mode on the CPU.

    Args:
        score: float32, shape (B,).
        index: Dataset indices, to name the bad ones by; None where there are none.
        skip_nan: Leave NaN out instead of raising.

    Returns:
        The scores with infinity replaced by the largest float32; the places that count (None for
        all); whether all were finite.
    """
    lowest, highest = score.aminmax()
    low, high = lowest.item(), highest.item()
    if -LARGEST <= low and high <= LARGEST:
        return score, None, True
    valid = ~score.isnan()
    if not skip_nan and low != low:
        raise_nan(score, index)
    return torch.where(valid, score, 0.0).clamp(-LARGEST, LARGEST), valid, False


def flag_scores(
    score: Tensor, index: Tensor, n_samples: int, bad: Tensor, *, skip_nan: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Leave bad places out without looking at values, and note them for the next step.

    Args:
        score: float32, shape (B,).
        index: Dataset indices, int64, shape (B,).
        n_samples: Indices run up to it.
        bad: int64, shape (2,): the number of bad places and the first bad index, updated in place.
        skip_nan: A NaN is left out, but not bad.

    Returns:
        Indices that address a row, usable scores, and the places that count.
    """
    inside = (index >= 0) & (index < n_samples)
    valid = inside & ~score.isnan()
    _note(~inside if skip_nan else ~valid, index, bad)
    usable = torch.where(valid, score, 0.0).clamp(-LARGEST, LARGEST)
    return index.clamp(0, n_samples - 1), usable, valid


def flag_below(low: float, difficulty: Tensor, index: Tensor, valid: Tensor, bad: Tensor) -> Tensor:
    """Note the valid places that are easier than the weighting takes; return the valid others."""
    below = valid & (difficulty < low)
    _note(below, index, bad)
    return valid & ~below


def _note(wrong: Tensor, index: Tensor, bad: Tensor) -> None:
    """Count wrong places, and keep the first index of all."""
    first = index.index_select(0, wrong.int().argmax().reshape(1)).squeeze(0)
    bad[1] = torch.where((bad[0] == 0) & wrong.any(), first, bad[1])
    bad[0] += wrong.sum()


def raise_flagged(bad: Tensor, n_samples: int, weighting: Weighting) -> None:
    """Raise if ``flag_scores`` met bad places since the last call, and forget them.

    Args:
        bad: As ``flag_scores`` keeps it.
        n_samples: Indices run up to it.
        weighting: The rule that needs what they lack.
    """
    count, first = from_all(bad).tolist()
    bad.copy_(torch.tensor([0, -1]))
    require(
        count == 0,
        f"Pacer met {count} bad samples since the last step, the first at index {first}: an "
        f"index out of range for n_samples={n_samples}, a NaN loss, or a negative difficulty "
        f"where {weighting} needs 0 or more. They got weight 0 and were not remembered.",
    )
