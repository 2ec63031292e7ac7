"""The values of a batch: looked at where that is free, flagged where it is not."""

import torch
from torch import Tensor

from selfpaced.errors import raise_nan

LARGEST = torch.finfo(torch.float32).max  # what an infinite loss counts as in the ledger


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
    low, high = (extreme.item() for extreme in score.aminmax())
    if -LARGEST <= low and high <= LARGEST:
        return score, None, True
    valid = ~score.isnan()
    if not skip_nan and low != low:
        raise_nan(score, index)
    return torch.where(valid, score, 0.0).clamp(-LARGEST, LARGEST), valid, False


def flag_scores(
    score: Tensor, index: Tensor, n_samples: int, bad: Tensor, low: float, *, skip_nan: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Leave bad places out without looking at values, and note them for the next step.

    Args:
        score: float32, shape (B,).
        index: Dataset indices, int64, shape (B,).
        n_samples: Indices run up to it.
        bad: int64, shape (2,): the number of bad places and the first bad index, updated in place.
        low: The least score that the weighting takes.
        skip_nan: A NaN is left out, but not bad.

    Returns:
        Indices that address a row, usable scores, and the places that count.
    """
    inside = (index >= 0) & (index < n_samples)
    valid = inside & (score >= low)
    wrong = ~valid
    if skip_nan:
        wrong = wrong & ~(inside & score.isnan())
    first = index.index_select(0, wrong.int().argmax().reshape(1)).squeeze(0)
    bad[1] = torch.where((bad[0] == 0) & wrong.any(), first, bad[1])
    bad[0] += wrong.sum()
    usable = torch.where(valid, score, 0.0).clamp(-LARGEST, LARGEST)
    return index.clamp(0, n_samples - 1), usable, valid
