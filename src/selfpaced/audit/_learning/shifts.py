"""Random shifts of images: a network that sees an image elsewhere learns labels by heart later."""

import torch
from torch import Tensor
from torch.nn import functional as F

# An image is shifted by at most its shorter side over this number: 2 pixels of 28.
PARTS = 14


def pixels_for(height: int, width: int) -> int:
    """Return the largest shift of images of this size, in pixels.

    >>> pixels_for(28, 28), pixels_for(64, 48), pixels_for(8, 8)
    (2, 3, 0)
    """
    return min(height, width) // PARTS


def shifted(x: Tensor, most: int, rows: int, process: int = 0, processes: int = 1) -> Tensor:
    """Return images, each shifted at random; the pixels at its edge are repeated.

    Every process draws the shifts of the whole batch and uses those of its own rows.

    Args:
        x: The rows of this process, shape (B, channels, height, width).
        most: The largest shift, in pixels.
        rows: Rows of the batch, counted over all processes.
        process: Number of this process, from 0.
        processes: Number of processes that share the batch.

    >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> shifted(image, 1, 1).shape
    torch.Size([1, 1, 3, 3])
    """
    height, width = x.shape[2:]
    by = torch.randint(0, 2 * most + 1, (rows, 2))[process::processes].to(x.device)
    wide = F.pad(x, (most,) * 4, mode="replicate")
    down = by[:, :1] + torch.arange(height, device=x.device)
    right = by[:, 1:] + torch.arange(width, device=x.device)
    image = torch.arange(len(x), device=x.device)
    picked = wide[image[:, None, None], :, down[:, :, None], right[:, None, :]]
    return picked.movedim(3, 1)
