"""The difficulty at which to stop to keep a share."""

import math

import numpy as np
import torch
from torch import Tensor

SLACK = 1e-6  # of a sample: 0.6 * 5 is 3, whatever floats make of it


def cut(difficulty: Tensor, share: float, mass: Tensor | None = None) -> float:
    """Return the difficulty at which to stop to keep this share: the easiest one left out.

    Args:
        difficulty: Shape (n,); lower is easier.
        share: From 0 to 1, of the number of samples, or of their mass where given.
        mass: What each sample counts, shape (n,).

    Returns:
        The (k + 1)-th smallest difficulty, or inf when nothing is left out.

    >>> cut(torch.tensor([3.0, 1.0, 2.0]), share=2 / 3)
    3.0
    """
    n = len(difficulty)
    if mass is not None:
        return _cut_by_mass(difficulty, share, mass)
    k = math.ceil(share * n - SLACK)
    if k >= n:
        return math.inf
    if difficulty.device.type == "cpu":  # numpy's selection is several times faster than kthvalue
        return float(np.partition(difficulty.numpy(), k)[k])
    return float(difficulty.kthvalue(k + 1).values)


def _cut_by_mass(difficulty: Tensor, share: float, mass: Tensor) -> float:
    """The first sample, from easy to hard, before which the share is full."""
    order = torch.argsort(difficulty, stable=True)
    filled = mass[order].double().cumsum(0)
    if not len(order):
        return math.inf
    before = filled - mass[order]
    fits = int((before < share * filled[-1] - SLACK).sum())
    left_out = bool((mass[order[fits:]] > 0).any())
    return float(difficulty[order[fits]]) if left_out else math.inf
