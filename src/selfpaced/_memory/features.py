"""``Features``: the features of the samples of a step, and the doubt about each label."""

import math
from typing import Self

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced._memory.columns import lasting, place
from selfpaced._memory.leave_one_out import doubts, drawn
from selfpaced._ranks import from_all
from selfpaced._saved import Saved

WIDEST = 512  # features with more numbers than these are projected on as many at random
BLOCK = 4096  # rows of a projection that are drawn at a time
KEYS = {"doubt", "index", "rows", "width"}  # the keys of a state


class Features:
    """The features of the samples that a step has seen, and the doubt about each label.

    Args:
        n_samples: Number of samples.
        width: Number of features that a sample is given with.
        device: Device of the columns.

    Attributes:
        rows: The features, float32, shape (n_samples, at most 512); those of samples that wait for
            ``Ledger.commit`` are known.
        doubt: The last result of ``doubts`` for each sample, float32, shape (n_samples,); 0 before.

    >>> features = Features(2, 1, torch.device("cpu"))
    >>> features.write(torch.tensor([1]), torch.tensor([[0.5]]), None)
    >>> features.rows
    tensor([[0.0000],
            [0.5000]])
    """

    def __init__(self, n_samples: int, width: int, device: torch.device) -> None:
        """Make empty columns."""
        self.width = width
        with lasting():
            shape, dtype = (n_samples, min(width, WIDEST)), torch.float32
            self.rows = torch.zeros(shape, dtype=dtype, device=device)
            self.doubt = torch.zeros(n_samples, dtype=dtype, device=device)
            self._projection = None if width <= WIDEST else _projection(width, device)

    def write(self, index: Tensor, features: Tensor, valid: Tensor | None) -> None:
        """Keep the features of a batch, shape (B, width); of equal indices the last place wins."""
        rows = features.detach().to(torch.float32)
        if self._projection is not None:
            with torch.autocast(rows.device.type, enabled=False):
                rows = rows @ self._projection
        place([(self.rows, rows)], index, valid)

    def judge(self, index: Tensor, labels: Tensor, weight: Tensor) -> None:
        """Compute the doubt about the labels of these samples; on all ranks, each with its own.

        Args:
            index: Samples whose features are known, int64, shape (m,).
            labels: Their labels, int64 from 0, shape (m,).
            weight: How much each counts in the fit, 0 or more, shape (m,).

        Raises:
            ValueError: For features that are NaN or infinite.
        """
        rows = self.rows[index]
        bad = index[~rows.isfinite().all(1)]
        first = bad[0] if len(bad) else index.new_tensor(-1)
        count, where = from_all(torch.stack([index.new_tensor(len(bad)), first])).tolist()
        require(
            count == 0,
            f"Pacer got features that are NaN or infinite, of {count} samples, the first at index "
            f"{where}, whose losses are finite. Features are the activations of the model.",
        )
        self.doubt = self.doubt.index_copy(0, index, doubts(rows, labels, weight, index))

    def to(self, device: torch.device) -> Self:
        """Move the columns."""
        with lasting():
            self.rows, self.doubt = self.rows.to(device), self.doubt.to(device)
            if self._projection is not None:
                self._projection = self._projection.to(device)
        return self

    def state_dict(self, waiting: Tensor) -> dict[str, Tensor | int]:
        """Return copies of the doubt and of the features of the waiting samples, on the CPU."""
        index = waiting.nonzero().squeeze(1)
        known = {"doubt": self.doubt.to("cpu", copy=True), "index": index.cpu()}
        return {**known, "rows": self.rows[index].cpu(), "width": self.width}

    @classmethod
    def read(cls, state: object, waiting: Tensor) -> Self:
        """Return the columns that ``state_dict`` returned, on the CPU.

        Raises:
            ValueError: For a state that is cut short, of another size, or damaged.
        """
        saved = Saved(state, "Pacer", KEYS, name="state's memory of features")
        n_samples, width = len(waiting), saved.count("width", least=1)
        doubt = saved.tensor("doubt", torch.float32, (n_samples,))
        index = saved.tensor("index", torch.int64, (None,), low=0, high=n_samples - 1)
        same = torch.equal(index, waiting.nonzero().squeeze(1))
        saved.require("index", same, "the samples that wait for a step", index)
        rows = saved.tensor("rows", torch.float32, (len(index), min(width, WIDEST)), nan=True)
        made = cls(n_samples, width, torch.device("cpu"))
        made.doubt.copy_(doubt)
        made.rows[index] = rows
        return made


def check_features(features: Tensor, loss: Tensor, known: Features | None) -> None:
    """Raise unless there is a row of real numbers per loss, as wide as those before.

    Called for every batch, so a message is only built when a check fails.
    """
    holds = features.ndim == 2 and features.shape[0] == loss.shape[0] and features.shape[1] > 0
    if not holds or not features.is_floating_point():
        raise ValueError(
            f"Pacer expects features as real numbers of shape (batch, features), a row per loss; "
            f"got {tuple(features.shape)} of {features.dtype} for losses {tuple(loss.shape)}. Use "
            f"features.flatten(1)."
        )
    if known is not None and known.width != features.shape[1]:
        raise ValueError(
            f"Pacer has kept {known.width} features of each sample; got {features.shape[1]}. Give "
            f"the same layers in every call."
        )


def _projection(width: int, device: torch.device) -> Tensor:
    """Return a matrix of random signs, which nearly keeps distances; the same on every machine.

    Achlioptas, *Database-friendly random projections*, J. Computer and System Sciences 2003.
    """
    blocks = []
    for start in range(0, width, BLOCK):
        stop = min(start + BLOCK, width)
        each = torch.arange(start * WIDEST, stop * WIDEST, device=device)
        signs = torch.where(drawn(each) < 1 / 2, -1.0, 1.0).to(torch.float32)
        blocks.append(signs.reshape(-1, WIDEST) / math.sqrt(WIDEST))
    return torch.cat(blocks)
