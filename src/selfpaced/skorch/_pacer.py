"""The pacer of a net: which rows of X it is of, and a state that comes before them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced._errors import require, require_keys
from selfpaced._pacer.pacer import Pacer
from selfpaced.skorch._rows import Places


class Waiting(nn.Module):
    """Keeps a state that is loaded before the data, and with it the pacer's size, is known."""

    state: Any = None

    def get_extra_state(self) -> Any:
        """Return what was loaded; None for nothing."""
        return self.state

    def set_extra_state(self, state: Any) -> None:
        """Keep it for the pacer to come."""
        self.state = state


class RowPacer(Pacer):
    """A pacer whose state says which rows of X it is of, and which targets they have."""

    def __init__(self, rows: Places, n_rows: int, mark: int, settings: dict[str, Any]) -> None:
        """Make it of some of n_rows rows, whose targets have the mark."""
        super().__init__(len(rows), **settings)
        self.rows, self.n_rows, self.mark = torch.from_numpy(rows), n_rows, mark

    def get_extra_state(self) -> dict[str, Any]:
        """Return the pacer's state with its rows and the mark of their targets."""
        return {**super().get_extra_state(), "rows": self.rows, "mark": self.mark}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take up a state of the same rows."""
        require_keys(state, {"rows", "mark"}, "SelfPacedMixin")
        require(
            torch.equal(self.rows, state["rows"].cpu()) and self.mark == state["mark"],
            "SelfPacedMixin: the pacer remembers other samples. partial_fit, warm_start and "
            "checkpoints go on with the same rows, targets and train_split (one with a "
            "random_state). For other data call initialize(), or fit without warm_start.",
        )
        super().set_extra_state(state)

    def spread(self, places: Tensor, values: Tensor, rest: float) -> NDArray[np.float64]:
        """Return values at some places as values of all rows of X, float64."""
        whole = np.full(self.n_rows, rest)
        whole[self.rows[places.cpu()].numpy()] = values.double().cpu().numpy()
        return whole
