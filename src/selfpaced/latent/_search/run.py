"""A search in progress: its rounds, its fits and its result."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced._text import html_line, html_table
from selfpaced.chain import Floats
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.weights import ALMOST_ONE, AgeStep, Choice

H = TypeVar("H")
W = TypeVar("W")

# Weight counts as added if the sum of weights is larger by more than this share: soft weights can
# grow by less in every round.
MIN_GROWTH = 1e-6


@public("selfpaced.latent")
class Row(NamedTuple):
    """One fit of a search.

    Args:
        outer: The round, from 1; the latent values change only between rounds.
        fits: Number of fits so far, this one included.
        age: The age of this round, a float, or one per group; an infinite age keeps all units.
        kept_share: Share of the units whose weight is not 0.
        relaxed: r(w) + sum v f + g(v; age), which the search minimises. It equals ``objective`` at
            an infinite age, where v = 1.
        objective: r(w) + sum f, with all weights 1 and this round's latent values.
        seconds: Time since the search began.
    """

    outer: int
    fits: int
    age: float | tuple[float, ...]
    kept_share: float
    relaxed: float
    objective: float
    seconds: float


@public("selfpaced.latent")
@dataclass(frozen=True)
class Result(Generic[H, W]):
    """The result of a search.

    Args:
        w: Parameters.
        h: Latent values that w prefers.
        v: Weights of the last fit, float64, shape (n,).
        objective: r(w) + sum f at ``w`` and ``h``, with all weights 1.
        history: One row per fit.
        converged: Whether the search ended before ``max_outer`` rounds.
    """

    w: W
    h: H
    v: Floats
    objective: float
    history: list[Row]
    converged: bool

    def _repr_html_(self) -> str:
        """Return the result for a notebook: the objective, the fits, and what is kept."""
        kept = f"{(self.v > 0).sum():,} of {len(self.v):,}"
        ended = "converged" if self.converged else "stopped before it converged"
        rows = [("objective", f"{self.objective:.6g}"), ("fits", f"{len(self.history):,}")]
        rows += [("samples with weight", kept), ("search", ended)]
        lines = [
            html_line([row.objective for row in self.history], "objective"),
            html_line([row.kept_share for row in self.history], "kept share"),
        ]
        names = ("objective", "kept share")
        drawn = "".join(f"<div>{n} {line}</div>" for n, line in zip(names, lines, strict=True))
        return f"<div>{html_table(('', ''), rows)}{drawn}</div>"


class Fit(NamedTuple, Generic[H, W]):
    """A fit with its losses and objectives.

    Args:
        w: The fitted parameters.
        h: The latent values that w was fitted to.
        v: The weights that w was fitted with, shape (n,).
        loss: f_i(w, h_i), shape (n,).
        objective: r(w) + sum f.
        weighted: r(w) + sum v f.
        relaxed: r(w) + sum v f + g(v; age).
    """

    w: W
    h: H
    v: Floats
    loss: Floats
    objective: float
    weighted: float
    relaxed: float

    def decrease_since(self, last: "Fit[H, W]") -> float:
        """Return by how much the objective fell since ``last``.

        The decrease is infinite if weight was added: the weighted objective then rises, which says
        nothing about convergence.
        """
        if (self.v == 1).all():
            return last.objective - self.objective
        added = self.v.sum() > last.v.sum() * (1 + MIN_GROWTH)
        return math.inf if added else last.weighted - self.weighted


class Run(Generic[H, W]):
    """A search in progress.

    Args:
        model: The model to fit.
        choice: Chooses the weights; None for weights of 1.
        warmup: Number of first rounds in which all weights are 1.
        max_inner: Most fits per round.
        tol: A round ends when the relaxed objective falls by this or less from one fit to the next.

    Attributes:
        history: One row per fit so far.
        outer: The present round, from 1; 0 before the first.
        all_kept: Whether all weights are 1 from now on.
        fit: The last fit.
        age_step: The last step of the age.
        began: When the search began, in seconds of ``time.perf_counter``.
    """

    def __init__(
        self,
        model: LatentModel[H, W],
        choice: Choice | None,
        warmup: int,
        max_inner: int,
        tol: float,
    ) -> None:
        """Begin without a fit."""
        self.model, self.choice = model, choice
        self.warmup, self.max_inner, self.tol = warmup, max_inner, tol
        self.history: list[Row] = []
        self.outer, self.all_kept = 0, choice is None
        self.fit: Fit[H, W]
        first_age = torch.tensor(math.inf) if choice is None else choice.first()
        self.age_step = AgeStep(0, first_age, np.ones(0))
        self.began = time.perf_counter()

    def rounds(self, h: H, max_outer: int) -> Iterator[Fit[H, W]]:
        """Yield the fit of each round, at most ``max_outer``, from first latent values h."""
        for self.outer in range(1, max_outer + 1):
            if self.outer > 1:
                h = self.model.impute(self.fit.w)
            if self.choice is None or self.all_kept or self.outer <= self.warmup:
                self.fit = self._solve(h, self._keep_all())
            else:
                self.fit = self._alternate(h, self.choice)
            yield self.fit

    def is_over(self) -> bool:
        """Return whether no later age would change a weight."""
        if self.choice is None or self.all_kept:
            return True
        paced = self.outer > self.warmup
        return paced and self.choice.next_change(self.fit.loss, self.age_step) is None

    def result(self, *, converged: bool) -> Result[H, W]:
        """Return the result of the search, with the latent values that its w prefers."""
        w = self.fit.w
        h = self.model.impute(w)
        objective = self.model.regulariser(w) + float(self._losses(w, h).sum())
        return Result(w, h, self.fit.v, objective, self.history, converged)

    def _alternate(self, h: H, choice: Choice) -> Fit[H, W]:
        """Alternate between v and w at these latent values.

        Returns:
            The fit of lowest relaxed objective.
        """
        self.age_step = self._grow(h, choice)
        best = fit = self._solve(h, self.age_step)
        for _ in range(self.max_inner - 1):
            v = choice.weights(fit.loss, self.age_step.step, self.age_step.age)
            if np.array_equal(v, self.age_step.v) or not v.any():  # a fit needs at least one unit
                break
            self.age_step = self.age_step._replace(v=v)
            before, fit = fit, self._solve(h, self.age_step)
            best = min(best, fit, key=lambda candidate: candidate.relaxed)
            if before.relaxed - fit.relaxed <= self.tol:
                break
        return best

    def _grow(self, h: H, choice: Choice) -> AgeStep:
        """Return the next step of the age.

        If neither h nor v would change, or if no unit would be kept, the steps up to the next
        change of a weight are skipped.
        """
        loss = self._losses(self.fit.w, h)
        new = choice.next_step(loss, self.age_step)
        if np.array_equal(new.v, self.fit.v) and same_latent(h, self.fit.h):
            new = choice.next_change(loss, new) or new
        if not new.v.any():
            new = choice.next_change(loss, new) or new
        if (new.v > ALMOST_ONE).all() and choice.next_change(loss, new) is None:
            self.all_kept = True
            return AgeStep(new.step, torch.full_like(new.age, math.inf), np.ones(len(loss)))
        require(
            bool((new.v > 0).any()),
            f"Search: no unit is easy enough at the age {new.age.max():.3g}: the lowest loss is "
            f"{loss.min():g}, and no later age keeps it. Use a higher age.",
        )
        return new

    def _keep_all(self) -> AgeStep:
        """Return the present step with an infinite age, which keeps all units."""
        step, age = self.age_step.step, self.age_step.age
        return AgeStep(step, torch.full_like(age, math.inf), np.ones(len(self.model)))

    def _solve(self, h: H, age_step: AgeStep) -> Fit[H, W]:
        """Return the fit to these latent values and weights; the last fit if it had the same."""
        last = self.fit if self.history else None
        if last is not None and np.array_equal(last.v, age_step.v) and same_latent(last.h, h):
            return last
        self.fit = self._new_fit(h, age_step, None if last is None else last.w)
        return self.fit

    def _new_fit(self, h: H, age_step: AgeStep, w0: W | None) -> Fit[H, W]:
        """Fit the model, compute the objectives, and add a row to the history."""
        _, age, v = age_step
        w = self.model.fit(h, v, w0)
        loss, r = self._losses(w, h), self.model.regulariser(w)
        weighted = r + float((v * loss).sum())
        g = 0.0 if self.choice is None else self.choice.penalty(v, age)
        fit = Fit(w, h, v, loss, r + float(loss.sum()), weighted, weighted + g)
        row = Row(
            outer=self.outer,
            fits=len(self.history) + 1,
            age=age.item() if age.ndim == 0 else tuple(age.tolist()),
            kept_share=float((v > 0).mean()),
            relaxed=fit.relaxed,
            objective=fit.objective,
            seconds=time.perf_counter() - self.began,
        )
        self.history.append(row)
        return fit

    def _losses(self, w: W, h: H) -> Floats:
        """Return the losses, float64, shape (n,), or raise unless each is a finite number."""
        loss = np.asarray(self.model.losses(w, h), dtype=np.float64)
        n, owner = len(self.model), type(self.model).__name__
        require(
            loss.shape == (n,),
            f"{owner}.losses must return one loss per unit, shape ({n},); got {loss.shape}.",
        )
        bad = np.flatnonzero(~np.isfinite(loss))
        require(
            not len(bad),
            f"{owner}.losses returned {len(bad)} losses that are not finite, the first at unit "
            f"{bad[:1].tolist()}. Bound variances and counts from below in fit().",
        )
        return loss


def same_latent(a: object, b: object) -> bool:
    """Return whether two latent values are equal: arrays, or tuples or lists of arrays."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(same_latent, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype.hasobject:
        return same_latent(tuple(a), tuple(b))
    return np.array_equal(a, b)  # type: ignore[arg-type]  # None and scalars are arrays to NumPy
