"""From losses to weights: ages and weightings, applied between two fits of a search."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from selfpaced.chain import Age, Floats, Population, Weighting

# After this many steps in a row in which the age stays the same or keeps all units, no later step
# is expected to change a weight.
MAX_IDLE_STEPS = 200
# When all weights are above this, the age becomes infinite, so that soft weights end at 1, too.
ALMOST_ONE = 0.99
# A weight counts as changed if it changes by more than this.
MIN_CHANGE = 0.01


class AgeStep(NamedTuple):
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
        # The age is float32: losses must have the same precision to be compared with it.
        difficulty, age_per_unit = torch.from_numpy(loss).float(), self._age_per_unit(age)
        v = self.weighting(difficulty, age_per_unit)
        if self.weighting.binary:
            v = self.age.settle(v, step, self._population(loss), age_per_unit)
        return v.double().numpy()

    def penalty(self, v: Floats, age: Tensor) -> float:
        """Return sum g(v; age); 0 at an infinite age, where v is 1 and g is a constant."""
        age_per_unit = self._age_per_unit(age).double().expand(len(v))
        finite = age_per_unit.isfinite()
        return float(
            self.weighting.penalty(torch.from_numpy(v)[finite], age_per_unit[finite]).sum()
        )

    def next_step(self, loss: Floats, last: AgeStep) -> AgeStep:
        """Return the step after ``last`` at these losses."""
        step = last.step + 1
        age = self.age(step, self._population(loss), last.age)
        return AgeStep(step, age, self.weights(loss, step, age))

    def next_change(self, loss: Floats, last: AgeStep) -> AgeStep | None:
        """Return the next step that changes a weight at these losses; None if no step does.

        One step is enough for a ``steady`` age, which is a function of the losses alone.
        """
        now, idle = last, 0
        while idle < (1 if self.age.steady else MAX_IDLE_STEPS):
            before, now = now, self.next_step(loss, now)
            if np.abs(now.v - last.v).max() > MIN_CHANGE:
                return now
            is_idle = torch.equal(now.age, before.age) or bool((now.v > ALMOST_ONE).all())
            idle = idle + 1 if is_idle else 0
        return None

    def _population(self, loss: Floats) -> Population:
        """Return the losses of all units as the population that the age reads."""
        return Population(torch.from_numpy(loss).float(), None, self.columns)

    def _age_per_unit(self, age: Tensor) -> Tensor:
        """Return the age of each unit: shape (n,) if groups have ages of their own, else ()."""
        return age if age.ndim == 0 else age[self.columns[str(self.age.by)]]
