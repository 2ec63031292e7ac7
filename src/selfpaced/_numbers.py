"""Numbers as tensors that are made once."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import values_can_be_read

NUMBERS = 256  # how many numbers are kept: settings of parts, and sizes of batches


def number(value: float, like: Tensor) -> Tensor | float:
    """Return a number to compute with a float32 tensor, of the same result to the bit.

    On the CPU torch makes a tensor of a Python number in every call, which takes as long as the
    arithmetic of a batch. An accelerator and a compiler take the number itself.

    Args:
        value: Rounded to float32, as torch rounds it.
        like: The tensor to compute with.

    >>> torch.ones(2) / number(4, torch.ones(2))
    tensor([0.2500, 0.2500])
    """
    return _made(value) if values_can_be_read(like) else value


@lru_cache(maxsize=NUMBERS)
def _made(value: float) -> Tensor:
    """Return a float32 tensor, shape (); from NumPy, so that no mode of the caller changes it."""
    with torch.inference_mode(False):
        return torch.from_numpy(np.array(value, dtype=np.float32))
