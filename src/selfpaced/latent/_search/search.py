"""Alternating search over parameters w, latent values h and sample weights v.

    min over w, h, v   r(w) + sum_i v_i f_i(w, h_i) + g(v; age)

CCCP, EM and k-means are the same search with all v_i = 1: ``Search(age=None)``.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require, require_positive_int
from selfpaced._pacer.checks import AGE, WEIGHTING, require_part
from selfpaced._public import public
from selfpaced.age import Growing
from selfpaced.chain import Age, Weighting
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.run import Result, Row, Run
from selfpaced.latent._search.weights import Choice
from selfpaced.weighting import Hard

H = TypeVar("H")
W = TypeVar("W")
Column = Tensor | NDArray[Any]


@public("selfpaced.latent")
class NotConverged(UserWarning):
    """A search or a solver ended at its limit."""


@public("selfpaced.latent")
@dataclass(frozen=True)
class Stop:
    """When the outer rounds end: the objective has stopped falling.

    It is looked at only when no later age would change a weight. One small decrease is no proof:
    from random latent values the second round of CCCP often falls by less than the tolerance, and
    the third by much. Where neither h nor v changes any more nothing ever will: it ends at once.

    Args:
        tol: A decrease of no more counts as small; in the unit of the objective, 0 or more. None
            for the model's ``tolerance``.
        min_outer: At least so many rounds, warm-up included.
        patience: So many small decreases in a row.
        max_outer: At most so many rounds, with a ``NotConverged`` warning.

    The founding paper's rule is ``Stop(min_outer=2, patience=1)``, where a latent SVM's tolerance
    is C eps.
    """

    tol: float | None = None
    min_outer: int = 3
    patience: int = 2
    max_outer: int = 400

    def __post_init__(self) -> None:
        """Check that it ends."""
        good = self.tol is None or 0 <= self.tol < math.inf
        require(good, f"Stop: tol must be 0 or more, or None; got {self.tol}.")
        for name in ("min_outer", "patience", "max_outer"):
            require_positive_int(name, getattr(self, name), "Stop")


@public("selfpaced.latent")
@dataclass(frozen=True)
class Search:
    """Self-paced alternating search.

    1. ``warmup`` rounds with all weights 1: impute h, fit w.
    2. Each round: impute h for all units; at this h alternate between v, from the losses, and w,
       until v stays or the relaxed objective falls by ``tol`` or less; the age grows.
    3. Where neither h nor v would change, the age grows until v does, without a fit.
    4. Once all weights are 1 it goes on as without an age, until ``stop``.

    The same h and v are never fitted twice.

    Args:
        age: How the age grows; None for CCCP, EM, k-means: the same rounds with v = 1. Its steps
            count from 1, the first round after the warm-up.
        weighting: From loss and age to v.
        warmup: Rounds before the first age, the paper's T0.
        stop: When it ends.
        max_inner: At most so many fits a round.

    Raises:
        TypeError: For counts that are no ints.
        ValueError: For counts below 1, an age that needs a weighting that cuts, and losses that are
            NaN or of another shape.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import numpy as np
    >>> class Centre:  # one centre; half the numbers lie elsewhere
    ...     x, tolerance = np.array([0.0, 0.1, 0.2, 9.0, 9.5]), 1e-6
    ...     def __len__(self): return len(self.x)
    ...     def impute(self, w): return None
    ...     def losses(self, w, h): return (self.x - w) ** 2
    ...     def fit(self, h, v, w0): return (v @ self.x) / v.sum()
    ...     def regulariser(self, w): return 0.0
    >>> from selfpaced.age import Quantile
    >>> from selfpaced.pacing import Constant
    >>> result = Search(age=Quantile(Constant(0.6)))(Centre(), None)
    >>> round(float(result.w), 2), result.v.tolist()
    (0.1, [1.0, 1.0, 1.0, 0.0, 0.0])
    """

    age: Age | None = Growing()
    weighting: Weighting = Hard()
    warmup: int = 2
    stop: Stop = Stop()
    max_inner: int = 10

    def __post_init__(self) -> None:
        """Check the settings."""
        _require_kinds(self.age, self.weighting, self.stop)
        require_positive_int("warmup", self.warmup, "Search")
        require_positive_int("max_inner", self.max_inner, "Search")
        require(
            self.age is None or not self.age.needs_cut or self.weighting.cuts,
            f"Search: {self.age!r} keeps a share, but {self.weighting!r} never reaches 0. Use a "
            f"weighting that cuts, such as Hard() or Linear().",
        )

    def __call__(
        self, model: LatentModel[H, W], h: H, *, columns: Mapping[str, Column] | None = None
    ) -> Result[H, W]:
        """Search from latent values.

        Args:
            model: What is fitted.
            h: The first latent values.
            columns: Per-unit constants that the age reads, such as groups, each of shape (n,).
        """
        choice = None
        if self.age is not None:
            choice = Choice(self.weighting, self.age, _read(columns or {}, len(model)))
        tol = model.tolerance if self.stop.tol is None else self.stop.tol
        run = Run(model, choice, self.warmup, self.max_inner, tol)
        small, last, converged = 0, None, False
        for fit in run.rounds(h, self.stop.max_outer):
            small = small + 1 if last is not None and fit.fell_from(last) <= tol else 0
            enough = small >= self.stop.patience and run.outer >= self.stop.min_outer
            enough, last = enough or fit is last, fit  # what is not fitted again never will be
            if converged := enough and run.is_over():
                break
        if not converged:
            _warn(self.stop.max_outer, run.history)
        return run.result(converged=converged)


def _read(columns: Mapping[str, Column], n: int) -> dict[str, Tensor]:
    """Return columns as tensors, once they are known to be of all units."""
    found = {name: torch.as_tensor(column) for name, column in columns.items()}
    for name, column in found.items():
        require(
            column.shape == (n,),
            f"Search: the column {name!r} must have one number per unit, shape ({n},); got shape "
            f"{tuple(column.shape)}.",
        )
    return found


def _require_kinds(age: object, weighting: object, stop: object) -> None:
    """Raise for what is no age, no weighting or no rule to stop."""
    require_part("Search", WEIGHTING, weighting)
    if age is not None:
        require_part("Search", AGE._replace(example="an age such as Growing(), or None"), age)
    if not isinstance(stop, Stop):
        raise TypeError(f"Search: stop must be a Stop, such as Stop(0.001); got {stop!r}.")


def _warn(rounds: int, history: list[Row]) -> None:
    """Warn that the rounds ran out."""
    ends = [row.objective for row in history if row.outer >= history[-1].outer - 1]
    warnings.warn(
        f"Search: {rounds} rounds were not enough; the last changed the objective by "
        f"{ends[-1] - ends[0]:.3g} to {ends[-1]:.6g}, with {history[-1].kept_share:.0%} kept. "
        f"Raise max_outer (max_iter of an estimator) or tol, or let the age grow faster.",
        NotConverged,
        stacklevel=3,
    )
