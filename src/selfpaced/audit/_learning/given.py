"""Probabilities that the user has computed, in place of a training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced._saved import Assign, Saved
from selfpaced.audit._learning.aims import Classes
from selfpaced.audit._learning.mixture import GIVEN, LEAST_PROBABILITY, Blend
from selfpaced.audit._learning.training import Watch
from selfpaced.audit._reading.words import listed

# The version of a saved state.
VERSION = 1
# How far from 1 the probabilities of a row may add up.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class OneEpoch:
    """The settings of a training that is over at once.

    Args:
        epochs: The number of epochs.
        folds: The number of folds.
    """

    epochs: int = 1
    folds: int = 0


class Given:
    """Held-out probabilities of the user; see ``Learner``. There is nothing to train.

    Args:
        probabilities: Probabilities of all classes, shape (n, classes), each row by a model that
            did not learn its label.
        labels: Classes, int64, shape (n,).

    Attributes:
        pacer: A pacer that has seen the loss -ln p of each label.
        epoch: 1 when the losses were seen, else 0.
    """

    settings = OneEpoch()
    predicted = None
    pulses = 1

    def __init__(self, probabilities: NDArray[np.float32], labels: Tensor) -> None:
        """Begin before the losses are seen."""
        self.held_out = {GIVEN: probabilities}
        self.model = Blend({}, None)
        self._labels, self.epoch = labels.cpu(), 0
        self.pacer = Classes(probabilities.shape[1]).pacer(self._labels, held_out=True)

    @property
    def done(self) -> int:
        """The number of calls of ``pulse`` so far."""
        return self.epoch

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        """See the losses."""
        if not self.epoch:
            p = np.clip(self.held_out[GIVEN], LEAST_PROBABILITY, None)
            logits = torch.from_numpy(np.log(p))
            index = torch.arange(len(logits))
            loss = -logits[index, self._labels]
            self.pacer.observe(loss, index, logits, self._labels, probabilities=True)
            self.pacer.step()
            self.epoch = 1
            pulse()
            if watch is not None:
                watch(1, 1, float((self.pacer.weight > 0).float().mean()))
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return a state without values: the probabilities are read again."""
        return {"version": VERSION}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Begin again: nothing is lost.

        Raises:
            ValueError: For the state of a training.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return a function that does nothing."""
        Saved(state, "Given", frozenset(), newest=VERSION)
        return lambda: None


def probabilities_of(
    p: ArrayLike | pd.DataFrame, n: int, classes: pd.Index, name: str
) -> NDArray[np.float32]:
    """Return probabilities as an array, with a column for each class in their order.

    Args:
        p: An array, shape (n, classes), or a frame with a column of the name of each class.
        n: Number of labels.
        classes: The names of the classes, sorted.
        name: What the probabilities are called, for messages.

    Raises:
        ValueError: For another shape, for columns that are not the classes, and for numbers that
            are not probabilities.
    """
    if isinstance(p, pd.DataFrame):
        columns = {str(column): column for column in p.columns}
        lacking = [str(each) for each in classes if str(each) not in columns]
        require(
            not lacking and len(columns) == len(classes),
            f"{name}: the columns must be the classes {listed(classes)}; got {listed(columns)}.",
        )
        p = p[[columns[str(each)] for each in classes]]
    try:
        values = np.asarray(p, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers, shape (n, classes); {error}.") from error
    require(
        values.shape == (n, len(classes)),
        f"{name} must have a row for each of the {n:,} labels and a column for each of the "
        f"{len(classes):,} classes, in the order of their names: {listed(classes)}; got the shape "
        f"{values.shape}.",
    )
    right = np.isfinite(values).all() and (values >= 0).all()
    require(
        bool(right and (np.abs(values.sum(1) - 1) < TOLERANCE).all()),
        f"{name} must be at least 0 and add up to 1 in each row. Apply softmax to logits.",
    )
    return values
