"""A search in progress, and what comes of it."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.chain import Floats
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.weights import ALMOST_ALL, Aged, Choice

H = TypeVar("H")
W = TypeVar("W")

SLIGHT = 1e-6  # more weight by no larger share is none: soft weights creep


@public("selfpaced.latent")
class Row(NamedTuple):
    """One inner solve.

    Args:
        outer: The round, from 1; the latent values change only between rounds.
        fits: Inner solves so far.
        age: Of this round, a float, or one per group; infinite keeps all.
        kept_share: Share of the units whose weight is not 0.
        relaxed: r(w) + sum v f + g(v; age), what the search minimises; with an infinite age, and so
            v = 1, the objective.
        objective: r(w) + sum f, with all weights 1 and this round's latent values.
        seconds: Since the search began.
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
    """What a search found.

    Args:
        w: Parameters.
        h: Latent values that w prefers.
        v: Weights of the last fit, float64, shape (n,).
        objective: r(w) + sum f at that w and h, with all weights 1.
        history: One row per inner solve.
        converged: Whether it ended before ``max_outer``.
    """

    w: W
    h: H
    v: Floats
    objective: float
    history: list[Row]
    converged: bool


class Fit(NamedTuple, Generic[H, W]):
    """A fit, and what came of it.

    Args:
        w: Parameters.
        h: The latent values that it was fitted to.
        v: The weights that it was fitted with.
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

    def fell_from(self, last: "Fit[H, W]") -> float:
        """Return by how much the objective fell; infinite where weights were added, and it rose."""
        if (self.v == 1).all():
            return last.objective - self.objective
        added = self.v.sum() > last.v.sum() * (1 + SLIGHT)
        return math.inf if added else last.weighted - self.weighted


class Run(Generic[H, W]):
    """A search in progress.

    Args:
        model: What is fitted.
        choice: How weights come about; None for 1 each.
        warmup: Rounds with weights of 1.
        max_inner: At most so many fits a round.
        tol: Within a round, a decrease of the relaxed objective by so much or less ends it.
    """

    def __init__(
        self,
        model: LatentModel[H, W],
        choice: Choice | None,
        warmup: int,
        max_inner: int,
        tol: float,
    ) -> None:
        """Begin with nothing fitted."""
        self.model, self.choice = model, choice
        self.warmup, self.max_inner, self.tol = warmup, max_inner, tol
        self.history: list[Row] = []
        self.outer, self.full = 0, choice is None  # full: all weights are 1 from here on
        self.fit: Fit[H, W]
        self.aged = Aged(
            0, torch.tensor(math.inf) if choice is None else choice.first(), np.ones(0)
        )
        self.began = time.perf_counter()

    def rounds(self, h: H, most: int) -> Iterator[Fit[H, W]]:
        """Yield the fit of each round."""
        for self.outer in range(1, most + 1):
            if self.outer > 1:
                h = self.model.impute(self.fit.w)
            if self.choice is None or self.full or self.outer <= self.warmup:
                self.fit = self._solve(h, self._everything())
            else:
                self.fit = self._alternate(h, self.choice)
            yield self.fit

    def is_over(self) -> bool:
        """Say whether no later age would change a weight."""
        if self.choice is None or self.full:
            return True
        begun = self.outer > self.warmup
        return begun and self.choice.changed(self.fit.loss, self.aged) is None

    def result(self, *, converged: bool) -> Result[H, W]:
        """Return what was found, with the latent values that it prefers."""
        w = self.fit.w
        h = self.model.impute(w)
        objective = self.model.regulariser(w) + float(self._losses(w, h).sum())
        return Result(w, h, self.fit.v, objective, self.history, converged)

    def _alternate(self, h: H, choice: Choice) -> Fit[H, W]:
        """Return the best of the fits to these latent values, between which v is chosen anew."""
        self.aged = self._grow(h, choice)
        best = fit = self._solve(h, self.aged)
        for _ in range(self.max_inner - 1):
            v = choice.weights(fit.loss, self.aged.step, self.aged.age)
            if np.array_equal(v, self.aged.v) or not v.any():  # a fit to nothing tells nothing
                break
            self.aged = self.aged._replace(v=v)
            before, fit = fit, self._solve(h, self.aged)
            best = min(best, fit, key=lambda one: one.relaxed)
            if before.relaxed - fit.relaxed <= self.tol:
                break
        return best

    def _grow(self, h: H, choice: Choice) -> Aged:
        """Return the next step of the age: the next that changes a weight, where h would stay."""
        loss = self._losses(self.fit.w, h)
        aged = choice.grown(loss, self.aged)
        if np.array_equal(aged.v, self.fit.v) and same(h, self.fit.h):
            aged = choice.changed(loss, aged) or aged
        if not aged.v.any():
            aged = choice.changed(loss, aged) or aged
        if (aged.v > ALMOST_ALL).all() and choice.changed(loss, aged) is None:
            self.full = True
            return Aged(aged.step, torch.full_like(aged.age, math.inf), np.ones(len(loss)))
        require(
            bool((aged.v > 0).any()),
            f"Search: no unit is easy enough at the age {aged.age.max():.3g}; the least loss is "
            f"{loss.min():g}, and no later age takes it in.",
        )
        return aged

    def _everything(self) -> Aged:
        """Return an infinite age, which keeps all."""
        n = len(self.model)
        return Aged(self.aged.step, torch.full_like(self.aged.age, math.inf), np.ones(n))

    def _solve(self, h: H, aged: Aged) -> Fit[H, W]:
        """Return the fit to these latent values and weights; one that is there is not repeated."""
        last = self.fit if self.history else None
        if last is not None and np.array_equal(last.v, aged.v) and same(last.h, h):
            return last
        self.fit = self._fitted(h, aged, None if last is None else last.w)
        return self.fit

    def _fitted(self, h: H, aged: Aged, w0: W | None) -> Fit[H, W]:
        """Fit, evaluate, and write it down."""
        w = self.model.fit(h, aged.v, w0)
        loss, r = self._losses(w, h), self.model.regulariser(w)
        weighted = r + float((aged.v * loss).sum())
        g = 0.0 if self.choice is None else self.choice.penalty(aged.v, aged.age)
        fit = Fit(w, h, aged.v, loss, r + float(loss.sum()), weighted, weighted + g)
        age = aged.age.item() if aged.age.ndim == 0 else tuple(aged.age.tolist())
        kept, seconds = float((aged.v > 0).mean()), time.perf_counter() - self.began
        place = (self.outer, len(self.history) + 1)
        self.history.append(Row(*place, age, kept, fit.relaxed, fit.objective, seconds))
        return fit

    def _losses(self, w: W, h: H) -> Floats:
        """Return the losses once they are known to be one number per unit."""
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
            f"{bad[:1].tolist()}. Lower bounds on variances or counts in fit() prevent that.",
        )
        return loss


def same(a: object, b: object) -> bool:
    """Say whether latent values are equal: arrays, also of objects, or tuples or lists of them."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype.hasobject:
        return same(tuple(a), tuple(b))
    return np.array_equal(a, b)  # type: ignore[arg-type]  # None and scalars are arrays to NumPy
