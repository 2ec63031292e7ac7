"""Where a training runs: one device, or many processes of Accelerate."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Machine(Protocol):
    """What a training asks of the machine; an ``accelerate.Accelerator`` is one."""

    @property
    def device(self) -> torch.device:
        """Where batches go."""
        ...

    @property
    def process_index(self) -> int:
        """Which process this is, from 0."""
        ...

    @property
    def num_processes(self) -> int:
        """How many there are."""
        ...

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """What keeps the gradients of half precision from vanishing; it learns how as it goes."""
        ...

    def prepare(self, *parts: Any) -> Any:
        """Return model and optimizer as the machine wants them, on its device."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Compute gradients."""
        ...


@dataclass(frozen=True)
class Alone:
    """One process on one device, as the model comes."""

    device: torch.device
    process_index: int = 0
    num_processes: int = 1
    scaler: torch.amp.GradScaler | None = None

    def prepare(self, *parts: Any) -> Any:
        """Return the parts as they are."""
        return parts

    def backward(self, loss: Tensor) -> None:
        """Compute gradients."""
        loss.backward()


class Dropout(nn.Module):
    """Dropout whose mask does not depend on how many processes share a batch.

    Every process draws the mask of the whole batch from the same random numbers, and takes its own
    rows of it. Alone, it is ``nn.Dropout`` to the bit.

    Args:
        p: The share of the inputs that are set to 0.

    >>> dropout = Dropout(0.5)
    >>> share_batch(dropout, rows=4, process=1, processes=2)
    >>> dropout(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, p: float) -> None:
        """Keep the share."""
        super().__init__()
        self.p, self.rows, self.process, self.processes = p, 0, 0, 1

    def forward(self, x: Tensor) -> Tensor:
        """Drop, in training."""
        if not self.training or self.processes == 1:
            return F.dropout(x, self.p, self.training)
        whole = F.dropout(x.new_ones(self.rows, *x.shape[1:]), self.p)
        return x * whole[self.process :: self.processes]

    def extra_repr(self) -> str:
        """Say the share."""
        return f"p={self.p}"


def share_batch(model: nn.Module, rows: int, process: int, processes: int) -> None:
    """Tell a model's dropout of how many rows a batch is, and which of them are this process's.

    Args:
        model: Any; only ``Dropout`` of this module is told.
        rows: Of the batch of all processes.
        process: Takes the rows ``process``, ``process + processes`` and so on.
        processes: How many there are.
    """
    for module in model.modules():
        if isinstance(module, Dropout):
            module.rows, module.process, module.processes = rows, process, processes
