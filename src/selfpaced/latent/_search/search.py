"""The settings of the alternating search over parameters w, latent values h and weights v.

    min over w, h, v   r(w) + sum_i v_i f_i(w, h_i) + g(v; age)

CCCP, EM and k-means are the same search with all v_i = 1: ``Search(age=None)``.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import check_groups, require, require_positive_int
from selfpaced._memory.given import values_of
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
    """A search or a solver reached its limit of rounds or iterations before it converged."""


@public("selfpaced.latent")
@dataclass(frozen=True)
class Stop:
    """When a search ends: once the objective has stopped falling.

    The rule is applied only when no later age would change a weight. One small decrease is not
    enough: from random latent values the objective often falls by less than the tolerance in the
    second round of CCCP, and by much more in the third. When neither h nor v changes any more, the
    search ends at once, since every later round would be the same.

    Args:
        tol: A decrease of this or less is small; in the unit of the objective, 0 or more. None
            for the model's ``tolerance``.
        min_outer: Least number of rounds, warm-up included.
        patience: Number of small decreases in a row that end the search.
        max_outer: Most rounds. A search that has not ended by then warns with ``NotConverged``.

    The rule of the founding paper is ``Stop(min_outer=2, patience=1)``, with the tolerance of a
    latent SVM, C eps.
    """

    tol: float | None = None
    min_outer: int = 3
    patience: int = 2
    max_outer: int = 400

    def __post_init__(self) -> None:
        """Check the settings."""
        good = self.tol is None or 0 <= self.tol < math.inf
        require(good, f"Stop: tol must be 0 or more, or None; got {self.tol}.")
        for name in ("min_outer", "patience", "max_outer"):
            require_positive_int(name, getattr(self, name), "Stop")


@public("selfpaced.latent")
@dataclass(frozen=True)
class Search:
    """Self-paced alternating search.

    1. Warm-up: in the first ``warmup`` rounds all weights are 1. The first round fits w to the
       given h; each later one imputes h and fits w.
    2. Each later round grows the age and imputes h for all units. At this h it alternates between
       v, computed from the losses, and w, until v stays the same or the relaxed objective falls by
       the tolerance of ``stop`` or less.
    3. If neither h nor v would change, the age grows until v changes, without a fit.
    4. Once all weights are 1, the search continues as without an age, until ``stop``.

    The same h and v are never fitted twice in a row.

    Args:
        age: How the age grows, counted from step 1 in the first round after the warm-up. None for
            CCCP, EM or k-means: the same rounds with v = 1.
        weighting: The rule from loss and age to v.
        warmup: Number of rounds before the first age, the T0 of the paper.
        stop: When the search ends.
        max_inner: Most fits per round.

    Raises:
        TypeError: For counts that are not ints.
        ValueError: For counts below 1, for an age that needs a weighting that cuts with one that
            does not, and for losses that are NaN or of another shape.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import numpy as np
    >>> class Centre:  # one centre of five numbers, two of which are outliers
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
        """Search from first latent values.

        Args:
            model: The model to fit.
            h: The first latent values.
            columns: Per-unit constants that the age reads, such as groups, each of shape (n,).
        """
        choice = None
        if self.age is not None:
            choice = Choice(
                self.weighting, self.age, _read_columns(columns or {}, len(model), self.age.by)
            )
        tol = model.tolerance if self.stop.tol is None else self.stop.tol
        run = Run(model, choice, self.warmup, self.max_inner, tol)
        small, last, converged = 0, None, False
        for fit in run.rounds(h, self.stop.max_outer):
            small = small + 1 if last is not None and fit.decrease_since(last) <= tol else 0
            enough = small >= self.stop.patience and run.outer >= self.stop.min_outer
            unchanged, last = fit is last, fit  # if unchanged, later rounds would all be the same
            if converged := (enough or unchanged) and run.is_over():
                break
        if not converged:
            _warn_not_converged(self.stop.max_outer, run.history)
        return run.result(converged=converged)


def _read_columns(columns: Mapping[str, Column], n: int, by: str | None) -> dict[str, Tensor]:
    """Return columns as tensors, or raise unless each has one number per unit."""
    found = {name: values_of(name, column) for name, column in columns.items()}
    for name, column in found.items():
        require(
            column.shape == (n,),
            f"Search: the column {name!r} must have one number per unit, shape ({n},); got shape "
            f"{tuple(column.shape)}.",
        )
    if by is not None and by in found:
        check_groups(by, found[by])
    return found


def _require_kinds(age: object, weighting: object, stop: object) -> None:
    """Raise ``TypeError`` unless these are an age or None, a weighting and a ``Stop``."""
    require_part("Search", WEIGHTING, weighting)
    if age is not None:
        require_part("Search", AGE._replace(example="an age such as Growing(), or None"), age)
    if not isinstance(stop, Stop):
        raise TypeError(f"Search: stop must be a Stop, such as Stop(0.001); got {stop!r}.")


def _warn_not_converged(rounds: int, history: list[Row]) -> None:
    """Warn that the search has not converged in all its rounds."""
    last = [row.objective for row in history if row.outer >= history[-1].outer - 1]
    warnings.warn(
        f"Search: {rounds} rounds were not enough; the last changed the objective by "
        f"{last[-1] - last[0]:.3g} to {last[-1]:.6g}, with {history[-1].kept_share:.0%} kept. "
        f"Raise max_outer (max_iter of an estimator) or tol, or let the age grow faster.",
        NotConverged,
        stacklevel=3,
    )
