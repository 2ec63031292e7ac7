"""What a training runs on: one device, or several processes of Accelerate."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

# Up to this number of rows, several threads of scikit-learn mostly wait for each other.
ONE_THREAD = 20_000


class Machine(Protocol):
    """What a training needs from the machine; an ``accelerate.Accelerator`` provides it."""

    @property
    def device(self) -> torch.device:
        """The device of the model and of the batches."""
        ...

    @property
    def process_index(self) -> int:
        """The number of this process, from 0."""
        ...

    @property
    def num_processes(self) -> int:
        """The number of processes."""
        ...

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """The gradient scaler of fp16, whose state changes in training; None without fp16."""
        ...

    def prepare(self, *parts: Any) -> Any:
        """Return the model and the optimizer, wrapped for this machine and on its device."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Compute gradients."""
        ...


@dataclass(frozen=True)
class Alone:
    """One process on one device; the model and the optimizer are used as they are."""

    device: torch.device
    process_index: int = 0
    num_processes: int = 1
    scaler: torch.amp.GradScaler | None = None

    def prepare(self, *parts: Any) -> Any:
        """Return the parts unchanged."""
        return parts

    def backward(self, loss: Tensor) -> None:
        """Compute gradients."""
        loss.backward()


class Dropout(nn.Module):
    """Dropout whose mask does not depend on the number of processes that share a batch.

    Every process draws the mask of the whole batch from the same random numbers and uses its own
    rows of the mask. Each element of a mask takes one random byte, so ``p`` is rounded to a
    multiple of 1/256; on a CPU this takes a fifth of the time of ``nn.Dropout``.

    Args:
        p: The probability with which an input is set to 0.

    >>> dropout = Dropout(0.5)
    >>> share_batch(dropout, rows=4, process=1, processes=2)
    >>> dropout(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, p: float) -> None:
        """Keep the probability."""
        super().__init__()
        self.p, self.rows, self.process, self.processes = p, 0, 0, 1

    def forward(self, x: Tensor) -> Tensor:
        """Set inputs to 0 at random in training; return them unchanged in evaluation."""
        dropped = round(self.p * 256)
        if not self.training or not dropped:
            return x
        rows = len(x) if self.processes == 1 else self.rows
        mask = random_bytes((rows, *x.shape[1:]), x.device) >= dropped
        return x * mask[self.process :: self.processes] * (256 / (256 - dropped))

    def extra_repr(self) -> str:
        """Return the probability, for ``repr``."""
        return f"p={self.p}"


def random_bytes(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Return uniform random bytes, uint8; eight of them take one random number of torch."""
    count = math.prod(shape)
    words = torch.empty(-(-count // 8), dtype=torch.int64, device=device)
    return words.random_(-(2**63), None).view(torch.uint8)[:count].view(shape)


def share_batch(model: nn.Module, rows: int, process: int, processes: int) -> None:
    """Tell every ``Dropout`` of a model which rows of the next batch belong to this process.

    Args:
        model: Any module; only layers of the class ``Dropout`` above are changed.
        rows: Rows of the batch, counted over all processes.
        process: Number of this process. Its rows are ``process``, ``process + processes``, ...
        processes: Number of processes.
    """
    for module in model.modules():
        if isinstance(module, Dropout):
            module.rows, module.process, module.processes = rows, process, processes
