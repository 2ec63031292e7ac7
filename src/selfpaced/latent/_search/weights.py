"""Losses in, weights out: the core's ages and weightings between steps of a search."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from selfpaced.chain import Age, Floats, Population, Weighting

HORIZON = 200  # steps: an age that stands still for so long, or keeps all, will not change
ALMOST_ALL = 0.99  # where all weights are over it the age is infinite: soft ones end at 1, too
NOTICED = 0.01  # a smaller change of a weight is none


class Aged(NamedTuple):
    """A step of the age, float32, shape () or (groups,), and the weights that it gives."""

    step: int
    age: Tensor
    v: Floats


class Choice(NamedTuple):
    """Chooses the weights that minimise sum v f + g(v; age)."""

    weighting: Weighting
    age: Age
    columns: Mapping[str, Tensor]

    def first(self) -> Tensor:
        """Return the age before any step, float32, shape () or (groups,)."""
        return self.age.first(self.columns)

    def weights(self, loss: Floats, step: int, age: Tensor) -> Floats:
        """Return v, float64, shape (n,)."""
        d, each = torch.from_numpy(loss).float(), self._of_each(age)  # as precise as the age
        v = self.weighting(d, each)
        if self.weighting.binary:
            v = self.age.settle(v, step, self._population(loss), each)
        return v.double().numpy()

    def penalty(self, v: Floats, age: Tensor) -> float:
        """Return sum g(v; age); 0 at an infinite age, where v is 1 and g only a constant."""
        each = self._of_each(age).double().expand(len(v))
        finite = each.isfinite()
        return float(self.weighting.penalty(torch.from_numpy(v)[finite], each[finite]).sum())

    def grown(self, loss: Floats, last: Aged) -> Aged:
        """Return the next step."""
        step = last.step + 1
        age = self.age(step, self._population(loss), last.age)
        return Aged(step, age, self.weights(loss, step, age))

    def changed(self, loss: Floats, last: Aged) -> Aged | None:
        """Return the next step that changes a weight at these losses; None where none does.

        An age that is a function of the losses alone says so, ``steady``: one look is enough.
        """
        now, still = last, 0
        while still < (1 if self.age.steady else HORIZON):
            before, now = now, self.grown(loss, now)
            if np.abs(now.v - last.v).max() > NOTICED:
                return now
            stands = torch.equal(now.age, before.age) or bool((now.v > ALMOST_ALL).all())
            still = still + 1 if stands else 0
        return None

    def _population(self, loss: Floats) -> Population:
        return Population(torch.from_numpy(loss).float(), None, self.columns)

    def _of_each(self, age: Tensor) -> Tensor:
        """Return the age of each unit, shape () or (n,), where groups have their own."""
        return age if age.ndim == 0 else age[self.columns[str(self.age.by)]]
