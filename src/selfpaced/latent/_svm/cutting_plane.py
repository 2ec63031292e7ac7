"""The convex step of a latent SVM: one-slack cutting planes, with a certificate.

    min over w   P(w) = |w|^2 / 2 + R(w),   R(w) = max over guesses of  b - a . w

A guess is a label and a latent value for every sample at once; it makes the cut (a, b) with
a = sum_i c_i (Phi(x_i, y_i, h_i) - Phi(x_i, guess_i)) and b = sum_i c_i Delta(y_i, guess_i).

Joachims, Finley, Yu, *Cutting-Plane Training of Structural SVMs*, Machine Learning 77, 2009. In the
paper each cut is made at the minimum of the model of P. Here it is made a tenth of the way from the
best point to that minimum; on the digits problem this takes a third to a fifth of the iterations.
"""

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import piqp

from selfpaced.chain import Floats
from selfpaced.latent._search.search import NotConverged

G = TypeVar("G")

# A cut is dropped after more than this many iterations in a row with a multiplier of 0.
MAX_UNUSED = 20
# After a query that did not lower P, the next query is this share of the way from the best point to
# the minimum of the model. After one that did, the share is doubled, up to 1.
STEP = 0.1
# The precision of the multipliers; the lower bound that they give is valid at any precision.
PRECISION = 1e-9


class Cut(NamedTuple, Generic[G]):
    """A lower bound on R: b - a . w."""

    a: Floats
    b: float
    guess: G


class Solution(NamedTuple, Generic[G]):
    """A minimum of P, up to a gap.

    Args:
        w: Parameters, shape (d,).
        cuts: The guesses whose cuts have a multiplier above 0. They are a start for a problem that
            differs little from this one.
        gap: P(w) minus a lower bound on the minimum.
        iterations: Number of cuts made.
    """

    w: Floats
    cuts: tuple[G, ...]
    gap: float
    iterations: int


class Bundle(Generic[G]):
    """The cuts so far: a model of P from below.

    Attributes:
        a, b: The cuts, shapes (m, d) and (m,).
        gram: The inner products of the rows of a, shape (m, m).
        multiplier: The multiplier of each cut at the last minimum, shape (m,).
        unused: Iterations in a row in which the multiplier was 0, shape (m,).
        guesses: The guess of each cut.
    """

    def __init__(self, d: int) -> None:
        """Begin without cuts; w has shape (d,)."""
        self.a, self.b = np.zeros((0, d)), np.zeros(0)
        self.gram, self.multiplier = np.zeros((0, 0)), np.zeros(0)
        self.unused = np.zeros(0, dtype=np.int64)
        self.guesses: list[G] = []

    def add(self, cut: Cut[G]) -> None:
        """Add a cut."""
        row = self.a @ cut.a
        self.gram = np.block([[self.gram, row[:, None]], [row[None, :], cut.a @ cut.a]])
        self.a, self.b = np.vstack([self.a, cut.a]), np.append(self.b, cut.b)
        self.unused = np.append(self.unused, 0)
        self.guesses.append(cut.guess)

    def minimum(self) -> tuple[Floats, float]:
        """Return the minimum of the model, shape (d,), and its value, a lower bound on P."""
        self.multiplier = multipliers(self.gram, self.b)
        w = self.multiplier @ self.a
        bound = float(self.multiplier @ self.b - w @ w / 2)
        self._drop_unused()
        return w, bound

    def active(self) -> tuple[G, ...]:
        """Return the guesses whose cuts have a multiplier above 0."""
        return tuple(self.guesses[j] for j in np.flatnonzero(self.multiplier))

    def _drop_unused(self) -> None:
        """Drop the cuts whose multiplier has been 0 for more than ``MAX_UNUSED`` iterations."""
        self.unused = np.where(self.multiplier > 0, 0, self.unused + 1)
        keep = np.flatnonzero(self.unused <= MAX_UNUSED)
        self.a, self.b, self.unused = self.a[keep], self.b[keep], self.unused[keep]
        self.gram, self.multiplier = self.gram[np.ix_(keep, keep)], self.multiplier[keep]
        self.guesses = [self.guesses[j] for j in keep]


def multipliers(gram: Floats, b: Floats) -> Floats:
    """Return argmin over alpha >= 0, sum alpha <= 1 of alpha . gram alpha / 2 - b . alpha.

    >>> multipliers(np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([1.0, 0.5])).round(6).tolist()
    [0.5, 0.25]
    """
    m = len(b)
    scale = max(float(np.abs(b).max()), float(gram.diagonal().max()), np.finfo(float).tiny)
    solver = piqp.DenseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = PRECISION
    simplex = np.ones((1, m), order="F")
    solver.setup(
        np.asfortranarray(gram / scale), -b / scale, G=simplex, h_u=np.ones(1), x_l=np.zeros(m)
    )
    solver.solve()
    alpha = np.where(solver.result.x > 10 * PRECISION, solver.result.x, 0.0)
    return np.asarray(alpha / max(1.0, float(alpha.sum())))


def minimise(
    cut_at: Callable[[Floats], Cut[G]],
    cuts: Iterable[Cut[G]],
    start: Floats,
    *,
    tol: float,
    max_iter: int,
) -> Solution[G]:
    """Return w with P(w) at most ``tol`` above the minimum.

    Args:
        cut_at: Returns the cut that equals R at a given w.
        cuts: Cuts that are known to be lower bounds on R.
        start: The w at which the first cut is made, shape (d,).
        tol: The gap to reach; above 0, in the unit of P.
        max_iter: Most iterations, each of one cut. If the gap is not reached by then, the best w so
            far is returned, with a ``NotConverged`` warning.
    """
    bundle: Bundle[G] = Bundle(len(start))
    for cut in cuts:
        bundle.add(cut)
    best, least, bound, query, step = start, math.inf, -math.inf, start, 1.0
    for n in range(1, max_iter + 1):
        cut = cut_at(query)
        bundle.add(cut)
        value = float(query @ query / 2 + cut.b - cut.a @ query)
        step = min(2 * step, 1.0) if value < least else STEP
        if value < least:
            best, least = query, value
        w, below = bundle.minimum()
        bound = max(bound, below)
        if least - bound <= tol:
            return Solution(best, bundle.active(), least - bound, n)
        query = best + step * (w - best)
    gap = least - bound
    warnings.warn(
        f"The cutting planes stopped after {max_iter} iterations with a gap of {gap:.3g}; the "
        f"tolerance was {tol:.3g}. Raise max_iter or eps.",
        NotConverged,
        stacklevel=2,
    )
    return Solution(best, bundle.active(), gap, max_iter)
